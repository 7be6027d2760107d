"""What runs inside a worker process: one attempt at one trial, and how it ended."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from seedbed.errors import SeedbedError, StoreUnavailable

REPORT_SECONDS = 0.25
"""Progress is told no more often than this."""


@dataclass(frozen=True)
class Assignment:
    """What a worker is to do; picklable, plain."""

    store: str
    trial: dict[str, Any]
    attempt: dict[str, Any]
    output: str
    """File that its output goes to."""

    environment: dict[str, str] = field(default_factory=dict)
    """What its slot adds, such as its GPU."""


@dataclass(frozen=True)
class Ending:
    """How an attempt ended, by the worker's own word."""

    exit_code: int
    message: str
    store_is_gone: bool = False
    """Whether it ended because the store could not be reached or written."""


def work(assignment: Assignment, connection: Connection) -> None:
    """The worker's main function: leaves with the exit code that a pod would have."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # it reaches the whole group; the parent decides what it means
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the server ignores it, and that was inherited
    os.environ.update(assignment.environment)
    _redirect_output(assignment.output)
    faulthandler.enable()
    ending = _attempt(assignment, connection)
    print(ending.message, flush=True)
    with contextlib.suppress(OSError):
        connection.send(ending)
    os._exit(ending.exit_code)  # nothing of the forkserver's is ours to clean up


def _redirect_output(path: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)


def _attempt(assignment: Assignment, connection: Connection) -> Ending:
    # Imported here: in a warm forkserver they are loaded already, and the pool itself does not need torch.
    from seedbed.attempt import Attempt, run_attempt
    from seedbed.planning import PlannedTrial
    from seedbed.store import open_store
    from seedbed.trial import Trial

    reporter = _Reporter(connection)

    def started(trial: Trial[Any]) -> None:
        signal.signal(signal.SIGTERM, lambda *_: trial.request_stop())
        reporter.orphaned = trial.request_stop

    try:
        result = run_attempt(
            open_store(assignment.store),
            PlannedTrial.from_json(assignment.trial),
            Attempt(**assignment.attempt),
            report=reporter,
            started=started,
        )
    except SeedbedError as error:
        return Ending(error.exit_code, str(error), isinstance(error, StoreUnavailable))
    except BaseException as error:  # whatever it was: it is told, and ends this attempt only
        traceback.print_exc()
        return Ending(os.EX_SOFTWARE, f"{type(error).__name__}: {' '.join(str(error).split())}")
    return Ending(os.EX_OK, "; ".join(event.message for event in result.events) or result.status)


class _Reporter:
    """Sends progress to the parent, now and then; a parent that is gone means stop."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.sent_at = 0.0
        self.orphaned: Callable[[], None] = lambda: None

    def __call__(self, progress: dict[str, Any]) -> None:
        now = time.monotonic()
        if now - self.sent_at < REPORT_SECONDS and "metrics" not in progress:
            return
        self.sent_at = now
        try:
            self.connection.send(progress)
        except OSError:
            self.orphaned()
