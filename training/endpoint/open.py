"""The server of an exam: it has the model as shipped, and the draft of the adapter beside it.

vLLM is pushed the draft, as `homespun adapters push` does it, or has the adapter by the name that
the user gives; llama.cpp's server was started with it, and each request says how much of it counts.
Which weights are there is compared by name and tokens (`models/adapters/export/push.py`).
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homespun.models.adapters.export.push import Fit, TokenProbe, base_of, push
from homespun.models.convert.served_form import file_sha256
from homespun.models.errors import AdapterError, RemoteError
from homespun.models.remote.connect import connect
from homespun.models.remote.generator import RemoteGenerator
from homespun.models.remote.options import RemoteOptions
from homespun.models.remote.wire.client import Limits, RemoteClient
from homespun.models.remote.wire.setting_names import SettingNames
from homespun.models.serve import decoder_form, serve
from homespun.models.types import MODEL_AS_SHIPPED, FimTokens, Tokenizer
from homespun.models.weights.tokenizer import BpeTokenizer
from homespun.progress import Progress, never
from homespun.server.completion.sent import masked_part
from homespun.server.prompt.render import PROMPT_VERSION
from homespun.training.config import ExamEndpoint
from homespun.training.endpoint.model import ExamModel
from homespun.training.errors import ExamFailed
from homespun.training.evaluation.served_model import Opened

_NAMES = SettingNames(
    url="--exam-endpoint",
    api_key_env="--exam-key-env",
    headers="--exam-endpoint",
    kind="--exam-endpoint and --exam-kind",
    model="--exam-model",
    off="leave out --exam-endpoint",
)
_SECONDS = 30.0
_DRAFT = "homespun-draft-"


@dataclass(frozen=True, slots=True)
class ExamServer:
    """A server that can be asked about a draft."""

    options: ExamEndpoint
    model: str  # that learned, as the catalogue or its folder names it
    context_tokens: int
    tokenizer: Tokenizer
    fim: FimTokens
    client: RemoteClient
    say: Callable[[str], None]

    @classmethod
    def of(
        cls,
        options: ExamEndpoint,
        model: str,
        *,
        context_tokens: int,
        progress: Progress,
        say: Callable[[str], None],
    ) -> ExamServer:
        """Take the settings; nothing is sent yet. Raises `ExamFailed` where they do not work."""
        form = decoder_form(serve(model, progress).directory)
        tokenizer = BpeTokenizer(form.tokenizer_json(), form.control)
        client = _client(options, say)
        return cls(options, model, context_tokens, tokenizer, form.fim, client, say)

    def look(self) -> None:
        """Ask whether the model as shipped is there, before anything has cost time.

        Raises `ExamFailed`.
        """
        if self.options.kind == "vllm":
            base = self._base()
            self._model(base, MODEL_AS_SHIPPED).find_out()
            return
        self._llama_lora()
        self._model("", MODEL_AS_SHIPPED).find_out()

    def opened(self, draft: Path) -> dict[str, Opened]:
        """Return the model as shipped and the draft, by the names of an evaluation's models.

        Raises `ExamFailed`, and `AdapterError` where the server does not take the draft.
        """
        if self.options.kind == "vllm":
            base = self._base()
            name = self.options.model or self._pushed(draft)
            pair = self._model(base, MODEL_AS_SHIPPED), self._model(name, name)
        else:
            number = self._llama_lora()
            pair = self._model("", MODEL_AS_SHIPPED), self._model("", "lora")
        for model in pair:
            model.find_out()
        if self.options.kind == "llama-server":
            for model, scale in zip(pair, (0.0, 1.0), strict=True):
                model.add_to_questions({"lora": [{"id": number, "scale": scale}]})
        if not pair[0].weighs:
            self.say(
                f"{self.client.address.shown} does not say how likely a given text is, so minimal "
                "pairs and losses are not measured, and the gate wants them: the adapter cannot "
                "pass there"
            )
        weights = self._digest(draft)
        return {
            "general": Opened(MODEL_AS_SHIPPED, f"{weights}-0", pair[0]),
            "repository": Opened(pair[1].adapter, f"{weights}-1", pair[1]),
        }

    def forget(self, draft: Path) -> None:
        """Have vLLM unload the draft that it was pushed; where it does not, it is said."""
        if self.options.kind != "vllm" or self.options.model:
            return
        name = _name_of(draft)
        try:
            self.client.json("/v1/unload_lora_adapter", {"lora_name": name}, limits=_limits())
        except RemoteError as error:
            if "no JSON" not in str(error):  # vLLM answers with a sentence
                self.say(f"the draft {name!r} is still loaded there: {error}")

    def _pushed(self, draft: Path) -> str:
        """Return the draft's name there, which says its bytes; it is pushed where it is not."""
        name = _name_of(draft)
        if any(row.get("id") == name for row in self._rows()):
            return name
        probe = TokenProbe.of(self.tokenizer, self.fim)
        key = os.environ.get(self.options.key_env, "").strip() if self.options.key_env else ""
        fit = Fit(self.model, PROMPT_VERSION, probe, is_merged=True)
        done = push(
            self.options.url,
            name=name,
            path=str(draft),
            fit=fit,
            prompt_version=PROMPT_VERSION,
            key=key,
        )
        for what in done.unchecked:
            self.say(f"not compared: {what}")
        return name

    def _base(self) -> str:
        """Return the name there of the model as shipped, on which an adapter of the user's is."""
        rows = self._rows()
        try:
            base = base_of(rows, Fit(self.model, PROMPT_VERSION, None, is_merged=True), self._where)
        except AdapterError as error:
            raise ExamFailed(str(error)) from error
        name = self.options.model
        row = next((row for row in rows if row.get("id") == name), None)
        if name and (row is None or row.get("parent") != base):
            found = "is none of its models" if row is None else f"is no adapter of {base!r}"
            raise ExamFailed(
                f"--exam-model {name!r} {found} at {self._where}; load the draft there under that "
                "name (docs/tuning.md), or leave it out, and the draft is pushed"
            )
        return base

    def _rows(self) -> list[Mapping[str, Any]]:
        body = self._asked("/v1/models")
        rows = body.get("data") if isinstance(body, dict) else None
        if not isinstance(rows, list):
            raise ExamFailed(f"{self._where} has no list of models at /v1/models; is it vLLM?")
        return [row for row in rows if isinstance(row, dict)]

    def _llama_lora(self) -> int:
        """Return the number of the one adapter that llama.cpp's server was started with."""
        rows = self._asked("/lora-adapters")
        numbers = [
            row["id"]
            for row in (rows if isinstance(rows, list) else [])
            if isinstance(row, dict) and type(row.get("id")) is int
        ]
        if len(numbers) != 1:
            raise ExamFailed(
                f"{self._where} has {len(numbers)} adapters, and one is to be examined; start it "
                "with the model as shipped and --lora DRAFT.gguf"
            )
        return int(numbers[0])

    def _asked(self, path: str) -> Any:  # noqa: ANN401 - JSON
        try:
            return self.client.json(path, limits=_limits())
        except RemoteError as error:
            raise ExamFailed(str(error)) from error

    def _model(self, name: str, adapter: str) -> ExamModel:
        options = RemoteOptions(
            route="remote",
            url=self.options.url,
            kind=self.options.kind,
            model=name,
            api_key_env=self.options.key_env,
        )
        remote = RemoteGenerator(
            _client(self.options, self.say),
            options,
            tokenizer=self.tokenizer,
            fim=self.fim,
            context_tokens=self.context_tokens,
            adapter=MODEL_AS_SHIPPED,
            mask=masked_part,
            say=self.say,
        )
        return ExamModel(remote, adapter=adapter, fim=self.fim, mask=masked_part)

    @property
    def _where(self) -> str:
        return self.client.address.shown

    def _digest(self, draft: Path) -> str:
        parts = (self.options.url, self.options.kind, self.options.model, _name_of(draft))
        return f"server-{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:16]}"


def _name_of(draft: Path) -> str:
    return f"{_DRAFT}{file_sha256(draft / 'adapter_model.safetensors')[:16]}"


def _client(options: ExamEndpoint, say: Callable[[str], None]) -> RemoteClient:
    try:
        return connect(options.url, api_key_env=options.key_env, headers=(), names=_NAMES, say=say)
    except RemoteError as error:
        raise ExamFailed(str(error)) from error


def _limits() -> Limits:
    return Limits(time.monotonic() + _SECONDS, never)
