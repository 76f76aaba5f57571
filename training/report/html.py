"""A training told on one page of HTML that needs nothing else: the verdict first, then why.

`view.py` says what stands on the page, `templates/` how it looks; all text is escaped where it
enters a template. The page begins with a policy that lets no script run and nothing be fetched, and
is made of the few elements that `server/report_page.py` knows: the server gives an editor no other
page to open.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homespun.server.report_page import HEAD
from homespun.training.report.page import ReportPage
from homespun.training.report.view import view_of


def render(page: ReportPage) -> str:
    """Return the whole HTML document of a training."""
    return filled("report.html.j2", view_of(page))


def filled(template: str, view: Mapping[str, Any], *, package: str = __package__) -> str:
    """Return a document from a package's template, by default one of this folder."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return HEAD + templates.get_template(template).render(view)
