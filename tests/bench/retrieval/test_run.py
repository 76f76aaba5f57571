"""The gate over all corpora, on two small ones instead of fetched packages."""

from __future__ import annotations

import json
import re

import pytest

from bench.retrieval import corpora, plot, tables
from bench.retrieval import run as eval_retrieval
from homespun.indexer.evaluation import report as evaluation_report
from homespun.indexer.evaluation.evaluate import CorpusResult, QueryResult
from homespun.indexer.evaluation.report import Report
from homespun.models.errors import DownloadFailed
from homespun.training.shipped.packages import Package

WORDS = ("basket", "oven", "parcel", "lamp", "water", "door")


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Two packages with a file and a query for each word, and no accepted report."""
    for name in ("shop", "house"):
        source = tmp_path / "packages" / name / "src"
        source.mkdir(parents=True)
        for word in WORDS:
            (source / f"{word}.py").write_text(f"def find_{word}(): ...\n")
    queries = [{"query": f"find {word}", "relevant": [f"src/{word}.py"]} for word in WORDS]
    folder = tmp_path / "queries" / "toy"
    folder.mkdir(parents=True)
    entries = []
    for name, split in (("shop", "dev"), ("house", "held")):
        (folder / f"{name}.json").write_text(json.dumps(queries))
        package = {"registry": "pypi", "name": name, "version": "1", "sha256": "0" * 64}
        entry = {"name": name, "language": "python", "split": split, "package": package}
        entries.append(entry | {"root": "src", "queries": f"{name}.json"})
    (folder / "corpora.json").write_text(json.dumps(entries))
    monkeypatch.setattr(corpora, "QUERIES", folder.parent)
    monkeypatch.setattr(corpora, "SETS", ("toy",))
    monkeypatch.setattr(eval_retrieval, "SETS", ("toy",))
    monkeypatch.setattr(corpora, "unpacked", lambda p: tmp_path / "packages" / p.name)
    monkeypatch.setattr(eval_retrieval, "ACCEPTED", tmp_path / "accepted")
    return tmp_path / "packages"


@pytest.fixture
def run(packages, monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["bench.retrieval.run", "--modes", "lexical", *arguments])
        status = eval_retrieval.main()
        return status, capsys.readouterr()

    return call


def plant_a_regression(packages):
    """Let the index lose every file but one."""
    for word in WORDS[1:]:
        (packages / "shop/src" / f"{word}.py").unlink()


def test_without_an_accepted_report_the_gate_is_open_and_says_so(run):
    status, said = run()
    assert status == 0
    assert "there is no accepted report for lexical yet" in said.out
    assert re.search(r"shop +6 +1\.000", said.out)
    assert "house" not in said.out


def test_an_equal_run_passes(run):
    assert run("--accept")[0] == 0
    status, said = run()
    assert status == 0
    assert "+0.000 [+0.000, +0.000] over 6 queries, 0 worse, 0 better" in said.out


def test_a_regression_closes_the_gate(run, packages):
    run("--accept")
    plant_a_regression(packages)
    status, said = run()
    assert status == 1
    assert re.search(r"lexical: the search got worse: NDCG -\d\.\d+ \[-", said.out)
    assert "worse  1.00 -> 0.00  shop: 'find water'" in said.out


def test_the_held_part_is_measured_apart_and_has_no_gate(run, packages):
    run("--accept")
    plant_a_regression(packages)
    status, said = run("--split", "held")
    assert status == 0
    assert "house" in said.out and "shop" not in said.out and "accepted" not in said.out


def test_a_package_that_cannot_be_had_is_named_and_left_out(run, monkeypatch):
    run("--accept")
    fetch = corpora.unpacked

    def unpacked(package: Package):
        if package.name == "shop":
            raise DownloadFailed("no network; check the network and run again")
        return fetch(package)

    monkeypatch.setattr(corpora, "unpacked", unpacked)
    status, said = run("--split", "all")
    assert status == 0 and "shop is left out: no network" in said.err
    status, said = run()
    assert status == 1 and "no package can be had" in said.out


def test_kept_indexes_follow_the_settings_of_the_run(run, packages):
    assert run("--keep")[0] == 0
    plant_a_regression(packages)
    assert re.search(r"shop +6 +1\.000", run("--keep")[1].out)  # the copy is kept
    assert not re.search(r"shop +6 +1\.000", run()[1].out)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--accept", "--only", "shop"), "--accept wants the whole development split"),
        (("--accept", "--split", "all"), "--accept wants the whole development split"),
        (("--write",), "--write wants all corpora"),
    ],
)
def test_half_a_run_is_neither_accepted_nor_written(run, capsys, arguments, sentence):
    with pytest.raises(SystemExit) as stopped:
        run(*arguments)
    assert stopped.value.code == 2 and sentence in capsys.readouterr().err


def report(mode, **scores):
    """A report with rows of one score for each corpus, half of them symbols."""
    results = [
        CorpusResult(
            name,
            "",
            4,
            9,
            tuple(
                QueryResult(str(n), "symbol" if n % 2 else "semantic", score, score, score, 1.0 + n)
                for n in range(4)
            ),
        )
        for name, score in scores.items()
    ]
    return Report(mode, 10, {"encoder": "none"}, tuple(results))


def test_the_tables_have_a_row_a_corpus_a_group_and_a_category(packages):
    chosen = corpora.corpora(("toy",))
    text = tables.tables(
        chosen, [report("lexical", shop=0.5, house=1.0), report("hybrid", shop=0.75, house=1.0)]
    )
    assert (
        "| shop | python | 4 | 9 | 4 | .500 [.500, .500] | .500 | 2.0 / 4.0 "
        "| .750 [.750, .750] | .750 | 2.0 / 4.0 |" in text
    )
    assert "| house (held) | python | 4 | 9 | 4 | 1.000 [1.000, 1.000] | 1.000 |" in text
    assert "| all | 2 | 8 | .750 [.750, .750] | .875 [.875, .875] |" in text
    assert "| symbol | 4 | .750 [" in text


def test_the_plot_is_a_picture_of_every_corpus(packages, tmp_path):
    from xml.etree import ElementTree

    path = tmp_path / "plot.svg"
    chosen = corpora.corpora(("toy",))
    plot.write(chosen, [report("lexical", shop=0.5, house=1.0)], path)
    drawing = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    texts = [element.text for element in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert "shop (python)" in texts and "house (python)*" in texts and ".500" in texts


def test_the_accepted_reports_of_this_repository_can_be_read_and_hold_every_dev_query():
    chosen = {corpus.name: corpus for corpus in corpora.corpora(split="dev")}
    paths = sorted(eval_retrieval.ACCEPTED.glob("retrieval-*.json"))
    assert paths
    for path in paths:
        accepted = evaluation_report.load(path)
        assert {c.name: set(c.by_id("ndcg")) for c in accepted.corpora} == {
            name: {query.id for query in corpus.queries} for name, corpus in chosen.items()
        }
        assert {c.content for c in accepted.corpora} == {c.content for c in chosen.values()}
