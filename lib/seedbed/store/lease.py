"""Leases: who is working on what, so that no trial is trained by two at once.

A lease saves work and nothing else. A holder that was thought dead may go on beside the one that took over;
that results stay right is owed to their being written once.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime

from seedbed.store import Store

PATIENCE = 3
"""Heartbeats without a renewal after which an observer takes a lease over."""


class Leases:
    """One process's view of the leases in a store.

    Clocks of different machines are never compared: a lease has expired when it stood still for three
    heartbeats (seconds) of this observer's own clock, counted from when this observer first saw it so.
    """

    def __init__(
        self, store: Store, heartbeat: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.heartbeat = heartbeat
        self._store = store
        self._clock = clock
        self._seen: dict[str, tuple[str, float]] = {}

    def take(self, key: str) -> Lease | None:
        """The lease at a key, to be renewed every heartbeat; None while somebody else holds it: ask again."""
        lease = Lease(self._store, key)
        etag = self._store.etag(key)
        if etag is None:
            return lease if lease._create() else None
        if not (self._stood_still(key, etag) or _is_released(self._store.read(key))):
            return None
        return lease if lease._take_over(etag) else None

    def _stood_still(self, key: str, etag: str) -> bool:
        now = self._clock()
        known, since = self._seen.get(key, ("", now))
        if known != etag:
            since = now
        self._seen[key] = etag, since
        return now - since >= PATIENCE * self.heartbeat


class Lease:
    """The right to work on something, as long as `renew` says so. Comes from `Leases.take`."""

    def __init__(self, store: Store, key: str) -> None:
        self.key = key
        self._store = store
        self._token = secrets.token_hex(8)
        self._beat = 0
        self._etag: str | None = None

    def renew(self) -> bool:
        """Say that the holder is alive; False, from then on, when somebody took the lease over."""
        return self._etag is not None and self._take_over(self._etag)

    def release(self) -> None:
        """Let the next one take it at once; does nothing when it was taken over or released before."""
        if self._etag is not None:
            self._store.swap(self.key, self._content(released=True), self._etag)
            self._etag = None

    def _create(self) -> bool:
        self._store.create(self.key, self._content())
        return self._holds()

    def _take_over(self, etag: str) -> bool:
        self._store.swap(self.key, self._content(), etag)
        return self._holds()

    def _holds(self) -> bool:
        # What stands there decides, not the answer to the request: over a network that answer can be lost and
        # the request repeated, and the repetition refused. Once taken over, a lease never shows this token
        # again, so an etag asked for before the content was read is this holder's.
        etag = self._store.etag(self.key)
        self._etag = etag if self._token.encode() in (self._store.read(self.key) or b"") else None
        return self._etag is not None

    def _content(self, *, released: bool = False) -> bytes:
        """Who holds the lease since when, for a person; token and beat make every content another one."""
        self._beat += 1
        note = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "beat": self._beat,
            "token": self._token,
            "released": released,
        }
        return json.dumps(note).encode()


def _is_released(content: bytes | None) -> bool:
    """Whether a lease was given back; one that cannot be read was not, and has to expire."""
    try:
        note = json.loads(content or b"null")
    except (ValueError, RecursionError):
        return False
    return isinstance(note, dict) and note.get("released") is True
