"""How long a trial takes from being handed to a warm pool to the end of its second training step.

    python -m tests.bench.start

Students of `watch` (WRN16-1, 64 windows of 3 × 200) in one worker of the pool that `seedbed submit` uses:
one without teachers, and one with a signal teacher whose logits are stored. They take turns; each is killed
once its second step is done. The parent's clock runs from `Pool.start` until it has heard of that step.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import seedbed.cli  # noqa: F401 - as the console script does: a worker imports its parent's main module again
from seedbed.local import worker
from seedbed.local.pool import Pool
from seedbed.local.worker import Assignment
from seedbed.planning import PlannedTrial, plan_sweep
from seedbed.sweep.workflow import read_sweep
from tests.bench._timing import Line, in_turns, show, took

SWEEP = Path(__file__).with_name("students.yaml")
ROUNDS = 9
GOAL = 0.35

worker.REPORT_SECONDS = 0.0  # a worker imports this module too, and so tells of every step


def main() -> None:
    show("from Pool.start to the end of the second training step", _lines())


def _lines() -> Iterator[Line]:
    stages = plan_sweep(read_sweep(SWEEP)).stages
    teacher, alone, taught = (stages[name].trials[0] for name in ("teacher", "alone", "taught"))
    family = stages["alone"].family
    with tempfile.TemporaryDirectory() as store:
        pool = Pool(1, [f"jobs.{family.name}", *family.preload])
        measured = partial(seconds_to_second_step, pool, store)
        yield took("first trial, which starts the pool", measured(alone))
        run_until(pool, store, teacher, lambda _: False)
        measured(taught)  # stores its teacher's logits
        without, with_teacher = in_turns(ROUNDS, partial(measured, alone), partial(measured, taught))
        yield took("student without teachers", without, GOAL)
        yield took("student with stored teacher logits", with_teacher, GOAL)


def seconds_to_second_step(pool: Pool, store: str, trial: PlannedTrial) -> float:
    """Start a trial, wait for its second step, and kill it."""
    began = time.monotonic()
    run_until(pool, store, trial, lambda step: step >= 2)
    taken = time.monotonic() - began
    pool.kill()
    while pool.running:
        list(pool.wait(1))
    return taken


def run_until(pool: Pool, store: str, trial: PlannedTrial, enough: Callable[[int], bool]) -> None:
    """Start a trial and wait until it has done enough steps, or has its result."""
    output = Path(store) / "output"
    pool.start(trial.id, Assignment(store, trial.to_json(), {"name": "bench"}, str(output)))
    while not enough(pool.running[trial.id].progress.get("step", 0)):
        for _, ending in pool.wait(1):
            if ending.exit_code:
                raise RuntimeError(f"{ending.message}\n{output.read_text()}")
            return


if __name__ == "__main__":
    main()
