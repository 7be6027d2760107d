"""The test that an image carries in itself: its families train, stop, go on, and end at the same bits."""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seedbed.attempt import Attempt, run_attempt
from seedbed.config import Settings
from seedbed.errors import Interrupted, SeedbedError
from seedbed.family import Family
from seedbed.identity import trial_id
from seedbed.planning import PlannedTrial
from seedbed.results import Result
from seedbed.scores import SCORES
from seedbed.store import Store, open_store
from seedbed.trial import Trial

STOP_AFTER = 2
"""Steps before a trial is stopped; it needs more than that."""


class SelftestFailed(SeedbedError):
    """A tiny trial did not do what every trial must."""


def selftest(family: Family, device: str) -> Iterator[str]:
    """A line for each of a family's tiny trials that did well; raises SelftestFailed at one that did not."""
    if not family.tiny:
        raise SelftestFailed(f"{family.name}: `tiny` in jobs/{family.name}/__init__.py names no trial")
    logged: set[str] = set()
    for settings in family.tiny:
        planned = _planned(family, settings)
        with tempfile.TemporaryDirectory() as folder:
            store = _store(folder, "whole")
            whole = run_attempt(store, planned, Attempt("whole", device))
            split = json.loads(store.read(f"{planned.folder}/split.json") or b"")
            step, resumed = _in_two(_store(folder, "in-two"), planned, device)
        _compare(planned, whole, resumed)
        logged |= whole.metrics.keys()
        told = " ".join(f"{name}={value}" for name, value in settings.items())
        for complaint in _unsaid(family, planned, whole, split):
            raise SelftestFailed(f"{family.name} {told}: {complaint}")
        yield f"{family.name} {told}: stopped at step {step}, went on, {len(whole.files)} files equal to the bit"
    unheard = [name for name in family.metric_names() if name not in logged]
    if unheard:
        raise SelftestFailed(
            f"{family.name}: no trial of `tiny` logs {unheard[0]}: `metrics` in jobs/{family.name}/__init__.py says it"
        )


def _store(folder: str, name: str) -> Store:
    return open_store(str(Path(folder) / name))


def _planned(family: Family, settings: Settings) -> PlannedTrial:
    config = family.plan(settings, {})
    role, data = family.role_of(config), family.fingerprint(config)
    revision = family.roles[role].revision
    identity = trial_id(
        family=family.name, role=role, revision=revision, config=config, seed=0, data=data, inputs={}
    )
    return PlannedTrial(
        identity, family.name, role, revision, config.model_dump(mode="json"), seed=0, axes={}, data=data
    )


def _in_two(store: Store, planned: PlannedTrial, device: str) -> tuple[int, Result]:
    """Train to the step after which it is stopped, then from there to the end; that step and the result."""
    opened: list[Trial[Any]] = []
    reached = 0

    def stop_in_time(progress: dict[str, Any]) -> None:
        nonlocal reached
        if (
            "metrics" not in progress
        ):  # it is a step that ended, and a stop is heard at the end of the next one
            reached = progress["step"]
        if reached >= STOP_AFTER - 1:
            opened[0].request_stop()

    try:
        run_attempt(store, planned, Attempt("1", device), report=stop_in_time, started=opened.append)
    except Interrupted:
        return reached + 1, run_attempt(store, planned, Attempt("2", device))
    raise SelftestFailed(f"{planned.family}: ended at step {reached}, before it could be stopped")


def _compare(planned: PlannedTrial, whole: Result, resumed: Result) -> None:
    """The same bits in every file, from a trial that did not diverge."""
    if whole.status != "finished":
        raise SelftestFailed(f"{planned.family}: {whole.events[0].message}")
    names = sorted(whole.files.keys() | resumed.files.keys())
    differing = [name for name in names if whole.files.get(name) != resumed.files.get(name)]
    if differing:
        raise SelftestFailed(
            f"{planned.family}: went on from a checkpoint and ended elsewhere: {', '.join(differing)} differ"
        )


def _unsaid(
    family: Family, planned: PlannedTrial, whole: Result, split: Mapping[str, list[str]]
) -> Iterator[str]:
    """What a trial left unsaid or contradicts, and nothing else would notice."""
    if not split:
        yield "never says who is in which split: `trial.splits(...)`"
    made_again = [name for name, metric in family.metrics.items() if metric.of_unit or name in SCORES]
    for name, when in itertools.product(made_again, ("best", "last")):
        metric = f"test/{name}@{when}"
        if metric in whole.metrics and f"predictions/test@{when}.npz" not in whole.files:
            yield f'logs {metric} without what it is made of: `trial.predictions("test", ...)`, before `trial.log`'
    for part, units in family.units(family.read(planned.config)).items():
        unlike = {str(unit) for unit in units}.symmetric_difference(split.get(part, ()))
        if unlike:
            yield f"is split otherwise than `units` says: {min(unlike)} is in the {part} data of one of them only"
