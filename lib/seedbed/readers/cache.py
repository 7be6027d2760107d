"""A cache of arrays that are slow to read or to work out."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data import cache_dir, write_atomically

Arrays = dict[str, NDArray[Any]]


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
