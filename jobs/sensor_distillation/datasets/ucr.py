"""`ucr/<Name>`: sets of the UCR Time Series Classification Archive; one signal, split into train and test.

Dau, Bagnall, Kamgar, Yeh, Zhu, Gharghabi, Ratanamahatana, Keogh, "The UCR Time Series Archive", IEEE/CAA
Journal of Automatica Sinica 6(6), 2019. The label first; z-normalised as distributed. Separated by tabs in a .tsv, by
commas or blanks in the .txt, or the file without a suffix, of other distributions; in a .ts the label last, behind a
colon. Read from `ucr/<Name>/`, from `ucr/`, from a .tar.xz in `ucr/`, in memory, or from any folder below `ucr/`, as
archives are unpacked.
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jobs.sensor_distillation.datasets.common import Dataset, Description, Windows, parse_table, refuse_window
from jobs.sensor_distillation.datasets.ucr_files import (
    FILLED,
    NAME,
    SUFFIXES,
    Part,
    files_here,
    folders,
    names_on_disk,
    part_at,
    places,
    unusable,
)
from seedbed.data import Files, fingerprint_of, found, missing, reading, remembered
from seedbed.errors import BadData, InvalidConfig, did_you_mean

ADDRESS: Final = (
    "https://www.timeseriesclassification.com or https://www.cs.ucr.edu/~eamonn/time_series_data_2018/"
)


OTHER_SUFFIX: Final = ".arff"
"""Of files that the archive also comes in, which are not read."""
TS_HEADER: Final = {
    "univariate": "true",
    "equallength": "true",
    "missing": "false",
    "timestamps": "false",
    "classlabel": "true",
}
"""What the header of a .ts file may say of its series, in small letters."""


class Known(NamedTuple):
    """What a set of the 2018 archive has to be: another edition under its name would make tables lie."""

    window: int
    classes: int
    train: str
    """The first 16 hex digits of the SHA-256 of its TRAIN samples, as `_values` has it."""
    test: str


KNOWN: Final = {
    "Adiac": Known(176, 37, "4841437c86148dc7", "5995f888ffb0d528"),
    "CBF": Known(128, 3, "597de81b881f607e", "55484f542655a132"),
    "Coffee": Known(286, 2, "4bcfe37eb1b53801", "bcac93608ab7fba8"),
    "ECG200": Known(96, 2, "11d0a7a56ce2cd84", "dedb0ddd0a564a9a"),
    "FaceFour": Known(350, 4, "edf3af9b597430b6", "ee3f50fc2d9fd6e7"),
    "GunPoint": Known(150, 2, "87b9439f534c6072", "c2fdd3aaa72afcdc"),
    "Lightning2": Known(637, 2, "b4c4c83ee00d88e5", "669dde0acbb7b5f9"),
    "SyntheticControl": Known(60, 6, "509dbe1566b93353", "f439d36d47c2dc00"),
    "Trace": Known(275, 4, "4538ab6dc12174a3", "32b24108579e31f0"),
}
"""Sets whose samples are known here; any other set is taken as it comes."""


def open_set(name: str, window: int | None) -> Dataset:
    """The set called `name` in the archive; its windows are fixed, so that any `window` is refused.

    Raises InvalidConfig for a window and for what cannot be a name.
    """
    if not NAME.fullmatch(name):
        raise InvalidConfig(
            f"ucr/{name}: a set's name has letters, digits, - and _ only, such as ucr/GunPoint"
        )
    refuse_window(f"ucr/{name}", window)
    return _about(name).opened(partial(_fingerprint, name), partial(load, name))


def _about(name: str) -> Description:
    known = KNOWN.get(name)
    return Description(
        name=f"ucr/{name}",
        channels=1,
        window=known.window if known else None,
        classes=known.classes if known else None,
        rate_hz=None,
        unit_word="sample",
        address=ADDRESS,
    )


def files(name: str) -> Files:
    """Its two files, for a store; out of their archive where they lie in one."""
    open_set(name, None)  # refuses what cannot be a name
    parts = {part.name: part for part in _find(name)}
    return Files(f"ucr/{name}", [part.entry() for part in parts.values()], lambda file: parts[file].read())


def load(name: str) -> Windows:
    """All samples, train first, in the order of the files; an id is `<split>/<line>`, lines from 1.

    Classes are the labels of TRAIN in numeric order. Raises BadData, naming file and line, for a set
    that is absent, cut short, of variable length or not the edition that is known here.
    """
    train_part, test_part = _find(name)
    train, test = _read_table(train_part), _read_table(test_part)
    if train.shape[1] != test.shape[1]:
        length, expected = test.shape[1] - 1, train.shape[1] - 1
        raise BadData(f"{test_part.place}: windows of {length} samples, expected {expected} as in TRAIN")
    if np.array_equal(train, test):
        raise BadData(f"{test_part.place}: holds the {len(test)} samples of TRAIN once more, expected others")
    classes = np.unique(train[:, 0])
    if len(classes) == 1:
        raise BadData(f"{train_part.place}: has the label {classes[0]:g} only, expected two classes or more")
    strange = ~np.isin(test[:, 0], classes)
    if strange.any():
        row = int(np.argmax(strange))
        raise BadData(f"{test_part.lines}:{row + 1}: label {test[row, 0]:g} does not occur in TRAIN")
    rows = np.concatenate([train, test])
    lines = [*range(1, 1 + len(train)), *range(1, 1 + len(test))]
    official = np.repeat(["train", "test"], [len(train), len(test)])
    ids = np.array([f"{split}/{line}" for split, line in zip(official, lines, strict=True)])
    return _about(name).windows(
        signals=rows[:, None, 1:].astype(np.float32),
        labels=np.searchsorted(classes, rows[:, 0]).astype(np.int64),
        units=ids,
        ids=ids,
        official=official,
        classes=tuple(f"{label:.17g}" for label in classes),
    )


def window_here(name: str) -> int | None:
    """Samples in a window of the set called `name`; None where its files are not here, or cannot be read."""
    try:
        with reading(f"data ucr/{name}"):
            train, _ = _look(name)
        return int(
            remembered(train.file, f"{train.name} window", lambda: str(_read_table(train).shape[1] - 1))
        )
    except BadData:
        return None


def _fingerprint(name: str) -> str:
    return fingerprint_of(part.entry() for part in _find(name))


def _find(name: str) -> tuple[Part, Part]:
    """Where TRAIN and TEST lie; refuses another edition of a known set."""
    return found(f"ucr/{name}", partial(_look, name))


def _look(name: str) -> tuple[Part, Part]:
    """Files in a place of their own before archives, archives before what lies deeper; .tsv before others."""
    for suffix in SUFFIXES:
        train, test = (f"{name}_{part}{suffix}" for part in ("TRAIN", "TEST"))
        for folder in folders():
            there = places(folder, name, {train, test})
            if there:
                return _as_known(name, part_at(there[0], train), part_at(there[0], test))
    damaged = "".join(f" ({error})" for error in unusable().values())
    raise missing(_wanted(name) + damaged, data=f"ucr/{name}", address=ADDRESS)


def _wanted(name: str) -> str:
    """What an error says is expected of a set that is not there, by what is there of it."""
    here = dict(files_here())
    for suffix in SUFFIXES:
        for part, other in (("TRAIN", "TEST"), ("TEST", "TRAIN")):
            file = f"{name}_{part}{suffix}"
            if file in here:
                return f"{name}_{other}{suffix} beside {here[file] / file}"
    for file in (f"{name}_TRAIN{OTHER_SUFFIX}", f"{name}_TEST{OTHER_SUFFIX}"):
        if file in here:
            return f"{name}_TRAIN and {name}_TEST as .tsv, .txt or .ts, not {OTHER_SUFFIX} as {here[file] / file} is,"
    return f"ucr/{name}_TRAIN.tsv and {name}_TEST.tsv ({did_you_mean(name, names_on_disk())})"


def _as_known(name: str, train: Part, test: Part) -> tuple[Part, Part]:
    known = KNOWN.get(name)
    for part, expected in [(train, known.train), (test, known.test)] if known else []:
        digest = _values(part)[:16]
        if digest != expected:
            raise BadData(
                f"{part.place}: differs from the 2018 archive: values with sha256 {digest}…, expected {expected}…; "
                "another edition needs another name"
            )
    return train, test


def _values(part: Part) -> str:
    """SHA-256 in hex of labels and values in float32, however they are written; raises BadData as `load` does."""

    def work_out() -> str:
        rows = _read_table(part).astype("<f4") + np.float32(0)  # -0 is 0
        return hashlib.sha256(f"{rows.shape}".encode() + rows.tobytes()).hexdigest()

    return remembered(part.file, f"{part.name} values", work_out)


def _read_table(part: Part) -> NDArray[np.float64]:
    """Label and values of each sample, (samples, 1 + window)."""
    try:
        text = part.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadData(f"{part.place}: is not text: {error}") from error
    text = _table_of_ts(text, part) if part.name.endswith(".ts") else text
    rows = parse_table(text, part.lines, _separator(part.name, text))
    if rows.shape[1] < 2:
        raise BadData(f"{part.lines}:1: a label and no values, or not separated by tabs")
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        raise BadData(
            f"{part.lines}:{int(np.argmin(finite)) + 1}: has missing values; series with gaps or of "
            "different lengths (filled up with NaN) are not supported; the archive's folder "
            f"{FILLED} has them filled, to be put into ucr/<Name>"
        )
    huge = (np.abs(rows) > np.finfo(np.float32).max).any(axis=1)
    if huge.any():
        raise BadData(f"{part.lines}:{int(np.argmax(huge)) + 1}: has a value that float32 cannot hold")
    return rows


def _table_of_ts(text: str, part: Part) -> str:
    """The series of a .ts file with commas, the label first; raises BadData for series that are of another kind."""
    lines = text.rstrip().splitlines()
    begin = next((number for number, line in enumerate(lines) if line.strip().lower() == "@data"), None)
    if begin is None:
        raise BadData(f"{part.place}: has no line @data")
    said = (line[1:].lower().split() for line in lines[:begin] if line.startswith("@"))
    for tag, value in (words[:2] for words in said if len(words) > 1):
        if TS_HEADER.get(tag, value) != value:
            raise BadData(f"{part.place}: @{tag} is {value}, expected {TS_HEADER[tag]}")
    rows = []
    for number, line in enumerate(lines[begin + 1 :], 1):
        values, colon, label = line.rpartition(":")
        if not colon:
            raise BadData(f"{part.lines}:{number}: expected values with commas, a colon and the label")
        rows.append(f"{label},{values}")
    return "\n".join(rows)


def _separator(file: str, text: str) -> Literal["\t", ","] | None:
    """Tabs in a .tsv; in other files commas where the first line has one, else blanks."""
    if file.endswith(".tsv"):
        return "\t"
    return "," if "," in text.partition("\n")[0] else None
