"""How a stage of a running sweep stands, at a cost that a look bounds and not the number of trials.

What a collect pod has compacted is read as it is. Of trials without a result a look asks the store about those that
were heard of, those that are next in the plan, and as many of the others, in turn.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from seedbed.progress import Progress, read_progresses
from seedbed.store import Store
from seedbed.watching import STALE_SECONDS

AT_ONCE = 2000
"""So many trials that are next in the plan, and so many of the others, are asked about in a look."""

FINISHED = ("finished", "diverged")
STATES = (*FINISHED, "at-work", "interrupted", "waiting")
"""Interrupted: it was heard of, is not any more, and has no result: another attempt follows, or it failed."""


@dataclass(frozen=True)
class _Heard:
    """A trial as last heard of."""

    attempt: str
    step: int
    moved: float
    """When its step was last seen to change, in seconds since 1970: a trial that hangs is still heard of."""
    at: float
    attempts: int


class StageWatch:
    """Looks at one stage of a run again and again."""

    def __init__(self, store: Store, folder: str) -> None:
        self.moved = 0.0
        """When the last step or result was seen, in seconds since 1970; 0 before that."""
        self.attempts = 0
        """The most attempts that any of its trials has had."""
        self._store = store
        self._folder = folder
        self._finished: Counter[str] = Counter()
        self._waiting: dict[str, None] | None = None
        self._heard: dict[str, _Heard] = {}
        self._turn: Iterator[str] = iter(())

    @property
    def complete(self) -> bool:
        """Whether it is planned and all of its trials have results."""
        return self._waiting is not None and not self._waiting

    def states(self) -> dict[str, int]:
        """Its trials by state; empty before it is planned."""
        if self._waiting is None:
            return {}
        now = datetime.now(UTC).timestamp()
        fresh = sum(now - heard.at < STALE_SECONDS for heard in self._heard.values())
        rest = {"at-work": fresh, "interrupted": len(self._heard) - fresh}
        waiting = len(self._waiting) - len(self._heard)
        return {**{state: self._finished[state] for state in FINISHED}, **rest, "waiting": waiting}

    def look(self) -> None:
        """Learn what is new in the store; raises StoreUnavailable."""
        if self._waiting is None:
            self._waiting = self._plan()
        asked = list(self._to_ask())
        for folder, data in zip(
            asked,
            (data for _, data in self._store.read_many(f"{one}/result.json" for one in asked)),
            strict=True,
        ):
            if data is not None:
                self._ended(folder, data)
        left = [folder for folder in asked if folder in (self._waiting or ())]
        for folder, progress in zip(left, read_progresses(self._store, left), strict=True):
            if progress is not None:
                self._listen(folder, progress)

    def _plan(self) -> dict[str, None] | None:
        """The trials without a result, as far as that is compacted; None before the stage is planned."""
        compacted = self._store.read(f"{self._folder}/results.parquet")
        if compacted is not None:
            trials, statuses = _compacted(compacted)
            self._finished.update(status for status in statuses if status in FINISHED)
            return {
                trial: None for trial, status in zip(trials, statuses, strict=True) if status not in FINISHED
            }
        plan = self._store.read(f"{self._folder}/plan.json")
        return None if plan is None else dict.fromkeys(planned(plan.decode()))

    def _to_ask(self) -> Iterator[str]:
        waiting = self._waiting or {}
        turn = list(islice(self._turn, AT_ONCE))
        if len(turn) < AT_ONCE:
            self._turn = iter(list(waiting))
        chosen = dict.fromkeys((*self._heard, *islice(waiting, AT_ONCE), *turn))
        return (folder for folder in chosen if folder in waiting)

    def _ended(self, folder: str, data: bytes) -> None:
        try:
            result = json.loads(data)
            status, ended = result["status"], datetime.fromisoformat(result["finished_at"]).timestamp()
            attempts = int(result["attempts"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return  # a damaged result is told by those who need its numbers
        (self._waiting or {}).pop(folder, None)
        self._heard.pop(folder, None)
        self._finished[status] += 1
        self.moved = max(self.moved, ended)
        self.attempts = max(self.attempts, attempts)

    def _listen(self, folder: str, progress: Progress) -> None:
        at = datetime.fromisoformat(progress.at).timestamp()
        before = self._heard.get(folder)
        if before is None or before.attempt != progress.attempt:
            attempts = sum(1 for _ in self._store.list(f"{folder}/attempts"))
            moved = at
        else:
            attempts = before.attempts
            moved = before.moved if before.step == progress.step else at
        self._heard[folder] = _Heard(progress.attempt, progress.step, moved, at, attempts)
        self.moved = max(self.moved, moved)
        self.attempts = max(self.attempts, attempts)


def planned(text: str) -> Iterator[str]:
    """The folders of the trials in a stage's plan.json, one after the other: it is long, and little of it is kept."""
    decoder = json.JSONDecoder()
    mark = '"trials": ['
    at = text.index(mark) + len(mark)
    while True:
        while text[at] in " \n,":
            at += 1
        if text[at] == "]":
            return
        trial, at = decoder.raw_decode(text, at)
        yield f"trials/{trial['family']}/{trial['id']}"


def _compacted(data: bytes) -> tuple[list[str], list[str]]:
    """The folder and status of each trial in a stage's results.parquet."""
    import pyarrow.parquet as pq  # loaded here: only stages that are done need it

    table = pq.read_table(io.BytesIO(data), columns=["trial", "family", "status"]).to_pydict()
    folders = [
        f"trials/{family}/{trial}" for family, trial in zip(table["family"], table["trial"], strict=True)
    ]
    return folders, table["status"]
