"""What numbers cost: parameters, evaluations, seconds of their own and of what they build on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from seedbed.cli.wording import duration
from seedbed.collect import StageTables
from seedbed.report.files import Files
from seedbed.report.points import Point, TableView
from seedbed.results import Result
from seedbed.state import TrialState


@dataclass(frozen=True)
class Cost:
    """A point's cost, mean over its trials, in words."""

    name: str
    parameters: str
    flops: str
    """Of one sample, where the family logs them; empty where it does not."""

    steps: str
    evaluations: str
    """Entries in the log of its first trial; mostly one an epoch."""

    own: str
    before: str
    """Training time of all finished trials that one of its trials builds on."""

    memory: str


def costs(
    files: Files, view: TableView, points: Sequence[Point], states: Mapping[str, TrialState]
) -> list[Cost]:
    """What each point's trials took."""
    when = view.table.metric.partition("@")[2] or "best"
    found = []
    for point in points:
        results = [trial.state.result for trial in point.trials if trial.state.result]
        if not results:
            continue
        before = [_seconds(_behind(trial.planned.id, states), states) for trial in point.trials]
        size = files.parameters(results[0], when)
        steps = sorted({result.last_step for result in results if result.last_step is not None})
        found.append(
            Cost(
                point.name,
                f"{size:,}" if size else "–",
                _flops(results[0], when),
                " or ".join(map(str, steps)) or "–",
                str(len(files.log(results[0]))),
                duration(fmean(result.seconds for result in results)),
                duration(fmean(before)) if any(before) else "–",
                f"{max(result.peak_memory_bytes for result in results) / 1e9:.1f} GB",
            )
        )
    return found


def _flops(result: Result, when: str) -> str:
    """What the family logged as flops."""
    found = [value for name, value in result.metrics.items() if name.split("/")[-1] == f"flops@{when}"]
    return f"{found[0]:.4g}" if found else ""


def total_seconds(stages: Sequence[StageTables]) -> float:
    """Training time of all finished trials of a run, each counted once."""
    states = all_states(stages)
    return _seconds(set(states), states)


def all_states(stages: Sequence[StageTables]) -> dict[str, TrialState]:
    """Every planned trial of a run and what the store has of it, by id."""
    return {name: state for stage in stages for name, state in stage.states.items()}


def _behind(trial: str, states: Mapping[str, TrialState]) -> set[str]:
    """All that a trial builds on, and what those build on."""
    if trial not in states:
        return set()
    inputs = {ref.trial for refs in states[trial].trial.inputs.values() for ref in refs}
    return inputs.union(*(_behind(one, states) for one in inputs))


def _seconds(trials: set[str], states: Mapping[str, TrialState]) -> float:
    return sum(result.seconds for trial in trials if trial in states and (result := states[trial].result))
