"""What the settings of a server are called, for the sentences on it. Imports nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SettingNames:
    """Where a person looks and what he changes; the default is the server that completes."""

    url: str = "model.remote.url"
    api_key_env: str = "model.remote.api_key_env"
    headers: str = "model.remote.headers"
    kind: str = "model.remote.url and model.remote.kind"  # where something else answers
    model: str = "model.remote.url, kind and model"  # where an address or a model is not known
    off: str = "set model.remote.route to 'local'"  # what ends it


COMPLETES = SettingNames()
