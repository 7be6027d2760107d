"""How the running sweeps stand, looked at now and then, told whenever Prometheus asks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from seedbed.errors import ClusterUnavailable, SeedbedError, StoreUnavailable
from seedbed.monitoring.running import Running, Waiting
from seedbed.monitoring.stages import StageWatch
from seedbed.runs import list_sweeps, run_in
from seedbed.store import Store

log = logging.getLogger(__name__)

LOOK_SECONDS = 15.0
PATIENCE_SECONDS = 10.0
"""How long a look waits for a store that is away, before it says so."""

SIGN = "sweeps/sign-of-life"
"""Asked for in every look; that it is absent is an answer."""


@dataclass
class _Run:
    """A run that is watched."""

    folder: str
    started: float
    stages: dict[str, StageWatch] = field(default_factory=dict)

    def look(self, store: Store) -> None:
        """Look at its stages that are not done; raises StoreUnavailable."""
        run = run_in(store, self.folder)
        for name in run.stages if run else ():
            watch = self.stages.setdefault(name, StageWatch(store, f"{self.folder}/{name}"))
            if not watch.complete:
                watch.look()

    @property
    def moved(self) -> float:
        """When it was last seen to get on, in seconds since 1970."""
        return max([self.started, *(watch.moved for watch in self.stages.values())])

    @property
    def complete(self) -> bool:
        """Whether nothing of it is left to do."""
        return bool(self.stages) and all(watch.complete for watch in self.stages.values())


@dataclass(frozen=True)
class SweepNow:
    """A sweep as it stood at the last look; of several runs at once, all together."""

    sweep: str
    stages: dict[str, dict[str, int]]
    """Trials by state."""
    attempts: dict[str, int]
    moved: float


class Exporter(Collector):
    """Looks at the store, and tells what it saw."""

    def __init__(self, store: Store, running: Callable[[], Running] | None = None) -> None:
        self._store = store
        store.patience = PATIENCE_SECONDS
        self._running = running or self._unfinished
        self._known = Running({}, {}, [])
        self._runs: dict[str, _Run] = {}
        self._sweeps: list[SweepNow] = []
        self._store_reachable = self._cluster_reachable = True
        self._took = 0.0

    def look(self) -> None:
        """Take in how things stand; what cannot be reached is told as that, and the rest as it was."""
        began = time.monotonic()
        try:
            self._look()
            self._store_reachable = True
        except StoreUnavailable as error:
            self._store_reachable = False
            log.warning("%s", error)
        self._took = time.monotonic() - began

    def look_forever(self) -> None:
        """Look again every quarter of a minute, or less often where a look takes long."""
        while True:
            time.sleep(max(LOOK_SECONDS, 2 * self._took))
            self.look()

    def collect(self) -> Iterable[Metric]:
        """What was seen, and how long ago things moved, counted to this moment."""
        yield from _of_sweeps(self._sweeps)
        yield from _of_pods(self._known.waiting)
        yield from _of_itself(self._store_reachable, self._cluster_reachable, self._took)

    def _look(self) -> None:
        try:
            self._known = self._running()
            self._cluster_reachable = True
        except ClusterUnavailable as error:
            self._cluster_reachable = False
            log.warning("%s", error)
        self._store.etag(SIGN)  # also when there is nothing to look at
        known = {folder for folders in self._known.runs.values() for folder in folders}
        self._runs = {folder: run for folder, run in self._runs.items() if folder in known}
        for folder in known:
            run = self._runs.setdefault(folder, _Run(folder, self._known.started[folder]))
            try:
                run.look(self._store)
            except StoreUnavailable:
                raise
            except SeedbedError as error:  # one run's damaged plan does not hide the others
                log.warning("%s", error)
        self._sweeps = [
            _together(sweep, [self._runs[folder] for folder in folders])
            for sweep, folders in sorted(self._known.runs.items())
        ]

    def _unfinished(self) -> Running:
        """Without a cluster: the newest run of each sweep, as long as it is not complete."""
        runs: dict[str, list[str]] = {}
        newest, damaged = list_sweeps(self._store)
        for why in damaged:
            log.warning("%s", why)
        for run in newest:
            watched = self._runs.get(run.folder)
            if watched is None or not watched.complete:
                runs.setdefault(run.sweep, []).append(run.folder)
        now = time.time()
        started = {
            folder: self._known.started.get(folder, now) for folders in runs.values() for folder in folders
        }
        return Running(runs, started, [])


def _together(sweep: str, runs: list[_Run]) -> SweepNow:
    stages: dict[str, dict[str, int]] = {}
    attempts: dict[str, int] = {}
    for run in runs:
        for name, watch in run.stages.items():
            states = stages.setdefault(name, {})
            for state, count in watch.states().items():
                states[state] = states.get(state, 0) + count
            attempts[name] = max(attempts.get(name, 0), watch.attempts)
    return SweepNow(sweep, stages, attempts, min(run.moved for run in runs))


def _of_sweeps(sweeps: list[SweepNow]) -> Iterator[Metric]:
    trials = GaugeMetricFamily(
        "seedbed_sweep_trials", "Trials of running sweeps.", labels=("sweep", "stage", "state")
    )
    attempts = GaugeMetricFamily(
        "seedbed_sweep_attempts", "The most attempts that a trial has had.", labels=("sweep", "stage")
    )
    idle = GaugeMetricFamily(
        "seedbed_sweep_idle_seconds", "Since the last training step or result.", labels=("sweep",)
    )
    for now in sweeps:
        for stage, states in now.stages.items():
            for state, count in states.items():
                trials.add_metric((now.sweep, stage, state), count)
            attempts.add_metric((now.sweep, stage), now.attempts[stage])
        idle.add_metric((now.sweep,), max(0.0, time.time() - now.moved))
    yield from (trials, attempts, idle)


def _of_pods(waiting: list[Waiting]) -> Iterator[Metric]:
    labels = ("sweep", "resource")
    pods = GaugeMetricFamily("seedbed_sweep_pods_waiting", "Pods that no node takes.", labels=labels)
    longest = GaugeMetricFamily(
        "seedbed_sweep_pods_waiting_seconds", "For how long the first of them has waited.", labels=labels
    )
    for one in waiting:
        pods.add_metric((one.sweep, one.resource), one.pods)
        longest.add_metric((one.sweep, one.resource), max(0.0, time.time() - one.since))
    yield from (pods, longest)


def _of_itself(store: bool, cluster: bool, took: float) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "seedbed_store_reachable", "Whether the last look could read the store.", value=store
    )
    yield GaugeMetricFamily("seedbed_cluster_reachable", "The same of the Kubernetes API.", value=cluster)
    yield GaugeMetricFamily("seedbed_look_duration_seconds", "How long the last look took.", value=took)
