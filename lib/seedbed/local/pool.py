"""A pool of worker processes, each forked from a server that has torch and the families loaded.

One process is one attempt at one trial: a worker that is killed costs that
attempt and nothing else, and no state leaks from trial to trial.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing import connection, context, forkserver, get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed.errors import KILLED, Incomplete
from seedbed.local.worker import Assignment, Ending, work
from seedbed.progress import Progress

if TYPE_CHECKING:
    from seedbed.family import Family
    from seedbed.store import Store

ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "1073741824",
    "MALLOC_TOP_PAD_": "67108864",
}
"""glibc gives activation buffers back to the kernel at every step; told not to, a step takes two thirds of the time."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
"""Workers that each use every core take turns instead of working side by side."""

PRELOAD = (
    "seedbed.cli",  # a worker imports its parent's main module again, which is the console script
    "torch",
    "numpy.ma",  # np.unique asks for it
    "seedbed.attempt",
)
"""What every worker would import by itself, late and once a trial."""

UNKNOWN = 255
"""What multiprocessing says of a worker whose end nobody learned: its server was killed."""

STARTS = 3
"""How often a worker is started when its server is killed meanwhile."""

STARTS_APART = 0.2
"""Seconds between two of these: a server that is going is taken for alive until it is gone."""


@dataclass
class Running:
    """A worker at work."""

    process: BaseProcess
    connection: connection.Connection
    slot: int
    progress: dict[str, Any] = field(default_factory=dict)
    ending: Ending | None = None
    _first: tuple[float, int] | None = None

    def heard(self, progress: dict[str, Any]) -> None:
        """Take in what the worker reports."""
        self.progress |= progress
        if "step" in self.progress:
            self._first = self._first or (time.monotonic(), self.progress["step"])

    def told(self, attempt: str) -> Progress | None:
        """How far it has got, in the name of its attempt; None before it has told."""
        if "step" not in self.progress:
            return None
        total, metrics = self.progress.get("total"), self.progress.get("metrics", {})
        return Progress(attempt, self.progress["step"], total, metrics, self.seconds_left())

    def seconds_left(self) -> float | None:
        """How long it will take by its pace so far; None before there is one. A resumed trial starts at its step."""
        total = self.progress.get("total")
        if self._first is None or total is None:
            return None
        began, at = self._first
        done = self.progress["step"] - at
        return (time.monotonic() - began) / done * (total - self.progress["step"]) if done > 0 else None


class Pool:
    """Starts workers, hears their progress, and says how they ended. Keys are the caller's."""

    def __init__(self, size: int, preload: Sequence[str], gpus: int = 0) -> None:
        self.size = size
        self.gpus = gpus
        self.running: dict[str, Running] = {}
        self._context = _warm_context(preload)
        self._warm = False

    @property
    def free(self) -> bool:
        """Whether another worker can be started."""
        return len(self.running) < self.size

    def warm_up(self) -> None:
        """Wait until the server has loaded what workers need: `start` would take these seconds, the first time."""
        if not self._warm:
            process = self._context.Process(target=int, daemon=True)
            _start(process)
            process.join()
            self._warm = True

    def start(self, key: str, assignment: Assignment) -> None:
        """Start a worker on an assignment."""
        slot = min(set(range(self.size)) - {worker.slot for worker in self.running.values()})
        if self.gpus:
            assignment = replace(assignment, environment={"CUDA_VISIBLE_DEVICES": str(slot % self.gpus)})
        receiver, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(target=work, args=(assignment, sender), daemon=True)
        _start(process)
        sender.close()
        self.running[key] = Running(process, receiver, slot)

    def wait(self, seconds: float) -> Iterator[tuple[str, Ending]]:
        """Hear from the workers for up to so long; yields those that ended."""
        sources: list[Any] = [source for worker in self.running.values() for source in _sources(worker)]
        if not sources:
            time.sleep(seconds)
        ready = connection.wait(sources, seconds) if sources else []
        for key, worker in list(self.running.items()):
            if worker.connection in ready or worker.process.sentinel in ready:
                _drain(worker)
            if worker.process.sentinel in ready:
                worker.process.join()
                del self.running[key]
                if worker.process.exitcode == UNKNOWN:
                    self._end_orphan(worker)
                worker.connection.close()
                yield key, worker.ending or _killed(worker.process.exitcode or 0)

    def stop(self) -> None:
        """Ask every worker to save and stop."""
        self._signal(signal.SIGTERM)

    def kill(self, key: str | None = None) -> None:
        """End a worker at once, or every one."""
        self._signal(signal.SIGKILL, key)

    def _end_orphan(self, worker: Running) -> None:
        """End a worker that outlived its server: the next attempt at its trial is to be the only one."""
        self._warm = False  # the next server has to load everything again
        if not worker.connection.closed and worker.process.pid is not None:  # what is gone has closed its end
            os.kill(worker.process.pid, signal.SIGKILL)

    def _signal(self, number: signal.Signals, key: str | None = None) -> None:
        for worker in self.running.values() if key is None else [self.running[key]]:
            if worker.process.pid is not None and worker.process.is_alive():
                with suppress(ProcessLookupError):  # gone, and the server has yet to say so
                    os.kill(worker.process.pid, number)


