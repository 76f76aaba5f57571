"""What a server is, which model it has and how that is asked, found out with a few questions.

Nothing of the user's is in them: a sample text of ours shows whether the tokenizer is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from homespun.models.errors import RemoteRefused
from homespun.models.remote import fim_formats
from homespun.models.remote.fim_formats import FimFormat
from homespun.models.remote.kinds import KINDS, ServerKind
from homespun.models.remote.options import RemoteOptions
from homespun.models.remote.wire.client import Limits, RemoteClient
from homespun.models.types import MODEL_AS_SHIPPED, FimTokens, Tokenizer
from homespun.showable import showable_line

# Whatever two byte-level tokenizers do differently: numbers, indentation, other scripts, ends.
_SAMPLE = (
    'def größe(n: int = 1234567) -> str:\n\t\treturn f"{n:_}  漢字 🙂"  # don\'t\r\n\n\n        '
    "self.__init__(**kwargs)\n"
)
_SERVICES = {"mistral.ai": "mistral", "deepseek.com": "deepseek"}
_OWNERS = {"vllm": "vllm", "llamacpp": "llama-server"}
_MAX_NAMED = 5
_MAX_MODELS = 1000
_NOT_UNDERSTOOD = 400  # what was asked; at the same path something else may be
_ANOTHER_SERVER = (_NOT_UNDERSTOOD, 404, 405)
_NOT_PASSED = 403  # what proxies say of a path that they do not pass


@dataclass(frozen=True, slots=True)
class RemoteServer:
    """A server as it was found."""

    kind: ServerKind
    model: str  # as its requests name it
    format: FimFormat | None
    takes_our_ids: bool  # the tokenizer there is the one here
    context_tokens: int  # 0 = not said
    heals: bool
    tells: bool  # how likely an answer is; False once it has refused to be asked for it
    how: str  # it is asked, in words
    is_told: bool  # its kind was set by the user
    base: str = ""  # the model that this one is an adapter of, "" where it is none

    @property
    def model_shown(self) -> str:
        """Return the model's name without the folders of a file's path."""
        return _without_folders(self.model)

    @property
    def adapter(self) -> str:
        """Return what a completion says of its adapter."""
        return self.model_shown if self.base else MODEL_AS_SHIPPED

    @property
    def is_plain(self) -> bool:
        """Whether it is asked for nothing that not every server of its kind knows."""
        return not (self.heals or self.tells)

    def plain(self) -> RemoteServer:
        """Return it as one that is asked for nothing of the kind."""
        return replace(self, heals=False, tells=False)

    @property
    def sentence(self) -> str:
        """Return what was taken, as words behind the address."""
        told = "as set" if self.is_told else "as it says"
        on = f", an adapter of {_without_folders(self.base)}" if self.base else ""
        return f"{self.kind.name} ({told}) with {self.model_shown}{on}, asked by {self.how}"


def detect(
    client: RemoteClient,
    options: RemoteOptions,
    *,
    tokenizer: Tokenizer,
    fim: FimTokens,
    adapter: str,
    limits: Limits,
) -> RemoteServer:
    """Find out what is at the address. Raises `RemoteError`, `Cancelled`.

    Where the settings name no model, `adapter` is asked for if the server has one of that name.
    """
    questions = _Questions(client, limits)
    kind = KINDS[options.kind if options.kind != "auto" else _kind(questions)]
    models = _models(questions, kind)
    model = _model(kind, models, options, adapter, client.address.shown)
    base = _base(models, model)
    same = kind.form == "ids" and _is_same(questions, kind, model, tokenizer, fim)
    format_ = _format(questions, kind, base or model, options, fim if same else None)
    if format_ is None and kind.form != "halves":
        raise RemoteRefused(
            f"how {_shown(model)!r} at {client.address.shown} is asked to fill in cannot be told "
            f"by its name; set model.remote.fim to one of {', '.join(fim_formats.names())}"
        )
    how = "prompt and suffix"
    if format_ is not None and kind.form != "halves":
        how = f"{'token ids (its tokenizer is the one here)' if same else 'text'}, {format_.name}"
    return RemoteServer(
        kind=kind,
        model=model,
        format=format_,
        takes_our_ids=same,
        context_tokens=_context(questions, kind, models.get(base or model, {})),
        heals=kind.heals,
        tells=True,
        how=how,
        is_told=options.kind != "auto",
        base=base,
    )


class _Questions:
    """Asks a server; what it does not know is None."""

    def __init__(self, client: RemoteClient, limits: Limits) -> None:
        self.client = client
        self._limits = limits
        self._known: dict[str, Any] = {}
        self._unknown: set[str] = set()  # paths that are not there: asked no second time

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        if path not in self._known:
            self._known[path] = self._asked(path, None)
        return self._known[path]

    def post(self, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
        if path in self._unknown:
            return None
        return self._asked(path, body, (*_ANOTHER_SERVER, _NOT_PASSED))

    def _asked(self, path: str, body: object, unknown: tuple[int, ...] = _ANOTHER_SERVER) -> Any:  # noqa: ANN401 - JSON
        try:
            return self.client.json(path, body, limits=self._limits)
        except RemoteRefused as error:
            if error.status not in unknown:
                raise
            if error.status != _NOT_UNDERSTOOD:
                self._unknown.add(path)
            return None


def _kind(questions: _Questions) -> str:
    host = questions.client.address.host
    for ending, service in _SERVICES.items():
        if host == ending or host.endswith(f".{ending}"):
            return service
    if "default_generation_settings" in _dict(questions.get("/props")):
        return "llama-server"
    if "version" in _dict(questions.get("/api/version")):
        return "ollama"
    for entry in _entries(questions.get("/v1/models")):
        owner = entry.get("owned_by")
        if isinstance(owner, str) and owner in _OWNERS:
            return _OWNERS[owner]
    return "lmstudio" if _entries(questions.get("/api/v0/models")) else "openai"


def _models(questions: _Questions, kind: ServerKind) -> dict[str, Mapping[str, Any]]:
    """Return what is known of each model by its name; nothing of a service's."""
    if kind.form == "halves":
        return {}
    if kind.name == "ollama":
        rows = _dict(questions.get("/api/tags")).get("models")
        return {str(row.get("name")): row for row in _dicts(rows)}
    return {str(entry.get("id")): entry for entry in _entries(questions.get("/v1/models"))}


