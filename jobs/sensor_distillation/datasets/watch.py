"""`watch`: shoulder exercises under a smart watch, ten subjects, seven exercises, 140 recordings at 50 Hz.

Burns, Leung, Hardisty, Whyne, Henry, McLachlin, "Shoulder physiotherapy exercise recognition: machine
learning the inertial signals from a smartwatch", 2018, arXiv 1802.01489. It comes with the package
seglearn, as a pickle; so its checksum is verified before it is opened, once, and what is used of it
is kept in a form that cannot run code. seglearn itself is never imported.
"""

from __future__ import annotations

import importlib.util
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from jobs.sensor_distillation.datasets.common import Arrays, Dataset, Description, Windows, cached_arrays
from seedbed.data import fingerprint, sha256
from seedbed.errors import BadData, InvalidConfig

SHA256: Final = "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"
ADDRESS: Final = "https://github.com/dmbee/seglearn"
CLASSES: Final = 7
CHANNELS: Final = 3
"""Acceleration along x, y, z; the gyroscope's three columns are left out."""
RATE_HZ: Final = 50.0
DEFAULT_WINDOW: Final = 200
SHORTEST: Final = 947
"""Samples in the shortest recording: with longer windows some recordings would have none."""

ARRAYS: Final = ("signals", "ends", "labels", "subjects", "classes")


def open_set(window: int | None) -> Dataset:
    """The set in half-overlapping windows of `window` samples (default 200); else raises InvalidConfig."""
    length = DEFAULT_WINDOW if window is None else window
    if not 2 <= length <= SHORTEST:
        raise InvalidConfig(
            f"window: {length} samples; data watch takes 2 to {SHORTEST}, its shortest recording"
        )
    return _about(length).opened(_fingerprint, partial(load, length))


def load(window: int = DEFAULT_WINDOW) -> Windows:
    """Every window, recording by recording; a step of half a window, and none across recordings.

    A window's id is `<recording>/<first sample>`, both from 0. Raises BadData when seglearn's file is
    absent or not the one that is known here.
    """
    recordings = cached_arrays(f"watch-1-{SHA256[:16]}", ARRAYS, lambda: _unpickle(_file()))
    signals, starts, cut_from = _cut(recordings["signals"], recordings["ends"], window)
    return _about(window).windows(
        signals=signals,
        labels=recordings["labels"][cut_from],
        units=recordings["subjects"][cut_from].astype(np.str_),
        ids=np.array([f"{recording}/{start}" for recording, start in zip(cut_from, starts, strict=True)]),
        classes=tuple(recordings["classes"].tolist()),
    )


def _about(window: int) -> Description:
    return Description(
        name="watch", channels=CHANNELS, window=window, classes=CLASSES, rate_hz=RATE_HZ, address=ADDRESS
    )


def _fingerprint() -> str:
    return fingerprint([_file()])


def _file() -> Path:
    package = importlib.util.find_spec("seglearn")
    if package is None or package.origin is None:
        raise BadData(f"data watch: comes with the package seglearn, which is not installed; see {ADDRESS}")
    path = Path(package.origin).with_name("data") / "watch_dataset.npy"
    found = sha256(path)
    if found != SHA256:
        raise BadData(f"data watch: {path} has sha256 {found[:16]}…, expected {SHA256[:16]}…; not opened")
    return path


def _unpickle(path: Path) -> Arrays:
    stored: dict[str, Any] = np.load(path, allow_pickle=True).item()  # its checksum has been verified
    return {
        "signals": np.concatenate([recording[:, :CHANNELS] for recording in stored["X"]]).astype(np.float32),
        "ends": np.cumsum([len(recording) for recording in stored["X"]]),
        "labels": stored["y"].astype(np.int64),
        "subjects": stored["subject"].astype(np.int64),
        "classes": np.array(stored["y_labels"]),
    }


def _cut(
    samples: NDArray[np.float32], ends: NDArray[np.int64], window: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Windows (N, channels, window), each one's first sample within its recording, and its recording."""
    lengths = np.diff(ends, prepend=0)
    starts = [np.arange(0, length - window + 1, window // 2) for length in lengths]
    cut_from = np.repeat(np.arange(len(ends)), [len(of_one) for of_one in starts])
    start = np.concatenate(starts)
    first = start + (ends - lengths)[cut_from]
    rows = first[:, None] + np.arange(window)
    return np.ascontiguousarray(samples[rows].transpose(0, 2, 1)), start, cut_from
