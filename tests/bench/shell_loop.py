"""The laptop form of kd-alpha-sweep against a shell loop that starts one plain process a trial.

    python -m tests.bench.shell_loop kd-alpha-sweep

One process of each kind is timed (tests/bench/_plain_trial.py says what is plain about it) and counted as often as
the sweep has such trials; then the sweep itself runs, from start to table, into a new store. Takes minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from tests.bench._timing import Line, faster, show
from tests.bench.cli import seconds

EPOCHS = 8
SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
GOAL = 6.0


def main(arguments: list[str]) -> None:
    if arguments == ["kd-alpha-sweep"]:
        show("kd-alpha-sweep in its laptop form, a shell loop → seedbed submit", _lines())
    else:
        print("takes minutes, so only when asked: python -m tests.bench.shell_loop kd-alpha-sweep")


def _lines() -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as folder:
        teachers = [f"{folder}/signal.pt", f"{folder}/gaf.pt"]
        signal, gaf = (_plain(out, kind) for out, kind in zip(teachers, ("signal", "gaf"), strict=True))
        alone = _plain(f"{folder}/alone.pt", "student")
        taught = _plain(f"{folder}/taught.pt", "student", *teachers)
        loop, imports = (
            3 * one + 3 * two + 3 * three + 15 * four
            for one, two, three, four in zip(signal, gaf, alone, taught, strict=True)
        )
        ours = seconds("submit", "kd-alpha-sweep", "--store", f"{folder}/runs")
    yield faster("24 trials", loop, ours, "s", GOAL)
    yield faster("24 trials, had pyts been imported for free", loop - imports, ours, "s")


def _plain(out: str, kind: str, *teachers: str) -> tuple[float, float]:
    """Seconds of a plain process, and those of them that importing pyts took."""
    environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    command = [sys.executable, "-m", "tests.bench._plain_trial", out, str(EPOCHS), kind, *teachers]
    began = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return time.perf_counter() - began, float(done.stdout.split()[-1])


if __name__ == "__main__":
    main(sys.argv[1:])
