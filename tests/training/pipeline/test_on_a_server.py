"""A training that is judged on a server: what counts is what that one wrote, for that one alone."""

from __future__ import annotations

import pytest

from homespun.models.adapters.registry import Registry
from homespun.models.errors import AdapterUnfit
from homespun.models.promote import promote
from homespun.models.serve import decoder_form, serve
from homespun.models.weights.tokenizer import BpeTokenizer
from homespun.server.prompt.render import PROMPT_VERSION
from homespun.training.config import ExamEndpoint, TrainOptions
from homespun.training.endpoint import model as exam_model
from homespun.training.errors import ExamFailed, RunUnreadable
from homespun.training.gate import gate
from homespun.training.gate.verdict import GateVerdict
from homespun.training.pipeline.train import train
from tests.support.fake_vllm import FakeVllm, Speaker
from tests.support.kept_training import gone_on
from tests.support.train_small import COMPLETION, Spoken, options

PROVEN = GateVerdict("promote", "It may serve.", ())


@pytest.fixture
def fake(model, monkeypatch):
    monkeypatch.setattr(exam_model, "_PAUSES", (0.0, 0.0))
    form = decoder_form(serve(str(model)).directory)
    tokenizer = BpeTokenizer(form.tokenizer_json(), form.control)
    controls = [form.fim.prefix, form.fim.suffix, form.fim.middle]
    nats = {"coder": -2.0, "homespun-draft-": -1.5}
    server = FakeVllm(root="/models/tiny", speaks=Speaker(tokenizer, controls, nats=nats))
    yield server
    server.close()


def test_what_a_server_wrote_is_judged_and_proves_nothing_for_this_machine(
    trained, workspace, model, fake
):
    seen = []

    def judge(evidence):
        seen.append(evidence)
        return PROVEN

    wanted, told = options(model, exam=ExamEndpoint(fake.url)), Spoken()
    done = gone_on(trained, workspace, wanted, after="learning", judge=judge, progress=told)
    (evidence,) = seen
    assert evidence.places == 10
    assert evidence.parity.loss_served == pytest.approx(1.5)  # by the server's word
    assert evidence.rules is not None
    assert evidence.exact is not None and evidence.speed is not None
    assert (done.verdict.served_form, done.verdict.outcome) == ("endpoint", "promote")
    assert not done.is_champion and Registry(workspace).champion() is None
    assert "model.remote.model" in done.outcome
    assert fake.adapters == []  # the draft is unloaded
    (adapter,) = Registry(workspace).adapters()
    assert adapter.manifest["gate"]["promote"] is False
    assert adapter.manifest["gate"]["served_form"] == "endpoint"
    assert adapter.manifest["options"]["exam"] == "vllm"
    for path in adapter.directory.rglob("*"):
        assert fake.url.encode() not in path.read_bytes(), path  # they are shared with others
    with pytest.raises(AdapterUnfit, match="judged as a server serves it.*eval completion"):
        promote(Registry(workspace), adapter.id, model=str(model), prompt_version=PROMPT_VERSION)


def test_what_a_server_cannot_say_counts_as_not_measured(trained, workspace, model, fake):
    fake.speaks.weighs, seen, told = False, [], Spoken()

    def judge(evidence):
        seen.append(evidence)
        return gate.judge(evidence)

    wanted = options(model, exam=ExamEndpoint(fake.url))
    done = gone_on(trained, workspace, wanted, after="learning", judge=judge, progress=told)
    assert seen[0].rules is None and seen[0].parity is None
    assert any("the adapter cannot pass there" in sentence for sentence in told.said)
    unmeasured = {c.name for c in done.verdict.conditions if c.value is None and not c.passed}
    assert {"house style", "served form"} <= unmeasured
    assert done.verdict.served_form == "endpoint"


def test_a_server_that_fails_leaves_a_run_to_go_on_with_on_another(trained, workspace, model, fake):
    wanted = options(model)
    fake.replies["/v1/completions"] = (503, {"error": {"message": "busy"}})
    with pytest.raises(ExamFailed, match="busy"):
        gone_on(trained, workspace, wanted, after="learning", exam=ExamEndpoint(fake.url))
    assert not Registry(workspace).adapters()
    fake.replies.clear()
    done = train(workspace, completion=COMPLETION, resume=True)  # the server is remembered
    assert done.verdict.served_form == "endpoint"


def test_a_server_is_not_taken_where_the_exam_is_over(trained, workspace, model):
    with pytest.raises(RunUnreadable, match="the exam of run-0001 is over"):
        gone_on(
            trained,
            workspace,
            options(model),
            after="probes",
            exam=ExamEndpoint("http://127.0.0.1:9"),
        )


def test_options_come_back_from_a_run_with_the_server_and_reports_do_not_name_it():
    wanted = TrainOptions("m", exam=ExamEndpoint("http://gpu:8000", key_env="EXAM_KEY"))
    assert TrainOptions.from_json(wanted.to_json()) == wanted
    assert "8000" not in str(wanted.told()) and "EXAM_KEY" not in str(wanted.told())
    old = {k: v for k, v in wanted.to_json().items() if k not in ("exam", "checkpointing")}
    assert TrainOptions.from_json(old) == TrainOptions("m")
