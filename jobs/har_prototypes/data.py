"""Which windows train, validate and test under each protocol, and what a network reads of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.har_prototypes.config import Training
from jobs.har_prototypes.datasets import load_windows
from seedbed.errors import BadData
from seedbed.readers.windows import Windows

SHARE: Final = 0.2
"""Of subjects or windows that validate, and of windows that test where the protocol draws them."""
PARTS: Final = ("train", "validation", "test")

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Indices of the windows of each part, ascending, and what their windows belong to."""

    parts: Mapping[str, Indices]
    units: NDArray[np.str_]
    """(N,): the subject; the window itself where the protocol puts windows of one subject into two parts."""


def split(windows: Windows, config: Training) -> Split:
    """Divide as the protocol says; `split_seed` is all that it depends on beside.

    subject: the official test part, and a fifth of the other subjects (rounded up) to validate.
    notes: the official test part, and a fifth of the other windows (rounded up), whosever they are.
    merged: a fifth of all windows, and a fifth of the rest.
    Raises BadData when there is no official test part though the protocol needs one, when a part is empty, or when
    a class has no training window.
    """
    drawn = {"subject": _by_subject, "notes": _as_noted, "merged": _merged}[config.protocol]
    found = {
        name: _thinned(part, windows.labels, config.windows)
        for name, part in drawn(windows, config.split_seed).items()
    }
    _check(windows, found, config)
    return Split(found, _units(windows, found, config))


def _by_subject(windows: Windows, seed: int) -> dict[str, Indices]:
    from sklearn.model_selection import GroupShuffleSplit

    rest, test = _official(windows)
    subjects = windows.units[rest]
    if len(set(subjects)) < 2:
        raise BadData(f"data {windows.name}: one subject to train on, and another is needed to validate")
    divide = GroupShuffleSplit(n_splits=1, test_size=SHARE, random_state=seed)
    train, validation = next(divide.split(rest, groups=subjects))
    return {"train": rest[train], "validation": rest[validation], "test": test}


def _as_noted(windows: Windows, seed: int) -> dict[str, Indices]:
    rest, test = _official(windows)
    train, validation = _randomly(rest, seed)
    return {"train": train, "validation": validation, "test": test}


def _merged(windows: Windows, seed: int) -> dict[str, Indices]:
    rest, test = _randomly(np.arange(len(windows.labels)), seed)
    train, validation = _randomly(rest, seed)
    return {"train": train, "validation": validation, "test": test}


def _official(windows: Windows) -> tuple[Indices, Indices]:
    is_test = windows.official == "test"
    if is_test.all() or not is_test.any():
        raise BadData(f"data {windows.name}: comes without a division into train and test")
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def _randomly(indices: Indices, seed: int) -> tuple[Indices, Indices]:
    from sklearn.model_selection import train_test_split

    kept, drawn = train_test_split(indices, test_size=SHARE, random_state=seed)
    return np.sort(kept), np.sort(drawn)


def _thinned(part: Indices, labels: Indices, most: int | None) -> Indices:
    """At most so many: of each class its share, evenly spaced in it, where files go subject by subject."""
    if most is None or len(part) <= most:
        return part
    by_class = part[np.argsort(labels[part], kind="stable")]
    return np.sort(by_class[np.arange(most) * len(part) // most])


def _check(windows: Windows, parts: Mapping[str, Indices], config: Training) -> None:
    where = f"data {windows.name}, protocol {config.protocol}, split_seed {config.split_seed}"
    for name, indices in parts.items():
        if not indices.size:
            raise BadData(f"{where}: {name} has no window")
    absent = np.setdiff1d(np.arange(len(windows.classes)), windows.labels[parts["train"]])
    if absent.size:
        raise BadData(f"{where}: class {windows.classes[absent[0]]!r} has no training window")


def _units(windows: Windows, parts: Mapping[str, Indices], config: Training) -> NDArray[np.str_]:
    """A subject whose windows are in two parts is no unit: there, each window is its own."""
    units = windows.units.astype(object)
    for one, other in itertools.combinations(parts.values(), 2):
        shared = np.intersect1d(windows.units[one], windows.units[other])
        both = np.concatenate([one, other])
        loose = both[np.isin(windows.units[both], shared)]
        units[loose] = windows.ids[loose]
    named: NDArray[np.str_] = units.astype(np.str_)
    return named


@dataclass(frozen=True)
class Data:
    """The windows of a config, split, and as a network reads them."""

    windows: Windows
    split: Split
    inputs: NDArray[np.float32]
    """(N, C, T): signals, normalised where the config says so."""
    deviation: NDArray[np.float32]
    """(C,): of each channel of `inputs` over the training windows."""

    @property
    def train(self) -> Indices:
        """Indices of the training windows."""
        return self.split.parts["train"]

    @property
    def classes(self) -> int:
        """Classes to tell apart."""
        return len(self.windows.classes)

    def labels(self, indices: Indices) -> Indices:
        """(B,)."""
        return self.windows.labels[indices]

    def batches(self, indices: Indices, size: int) -> Iterator[NDArray[np.float32]]:
        """The inputs of many windows, a batch at a time."""
        for start in range(0, len(indices), size):
            yield self.inputs[indices[start : start + size]]


def load_data(config: Training) -> Data:
    """The data of a config; raises BadData when they cannot be used."""
    windows = load_windows(config.data)
    divided = split(windows, config)
    train = windows.signals[divided.parts["train"]]
    mean, deviation = train.mean((0, 2), np.float64), train.std((0, 2), np.float64)
    deviation[deviation == 0] = 1  # a channel that never moves stays where it is
    if config.normalize == "none":
        return Data(windows, divided, windows.signals, deviation.astype(np.float32))
    scaled = (windows.signals - mean[:, None]) / deviation[:, None]
    return Data(windows, divided, scaled.astype(np.float32), np.ones(len(mean), np.float32))


def units_by_split(config: Training) -> dict[str, frozenset[str]]:
    """The units in a config's train, validation and test windows."""
    windows = load_windows(config.data)
    divided = split(windows, config)
    return {name: frozenset(divided.units[indices].tolist()) for name, indices in divided.parts.items()}