def _sources(worker: Running) -> list[Any]:
    """What becomes ready when a worker speaks or ends."""
    closed = worker.connection.closed
    return [worker.process.sentinel] if closed else [worker.connection, worker.process.sentinel]


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def preload_for(families: Iterable[Family], store: Store) -> list[str]:
    """What workers on these families' trials would each import, late and once a trial."""
    own = [module for family in families for module in (f"jobs.{family.name}", *family.preload)]
    return [type(store).__module__, *own]


def gpus() -> int:
    """The NVIDIA GPUs of this machine, counted without loading CUDA."""
    return len([path for path in Path("/dev").glob("nvidia[0-9]*") if path.name[6:].isdecimal()])


def _warm_context(preload: Sequence[str]) -> context.ForkServerContext:
    """The forkserver reads its environment once, when it starts: everything that matters is set before."""
    for name, value in (ALLOCATOR | ONE_THREAD).items():
        os.environ.setdefault(name, value)
    warm = get_context("forkserver")
    warm.set_forkserver_preload([*PRELOAD, *preload])
    return warm


def _start(process: BaseProcess) -> None:
    """Start a process by way of the server; by way of a new one when that is killed meanwhile."""
    for _ in range(STARTS):
        _start_server()
        with suppress(EOFError, ConnectionError):
            process.start()
            return
        time.sleep(STARTS_APART)
    raise Incomplete("the server that starts workers is killed again and again, as where memory is too small")


def _start_server() -> None:
    """Start the forkserver, if it does not run yet, so that SIGINT and SIGTERM leave it alone.

    Ctrl-C reaches the whole process group, and so does often what stops a sweep (Argo's executor): without the
    server nobody would learn how its workers ended, and until it has loaded everything it would not survive.
    """
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        forkserver.ensure_running()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _drain(worker: Running) -> None:
    while not worker.connection.closed and worker.connection.poll():
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            worker.connection.close()
            return
        if isinstance(message, Ending):
            worker.ending = message
        else:
            worker.heard(message)


def _killed(exit_code: int) -> Ending:
    """The ending of a worker that could not say anything: as a shell and a pod would count it."""
    if exit_code == UNKNOWN:
        return Ending(KILLED, "killed with the server that had started it")
    if exit_code >= 0:
        return Ending(exit_code, f"the worker left with exit code {exit_code}")
    number = -exit_code
    why = " (out of memory, or by hand)" if number == signal.SIGKILL else ""
    return Ending(128 + number, f"killed by {signal.Signals(number).name}{why}")
