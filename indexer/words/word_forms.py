"""Words that mean the same: other endings of a stem, and the abbreviations that code is full of.

A question says "scheduled retries of the configuration", code says `scheduler`, `retry`, `config`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

_MIN_STEM_CHARS = 4  # of what is left when an ending goes
_ENDINGS = sorted(
    """s es ed ing ings er ers or ors ion ions ation ations ator ators ate ates ated ating ize izes
    ized izer izers izing ization izations ise ised iser ising isation ment ments able ible ability
    ibility al ally ly ness ity ive ives y ies ied ier ying ify ifies ified ifier ification
    ifications ance ence ant ent ic ical ful less""".split(),
    key=lambda ending: (-len(ending), ending),
)
_STEM_CHANGES = ("", *_ENDINGS, "e")  # what may follow a stem in a word that was cut to it
_ABBREVIATED = """
    arg argument · args arguments · attr attribute · attrs attributes
    auth authentication authorization · buf buffer · cfg config configuration
    conf config configuration · config configuration · cmd command · conn connection
    ctx context · db database · deps dependencies · dest destination · dir directory
    doc documentation document · env environment · err error · exc exception
    exec execute execution · expr expression
    ext extension · fmt format formatting · fn function · func function · hdr header
    i18n internationalization translation · impl implementation · info information
    init initialize initialization · io input output · iter iterator iteration · lang language
    len length · lib library · loc location · max maximum · mem memory · mgr manager · min minimum
    msg message · num number · obj object · op operator operation · ops operations · opt option
    opts options · param parameter · params parameters · pkg package · prefs preferences
    prop property · props properties · proto protocol · ref reference · regex regexp regular
    repo repository · req request · res response · resp response · sec security · seq sequence
    spec specification · src source · stmt statement · str string · sync synchronization
    sys system · temp temporary · tmp temporary · util utility utilities helper helpers
    utils utility utilities helper helpers · val value · var variable · vars variables
    ws websocket"""


def _both_ways(listed: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for group in re.split(r"[·\n]", listed.strip()):
        short, *words = group.split()
        for word in words:
            found.setdefault(word, set()).add(short)
            found.setdefault(short, set()).add(word)
    return {word: frozenset(others) for word, others in found.items()}


ABBREVIATIONS = _both_ways(_ABBREVIATED)


@lru_cache(maxsize=262_144)
def stem(word: str) -> str:
    """Return what words of one family share: "validation", "validator", "validates" -> "valid".

    Rough on purpose: a wrong cut joins two words only where both are in the same index.
    """
    for _ in range(2):  # "serializers": -s … no, -izers; "settings": -ings; "indexables": -s, -able
        ending = next((e for e in _ENDINGS if _may_lose(word, e)), "")
        if not ending:
            break
        word = word[: -len(ending)]
    if len(word) > _MIN_STEM_CHARS and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]  # "running", "mapped"
    return word[:-1] if len(word) > 3 and word[-1] in "eyi" else word


def _may_lose(word: str, ending: str) -> bool:
    if not word.endswith(ending) or len(word) - len(ending) < _MIN_STEM_CHARS:
        return False
    return ending != "s" or not word.endswith("ss")


def other_endings(word: str, is_known: Callable[[str], bool]) -> list[str]:
    """Return the known words of the same stem, without the word itself."""
    root = stem(word)
    found = (root + change for change in _STEM_CHANGES)
    return [other for other in found if other != word and is_known(other) and stem(other) == root]


def are_akin(word: str, other: str) -> bool:
    """Tell whether two words mean the same in a name: stem, abbreviation, or a beginning."""
    if word == other or stem(word) == stem(other) or other in ABBREVIATIONS.get(word, ()):
        return True
    return min(len(word), len(other)) >= 3 and (word.startswith(other) or other.startswith(word))
