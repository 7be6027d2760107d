"""UCI-HAR, and other sets in its layout: windows of a phone's sensors, split by subject into train and test.

Anguita, Ghio, Oneto, Parra, Reyes-Ortiz, "A Public Domain Dataset for Human Activity Recognition Using
Smartphones", ESANN 2013. Read from the original folder of text files, or from a compact archive of the
same windows (`ucihar_segments.npz`: overlapping samples stored once) where the original is absent.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from seedbed.data import fingerprint, listed, reading
from seedbed.errors import BadData
from seedbed.readers.cache import Arrays, cached_arrays
from seedbed.readers.text import parse_table, read_text
from seedbed.readers.windows import Windows

ADDRESS: Final = (
    "https://archive.ics.uci.edu/dataset/240/human+activity+recognition+using+smartphones "
    "(61005872 bytes, sha256 c00b803081a5c797cd5e4b83700a9810b38d53d9d84e01917e090e1fdbc81031)"
)
"""With size and checksum of the archive, in which lies UCI HAR Dataset.zip: 60999314 bytes, sha256
2045e435c955214b38145fb5fa00776c72814f01b203fec405152dac7d5bfeb0. UCI gives neither; both stand alike in the data sheets
of several studies that fetched them, and the second in a Julia DataDeps registration of the older address."""
PUBLISHED: Final = {
    "train/y_train.txt": "415b3357e2e2d5e70a45c781947c6bdd80e0410a579d862eedcd6bbce3c694ef",
    "train/subject_train.txt": "66e1e2fbe9b396fa5155f531dc3348c803f503be663e2318772d49947db9153a",
    "test/y_test.txt": "2a94cb53ca46b956c1b2aebd4a09a72badd8a8e9ea9cdfe9f31b3306a08666bb",
    "test/subject_test.txt": "63b8c577f4a85431c06bd87f6384608c90a9f72f05c7956dd21255dc63515c07",
}
"""SHA-256 of labels and subjects in the original folder: those of a copy, and so in a data sheet of who fetched it."""
ORIGINAL: Final = "uci_har/UCI HAR Dataset"
COMPACT: Final = "uci_har/ucihar_segments.npz"
CLASSES: Final = ("WALKING", "WALKING_UPSTAIRS", "WALKING_DOWNSTAIRS", "SITTING", "STANDING", "LAYING")
CHANNELS: Final = tuple(f"{kind}_{axis}" for kind in ("body_acc", "body_gyro", "total_acc") for axis in "xyz")
SPLITS: Final = ("train", "test")
WINDOW: Final = 128
RATE_HZ: Final = 50.0

LIMIT: Final = 2**53
"""From here on two whole numbers can be one float."""
WHOLE: Final = "a whole number within ±2^53"

ACTIVITIES: Final = "activity_labels.txt"
ARRAYS: Final = ("signals", "labels", "subjects", "split")
NUMBERS: Final = ("start", "y", "subject", "split")
"""The archive's arrays of whole numbers."""


@dataclass(frozen=True)
class Form:
    """What a set in this layout holds."""

    channels: tuple[str, ...]
    """Its signals, in the order in which they are handed on."""
    classes: tuple[str, ...]
    """The names of the labels 1, 2, …"""
    window: int
    """Samples in a window."""


UCI_HAR: Final = Form(CHANNELS, CLASSES, WINDOW)


def found_form(source: Path) -> Form:
    """What another set in the same layout holds: other subjects, sensors, activities, window lengths.

    Of the signals, UCI-HAR's nine in its order if they are all there, else all that there are, by name. Activities
    are named by `activity_labels.txt` (an array `activities` in an archive); without names, six are UCI-HAR's.
    Windows are as long as most signals' first lines. Raises BadData where the source cannot be read, for a signal
    that only train or only test has, and for labels without names that do not run from 1 without a gap.
    """
    return _form_of_folder(source) if source.is_dir() else _form_of_archive(source)


def source_files(source: Path, form: Form = UCI_HAR) -> list[Path]:
    """The files that a set is made of, or its archive."""
    return list(_original_files(source, form.channels)) if source.is_dir() else [source]


