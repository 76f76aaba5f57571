"""A mapping that is cheap to change: what differs lies over a big dict that never changes."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import TypeVar, overload

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_Other = TypeVar("_Other")

_FOLD_ABOVE = 256  # changes
_FOLD_SHARE = 0.125  # of the base


class Layered(Mapping[_Key, _Value]):
    """An immutable mapping; `changed` costs what has changed, not what there is.

    Values are never None. Iteration gives the base's order, then new keys in theirs.
    """

    __slots__ = ("base", "over")

    def __init__(
        self,
        base: dict[_Key, _Value] | None = None,
        over: dict[_Key, _Value | None] | None = None,
    ) -> None:
        """Lay `over` (None = gone) over `base`; neither may be changed from now on."""
        self.base: dict[_Key, _Value] = {} if base is None else base
        self.over: dict[_Key, _Value | None] = {} if over is None else over

    def changed(
        self, values: Mapping[_Key, _Value], gone: Iterable[_Key] = ()
    ) -> Layered[_Key, _Value]:
        """Return the mapping without the keys `gone` and with `values`, on the same base."""
        over = self.over.copy()
        for key in gone:
            if key in self.base:
                over[key] = None
            else:
                over.pop(key, None)
        over.update(values)
        return Layered(self.base, over)

    @property
    def wants_folding(self) -> bool:
        """Whether the changes are so many that one new dict pays."""
        return len(self.over) > max(_FOLD_ABOVE, _FOLD_SHARE * len(self.base))

    def folded(self) -> Layered[_Key, _Value]:
        """Return the same mapping as one dict."""
        return Layered(self._merged()) if self.over else self

    def differing(self, other: Layered[_Key, _Value]) -> set[_Key]:
        """Return the keys whose values differ from the other's; fast where the base is the same."""
        if self.base is other.base:
            keys = self.over.keys() | other.over.keys()
        else:
            keys = self.keys() | other.keys()
        return {key for key in keys if self.get(key) != other.get(key)}

    def items(self) -> ItemsView[_Key, _Value]:
        """Return pairs of key and value."""
        return self._merged().items()

    def values(self) -> ValuesView[_Value]:
        """Return the values."""
        return self._merged().values()

    def keys(self) -> KeysView[_Key]:
        """Return the keys; `in` asks the layers."""
        return KeysView(self)

    def _merged(self) -> dict[_Key, _Value]:
        if not self.over:
            return self.base
        merged = self.base.copy()
        for key, value in self.over.items():
            if value is None:
                merged.pop(key, None)
            else:
                merged[key] = value
        return merged

    def __getitem__(self, key: _Key) -> _Value:
        """Return the value of a key."""
        value = self.over[key] if key in self.over else self.base[key]
        if value is None:
            raise KeyError(key)
        return value

    @overload
    def get(self, key: _Key, /) -> _Value | None: ...
    @overload
    def get(self, key: _Key, /, default: _Value | _Other) -> _Value | _Other: ...
    def get(self, key: _Key, /, default: _Value | _Other | None = None) -> _Value | _Other | None:
        """Return the value of a key, `default` without one."""
        if key in self.over:
            value = self.over[key]
            return default if value is None else value
        return self.base.get(key, default)

    def __contains__(self, key: object) -> bool:
        """Tell whether there is a value."""
        if key in self.over:
            return self.over[key] is not None
        return key in self.base

    def __iter__(self) -> Iterator[_Key]:
        """Go through the keys."""
        return iter(self._merged())

    def __len__(self) -> int:
        """Count the keys."""
        count = len(self.base)
        for key, value in self.over.items():
            count += (value is not None) - (key in self.base)
        return count

    def __repr__(self) -> str:
        """Show the contents."""
        return f"Layered({dict(self)!r})"
