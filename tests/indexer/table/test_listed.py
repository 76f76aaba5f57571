"""A list of repositories is read to its end, or refused with the line that is wrong."""

from __future__ import annotations

import pytest

from homespun.indexer.errors import TableRefused
from homespun.indexer.table.build import build
from homespun.indexer.table.listed import NamedRepository, read_list
from homespun.indexer.table.place import TablePlace
from tests.indexer.table.contents import rows_of


def write(tmp_path, text):
    file = tmp_path / "repos.txt"
    file.write_text(text, encoding="utf-8")
    return file


def test_names_paths_and_revisions_come_from_a_list(tmp_path):
    file = write(tmp_path, "# ours\nacme/auth repos/auth\n\nacme/shop /srv/shop v1.2 # pinned\n")
    first, second = read_list(file)
    assert first == NamedRepository("acme/auth", tmp_path / "repos" / "auth")
    assert (second.name, second.path.as_posix(), second.revision) == (
        "acme/shop",
        "/srv/shop",
        "v1.2",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("acme/auth\n", "line 1 of .* wants NAME PATH"),
        ("../auth x\n", "line 1 of .* wants NAME PATH"),
        ("a x y z\n", "line 1 of .* wants NAME PATH"),
        ("\nacme/auth x --upload-pack=x\n", "line 2 of .* has the revision '--upload-pack=x'"),
        ("acme/auth x\nacme/auth y\n", "names 'acme/auth' again"),
        ("# nothing\n", "names no repository"),
    ],
)
def test_a_list_that_is_wrong_is_refused_in_a_sentence(tmp_path, text, said):
    with pytest.raises(TableRefused, match=said):
        read_list(write(tmp_path, text))
    with pytest.raises(TableRefused, match="cannot be read"):
        read_list(tmp_path / "nowhere.txt")


def test_a_revision_that_is_not_checked_out_fails_that_repository_alone(uri, repositories, encoder):
    one = NamedRepository("acme/auth", repositories[0].path, "v1")
    report = build(TablePlace(uri, create=True), [one, *repositories[1:]], encoder)
    assert list(report.failed) == ["acme/auth"]
    assert set(rows_of(uri)) == {"acme/shop", "acme/docs"}
