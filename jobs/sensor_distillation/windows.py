"""Which windows train, validate and test, and the scale that the training windows give to all of them."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from jobs.sensor_distillation.config import Training
from jobs.sensor_distillation.datasets import Windows, open_dataset
from seedbed.errors import BadData, InvalidConfig
from seedbed.units import in_order

SHARE: Final = 0.2
"""Of the subjects (of a class's samples, where there are no subjects) that test or validate; at least one."""
FLAT: Final = 1e-7
"""A channel whose deviation is no larger than this part of its mean holds nothing but float32's rounding."""

Indices = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Split:
    """Indices of the windows of each part, ascending, and a hash of who is where."""

    train: Indices
    validation: Indices
    test: Indices
    hash: str
    """16 hex digits of the SHA-256 over the sorted ids of each part."""


def split(windows: Windows, seed: int, test_subject: str | None = None) -> Split:
    """Divide by subject where there are subjects, else by sample; what a data set's authors fixed stays.

    An official test part is the test part; else a fifth of the subjects is. Validation is a fifth of
    the subjects that remain for it (of all, where the test part was drawn too), or of each class's
    training samples, of which at least one stays to train on. `seed` is config's `split_seed` and
    decides nothing else. `test_subject` leaves that one subject out and pools all others, official or not.

    Raises InvalidConfig for a test subject that is not there, and BadData when a unit occurs in two parts, a
    part is empty or a class has no training window.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    is_test = windows.official == "test"
    if test_subject is not None:
        is_test = _of_subject(windows, test_subject)
    if windows.unit_word == "sample":
        is_validation = _stratified(windows.labels, np.flatnonzero(~is_test), rng)
    else:
        subjects = np.unique(windows.units[~is_test])
        share = max(1, round(SHARE * len(subjects)))
        drawn = rng.permutation(subjects)
        if not is_test.any():
            is_test = np.isin(windows.units, drawn[:share])
            drawn = drawn[share:]
        is_validation = np.isin(windows.units, drawn[:share]) & ~is_test
    parts = {
        "train": np.flatnonzero(~is_test & ~is_validation),
        "validation": np.flatnonzero(is_validation),
        "test": np.flatnonzero(is_test),
    }
    _check(windows, parts, seed)
    return Split(**parts, hash=_hash(windows, parts))


def load_windows(config: Training) -> tuple[Windows, Split]:
    """The windows of a config and their split; raises BadData when they cannot be used."""
    windows = open_dataset(config.data, config.window).load()
    return windows, split(windows, config.split_seed, config.test_subject)


def units_by_split(windows: Windows, parts: Split) -> dict[str, frozenset[str]]:
    """The subjects (samples, where there are none) in train, validation and test."""
    indices = {"train": parts.train, "validation": parts.validation, "test": parts.test}
    return {name: frozenset(windows.units[chosen].tolist()) for name, chosen in indices.items()}


@dataclass(frozen=True)
class Normalisation:
    """Mean and deviation of each channel of signals or images, from the training windows only.

    The study's convention: the mean is over samples and positions, the deviation is each sample's own
    (population form), averaged over samples; so a sample's offset does not add to it. A flat channel
    has deviation 1: it becomes zeros instead of magnified rounding.
    """

    mean: NDArray[np.float32]
    """(C,)"""
    std: NDArray[np.float32]
    """(C,), above 0."""

    @classmethod
    def over(cls, batches: Iterable[NDArray[Any]]) -> Normalisation:
        """From training samples that come in batches (B, C, …), which are not kept.

        How they are divided into batches does not change a bit. Raises BadData when there is none.
        """
        moments = [_moments(batch) for batch in batches if len(batch)]
        if not moments:
            raise BadData("normalisation: there is no training window to take it from")
        mean, std = np.concatenate(moments, axis=1).mean(axis=1)
        flat = std <= FLAT * np.abs(mean) + np.finfo(np.float32).tiny
        return cls(mean.astype(np.float32), np.where(flat, 1.0, std).astype(np.float32))

    def apply(self, batch: NDArray[Any], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """(batch - mean) / std in float32, channel by channel; `batch` is (B, C, …) and may be `out`."""
        shape = (-1,) + (1,) * (batch.ndim - 2)
        scaled = np.empty(batch.shape, np.float32) if out is None else out
        np.subtract(batch, self.mean.reshape(shape), out=scaled, dtype=np.float32)
        scaled /= self.std.reshape(shape)
        return scaled


def _moments(batch: NDArray[Any]) -> NDArray[np.float64]:
    """Each sample's mean and deviation, (2, B, C), in float64."""
    flat = batch.reshape(*batch.shape[:2], -1).astype(np.float64)
    return np.stack([flat.mean(axis=2), flat.std(axis=2)])


def _of_subject(windows: Windows, subject: str) -> NDArray[np.bool_]:
    """A mask (N,) of a subject's windows."""
    if windows.unit_word != "subject":
        raise InvalidConfig(f"test_subject: data {windows.name} has no subjects to leave out")
    if subject not in windows.units:
        known = ", ".join(in_order(windows.units.tolist()))
        raise InvalidConfig(f"test_subject: data {windows.name} has no subject {subject!r}; known: {known}")
    mask: NDArray[np.bool_] = windows.units == subject
    return mask


def _stratified(labels: Indices, candidates: Indices, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A mask (N,) of a fifth of each class's candidates: at least one in all, and never all of a class."""
    of_class = [rng.permutation(candidates[labels[candidates] == label]) for label in np.unique(labels)]
    counts = [round(SHARE * len(members)) for members in of_class]
    if not any(counts):
        largest = max(range(len(of_class)), key=lambda index: len(of_class[index]))
        counts[largest] = min(1, len(of_class[largest]) - 1)
    mask = np.zeros(len(labels), bool)
    for members, count in zip(of_class, counts, strict=True):
        mask[members[:count]] = True
    return mask


def _check(windows: Windows, parts: dict[str, Indices], seed: int) -> None:
    where = f"data {windows.name}, split_seed {seed}"
    for one, other in itertools.combinations(parts, 2):
        shared = np.intersect1d(windows.units[parts[one]], windows.units[parts[other]])
        if shared.size:
            raise BadData(f"{where}: {windows.unit_word} {shared[0]} occurs in {one} and {other}")
    for name, indices in parts.items():
        if not indices.size:
            raise BadData(f"{where}: {name} has no window; {_too_few(windows, parts['test'])}")
    absent = np.setdiff1d(np.arange(len(windows.classes)), windows.labels[parts["train"]])
    if absent.size:
        raise BadData(f"{where}: class {windows.classes[absent[0]]!r} has no training window")


def _too_few(windows: Windows, test: Indices) -> str:
    """Why a part is empty: of what there are too few."""
    people, others = (len(np.unique(units)) for units in (windows.units, np.delete(windows.units, test)))
    if windows.unit_word == "sample":
        return f"{len(windows.labels)} in all are too few to divide"
    if people < 3:
        return f"{people} subject{'s' * (people != 1)}, expected 3 or more"
    return f"{others} subject{'s' * (others != 1)} beside those that test, expected 2 or more"


def _hash(windows: Windows, parts: dict[str, Indices]) -> str:
    members = {name: sorted(windows.ids[indices].tolist()) for name, indices in parts.items()}
    return hashlib.sha256(json.dumps(members, sort_keys=True).encode()).hexdigest()[:16]
