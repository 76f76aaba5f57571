"""A small repository with a history and habits of its own, written by a program of chance."""

from __future__ import annotations

import random

NOUNS = "order basket invoice parcel voucher refund courier pallet shelf label".split()
VERBS = "load pack price weigh route check merge split rank audit".split()
FIELDS = "amount weight colour origin target status number region margin credit".split()

HEADER = '''"""{title} of the shop."""

from __future__ import annotations

import logging

from shop.errors import ShopError

logger = logging.getLogger(__name__)
'''

FUNCTION = '''

def {verb}_{noun}({first}: int, {second}: str) -> dict[str, object]:
    """Return the {noun} after it was {verb}ed by its {first}."""
    if {first} < {number}:
        raise ShopError(f"the {first} of the {noun} is {{{first}}}, below {number}")
    logger.info("{verb} %s with %s", {first}, {second})
    found = {{"{first}": {first}, "{second}": {second}}}
    for name in ("{third}", "{fourth}"):
        found[name] = {first} * {number} + len({second})
    return found
'''


def function(rng):
    first, second, third, fourth = rng.sample(FIELDS, 4)
    return FUNCTION.format(
        verb=rng.choice(VERBS),
        noun=rng.choice(NOUNS),
        first=first,
        second=second,
        third=third,
        fourth=fourth,
        number=rng.randint(2, 99),
    )


def module(rng, functions):
    title = f"{rng.choice(VERBS).title()} the {rng.choice(NOUNS)}"
    return HEADER.format(title=title) + "".join(function(rng) for _ in range(functions))


def build(scratch, *, modules=36, later=12, functions=7, seed=1):
    """Fill a repository: a commit a module, then commits that add functions to them."""
    rng = random.Random(seed)
    scratch.commit(
        shop__errors='"""What goes wrong."""\n\n\nclass ShopError(Exception):\n    """Any."""\n'
    )
    texts = {}
    for number in range(modules):
        name = f"shop__part_{number:02}"
        texts[name] = module(rng, functions)
        scratch.commit(f"Add part {number}", **{name: texts[name]})
    for number in range(later):
        changed = {name: texts[name] + function(rng) for name in rng.sample(sorted(texts), 2)}
        texts |= changed
        scratch.commit(f"Extend {number}", **changed)
    return scratch
