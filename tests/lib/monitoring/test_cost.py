"""What a run cost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seedbed.cli import app
from seedbed.monitoring.cost import cost_of
from seedbed.monitoring.gpu import Gpu, Gpus, Meter
from seedbed.planning import PlannedTrial, plan_sweep
from seedbed.run_records import Run
from seedbed.runs import open_run, read_stages
from seedbed.store import Store, open_store
from seedbed.sweep.workflow import read_sweep
from tests.lib.results import leave

STAGES: dict[str, Any] = {"leaders": {"config": {"role": "leader"}, "grid": {"width": [2, 3]}}}
BEFORE, AFTER = "2001-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00"
CUDA = {"device": "cuda", "torch": "2.0"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "runs"))


@pytest.fixture
def run(store: Store, make_sweep: Callable[..., Path]) -> Run:
    return open_run(store, plan_sweep(read_sweep(make_sweep(STAGES, seeds="0-1"))), "full")


def attempt(store: Store, trial: PlannedTrial, began: str, ended: str | None, **more: Any) -> None:
    about = {"attempt": f"{began}-abc", "host": "h", "pid": 1, **more}
    about |= {} if ended is None else {"ended": f"2999-01-01T{ended}+00:00", "exit_code": 0, "message": ""}
    store.write(f"{trial.folder}/attempts/{began}-abc.json", json.dumps(about).encode())


def test_time_that_counts_was_lost_or_was_saved(store: Store, run: Run) -> None:
    found, once, twice, _ = read_stages(store, run)[0].trials
    right = {"d": (1, 2)}
    leave(store, found, right, seconds=500.0, finished_at=BEFORE)
    leave(store, once, right, seconds=100.0, finished_at="2999-01-01T00:02:00+00:00")
    attempt(store, once, "29990101T000000000000", "00:02:00")
    leave(store, twice, right, seconds=60.0, finished_at=AFTER, attempts=3, numerics_tag=CUDA)
    attempt(store, twice, "29990101T000000000000", "00:00:50", joules=3000)
    attempt(store, twice, "29990101T000100000000", None)
    attempt(store, twice, "29990101T000200000000", "00:02:40", joules=600)
    (stage,) = cost_of(store, run).stages
    assert (stage.trained, stage.found) == (2, 1)
    assert (stage.seconds, stage.gpu_seconds, stage.saved_seconds) == (160.0, 60.0, 500.0)
    assert stage.lost_seconds == 50 + 40 - 60
    assert stage.open_attempts == 1
    assert stage.joules == 3600

    said = CliRunner().invoke(app, ["cost", "toy-sweep", "--store", store.url, "--full"])
    assert said.exit_code == 0, said.output
    assert (
        "leaders: 2 trials trained in 2 min 40 s, 0.02 GPU hours, 0.00 kWh by their GPUs, 30 s lost to retries, "
        "1 attempts ended without a word, 1 found, which saved 8 min 20 s" in said.output
    )


def test_a_trial_of_two_stages_is_counted_once(store: Store, make_sweep: Callable[..., Path]) -> None:
    twice = {**STAGES, "again": {**STAGES["leaders"], "table": {"rows": "width", "cell": "test/loss@best"}}}
    run = open_run(store, plan_sweep(read_sweep(make_sweep(twice, seeds="0"))), "full")
    for trial in read_stages(store, run)[0].trials:
        leave(store, trial, {"d": (1, 2)}, seconds=10.0, finished_at=AFTER)
    assert [stage.trained for stage in cost_of(store, run).stages] == [2, 0]


class Draws(Gpus):
    """A GPU that draws what a test says."""

    watts: float | None = None

    def now(self) -> list[Gpu]:
        return [Gpu(None, None, None, self.watts)]


def test_energy_is_time_by_power_and_nothing_where_none_tells() -> None:
    gpus, now = Draws(), 0.0
    meter = Meter(gpus, lambda: now)
    meter.read()
    assert meter.joules is None
    for now, gpus.watts in ((0.0, 100.0), (10.0, 300.0), (20.0, 300.0)):  # noqa: B007 - the clock reads it
        meter.read()
    assert meter.joules == 10 * 200 + 10 * 300
