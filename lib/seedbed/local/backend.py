"""Running a planned sweep here: which trial goes next, what an ending means, when to stop."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from seedbed.attempts import attempt_name, begin_attempt, end_attempt
from seedbed.errors import RETRIED, SeedbedError, StoreUnavailable
from seedbed.local.pool import Pool, gpus, preload_for
from seedbed.local.worker import Assignment, Ending
from seedbed.monitoring.at_work import Tell, nobody
from seedbed.planning import PlannedStage, PlannedTrial, SweepPlan
from seedbed.progress import Progress, ProgressWriter
from seedbed.state import TrialState, look_at, look_up
from seedbed.store import Store
from seedbed.store.lease import Lease, Leases

TICK_SECONDS = 0.2
HEARTBEAT_SECONDS = 2.0
MAX_ATTEMPTS = 3


class View(Protocol):
    """Who is told how the run goes."""

    def finished(self, trial: PlannedTrial, stage: str, state: TrialState) -> None:
        """A trial has its result."""

    def failed(self, trial: PlannedTrial, stage: str, ending: Ending, again: bool) -> None:
        """An attempt ended without a result; `again` says whether another follows."""

    def said(self, text: str) -> None:
        """Something a person should know."""

    def refresh(self, run: LocalRun) -> None:
        """A moment has passed."""


@dataclass(frozen=True)
class Options:
    """How a sweep is run here; none of it can change a number."""

    workers: int
    checkpoint_seconds: float = 60.0
    reuse_any: bool = False


@dataclass
class _Work:
    """A trial at work: its attempt, its lease, where its output goes."""

    trial: PlannedTrial
    stage: str
    attempt: str
    lease: Lease
    output: Path
    tell: ProgressWriter
    renewed: float = field(default_factory=time.monotonic)


class LocalRun:
    """A sweep on this machine, from a plan and what the store already has."""

    def __init__(
        self,
        store: Store,
        plan: SweepPlan,
        states: dict[str, TrialState],
        options: Options,
        view: View,
        replan: Callable[[], SweepPlan],
        tell: Tell = nobody,
    ) -> None:
        self.store = store
        self.plan = plan
        self.replan = replan
        """Plans the sweep again, when results may tell a late stage which trials are the best."""
        self.tell = tell
        """Hears all that the workers tell."""
        self.states = states
        self.options = options
        self.view = view
        self.given_up: dict[str, Ending] = {}
        """The trials that will have no result, and how their last attempt ended."""
        self.hopeless: dict[str, str] = {}
        """Late stages that cannot be planned, and why."""
        self.found_late = 0
        """The trials of late stages that had their results when they were planned."""
        self.interrupts = 0
        self.unavailable: str | None = None
        """Why the store cannot be used any more."""
        self._work: dict[str, _Work] = {}
        self._attempts: Counter[str] = Counter()
        self._leases = Leases(store, HEARTBEAT_SECONDS)
        families = {stage.family.name: stage.family for stage in plan.stages.values()}
        self._pool = Pool(options.workers, preload_for(families.values(), store), gpus())
        self._asked_to_stop = False

    def run(self) -> None:
        """Run until every trial that can has its result, or a person stops it."""
        with tempfile.TemporaryDirectory(prefix="seedbed-") as outputs, self._interruptible():
            while self._work or (not self.stopping and self._anything_left()):
                if not self.stopping:
                    self._plan_late_stages()
                    with self._store_needed():
                        self._start(Path(outputs))
                for key, ending in self._pool.wait(TICK_SECONDS):
                    self._ended(self._work.pop(key), ending)
                self._renew_leases()
                self._tell_progress()
                self._obey_interrupts()
                self.view.refresh(self)

    @property
    def stopping(self) -> bool:
        """Whether no further trial is to be started."""
        return self.interrupts > 0 or self.unavailable is not None

    def running(self) -> list[tuple[PlannedTrial, str, Progress | None]]:
        """The trials at work, their stage, and how far they have got."""
        return [
            (work.trial, work.stage, self._pool.running[key].told(work.attempt))
            for key, work in self._work.items()
        ]

    def blocked_by(self, stage: PlannedStage) -> list[str]:
        """The stages without which this one cannot start, because trials of theirs have been given up."""
        ancestors = self.plan.sweep.ancestors(stage.stage.name)
        return [
            name
            for name in ancestors
            if name in self.hopeless
            or any(trial.id in self.given_up for trial in self.plan.stages[name].trials)
        ]

    def failed_whole(self) -> list[str]:
        """The stages of which every trial was tried, and none ended with a number."""
        return [
            name
            for name, stage in self.plan.stages.items()
            if stage.trials
            and all(
                trial.id in self.given_up or self.states[trial.id].status == "diverged"
                for trial in stage.trials
            )
        ]

    def _anything_left(self) -> bool:
        return any(
            stage.late
            or any(
                not self.states[trial.id].finished and trial.id not in self.given_up for trial in stage.trials
            )
            for name, stage in self.plan.stages.items()
            if not self.blocked_by(stage) and name not in self.hopeless
        )

    def _waiting(self) -> Iterator[tuple[PlannedTrial, str]]:
        """The trials that could start now, in the plan's order."""
        for name, stage in self.plan.stages.items():
            if self._may_start(stage):
                for trial in stage.trials:
                    if not (
                        self.states[trial.id].finished or trial.id in self._work or trial.id in self.given_up
                    ):
                        yield trial, name

    def _may_start(self, stage: PlannedStage) -> bool:
        """Whether all stages that it waits for are complete."""
        before = [self.plan.stages[needed] for needed in stage.stage.depends]
        return not any(needed.late for needed in before) and all(
            self.states[trial.id].finished for needed in before for trial in needed.trials
        )

    def _plan_late_stages(self) -> None:
        """A stage that had to wait for results is planned once it has them."""
        for name, stage in self.plan.stages.items():
            if stage.late and name not in self.hopeless and self._may_start(stage):
                try:
                    self.plan = self.replan()
                    why = self._why_still_late(name)
                except SeedbedError as error:
                    why = str(error)
                if why:
                    self.hopeless[name] = why
                    self.view.said(f"{why}: {name} cannot run")
                new = [trial for trial in self.plan.trials if trial.id not in self.states]
                self.states |= look_up(self.store, new)
                self.found_late += sum(self.states[trial.id].finished for trial in new)
                return

    def _why_still_late(self, name: str) -> str:
        stage = self.plan.stages[name]
        return stage.hopeless or "results that it builds on are not there" if stage.late else ""

    def _start(self, outputs: Path) -> None:
        for trial, stage in self._waiting():
            self._pool.warm_up()  # now, when no lease has to be renewed meanwhile
            if self.stopping or not self._pool.free:
                return
            lease = self._leases.take(f"{trial.folder}/lease")
            state = look_at(self.store, trial)  # another process may have finished it meanwhile
            if state.finished:
                self._found(trial, stage, state, lease)
            elif lease is not None:
                self._launch(trial, stage, lease, outputs)

    def _found(self, trial: PlannedTrial, stage: str, state: TrialState, lease: Lease | None) -> None:
        if lease is not None:
            lease.release()
        self.states[trial.id] = state
        self.view.finished(trial, stage, state)

    def _launch(self, trial: PlannedTrial, stage: str, lease: Lease, outputs: Path) -> None:
        name = attempt_name()
        output = outputs / f"{name}.log"
        begin_attempt(self.store, trial, name)
        self._attempts[trial.id] += 1
        self._work[trial.id] = _Work(trial, stage, name, lease, output, ProgressWriter(self.store, trial))
        self._pool.start(
            trial.id,
            Assignment(
                store=self.store.url,
                trial=trial.to_json(),
                attempt={
                    "name": name,
                    "device": "cuda" if self._pool.gpus else "cpu",
                    "checkpoint_seconds": self.options.checkpoint_seconds,
                    "reuse_any": self.options.reuse_any,
                },
                output=str(output),
            ),
        )

    def _ended(self, work: _Work, ending: Ending) -> None:
        output = work.output.read_bytes() if work.output.exists() else b""
        with self._store_needed():
            end_attempt(self.store, work.trial, work.attempt, ending.exit_code, ending.message, output)
            work.lease.release()
        if ending.store_is_gone:
            self._store_gone(ending.message)
        state = look_at(self.store, work.trial)
        if state.finished:
            self.states[work.trial.id] = state
            self.view.finished(work.trial, work.stage, state)
            return
        if ending.exit_code == os.EX_OK:
            ending = Ending(os.EX_SOFTWARE, "the worker left without a result")
        again = ending.exit_code in RETRIED and self._attempts[work.trial.id] < MAX_ATTEMPTS
        if not (again or self.stopping):
            self.given_up[work.trial.id] = ending
        if not self.stopping:
            self.view.failed(work.trial, work.stage, ending, again)

    @contextmanager
    def _store_needed(self) -> Iterator[None]:
        try:
            yield
        except StoreUnavailable as error:
            self._store_gone(str(error))

    def _store_gone(self, why: str) -> None:
        """No trial can end well any more: stop, whatever can still be saved is."""
        if self.unavailable is None:
            self.unavailable = why
            self._pool.stop()

    def _renew_leases(self) -> None:
        now = time.monotonic()
        for key, work in self._work.items():
            if now - work.renewed >= HEARTBEAT_SECONDS:
                work.renewed = now
                with self._store_needed():
                    if not work.lease.renew():
                        # This process slept, and another trains the trial: they would write the same files.
                        self._pool.kill(key)

    def _tell_progress(self) -> None:
        """For those who look from elsewhere."""
        running = self._pool.running
        self.tell([(work.trial, work.stage, running[key].progress) for key, work in self._work.items()])
        for key, work in self._work.items():
            with self._store_needed():
                work.tell(self._pool.running[key].told(work.attempt))

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Ctrl-C once: save and stop; twice: at once."""

        def count(*_: object) -> None:
            self.interrupts += 1
            if self.interrupts >= 2:
                self.store.patience = 0  # it may be what is being waited for

        before = {number: signal.signal(number, count) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _obey_interrupts(self) -> None:
        if self.interrupts >= 2:
            self._pool.kill()
        elif self.interrupts == 1:
            if not self._asked_to_stop:
                self._asked_to_stop = True
                self.view.said("Saving and stopping; once more to stop at once.")
            self._pool.stop()  # again and again: a worker that has just been forked does not hear the first one
