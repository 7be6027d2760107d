"""What a second worker brings: the same sweep of equal students on one worker and on two.

    python -m tests.bench.workers

Whole sweeps as `seedbed submit --workers 1` and `--workers 2` run them, into new stores, with the pool's
server started before: that takes as long once in a process, whatever the workers (tests/bench/start.py
shows it). They take turns. Other work on the machine takes a core from two workers first: the ratio says
something only when the load is well below one.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from seedbed.cli.progress import LocalView, PlainView
from seedbed.local.backend import LocalRun, Options
from seedbed.planning import PlannedTrial, SweepPlan, plan_sweep
from seedbed.state import TrialState, look_up
from seedbed.store import open_store
from seedbed.sweep.workflow import read_sweep
from tests.bench._timing import Line, faster, in_turns, show, wall_seconds

SWEEP = Path(__file__).with_name("students.yaml")
ROUNDS = 3
GOAL = 1.8


class ProblemsOnly(LocalView):
    """Prints nothing as long as all goes well."""

    def finished(self, trial: PlannedTrial, stage: str, state: TrialState) -> None:
        """A trial has its result."""


def main() -> None:
    show("a sweep on one worker → on two", _lines())


def _lines() -> Iterator[Line]:
    plan = plan_sweep(read_sweep(SWEEP))
    students = dataclasses.replace(plan, stages={"alone": plan.stages["alone"]})
    run(dataclasses.replace(plan, stages={"teacher": plan.stages["teacher"]}), workers=1)  # starts the server
    one, two = (partial(wall_seconds, partial(run, students, workers)) for workers in (1, 2))
    yield faster(f"{len(students.trials)} students of 8 epochs", *in_turns(ROUNDS, one, two), "s", GOAL)


def run(plan: SweepPlan, workers: int) -> None:
    """Run a plan into a new store; raises RuntimeError when a trial is left without a result."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(folder)
        states = look_up(store, plan.trials)
        view = ProblemsOnly(PlainView(""), states)
        LocalRun(store, plan, states, Options(workers), view, replan=lambda: plan).run()
        if not all(state.finished for state in states.values()):
            raise RuntimeError("a trial has no result")


if __name__ == "__main__":
    main()
