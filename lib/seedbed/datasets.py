"""Data sets in a store: `data/<name>/<fingerprint>/<files>` and, written last, `manifest.json`.

The manifest's hash is the fingerprint, so that a set is known by one small object, is never overwritten, and is
there whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seedbed.data import Entry, Files, MissingData, fingerprint_of, preferred_version
from seedbed.errors import BadData
from seedbed.store import Store, check_key, open_store

log = logging.getLogger(__name__)

FOLDER = "data"
MANIFEST = "manifest.json"
NEWEST = "latest-version"
"""The pointer beside a set's versions that leads to the one that was pushed last."""
AT_ONCE = 64 << 20
"""Bytes of small files that are read together."""


@dataclass(frozen=True)
class StoredSet:
    """A version of a data set in a store."""

    name: str
    folder: str
    """Where its files belong below a data root."""
    entries: list[Entry]

    @property
    def fingerprint(self) -> str:
        """SHA-256 in hex of the manifest."""
        return fingerprint_of(self.entries)

    @property
    def key(self) -> str:
        """The prefix of its keys."""
        return f"{FOLDER}/{self.name}/{self.fingerprint}"

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.entries)


def push(store: Store, name: str, files: Files) -> tuple[StoredSet, int]:
    """Put a data set into a store, and let the newest version be this one; the set, and how many files were sent.

    What stands there already stays: a push that was broken off goes on, one that was done does nothing. Raises
    BadData for a file that changes meanwhile.
    """
    stored = StoredSet(name, files.folder, sorted(files.entries))
    if any(entry.name == MANIFEST for entry in stored.entries):
        raise BadData(
            f"data {name}: has a file {MANIFEST} of its own, which is what the store calls its list"
        )
    there = set(store.list(stored.key))
    wanted = [entry for entry in stored.entries if f"{stored.key}/{entry.name}" not in there]
    for entry in wanted:
        content = files.read(entry.name)
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            raise BadData(
                f"data {name}: {entry.name} changed while it was being put into the store; push it again"
            )
        store.create(f"{stored.key}/{entry.name}", content)
    store.create(f"{stored.key}/{MANIFEST}", _manifest_text(stored))
    store.point(f"{FOLDER}/{name}/{NEWEST}", stored.key)
    return stored, len(wanted)


def stored_sets(store: Store) -> Iterator[tuple[StoredSet, bool]]:
    """Every whole version of every set in a store, by name, and whether it is the newest; raises BadData."""
    for key in store.list(FOLDER):
        folder, _, last = key.rpartition("/")
        if last == MANIFEST:
            name = folder.removeprefix(f"{FOLDER}/").rpartition("/")[0]
            stored = _read_manifest(store, name, folder.rpartition("/")[2])
            newest = None if stored is None else _read_manifest(store, name, NEWEST)
            if stored is not None:
                yield stored, newest == stored


def stored_fingerprint(url: str, name: str, absent: MissingData) -> str:
    """The fingerprint of the version that `fetch` would take; raises `absent`, saying more, without one."""
    return _version(open_store(url), name, absent).fingerprint


def fetch(url: str, name: str, root: Path, absent: MissingData) -> None:
    """Put a data set from a store below a data root: all of its files, each verified, or nothing.

    Raises `absent`, saying more, when the store has no such set, and BadData when a file there is damaged or the
    folder cannot be written.
    """
    store = open_store(url)
    stored = _version(store, name, absent)
    log.info("data %s: taking %d files from %s", name, len(stored.entries), store.place(stored.key))
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".seedbed-", dir=root) as beside:
            for entry, content in _contents(store, stored):
                file = Path(beside, stored.folder, entry.name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            _put_in_place(stored, Path(beside), root)
    except OSError as error:
        raise BadData(f"data {name}: cannot be put into {root}: {error.strerror}") from error


def _version(store: Store, name: str, absent: MissingData) -> StoredSet:
    preferred = preferred_version()
    stored = _read_manifest(store, name, preferred) if preferred else None
    stored = stored or _read_manifest(store, name, NEWEST)
    if stored is None:
        raise MissingData(
            f"{absent}; nor is it in {store.place(f'{FOLDER}/{name}')}, where "
            f"`seedbed data push {name} --store {store.url}` puts it"
        )
    return stored


def _contents(store: Store, stored: StoredSet) -> Iterator[tuple[Entry, bytes]]:
    """Every file of a set, verified."""
    for batch in _batches(stored.entries):
        found = store.read_many(f"{stored.key}/{entry.name}" for entry in batch)
        for entry, (key, content) in zip(batch, found, strict=True):
            told = "nothing" if content is None else f"sha256 {hashlib.sha256(content).hexdigest()}"
            if content is None or told != f"sha256 {entry.sha256}":
                raise BadData(
                    f"{store.place(key)}: found {told[:23]}, expected sha256 {entry.sha256[:16]}; delete it, and "
                    f"`seedbed data push {stored.name} --store {store.url}` puts it there again"
                )
            yield entry, content


def _batches(entries: list[Entry]) -> Iterator[list[Entry]]:
    """The files in groups that fit into memory together; a large one by itself."""
    batch: list[Entry] = []
    for entry in entries:
        if batch and sum(one.size for one in batch) + entry.size > AT_ONCE:
            yield batch
            batch = []
        batch.append(entry)
    if batch:
        yield batch


def _put_in_place(stored: StoredSet, beside: Path, root: Path) -> None:
    """Move the whole folder, so that nobody sees a part of it; where it is there already, file by file."""
    target = root / stored.folder
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        (beside / stored.folder).rename(target)
    except OSError:
        if not target.is_dir():
            raise
        for entry in stored.entries:
            (target / entry.name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(beside / stored.folder / entry.name, target / entry.name)  # noqa: PTH105 - says both ends


def _manifest_text(stored: StoredSet) -> bytes:
    files = [{"file": entry.name, "size": entry.size, "sha256": entry.sha256} for entry in stored.entries]
    plain = {"name": stored.name, "folder": stored.folder, "files": files}
    return json.dumps(plain, indent=1, ensure_ascii=False).encode()


def _read_manifest(store: Store, name: str, version: str) -> StoredSet | None:
    """The manifest of a version; None when it is absent, BadData when it cannot be one."""
    key = f"{FOLDER}/{check_key(name)}/{version}/{MANIFEST}"
    data = store.read(key)
    if data is None:
        return None
    try:
        plain = json.loads(data)
        entries = [
            Entry(check_key(one["file"]), int(one["size"]), str(one["sha256"])) for one in plain["files"]
        ]
        stored = StoredSet(name, check_key(plain["folder"]), sorted(entries))
    except (ValueError, TypeError, KeyError, AttributeError):
        stored = None
    if stored is None or version not in (NEWEST, stored.fingerprint):
        raise BadData(
            f"{store.place(key)}: not a manifest as `seedbed data push` writes it; delete it and push {name} again"
        )
    return stored
