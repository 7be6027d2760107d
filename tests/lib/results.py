"""Finished trials made by hand: results with predictions on units, so that tests can plant what they like."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from seedbed.planning import PlannedTrial
from seedbed.results import Result, write_result
from seedbed.run_records import StageRecord
from seedbed.store import Store
from seedbed.sweep.language import TablePlan
from tests.lib.trials import toy

METRIC = "test/accuracy@best"
Right = Mapping[str, tuple[int, int]]
"""By test unit: how many of how many samples are right."""


def planned(seed: int, axes: Mapping[str, Any] | None = None, **settings: Any) -> PlannedTrial:
    """A trial of the toy family that stands on these axes."""
    trial = toy(seed, **settings)
    return PlannedTrial(**{**vars(trial), "axes": dict(axes or {})})


def stage_of(*trials: PlannedTrial, table: Mapping[str, Any] | None = None, **asked: Any) -> StageRecord:
    """A stage of trials whose table shows their test accuracy."""
    plan = TablePlan(**{"cell": METRIC, **(table or {})}).model_dump()
    asked = {"over": [], "baseline_label": "", "baseline": [], **asked}
    return StageRecord(stage="leaders", family="toy", shown=True, table=plan, trials=list(trials), **asked)


def predictions(right: Right) -> bytes:
    """Predictions of class 0 or 1 for samples of class 1, as an attempt writes them."""
    units = [unit for unit, (_, count) in right.items() for _ in range(count)]
    guesses = [int(at < good) for good, count in right.values() for at in range(count)]
    buffer = io.BytesIO()
    arrays = {"ids": np.arange(len(units)), "units": np.array(units), "targets": np.ones(len(units), int)}
    np.savez(buffer, allow_pickle=False, **arrays, outputs=np.eye(2)[guesses])
    return buffer.getvalue()


def leave(store: Store, trial: PlannedTrial, right: Right, **changes: Any) -> Result:
    """Write the result of a trial whose predictions are these; `changes` are of the result; `val` are what its
    validation predictions are, on unit c."""
    units = {"train": ["a", "b"], "validation": ["c"], "test": list(right)}
    files = {
        "split.json": json.dumps(changes.pop("units", units)).encode(),
        "predictions/test@best.npz": predictions(right),
    }
    if "val" in changes:
        files["predictions/val@best.npz"] = predictions(changes.pop("val"))
    for name, data in files.items():
        store.write(f"{trial.folder}/{name}", data)
    accuracy = sum(good for good, _ in right.values()) / sum(count for _, count in right.values())
    result = Result(
        **{
            "trial": trial.id,
            "family": "toy",
            "role": trial.role,
            "revision": 1,
            "numerics": 1,
            "config": trial.config,
            "seed": trial.seed,
            "axes": trial.axes,
            "inputs": {},
            "status": "finished",
            "metrics": {METRIC: accuracy},
            "best_step": 1,
            "last_step": 2,
            "baselines": {},
            "events": [],
            "description": "made up",
            "data": trial.data,
            "split": {"hash": "h", "names": units, "units": {}, "samples": {}},
            "seconds": 1.0,
            "peak_memory_bytes": 1,
            "device": "x86_64",
            "packages": {},
            "code": "c0de",
            "numerics_tag": {"device": "cpu", "torch": "2.0"},
            "image": "",
            "host": "here",
            "attempts": 1,
            "finished_at": "2026-01-01",
            "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
            "log_digest": f"log of {trial.id}",
            **changes,
        }
    )
    assert write_result(store, trial.folder, result)
    return result
