"""Trials at work, as Prometheus sees them: by family and stage, however many there are."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from seedbed.monitoring.gpu import Gpu, Gpus
from seedbed.monitoring.pace import Pace

PLACE = ("family", "stage")
DATA_WAIT = "data_wait_ratio"
"""A family that logs `train/data_wait_ratio` tells which part of its time it waits for data."""


class Place(NamedTuple):
    """What a trial counts for."""

    family: str
    stage: str


@dataclass
class _Totals:
    """What only ever grows."""

    events: Counter[str] = field(default_factory=Counter)
    checkpoints: int = 0
    checkpoint_seconds: float = 0.0

    def add(self, told: Mapping[str, Any]) -> None:
        """What a trial has told of itself, all of it."""
        self.events.update(event["kind"] for event in told.get("events", []))
        saved = told.get("checkpoints", {})
        self.checkpoints += saved.get("written", 0)
        self.checkpoint_seconds += saved.get("seconds", 0.0)


@dataclass
class _Working:
    """A trial at work: what it told last, and its pace."""

    place: Place
    told: dict[str, Any]
    pace: Pace = field(default_factory=Pace)


class TrialsAtWork(Collector):
    """Told by the process that watches the workers, asked by Prometheus in a thread of its own."""

    def __init__(self, gpus: Gpus | None = None) -> None:
        self._gpus = gpus or Gpus()
        self._lock = threading.Lock()
        self._working: dict[str, _Working] = {}
        self._ended: dict[Place, _Totals] = {}

    def hear(self, told: Mapping[str, tuple[Place, Mapping[str, Any]]]) -> None:
        """All trials at work and what their workers told so far; one that is not among them any more has ended."""
        with self._lock:
            for key in set(self._working) - set(told):
                ended = self._working.pop(key)
                self._ended.setdefault(ended.place, _Totals()).add(ended.told)
            for key, (place, progress) in told.items():
                working = self._working.setdefault(key, _Working(place, {}))
                working.told = dict(progress)
                if "step" in progress:
                    working.pace.hear(progress["step"], progress.get("metrics"))

    def collect(self) -> Iterable[Metric]:
        """Gauges of the trials at work, means over those of a stage; counters of all that there were."""
        with self._lock:
            working = list(self._working.values())
            totals = {place: _copy(ended) for place, ended in self._ended.items()}
        for trial in working:
            totals.setdefault(trial.place, _Totals()).add(trial.told)
        yield from _gauges(working)
        yield from _counters(totals)
        yield from _of_gpus(self._gpus.now(), {trial.place for trial in working})


def _copy(totals: _Totals) -> _Totals:
    return _Totals(Counter(totals.events), totals.checkpoints, totals.checkpoint_seconds)


def _gauges(working: list[_Working]) -> Iterator[Metric]:
    at_work = GaugeMetricFamily(
        "seedbed_trials_at_work", "Trials that this process trains now.", labels=PLACE
    )
    progress = GaugeMetricFamily(
        "seedbed_progress_ratio",
        "Steps done of those there will be, mean over the trials at work.",
        labels=PLACE,
    )
    loss = GaugeMetricFamily(
        "seedbed_loss", "What was logged last of each loss, the test split aside.", labels=(*PLACE, "metric")
    )
    steps = GaugeMetricFamily(
        "seedbed_steps_per_second", "Training steps, of all trials at work.", labels=PLACE
    )
    epoch = GaugeMetricFamily(
        "seedbed_epoch_duration_seconds", "From one evaluation to the next: mostly an epoch.", labels=PLACE
    )
    waiting = GaugeMetricFamily(
        "seedbed_data_wait_ratio", "Part of the time that training waits for data.", labels=PLACE
    )
    for place in sorted({trial.place for trial in working}):
        here = [trial for trial in working if trial.place == place]
        at_work.add_metric(place, len(here))
        _mean(progress, place, (_ratio(trial.told) for trial in here))
        _mean(epoch, place, (trial.pace.epoch_seconds for trial in here))
        paces = [pace for trial in here if (pace := trial.pace.steps_per_second) is not None]
        if paces:
            steps.add_metric(place, sum(paces))
        logged = _logged(here)
        for name in sorted(logged):
            if name.endswith("loss"):
                loss.add_metric((*place, name), fmean(logged[name]))
        _mean(waiting, place, (fmean(values) for name, values in logged.items() if name.endswith(DATA_WAIT)))
    yield from (at_work, progress, loss, steps, epoch, waiting)


def _counters(totals: Mapping[Place, _Totals]) -> Iterator[Metric]:
    events = CounterMetricFamily(
        "seedbed_health_events", "Health events of the trials that ran here.", labels=(*PLACE, "kind")
    )
    saved = SummaryMetricFamily(
        "seedbed_checkpoint_duration_seconds", "Writing of checkpoints, beside the training.", labels=PLACE
    )
    for place, total in sorted(totals.items()):
        for kind, count in sorted(total.events.items()):
            events.add_metric((*place, kind), count)
        saved.add_metric(place, total.checkpoints, total.checkpoint_seconds)
    yield from (events, saved)


def _of_gpus(gpus: list[Gpu], places: set[Place]) -> Iterator[Metric]:
    """All GPUs together; they count for a stage when only one is at work."""
    place = next(iter(places)) if len(places) == 1 else Place("", "")
    used = GaugeMetricFamily("seedbed_gpu_memory_used_bytes", "GPU memory in use.", labels=PLACE)
    there = GaugeMetricFamily("seedbed_gpu_memory_bytes", "GPU memory there is.", labels=PLACE)
    busy = GaugeMetricFamily(
        "seedbed_gpu_utilisation_ratio", "Part of the time that GPUs are busy.", labels=PLACE
    )
    watts = GaugeMetricFamily("seedbed_gpu_power_watts", "Power that the GPUs draw.", labels=PLACE)
    _sum(used, place, (gpu.memory_used_bytes for gpu in gpus))
    _sum(there, place, (gpu.memory_total_bytes for gpu in gpus))
    _mean(busy, place, (gpu.utilisation_ratio for gpu in gpus))
    _sum(watts, place, (gpu.watts for gpu in gpus))
    yield from (used, there, busy, watts)


def _logged(working: Iterable[_Working]) -> dict[str, list[float]]:
    """The values of each metric that trials logged last."""
    found: dict[str, list[float]] = {}
    for trial in working:
        for name, value in trial.told.get("metrics", {}).items():
            found.setdefault(name, []).append(value)
    return found


def _ratio(told: Mapping[str, Any]) -> float | None:
    return told["step"] / told["total"] if told.get("total") and "step" in told else None


def _mean(family: GaugeMetricFamily, place: Place, values: Iterable[float | None]) -> None:
    known = [value for value in values if value is not None]
    if known:
        family.add_metric(place, fmean(known))


def _sum(family: GaugeMetricFamily, place: Place, values: Iterable[float | None]) -> None:
    known = [value for value in values if value is not None]
    if known:
        family.add_metric(place, sum(known))