def source_fingerprint(source: Path, form: Form = UCI_HAR) -> str:
    """The fingerprint of the files that a set is made of, or of its archive."""
    return fingerprint(source_files(source, form))


def load(source: Path, form: Form = UCI_HAR, name: str = "uci_har") -> Windows:
    """All windows, train first, in the order of the files; an id is `<split>/<line>`, lines from 1.

    Raises BadData, naming file and line, for data that is absent, cut short or contradicts itself.
    """
    read = _read_original if source.is_dir() else _read_compact
    checked = hashlib.sha256(repr(form).encode()).hexdigest()  # the same files are refused in another form
    key = f"{name.replace('/', '-')}-3-{source_fingerprint(source, form)[:16]}-{checked[:8]}"
    arrays = cached_arrays(key, ARRAYS, lambda: read(source, form))
    official = np.array(SPLITS)[arrays["split"]]
    lines = [number for split in SPLITS for number in range(1, 1 + int((official == split).sum()))]
    return Windows(
        name=name,
        signals=arrays["signals"],
        labels=arrays["labels"],
        units=arrays["subjects"].astype(np.str_),
        ids=np.array([f"{split}/{line}" for split, line in zip(official, lines, strict=True)]),
        official=official,
        classes=form.classes,
        unit_word="subject",
        rate_hz=RATE_HZ,
    )


# The original folder


def _original_files(folder: Path, channels: Sequence[str]) -> Iterator[Path]:
    for split in SPLITS:
        yield folder / split / f"y_{split}.txt"
        yield folder / split / f"subject_{split}.txt"
        yield from (_signal_file(folder, split, channel) for channel in channels)


def _signal_file(folder: Path, split: str, channel: str) -> Path:
    return folder / split / "Inertial Signals" / f"{channel}_{split}.txt"


def _form_of_folder(folder: Path) -> Form:
    channels = _signals_of_both(folder)
    names = folder / ACTIVITIES
    classes = _named_activities(names) if names.is_file() else _unnamed_activities(folder)
    files = [_signal_file(folder, split, channel) for split in SPLITS for channel in channels]
    lengths = Counter(map(_first_length, files))  # a file that was cut short is not to decide
    return Form(_in_order(channels), classes, lengths.most_common(1)[0][0])


def _signals_of_both(folder: Path) -> list[str]:
    """The signals that train and test have, by name; raises BadData where only one of them has a signal."""
    train, test = (_signals(folder, split) for split in SPLITS)
    if not train:
        raise BadData(f"{folder / 'train' / 'Inertial Signals'}: expected <signal>_train.txt, found none")
    for lacking, channels in (("test", train - test), ("train", test - train)):
        if channels:
            file = _signal_file(folder, lacking, min(channels))
            other = SPLITS[lacking == "train"]
            raise BadData(f"{file.parent}: expected {file.name}, as {other} has {min(channels)}_{other}.txt")
    return sorted(train)


def _signals(folder: Path, split: str) -> set[str]:
    suffix = f"_{split}.txt"
    names = [file.name for file in listed(folder / split / "Inertial Signals")]
    return {name.removesuffix(suffix) for name in names if name.endswith(suffix) and not name.startswith(".")}


def _first_length(file: Path) -> int:
    """Values in a file's first line."""
    with reading(file), file.open(encoding="utf-8-sig", errors="replace") as stream:
        return len(stream.readline().split())


def _named_activities(file: Path) -> tuple[str, ...]:
    rows = [line.split(maxsplit=1) for line in read_text(file).splitlines() if line.strip()]
    if not rows or [row[0] for row in rows] != [str(number) for number in range(1, len(rows) + 1)]:
        raise BadData(f"{file}: expected lines such as `1 WALKING`, numbered from 1")
    names = tuple(row[-1].strip() for row in rows)
    _refuse_a_name_twice(f"{file}:", names, "label")
    return names


def _unnamed_activities(folder: Path) -> tuple[str, ...]:
    train, test = (folder / split / f"y_{split}.txt" for split in SPLITS)
    of_train = _integers(train)
    first = len(of_train)
    return _unnamed(
        np.concatenate([of_train, _integers(test)]),
        lambda index: f"{train}:{index + 1}" if index < first else f"{test}:{index - first + 1}",
    )


