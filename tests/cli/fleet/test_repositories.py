"""The list of a fleet: what is read, and that all that is wrong with it is told together."""

from __future__ import annotations

import json

import pytest

from homespun.cli.errors import UsageError
from homespun.cli.fleet.repositories import FleetRepository, parsed_list, read_list
from tests.support.command import run_command


def test_paths_addresses_revisions_remarks_and_json_are_read(tmp_path):
    lines = (
        "# the house",
        "",
        "acme/auth    ../auth      # where it is",
        "acme/billing https://git.example/billing.git  v2.1",
        "acme/ledger  ssh://git@git.example:2222/ledger.git",
        json.dumps({"name": "acme/web", "repository": "/srv/a path", "revision": "main"}),
    )
    (tmp_path / "repos.txt").write_text("\n".join(lines))
    assert read_list(tmp_path / "repos.txt") == [
        FleetRepository("acme/auth", str(tmp_path / "../auth")),
        FleetRepository("acme/billing", "https://git.example/billing.git", "v2.1"),
        FleetRepository("acme/ledger", "ssh://git@git.example:2222/ledger.git"),
        FleetRepository("acme/web", "/srv/a path", "main"),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("acme/auth", "is not NAME PATH-or-URL"),
        ("a b c d", "is not NAME PATH-or-URL"),
        ("../auth x", "'../auth' is no name"),
        ("-x /srv/x", "'-x' is no name"),
        ("a --upload-pack=evil", "'--upload-pack=evil' is no path"),
        ("a inside/../../out", "has '..' in its midst"),
        ("a /srv/../etc", "has '..' in its midst"),
        ("a ext::sh -c x", "is not NAME"),
        ("a ext::evil", "only file://, https://, ssh:// are asked"),
        ("a ext::file:///x", "only file://, https://, ssh:// are asked"),
        ("a fd::17", "only file://"),
        ("a http://git.example/x", "only file://"),
        ("a git://git.example/x", "only file://"),
        ("a git@git.example:x.git", "write ssh://git@HOST/PATH"),
        ("a ssh://-oProxyCommand=evil/x", "neither begins with '-'"),
        ("a ssh://-l@host/x", "neither begins with '-'"),
        ("a ssh://host/-x", "begins with '-'"),
        ("a https:///x", "wants a host"),
        ("a https://git.example:99999/x", "it is no address"),
        ("a file://host/x", "wants a path"),
        ("a https://git.example/x?y=1", "a query"),
        ("a https://git.example/x --upload-pack=evil", "is no revision"),
        ("a https://git.example/x a..b", "is no revision"),
        ("a https://git.example/x @{-1}", "is no revision"),
        ('{"name": "a"}', "wants name and repository"),
        ('{"name": "a", "repository": 3}', "wants name and repository"),
        ('{"name": "a", "repository": "x", "run": "y"}', "'run' is none of"),
        ('{"name": ', "is no JSON"),
        ('{"name": "a", "repository": "x\\u0000y"}', "is no path"),
    ],
)
def test_what_no_line_may_say_is_refused(tmp_path, line, said):
    found, faults = parsed_list(line, tmp_path)
    assert found == []
    assert len(faults) >= 1
    assert said in faults[0]


def test_credentials_are_refused_and_not_repeated(tmp_path):
    _, (fault,) = parsed_list("a https://user:hunter2@git.example/x", tmp_path)
    assert "it holds credentials" in fault
    assert "hunter2" not in fault


def test_all_faults_are_told_together_with_their_lines(tmp_path, capsys):
    path = tmp_path / "repos.txt"
    path.write_text("acme/a x\nacme/A y\n../b z\nacme/c ext::evil @@\n")
    with pytest.raises(UsageError) as told:
        read_list(path)
    text = str(told.value)
    assert "line 2: 'acme/A' is the name of line 1, too" in text
    assert "line 3: '../b' is no name" in text
    assert text.count("line 4: ") == 2
    status, out, err = run_command(capsys, "fleet", "index", path, "--json")
    assert (status, out) == (2, "")
    assert "line 3: '../b' is no name" in err


@pytest.mark.parametrize("text", [None, "", "# nothing\n", b"\xff\xfe"])
def test_a_list_that_is_none_is_a_sentence(tmp_path, text):
    path = tmp_path / "repos.txt"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError, match=r"the list '.*repos.txt'"):
        read_list(path)


def test_two_names_never_share_a_file():
    names = ["a/b", "a-b", "a.b", "a_b", "a/b/c", "a/bc"]
    assert len({FleetRepository(name, "/x").file_name for name in names}) == len(names)
