"""`ucr/<Name>`: sets of the UCR Time Series Classification Archive; one signal, split into train and test.

Dau, Bagnall, Kamgar, Yeh, Zhu, Gharghabi, Ratanamahatana, Keogh, "The UCR Time Series Archive", IEEE/CAA
Journal of Automatica Sinica 6(6), 2019. The label first; z-normalised as distributed. Separated by tabs in a .tsv, by
commas or blanks in the .txt, or the file without a suffix, of other distributions; in a .ts the label last, behind a
colon. Read from `ucr/<Name>/`, from `ucr/`, from a .tar.xz in `ucr/`, in memory, or from any folder below `ucr/`, as
archives are unpacked.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jobs.sensor_distillation.datasets.common import Dataset, Description, Windows, parse_table, refuse_window
from seedbed.data import (
    Entry,
    Files,
    data_roots,
    fingerprint_of,
    found,
    listed,
    missing,
    read_bytes,
    reading,
    remembered,
    unreadable,
)
from seedbed.errors import BadData, InvalidConfig, did_you_mean

ADDRESS: Final = (
    "https://www.timeseriesclassification.com or https://www.cs.ucr.edu/~eamonn/time_series_data_2018/"
)


SUFFIXES: Final = (".tsv", ".txt", "", ".ts")
"""Of the files that are read, the first one there first."""
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
NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
FILE: Final = re.compile(rf"({NAME.pattern})_(?:TRAIN|TEST)(?:[.]tsv|[.]txt|[.]ts)?")
FILLED: Final = "Missing_value_and_variable_length_datasets_adjusted"
"""The archive's folder of such sets with their gaps filled and their series made equally long."""


class Known(NamedTuple):
    """What a set of the 2018 archive has to be: another edition under its name would make tables lie."""

    window: int
    classes: int
    train: str
    """The first 16 hex digits of the SHA-256 of its TRAIN samples, as `Part.values` has it."""
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


class Part(NamedTuple):
    """One of a set's two files: the loose file, or the archive that holds it."""

    file: Path
    name: str
    """`<Name>_TRAIN.tsv` or `<Name>_TEST.tsv`, or with another of SUFFIXES."""

    @property
    def place(self) -> str:
        """How an error names it."""
        return str(self.file) if self.file.name == self.name else f"{self.file}::{self.name}"

    @property
    def lines(self) -> str:
        """How an error names what samples are the lines of."""
        return f"{self.place} after @data" if self.name.endswith(".ts") else self.place

    def read(self) -> bytes:
        """The file's content; raises BadData where it cannot be had."""
        if self.file.name != self.name:
            return _read_member(self.file, self.name)
        return read_bytes(self.file)

    def entry(self) -> Entry:
        """Its line in the manifest, which does not say how the file was packed."""

        def work_out() -> str:
            content = self.read()
            return f"{len(content)} {hashlib.sha256(content).hexdigest()}"

        size, digest = remembered(self.file, self.name, work_out).split()
        return Entry(self.name, int(size), digest)

    def values(self) -> str:
        """SHA-256 in hex of labels and values in float32, however they are written; raises BadData as `load` does."""

        def work_out() -> str:
            rows = _read_table(self).astype("<f4") + np.float32(0)  # -0 is 0
            return hashlib.sha256(f"{rows.shape}".encode() + rows.tobytes()).hexdigest()

        return remembered(self.file, f"{self.name} values", work_out)


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
        for folder in _folders():
            places = _places(folder, name, {train, test})
            if places:
                return _as_known(name, _part(places[0], train), _part(places[0], test))
    damaged = "".join(f" ({error})" for error in unusable().values())
    raise missing(_wanted(name) + damaged, data=f"ucr/{name}", address=ADDRESS)


