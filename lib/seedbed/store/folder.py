"""A store in a folder of a local or shared file system."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from seedbed.errors import StoreUnavailable
from seedbed.store import RESERVED, check_key, check_pointer

LOCK = f"{RESERVED}lock"
"""The file in the root that whoever replaces or removes a key holds for that moment."""

ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
"""What the system says of a path at which no file stands."""


class FolderStore:
    """Keys are files below a root, which is made at the first write.

    Bytes are written to a file of their own, synced, and only then renamed or linked to their key: what a
    crash leaves behind is at most such a file, which `list` does not show.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = Path(root).absolute()
        self.url = str(self._root)
        self.patience = 0.0  # a folder is there or it is not

    def read(self, key: str) -> bytes | None:
        """The bytes of a key; None when it is absent."""
        path = self._path(key)
        with self._reporting(key):
            try:
                return path.read_bytes()
            except ABSENT:
                return None

    def read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Each key, in order, with its bytes or None."""
        return ((key, self.read(key)) for key in keys)

    def write(self, key: str, data: bytes) -> None:
        """Set a key, atomically and durably."""
        path = self._path(key)
        with self._reporting(key), _fresh_file(path, data) as fresh:
            with self._lock():
                fresh.replace(path)
            _sync(path.parent)

    def create(self, key: str, data: bytes) -> bool:
        """Set a key that is absent; False when something stands there."""
        path = self._path(key)
        with self._reporting(key):
            if path.exists():
                return False
            with _fresh_file(path, data) as fresh:
                try:
                    path.hardlink_to(fresh)
                except FileExistsError:
                    return False
                _sync(path.parent)
                return True

    def etag(self, key: str) -> str | None:
        """A text that differs after every write, also of the same bytes; None when the key is absent."""
        path = self._path(key)
        with self._reporting(key):
            return _etag(path)

    def swap(self, key: str, data: bytes, etag: str) -> bool:
        """Set a key whose etag is still this one; False when it is another or the key is absent."""
        path = self._path(key)
        with self._reporting(key):
            if _etag(path) != etag:
                return False
            with _fresh_file(path, data) as fresh:
                with self._lock():
                    if _etag(path) != etag:
                        return False
                    fresh.replace(path)
                _sync(path.parent)
                return True

    def list(self, prefix: str) -> Iterator[str]:
        """All keys under a prefix, sorted; "" for everything."""
        folder = self._prefix(prefix)
        with self._reporting(prefix):
            return iter(sorted(_keys(folder, f"{prefix.removesuffix('/')}/" if prefix else "")))

    def delete(self, key: str) -> None:
        """Remove a key or a pointer; one that is absent is no error."""
        path = self._path(key)
        with self._reporting(key):
            if not os.path.lexists(path):
                return
            with self._lock(), contextlib.suppress(*ABSENT):
                path.unlink()

    def point(self, name: str, target: str) -> None:
        """Make `name` a relative symlink to its sibling `target`, in place of the one before."""
        _, _, aim = check_pointer(name, target)
        link = self._path(name)
        with self._reporting(name), _vanishing(link) as fresh:
            fresh.symlink_to(aim)
            fresh.replace(link)
            _sync(link.parent)

    def place(self, key: str) -> str:
        """The path of a key or prefix: relative when it is below the current folder, else absolute."""
        path, here = self._prefix(key), Path.cwd()
        return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _prefix(self, prefix: str) -> Path:
        return self._path(prefix.removesuffix("/")) if prefix else self._root

    @contextlib.contextmanager
    def _reporting(self, key: str) -> Iterator[None]:
        """Turn what the system says into one line for a person."""
        try:
            yield
        except OSError as error:
            reason = f"{error.strerror or error}; {_advice(error.errno)} and run the same command again"
            raise StoreUnavailable(f"{self.place(key)}: {reason}") from error

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        with (self._root / LOCK).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                # Closing would not do: a process forked meanwhile has the file open, and the lock with it.
                fcntl.flock(file, fcntl.LOCK_UN)


@contextlib.contextmanager
def _fresh_file(path: Path, data: bytes) -> Iterator[Path]:
    """A synced file with these bytes beside `path`; gone afterwards unless it was moved."""
    with _vanishing(path) as fresh:
        with fresh.open("xb", buffering=0) as file:
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
            # The kernel's own stamp may stand still for milliseconds, in which a reused inode would bring an
            # etag back; this clock does not.
            now = time.time_ns()
            os.utime(file.fileno(), ns=(now, now))
            os.fsync(file.fileno())
        yield fresh


@contextlib.contextmanager
def _vanishing(path: Path) -> Iterator[Path]:
    """An unused name beside `path`, in a folder that exists; what is left there afterwards is removed."""
    _make_folder(path.parent)
    fresh = path.with_name(f"{RESERVED}{secrets.token_hex(8)}")
    try:
        yield fresh
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    """Make a folder and what is missing above it, each entry synced: a file is no safer than its folders."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, f"{folder.name!r} is not a folder") from error
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _etag(path: Path) -> str | None:
    try:
        status = path.stat()
    except ABSENT:
        return None
    return f"{status.st_ino:x}-{status.st_mtime_ns:x}" if stat.S_ISREG(status.st_mode) else None


def _keys(folder: Path, prefix: str) -> Iterator[str]:
    """The keys of the files below a folder, in no order; folders that vanish meanwhile are empty."""
    try:
        entries = list(os.scandir(folder))
    except ABSENT:
        return
    for entry in entries:
        if entry.is_symlink() or entry.name.startswith(RESERVED):
            continue
        if entry.is_dir():
            yield from _keys(folder / entry.name, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}"


def _advice(code: int | None) -> str:
    """What a person can do about an error of the system, as the beginning of "and run … again"."""
    if code in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return "free some space"
    if code in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return "allow access or choose another folder"
    return "put that right"
