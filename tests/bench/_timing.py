"""What the benchmarks share: sides that take turns, processes of their own, and the lines that are printed.

A machine is never quite idle, so two sides are always measured alternately and compared by their medians.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from seedbed.local.pool import ALLOCATOR, ONE_THREAD


@dataclass(frozen=True)
class Line:
    """One thing that was measured; without a goal it is there to compare with."""

    what: str
    measured: str
    goal: str = ""
    met: bool | None = None


def took(what: str, seconds: float, at_most: float | None = None) -> Line:
    """A duration, and how long it may be."""
    measured = f"{seconds:.3g} s"
    return (
        Line(what, measured)
        if at_most is None
        else Line(what, measured, f"≤ {at_most} s", seconds <= at_most)
    )


def faster(what: str, slow: float, fast: float, unit: str, at_least: float | None = None) -> Line:
    """How many times as fast one side is as the other, and how many it should be."""
    measured = f"{slow:.3g} → {fast:.3g} {unit}: {slow / fast:.2f}×"
    if at_least is None:
        return Line(what, measured)
    return Line(what, measured, f"≥ {at_least}×", slow / fast >= at_least)


def show(title: str, lines: Iterable[Line]) -> None:
    """Print each line as it comes, under the machine's load before the first."""
    print(f"{title} (load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)")
    verdicts = {None: "", True: "met", False: "MISSED"}
    print(f"  {'what':44}{'measured':30}{'goal':10}")
    for line in lines:
        print(f"  {line.what:44}{line.measured:30}{line.goal:10}{verdicts[line.met]}", flush=True)


def in_turns(rounds: int, one: Callable[[], float], other: Callable[[], float]) -> tuple[float, float]:
    """The medians of what two sides measure, over rounds in which each has its turn."""
    measured = [(one(), other()) for _ in range(rounds)]
    return statistics.median(pair[0] for pair in measured), statistics.median(pair[1] for pair in measured)


def apart(module: str, *arguments: str, environment: Mapping[str, str] = ALLOCATOR) -> float:
    """The number that a module prints, run in a new process with one thread and, by default, the pool's malloc.

    In one process, the buffers that one network has left hide the page faults of the next.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in ALLOCATOR}
    command = [sys.executable, "-m", module, *arguments]
    told = {**inherited, **ONE_THREAD, **environment}
    return float(subprocess.run(command, env=told, check=True, stdout=subprocess.PIPE, text=True).stdout)


def cpu_milliseconds(call: Callable[[], object]) -> float:
    """The processor time of a call: other processes on the machine hardly change it."""
    began = time.process_time()
    call()
    return 1000 * (time.process_time() - began)


def wall_seconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.monotonic()
    call()
    return time.monotonic() - began


def typical_step(step: Callable[[], object], warm_up: int, steps: int) -> float:
    """The median processor time of a training step in milliseconds, once it has warmed up."""
    return statistics.median([cpu_milliseconds(step) for _ in range(warm_up + steps)][warm_up:])
