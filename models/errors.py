"""Errors of the models room; every leaf's text says what, which value, what to do.

ModelsError
├── UnknownModel          name is not in the catalogue and is no path
├── ModelMissing          in the catalogue, not on this machine
├── DownloadFailed        no source could be reached
├── WrongHash             bytes arrived, but not the pinned ones
├── ModelDamaged          a served file is unreadable or not what its manifest says
├── UnsupportedModel      architecture, tensor type or file form that we do not serve
├── PromptTooLong         prompt + completion exceed the context
├── RerankerSlow          a cross-encoder on this machine has not judged all hits in time
├── RemoteError
│   ├── RemoteRefused     the settings of the server, or what it says of them, do not work
│   └── RemoteFailed      the server did not answer, not in time, or not with an answer
└── AdapterError
    ├── AdapterUnknown    no adapter has this identifier, or it is not in a state to do so
    ├── AdapterDamaged    its files are unreadable, or not what its manifest says
    ├── AdapterUnfit      made for other weights, or in a form that is not merged
    ├── AdapterForeign    not made on this machine, and nobody said that he trusts it
    ├── AdapterUnproven   the gate did not let it through, and nobody promoted it all the same
    ├── AdapterBusy       another process holds the registry
    ├── PushRefused       a server cannot be told of an adapter, or does not load it
    └── ShareRefused      a shared folder cannot be used, or what it offers is not taken
"""

from homespun.errors import HomespunError


class ModelsError(HomespunError):
    """Base of everything this room raises on purpose."""


class UnknownModel(ModelsError):
    """The name is not in the catalogue and is no path."""


class ModelMissing(ModelsError):
    """The model is known but not on this machine."""


class DownloadFailed(ModelsError):
    """No source could be reached."""


class WrongHash(ModelsError):
    """Bytes arrived, but not the pinned ones."""


class ModelDamaged(ModelsError):
    """A served file is unreadable or is not what its manifest says."""


class UnsupportedModel(ModelsError):
    """Architecture, tensor type or file form that we do not serve."""


class PromptTooLong(ModelsError):
    """Prompt and completion together exceed the context."""


class RerankerSlow(ModelsError):
    """A cross-encoder on this machine has not judged all hits in time."""


class RemoteError(ModelsError):
    """Base of what is wrong with a server of the user's; no key is in any text."""


class RemoteRefused(RemoteError):
    """The settings of the server do not work, and asking again will not change that."""

    def __init__(self, sentence: str, *, status: int = 0) -> None:
        super().__init__(sentence)
        self.status = status  # of HTTP, where the server said so


class RemoteFailed(RemoteError):
    """The server did not answer, not in time, or with something else than an answer."""

    def __init__(self, sentence: str, *, after: float = 0.0) -> None:
        super().__init__(sentence)
        self.after = after  # seconds that the server asks to be left alone (Retry-After)


class AdapterError(ModelsError):
    """Base of what is wrong with an adapter; the model as shipped still serves."""


class AdapterUnknown(AdapterError):
    """No adapter has this identifier, or the one that has cannot be used so."""


class AdapterDamaged(AdapterError):
    """An adapter's files are unreadable, or are not what its manifest says."""


class AdapterUnfit(AdapterError):
    """An adapter was made for other weights, or has a form that is not merged."""


class AdapterForeign(AdapterError):
    """An adapter was not made on this machine, and its user has not said that he trusts it."""


class AdapterUnproven(AdapterError):
    """The gate has not let an adapter through, and nobody promoted it all the same."""


class AdapterBusy(AdapterError):
    """Another process holds the registry's lock."""


class ShareRefused(AdapterError):
    """A shared folder cannot be used, or what it offers is not taken."""


class PushRefused(AdapterError):
    """A server cannot be told of an adapter, or does not load it."""
