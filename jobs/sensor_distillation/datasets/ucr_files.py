"""Where the files of `ucr/<Name>` lie: loose in a data folder, in an archive there, or in any folder below it."""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

from seedbed.data import Entry, data_roots, listed, read_bytes, remembered, unreadable
from seedbed.errors import BadData

SUFFIXES: Final = (".tsv", ".txt", "", ".ts")
"""Of the files that are read, the first one there first."""
NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
FILE: Final = re.compile(rf"({NAME.pattern})_(?:TRAIN|TEST)(?:[.]tsv|[.]txt|[.]ts)?")
FILLED: Final = "Missing_value_and_variable_length_datasets_adjusted"
"""The archive's folder of such sets with their gaps filled and their series made equally long."""


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


def places(folder: Path, name: str, files: set[str]) -> list[Path]:
    """The folders and archives in which all of `files` lie, the one to be used first."""
    direct = [place for place in (folder / name, folder) if all((place / file).is_file() for file in files)]
    if direct:
        return direct
    packed = [archive for archive in _archives(folder) if files <= set(_members_or_none(archive))]
    return packed or [place for place, there in _below(folder) if files <= set(there)]


def part_at(place: Path, file: str) -> Part:
    """A file in a folder, or in an archive."""
    return Part(place / file if place.is_dir() else place, file)


def names_on_disk() -> list[str]:
    """The sets of which a file lies in one of the data folders; files that cannot be a set's are passed over."""
    matches = (FILE.fullmatch(file) for file, _ in files_here())
    return sorted({match[1] for match in matches if match})


def unusable() -> dict[str, str]:
    """What is wrong with each folder that cannot be listed and archive that cannot be unpacked, by `ucr/<path>`."""
    told: dict[str, str] = {}
    for folder in folders():
        for place, why in _unlisted(folder):
            told[PurePosixPath("ucr", place.relative_to(folder)).as_posix()] = why
        for archive in _archives(folder):
            try:
                _members(archive)
            except BadData as error:
                told[f"ucr/{archive.name}"] = str(error)
    return told


def folders() -> list[Path]:
    """The folders in which sets are looked for, there or not."""
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


def files_here() -> list[tuple[str, Path]]:
    """The name of each file in a data folder, and the folder or the archive in which it lies."""
    loose = [(file, place) for folder in folders() for place, files in _below(folder) for file in files]
    archives = [archive for folder in folders() for archive in _archives(folder)]
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
