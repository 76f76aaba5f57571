"""What a bundle leaves out, text by text."""

from __future__ import annotations

from pathlib import Path

import pytest

from homespun.cli.doctor.bundle import Scrubber

SCRUBBER = Scrubber(Path("/data/homes/ada"), "ada", ["gpu7.corp", "corp"])


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("/data/homes/ada/shop", "~/shop"),
        ("'/data/homes/ada' has no index", "'~' has no index"),
        ("/data/homes/adam/shop", "/data/homes/adam/shop"),
        ("/home/grace/x and /Users/grace/x", "/home/USER/x and /Users/USER/x"),
        (r"C:\Users\grace\shop", r"C:\Users\USER\shop"),
        ("/mnt/ada/shop", "/mnt/USER/shop"),
        ("ada-shop-tree-1", "USER-shop-tree-1"),
        ("ada wrote in Canada", "ada wrote in Canada"),
        ("https://gpu7.corp:8080 is asked", "https://HOST:8080 is asked"),
    ],
)
def test_homes_names_and_hosts_are_taken_out(text, plain):
    assert SCRUBBER.scrubbed(text) == plain


def test_keys_stay_and_lists_of_a_setting_are_counted():
    user = Scrubber(Path("/root"), "root", [])
    value = {"root": "/root/x", "exclude": {"value": ["a", "b"], "origin": "default"}}
    plain = {"root": "~/x", "exclude": {"entries": 2, "origin": "default"}}
    assert user.scrubbed(value) == plain
