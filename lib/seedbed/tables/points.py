"""The points of a table: the trials of each, by seed and replicate, and what their values come to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING

from seedbed import statistics
from seedbed.settings import Change, changes
from seedbed.tables.model import Outcome, Scalar, TableRequest
from seedbed.tables.wording import label, metric_name, place

if TYPE_CHECKING:
    from seedbed.scores import Score


@dataclass(frozen=True, eq=False)
class Point:
    """The trials of one point: the values of those that have one, and why the others have none."""

    source: str
    axes: Mapping[str, Scalar]
    values: dict[str, float] = field(default_factory=dict)
    """By block: the seed, and where it stands among the replicates."""

    failures: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Where it comes from and where it stands."""
        return f"{self.source} {place(self.axes)}".rstrip()

    @property
    def trials(self) -> frozenset[str]:
        """The ids of its trials."""
        return frozenset(outcome.trial for outcome in self.outcomes.values() if outcome.trial)

    @property
    def numerics(self) -> set[str]:
        """The classes of device and torch that its values come from."""
        tags = (self.outcomes[block].settings.get("numerics") for block in self.values)
        return {str(tag) for tag in tags if tag is not None}

    @cached_property
    def seeds(self) -> dict[str, float]:
        """By seed, the mean over its replicates; of seeds that have all of theirs."""
        lacking = {_seed(block) for block in self.failures}
        return _by_seed({block: value for block, value in self.values.items() if _seed(block) not in lacking})

    def at(self, axis: str | None) -> Scalar:
        """Its value on an axis; None where it does not have it."""
        return self.axes.get(axis) if axis else None

    def stands_at(self, axes: Mapping[str, Scalar]) -> bool:
        """Whether it has all of these values."""
        return all(self.axes.get(axis) == value for axis, value in axes.items())

    def agrees(self, axes: Mapping[str, Scalar]) -> bool:
        """Whether it has the same value on every axis that both have."""
        return all(axes[axis] == value for axis, value in self.axes.items() if axis in axes)

    def minus(
        self, other: Point, pooled: statistics.Pooled | None, *, by_seed: bool
    ) -> statistics.Difference | None:
        """The difference over seeds; replicates that were planned on both sides are averaged within a seed first.

        Of seeds that lack a replicate nothing is used while there are others. Where there are none, the mean over
        what both sides have has no interval: no spread is known of a mean over so few of them.
        """
        common = [block for block in self.values if block in other.values]
        lacking = {
            _seed(block)
            for block in self.outcomes
            if block in other.outcomes and not (block in self.values and block in other.values)
        }
        whole = [block for block in common if _seed(block) not in lacking]
        ours, theirs = ({block: side.values[block] for block in whole or common} for side in (self, other))
        if by_seed:
            ours, theirs = _by_seed(ours), _by_seed(theirs)
        found = statistics.paired_difference(ours, theirs, pooled)
        return found if found is None or whole else replace(found, low=None, high=None, p=None)

    def minus_over_units(self, other: Point, score: Score) -> statistics.OverUnits | None:
        """The difference for new units; None where a side cannot be made again."""
        ours, theirs = self._blocks(), other._blocks()
        if ours is None or theirs is None:
            return None
        pairs = [(ours[block], theirs[block]) for block in ours if block in theirs]
        return statistics.difference_over_units(pairs, score.value)

    def over_units(self, score: Score) -> statistics.OverUnits | None:
        """The mean over units (of pairs: the metric itself) and its interval; None where it cannot be made again."""
        blocks = list((self._blocks() or {}).values())
        by_unit = [block for block in blocks if isinstance(block, statistics.Block)]
        if len(by_unit) < len(blocks):
            return statistics.drawn_over_units(blocks, score.value)
        return statistics.over_units(statistics.unit_values(by_unit, score.value))

    def pooled(self, score: Score) -> float | None:
        """The metric on all test samples of a seed together, averaged over the seeds that have all of them."""
        blocks = self._blocks()
        if not blocks or score.of != "samples":
            return None
        whole = [
            score.of_all(*(block for name, block in blocks.items() if _seed(name) == seed))
            for seed in self.seeds
        ]
        return fmean(whole) if whole else None

    def changes_from(self, other: Point) -> list[Change]:
        """The settings in which its trials differ from those that they are paired with, each once.

        Without a pair, those in which one trial of each side differs: numerics and code where both have a result.
        """
        pairs = [(block, block) for block in self.values if block in other.values]
        found: dict[str, Change] = {}
        for mine, its in pairs or [(self._any_block(), other._any_block())]:
            sides = (self.outcomes[mine].settings, other.outcomes[its].settings)
            for change in changes(*sides):
                if change.setting not in MADE or not change.one_sided:
                    found.setdefault(change.setting, change)
        return list(found.values())

    def _any_block(self) -> str:
        """A trial that stands for the point: one with a value, where there is one."""
        return next(iter(self.values), next(iter(self.outcomes)))

    def _blocks(self) -> dict[str, statistics.AnyBlock] | None:
        """What its trials did unit by unit; None where one of them does not tell."""
        found = {block: self.outcomes[block].block for block in self.values}
        told = {block: tallies for block, tallies in found.items() if tallies is not None}
        return told if len(told) == len(found) else None


def read_points(request: TableRequest, source: str, outcomes: Iterable[Outcome]) -> list[Point]:
    """The points that outcomes make; raises ValueError for two outcomes of one point and seed."""
    points: dict[frozenset[tuple[str, Scalar]], Point] = {}
    for outcome in outcomes:
        axes = {axis: value for axis, value in outcome.axes.items() if axis not in request.replicates}
        point = points.setdefault(frozenset(axes.items()), Point(source, axes))
        block = _block(outcome, request.replicates)
        if block in point.outcomes:
            raise ValueError(f"{point.name}: two outcomes of seed {block}")
        point.outcomes[block] = outcome
        value = outcome.metrics.get(request.metric) if outcome.status == "finished" else None
        if value is not None and math.isfinite(value):
            point.values[block] = float(value)
        else:
            point.failures[block] = _failure(outcome, request.metric, value)
    return list(points.values())


def representatives(points: Iterable[Point]) -> dict[Point, Point]:
    """Each point with the first one that stands for the same trials: itself, but where they are there twice."""
    first: dict[frozenset[str], Point] = {}
    return {point: first.setdefault(point.trials, point) if point.trials else point for point in points}


def _block(outcome: Outcome, replicates: Iterable[str]) -> str:
    """What a value is paired by: its seed, and where it stands among the replicates."""
    there = [f"{axis}={label(outcome.axes[axis])}" for axis in replicates if axis in outcome.axes]
    return " ".join([str(outcome.seed), *there])


MADE = ("numerics", "code")
"""The settings that only a result tells."""


def _seed(block: str) -> str:
    return block.partition(" ")[0]


def _by_seed(values: Mapping[str, float]) -> dict[str, float]:
    return statistics.mean_of_each((_seed(block), value) for block, value in values.items())


def _failure(outcome: Outcome, metric: str, value: float | None) -> str:
    if outcome.status == "finished":
        return f"missing: {metric_name(metric)} is {'not there' if value is None else value}"
    if outcome.note.startswith(outcome.status):
        return outcome.note
    return f"{outcome.status}: {outcome.note}" if outcome.note else outcome.status