def _places(folder: Path, name: str, files: set[str]) -> list[Path]:
    """The folders and archives in which all of `files` lie, the one to be used first."""
    direct = [place for place in (folder / name, folder) if all((place / file).is_file() for file in files)]
    if direct:
        return direct
    packed = [archive for archive in _archives(folder) if files <= set(_members_or_none(archive))]
    return packed or [place for place, there in _below(folder) if files <= set(there)]


def _part(place: Path, file: str) -> Part:
    return Part(place / file if place.is_dir() else place, file)


def _wanted(name: str) -> str:
    """What an error says is expected of a set that is not there, by what is there of it."""
    here = dict(_files_here())
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
        digest = part.values()[:16]
        if digest != expected:
            raise BadData(
                f"{part.place}: differs from the 2018 archive: values with sha256 {digest}…, expected {expected}…; "
                "another edition needs another name"
            )
    return train, test


def names_on_disk() -> list[str]:
    """The sets of which a file lies in one of the data folders; files that cannot be a set's are passed over."""
    matches = (FILE.fullmatch(file) for file, _ in _files_here())
    return sorted({match[1] for match in matches if match})


def unusable() -> dict[str, str]:
    """What is wrong with each folder that cannot be listed and archive that cannot be unpacked, by `ucr/<path>`."""
    told: dict[str, str] = {}
    for folder in _folders():
        for place, why in _unlisted(folder):
            told[PurePosixPath("ucr", place.relative_to(folder)).as_posix()] = why
        for archive in _archives(folder):
            try:
                _members(archive)
            except BadData as error:
                told[f"ucr/{archive.name}"] = str(error)
    return told


def _folders() -> list[Path]:
    return [root / "ucr" for root in data_roots()]


def _below(folder: Path) -> list[tuple[Path, list[str]]]:
    """Every folder below `folder`, itself included, and the files in it: the highest first, then by name."""
    walked = [(Path(place), files) for place, _, files in os.walk(folder)]
    return sorted(walked, key=lambda found: (len(found[0].parts), FILLED in found[0].parts, found[0]))


def _unlisted(folder: Path) -> list[tuple[Path, str]]:
    """The folders, from `folder` down, that are there and cannot be listed, and why."""
    errors: list[OSError] = []
    for _ in os.walk(folder, onerror=errors.append):
        pass
    there = [error for error in errors if not isinstance(error, FileNotFoundError)]
    return [(Path(error.filename), unreadable(error)) for error in there]


def _files_here() -> list[tuple[str, Path]]:
    """The name of each file in a data folder, and the folder or the archive in which it lies."""
    loose = [(file, place) for folder in _folders() for place, files in _below(folder) for file in files]
    archives = [archive for folder in _folders() for archive in _archives(folder)]
    return loose + [(file, archive) for archive in archives for file in _members_or_none(archive)]


def _archives(folder: Path) -> list[Path]:
    try:
        there = listed(folder)
    except BadData:  # `unusable` tells
        return []
    return [path for path in there if path.name.endswith(".tar.xz") and not path.name.startswith(".")]


def _members_or_none(archive: Path) -> list[str]:
    """The base names of the files in an archive; none where it is damaged, which hides no other set."""
    try:
        return _members(archive)
    except BadData:
        return []


def _members(archive: Path) -> list[str]:
    """The base names of the files in an archive; raises BadData when it is damaged."""

    def work_out() -> str:
        with _opened(archive) as packed:
            return "\n".join(PurePosixPath(member.name).name for member in packed if member.isfile())

    return remembered(archive, "members", work_out).split("\n")


def _read_member(archive: Path, name: str) -> bytes:
    with _opened(archive) as packed:
        for member in packed:
            stream = packed.extractfile(member) if PurePosixPath(member.name).name == name else None
            if stream is not None:
                return stream.read()
    raise BadData(f"{archive}: holds no file {name}")


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(archive, "r:xz") as packed:
            yield packed
    except (OSError, EOFError, tarfile.TarError, lzma.LZMAError) as error:
        raise BadData(f"{archive}: cannot be unpacked: {error}") from error


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
