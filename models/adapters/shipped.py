"""The general infilling adapter that is shipped as a part of a catalogue model, where it has one.

It lies in `adapters/MODEL/` of this package: `adapter_model.safetensors`, `adapter_config.json`
and a manifest with their hashes. A model without such a folder is served as it was downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from homespun.models.adapters.sealed_folder import (
    SERVED_FILES,
    check_finished,
    read_shipped,
    weights_digest,
)
from homespun.models.errors import AdapterDamaged, AdapterUnfit


@dataclass(frozen=True, slots=True)
class GeneralAdapter:
    """Where a model's general adapter is, and what its manifest promises."""

    directory: Path
    sha256: str  # of what it does to the weights

    def check(self) -> None:
        """Hash its files. Raises `AdapterDamaged`."""
        try:
            check_finished(self.directory, read_shipped(self.directory), names=SERVED_FILES)
        except AdapterDamaged as error:
            raise _broken(error) from error


def folder() -> Path:
    """Return where the general adapters lie, a folder a model."""
    return Path(str(files("homespun.models").joinpath("adapters", "shipped_data")))


def general_adapter(name: str, base_sha256: str) -> GeneralAdapter | None:
    """Return the general adapter of a catalogue model, None where none is shipped; hashes nothing.

    Raises `AdapterDamaged`, `AdapterUnfit` (made for other base weights than `base_sha256`).
    """
    directory = folder() / name
    if not directory.is_dir():
        return None
    try:
        manifest = read_shipped(directory)
    except AdapterDamaged as error:
        raise _broken(error) from error
    if manifest["base_sha256"] != base_sha256:
        raise AdapterUnfit(
            f"the general adapter in {str(directory)!r} was made for weights with sha256 "
            f"{manifest['base_sha256']}, but {name} has {base_sha256}; install homespun again"
        )
    return GeneralAdapter(directory, weights_digest(manifest))


def _broken(error: AdapterDamaged) -> AdapterDamaged:
    return AdapterDamaged(
        f"the general adapter, a part of the model, is not as shipped: {error}; install homespun "
        "again, or set completion.adapter to 'base' to go without it"
    )
