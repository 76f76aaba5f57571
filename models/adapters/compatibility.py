"""Does an adapter fit a model? Told from manifests; nothing is hashed or loaded.

`why_unfit` is for lists that a person chooses from, by what the catalogue says. Whoever serves an
adapter checks it in earnest, by what is about to be served (`models/serve.py`).
"""

from __future__ import annotations

from homespun import paths
from homespun.models import catalogue
from homespun.models.adapters.adapter import Adapter
from homespun.models.adapters.shipped import general_adapter
from homespun.models.convert.served_form import read_manifest
from homespun.models.errors import AdapterError, AdapterUnfit


def check_fits(
    adapter: Adapter,
    *,
    base_sha256: str,
    general_sha256: str,
    tokenizer_sha256: str | None = None,
    prompt_version: int | None = None,
) -> None:
    """Raise `AdapterUnfit` where an adapter was made for something else; None is not compared.

    `general_sha256` is "" where no general adapter is part of the model.
    """
    made_for = adapter.manifest
    pairs = (
        ("base weights with sha256", made_for["base_sha256"], base_sha256),
        ("a general adapter with sha256", made_for.get("general_sha256", ""), general_sha256),
        ("a tokenizer with sha256", made_for["tokenizer_sha256"], tokenizer_sha256),
        ("prompt version", made_for["prompt_version"], prompt_version),
    )
    for what, wanted, here in pairs:
        if here is not None and wanted != here:
            raise AdapterUnfit(
                f"adapter {adapter.id!r} was made for {what} {_short(wanted)}, but here it is "
                f"{_short(here)}; train a new one with `homespun train`"
            )


def why_unfit(adapter: Adapter, model: str, *, prompt_version: int) -> str:
    """Return a sentence why an adapter does not fit a model, "" where it seems to."""
    if model not in catalogue.names():
        base = adapter.manifest.get("base", model)
        if base == model:
            return ""
        return f"adapter {adapter.id!r} was made for the model {base!r}, not for {model!r}"
    base_sha256 = catalogue.get(model).files[0].sha256
    try:
        general = general_adapter(model, base_sha256)
        check_fits(
            adapter,
            base_sha256=base_sha256,
            general_sha256=general.sha256 if general else "",
            tokenizer_sha256=_tokenizer_sha256(model),
            prompt_version=prompt_version,
        )
    except AdapterError as error:
        return str(error)
    return ""


def _short(value: object) -> str:
    text = str(value) if value != "" else "none"
    return f"{text[:12]}…" if len(text) > 40 else text


def _tokenizer_sha256(model: str) -> str | None:
    """Return the hash of the served tokenizer, None where the model is not converted yet."""
    manifest = read_manifest(paths.served_dir(model)) or {}
    sha256 = manifest.get("files", {}).get("tokenizer.json", {}).get("sha256")
    return str(sha256) if sha256 else None
