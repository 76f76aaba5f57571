"""The packs that an index knows beside its own repository; replaced as a whole, never changed."""

from __future__ import annotations

from collections.abc import Iterable

from homespun.indexer.packs.pack import Pack


class Siblings:
    """Definitions of other repositories; any thread may ask while another one takes new packs."""

    def __init__(self, packs: Iterable[Pack] = ()) -> None:
        """Begin; of two packs that offer the same module the first one counts."""
        self.packs: tuple[Pack, ...] = tuple(packs)
        self._by_label = {pack.label: pack for pack in self.packs}
        self._offering: dict[str, list[Pack]] = {}
        for pack in self.packs:
            for module in pack.modules:
                self._offering.setdefault(module, []).append(pack)

    def file_of(self, module: str, name: str = "") -> str | None:
        """Return the foreign path of what an import means; None where no pack offers it."""
        for pack in self._offering.get(module.partition(".")[0], ()):
            path = pack.file_of(module, name)
            if path is not None:
                return pack.called(path)
        return None

    def pack_of(self, path: str) -> tuple[Pack, str] | None:
        """Return the pack that a foreign path is of, and its path there."""
        label, colon, inside = path.partition(":")
        pack = self._by_label.get(label) if colon else None
        return None if pack is None or not pack.holds(inside) else (pack, inside)


NO_SIBLINGS = Siblings()
