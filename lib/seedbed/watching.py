"""How a run stands, as far as the store tells: the same picture whoever does the work, here or on a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from seedbed.planning import PlannedTrial
from seedbed.progress import EVERY_SECONDS, Progress, read_progresses
from seedbed.run_records import StageRecord
from seedbed.runs import read_stages, run_in
from seedbed.state import look_up
from seedbed.store import Store

STALE_SECONDS = 6 * EVERY_SECONDS
"""A trial that was not heard of for so long is not shown as running."""


@dataclass(frozen=True)
class StageLine:
    """A stage: how many of its trials have results."""

    name: str
    done: int
    total: int
    note: str = ""
    """What stands there instead of the numbers, such as why it cannot go on."""


@dataclass(frozen=True)
class TrialLine:
    """A trial at work, or one that waits for something."""

    stage: str
    label: str
    progress: Progress | None
    note: str = ""
    """What it waits for, if it does."""


@dataclass(frozen=True)
class Snapshot:
    """A run at one moment."""

    stages: list[StageLine]
    trials: list[TrialLine]

    @property
    def complete(self) -> bool:
        """Whether every stage is planned and all of its trials have results."""
        return all(stage.done == stage.total and not stage.note for stage in self.stages)


class StoreWatch:
    """Looks at a run in a store again and again; what is finished is not looked at twice."""

    def __init__(self, store: Store, folder: str) -> None:
        self._store = store
        self._folder = folder
        self._finished: set[str] = set()

    def look(self) -> Snapshot:
        """How the run stands; empty before its first stage has been planned."""
        run = run_in(self._store, self._folder)
        records = {} if run is None else {record.stage: record for record in read_stages(self._store, run)}
        for record in records.values():
            waiting = [trial for trial in record.trials if trial.id not in self._finished]
            states = look_up(self._store, waiting)
            self._finished |= {trial.id for trial in waiting if states[trial.id].finished}
        stages = [self._line(name, records.get(name)) for name in (run.stages if run else [])]
        return Snapshot(stages, [line for record in records.values() for line in self._at_work(record)])

    def _line(self, name: str, record: StageRecord | None) -> StageLine:
        if record is None:
            return StageLine(name, 0, 0, "not planned yet")
        done = sum(trial.id in self._finished for trial in record.trials)
        return StageLine(name, done, len(record.trials))

    def _at_work(self, record: StageRecord) -> Iterator[TrialLine]:
        waiting = [trial for trial in record.trials if trial.id not in self._finished]
        for trial, progress in at_work(self._store, waiting):
            yield TrialLine(record.stage, trial.label, progress)


def at_work(store: Store, trials: Sequence[PlannedTrial]) -> list[tuple[PlannedTrial, Progress]]:
    """Of trials without a result those that were heard of lately, with how far they have got."""
    now = datetime.now(UTC)
    told = read_progresses(store, [trial.folder for trial in trials])
    return [
        (trial, progress)
        for trial, progress in zip(trials, told, strict=True)
        if progress and (now - datetime.fromisoformat(progress.at)).total_seconds() < STALE_SECONDS
    ]
