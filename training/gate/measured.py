"""All that the gate looks at, as figures; None stands for what was not measured."""

from __future__ import annotations

from dataclasses import dataclass

from homespun.training.safety.memorisation import Memorised


@dataclass(frozen=True, slots=True)
class ShareDifference:
    """A paired difference (adapter minus the model as shipped) and its 95 % interval; shares."""

    before: float  # the model as shipped
    after: float  # with the repository adapter
    low: float
    high: float
    items: int

    @property
    def value(self) -> float:
        """The difference of the two shares."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class WrittenForm:
    """How both models write where the house has a rule that no formatter settles.

    `shared` compares them at the habits that the document does not show, where both wrote a site of
    the habit's rule: what one of them alone wrote cannot be compared, so silence wins nothing
    there. The rest is of all sites, at the ordinary places too: `ratio` says that there is no
    silence, the last two that what the adapter writes elsewhere does not undo what was won.
    """

    shared: ShareDifference | None  # share of house forms; None: no such place
    before: int  # sites in the house's form
    after: int
    ratio_low: float  # of after / before, 95 %
    ratio_high: float
    all_before: float  # share of house forms in all sites that the model as shipped wrote
    all_after: float


@dataclass(frozen=True, slots=True)
class RuleProbe:
    """Minimal pairs of one convention: how often the house form is the likelier one."""

    rule: str
    sites: int
    before: float  # preference accuracy, 0 to 1
    after: float


@dataclass(frozen=True, slots=True)
class ServedFormLoss:
    """The served int8 form against the float32 weights it was made from."""

    loss_served: float  # mean loss per token, natural logarithm
    loss_float: float

    @property
    def relative(self) -> float:
        """How much more the served form loses, relative."""
        return self.loss_served / self.loss_float - 1 if self.loss_float else 0.0


@dataclass(frozen=True, slots=True)
class Speed:
    """How long a whole completion takes."""

    before_ms: float  # median
    after_ms: float
    ratio: float  # geometric mean over the places of after / before
    low: float  # 95 %
    high: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """One evaluation of one adapter."""

    training_examples: int
    places: int  # completed by both models, both with retrieval
    commits: int  # that they are from; files without a history
    written: WrittenForm | None
    exact: ShareDifference | None  # first lines exactly as committed
    similarity: ShareDifference | None
    overrun: ShareDifference | None  # share of completions that run on past the wanted end
    parses: ShareDifference | None  # None: no file can be parsed
    findings: ShareDifference | None  # share with a new finding; None: no linter was asked
    rules: tuple[RuleProbe, ...] | None  # empty: measured, but no rule has a pair to compare
    forgetting: ShareDifference | None  # exact lines of other people's code
    memorised: Memorised | None
    parity: ServedFormLoss | None
    speed: Speed | None
    is_cut_short: bool = False  # only the habits were asked, as it could not pass any more