def _unnamed(labels: NDArray[np.int64], place: Callable[[int], str]) -> tuple[str, ...]:
    """Names for labels (N,) that have none; raises BadData, naming a `place`, unless they run from 1 without a gap."""
    known = np.unique(labels)
    astray = known[known != np.arange(1, len(known) + 1)]
    if astray.size:
        where = place(int(np.argmax(labels == astray[0])))
        raise BadData(
            f"{where}: label {astray[0]}, expected 1 to {len(known)} as there are {len(known)} labels"
        )
    return CLASSES if len(known) == len(CLASSES) else tuple(map(str, known))


def _in_order(channels: Sequence[str]) -> tuple[str, ...]:
    return CHANNELS if set(CHANNELS) <= set(channels) else tuple(sorted(channels))


def _read_original(folder: Path, form: Form) -> Arrays:
    train, test = (_read_split(folder, split, form) for split in SPLITS)
    _refuse_shared_subjects(folder, train["subjects"], test["subjects"])
    joined = {name: np.concatenate([train[name], test[name]]) for name in train}
    return joined | {"split": np.repeat([0, 1], [len(train["labels"]), len(test["labels"])])}


def _read_split(folder: Path, split: str, form: Form) -> Arrays:
    labels_file = folder / split / f"y_{split}.txt"
    subjects_file = folder / split / f"subject_{split}.txt"
    labels = _integers(labels_file)
    subjects = _integers(subjects_file)
    _refuse_other_count(subjects_file, len(subjects), labels_file, len(labels))
    wrong = (labels < 1) | (labels > len(form.classes))
    if wrong.any():
        line = int(np.argmax(wrong))
        raise BadData(f"{labels_file}:{line + 1}: label {labels[line]}, expected 1 to {len(form.classes)}")
    signals = np.empty((len(labels), len(form.channels), form.window), np.float32)
    for index, channel in enumerate(form.channels):
        file = _signal_file(folder, split, channel)
        rows = _numbers(file, form.window)
        _refuse_other_count(file, len(rows), labels_file, len(labels))
        _refuse_not_finite(file, rows)
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
    wrong = _not_whole(numbers)
    if wrong.any():
        line = int(np.argmax(wrong))
        raise BadData(f"{file}:{line + 1}: {numbers.item(line)}, expected {WHOLE}")
    return numbers.astype(np.int64)