def _model(
    kind: ServerKind,
    models: Mapping[str, Mapping[str, Any]],
    options: RemoteOptions,
    adapter: str,
    where: str,
) -> str:
    wanted = options.model or kind.usual_model
    if not models:
        if wanted:
            return wanted
        raise RemoteRefused(f"{where} names no model; set model.remote.model")
    if kind.name == "llama-server" and len(models) == 1:
        return next(iter(models))  # it has one, whatever it is called
    fitting = [name for name in models if name == wanted or name == f"{wanted}:latest"]
    if fitting:
        return fitting[0]
    named = ", ".join(_shown(name) for name in list(models)[:_MAX_NAMED])
    if wanted:
        raise RemoteRefused(f"{where} has no model {wanted!r}; it has {named}")
    if _base(models, adapter):
        return adapter
    bases = [name for name in models if not _base(models, name)]
    if len(bases) == 1:
        return bases[0]
    raise RemoteRefused(
        f"{where} has {len(models)} models; set model.remote.model to one, such as {named}"
    )


def _base(models: Mapping[str, Mapping[str, Any]], model: str) -> str:
    """Return the model that this one is an adapter of, as vLLM says it; "" where it is none."""
    parent = models.get(model, {}).get("parent")
    return parent if isinstance(parent, str) and parent in models else ""


def _is_same(
    questions: _Questions, kind: ServerKind, model: str, tokenizer: Tokenizer, fim: FimTokens
) -> bool:
    """Tell whether the model's token ids are ours, control tokens included."""
    controls = (fim.prefix, fim.suffix, fim.middle)
    plain = _tokenized(questions, kind, model, _SAMPLE, special=False)
    if plain is None or plain != tokenizer.encode(_SAMPLE):
        return False
    special = _tokenized(questions, kind, model, "".join(controls), special=True)
    return special == [tokenizer.control(name) for name in controls]


def _format(
    questions: _Questions,
    kind: ServerKind,
    model: str,
    options: RemoteOptions,
    same_as: FimTokens | None,
) -> FimFormat | None:
    if options.fim != "auto":
        return fim_formats.format_named(options.fim)
    by_name = fim_formats.format_of_model(model)
    if by_name is not None and (same_as is None or by_name.prefix == same_as.prefix):
        return by_name
    if kind.name == "ollama":
        shown = _dict(questions.post("/api/show", {"model": model}))
        return fim_formats.format_in_template(str(shown.get("template", "")))
    if kind.form == "ids":
        return next(_with_its_controls(questions, kind, model), None)
    return None


def _with_its_controls(questions: _Questions, kind: ServerKind, model: str) -> Iterator[FimFormat]:
    """Yield the formats whose control strings are single tokens of the model."""
    for each in fim_formats.FORMATS:
        pair = _tokenized(questions, kind, model, each.prefix + each.suffix, special=True)
        if pair is not None and len(pair) == 2:
            yield each


def _tokenized(
    questions: _Questions, kind: ServerKind, model: str, text: str, *, special: bool
) -> list[int] | None:
    if kind.name != "vllm":
        body = {"content": text, "add_special": False, "parse_special": special}
        return _ids(_dict(questions.post("/tokenize", body)).get("tokens"))
    plain = {"model": model, "prompt": text, "add_special_tokens": False}
    tokens = _ids(_dict(questions.post("/tokenize", plain)).get("tokens"))
    return tokens or _tokens_of_a_prompt(questions, kind, plain)


def _tokens_of_a_prompt(
    questions: _Questions, kind: ServerKind, plain: Mapping[str, Any]
) -> list[int] | None:
    """Have vLLM say what it made of a prompt, where a proxy passes completions alone."""
    body = {**plain, "max_tokens": 1, "temperature": 0, "return_token_ids": True}
    choices = _dicts(_dict(questions.post(kind.path, body)).get("choices"))
    return _ids(choices[0].get("prompt_token_ids")) if choices else None


def _context(questions: _Questions, kind: ServerKind, entry: Mapping[str, Any]) -> int:
    if kind.name == "llama-server":
        props = _dict(questions.get("/props"))
        found = _dict(props.get("default_generation_settings")).get("n_ctx")
    else:
        found = entry.get("max_model_len")
    return found if type(found) is int and found > 0 else 0


def _ids(value: Any) -> list[int] | None:  # noqa: ANN401 - JSON
    is_list = isinstance(value, list) and all(type(each) is int for each in value)
    return value if is_list else None


def _without_folders(name: str) -> str:
    return showable_line(PurePosixPath(name).name if name.startswith("/") else name)


def _shown(name: str) -> str:
    return showable_line(name)


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[Mapping[str, Any]]:
    if not isinstance(value, list):
        return []
    return [each for each in value[:_MAX_MODELS] if isinstance(each, dict)]


def _entries(value: object) -> list[Mapping[str, Any]]:
    return _dicts(_dict(value).get("data"))
