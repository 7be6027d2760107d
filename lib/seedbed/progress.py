"""How far a trial at work has got, kept in the store so that others can look: a small object, written now and then.

Nothing depends on it: it is for eyes. A progress that cannot be written is left out.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

from pydantic import TypeAdapter

from seedbed.errors import StoreUnavailable
from seedbed.planning import PlannedTrial
from seedbed.store import Store, open_store

EVERY_SECONDS = 10.0
"""How often a trial's progress is written."""


@dataclass(frozen=True)
class Progress:
    """A trial at work, as last heard of."""

    attempt: str
    step: int
    total: int | None
    """Steps there will be; None while the family does not say."""

    metrics: dict[str, float] = field(default_factory=dict)
    """What was logged last, without the test split."""

    seconds_left: float | None = None
    at: str = ""
    """When it was written."""


_PROGRESS = TypeAdapter(Progress)


class ProgressWriter:
    """Writes a trial's progress, not more often than every ten seconds."""

    def __init__(self, store: Store, trial: PlannedTrial) -> None:
        self._url = store.url
        self._own: Store | None = None
        self._key = f"{trial.folder}/progress.json"
        self._written = -EVERY_SECONDS

    def __call__(self, progress: Progress | None) -> None:
        """Write it, if there is any and if it is time to."""
        now = time.monotonic()
        if progress is None or now - self._written < EVERY_SECONDS:
            return
        self._written = now
        at = datetime.now(UTC).isoformat(timespec="seconds")
        with contextlib.suppress(StoreUnavailable):
            self._store().write(self._key, json.dumps(asdict(replace(progress, at=at))).encode())

    def _store(self) -> Store:
        """The store once more, without patience: who watches a trial has no time to wait for it."""
        if self._own is None:
            self._own = open_store(self._url)
            self._own.patience = 0
        return self._own


def read_progress(store: Store, folder: str) -> Progress | None:
    """How far the trial in a folder had got when it was last heard of; None before that."""
    return next(read_progresses(store, [folder]))


def read_progresses(store: Store, folders: Iterable[str]) -> Iterator[Progress | None]:
    """The same of many trials, in their order, in bulk."""
    for _, data in store.read_many(f"{folder}/progress.json" for folder in folders):
        yield _parsed(data)


def _parsed(data: bytes | None) -> Progress | None:
    """What was written; None where nothing was, or something that is no progress."""
    try:
        told = None if data is None else _PROGRESS.validate_json(data, strict=True)
        return told if told and datetime.fromisoformat(told.at).tzinfo else None
    except ValueError:
        return None