def _not_whole(numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where a number is none that a float holds for itself alone: neither are those that are not finite."""
    wrong: NDArray[np.bool_] = ~(np.abs(numbers) < LIMIT) | (numbers != np.round(numbers))
    return wrong


def _refuse_other_count(file: Path, found: int, reference: Path, expected: int) -> None:
    if found != expected:
        raise BadData(f"{file}: {found} rows, expected {expected} as in {reference.name}")


def _refuse_not_finite(file: Path, rows: NDArray[np.float64]) -> None:
    finite = (np.abs(rows) <= np.finfo(np.float32).max).all(axis=1)
    if not finite.all():
        raise BadData(f"{file}:{int(np.argmin(finite)) + 1}: has a value that is not finite in float32")


def _refuse_shared_subjects(folder: Path, train: NDArray[np.int64], test: NDArray[np.int64]) -> None:
    shared = np.isin(test, train)
    if shared.any():
        line = int(np.argmax(shared))
        file = folder / "test" / "subject_test.txt"
        also = int(np.argmax(train == test[line])) + 1
        raise BadData(f"{file}:{line + 1}: subject {test[line]} is also in subject_train.txt:{also}")


# The compact archive


def _form_of_archive(file: Path) -> Form:
    try:
        with np.load(file, allow_pickle=False) as stored:
            channels = [str(channel) for channel in stored["channels"]]
            classes = _activities_of_archive(file, stored)
            window = stored["window"].item() if "window" in stored else WINDOW
    except BadData:
        raise
    except Exception as error:  # numpy and zipfile raise many kinds for a damaged archive
        raise BadData(f"{file}: not the compact form of uci_har: {error}") from error
    if not isinstance(window, (int, float)) or window < 1 or not float(window).is_integer():
        raise BadData(f"{file}: window is {window}, expected a number of samples, 1 or more")
    _refuse_a_name_twice(f"{file}: channels", channels, "column of signal")
    return Form(_in_order(channels), classes, int(window))


def _activities_of_archive(file: Path, stored: Mapping[str, NDArray[Any]]) -> tuple[str, ...]:
    if "activities" in stored:
        names = tuple(map(str, stored["activities"]))
        _refuse_a_name_twice(f"{file}: activities", names, "label")
        return names
    return _unnamed(_whole(file, "y", stored["y"]).ravel(), lambda index: f"{file}: y[{index}]")


def _read_compact(file: Path, form: Form) -> Arrays:
    try:
        with np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in ("signal", "channels", *NUMBERS)}
        order = [arrays["channels"].tolist().index(channel) for channel in form.channels]
        arrays |= {name: _whole(file, name, arrays[name]) for name in NUMBERS}
        _refuse_contradictions(file, arrays)
        rows = arrays["start"][:, None] + np.arange(form.window)
        signals = np.ascontiguousarray(arrays["signal"][rows][:, :, order].transpose(0, 2, 1), np.float32)
    except BadData:
        raise
    except Exception as error:  # numpy and zipfile raise many kinds for a damaged archive
        raise BadData(f"{file}: not the compact form of uci_har: {error}") from error
    labels, subjects, split = (arrays[name] for name in ("y", "subject", "split"))
    for name, values in {"y": labels, "subject": subjects, "split": split}.items():
        if values.shape != (len(signals),):
            raise BadData(f"{file}: {name} has shape {values.shape}, expected ({len(signals)},) as start has")
    if not np.isin(labels, range(1, len(form.classes) + 1)).all():
        raise BadData(f"{file}: labels {labels.min()} to {labels.max()}, expected 1 to {len(form.classes)}")
    if not (np.isin(split, [0, 1]).all() and (np.diff(split) >= 0).all()):
        raise BadData(f"{file}: split has to be 0 for train, then 1 for test")
    shared = np.intersect1d(subjects[split == 0], subjects[split == 1])
    if shared.size:
        raise BadData(f"{file}: subject {shared[0]} is in train and in test")
    return {"signals": signals, "labels": labels - 1, "subjects": subjects, "split": split}


def _refuse_contradictions(file: Path, arrays: Arrays) -> None:
    """Raise BadData for what numpy would read as something else: rounded, or counted from the end."""
    signal, channels = arrays["signal"], arrays["channels"]
    if signal.ndim != 2 or channels.shape != signal.shape[1:]:
        raise BadData(
            f"{file}: channels has shape {channels.shape} and signal {signal.shape}, expected (C,) and (samples, C)"
        )
    _refuse_a_name_twice(f"{file}: channels", channels.tolist(), "column of signal")
    if np.iscomplexobj(signal):
        raise BadData(f"{file}: signal has complex numbers, expected real ones")
    if (arrays["start"] < 0).any():
        index = int(np.argmax(arrays["start"] < 0))
        raise BadData(f"{file}: start[{index}] is {arrays['start'][index]}, expected a sample, from 0")


def _whole(file: Path, name: str, values: NDArray[Any]) -> NDArray[np.int64]:
    """An array of whole numbers as what it means; raises BadData naming the first element that is none."""
    if not values.size or np.iscomplexobj(values):
        raise BadData(
            f"{file}: {name} {'has complex' if values.size else 'is without'} numbers, expected whole ones"
        )
    if values.dtype.kind in "biu":
        return values.astype(np.int64)
    numbers = values.astype(np.float64)
    wrong = _not_whole(numbers)
    if wrong.any():
        index = int(np.argmax(wrong))
        raise BadData(f"{file}: {name}[{index}] is {numbers.item(index)}, expected {WHOLE}")
    return numbers.astype(np.int64)


def _refuse_a_name_twice(place: str, names: Sequence[str], what: str) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise BadData(f"{place} has {twice[0]} twice, expected a name for each {what}")
