"""Metrics that can be made again from a trial's predictions, by the name under which families log them.

A metric is a function of tallies: numbers for each sample that add up over samples, so that it can be had for one
unit, for all of them, and for any draw of units. A family that logs one of them gets intervals over units by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Score:
    """A metric as a function of tallies that add up."""

    tally: Callable[[Array, Array], Array]
    """Targets (N,) and outputs (N,) or (N, C), the largest of which is the guess, to tallies (N, K)."""

    value: Callable[[Array], Array]
    """Tallies (..., K), summed over samples, to the metric (...)."""


def _guesses(outputs: Array) -> Array:
    return outputs.argmax(axis=1) if outputs.ndim == 2 else outputs


def _tally_accuracy(targets: Array, outputs: Array) -> Array:
    """(N, 2): right or not, and one for each sample."""
    return np.stack([_guesses(outputs) == targets, np.ones(len(targets))], axis=1).astype(float)


def _accuracy(tallies: Array) -> Array:
    return np.asarray(tallies[..., 0] / tallies[..., 1])


def _tally_f1(targets: Array, outputs: Array) -> Array:
    """(N, 3C): for each class that is guessed or there, whether the sample is found, guessed, there."""
    guesses = _guesses(outputs)
    classes = np.unique(np.concatenate([targets, guesses]))
    there, guessed = targets[:, None] == classes, guesses[:, None] == classes
    return np.concatenate([there & guessed, guessed, there], axis=1).astype(float)


def _f1(tallies: Array) -> tuple[Array, Array, Array]:
    """2·found / (guessed + there) for each class, whether it is guessed or there at all, and how often it is there."""
    found, guessed, there = np.split(tallies, 3, axis=-1)
    seen = guessed + there
    with np.errstate(invalid="ignore"):
        return np.where(seen > 0, 2 * found / seen, 0.0), seen > 0, there


def _macro_f1(tallies: Array) -> Array:
    """The mean over the classes that are guessed or there, as scikit-learn has it."""
    of_each, seen, _ = _f1(tallies)
    return np.asarray(of_each.sum(axis=-1) / seen.sum(axis=-1))


def _weighted_f1(tallies: Array) -> Array:
    """The mean over classes by how often they are there."""
    of_each, _, there = _f1(tallies)
    return np.asarray((of_each * there).sum(axis=-1) / there.sum(axis=-1))


SCORES = {
    "accuracy": (Score(_tally_accuracy, _accuracy),),
    "macro_f1": (Score(_tally_f1, _macro_f1),),
    "f1": (Score(_tally_f1, _weighted_f1), Score(_tally_f1, _macro_f1)),
}
"""What a name can mean. Where it can mean several things, all are of the same tallies."""
