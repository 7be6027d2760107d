"""What a run cost, from its results and the records of its attempts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from seedbed.attempts import read_attempts
from seedbed.results import Result
from seedbed.run_records import Run, StageRecord
from seedbed.runs import read_stages
from seedbed.state import look_up
from seedbed.store import Store


@dataclass(frozen=True)
class StageCost:
    """A stage's cost; a trial of several stages counts for the first."""

    stage: str
    trained: int
    """Trials that this run trained to their results."""
    found: int
    """Trials whose results were there when it started."""
    seconds: float
    """Training time that counts, of those it trained; one trial uses one GPU or core."""
    gpu_seconds: float
    """What of it was on a GPU."""
    lost_seconds: float
    """What their attempts took beyond that: work that was lost when one ended, and starting anew."""
    saved_seconds: float
    """Training time of those it found."""
    open_attempts: int
    """Attempts that ended without a word; what they took is not known, and not counted."""
    joules: float | None
    """What their GPUs took; None where none told."""


@dataclass(frozen=True)
class RunCost:
    """A run's cost."""

    stages: list[StageCost]
    wall_seconds: float
    """From its start to the last result that it trained; 0 when it trained none."""


def cost_of(store: Store, run: Run) -> RunCost:
    """What a run cost so far; raises StoreUnavailable."""
    started = _moment(run.started)
    seen: set[str] = set()
    stages, last = [], started
    for record in read_stages(store, run):
        trials = [trial for trial in record.trials if trial.id not in seen]
        seen |= {trial.id for trial in trials}
        states = look_up(store, trials)
        results = {trial.folder: result for trial in trials if (result := states[trial.id].result)}
        stages.append(_stage(store, record, results, started))
        last = max([last, *(_moment(result.finished_at) for result in results.values())])
    return RunCost(stages, (last - started).total_seconds())


def _stage(store: Store, record: StageRecord, results: dict[str, Result], started: datetime) -> StageCost:
    trained = {folder: result for folder, result in results.items() if _moment(result.finished_at) >= started}
    attempts = {folder: read_attempts(store, folder) for folder in trained}
    joules = [one["joules"] for made in attempts.values() for one in made if "joules" in one]
    return StageCost(
        stage=record.stage,
        trained=len(trained),
        found=len(results) - len(trained),
        seconds=sum(result.seconds for result in trained.values()),
        gpu_seconds=sum(
            result.seconds for result in trained.values() if result.numerics_tag.get("device") == "cuda"
        ),
        lost_seconds=sum(_lost(attempts[folder], result) for folder, result in trained.items()),
        saved_seconds=sum(result.seconds for folder, result in results.items() if folder not in trained),
        open_attempts=sum("ended" not in one for made in attempts.values() for one in made),
        joules=sum(joules) if joules else None,
    )


def _lost(attempts: Iterable[dict[str, Any]], result: Result) -> float:
    """Of a trial with several attempts: their time, less what counts. A single attempt loses nothing."""
    ended = [one for one in attempts if "ended" in one]
    if result.attempts < 2:
        return 0.0
    return max(0.0, sum(_seconds(one) for one in ended) - result.seconds)


def _seconds(attempt: dict[str, Any]) -> float:
    """An attempt's name begins with its start."""
    began = datetime.strptime(attempt["attempt"].split("-")[0], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
    return max(0.0, (_moment(attempt["ended"]) - began).total_seconds())


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
