"""A sweep with every trial that it needs: what planning makes, and what everything after it reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from seedbed.config import Config
from seedbed.family import Family
from seedbed.sweep import Stage, Sweep
from seedbed.sweep.part import Scalar
from seedbed.sweep.points import Start

if TYPE_CHECKING:
    from seedbed.planning.winners import Winner


@dataclass(frozen=True)
class InputRef:
    """A finished trial that a trial builds on, and which of its weights."""

    family: str
    trial: str
    weights: str


@dataclass(frozen=True)
class PlannedTrial:
    """Point × seed with the trials it builds on: everything that an attempt needs to know."""

    id: str
    family: str
    role: str
    revision: int
    config: dict[str, Any]
    seed: int
    axes: dict[str, Scalar]
    data: str
    inputs: dict[str, list[InputRef]] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Where the store keeps it."""
        return f"trials/{self.family}/{self.id}"

    @property
    def label(self) -> str:
        """How people call it: its place on the axes and its seed."""
        return f"{axes_in_words(self.axes)} seed={self.seed}".strip()

    def to_json(self) -> dict[str, Any]:
        """Plain values, as they stand in plan.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> PlannedTrial:
        """The reverse of to_json."""
        inputs = {role: [InputRef(**ref) for ref in refs] for role, refs in plain["inputs"].items()}
        return cls(**{**plain, "inputs": inputs})


MetricsOf = Callable[[Sequence[PlannedTrial], str], Mapping[str, Mapping[str, float] | None]]
"""The metrics of trials, by their ids, among which one metric chooses: empty for a diverged trial, UNUSABLE for one
that its predictions contradict, None for one that has no result yet."""

UNUSABLE: Mapping[str, float] = {"": math.nan}
"""Stands for the metrics of a trial whose result cannot be believed: it is finished, and cannot be the best."""


@dataclass(frozen=True)
class PlannedPoint:
    """A point as its family reads it, and its trial for each seed."""

    axes: dict[str, Scalar]
    config: Config
    seeds: list[int]

    trials: dict[int, PlannedTrial]
    """By seed; empty while it is not known yet which trial is the best one that it builds on."""

    parent: Mapping[str, Scalar] | None = None
    """Where the point stands that its labels came `from`, or that it was inherited from."""


@dataclass(frozen=True)
class End:
    """A point as other stages may start from it, replicates aside."""

    axes: dict[str, Scalar]
    config: Config
    start: Start
    """Its settings and inputs, and how they came about."""


@dataclass(frozen=True)
class PlannedStage:
    """A stage with all of its trials."""

    stage: Stage
    family: Family
    points: list[PlannedPoint]
    over: frozenset[str] = frozenset()
    """The axes that every point runs over, beside the seeds."""

    ends: tuple[End, ...] = ()
    """The points that could be inherited: while it is late, for every way in which the stages before can end."""

    incumbents: tuple[dict[str, Scalar], ...] = ()
    """Where the points stand that a winner has to beat, replicates aside."""

    winners: tuple[Winner, ...] | None = None
    """One for each value of the axes that it selects within; None while they are not known."""

    kept: bool = False
    """Whether they stay whatever its results say."""

    failed: str = ""
    """Why it has no winner although all of its trials have results."""

    hopeless: str = ""
    """Why it can never be planned: a stage that it builds on has no winner, or no best trial."""

    sampled: bool = False
    """Whether it was checked against some of the ways in which the stages before can end, not against all."""

    most: int = 0
    """The trials that it can have at most, while it is late and may have more than these points have."""

    @property
    def trials(self) -> list[PlannedTrial]:
        """All trials that are known, point by point."""
        return [trial for point in self.points for trial in point.trials.values()]

    @property
    def late(self) -> bool:
        """Whether some of its trials can only be known when stages before it are done."""
        return any(not point.trials for point in self.points)

    @property
    def at_most(self) -> int:
        """How many trials it has, or can have at most while it is late."""
        return max(self.most, sum(len(point.seeds) for point in self.points))

    @property
    def count(self) -> str:
        """How many trials it has, in words: `12`, or `at most 12` while it is late."""
        return f"at most {self.at_most}" if self.late else str(len(self.trials))


@dataclass(frozen=True)
class PlannedBaseline:
    """What the points of a stage are compared with."""

    label: str
    trials: list[PlannedTrial]
    """Their axes say which points they stand against: those that agree on every axis that both have."""


@dataclass(frozen=True)
class SweepPlan:
    """A sweep with every trial that it needs."""

    sweep: Sweep
    stages: dict[str, PlannedStage]
    baselines: dict[str, PlannedBaseline]
    """By stage, where it has one."""

    @property
    def trials(self) -> list[PlannedTrial]:
        """All trials, each once, though several stages may hold it."""
        return list({trial.id: trial for stage in self.stages.values() for trial in stage.trials}.values())

    @property
    def at_most_more(self) -> int:
        """How many trials may follow from results that are not there yet; a stage that gathers adds none."""
        late = (stage for stage in self.stages.values() if stage.late and not stage.stage.plan.gather)
        return sum(stage.at_most for stage in late)


def axes_in_words(axes: Mapping[str, Scalar]) -> str:
    """`alpha.gaf=0.9 teacher=wrn16-1`."""
    return " ".join(f"{axis}={value}" for axis, value in axes.items())
