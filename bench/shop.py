"""What `answers.py` asks about: a small repository with a history, a tiny model, the commands.

    python -m bench.shop FOLDER      # makes the tiny model; wants torch and transformers

The commits have fixed names, dates and texts, so their hashes are the same on every run.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SETTINGS = {  # the tiny model writes nonsense: a little is enough
    "HOMESPUN_COMPLETION_CONTEXT_TOKENS": "512",
    "HOMESPUN_COMPLETION_MAX_TOKENS": "6",
    "HOMESPUN_COMPLETION_MAX_BLOCK_TOKENS": "8",
}
ONLY_SHAPE = {"train"}  # its verdict has speeds in it
_PARTS = 32
_LATER = 12
_FIRST_DAY = 1_735_725_600  # 2025-01-01, a commit a day from there
_DAY_SECONDS = 86_400
_CONTROL = ("<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
_NOUNS = "order basket invoice parcel voucher refund courier pallet shelf label".split()
_VERBS = "load pack price weigh route check merge split rank audit".split()
_FIELDS = "amount weight colour origin target status number region margin credit".split()

_PYTHON_HEAD = '''"""{verb} the {noun}."""

from __future__ import annotations

import logging

from shop.errors import ShopError

logger = logging.getLogger(__name__)
'''
_PYTHON = '''

def {verb}_{noun}({one}: int, {two}: str) -> dict[str, object]:
    """Return the {noun} after it was {verb}ed by its {one}."""
    if {one} < {number}:
        raise ShopError(f"the {one} of the {noun} is {{{one}}}, below {number}")
    logger.info("{verb} %s with %s", {one}, {two})
    found = {{"{one}": {one}, "{two}": {two}}}
    for name in ("{three}", "{four}"):
        found[name] = {one} * {number} + len({two})
    return found
'''
_SCRIPT_HEAD = (
    "import {{ ShopError }} from './errors.js';\n\nexport const {one}Of{noun} = {number};\n"
)
_SCRIPT = """
/** Returns the {noun} after it was {verb}ed. */
export function {verb}{noun}({one}, {two}) {{
  if ({one} < {number}) {{
    throw new ShopError('the {one} is below {number}');
  }}
  return {{ {one}, {two}, {three}: {one} * {number} }};
}}
"""


def make_shop(folder: Path) -> Path:
    """Write the repository `shop`; return it."""
    rng = random.Random(19)
    folder.mkdir(parents=True)
    _git(folder, 0, "init", "--quiet", "--initial-branch", "main")
    errors = '"""What goes wrong."""\n\n\nclass ShopError(Exception):\n    """Any."""\n'
    texts = {
        "shop/errors.py": errors,
        "web/errors.js": "export class ShopError extends Error {}\n",
        "README.md": "# Shop\n\nOrders, parcels and who pays for them.\n",
        ".gitignore": ".homespun/\n",
    }
    _commit(folder, 0, "Begin", texts)
    for number in range(_PARTS):
        name, head, body = (
            (f"web/part_{number:02}.js", _SCRIPT_HEAD, _SCRIPT)
            if number % 4 == 3
            else (f"shop/part_{number:02}.py", _PYTHON_HEAD, _PYTHON)
        )
        texts[name] = _filled(head, rng) + "".join(_filled(body, rng) for _ in range(9))
        _commit(folder, number + 1, f"Add part {number}", {name: texts[name]})
    parts = sorted(name for name in texts if "part" in name)
    for number in range(_LATER):
        for name in rng.sample(parts, 3):
            texts[name] += _filled(_SCRIPT if name.endswith(".js") else _PYTHON, rng)
        _commit(folder, _PARTS + number + 1, f"Extend {number}", texts)
    return folder


def _filled(template: str, rng: random.Random) -> str:
    one, two, three, four = rng.sample(_FIELDS, 4)
    names = {"verb": rng.choice(_VERBS), "noun": rng.choice(_NOUNS), "number": rng.randint(2, 99)}
    return template.format(one=one, two=two, three=three, four=four, **names)


def _commit(folder: Path, day: int, message: str, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    _git(folder, day, "add", "--all")
    _git(folder, day, "commit", "--quiet", "--no-gpg-sign", "-m", message)


def _git(folder: Path, day: int, *arguments: str) -> str:
    date = f"{_FIRST_DAY + day * _DAY_SECONDS} +0000"
    who = {f"GIT_{role}_{what}": f"{role.lower()}@shop.example" for role, what in _SIGNED}
    settings = {
        "GIT_AUTHOR_DATE": date,
        "GIT_COMMITTER_DATE": date,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    command = ["git", "-c", "core.autocrlf=false", *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **who, **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


_SIGNED = [(role, what) for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")]


def head(folder: Path, back: int = 0) -> str:
    """Return the commit so many before the last one."""
    return _git(folder, 0, "rev-parse", f"HEAD~{back}")


def json_commands(shop: Path, tiny: Path, home: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield a name and the arguments of each command to run in `shop`, in this order, all as JSON.

    What a command needs is written, or looked up, when it is its turn.
    """
    aside = shop.parent
    model = ["--model", str(tiny)]
    yield "models list", ["models", "list"]
    yield "models fetch", ["models", "fetch"]
    yield "models verify", ["models", "verify"]
    yield "models verify: unknown", ["models", "verify", "nobody"]
    yield "search: no index", ["search", "pack the parcel"]
    yield "index", ["index"]
    yield "index: unchanged", ["index"]
    yield "index: words alone, anew", ["index", "--rebuild", "--encoder", "none"]
    yield "search: words alone", ["search", "pack the parcel"]
    yield "index: vectors", ["index", "--encoder", "homespun-static-1"]
    yield from _searches(aside)
    yield from _completions(shop, model)
    yield "conventions", ["conventions", "--least", "5"]
    yield "conventions: one rule", ["conventions", "--rule", "docstring"]
    yield "dataset", ["dataset", "--out", str(aside / "dataset")]
    yield "dataset: again", ["dataset", "--out", str(aside / "dataset")]
    yield "dataset: too little", ["dataset", "--until", "2025-01-02", "--out", str(aside / "less")]
    yield from _evaluations(shop, model)
    yield "acceptance: nothing", ["acceptance"]
    _log_acceptance(home / "acceptance")
    yield "acceptance", ["acceptance"]
    yield "adapters list: none", ["adapters", "list"]
    yield "adapters check: none", ["adapters", "check"]
    yield "adapters show: unknown", ["adapters", "show", "nobody"]
    few = ["--steps", "2", "--items", "10", "--examples", "220", "--no-promote"]
    yield "train", ["train", *model, *few]
    yield "adapters list", ["adapters", "list"]
    manifests = sorted((shop / ".homespun" / "adapters").glob("*/manifest.json"))
    adapter = manifests[0].parent.name if manifests else "none was made"
    yield "adapters show", ["adapters", "show", adapter]
    yield "adapters trust", ["adapters", "trust", adapter]
    yield "adapters promote: not let through", ["adapters", "promote", adapter, *model]
    yield "adapters promote", ["adapters", "promote", adapter, "--unproven", *model]
    yield "complete: champion", ["complete", _place(shop), *model]
    yield "adapters check", ["adapters", "check", "--items", "30", *model]
    yield "adapters rollback", ["adapters", "rollback", *model]
    yield "adapters remove", ["adapters", "remove", adapter, *model]


