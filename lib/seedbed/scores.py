"""Metrics that can be made again from a trial's predictions, by the name under which families log them.

A metric is a function of tallies: numbers for each sample that add up over samples, so that it can be had for one
unit, for all of them, and for any draw of units. A family that logs one of them gets intervals over units by it.
Two kinds do not add up over samples. A score of pairs is a function of what adds up at each score; a score of units
is had on each unit by itself and then averaged: a clustering's agreement with the speakers of a book.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seedbed.errors import BadData
from seedbed.statistics import AnyBlock, Block, pair_block

Array = NDArray[Any]


@dataclass(frozen=True)
class Score:
    """A metric as a function of tallies that add up."""

    tally: Callable[[Array, Array], Array]
    """Targets (N,) and outputs (N,) or (N, C), the largest of which is the guess, to tallies (N, K); of units: those
    of one unit to its tallies (K,)."""

    value: Callable[[Array], Array]
    """Tallies (..., K), summed over samples, to the metric (...); of pairs: tallies (..., S, K) at each of S scores,
    from the lowest on."""

    of: Literal["samples", "units", "pairs"] = "samples"

    def block(self, units: Array, targets: Array, outputs: Array) -> AnyBlock:
        """What a trial did, unit by unit: units (N,), or (N, 2) of pairs."""
        if self.of == "pairs":
            return pair_block(units, self.tally(targets, outputs), outputs)
        names, of_row = np.unique(units, return_inverse=True)
        if self.of == "units":
            own = [of_row == at for at in range(len(names))]
            each = zip(names.tolist(), own, strict=True)
            tallies = np.stack([self._of_unit(name, targets[rows], outputs[rows]) for name, rows in each])
        else:
            of_sample = self.tally(targets, outputs)
            tallies = np.zeros((len(names), of_sample.shape[1]))
            np.add.at(tallies, of_row, of_sample)
        return Block(tuple(names.tolist()), tallies)

    def _of_unit(self, name: str, targets: Array, outputs: Array) -> Array:
        """A unit's tallies (K,); raises BadData where the family's own score fails on it."""
        try:
            return self.tally(targets, outputs)
        except Exception as error:
            raise BadData(f"of_unit fails on unit {name}: {type(error).__name__}: {error}") from error

    def of_all(self, *blocks: AnyBlock) -> float:
        """The metric of all units together; of several blocks where it is one of samples."""
        tallies = sum(block.drawn(np.ones((1, len(block.units)))) for block in blocks)
        return float(self.value(np.asarray(tallies))[0])


def _guesses(outputs: Array) -> Array:
    return outputs.argmax(axis=1) if outputs.ndim == 2 else outputs


def _tally_accuracy(targets: Array, outputs: Array) -> Array:
    """(N, 2): right or not, and one for each sample."""
    return np.stack([_guesses(outputs) == targets, np.ones(len(targets))], axis=1).astype(float)


def _ratio(tallies: Array) -> Array:
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


def _tally_pairs(targets: Array, _: Array) -> Array:
    """(N, 2): genuine (target 1, one identity) and impostor (target 0)."""
    return np.stack([targets == 1, targets == 0], axis=1).astype(float)


def _equal_error_rate(tallies: Array) -> Array:
    """Where as many genuine pairs are refused as impostors are let in: (..., S, 2) to (...), NaN without either.

    The ROC curve joined by straight lines (Fawcett, An introduction to ROC analysis, Pattern Recognition Letters
    27, 2006), where it meets false positives = false negatives: ties and steps then need no rule of their own, and
    one score for all gives 1/2. The share of genuine pairs below a threshold rises with it, that of impostors above
    it falls: their difference goes from -1 to 1.
    """
    before = np.zeros((*tallies.shape[:-2], 1, 2))
    below = np.concatenate([before, tallies.cumsum(axis=-2)], axis=-2)
    with np.errstate(invalid="ignore"):
        refused, kept_out = np.moveaxis(below / below[..., -1:, :], -1, 0)
    gap = refused + kept_out - 1
    after = np.maximum((gap >= 0).argmax(axis=-1), 1)[..., None]
    low, high = (np.take_along_axis(gap, at, -1) for at in (after - 1, after))
    start, end = (np.take_along_axis(refused, at, -1) for at in (after - 1, after))
    return np.asarray((start - (end - start) * low / (high - low))[..., 0])


SCORES = {
    "accuracy": (Score(_tally_accuracy, _ratio),),
    "macro_f1": (Score(_tally_f1, _macro_f1),),
    "f1": (Score(_tally_f1, _weighted_f1), Score(_tally_f1, _macro_f1)),
    "eer": (Score(_tally_pairs, _equal_error_rate, of="pairs"),),
}
"""What a name can mean. Where it can mean several things, all are of the same tallies."""


@cache
def score_of_units(of_unit: Callable[[Array, Array], float]) -> Score:
    """The mean over units of a family's own score: of targets (n,) and outputs (n,) of one unit.

    Outputs (n, R) are those of R runs of what is drawn at random after training, such as a clusterer's seeds: each
    is scored by itself, and a unit's scores are averaged first.
    """

    def tally(targets: Array, outputs: Array) -> Array:
        runs = outputs[:, None] if outputs.ndim == 1 else outputs
        return np.array([np.mean([of_unit(targets, run) for run in runs.T]), 1.0])

    return Score(tally, _ratio, of="units")
