"""The trial pod: the trials of a pack, one after the other, each in a process of its own.

The process that watches has no torch: it hears the worker's progress, records how attempts end, also those that are
killed, and turns the pod's SIGTERM into a request to save and stop.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seedbed.attempts import attempt_name, begin_attempt, end_attempt
from seedbed.errors import KILLED, RETRIED, BadData, Incomplete
from seedbed.family import load_family
from seedbed.local.pool import Pool, gpus, preload_for
from seedbed.local.worker import Assignment, Ending
from seedbed.monitoring.at_work import Tell, nobody
from seedbed.monitoring.gpu import Meter
from seedbed.planning import PlannedTrial
from seedbed.progress import Progress, ProgressWriter
from seedbed.results import read_result
from seedbed.store import Store

TICK_SECONDS = 0.2
MEMORY_EVENTS = Path("/sys/fs/cgroup/memory.events")
"""Where the kernel counts the processes of this container that it ended for want of memory (cgroup v2)."""


def read_pack(store: Store, folder: str, pack: str) -> list[PlannedTrial]:
    """The trials of a pack of a stage; raises BadData when there is no such pack."""
    key = f"{folder}/packs/{pack}.json"
    data = store.read(key)
    if data is None:
        raise BadData(f"{store.place(key)}: no such pack; the stage's plan pod writes it")
    return [PlannedTrial.from_json(plain) for plain in json.loads(data)]


def run_pack(
    store: Store,
    trials: list[PlannedTrial],
    checkpoint_seconds: float = 60.0,
    stage: str = "",
    tell: Tell = nobody,
) -> Ending:
    """Train the trials that have no result; the ending of the pod as a whole. `tell` hears of them meanwhile.

    A trial that fails for good does not keep the others of its pack from running. Worth a retry is a pack of
    which any trial is.
    """
    return _PackRun(store, trials, checkpoint_seconds, stage, tell).run()


class _PackRun:
    def __init__(
        self, store: Store, trials: list[PlannedTrial], checkpoint_seconds: float, stage: str, tell: Tell
    ) -> None:
        self.store = store
        self.trials = trials
        self.checkpoint_seconds = checkpoint_seconds
        self.stage = stage
        self.tell = tell
        self.stopping = False
        self.meter = Meter()
        families = [load_family(name) for name in dict.fromkeys(trial.family for trial in trials)]
        self.pool = Pool(1, preload_for(families, store), gpus())
        self.endings: list[Ending] = []

    def run(self) -> Ending:
        with tempfile.TemporaryDirectory(prefix="seedbed-") as outputs, self._stoppable():
            for trial in self.trials:
                if not self.stopping and read_result(self.store, trial.folder) is None:
                    self.endings.append(self._attempt(trial, Path(outputs)))
                if self.endings and self.endings[-1].store_is_gone:
                    break
        if self.stopping and not self._bad():
            return Ending(os.EX_TEMPFAIL, "stopped before all trials of the pack had their turn")
        return self._worst()

    def _attempt(self, trial: PlannedTrial, outputs: Path) -> Ending:
        name = attempt_name()
        output = outputs / f"{name}.log"
        kills = _memory_kills()
        begin_attempt(self.store, trial, name)
        ending = self._trained(trial, name, output)
        if ending.exit_code == KILLED and _memory_kills() > kills:
            ending = Ending(os.EX_SOFTWARE, "out of memory: give the stage more `memory`")
        said = output.read_bytes() if output.exists() else b""
        end_attempt(self.store, trial, name, ending.exit_code, ending.message, said, self.meter.joules)
        return ending

    def _trained(self, trial: PlannedTrial, name: str, output: Path) -> Ending:
        try:
            self._start(trial, name, output)
        except Incomplete as why:  # a container's memory can be too small for a worker to start
            return Ending(KILLED, str(why))
        return self._watch(trial, name, output)

    def _start(self, trial: PlannedTrial, name: str, output: Path) -> None:
        self.pool.start(
            trial.id,
            Assignment(
                store=self.store.url,
                trial=trial.to_json(),
                attempt={
                    "name": name,
                    "device": "cuda" if self.pool.gpus else "cpu",
                    "checkpoint_seconds": self.checkpoint_seconds,
                },
                output=str(output),
            ),
        )

    def _watch(self, trial: PlannedTrial, attempt: str, output: Path) -> Ending:
        write = ProgressWriter(self.store, trial)
        self.meter = Meter()
        shown = 0
        while True:
            worker = self.pool.running[trial.id]
            if self.stopping:
                self.pool.stop()  # again and again: a worker that has just been forked does not hear the first
            ended = list(self.pool.wait(TICK_SECONDS))
            shown = _echo(output, shown)
            self.meter.read()
            self.tell([(trial, self.stage, worker.progress)])
            if ended:
                return ended[0][1]
            progress = worker.told(attempt)
            _tell_argo(progress)
            write(progress)

    def _bad(self) -> list[Ending]:
        return [ending for ending in self.endings if ending.exit_code != os.EX_OK]

    def _worst(self) -> Ending:
        bad = self._bad()
        if not bad:
            last = self.endings[-1].message if self.endings else "all trials of the pack have their results"
            return Ending(os.EX_OK, last)
        return next((ending for ending in bad if ending.exit_code in RETRIED), bad[0])

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        def stop(*_: object) -> None:
            self.stopping = True
            self.pool.stop()

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _echo(output: Path, shown: int) -> int:
    """Show what the worker has said since; returns how much that is in all."""
    if output.exists():
        with output.open("rb") as file:
            file.seek(shown)
            new = file.read()
        sys.stdout.write(new.decode(errors="replace"))
        sys.stdout.flush()
        shown += len(new)
    return shown


def _tell_argo(progress: Progress | None) -> None:
    """Argo shows `step/total` beside the node."""
    path = os.environ.get("ARGO_PROGRESS_FILE")
    if path and progress and progress.total:
        Path(path).write_text(f"{progress.step}/{progress.total}", encoding="utf-8")


def _memory_kills() -> int:
    try:
        counts = dict(line.split() for line in MEMORY_EVENTS.read_text().splitlines())
    except (OSError, ValueError):
        return 0
    return int(counts.get("oom_kill", 0))
