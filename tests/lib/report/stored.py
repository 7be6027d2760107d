"""Results of classifiers, left in a store by hand: small enough to be checked by counting."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from seedbed import NUMERICS
from seedbed.codec import save_tensors
from seedbed.planning import PlannedTrial
from seedbed.results import Result, write_result
from seedbed.store import Store

UNITS = ("amy", "amy", "amy", "bob", "bob", "bob")
TARGETS = (0, 1, 2, 0, 1, 2)


def leave(store: Store, trial: PlannedTrial, guesses: Sequence[int], ids: Sequence[int] = range(6)) -> None:
    """A finished trial whose best step took six test samples for these classes; `ids` is their order."""
    import torch

    order = list(ids)
    targets = np.array(TARGETS)[order]
    outputs = np.eye(3)[list(guesses)][order]
    buffer = io.BytesIO()
    units = np.array(UNITS)[order]
    np.savez(buffer, allow_pickle=False, ids=np.array(order), units=units, targets=targets, outputs=outputs)
    right = float(np.mean(np.array(guesses) == TARGETS))
    log = [
        {"step": 1, "val/loss": 0.5, "test/accuracy": right},
        {"step": 2, "val/loss": 0.7, "test/accuracy": 0.0},
    ]
    weights = {"a.weight": torch.zeros(3, 4), "a.bias": torch.zeros(3), "norm.running_mean": torch.zeros(50)}
    files = {
        "predictions/test@best.npz": buffer.getvalue(),
        "split.json": json.dumps({"train": ["cyd"], "validation": ["dan"], "test": ["amy", "bob"]}).encode(),
        "log.jsonl": "".join(json.dumps(entry) + "\n" for entry in log).encode(),
        "weights/best.safetensors": save_tensors(weights),
    }
    for name, data in files.items():
        store.write(f"{trial.folder}/{name}", data)
    result = Result(
        trial=trial.id,
        family=trial.family,
        role=trial.role,
        revision=trial.revision,
        numerics=NUMERICS,
        config=trial.config,
        seed=trial.seed,
        axes=trial.axes,
        inputs={role: [asdict(ref) for ref in refs] for role, refs in trial.inputs.items()},
        status="finished",
        metrics={"test/accuracy@best": right, "val/loss@best": 0.5, "model/flops@best": 1234567.0},
        best_step=1,
        last_step=2,
        baselines={},
        events=[],
        description="six samples",
        split={},
        data=trial.data,
        seconds=2.0,
        peak_memory_bytes=2_000_000_000,
        numerics_tag={"device": "cpu", "torch": "2.9"},
        device="a machine",
        packages={"numpy": "2"},
        code="abc",
        image="",
        host="here",
        attempts=1,
        finished_at="2026-01-02T03:04:05+00:00",
        files={name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        log_digest=trial.id,
    )
    assert write_result(store, trial.folder, result)
