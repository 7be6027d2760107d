"""How long the commands take that somebody waits for: whole processes, from the shell and back.

python -m tests.bench.cli
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.bench._timing import Line, in_turns, show, took, wall_seconds

SEEDBED = str(Path(sys.executable).with_name("seedbed"))
ROUNDS = 5


def main() -> None:
    show(f"whole commands, median of {ROUNDS}", _lines())


def _lines() -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as store:
        plan = partial(seconds, "plan", "kd-alpha-sweep", "--store", store)
        helped, planned = in_turns(ROUNDS, partial(seconds, "--help"), plan)
    yield took("seedbed --help", helped, at_most=0.4)
    yield took("seedbed plan kd-alpha-sweep", planned)


def seconds(*arguments: str) -> float:
    """How long a command takes; raises when it fails."""
    return wall_seconds(partial(subprocess.run, [SEEDBED, *arguments], check=True, stdout=subprocess.DEVNULL))


if __name__ == "__main__":
    main()
