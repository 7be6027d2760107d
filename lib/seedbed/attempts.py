"""The record of every attempt: so that a missing trial has a reason after its process or pod is gone."""

from __future__ import annotations

import json
import os
import secrets
import socket
from datetime import UTC, datetime
from typing import Any

from seedbed.planning import PlannedTrial
from seedbed.store import Store

TAIL_BYTES = 16_384
"""How much of an attempt's output is kept with it."""


def attempt_name() -> str:
    """`<start>-<random>`: later attempts sort after earlier ones."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}"


def begin_attempt(store: Store, trial: PlannedTrial, name: str) -> None:
    """Record what the trial is, and that an attempt starts; one that stays without an end was killed."""
    store.create(f"{trial.folder}/config.json", json.dumps(trial.to_json(), indent=1).encode())
    _write(store, trial, name, {})


def end_attempt(
    store: Store,
    trial: PlannedTrial,
    name: str,
    exit_code: int,
    message: str,
    output: bytes,
    joules: float | None = None,
) -> None:
    """Record how an attempt ended, with the end of its output, and the energy that its GPUs took where they tell."""
    _write(
        store,
        trial,
        name,
        {
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "exit_code": exit_code,
            "message": message,
            "output": output[-TAIL_BYTES:].decode(errors="replace"),
            **({} if joules is None else {"joules": round(joules)}),
        },
    )


def read_attempts(store: Store, folder: str) -> list[dict[str, Any]]:
    """A trial's attempts, oldest first; one that cannot be read is left out."""
    found = []
    for _, data in store.read_many(store.list(f"{folder}/attempts")):
        try:
            found.append(json.loads(data or b"null"))
        except (ValueError, RecursionError):
            continue
    return [attempt for attempt in found if _is_attempt(attempt)]


def _is_attempt(plain: Any) -> bool:
    """Whether it has what those who read attempts ask for."""
    if not isinstance(plain, dict):
        return False
    kinds: dict[str, type] = {"attempt": str, "host": str}
    kinds |= {"ended": str, "exit_code": int, "message": str} if "ended" in plain else {}
    return all(isinstance(plain.get(name), kind) for name, kind in kinds.items())


def attempt_in_words(attempt: dict[str, Any]) -> str:
    """How an attempt ended, and under it the end of its output."""
    ended = f"exit code {attempt['exit_code']}: {attempt['message']}" if "ended" in attempt else "no end yet"
    head = f"attempt {attempt['attempt']} on {attempt['host']}: {ended}"
    return f"{head}\n{attempt.get('output', '')}".rstrip()


def _write(store: Store, trial: PlannedTrial, name: str, ending: dict[str, Any]) -> None:
    about = {"attempt": name, "host": socket.gethostname(), "pid": os.getpid(), **ending}
    store.write(f"{trial.folder}/attempts/{name}.json", json.dumps(about, indent=1).encode())
