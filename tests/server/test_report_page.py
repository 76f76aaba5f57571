"""Which page of a training is shown: ours, under our policy; never one that could do something."""

from __future__ import annotations

import os

import pytest

from homespun.server.report_page import HEAD, is_harmless

BODY = (
    "<title>shop</title><style>p { margin: 0; }</style></head><body><p>1 &lt; 2</p></body></html>"
)


@pytest.fixture
def page(tmp_path):
    def make(text):
        file = tmp_path / "report.html"
        file.write_text(text, encoding="utf-8", newline="\n")
        return file

    return make


def test_a_page_under_our_policy_is_shown(page):
    assert is_harmless(page(HEAD + BODY))


@pytest.mark.parametrize(
    "text",
    [
        BODY,
        f"<script>run()</script>{HEAD}{BODY}",
        f" {HEAD}{BODY}",
        f"\ufeff{HEAD}{BODY}",
        HEAD.replace("default-src 'none'", "default-src *") + BODY,
        HEAD.upper() + BODY,
    ],
    ids=["none", "behind-a-script", "behind-a-space", "behind-a-mark", "weaker", "other-letters"],
)
def test_a_page_without_our_policy_at_its_beginning_is_not(page, text):
    assert not is_harmless(page(text))


@pytest.mark.parametrize(
    "planted",
    [
        "<script>run()</script>",
        "<SCRIPT src=//example.org/x.js>",
        "<meta http-equiv=refresh content='0;url=https://example.org'>",
        "<link rel=dns-prefetch href=//example.org>",
        "<a href='command:run'>the reason</a>",
        "<img/src=x>",
        "<img\fsrc=x>",
        "<iframe srcdoc='<p>'>",
        "<form action=https://example.org>",
        "<base href=https://example.org>",
        "<svg><a xlink:href='https://example.org'/></svg>",
        "<math><mtext></mtext></math>",
        "<template><p></p></template>",
        "<p-like></p-like>",
        "<!-- <p> --!><script>run()</script>",
        "<?xml-stylesheet href='https://example.org'?>",
        "<![CDATA[<p>]]>",
        "<scr\0ipt>run()</scr\0ipt>",
        "<script",
    ],
)
def test_an_element_that_no_report_has_is_not_shown(page, planted):
    assert not is_harmless(page(HEAD + BODY.replace("</body>", planted + "</body>")))


def test_a_link_a_folder_a_pipe_and_a_page_without_end_are_no_page(tmp_path, page):
    file = page(HEAD + BODY)
    (tmp_path / "link.html").symlink_to(file)
    os.mkfifo(tmp_path / "pipe.html")
    (tmp_path / "large.html").write_text(HEAD + BODY + " " * 5_000_000)
    for name in ("link.html", "pipe.html", "large.html", "nothing.html", ""):
        assert not is_harmless(tmp_path / name), name
