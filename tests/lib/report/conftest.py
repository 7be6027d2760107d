"""Runs of toy sweeps, and their pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from seedbed.collect import StageTables, collect
from seedbed.planning import PlannedTrial, plan_sweep
from seedbed.report import write_report
from seedbed.run_records import Run
from seedbed.runs import open_run
from seedbed.store import Store, open_store
from seedbed.sweep.workflow import read_sweep
from tests.conftest import MakeSweep
from tests.lib.report.reading import Element, read
from tests.lib.trials import run as run_trial


@dataclass
class Made:
    """A run in a store, its tables and its page."""

    store: Store
    run: Run
    stages: list[StageTables]

    def html(self) -> str:
        """The page as it stands in the store."""
        return (self.store.read(write_report(self.store, self.run, self.stages)) or b"").decode()

    def page(self) -> Element:
        """The page, read."""
        return read(self.html())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "runs"))


MakeRun = Callable[..., Made]


@pytest.fixture
def make_run(store: Store, make_sweep: MakeSweep) -> MakeRun:
    """Plan a sweep, train those of its trials that are wanted, and make its tables."""

    def make(
        stages: dict[str, dict[str, Any]],
        seeds: str = "0-2",
        wanted: Callable[[PlannedTrial], bool] = lambda _: True,
    ) -> Made:
        plan = plan_sweep(read_sweep(make_sweep(stages, seeds=seeds)))
        opened = open_run(store, plan, "full")
        for trial in plan.trials:
            if wanted(trial):
                run_trial(store, trial)
        return Made(store, opened, collect(store, opened))

    return make
