"""Conventions for people: a table a language, and the places of one rule."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from homespun.cli.output import say
from homespun.training.conventions.sites import NAMES

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from homespun.training.conventions.mine import Convention, Conventions, ExampleLine

_WIDTH = 120  # columns where the output goes to a file
_MODULES = 8  # rules about single modules that are shown; more are counted
_BAR = 5  # columns of full adherence


def print_conventions(
    found: Conventions, *, name: str, least_sites: int, all_rules: bool = False
) -> None:
    """Print the house rules and the mixed ones of each language, and what they rest on."""
    console = _console()
    _line(console, _headline(found, name))
    families = list(dict.fromkeys(convention.rule.family for convention in found.rules))
    families.sort(key=lambda family: -_weight(found, family))
    hidden = 0
    for family in families:
        rules = [c for c in found.rules if c.rule.family == family]
        shown = [c for c in rules if all_rules or c.status != "few"]
        hidden += len(rules) - len(shown)
        shown, modules = (shown, 0) if all_rules else _without_most_modules(shown)
        for status, title in (("house", "house rules"), ("mixed", "mixed"), ("few", "few places")):
            rows = [c for c in shown if c.status == status]
            if rows:
                console.print()
                console.print(_table(f"{_language(family)}: {title}", rows))
        if modules:
            _line(console, f"{modules} more modules are imported in one way only (--all)")
    console.print()
    _line(
        console,
        f"house: at least {least_sites} places, and the 95 % interval of the share lies above "
        "80 %. ✎ a formatter settles it. --rule ID shows the places.",
    )
    if hidden:
        _line(console, f"{hidden} rules have fewer than {least_sites} places (--all shows them)")
    if not found.rules:
        _line(console, "no code was found whose rules are known")


def print_rule(found: Conventions, wanted: str) -> int:
    """Print the forms of the rules whose ID holds `wanted`, with places; 1 if there is none."""
    exact = [c for c in found.rules if c.rule.id == wanted]
    chosen = exact or [c for c in found.rules if wanted in c.rule.id]
    if not chosen:
        names = ", ".join(c.rule.id for c in found.rules)
        say(f"no place answers a rule {wanted!r}; there are {names}")
        return 1
    console = _console()
    for convention in chosen:
        low, high = convention.interval
        _line(
            console,
            f"{convention.rule.id}: {convention.rule.title}; {convention.sites:,} places in "
            f"{_files(convention.files)}, {convention.adherence:.1%} "
            f"({low:.1%} to {high:.1%}), {convention.status}",
            style="bold",
        )
        for form in convention.forms:
            _line(console, f"  {form.label}: {form.sites:,} in {_files(form.files)}")
            for place in form.examples:
                _line(console, f"    {_at(place)}  {place.text}")
    return 0


def _headline(found: Conventions, name: str) -> str:
    judged = [c for c in found.rules if c.status != "few"]
    asked = ", ".join(
        f"{_language(language)} {count:,} files, {found.lines[language]:,} lines"
        for language, count in sorted(found.files.items(), key=lambda item: -item[1])[:3]
    )
    return f"{name}: {len(found.house())} of {len(judged)} conventions are house rules ({asked})"


def _weight(found: Conventions, family: str) -> int:
    members = ("javascript", "typescript", "tsx") if family == "javascript" else (family,)
    return sum(found.lines.get(language, 0) for language in members)


def _without_most_modules(rules: Sequence[Convention]) -> tuple[list[Convention], int]:
    """Leave the most imported of the modules that are always imported in one way."""
    plain = [c for c in rules if ":" in c.rule.id and c.status == "house"]
    plain.sort(key=lambda convention: -convention.sites)
    dropped = {c.rule.id for c in plain[_MODULES:]}
    return [c for c in rules if c.rule.id not in dropped], len(dropped)


def _table(title: str, rows: Iterable[Convention]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        expand=True,
        padding=(0, 1, 0, 0),
    )
    table.add_column("what", ratio=8, overflow="fold")
    table.add_column("how", ratio=7, overflow="fold")
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("95 %", justify="right", no_wrap=True)
    table.add_column("places", justify="right", no_wrap=True)
    table.add_column("otherwise", ratio=9, overflow="fold")
    group = ""
    for row in rows:
        if row.rule.group != group:
            group = row.rule.group
            table.add_row(_text(group, "bold cyan"), *[""] * 6)
        low, high = row.interval
        mark = " ✎" if row.rule.fixable else ""
        table.add_row(
            _text(f"  {row.rule.title}{mark}"),
            _text(row.house.label, "green" if row.status == "house" else "yellow"),
            f"{100 * row.adherence:.0f} %",
            _bar(row),
            f"{100 * low:.0f}-{100 * high:.0f}",
            f"{row.sites:,}",
            _otherwise(row),
        )
    return table


def _bar(row: Convention) -> Text:
    from rich.text import Text

    full = round(_BAR * row.adherence)
    color = {"house": "green", "mixed": "yellow"}.get(row.status, "dim")
    return Text.assemble(("━" * full, color), ("━" * (_BAR - full), "bright_black"))


def _otherwise(row: Convention) -> Text:
    """Say what the others do, and where the first of them is."""
    if len(row.forms) == 1:
        return _text("")
    other = row.forms[1]
    rest = row.sites - row.house.sites - other.sites
    more = f", others {rest:,}" if rest else ""
    place = ""
    if other.examples:
        first = other.examples[0]
        place = f" ({first.path.rpartition('/')[2]}:{first.line})"
    return _text(f"{other.label} {other.sites:,}{more}{place}", "dim")


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"


def _at(place: ExampleLine) -> str:
    return f"{place.path}:{place.line}"


def _language(family: str) -> str:
    return NAMES.get(family, family.capitalize())


def _text(text: str, style: str = "") -> Text:
    """Return text whose brackets are no markup."""
    from rich.text import Text

    return Text(text, style=style)


def _line(console: Console, text: str, *, style: str = "") -> None:
    console.print(_text(text, style), soft_wrap=True, highlight=False)


def _console() -> Console:
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=_WIDTH)
