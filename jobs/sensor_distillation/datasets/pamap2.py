"""`pamap2`: twelve daily activities of nine subjects, forty signals at a third of 100 Hz.

Reiss & Stricker, "Introducing a New Benchmarked Dataset for Activity Monitoring", ISWC 2012: heart rate,
and at hand, chest and ankle temperature, acceleration (±16 g, ±6 g), angular velocity and magnetic field.

Prepared as in the study, in its order: rows of other activities are left out; the heart rate, measured
ten times a second, keeps its last value; what is still missing becomes 0; every third row stays. Rows
before and after a gap become neighbours, so that a window may reach across one. The study then scaled
each signal to [0, 1] between fixed limits, which its text does not give. That is left out: signals are
normalised by their training windows and images scale each series by itself, so that it would change
nothing but the few values beyond the limits.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from jobs.sensor_distillation.datasets.common import (
    Arrays,
    Dataset,
    Description,
    Windows,
    cached_arrays,
    parse_table,
    read_text,
    refuse_window,
)
from seedbed.data import Files, files_at, find, fingerprint, reading, sha256
from seedbed.errors import BadData

ADDRESS: Final = "https://archive.ics.uci.edu/dataset/231/pamap2+physical+activity+monitoring"
FOLDERS: Final = ("pamap2/PAMAP2_Dataset/Protocol", "pamap2/Protocol")
SUBJECTS: Final = tuple(range(101, 110))
ACTIVITIES: Final = {
    24: "rope jumping",
    1: "lying",
    2: "sitting",
    3: "standing",
    4: "walking",
    5: "running",
    6: "cycling",
    7: "Nordic walking",
    12: "ascending stairs",
    13: "descending stairs",
    16: "vacuum cleaning",
    17: "ironing",
}
"""The activities by their number in the files, in the order of the study's labels."""
OTHERS: Final = (0, 9, 10, 11, 18, 19, 20)
"""Rows that are left out: 0 is none of the activities, the rest are optional ones."""

COLUMNS: Final = 54
TIME: Final = 0
"""Seconds."""
ACTIVITY: Final = 1
SIGNALS: Final = (2, *(first + signal for first in (3, 20, 37) for signal in range(13)))
"""Columns, from 0: heart rate; 13 of each unit's 17, as its four of orientation are invalid."""

EVERY: Final = 3
RATE_HZ: Final = 100 / EVERY
WINDOW: Final = 100
STEP: Final = 22

ARRAYS: Final = ("signals", "labels", "ends")

PUBLISHED: Final = {
    "subject101.dat": "80b3fffd089c236ae88098df3b906b8d3c67a858023fe4f75045d78612147266",
    "subject102.dat": "468f3c6ba3e6e961f383783665265afbcddbbd33a3a84bba0386b7d0d4e3c632",
    "subject103.dat": "5be64631d085e3efc700728395516da3512ff9de17dab30d253508441a98d3f0",
    "subject104.dat": "7eb272213cbfe11d9e466a2163b6c9c2ed8d2542fc6f08283fd1bf222cac8994",
    "subject105.dat": "7837cfede57fe45ec20d553c6c2b0c498ab324daae23bfd202c0ffea9f71a7f6",
    "subject106.dat": "0da1dda3fa56d75d6413fc9198949d3ebc2102d77574cb5fe0739674687609f2",
    "subject107.dat": "a02195e9599eb249f79103912d27eb4f62d8a0f59e4763b0dd8250fee5f3f020",
    "subject108.dat": "81ce6b21b9c1e01dc02099c4f9387699547b08b28b387d09a56e0cb0a8af22fc",
    "subject109.dat": "5109d5cd8334769566b4ae602adf3e5f4bb7b9ee8ca678f0c481d333114b07c7",
}
"""SHA-256 of the files, from the Git LFS pointers in github.com/tusharmali/SHIELD_Health (data/PAMAP2_Dataset/Protocol,
a0a94825): one source only, whose nine sizes are those of a listing of the unpacked archive elsewhere. UCI itself gives
none. So `seedbed data` tells of files that differ, and nothing refuses them."""

ABOUT: Final = Description(
    name="pamap2",
    channels=len(SIGNALS),
    window=WINDOW,
    classes=len(ACTIVITIES),
    rate_hz=RATE_HZ,
    address=ADDRESS,
    published=PUBLISHED,
)


def open_set(window: int | None) -> Dataset:
    """The set; its windows are fixed, so that any `window` is refused with InvalidConfig."""
    refuse_window("pamap2", window)
    return ABOUT.opened(_fingerprint, load)


def files() -> Files:
    """Its files, for a store."""
    return files_at(_files())


