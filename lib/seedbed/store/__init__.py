"""Where results, checkpoints and tables are kept.

A store maps keys, relative POSIX paths such as `trials/mnist/0f3a/result.json`, to bytes. It promises what a
crash, a full disk and racing processes must not break: a key holds either the old bytes or the new ones, a
created key has one author, a swap loses no update. Every store passes tests/lib/store/test_store.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from seedbed.errors import InvalidConfig

__all__ = ["POINTER", "RESERVED", "Store", "check_key", "check_pointer", "open_store"]

RESERVED = ".seedbed-"
"""How a store's own files begin; no segment of a key may."""

POINTER = "latest-"
"""How the last segment of a pointer's name begins; only at such segments does a store look for one."""


class Store(Protocol):
    """Bytes under keys. Raises ValueError for a wrong key, `StoreUnavailable` when it is out of reach."""

    patience: float
    """Seconds for which an operation waits out an outage. Asked at every try: a signal handler may cut it short."""

    @property
    def url(self) -> str:
        """What `open_store` takes to open this store again, from any folder and process."""

    def read(self, key: str) -> bytes | None:
        """The bytes of a key; None when it is absent."""

    def read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Each key, in order, with its bytes or None: faster than `read` of one after the other."""

    def write(self, key: str, data: bytes) -> None:
        """Set a key: a reader sees all of the old bytes or all of the new, also after a crash."""

    def create(self, key: str, data: bytes) -> bool:
        """Set a key that is absent; False when something stands there. Of racing processes one gets True."""

    def etag(self, key: str) -> str | None:
        """A text that differs whenever the bytes do; None when the key is absent."""

    def swap(self, key: str, data: bytes, etag: str) -> bool:
        """Set a key whose etag is still this one; of processes racing from one etag exactly one gets True.

        False may also mean that it was set and somebody has changed it since, before the answer came.
        """

    def list(self, prefix: str) -> Iterator[str]:
        """All keys under a prefix, sorted.

        A prefix is a whole path, or "" for everything. It may lead through a pointer; others are passed over.
        """

    def delete(self, key: str) -> None:
        """Remove a key or a pointer; one that is absent is no error."""

    def point(self, name: str, target: str) -> None:
        """Let keys under `name` read as those under its sibling `target`, from now on all at once.

        The last segment of `name` begins with `latest-`, that of `target` does not; else ValueError.
        """

    def place(self, key: str) -> str:
        """Where a key or prefix is found, as a person would type it."""


def open_store(url: str) -> Store:
    """The store at an address: s3://bucket, s3://bucket/prefix, or a folder's path, made at the first write.

    Raises `InvalidConfig` for an address of another kind, and for a path at which something else stands.
    """
    # What a store needs (boto3, say) is loaded with the store, not with this module.
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", url)
    if scheme and scheme[1] == "s3":
        from seedbed.store.s3 import open_bucket

        return open_bucket(url)
    if scheme:
        raise InvalidConfig(
            f"store {url!r}: {scheme[1]}:// is not supported; a folder's path is, such as runs/, "
            "and s3://bucket or s3://bucket/prefix"
        )
    if not url:
        raise InvalidConfig("store '': an empty address; give a folder's path, such as runs/, or s3://bucket")
    try:
        path = Path(url).expanduser()
        wrong = "is not a folder" if path.exists() and not path.is_dir() else ""
    except OSError as error:
        wrong = f"cannot be looked at ({error.strerror})"
    except RuntimeError:
        wrong = "begins with the home of somebody who is not known here"
    if wrong:
        raise InvalidConfig(f"store {url!r} {wrong}; give a folder's path, such as runs/")
    from seedbed.store.folder import FolderStore

    return FolderStore(path)


def check_key(key: str) -> str:
    """The key itself; ValueError when it is no relative path of plain segments, or uses a reserved name."""
    for segment in key.split("/"):
        if segment in {"", ".", ".."} or segment.startswith(RESERVED) or "\0" in segment:
            raise ValueError(
                f"{key!r} is not a key: keys are relative, without empty, dot or reserved segments"
            )
    return key


def check_pointer(name: str, target: str) -> tuple[str, str, str]:
    """The folder of a pointer and its target ("" for the root), and the last segment of each; ValueError."""
    folder, _, last = check_key(name).rpartition("/")
    beside, _, aim = check_key(target).rpartition("/")
    if folder != beside or last == aim:
        raise ValueError(f"{name!r} cannot point to {target!r}: a pointer and its target stand side by side")
    if not last.startswith(POINTER) or aim.startswith(POINTER):
        raise ValueError(
            f"{name!r} cannot point to {target!r}: a pointer's last segment begins with {POINTER!r}, "
            "its target's does not"
        )
    return folder, last, aim
