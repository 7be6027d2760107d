"""`geneactiv14`, `geneactiv7`: daily activities with a GENEActiv at the wrist, three axes at 100 Hz.

Recorded by Wang and Buman and not public: for those who own it. One MATLAB file is one window; subject
and class stand in its name, and its length in the name of its folder:
`geneactiv/14/…/Window-size-500/ID-102_CLASS-13_Window-0001.mat`, with an array `xw` of three axes.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jobs.sensor_distillation.datasets.common import Dataset, Description, Windows, cached_arrays
from seedbed.data import (
    Entry,
    Files,
    below_root,
    data_roots,
    fingerprint_of,
    found,
    missing,
    read_bytes,
    reading,
    remembered,
)
from seedbed.errors import BadData, InvalidConfig

ADDRESS: Final = "its owners only, as it is not public"
ACTIVITIES: Final = (
    "treadmill 2 mph 0%",
    "treadmill 3 mph 0%",
    "treadmill 3 mph 5%",
    "treadmill 4 mph 0%",
    "treadmill 6 mph 0%",
    "treadmill 6 mph 5%",
    "seated fold laundry",
    "stand fidget",
    "brush teeth/hair",
    "drive car",
    "hard-surface walk",
    "carpet in heels/dress shoes",
    "stairs up",
    "stairs down",
)
"""The fourteen classes; which activities the seven are is not known here."""
AXES: Final = 3
RATE_HZ: Final = 100.0
WINDOWS: Final = (500, 1000)
"""Samples in a window; the first is the default."""

FOLDER: Final = "Window-size-"
FILE: Final = re.compile("ID-([0-9]+)_CLASS-([0-9]+)_Window-([0-9]+)[.](?i:mat)")
LEFT_BEHIND: Final = "__MACOSX"
"""What a Macintosh puts into an archive, beside what was meant to be in it."""
SUFFIX: Final = ".mat"
"""In any case, as MATLAB takes it."""
ARRAY: Final = "xw"


class Window(NamedTuple):
    """A file: what its name says, by which windows are ordered, and the state it is in."""

    subject: int
    activity: int
    """The class by its number in the file's name."""
    number: int
    name: str
    size: int
    changed_ns: int


def open_set(classes: int, window: int | None) -> Dataset:
    """The set of 14 or 7 `classes`, in windows of 500 (the default) or 1000 samples; else raises InvalidConfig."""
    name = f"geneactiv{classes}"
    length = WINDOWS[0] if window is None else window
    if length not in WINDOWS:
        raise InvalidConfig(f"window: {length} samples; data {name} takes {' or '.join(map(str, WINDOWS))}")
    return _about(classes, length).opened(
        lambda: _fingerprint(*_find(classes, length)), partial(load, classes, length)
    )


def files(classes: int, window: int) -> Files:
    """The files of its windows of this length, for a store."""
    folder, windows = _find(classes, window)
    entries = [_entry(folder / each.name) for each in windows]
    return Files(below_root(folder.absolute()), entries, lambda name: read_bytes(folder / name))


def load(classes: int, window: int = WINDOWS[0]) -> Windows:
    """Every window, by subject, class and number; an id is its file's name without the suffix.

    Raises BadData, naming the file, for data that is absent, damaged or contradicts itself.
    """
    folder, windows = _find(classes, window)
    key = f"geneactiv{classes}-2-{window}-{_fingerprint(folder, windows)[:16]}"
    arrays = cached_arrays(key, ["signals"], lambda: {"signals": _read(folder, windows, window)})
    activities = np.array([each.activity for each in windows])
    first = int(activities.min())
    unnamed = tuple(f"class-{first + label}" for label in range(classes))
    return _about(classes, window).windows(
        signals=arrays["signals"],
        labels=activities - first,
        units=np.array([str(each.subject) for each in windows]),
        ids=np.array([each.name[: -len(SUFFIX)] for each in windows]),
        classes=ACTIVITIES if classes == len(ACTIVITIES) else unnamed,
    )


def _about(classes: int, window: int) -> Description:
    return Description(
        name=f"geneactiv{classes}",
        channels=AXES,
        window=window,
        classes=classes,
        rate_hz=RATE_HZ,
        address=ADDRESS,
        stored_as=_stored_name(classes, window),
    )


def _stored_name(classes: int, window: int) -> str:
    """What a store calls it: windows of another length are other files."""
    return f"geneactiv{classes}-{window}"


def _find(classes: int, window: int) -> tuple[Path, list[Window]]:
    """The folder of the windows and what is in it, in order."""
    folder = found(_stored_name(classes, window), partial(_folder, classes, window))
    with reading(folder), os.scandir(folder) as entries:
        inside = [entry for entry in entries if not entry.name.startswith(".")]
        windows = sorted(_window(entry) for entry in inside if _is_meant(entry.name))
        _refuse_deeper_windows(folder, [entry.path for entry in inside if entry.is_dir()])
    if not windows:
        raise BadData(f"{folder}: has no .mat file")
    for one, other in itertools.pairwise(windows):
        if one[:3] == other[:3]:
            raise BadData(f"{folder}: {one.name} and {other.name} are called the same window")
    numbers = sorted({each.activity for each in windows})
    for before, after in itertools.pairwise(numbers):
        if after > before + 1:
            raise BadData(f"{folder}: has no window of CLASS-{before + 1}, yet of CLASS-{after}")
    if len(numbers) != classes or numbers[0] > 1:
        raise BadData(
            f"{folder}: has CLASS-{numbers[0]} to CLASS-{numbers[-1]}, expected {classes} classes "
            "counted from 0 or 1"
        )
    return folder, windows


