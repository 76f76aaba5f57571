"""Does an adapter fit a model? Told from manifests and the catalogue; nothing is hashed or loaded.

For lists that a person chooses from. Whoever serves an adapter checks it in earnest
(`models/serve.py`).
"""

from __future__ import annotations

from homespun import paths
from homespun.models import catalogue
from homespun.models.adapters.registry import Adapter, check_fits
from homespun.models.adapters.shipped import general_adapter
from homespun.models.convert.served_form import read_manifest
from homespun.models.errors import AdapterError


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


def _tokenizer_sha256(model: str) -> str | None:
    """Return the hash of the served tokenizer, None where the model is not converted yet."""
    manifest = read_manifest(paths.served_dir(model)) or {}
    sha256 = manifest.get("files", {}).get("tokenizer.json", {}).get("sha256")
    return str(sha256) if sha256 else None
