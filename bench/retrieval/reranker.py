"""Does a cross-encoder over the best hits rank better? MiniLM, trained on our own mined pairs.

    python -m bench.retrieval.reranker mine               # questions with hard negatives
    python -m bench.retrieval.reranker fit --minutes 60   # MiniLM reads question and code together
    python -m bench.retrieval.reranker fit --phase 2      # goes on with questions of other packages
    python -m bench.retrieval.reranker rank               # NDCG@10 by how much its word weighs
    python -m bench.retrieval.reranker rank --split all --weight 0.3 --pool 50

The cross-encoder (Nogueira and Cho, "Passage Re-ranking with BERT", 2019) starts from
all-MiniLM-L6-v2. Its score is how well each word of the question finds a like one in the code
(Khattab and Zaharia, "ColBERT", 2020, but on states that have read both), which tells something
before any training, and one linear output on their mean. The right text against seven of the same
package that the static encoder finds alike, softmax over the eight. MiniLM's embeddings stay as
they are, so that what training changes would fit into the wheel. Needs the extra `train` and
`homespun models fetch all-minilm-l6-v2`. What it gave: docs/log.md.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.retrieval.corpora import QueryCorpus, corpora, split_of
from homespun import stats
from homespun.indexer.config import IndexConfig
from homespun.indexer.embedding.encoders import open_encoder
from homespun.indexer.embedding.static_encoder import StaticEncoder
from homespun.indexer.evaluation import evaluate
from homespun.indexer.index import Index
from homespun.indexer.types import Hit
from homespun.indexer.words.tokens import path_words, split_identifiers
from homespun.paths import home
from homespun.training.shipped.packages import unpacked
from homespun.training.shipped.sources import held_out_packages, sources
from homespun.training.shipped.static_encoder import corpus as embedder_corpus
from homespun.training.shipped.static_encoder.pairs import KINDS, mine

FOLDER = home() / "reranker"
KINDS_ASKED = ("doc", "name", "comment", "docs", "test")
NEGATIVES = 7
NEAREST = 3  # of them; the others are drawn from the next ones
ALIKE = 0.95  # of two vectors: the same definition, cut differently
QUESTIONS_A_PACKAGE = 60
MAX_TOKENS = 160
HELD = 300  # questions of the first phase's last packages, to measure with
GROUPS_A_STEP = 6
PAIRS_A_PASS = 16  # of like length: padding costs a fifth less
SCALE = 15.0  # of the likeness, before training
POOL = 20
PHASES = {1: (200, 3, 0), 2: (330, 4, 1000)}  # packages, seed of their choice, of their questions
WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.8, 100.0)


def mine_questions() -> None:
    """Write questions, each with its answer and hard negatives; no two phases share a package."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    held = embedder_corpus.held_out_prints(held_out_packages())
    encoder = StaticEncoder.load()
    left = sources()
    for phase, (packages, seed, first) in PHASES.items():
        chosen = random.Random(seed).sample(left, packages)
        left = [source for source in left if source not in chosen]
        count = 0
        with _questions_of(phase).open("w", encoding="utf-8") as lines:
            for number, source in enumerate(chosen, start=first):
                for row in _questions(unpacked(source.package), number, held, encoder):
                    lines.write(json.dumps(row) + "\n")
                    count += 1
        print(f"phase {phase}: {count} questions of {packages} packages")


def _questions_of(phase: int) -> Path:
    return FOLDER / f"questions-{phase}.jsonl"


def _read(phase: int) -> list[dict[str, Any]]:
    lines = _questions_of(phase).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _questions(
    folder: Path, seed: int, held: frozenset[str], encoder: StaticEncoder
) -> Iterator[dict[str, object]]:
    files, prose = embedder_corpus.files_of(folder, seed)
    mined = mine(files, prose, held, seed)
    pairs = [pair for pair in mined.pairs if KINDS[pair[0]] in KINDS_ASKED]
    if len(pairs) < 2 * NEGATIVES:
        return
    chance = random.Random(seed)
    if len(pairs) > 2_000:
        pairs = chance.sample(pairs, 2_000)
    answers = [_path_first(mined.texts[p[2]], files[p[4]].parsed.path) for p in pairs]
    left = encoder.encode_words([mined.texts[pair[1]] for pair in pairs])
    right = encoder.encode_words(answers)
    for place in chance.sample(range(len(pairs)), min(QUESTIONS_A_PACKAGE, len(pairs))):
        near = right @ left[place]
        near[right @ right[place] > ALIKE] = -1
        hardest = [int(row) for row in np.argsort(-near)[:30] if near[row] > -1]
        if len(hardest) < NEGATIVES:
            continue
        wrong = [*hardest[:NEAREST], *chance.sample(hardest[NEAREST:], NEGATIVES - NEAREST)]
        texts = [" ".join(answers[row]) for row in (place, *wrong)]
        yield {
            "kind": KINDS[pairs[place][0]],
            "question": " ".join(mined.texts[pairs[place][1]][:48]),
            "texts": texts,
        }


