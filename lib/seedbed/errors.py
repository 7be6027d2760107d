"""Every error that seedbed reports in one line, and the exit code it ends with.

* SeedbedError
  x BadData            65  data or a stored result cannot be used
  x CheckpointCorrupt  65  stored state cannot be read back
  x Incomplete         69  planned trials have no result; what there is has been written
  x Interrupted        75  stopped on request after saving; run it again
  x StoreUnavailable   75  the store could not be reached or written; run it again
  x ClusterUnavailable 75  the cluster could not be reached; run it again
  x InvalidConfig      78  a setting is wrong
  x InvalidSweep       78  a sweep file is wrong

Any other exception is a bug and ends with 70. Only 75 is worth a retry, and the
workflow template's retry rule says the same: tests/workflows holds the two together.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from typing import ClassVar

KILLED = 137
"""The exit code of a process that was killed, as a shell and a pod count it."""

RETRIED = (os.EX_TEMPFAIL, KILLED, 143)
"""The exit codes after which the same trial may end otherwise; the stage template's retry rule has the same."""


class SeedbedError(Exception):
    """The base of every error that is told to a person as one line."""

    exit_code: ClassVar[int] = os.EX_SOFTWARE


class BadData(SeedbedError):
    """Data or a stored result cannot be used: names the file or key, what was expected and what was found."""

    exit_code = os.EX_DATAERR


class CheckpointCorrupt(SeedbedError):
    """Stored state is there and cannot be read back."""

    exit_code = os.EX_DATAERR


class Incomplete(SeedbedError):
    """Planned trials have no result; the tables say which."""

    exit_code = os.EX_UNAVAILABLE


class Interrupted(SeedbedError):
    """Stopped on request; the state is saved and the same command goes on from there."""

    exit_code = os.EX_TEMPFAIL


class StoreUnavailable(SeedbedError):
    """The store cannot be reached or written; nothing that was finished is lost."""

    exit_code = os.EX_TEMPFAIL


class ClusterUnavailable(SeedbedError):
    """The cluster cannot be reached, or does not let this person in; what runs there goes on."""

    exit_code = os.EX_TEMPFAIL


class InvalidConfig(SeedbedError):
    """A setting that its family does not know, or a value that it does not take."""

    exit_code = os.EX_CONFIG


class InvalidSweep(SeedbedError):
    """A sweep file that does not say what can be run: names the file and the path in it."""

    exit_code = os.EX_CONFIG


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """The end of an error line: the nearest known name, or all of them when none is near."""
    names = [str(candidate) for candidate in known]
    alike = {near: difflib.SequenceMatcher(None, near, str(name)).ratio() for near in names}
    near = max(names, key=alike.__getitem__, default="")  # of several as near, the first that is known
    if alike.get(near, 0) >= 0.6:
        return f"did you mean {near!r}?"
    return f"known: {', '.join(names)}" if names else "none is known here"
