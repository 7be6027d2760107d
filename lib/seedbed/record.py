"""What a trial has said so far: its log, what its best step had, what it keeps. Part of every checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch


@dataclass
class Predictions:
    """Per-sample outputs on one split, at one step."""

    ids: np.ndarray[Any, Any]
    units: np.ndarray[Any, Any]
    targets: np.ndarray[Any, Any]
    outputs: np.ndarray[Any, Any]


@dataclass
class Record:
    """What a trial has said so far; part of every checkpoint."""

    log: list[dict[str, float]] = field(default_factory=list)
    """One entry a logged step: `step` and the metrics."""

    description: str = ""
    baselines: dict[str, dict[str, float]] = field(default_factory=dict)
    split: dict[str, Any] = field(default_factory=dict)
    """Hash, counts and, where they are few, names of what is in each split."""
    units: dict[str, list[str]] = field(default_factory=dict)
    """All units of each split."""
    best_weights: dict[str, torch.Tensor] = field(default_factory=dict)
    best_predictions: dict[str, Predictions] = field(default_factory=dict)
    last_predictions: dict[str, Predictions] = field(default_factory=dict)
    artifacts: dict[str, bytes] = field(default_factory=dict)
    streams: dict[str, str] = field(default_factory=dict)
    """Digests of what the seed decides: the first stream asked for of each kind, and the first training batch."""
    initial_weights: str = ""
    """Digest of the weights that were drawn; empty when none were."""
    health: dict[str, Any] = field(default_factory=dict)
    """Events so far, and what the detectors know."""
    seconds: float = 0.0
    """Time spent on it by the attempts whose work counts."""


def record_to_plain(record: Record) -> dict[str, Any]:
    """The record as a checkpoint holds it."""
    plain = dict(vars(record))
    for key in ("best_predictions", "last_predictions"):
        plain[key] = {split: dict(vars(values)) for split, values in plain[key].items()}
    return plain


def record_from_plain(plain: Mapping[str, Any]) -> Record:
    """The reverse of record_to_plain."""
    values = dict(plain)
    for key in ("best_predictions", "last_predictions"):
        values[key] = {split: Predictions(**parts) for split, parts in values[key].items()}
    return Record(**values)
