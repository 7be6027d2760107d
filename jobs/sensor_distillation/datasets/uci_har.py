"""`uci_har`: six activities of 30 subjects with a phone at the waist, nine signals at 50 Hz.

Anguita, Ghio, Oneto, Parra, Reyes-Ortiz, "A Public Domain Dataset for Human Activity Recognition Using
Smartphones", ESANN 2013. Read from the original folder of text files, or from a compact archive of the
same windows (`ucihar_segments.npz`: overlapping samples stored once) where the original is absent.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
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
from seedbed.data import find, fingerprint
from seedbed.errors import BadData

ADDRESS: Final = "https://archive.ics.uci.edu/dataset/240/human+activity+recognition+using+smartphones"
ORIGINAL: Final = "uci_har/UCI HAR Dataset"
COMPACT: Final = "uci_har/ucihar_segments.npz"
CLASSES: Final = ("WALKING", "WALKING_UPSTAIRS", "WALKING_DOWNSTAIRS", "SITTING", "STANDING", "LAYING")
CHANNELS: Final = tuple(f"{kind}_{axis}" for kind in ("body_acc", "body_gyro", "total_acc") for axis in "xyz")
SPLITS: Final = ("train", "test")
WINDOW: Final = 128
RATE_HZ: Final = 50.0

ARRAYS: Final = ("signals", "labels", "subjects", "split")


def open_set(window: int | None) -> Dataset:
    """The set; its windows are fixed, so that any `window` is refused with InvalidConfig."""
    refuse_window("uci_har", window)
    description = Description(
        name="uci_har",
        channels=len(CHANNELS),
        window=WINDOW,
        classes=len(CLASSES),
        rate_hz=RATE_HZ,
        unit_word="subject",
        address=ADDRESS,
    )
    return Dataset(description=description, fingerprint=_fingerprint, load=load)


def load() -> Windows:
    """All windows, train first, in the order of the files; an id is `<split>/<line>`, lines from 1.

    Raises BadData, naming file and line, for data that is absent, cut short or contradicts itself.
    """
    source = _source()
    read = _read_original if source.is_dir() else _read_compact
    arrays = cached_arrays(f"uci_har-1-{_fingerprint()[:16]}", ARRAYS, lambda: read(source))
    official = np.array(SPLITS)[arrays["split"]]
    lines = [number for split in SPLITS for number in range(1, 1 + int((official == split).sum()))]
    return Windows(
        name="uci_har",
        signals=arrays["signals"],
        labels=arrays["labels"],
        units=arrays["subjects"].astype(np.str_),
        ids=np.array([f"{split}/{line}" for split, line in zip(official, lines, strict=True)]),
        official=official,
        classes=CLASSES,
        unit_word="subject",
        rate_hz=RATE_HZ,
    )


def _source() -> Path:
    return find(ORIGINAL, COMPACT, data="uci_har", address=ADDRESS)


def _fingerprint() -> str:
    source = _source()
    return fingerprint(_original_files(source) if source.is_dir() else [source])


def _original_files(folder: Path) -> Iterator[Path]:
    for split in SPLITS:
        yield folder / split / f"y_{split}.txt"
        yield folder / split / f"subject_{split}.txt"
        yield from (_signal_file(folder, split, channel) for channel in CHANNELS)


def _signal_file(folder: Path, split: str, channel: str) -> Path:
    return folder / split / "Inertial Signals" / f"{channel}_{split}.txt"


def _read_original(folder: Path) -> Arrays:
    train, test = (_read_split(folder, split) for split in SPLITS)
    _refuse_shared_subjects(folder, train["subjects"], test["subjects"])
    joined = {name: np.concatenate([train[name], test[name]]) for name in train}
    return joined | {"split": np.repeat([0, 1], [len(train["labels"]), len(test["labels"])])}


def _read_split(folder: Path, split: str) -> Arrays:
    labels_file = folder / split / f"y_{split}.txt"
    subjects_file = folder / split / f"subject_{split}.txt"
    labels = _integers(labels_file)
    subjects = _integers(subjects_file)
    _refuse_other_count(subjects_file, len(subjects), labels_file, len(labels))
    wrong = (labels < 1) | (labels > len(CLASSES))
    if wrong.any():
        line = int(np.argmax(wrong))
        raise BadData(f"{labels_file}:{line + 1}: label {labels[line]}, expected 1 to {len(CLASSES)}")
    signals = np.empty((len(labels), len(CHANNELS), WINDOW), np.float32)
    for index, channel in enumerate(CHANNELS):
        file = _signal_file(folder, split, channel)
        rows = _numbers(file, WINDOW)
        _refuse_other_count(file, len(rows), labels_file, len(labels))
        signals[:, index] = rows
    return {"signals": signals, "labels": labels - 1, "subjects": subjects}


def _numbers(file: Path, columns: int) -> NDArray[np.float64]:
    text = read_text(file)
    rows = parse_table(text, str(file))
    if rows.shape[1] != columns:
        raise BadData(f"{file}:1: {rows.shape[1]} values, expected {columns}")
    if not text.endswith("\n"):  # a number may have lost its last digits
        raise BadData(f"{file}:{len(rows)}: the last line has no end; the file has been cut short")
    return rows


def _integers(file: Path) -> NDArray[np.int64]:
    numbers = _numbers(file, 1)[:, 0]
    wrong = numbers != np.round(numbers)
    if wrong.any():
        line = int(np.argmax(wrong))
        raise BadData(f"{file}:{line + 1}: {numbers[line]:g}, expected a whole number")
    return numbers.astype(np.int64)


def _refuse_other_count(file: Path, found: int, reference: Path, expected: int) -> None:
    if found != expected:
        raise BadData(f"{file}: {found} rows, expected {expected} as in {reference.name}")


def _refuse_shared_subjects(folder: Path, train: NDArray[np.int64], test: NDArray[np.int64]) -> None:
    shared = np.isin(test, train)
    if shared.any():
        line = int(np.argmax(shared))
        file = folder / "test" / "subject_test.txt"
        also = int(np.argmax(train == test[line])) + 1
        raise BadData(f"{file}:{line + 1}: subject {test[line]} is also in subject_train.txt:{also}")


def _read_compact(file: Path) -> Arrays:
    try:
        with np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in ("signal", "start", "y", "subject", "split", "channels")}
        order = [arrays["channels"].tolist().index(channel) for channel in CHANNELS]
        rows = arrays["start"][:, None] + np.arange(WINDOW)
        signals = np.ascontiguousarray(arrays["signal"][rows][:, :, order].transpose(0, 2, 1), np.float32)
        labels, subjects, split = (arrays[name].astype(np.int64) for name in ("y", "subject", "split"))
    except Exception as error:  # numpy and zipfile raise many kinds for a damaged archive
        raise BadData(f"{file}: not the compact form of uci_har: {error}") from error
    for name, values in {"y": labels, "subject": subjects, "split": split}.items():
        if values.shape != (len(signals),):
            raise BadData(f"{file}: {name} has shape {values.shape}, expected ({len(signals)},) as start has")
    if not np.isin(labels, range(1, len(CLASSES) + 1)).all():
        raise BadData(f"{file}: labels {labels.min()} to {labels.max()}, expected 1 to {len(CLASSES)}")
    if not (np.isin(split, [0, 1]).all() and (np.diff(split) >= 0).all()):
        raise BadData(f"{file}: split has to be 0 for train, then 1 for test")
    shared = np.intersect1d(subjects[split == 0], subjects[split == 1])
    if shared.size:
        raise BadData(f"{file}: subject {shared[0]} is in train and in test")
    return {"signals": signals, "labels": labels - 1, "subjects": subjects, "split": split}
