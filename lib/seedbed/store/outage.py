"""Waiting for a store that cannot be reached: for a while, with growing pauses, and interruptibly."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable
from typing import TypeVar

from seedbed.errors import InvalidConfig, StoreUnavailable

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")

PATIENCE_VARIABLE = "SEEDBED_STORE_PATIENCE"
DEFAULT_SECONDS = 600.0

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
"""Seconds: pauses double up to this, and each is cut at random, so that a hundred pods do not knock as one."""

PIECE = 0.2
"""Seconds: a pause is slept in pieces, after each of which the patience is asked again."""

TOLD_AFTER = 2.0
"""Seconds after which a person is told what is being waited for."""


class Passing(Exception):
    """Something that may be better in a moment, in words."""


def patience_from_environment() -> float:
    """The seconds that `SEEDBED_STORE_PATIENCE` says, else ten minutes; raises InvalidConfig."""
    said = os.environ.get(PATIENCE_VARIABLE, "")
    try:
        seconds = float(said) if said else DEFAULT_SECONDS
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise InvalidConfig(f"{PATIENCE_VARIABLE}: found {said!r}, expected a number of seconds, such as 600")
    return seconds


def wait_out(place: str, patience: Callable[[], float], ask: Callable[[], Answer]) -> Answer:
    """What `ask` answers, asked again while it raises Passing; StoreUnavailable once patience (seconds) is over."""
    since: float | None = None
    told, pause = False, FIRST_PAUSE
    while True:
        try:
            answer = ask()
        except Passing as why:
            now = time.monotonic()
            since = now if since is None else since
            if now - since >= patience():
                tried = f", tried for {now - since:.0f} s" if now - since >= 1 else ""
                raise StoreUnavailable(
                    f"{place}: {why}{tried}; run the same command again when it is back"
                ) from None
            if now - since >= TOLD_AFTER and not told:
                told = True
                log.warning("%s: %s; waiting for it, up to %.0f s", place, why, patience())
        else:
            if told and since is not None:
                log.warning("%s: is back after %.0f s", place, time.monotonic() - since)
            return answer
        _sleep(since, pause * random.uniform(0.5, 1), patience)  # noqa: S311 - spreads load, hides nothing
        pause = min(2 * pause, LONGEST_PAUSE)


def _sleep(since: float, seconds: float, patience: Callable[[], float]) -> None:
    """Sleep so long, or until the patience is over; signal handlers run between and during the pieces."""
    ends = time.monotonic() + seconds
    while (left := min(ends, since + patience()) - time.monotonic()) > 0:
        time.sleep(min(left, PIECE))
