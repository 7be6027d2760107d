"""Each point beside the finished trials that it builds on: their figure, and where both say the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from seedbed.report.files import Files, Predicted
from seedbed.report.points import Point, TableView, TrialOf
from seedbed.results import Result
from seedbed.state import TrialState
from seedbed.tables.wording import number


@dataclass(frozen=True)
class Beside:
    """A table: a point's own figure, then for each role the figure of its trials and the agreement with them."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


def beside_inputs(
    files: Files, view: TableView, points: Sequence[Point], states: Mapping[str, TrialState]
) -> Beside | None:
    """Means over seeds; None where nothing is built on. Agreement: the share of samples given the same class."""
    roles = list(
        dict.fromkeys(role for point in points for trial in point.trials for role in trial.planned.inputs)
    )
    if not roles:
        return None
    pairs = _Pairs(files, view, states)
    rows = [
        [
            point.name,
            "–" if point.cell.mean is None else number(view.table, point.cell.mean),
            *(text for role in roles for text in pairs.told(point, role)),
        ]
        for point in points
        if any(trial.planned.inputs for trial in point.trials)
    ]
    return Beside(["point", "own", *(text for role in roles for text in (role, f"agrees with {role}"))], rows)


class _Pairs:
    """Pairs of a trial and one that it builds on; each trial's predictions are read once."""

    def __init__(self, files: Files, view: TableView, states: Mapping[str, TrialState]) -> None:
        self._files = files
        self._view = view
        self._states = states
        self._kept: dict[tuple[str, str], Predicted | None] = {}

    def told(self, point: Point, role: str) -> tuple[str, str]:
        """The figure of a role's trials and the agreement with them, per cent; dashes where nothing tells."""
        metric = self._view.table.metric.split("@")[0]
        figures, shares = [], []
        for trial in point.finished:
            for theirs, weights in self._inputs(trial, role):
                if (figure := theirs.metrics.get(f"{metric}@{weights}")) is not None:
                    figures.append(figure)
                if (share := self._agreement(trial, theirs, weights)) is not None:
                    shares.append(share)
        return (
            number(self._view.table, fmean(figures)) if figures else "–",
            f"{100 * fmean(shares):.1f}" if shares else "–",
        )

    def _inputs(self, trial: TrialOf, role: str) -> list[tuple[Result, str]]:
        refs = trial.planned.inputs.get(role, [])
        found = [(self._states.get(ref.trial), ref.weights) for ref in refs]
        return [(state.result, weights) for state, weights in found if state and state.result]

    def _agreement(self, trial: TrialOf, theirs: Result, weights: str) -> float | None:
        import numpy as np

        _, when = self._view.where
        one = self._predicted(trial.state.result, when)
        other = self._predicted(theirs, weights)
        if one is None or other is None:
            return None
        _, here, there = np.intersect1d(one.ids, other.ids, return_indices=True)
        return float(np.mean(one.classes[here] == other.classes[there])) if len(here) else None

    def _predicted(self, result: Result | None, when: str) -> Predicted | None:
        if result is None:
            return None
        key = (result.trial, when)
        if key not in self._kept:
            self._kept[key] = self._files.predicted(result, self._view.where[0], when)
        return self._kept[key]
