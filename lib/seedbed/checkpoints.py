"""Checkpoints of one trial: written beside the training, read back newest first."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, NamedTuple, Self

from seedbed.codec import Snapshot, decode, snapshot
from seedbed.errors import CheckpointCorrupt
from seedbed.store import Store, check_key

log = logging.getLogger(__name__)

NAME = re.compile(r"(?P<step>\d{12,})-(?P<attempt>[^/]+)\.ckpt")


class _Kept(NamedTuple):
    """A stored checkpoint. Tuples compare as age does: by step, among equal steps by attempt."""

    step: int
    attempt: str
    key: str


class Checkpoints:
    """The checkpoints under `<prefix>/`, and the attempt in whose name new ones are written.

    Attempts begin with their start time, so that a later one sorts after those before. Use it as a context
    manager or call `close`: it waits for what is being written and says what went wrong with it.
    """

    def __init__(self, store: Store, prefix: str, attempt: str) -> None:
        check_key(f"{prefix}/{attempt}")
        if "/" in attempt:
            raise ValueError(f"attempt {attempt!r} has a slash: it is part of a file's name")
        self._store = store
        self._prefix = prefix
        self._attempt = attempt
        # Its thread starts with the first save, not here: until then the process may fork.
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")
        self._pending: Future[None] | None = None
        self.written = 0
        self.write_seconds = 0.0
        """How many this attempt has written, and how long that took, beside the training."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def save(self, step: int, state: dict[str, Any]) -> None:
        """Copy the state now and write the copy in the background; waits while one before is being written.

        Raises TypeError for a state that cannot be kept, and what the writing of the one before ended with
        (`StoreUnavailable`): then this state is not saved.
        """
        if step < 0:
            raise ValueError(f"step {step} is negative")
        self.flush()
        key = f"{self._prefix}/{step:012d}-{self._attempt}.ckpt"
        self._pending = self._writer.submit(self._write, key, snapshot(state))

    def flush(self) -> None:
        """Wait until what was saved is stored; raises what its writing ended with, once."""
        if self._pending is not None:
            wait([self._pending])
            pending, self._pending = self._pending, None
            pending.result()

    def close(self) -> None:
        """`flush`, and end the background thread also when that raises. A later `save` is refused."""
        try:
            self.flush()
        finally:
            self._writer.shutdown()

    def latest(
        self, suits: Callable[[dict[str, Any]], bool] | None = None
    ) -> tuple[int, dict[str, Any]] | None:
        """Step and state of the newest complete checkpoint of any attempt that suits; None without one.

        A truncated or altered one is passed over with a warning that names it.
        """
        self.flush()
        for step, _, key in self._newest_first():
            state = self._read(key)
            if state is not None and (suits is None or suits(state)):
                return step, state
        return None

    def _write(self, key: str, copy: Snapshot) -> None:
        began = time.monotonic()
        self._store.write(key, copy.encode())
        self.written += 1
        self.write_seconds += time.monotonic() - began

    def _read(self, key: str) -> dict[str, Any] | None:
        data = self._store.read(key)
        if data is None:
            return None
        try:
            state: dict[str, Any] = decode(data, self._store.place(key))
        except CheckpointCorrupt as error:
            log.warning("%s; going on from the checkpoint before it", error)
            return None
        return state

    def _newest_first(self) -> list[_Kept]:
        names = (
            (key, NAME.fullmatch(key.removeprefix(f"{self._prefix}/")))
            for key in self._store.list(self._prefix)
        )
        return sorted(
            (_Kept(int(name["step"]), name["attempt"], key) for key, name in names if name), reverse=True
        )
