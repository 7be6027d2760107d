"""Where results, checkpoints and tables are kept.

A store maps keys, relative POSIX paths such as `trials/mnist/0f3a/result.json`, to bytes. It promises what a
crash, a full disk and racing processes must not break: a key holds either the old bytes or the new ones, a
created key has one author, a swap loses no update. Every store passes tests/lib/store/test_store.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from seedbed.errors import InvalidConfig

__all__ = ["RESERVED", "Store", "check_key", "open_store"]

RESERVED = ".seedbed-"
"""How a store's own files begin; no segment of a key may."""


class Store(Protocol):
    """Bytes under keys. Raises ValueError for a wrong key, `StoreUnavailable` when it is out of reach."""

    @property
    def url(self) -> str:
        """What `open_store` takes to open this store again, from any folder and process."""

    def read(self, key: str) -> bytes | None:
        """The bytes of a key; None when it is absent."""

    def write(self, key: str, data: bytes) -> None:
        """Set a key: a reader sees all of the old bytes or all of the new, also after a crash."""

    def create(self, key: str, data: bytes) -> bool:
        """Set a key that is absent; False when something stands there. Of racing processes one gets True."""

    def etag(self, key: str) -> str | None:
        """A text that differs whenever the bytes do; None when the key is absent."""

    def swap(self, key: str, data: bytes, etag: str) -> bool:
        """Set a key whose etag is still this one; of processes racing from one etag exactly one gets True."""

    def list(self, prefix: str) -> Iterator[str]:
        """All keys under a prefix, sorted.

        A prefix is a whole path, or "" for everything. It may lead through a pointer; others are passed over.
        """

    def delete(self, key: str) -> None:
        """Remove a key or a pointer; one that is absent is no error."""

    def point(self, name: str, target: str) -> None:
        """Let keys under `name` read as those under its sibling `target`, from now on all at once."""

    def place(self, key: str) -> str:
        """Where a key or prefix is found, as a person would type it."""


def open_store(url: str) -> Store:
    """The store at an address: today the path of a folder, made at the first write.

    Raises `InvalidConfig` for an address of another kind, and for a path at which something else stands.
    """
    # What a store needs (boto3, say) is loaded with the store, not with this module.
    from seedbed.store.folder import FolderStore

    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", url)
    if scheme:
        raise InvalidConfig(
            f"store {url!r}: {scheme[1]}:// is not supported; a folder's path is, such as runs/"
        )
    if not url:
        raise InvalidConfig("store '': an empty address; give a folder's path, such as runs/")
    path = Path(url).expanduser()
    if path.exists() and not path.is_dir():
        raise InvalidConfig(f"store {url!r} is not a folder; give a folder's path, such as runs/")
    return FolderStore(path)


def check_key(key: str) -> str:
    """The key itself; ValueError when it is no relative path of plain segments, or uses a reserved name."""
    for segment in key.split("/"):
        if segment in {"", ".", ".."} or segment.startswith(RESERVED) or "\0" in segment:
            raise ValueError(
                f"{key!r} is not a key: keys are relative, without empty, dot or reserved segments"
            )
    return key