def _path_first(words: Sequence[str], path: str) -> list[str]:
    """Put the path's words, which a mined text has last, first: what is long is cut at its end."""
    of_path = path_words(path)
    if of_path and list(words[-len(of_path) :]) == of_path:
        return [*of_path, *words[: -len(of_path)]]
    return [*of_path, *words]


class CrossEncoder:
    """MiniLM that reads question and code together. EDGE torch, transformers, tokenizers."""

    def __init__(self) -> None:
        import torch
        from safetensors.torch import load_file
        from tokenizers import Tokenizer
        from transformers import BertConfig, BertModel

        source = home() / "models" / "all-minilm-l6-v2" / "source"
        config = BertConfig(
            hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
        )
        self.tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.body = BertModel(config, add_pooling_layer=False)
        self.body.load_state_dict(load_file(source / "model.safetensors"), strict=False)
        self.body.embeddings.requires_grad_(requires_grad=False)
        self.head = torch.nn.Linear(384, 1)
        torch.nn.init.zeros_(self.head.weight)
        self.scale = torch.nn.Parameter(torch.tensor(SCALE))

    def scores(self, pairs: Sequence[tuple[str, str]]) -> Any:  # noqa: ANN401 - a tensor
        """Return `(len(pairs),)` scores, with gradients where they are on."""
        import torch

        order = sorted(range(len(pairs)), key=lambda row: sum(map(len, pairs[row])))
        passes = [
            self._pass([pairs[row] for row in order[start : start + PAIRS_A_PASS]])
            for start in range(0, len(order), PAIRS_A_PASS)
        ]
        back = torch.empty(len(order), dtype=torch.long)
        back[torch.tensor(order)] = torch.arange(len(order))
        return torch.cat(passes)[back]

    def _pass(self, pairs: Sequence[tuple[str, str]]) -> Any:  # noqa: ANN401 - a tensor
        import torch

        encoded = self.tokenizer.encode_batch(list(pairs))
        length = max(len(one.ids) for one in encoded)
        ids = torch.zeros((len(encoded), length), dtype=torch.long)
        mask = torch.zeros((len(encoded), length), dtype=torch.long)
        segments = torch.zeros((len(encoded), length), dtype=torch.long)
        for row, one in enumerate(encoded):
            ids[row, : len(one.ids)] = torch.tensor(one.ids)
            segments[row, : len(one.ids)] = torch.tensor(one.type_ids)
            mask[row, : len(one.ids)] = 1
        with torch.autocast("cpu", dtype=torch.bfloat16):
            states = self.body(ids, attention_mask=mask, token_type_ids=segments)
        states = states.last_hidden_state.float()
        mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        asked = mask * (segments == 0)
        unit = torch.nn.functional.normalize(states, dim=-1)
        alike = (unit @ unit.transpose(1, 2)).masked_fill(segments[:, None, :] == 0, -1)
        best = (alike.max(-1).values * asked).sum(1) / asked.sum(1)
        return self.scale * best + self.head(mean).squeeze(-1)

    def save(self, folder: Path) -> None:
        """Write the weights."""
        from safetensors.torch import save_file

        weights = {f"body.{n}": t.contiguous() for n, t in self.body.state_dict().items()}
        weights |= {f"head.{n}": t.contiguous() for n, t in self.head.state_dict().items()}
        weights["scale"] = self.scale.detach()
        save_file(weights, folder / "reranker.safetensors")

    def load(self, folder: Path) -> None:
        """Read the weights."""
        from safetensors.torch import load_file

        weights = load_file(folder / "reranker.safetensors")
        self.scale.data = weights["scale"]
        for part, prefix in ((self.body, "body."), (self.head, "head.")):
            part.load_state_dict(
                {n.removeprefix(prefix): t for n, t in weights.items() if n.startswith(prefix)}
            )


def fit(minutes: float, rate: float, phase: int) -> None:
    """Train for some minutes, print the loss and how often the answer comes first; write it.

    The second phase begins with what the first one wrote.
    """
    import torch

    torch.manual_seed(0)
    held = _read(1)[-HELD:]
    learned = _read(phase) if phase > 1 else _read(phase)[:-HELD]
    random.Random(phase).shuffle(learned)
    model = CrossEncoder()
    if phase > 1:
        model.load(FOLDER)
    model.body.train()
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in model.body.parameters() if p.requires_grad], "lr": rate},
            {"params": [*model.head.parameters(), model.scale], "lr": 1e-3},
        ],
        weight_decay=0.01,
    )
    peaks = [group["lr"] for group in optimizer.param_groups]
    began, losses, step = time.monotonic(), [], 0
    print(f"before: {_first(model, held):.3f} of {len(held)} held-out answers come first")
    while True:
        for start in range(0, len(learned) - GROUPS_A_STEP + 1, GROUPS_A_STEP):
            share = (time.monotonic() - began) / (60 * minutes)
            if share >= 1:
                print(f"after: {_first(model, held):.3f} come first, after {step} steps")
                model.save(FOLDER)
                return
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * min(1.0, (step + 1) / 50) * (1 - share)
            groups = learned[start : start + GROUPS_A_STEP]
            pairs = [(row["question"], text) for row in groups for text in row["texts"]]
            logits = model.scores(pairs).view(len(groups), -1)
            loss = torch.nn.functional.cross_entropy(
                logits, torch.zeros(len(groups), dtype=torch.long)
            )
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.body.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            losses.append(float(loss.detach()))
            step += 1
            if step % 50 == 0:
                print(f"step {step}, {share:.0%}: loss {statistics.fmean(losses[-50:]):.3f}")
                sys.stdout.flush()


