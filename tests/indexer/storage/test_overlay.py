"""A layered mapping is a mapping, whatever was changed in which order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from homespun.indexer.storage.overlay import Layered

KEYS = st.sampled_from("abcdefgh")
CHANGES = st.lists(
    st.tuples(st.dictionaries(KEYS, st.integers(0, 9), max_size=4), st.sets(KEYS, max_size=3)),
    max_size=8,
)


@given(base=st.dictionaries(KEYS, st.integers(0, 9)), changes=CHANGES)
def test_it_equals_the_dict_that_was_changed_the_same_way(base, changes):
    plain, layers = dict(base), Layered(dict(base))
    for values, gone in changes:
        before = dict(layers)
        changed = layers.changed(values, gone)
        assert dict(layers) == before  # the old one is not touched
        layers = changed
        for key in gone:
            plain.pop(key, None)
        plain |= values
    assert layers == plain
    assert (len(layers), sorted(layers), sorted(layers.values())) == (
        len(plain),
        sorted(plain),
        sorted(plain.values()),
    )
    assert dict(layers.items()) == dict(layers.folded()) == plain
    assert layers.folded().over == {}
    for key in "abcdefgh":
        assert layers.get(key, -1) == plain.get(key, -1)
        assert (key in layers) == (key in layers.keys()) == (key in plain)
    fresh = Layered(dict(base))
    same_base = Layered(layers.base, {})
    wanted = {key for key in "abcdefgh" if plain.get(key) != base.get(key)}
    assert layers.differing(fresh) == layers.differing(same_base) == wanted
