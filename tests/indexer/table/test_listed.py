"""A revision that is listed is what must be checked out."""

from __future__ import annotations

from homespun.indexer.table.build import build
from homespun.indexer.table.listed import NamedRepository
from homespun.indexer.table.place import TablePlace
from tests.indexer.table.contents import rows_of


def test_a_revision_that_is_not_checked_out_fails_that_repository_alone(uri, repositories, encoder):
    one = NamedRepository("acme/auth", repositories[0].path, "v1")
    report = build(TablePlace(uri, create=True), [one, *repositories[1:]], encoder)
    assert list(report.failed) == ["acme/auth"]
    assert set(rows_of(uri)) == {"acme/shop", "acme/docs"}
