"""What the data sets share: the form in which windows are handed on, reading of text, a cache of arrays."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seedbed.data import cache_dir, write_atomically
from seedbed.errors import BadData, InvalidConfig

UnitWord = Literal["subject", "sample"]
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Description:
    """What is known about a data set without reading it; None where only the files can tell."""

    name: str
    channels: int
    """Signals in a window."""
    window: int | None
    """Samples in a window."""
    classes: int | None
    rate_hz: float | None
    """Samples a second; None where the sets' authors do not say."""
    unit_word: UnitWord
    """What a sample belongs to: a subject, or nothing but itself."""
    address: str
    """Where a person can get it."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Labelled windows of sensor signals: N windows of C channels and L samples.

    Raises BadData when a value is not finite or a class has no window at all.
    """

    name: str
    signals: NDArray[np.float32]
    """(N, C, L), in the data set's own units."""
    labels: NDArray[np.int64]
    """(N,), 0 … classes - 1."""
    units: NDArray[np.str_]
    """(N,), the subject; a sample's own id where there are no subjects."""
    ids: NDArray[np.str_]
    """(N,), unique and the same on every machine."""
    official: NDArray[np.str_]
    """(N,), 'train' or 'test' where the data set comes split, else ''."""
    classes: tuple[str, ...]
    unit_word: UnitWord
    rate_hz: float | None

    def __post_init__(self) -> None:
        finite = np.isfinite(self.signals).all(axis=(1, 2))
        if not finite.all():
            raise BadData(
                f"data {self.name}: window {self.ids[np.argmin(finite)]} has a value that is not finite"
            )
        absent = [name for label, name in enumerate(self.classes) if not (self.labels == label).any()]
        if absent:
            found = len(self.classes) - len(absent)
            raise BadData(
                f"data {self.name}: {found} classes of {len(self.classes)}, no window of {', '.join(absent)}"
            )


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A data set that has been named and not yet read."""

    description: Description
    fingerprint: Callable[[], str]
    """SHA-256 in hex that follows from the content of the files."""
    load: Callable[[], Windows]


def refuse_window(name: str, window: int | None) -> None:
    """Raise InvalidConfig if a window length was asked for: this set's windows are as they come."""
    if window is not None:
        raise InvalidConfig(f"window: {window} has no effect with data {name}, whose windows are fixed")


def parse_table(text: str, file: str, separator: str | None = None) -> NDArray[np.float64]:
    """Rows of numbers as (rows, columns), row i being line i + 1; a separator of None is any white space.

    Raises BadData naming file and line: a cell that is no number, a row that is not as long as the
    first, no row at all.
    """
    rows: list[NDArray[np.float64]] = []
    for number, line in enumerate(text.rstrip("\r\n").splitlines(), 1):
        try:
            rows.append(np.array([float(cell) for cell in line.split(separator)]))
        except ValueError as error:
            raise BadData(f"{file}:{number}: {error}") from error
        if rows[-1].size != rows[0].size:
            raise BadData(
                f"{file}:{number}: {rows[-1].size} values, expected {rows[0].size} as in the first row"
            )
    if not rows:
        raise BadData(f"{file}: is empty, expected rows of numbers")
    return np.stack(rows)


def read_text(path: Path) -> str:
    """The text of a file; raises BadData when it cannot be read."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadData(f"{path}: {error}") from error


def cached_arrays(key: str, names: Iterable[str], build: Callable[[], Arrays]) -> Arrays:
    """The arrays called `names` that `build` gives, kept as `<key>.npz` in the cache.

    The key has to change whenever the arrays would. A cache that is damaged is built again; one that
    cannot be written is done without.
    """
    path = cache_dir() / f"{key}.npz"
    arrays = _read_arrays(path)
    if arrays.keys() != set(names):
        arrays = build()
        with suppress(OSError):
            write_atomically(path, lambda beside: np.savez(beside, allow_pickle=False, **arrays))
    return arrays


def _read_arrays(path: Path) -> Arrays:
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:  # numpy alone would not notice a shortened shape
                return {}
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    except Exception:  # whatever is wrong with it, it can be built again
        return {}
