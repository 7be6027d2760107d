"""How long a sweep takes from an installed environment to its table: `seedbed submit` into a new store.

    python -m tests.bench.sweep kd-alpha-sweep

Takes as long as the sweep, in its laptop form; without a sweep's name it measures nothing.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator

from tests.bench._timing import Line, show, took
from tests.bench.cli import seconds

GOALS = {"kd-alpha-sweep": 180.0}


def main(sweeps: list[str]) -> None:
    if sweeps:
        show("seedbed submit, whole process", _lines(sweeps))
    else:
        print("takes minutes, so only when asked: python -m tests.bench.sweep kd-alpha-sweep")


def _lines(sweeps: list[str]) -> Iterator[Line]:
    for sweep in sweeps:
        with tempfile.TemporaryDirectory() as store:
            yield took(sweep, seconds("submit", sweep, "--store", store), GOALS.get(sweep))


if __name__ == "__main__":
    main(sys.argv[1:])