def printed_commands(shop: Path, tiny: Path, home: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield commands for people, in this order."""
    queries = str(_queries(shop.parent))
    yield "models list", ["models", "list"]
    yield "index", ["index"]
    yield "search", ["search", "--explain", "pack the parcel"]
    yield "search: many", ["search", "--queries", queries, "--limit", "3"]
    yield "search: nothing asked", ["search"]
    yield "complete", ["complete", _place(shop), "--model", str(tiny)]
    yield "complete: no place", ["complete", "shop/part_00.py"]
    yield "conventions", ["conventions", "--all"]
    yield "conventions: no such rule", ["conventions", "--rule", "nonsense"]
    yield "eval retrieval", ["eval", "retrieval", queries, "--below", "2"]
    yield "dataset", ["dataset"]
    yield "acceptance: nothing", ["acceptance"]
    _log_acceptance(home / "acceptance")
    yield "acceptance", ["acceptance"]
    yield "adapters list", ["adapters", "list"]
    yield "adapters rollback", ["adapters", "rollback"]
    yield "no verb", ["nonsense"]


def _searches(aside: Path) -> Iterator[tuple[str, list[str]]]:
    yield "search", ["search", "pack the parcel"]
    yield "search: many", ["search", "--queries", str(_queries(aside))]
    yield "search: explained", ["search", "--explain", "price_order"]
    for mode in ("lexical", "dense"):
        yield f"search: {mode}", ["search", "--mode", mode, "below the amount"]
    yield (
        "search: narrowed",
        [
            *("search", "--language", "python", "--glob", "shop/**", "--kind", "function"),
            *("--limit", "4", "audit"),
        ],
    )


def _completions(shop: Path, model: list[str]) -> Iterator[tuple[str, list[str]]]:
    yield "complete", ["complete", _place(shop), *model]
    for adapter in ("none", "base"):
        arguments = ["complete", _place(shop), *model, "--no-retrieval", "--adapter", adapter]
        yield f"complete: {adapter}, no retrieval", arguments
    path = shop.parent / "batch.jsonl"
    rows = [
        {"id": "place", "path": "shop/part_01.py", "line": 14, "column": 5},
        {"id": "text", "path": "new.py", "prefix": "def total(items):\n    ", "suffix": "\n"},
        {"id": "broken", "path": "shop/nowhere.py", "line": 1, "column": 1},
        ["no object"],
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    yield "complete: many", ["complete", "--batch", str(path), *model]


def _evaluations(shop: Path, model: list[str]) -> Iterator[tuple[str, list[str]]]:
    queries = str(_queries(shop.parent))
    yield "eval retrieval", ["eval", "retrieval", queries]
    yield "eval retrieval: accepted", ["eval", "retrieval", queries, "--accept"]
    yield "eval retrieval: compared", ["eval", "retrieval", queries]
    few = ["--since", head(shop, _LATER), "--items", "6", "--infilling", "2", *model]
    yield "eval completion", ["eval", "completion", *few, "--accept"]
    yield "eval completion: compared", ["eval", "completion", *few]
    two = ["--adapter", "none", "base", "--tasks", "2"]
    yield "eval infilling", ["eval", "infilling", *two, *model]


def _place(shop: Path) -> str:
    return f"{shop / 'shop' / 'part_02.py'}:15:9"


def _queries(aside: Path) -> Path:
    path = aside / "queries.json"
    rows = [
        {"query": "pack the parcel", "relevant": ["shop/part_01.py"]},
        {"query": "ShopError", "relevant": ["shop/errors.py", "web/errors.js"]},
        {"query": "who pays", "relevant": ["README.md"]},
    ]
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def _log_acceptance(folder: Path) -> None:
    """Write records of version 1, as the server does."""
    outcomes = ("shown", "accepted", "partial", "typed")
    rows = [
        {
            **{"id": f"answer-{n}", "time": f"2026-01-{n + 1:02}T10:00:00Z", "language": "python"},
            **{"model": "tiny", "adapter": "none", "sources": n % 3, "chars": 10 + n, "lines": 1},
            **{"kind": "block" if n % 5 == 0 else "line", "ms": 100.0 + n, "stood_ms": 500 * n},
            **{"outcome": outcomes[n % 4], "typed": n, "accepted": 10 * (n % 4 in (1, 2)), "v": 1},
            **{"steps": ["all"] if n % 4 == 1 else [], "kept": [1.0, 0.5, None][: n % 4]},
            "changed": [0.0, 0.4, None][: n % 4],
        }
        for n in range(16)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "2026-01.jsonl").write_text(text + "no record\n", encoding="utf-8")


def initialized(python: str, shop: Path, env: dict[str, str]) -> dict[str, object]:
    """Return what the language server answers to `initialize`."""
    params = {"processId": None, "rootUri": shop.as_uri(), "capabilities": {}}
    ask = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    body = json.dumps(ask).encode()
    done = subprocess.run(
        [python, "-P", "-m", "homespun.cli", "serve"],
        cwd=shop,
        env=env,
        input=b"Content-Length: %d\r\n\r\n%s" % (len(body), body),
        capture_output=True,
    )
    _, _, rest = done.stdout.partition(b"\r\n\r\n")
    answer: dict[str, object] = json.JSONDecoder().raw_decode(rest.decode())[0]
    return answer


def save_tiny_model(folder: Path) -> None:
    """Write a random Qwen2 of one layer, as transformers saves one."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=8_000, initial_alphabet=alphabet, show_progress=False)
    # Python's own library: words of ordinary code, so that prompts are no longer than a model's.
    tokenizer.train([str(path) for path in sorted(Path(os.__file__).parent.glob("*.py"))], trainer)
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in _CONTROL])
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(7)
    config = Qwen2Config(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=64,
        intermediate_size=160,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        rope_parameters={"rope_type": "default", "rope_theta": 5_000.0},
        tie_word_embeddings=True,
        initializer_range=0.08,
    )
    model = Qwen2ForCausalLM(config).float().eval()
    with torch.no_grad():  # lines end soon, and so does what counts thousands of them
        words = model.model.embed_tokens.weight
        words[:, 0] = 0.3
        words[[at for word, at in tokenizer.get_vocab().items() if "\u010a" in word], 0] = 5.0
    model.save_pretrained(folder, safe_serialization=True)


if __name__ == "__main__":
    save_tiny_model(Path(sys.argv[1]))
