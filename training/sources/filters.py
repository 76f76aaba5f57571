"""Which files are worth learning from; each that is not has a reason.

What the index leaves out is left out here for the same reasons (`indexer.filters` and
`parse.readable`: generated, vendored, minified, binary, secret …), and secrets are masked. Learning
is choosier; the further reasons, after Refact's and BigCode's pipelines:

- "excluded": a pattern of the user's;
- "linguist-generated", "linguist-vendored": `.gitattributes` say so;
- "no-grammar": prose, data, a language without a grammar;
- "foreign-licence": the head names a licence or holder that is not the repository's;
- "few-lines": fewer than five lines of code;
- "not-parsed": syntax errors;
- "digits": more digits than a third of what is no white space;
- "data-module": hardly anything but literals.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from homespun.indexer.config import IndexConfig
from homespun.indexer.languages import has_grammar
from homespun.indexer.scan import skip
from homespun.indexer.scan.decode import decode
from homespun.indexer.scan.globs import MAX_PATTERNS, IgnoreRules
from homespun.indexer.secrets import mask
from homespun.indexer.syntax.parse import readable, syntax_tree
from homespun.indexer.types import Skipped
from homespun.training.history.formatting import is_python
from homespun.training.sources.licence_heads import licence_in_head

_MIN_CODE_LINES = 5
_MAX_DIGITS = 0.3
_MAX_DATA_LINES = 0.75
_MIN_DATA_LINES = 20
_ASKED_DATA_LINES = 400  # of a long file every so-many-th is looked at
_HEAD_LINES = 40
_PYTHON2 = re.compile(
    r"^\s*(?:print\s+[\"'\w%]|except\s+[\w.]+\s*,\s*\w+\s*:|exec\s+[\"'])", re.MULTILINE
)
_DIGIT = re.compile(r"\d")
# Macros and attributes of other compilers: the parser stumbles over good code.
_HARD_TO_PARSE = frozenset({"c", "cpp", "haskell"})
_COMMENT = re.compile(r"\s*(?:#|//|/\*|\*|--|\"\"\"|''')")
_STRING = re.compile(r"[rbfuRBFU]{0,2}(?:\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')")
# A value, a pair, a closing bracket, or the assignment of one value to a name, once the strings are
# taken out.
_DATA_LINE = re.compile(
    r"\s*(?:\w+\s*(?::\s*\w+\s*)?=|\w+\s*(?::|=>))?"
    r"(?:[\s\d\[\](){},:;.+=>-]|\b(?:True|False|None|true|false|null|nil)\b)*(?:(?:#|//).*)?"
)
_HOLDER = re.compile(
    r"copyright\s*(?=\(c\)|©|&copy;|\d{4}|by\s)(?:\(c\)|©|&copy;)?\s*(?:\d{4}(?:\s*[-–,]\s*(?:\d{4}|present))*,?)?\s*(?:by\s+)?"
    r"([^\n\d<(]{3,60})",
    re.IGNORECASE,
)
_SPDX = re.compile(r"SPDX-License-Identifier:\s*([^\s*]+)")
_OWN_SHARE = 0.1  # of the files that name a licence or a holder: then it is the house's own
_OWN_FILES = 5
_ATTRIBUTE = re.compile(r"(-?)(linguist-generated|linguist-vendored)(?:=(\w+))?")


@dataclass(frozen=True, slots=True)
class SourceText:
    """A file to learn from."""

    path: str
    language: str
    text: str  # LF line ends, secrets masked
    code_lines: int  # neither blank nor comments
    masked: frozenset[int]  # 1-based lines in which a secret was masked


@dataclass(frozen=True, slots=True)
class House:
    """What the repository says about itself: decides what is foreign, generated or unwanted."""

    licences: frozenset[str] = frozenset()  # that are its own
    holders: frozenset[str] = frozenset()
    excluded: IgnoreRules | None = None
    attributes: tuple[tuple[IgnoreRules, str, bool], ...] = ()

    @classmethod
    def of(
        cls,
        heads: Iterable[str],
        *,
        licence_texts: Sequence[str] = (),
        exclude: Sequence[str] = (),
        attributes: Mapping[str, str] | None = None,
    ) -> House:
        """Learn from the heads of all files, the licence files and `.gitattributes`.

        `attributes` is folder ("" or with a final "/") -> text. A licence or holder is the house's
        own when a licence file, several files, or a share of those that name one have it.
        """
        licences: Counter[str] = Counter()
        holders: Counter[str] = Counter()
        for head in heads:
            named, by = _claims(head)
            licences.update([named] if named else [])
            holders.update(by)
        stated = [_claims(text) for text in licence_texts]
        return cls(
            licences=_own(licences) | {named for named, _ in stated if named},
            holders=_own(holders) | {holder for _, by in stated for holder in by},
            excluded=IgnoreRules(exclude) if exclude else None,
            attributes=tuple(_attributes(attributes or {})),
        )


def filtered(path: str, source: bytes, house: House, *, most_bytes: int) -> SourceText | Skipped:
    """Return what may be learned from a file, or the reason why it may not.

    `path` is relative to the repository, with "/".
    """
    reason = reason_by_path(path, house)
    if reason is not None:
        return Skipped(reason)
    found = source_text(path, source, most_bytes=most_bytes)
    if isinstance(found, Skipped):
        return found
    reason = _reason_by_content(found.language, found.text, house)
    return found if reason is None else Skipped(reason)


def source_text(path: str, source: bytes, *, most_bytes: int) -> SourceText | Skipped:
    """Return a version of a file that is learned from; only what the index judges is asked."""
    found = readable(path, source, IndexConfig(max_file_bytes=most_bytes))
    if isinstance(found, Skipped):
        return found
    if found.is_generated:
        return Skipped("generated")
    if not has_grammar(found.language):
        return Skipped("no-grammar")
    return SourceText(
        path,
        found.language,
        found.text,
        len(code_lines(found.text)),
        _masked_lines(source, found.text),
    )


def reason_by_path(path: str, house: House) -> str | None:
    """Return why a file is left out, judged by its path; None where it may be read."""
    if skip.in_tool_folder(path):
        return "vendored"
    if house.excluded is not None and house.excluded.decide(path) is False:
        return "excluded"
    stated = {}
    for spec, attribute, value in house.attributes:
        if spec.decide(path) is False:
            stated[attribute] = value
    said = next((attribute for attribute, value in stated.items() if value), None)
    return said or skip.reason_by_name(path)


def code_lines(text: str) -> list[str]:
    """Return the lines that are neither blank nor comments."""
    return [line for line in text.split("\n") if line.strip() and not _COMMENT.match(line)]


def head_of(text: str) -> str:
    """Return the lines in which a licence would stand."""
    return "\n".join(text.split("\n", _HEAD_LINES)[:_HEAD_LINES])


def _reason_by_content(language: str, text: str, house: House) -> str | None:
    if mask.mask(text, language) != text:
        return "secret"  # what was masked still looks like one
    if _is_foreign(text, house):
        return "foreign-licence"
    lines = code_lines(text)
    if len(lines) < _MIN_CODE_LINES:
        return "few-lines"
    if len(_DIGIT.findall(text)) > _MAX_DIGITS * len("".join(text.split())):
        return "digits"
    if _is_data(lines):
        return "data-module"
    return None if _is_parsed(language, text) else "not-parsed"


def _is_data(lines: Sequence[str]) -> bool:
    if len(lines) < _MIN_DATA_LINES:
        return False
    asked = lines[:: -(-len(lines) // _ASKED_DATA_LINES)]
    data = sum(_DATA_LINE.fullmatch(_STRING.sub("", line[:1_000])) is not None for line in asked)
    return data > _MAX_DATA_LINES * len(asked)


def _is_parsed(language: str, text: str) -> bool:
    if language in _HARD_TO_PARSE:
        return True
    if language == "python" and _PYTHON2.search(text) and not is_python(text):
        return False  # the grammar knows both
    tree = syntax_tree(language, text.encode("utf-8"))
    return tree is not None and not tree.root_node.has_error


def _masked_lines(source: bytes, text: str) -> frozenset[int]:
    decoded = decode(source)
    if isinstance(decoded, Skipped) or decoded == text:
        return frozenset()
    pairs = zip(decoded.split("\n"), text.split("\n"), strict=False)
    return frozenset(n for n, (one, other) in enumerate(pairs, start=1) if one != other)


# --- licences


def _is_foreign(text: str, house: House) -> bool:
    named, holders = _claims(head_of(text))
    if named and named not in house.licences:
        return True
    # A line of copyright alone is often a contributor's; with a licence it is another's file.
    return bool(named and holders and house.holders and not holders & house.holders)


def _claims(head: str) -> tuple[str, frozenset[str]]:
    """Return the licence that a text names ("" for none) and whose copyright it is."""
    spdx = _SPDX.search(head)
    named = spdx[1] if spdx else licence_in_head(head)
    holders = (_plain(match) for match in _HOLDER.findall(head))
    return named, frozenset(holder for holder in holders if holder)


def _plain(holder: str) -> str:
    words = re.findall(r"[^\W\d_]+", holder.casefold())
    drop = {"the", "and", "all", "rights", "reserved", "inc", "ltd", "gmbh", "llc", "contributors"}
    return " ".join(word for word in words if word not in drop | {"authors", "holder", "notice"})


def _own(counts: Counter[str]) -> frozenset[str]:
    total = sum(counts.values())
    return frozenset(
        name
        for name, count in counts.items()
        if count >= min(_OWN_FILES, _OWN_SHARE * total) and (count > 1 or total == 1)
    )


# --- .gitattributes


def _attributes(texts: Mapping[str, str]) -> Iterable[tuple[IgnoreRules, str, bool]]:
    """Yield (pattern, attribute, value); the last that matches counts, deeper folders are last."""
    for folder, text in sorted(texts.items()):
        for line in text.splitlines()[:MAX_PATTERNS]:
            pattern, *stated = line.split()[:20] or [""]
            if not pattern or pattern.startswith(("#", "[", '"', "!")):
                continue
            found = [match for word in stated if (match := _ATTRIBUTE.fullmatch(word))]
            if not found:
                continue
            if "/" in pattern.rstrip("/") or not folder:
                rooted = folder + pattern.lstrip("/") if folder or "/" in pattern else pattern
            else:
                rooted = f"{folder}**/{pattern}"
            spec = IgnoreRules([rooted])
            for match in found:
                yield spec, match[2], not match[1] and (match[3] or "true").lower() != "false"
