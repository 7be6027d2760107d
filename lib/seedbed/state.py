"""What the store already has of a plan: done, to resume, new."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from seedbed.errors import BadData
from seedbed.evidence import look_into
from seedbed.planning import MetricsOf, PlannedTrial, SweepPlan
from seedbed.planning.model import UNUSABLE
from seedbed.results import Result, parse_result
from seedbed.store import Store

Status = Literal["new", "resume", "done", "diverged", "damaged"]


@dataclass(frozen=True)
class TrialState:
    """One planned trial and what the store has of it."""

    trial: PlannedTrial
    status: Status
    result: Result | None = None
    complaint: str = ""
    """Why a damaged result cannot be used."""

    contradicted: bool = False
    """Whether it is damaged by what its own predictions, or another seed's log, say."""

    @property
    def finished(self) -> bool:
        """Whether it has a result; a diverged trial has one."""
        return self.result is not None


def look_up(store: Store, trials: Iterable[PlannedTrial]) -> dict[str, TrialState]:
    """The state of each trial, by its id: read in bulk, so that thousands take a second."""
    known = {trial.id: trial for trial in trials}
    results = store.read_many(f"{trial.folder}/result.json" for trial in known.values())
    states = {
        trial.id: _state(store, trial, data)
        for trial, (_, data) in zip(known.values(), results, strict=True)
        if data is not None
    }
    waiting = [trial for trial in known.values() if trial.id not in states]
    # Every attempt begins by writing this file, so that only trials which have it can have a checkpoint.
    begun = store.read_many(f"{trial.folder}/config.json" for trial in waiting)
    for trial, (_, data) in zip(waiting, begun, strict=True):
        states[trial.id] = TrialState(trial, "new") if data is None else _state(store, trial, None)
    return {trial: states[trial] for trial in known}


def look_at(store: Store, trial: PlannedTrial) -> TrialState:
    """The state of one trial."""
    return _state(store, trial, store.read(f"{trial.folder}/result.json"))


def _state(store: Store, trial: PlannedTrial, data: bytes | None) -> TrialState:
    """A trial's state, given what its `result.json` holds."""
    if data is None:
        saved = next(iter(store.list(f"{trial.folder}/checkpoint")), None)
        return TrialState(trial, "resume" if saved else "new")
    try:
        result = parse_result(store, trial.folder, data)
    except BadData as error:
        return TrialState(trial, "damaged", complaint=str(error))
    return TrialState(trial, "diverged" if result.status == "diverged" else "done", result)


def remove_checkpoints(store: Store, states: Iterable[TrialState]) -> None:
    """Delete the checkpoints of those trials that have their result."""
    for state in states:
        for key in store.list(f"{state.trial.folder}/checkpoint") if state.finished else ():
            store.delete(key)


def metrics_in(store: Store) -> MetricsOf:
    """What a plan asks when it has to know which trial is best: the metrics of finished trials.

    When all have a result, the metric that chooses is held against their predictions. What was asked once is kept.
    """
    known: dict[tuple[str, ...], Mapping[str, Mapping[str, float] | None]] = {}

    def metrics_of(trials: Sequence[PlannedTrial], metric: str) -> Mapping[str, Mapping[str, float] | None]:
        key = (metric, *(trial.id for trial in trials))
        if key not in known:
            states: Mapping[str, TrialState] = look_up(store, trials)
            if all(state.finished for state in states.values()):
                states = look_into(store, states, metric).states
            known[key] = {trial: metrics_to_choose_by(state) for trial, state in states.items()}
        return known[key]

    return metrics_of


def metrics_to_choose_by(state: TrialState) -> Mapping[str, float] | None:
    """A trial's metrics where a best one is chosen; None without a result, UNUSABLE where it is contradicted."""
    if state.contradicted:
        return UNUSABLE
    return None if state.result is None else state.result.metrics


def estimate_seconds(plan: SweepPlan, states: dict[str, TrialState]) -> tuple[float, int]:
    """Training time still to go, and for how many trials there is nothing to go by.

    A trial is taken to last as long as the finished ones of its stage that differ
    from it in the fewest axes (their median). One that several stages share counts once.
    """
    left: dict[str, float | None] = {}
    for stage in plan.stages.values():
        done = [(trial, result) for trial in stage.trials if (result := states[trial.id].result)]
        for trial in stage.trials:
            if states[trial.id].finished:
                continue
            if not done:
                left.setdefault(trial.id, None)
                continue
            distance = [
                sum(trial.axes[axis] != other.axes.get(axis) for axis in trial.axes) for other, _ in done
            ]
            near = [
                result.seconds
                for (_, result), far in zip(done, distance, strict=True)
                if far == min(distance)
            ]
            left[trial.id] = statistics.median(near)
    known = [seconds for seconds in left.values() if seconds is not None]
    return sum(known), len(left) - len(known)
