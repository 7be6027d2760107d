"""Where data lies, what is in it, and a cache for what was worked out from it.

Nothing here imports numpy or torch: planning asks for fingerprints and must stay quick.
"""

from __future__ import annotations

import atexit
import contextlib
import contextvars
import functools
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from seedbed.errors import BadData

DATA_VARIABLE = "SEEDBED_DATA"
CACHE_VARIABLE = "SEEDBED_CACHE"
FETCH_VARIABLE = "SEEDBED_DATA_FROM"
"""The store that data sets are taken from which lie under no root; unset, none is."""

Found = TypeVar("Found")

_held_back = contextvars.ContextVar("held back", default=False)
"""Whether nothing is to be fetched at the moment, although it might be."""

_preferred = ""


class MissingData(BadData):
    """Data that lie under no root."""


class Entry(NamedTuple):
    """One file of a data set, as its manifest has it."""

    name: str
    size: int
    sha256: str


class Files(NamedTuple):
    """A data set's files, to be put into a store."""

    folder: str
    """Where they belong below a data root."""
    entries: list[Entry]
    """The manifest; names are relative to the folder."""
    read: Callable[[str], bytes]
    """The content of the file with that name."""


def data_roots() -> list[Path]:
    """The folders that may hold data sets, the first one first.

    Only the folder that `SEEDBED_DATA` names, if it is set; else `data` in the checkout and
    `shared/data` beside the checkout.
    """
    named = os.environ.get(DATA_VARIABLE)
    if named:
        return [Path(named)]
    checkout = Path(__file__).resolve().parents[2]
    return [checkout / "data", checkout.parent / "shared" / "data"]


def find(*paths: str, data: str, address: str) -> Path:
    """The first of `paths` that exists under a data root; roots are tried in order, then paths in order.

    `data` is the data set's name, under which it may be fetched (see `found`), and `address` where a person can get
    it, for the message of the MissingData that is raised when no root holds any of the paths.
    """

    def look() -> Path:
        for root in data_roots():
            for path in paths:
                if (root / path).exists():
                    return root / path
        raise missing(" or ".join(repr(path) for path in paths), data=data, address=address)

    return found(data, look)


def found(data: str, look: Callable[[], Found]) -> Found:
    """What `look` finds; when it raises MissingData, once more after the set was fetched, where that is switched on.

    Raises MissingData when the store has no set of that name either, BadData when it is damaged there or `look` may
    not look.
    """
    try:
        with reading(f"data {data}"):
            return look()
    except MissingData as absent:
        if not os.environ.get(FETCH_VARIABLE) or _held_back.get():
            raise
        from seedbed.datasets import fetch  # a pod's business: planning at home does without

        fetch(os.environ[FETCH_VARIABLE], data, data_roots()[0], absent)
    with reading(f"data {data}"):
        return look()


def known_fingerprint(data: str, here: Callable[[], str]) -> str:
    """What `here` says of the files under a data root; when they are missing, what the store says of the set.

    So a set need not be fetched before it is read. Raises MissingData when neither has it, BadData when files cannot
    be read.
    """
    held = _held_back.set(True)
    try:
        with reading(f"data {data}"):
            return here()
    except MissingData as absent:
        if not os.environ.get(FETCH_VARIABLE):
            raise
        from seedbed.datasets import stored_fingerprint

        return stored_fingerprint(os.environ[FETCH_VARIABLE], data, absent)
    finally:
        _held_back.reset(held)


def prefer_version(fingerprint: str) -> None:
    """From now on fetch the version with this fingerprint, where a set has it, rather than the newest one.

    So a trial reads what was there when it was planned.
    """
    global _preferred  # a process works at one trial
    _preferred = fingerprint


def preferred_version() -> str:
    """The fingerprint that was preferred last; empty when none was."""
    return _preferred


def fetch_from(url: str) -> None:
    """From now on take data sets that lie under no root from this store; also in processes that are started later.

    They are put below the first data root, which has to be a folder that this process may fill.
    """
    os.environ[FETCH_VARIABLE] = url


def missing(wanted: str, *, data: str, address: str) -> MissingData:
    """The error for data that no root holds: what was wanted, where it was looked for, where to get it."""
    looked = ", ".join(f"{root}{'' if root.is_dir() else ' (no such folder)'}" for root in data_roots())
    return MissingData(
        f"data {data}: expected {wanted} in {looked}; it can be had from {address}, "
        f"and {DATA_VARIABLE} may name the folder that holds it"
    )


@contextlib.contextmanager
def reading(place: object) -> Iterator[None]:
    """Let an OSError inside be BadData, which names the file, the folder that may not be entered, or else `place`."""
    try:
        yield
    except OSError as error:
        raise BadData(unreadable(error, place)) from error


