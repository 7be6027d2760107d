"""Tiny trials of this family, planned as a stage would plan them, and what they left in a store."""

from __future__ import annotations

import json
from typing import Any

from jobs.har_prototypes import family
from seedbed.identity import trial_id
from seedbed.planning import PlannedTrial
from seedbed.store import Store

TINY = {"data": "made", "windows": 72, "batch_size": 24, "epochs": 2, "dim": 16, "learning_rate": 5e-3}
STEPS_AN_EPOCH = 3


def planned(seed: int = 0, **settings: Any) -> PlannedTrial:
    """A tiny trial with some settings of its own."""
    config = family.plan({**TINY, **settings}, {})
    role, data = family.role_of(config), family.fingerprint(config)
    revision = family.roles[role].revision
    identity = trial_id(
        family=family.name, role=role, revision=revision, config=config, seed=seed, data=data, inputs={}
    )
    plain = config.model_dump(mode="json")
    return PlannedTrial(identity, family.name, role, revision, plain, seed, {}, data, {})


def log_of(store: Store, trial: PlannedTrial) -> list[dict[str, float]]:
    return [json.loads(line) for line in (store.read(f"{trial.folder}/log.jsonl") or b"").splitlines()]