def load() -> Windows:
    """Every window that begins and ends with one activity, subject by subject.

    An id is `<subject>/<first sample>`, samples counted from 0 where every third row is left. Raises
    BadData, naming file and line, for data that is absent, cut short or contradicts itself.
    """
    series = cached_arrays(f"pamap2-3-{_fingerprint()[:16]}", ARRAYS, lambda: _read(_files()))
    begins = np.concatenate([[0], series["ends"][:-1]])
    starts = [_starts(labels) for labels in np.split(series["labels"], begins[1:])]
    subjects = np.repeat(SUBJECTS, [len(of_one) for of_one in starts])
    first = np.concatenate([begin + of_one for begin, of_one in zip(begins, starts, strict=True)])
    return ABOUT.windows(
        signals=sliding_window_view(series["signals"], WINDOW, axis=0)[first],
        labels=series["labels"][first],
        units=subjects.astype(np.str_),
        ids=np.array(
            [f"{subject}/{start}" for subject, start in zip(subjects, np.concatenate(starts), strict=True)]
        ),
        classes=tuple(ACTIVITIES.values()),
    )


def _fingerprint() -> str:
    return fingerprint(_files())


def _files() -> list[Path]:
    """One file a subject, in the order of SUBJECTS."""
    folder = find(*FOLDERS, data="pamap2", address=ADDRESS)
    files = [folder / f"subject{subject}.dat" for subject in SUBJECTS]
    with reading(folder):
        absent = [file.name for file in files if not file.is_file()]
    if absent:
        raise BadData(
            f"{folder}: has no {', '.join(absent)}; expected a file of each of {len(files)} subjects"
        )
    return files


def _starts(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where a subject's windows begin; as in the study, the first one after a step."""
    starts = np.arange(STEP, len(labels) - WINDOW + 1, STEP, dtype=np.int64)
    same: NDArray[np.bool_] = labels[starts] == labels[starts + WINDOW - 1]
    return starts[same]


def _read(files: list[Path]) -> Arrays:
    """Every subject's samples, one subject after the other, and where each one ends."""
    _refuse_copies(files)
    signals, labels = zip(*map(_read_subject, files), strict=True)
    return {
        "signals": np.concatenate(signals),
        "labels": np.concatenate(labels),
        "ends": np.cumsum([len(of_one) for of_one in labels]),
    }


def _refuse_copies(files: list[Path]) -> None:
    """Raise BadData if one recording goes by two subjects: a person would be tested who was trained on."""
    first: dict[str, Path] = {}
    for file in files:
        of_same = first.setdefault(sha256(file), file)
        if of_same != file:
            raise BadData(f"{file}: is the same as {of_same.name}, expected another subject's recording")


def _read_subject(file: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """A subject's samples (n, signals), and the label of each."""
    rows = _rows(file)
    rows = rows[np.isin(rows[:, ACTIVITY], list(ACTIVITIES))]
    signals = rows[:, SIGNALS]
    if np.isnan(signals).all() and len(rows):
        raise BadData(f"{file}: has no value of any signal during the activities")
    signals[:, 0] = _hold(signals[:, 0])
    signals = signals[::EVERY].astype(np.float32)
    label_of = np.zeros(max(ACTIVITIES) + 1, np.int64)
    label_of[list(ACTIVITIES)] = range(len(ACTIVITIES))
    labels = label_of[rows[::EVERY, ACTIVITY].astype(np.int64)]
    if not _starts(labels).size:
        raise BadData(f"{file}: {len(labels)} samples of the activities, not enough for a window of {WINDOW}")
    return np.where(np.isnan(signals), np.float32(0), signals), labels


def _hold(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """With each gap filled by the value before it; what comes before the first value stays NaN."""
    last_known = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(len(values))))
    return values[last_known]


def _rows(file: Path) -> NDArray[np.float64]:
    """The whole file, (rows, columns)."""
    try:
        with reading(file), warnings.catch_warnings(action="ignore", category=UserWarning):  # no rows
            rows = np.loadtxt(file, comments=None, ndmin=2)
    except ValueError:
        rows = np.empty((0, 0))
    if not rows.size:
        rows = parse_table(read_text(file), str(file))  # slow, but it names the line
    if rows.shape[1] != COLUMNS:
        raise BadData(f"{file}:1: {rows.shape[1]} values, expected {COLUMNS}")
    unknown = ~np.isin(rows[:, ACTIVITY], [*ACTIVITIES, *OTHERS])
    if unknown.any():
        row = int(np.argmax(unknown))
        known = ", ".join(map(str, sorted([*ACTIVITIES, *OTHERS])))
        raise BadData(f"{_line(file, row)}: activity {rows[row, ACTIVITY]:g}, known: {known}")
    huge = (np.abs(rows) > np.finfo(np.float32).max).any(axis=1)
    if huge.any():
        raise BadData(f"{_line(file, int(np.argmax(huge)))}: has a value that is not finite")
    if sha256(file) != PUBLISHED[file.name]:  # what was published is right by definition
        _refuse_time_that_goes_back(file, rows)
    return rows


def _refuse_time_that_goes_back(file: Path, rows: NDArray[np.float64]) -> None:
    back = rows[1:, TIME] < rows[:-1, TIME]
    if back.any():
        row = int(np.argmax(back)) + 1
        before, after = rows[row - 1 : row + 1, TIME]
        raise BadData(f"{_line(file, row)}: time {after:.15g} after {before:.15g}, expected one no earlier")


def _line(file: Path, row: int) -> str:
    """Where a row stands: lines without any value are no rows."""
    lines = [number for number, line in enumerate(read_text(file).splitlines(), 1) if line.strip()]
    return f"{file}:{lines[row]}"