def unreadable(error: OSError, place: object = "") -> str:
    """What keeps something from being read, in words: `<file>: Permission denied`; `place` as in `reading`."""
    return f"{_at_fault(error) or place}: {error.strerror or error}"


def listed(folder: Path) -> list[Path]:
    """What lies in a folder, by name; nothing where there is none. Raises BadData where it cannot be listed."""
    with reading(folder), contextlib.suppress(FileNotFoundError):
        return sorted(folder.iterdir())
    return []


def _at_fault(error: OSError) -> Path | None:
    """What an error is about, where it says so: of what lies in a folder that may not be entered, the folder."""
    if not isinstance(error.filename, str):
        return None
    path = Path(error.filename)
    for place in reversed([path, *path.parents]):
        try:
            place.stat()
        except PermissionError:
            return place.parent
        except OSError:
            break
    return path


def cache_dir() -> Path:
    """A folder for what can be worked out again.

    `$SEEDBED_CACHE`, else `$XDG_CACHE_HOME/seedbed`, else `~/.cache/seedbed`. Where that cannot be
    written, a temporary folder that goes away with the process. Writers still have to bear an OSError.
    """
    chosen = _chosen_cache_dir()
    return chosen if chosen is not None and _is_writable(chosen) else _temporary_cache_dir()


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `path`, then put it in place: readers see the old file or the new one.

    Raises OSError where the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(descriptor)
    beside = Path(name)
    try:
        write(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def remembered(file: Path, what: str, work_out: Callable[[], str]) -> str:
    """A text that follows from the content of `file`, worked out once for each (path, size, mtime).

    `what` tells apart the texts that are kept about one file. Raises BadData where `file` cannot be read.
    """
    with reading(file):
        status = file.stat()
    key, stamp = f"{file.resolve()}|{what}", [status.st_size, status.st_mtime_ns]
    notebook = cache_dir() / "fingerprints.json"
    found = _read_notebook(notebook).get(key)
    if isinstance(found, list) and found[:2] == stamp and isinstance(found[-1], str):
        return found[-1]
    text = work_out()
    notes = _read_notebook(notebook) | {key: [*stamp, text]}  # read again: others may have written meanwhile
    with contextlib.suppress(OSError):
        write_atomically(notebook, lambda path: path.write_text(json.dumps(notes)))
    return text


def sha256(file: Path) -> str:
    """The SHA-256 of a file's content in hex; large files are hashed once and remembered."""
    return remembered(file, "sha256", lambda: _hash(file))


def manifest(files: Iterable[Path]) -> list[Entry]:
    """Name, size and SHA-256 of each file; names are relative to the deepest folder that holds them all."""
    paths = sorted(path.absolute() for path in files)  # not resolved: a link's own name is the data set's
    folder = os.path.commonpath([path.parent for path in paths])
    return [
        Entry(path.relative_to(folder).as_posix(), path.stat().st_size, digest)
        for path, digest in [(path, sha256(path)) for path in paths]
    ]


def files_at(files: Iterable[Path]) -> Files:
    """Files in a folder below a data root, as a store keeps them; raises BadData for others."""
    paths = sorted(path.absolute() for path in files)
    folder = Path(os.path.commonpath([path.parent for path in paths]))
    return Files(below_root(folder), manifest(paths), lambda name: read_bytes(folder / name))


def below_root(folder: Path) -> str:
    """The path of a folder below the data root that holds it; raises BadData when none does."""
    for root in map(Path.absolute, data_roots()):
        if folder.is_relative_to(root) and folder != root:
            return folder.relative_to(root).as_posix()
    raise BadData(f"{folder}: is no folder below {', '.join(map(str, data_roots()))}")


def read_bytes(file: Path) -> bytes:
    """The content of a file; raises BadData where it cannot be read."""
    with reading(file):
        return file.read_bytes()


def fingerprint_of(entries: Iterable[Entry]) -> str:
    """SHA-256 in hex of a manifest: the same files have the same one wherever and however they lie."""
    return hashlib.sha256(json.dumps(sorted(entries)).encode()).hexdigest()


def fingerprint(files: Iterable[Path]) -> str:
    """SHA-256 in hex over the manifest of `files`; raises BadData naming a file that cannot be read."""
    return fingerprint_of(manifest(files))


def _hash(file: Path) -> str:
    with reading(file), file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_notebook(path: Path) -> dict[str, Any]:
    try:
        notes = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}


def _chosen_cache_dir() -> Path | None:
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named)
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared) / "seedbed"
    try:
        return Path.home() / ".cache" / "seedbed"
    except RuntimeError:  # a container's user may have no home
        return None


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # permission bits mislead: read-only mounts, root
            return True
    except OSError:
        return False


@functools.cache
def _temporary_cache_dir() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="seedbed-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
