"""Tiny trials of this family, planned as a stage would plan them, and what they left in a store."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from jobs.sensor_distillation import family
from seedbed.codec import load_tensors
from seedbed.finished import FinishedTrial
from seedbed.identity import trial_id
from seedbed.planning import InputRef, PlannedTrial
from seedbed.store import Store, open_store

TINY = {"data": "watch", "window": 400, "network": "wrn10-1", "epochs": 2}
STEPS_AN_EPOCH = 10


def planned(
    settings: Mapping[str, Any], inputs: Mapping[str, PlannedTrial] | None = None, seed: int = 0
) -> PlannedTrial:
    """A trial of this family as a stage would plan it, its inputs being trials by modality."""
    sources = inputs or {}
    config = family.plan(settings, {name: family.read(source.config) for name, source in sources.items()})
    role, data = family.role_of(config), family.fingerprint(config)
    identity = trial_id(
        family=family.name,
        role=role,
        revision=family.roles[role].revision,
        config=config,
        seed=seed,
        data=data,
        inputs={name: [(source.id, "best")] for name, source in sources.items()},
    )
    refs = {name: [InputRef(family.name, source.id, "best")] for name, source in sources.items()}
    revision = family.roles[role].revision
    plain = config.model_dump(mode="json")
    return PlannedTrial(identity, family.name, role, revision, plain, seed, {}, data, refs)


def teacher(modality: str, seed: int = 0, **settings: Any) -> PlannedTrial:
    return planned({**TINY, "role": "teacher", "modality": modality, **settings}, seed=seed)


def student(*sources: PlannedTrial, seed: int = 0, **settings: Any) -> PlannedTrial:
    by_modality = {source.config["modality"]: source for source in sources}
    return planned({**TINY, "role": "student", **settings}, by_modality, seed)


def copy_of(taught: Path, folder: Path) -> Store:
    shutil.copytree(taught, folder / "runs")
    return open_store(str(folder / "runs"))


def log_of(store: Store, trial: PlannedTrial) -> list[dict[str, float]]:
    return [json.loads(line) for line in (store.read(f"{trial.folder}/log.jsonl") or b"").splitlines()]


def predictions(store: Store, trial: PlannedTrial, name: str) -> dict[str, np.ndarray[Any, Any]]:
    with np.load(io.BytesIO(store.read(f"{trial.folder}/predictions/{name}.npz") or b"")) as kept:
        return dict(kept)


def weights(store: Store, trial: PlannedTrial, which: str) -> dict[str, torch.Tensor]:
    return load_tensors(store.read(f"{trial.folder}/weights/{which}.safetensors") or b"", which)


def finished(store: Store, trial: PlannedTrial) -> FinishedTrial:
    return FinishedTrial.open(store, InputRef(trial.family, trial.id, "best"))


def read(trial: PlannedTrial) -> Any:
    return family.read(trial.config)