def _first(model: CrossEncoder, rows: Sequence[dict[str, Any]]) -> float:
    import torch

    model.body.eval()
    with torch.no_grad():
        found = []
        for row in rows:
            own, *others = model.scores([(row["question"], text) for text in row["texts"]]).tolist()
            found.append(own > max(others))
    model.body.train()
    return statistics.fmean(found)


def rank(split: str, pool: int, weights: Sequence[float]) -> None:
    """Print NDCG@10 of the search as it is, and with the cross-encoder's word on more hits added.

    The search as it is finds ten; one for more looks at more candidates and ranks a little
    differently.
    """
    import torch

    model = CrossEncoder()
    model.load(FOLDER)
    model.body.eval()
    chosen = split_of(corpora(), split)
    results: dict[float, dict[str, dict[str, float]]] = {weight: {} for weight in weights}
    seconds = []
    for corpus in chosen:
        index = _indexed(corpus)
        pools: dict[str, tuple[list[Hit], np.ndarray]] = {}
        for query in corpus.queries:
            hits = index.search(query.text, limit=pool)
            began = time.monotonic()
            with torch.no_grad():
                scores = model.scores([_pair(query.text, hit) for hit in hits]).numpy()
            seconds.append(time.monotonic() - began)
            pools[query.text] = (hits, scores)
        for weight in weights:
            found = evaluate.evaluate(
                lambda text, weight=weight, pools=pools, index=index: (
                    _blended(*pools[text], weight) if weight else index.search(text, limit=10)
                ),
                corpus.queries,
                name=corpus.name,
                paths=index.paths(),
                below=corpus.below,
                limit=10,
            )
            results[weight][corpus.name] = found.by_id("ndcg")
    _print(results, chosen)
    print(f"{statistics.median(seconds):.2f} s a question (median), bfloat16 in torch")


def _pair(question: str, hit: Hit) -> tuple[str, str]:
    words = [*path_words(hit.path), *split_identifiers(hit.text)]
    return " ".join(split_identifiers(question)), " ".join(words[:256])


def _blended(hits: list[Hit], scores: np.ndarray, weight: float) -> list[Hit]:
    """Add the cross-encoder's share of its best to the search's share of its best."""
    base = np.array([hit.score for hit in hits])
    base = base / base.max() if len(hits) and base.max() > 0 else base
    likely = 1 / (1 + np.exp(-(scores - scores.max() + 2)))  # sigmoid, the best at .88
    order = np.argsort(-(base + weight * likely), kind="stable")
    return [hits[place] for place in order[:10]]


def _indexed(corpus: QueryCorpus) -> Index:
    root = corpus.copied(FOLDER / "corpora")
    encoder = open_encoder(IndexConfig().encoder)
    index = Index.open(root, IndexConfig(), create=True, encoder=encoder)
    index.update()
    index.embed()
    return index


def _print(
    results: dict[float, dict[str, dict[str, float]]], chosen: Sequence[QueryCorpus]
) -> None:
    before = next(iter(results.values()))
    print("| weight | NDCG@10 | difference | better | worse |\n|--:|--:|--:|--:|--:|")
    for weight, scores in results.items():
        mean = statistics.fmean(statistics.fmean(ids.values()) for ids in scores.values())
        told = stats.compare(scores, before)
        gain = told.difference
        print(
            f"| {weight:g} | {mean:.3f} | {gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] "
            f"| {len(told.better)} | {len(told.worse)} |"
        )
    print(f"{len(chosen)} packages, {sum(map(len, before.values()))} queries")


def main() -> None:
    """Do one of the three steps."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    steps = parser.add_subparsers(dest="step", required=True)
    steps.add_parser("mine")
    learning = steps.add_parser("fit")
    learning.add_argument("--minutes", type=float, default=40)
    learning.add_argument("--rate", type=float, default=1e-4)
    learning.add_argument("--phase", type=int, choices=sorted(PHASES), default=1)
    ranking = steps.add_parser("rank")
    ranking.add_argument("--split", choices=("dev", "held", "all"), default="dev")
    ranking.add_argument("--pool", type=int, default=POOL, help="hits that it reads")
    ranking.add_argument("--weight", type=float, nargs="*", default=list(WEIGHTS))
    args = parser.parse_args()
    if args.step == "mine":
        mine_questions()
    elif args.step == "fit":
        fit(args.minutes, args.rate, args.phase)
    else:
        rank(args.split, args.pool, sorted({0.0, *args.weight}))


if __name__ == "__main__":
    main()