def _refuse_deeper_windows(folder: Path, below: list[str]) -> None:
    walks = (os.walk(top, onerror=_refuse_unless_absent) for top in below)
    for place, _, names in itertools.chain.from_iterable(walks):
        meant = [name for name in names if _is_meant(name)]
        if meant:
            raise BadData(f"{place}: has {min(meant)}, expected all windows in {folder.name}")


def _folder(classes: int, window: int) -> Path:
    """The one folder for windows of this length, wherever it lies below the set's own."""
    wanted = f"{FOLDER}{window}"
    lengths: set[str] = set()
    for root in data_roots():
        below = _window_folders(root / "geneactiv" / str(classes))
        folders = [folder for folder in below if folder.name == wanted]
        if len(folders) > 1:
            raise BadData(f"{folders[0]} and {folders[1]}: expected only one folder {wanted}")
        if folders:
            return folders[0]
        lengths.update(folder.name for folder in below)
    there = f" (there is {', '.join(sorted(lengths))})" if lengths else ""
    raise missing(
        f"'geneactiv/{classes}/…/{wanted}/ID-102_CLASS-{classes - 1}_Window-0001.mat'{there} and so on, each with an "
        f"array {ARRAY} of {AXES} axes and {window} samples,",
        data=f"geneactiv{classes}",
        address=ADDRESS,
    )


def _window_folders(top: Path) -> list[Path]:
    """The folders of windows below `top`; they hold thousands of files and are not entered."""
    found: list[Path] = []
    for folder, names, _ in os.walk(top, onerror=_refuse_unless_absent):
        found += [Path(folder, name) for name in names if name.startswith(FOLDER)]
        names[:] = [name for name in names if not name.startswith((FOLDER, LEFT_BEHIND))]
    return sorted(found)


def _refuse_unless_absent(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _is_meant(name: str) -> bool:
    """Whether a file is meant for a window; a file system leaves others, whose names begin with a dot."""
    return name.lower().endswith(SUFFIX) and not name.startswith(".")


def _window(entry: os.DirEntry[str]) -> Window:
    match = FILE.fullmatch(entry.name)
    if match is None:
        raise BadData(f"{entry.path}: expected a name like ID-102_CLASS-13_Window-0001.mat")
    status = entry.stat()
    subject, activity, number = map(int, match.groups())
    return Window(subject, activity, number, entry.name, status.st_size, status.st_mtime_ns)


def _fingerprint(folder: Path, windows: list[Window]) -> str:
    """Over all files, which are read again when the name, size or time of any has changed."""
    state = hashlib.sha256(json.dumps(windows).encode()).hexdigest()
    return remembered(
        folder, f"windows {state}", lambda: fingerprint_of(_entry(folder / each.name) for each in windows)
    )


def _entry(file: Path) -> Entry:
    content = read_bytes(file)
    return Entry(file.name, len(content), hashlib.sha256(content).hexdigest())


def _read(folder: Path, windows: list[Window], length: int) -> NDArray[np.float32]:
    signals = np.empty((len(windows), AXES, length), np.float32)
    for signal, each in zip(signals, windows, strict=True):
        _read_window(folder / each.name, signal)
    _refuse_copies(folder, windows, signals)
    return signals


def _refuse_copies(folder: Path, windows: list[Window], signals: NDArray[np.float32]) -> None:
    """Raise BadData if one window goes by two subjects, but for one in which nothing moves."""
    first: dict[bytes, Window] = {}
    for signal, each in zip(signals, windows, strict=True):
        if (signal == signal[:, :1]).all():
            continue
        of_same = first.setdefault(hashlib.sha256(signal).digest(), each)
        if of_same.subject != each.subject:
            raise BadData(
                f"{folder / each.name}: is the same as {of_same.name}, expected another subject's window"
            )


def _read_window(file: Path, out: NDArray[np.float32]) -> None:
    """Fill `out` (axes, samples) with a file's window."""
    from scipy.io import loadmat, whosmat  # slow to import, and no need of where a trial is planned

    try:
        stored = loadmat(file, appendmat=False, variable_names=[ARRAY]).get(ARRAY)
    except NotImplementedError as error:
        raise BadData(
            f"{file}: is in MATLAB's format 7.3 (HDF5), expected one of -v7 or before; save it with -v7"
        ) from error
    except Exception as error:  # scipy raises as many kinds for a damaged file
        raise BadData(f"{file}: not a MATLAB file: {' '.join(str(error).split())}") from error
    if stored is None:
        there = ", ".join(name for name, *_ in whosmat(file, appendmat=False))
        raise BadData(f"{file}: expected an array {ARRAY}, found {there or 'none'}")
    if not isinstance(stored, np.ndarray) or stored.dtype.kind not in "fiu":
        raise BadData(f"{file}: {ARRAY} is no array of real numbers")
    if stored.shape not in (out.shape, out.shape[::-1]):
        raise BadData(f"{file}: {ARRAY} has shape {stored.shape}, expected {out.shape} or {out.shape[::-1]}")
    with np.errstate(over="ignore"):
        out[:] = stored if stored.shape == out.shape else stored.T
    if not np.isfinite(out).all():
        raise BadData(f"{file}: {ARRAY} has a value that is not finite")
