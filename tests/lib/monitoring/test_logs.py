"""`seedbed logs` and `seedbed status` of a trial that another process trains."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seedbed.attempts import begin_attempt, end_attempt
from seedbed.cli import app
from seedbed.planning import PlannedTrial, plan_sweep
from seedbed.runs import open_run, read_stages
from seedbed.store import Store, open_store
from seedbed.sweep.workflow import read_sweep
from tests.lib.results import leave

pytestmark = pytest.mark.waits


def report(store: Store, trial: PlannedTrial, step: int) -> None:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    told = {
        "attempt": "a",
        "step": step,
        "total": 12,
        "metrics": {"train/loss": 0.25},
        "seconds_left": 90,
        "at": at,
    }
    store.write(f"{trial.folder}/progress.json", json.dumps(told).encode())


def test_a_trial_at_work_is_followed_to_its_end_and_nothing_is_said_twice(
    tmp_path: Path, make_sweep: Callable[..., Path]
) -> None:
    store = open_store(str(tmp_path / "runs"))
    stages = {"leaders": {"config": {"role": "leader"}}}
    run = open_run(store, plan_sweep(read_sweep(make_sweep(stages, seeds="0"))), "full")
    (trial,) = read_stages(store, run)[0].trials
    begin_attempt(store, trial, "a")
    report(store, trial, 3)
    status = CliRunner().invoke(app, ["status", "--store", store.url])
    assert "1 at work, 1 new" in status.output, status.output

    def goes_on() -> None:
        time.sleep(2.5)
        report(store, trial, 7)
        time.sleep(2.5)
        end_attempt(store, trial, "a", 0, "finished", b"said this\n")
        leave(store, trial, {"d": (1, 2)})

    other = threading.Thread(target=goes_on)
    other.start()
    told = CliRunner().invoke(app, ["logs", trial.id, "--follow", "--store", store.url])
    other.join()
    assert told.exit_code == 0, told.output
    lines = told.output.splitlines()
    assert sum("no end yet" in line for line in lines) == 1
    assert [line.split("  ")[1] for line in lines if "step" in line] == [
        "step 3/12, 1 min 30 s left, train/loss 0.25",
        "step 7/12, 1 min 30 s left, train/loss 0.25",
    ]
    assert any("exit code 0: finished" in line for line in lines)
    assert "said this" in lines


@pytest.fixture
def begun(tmp_path: Path, make_sweep: Callable[..., Path]) -> tuple[Store, PlannedTrial]:
    """A trial of which nothing but its attempt is known."""
    store = open_store(str(tmp_path / "runs"))
    stages = {"leaders": {"config": {"role": "leader"}}}
    run = open_run(store, plan_sweep(read_sweep(make_sweep(stages, seeds="0"))), "full")
    (trial,) = read_stages(store, run)[0].trials
    begin_attempt(store, trial, "a")
    return store, trial


@pytest.mark.parametrize(
    ("key", "data"),
    [
        ("attempts/b.json", b"{}"),
        ("attempts/b.json", b'{"attempt": "b", "host": "here", "ended": "now"}'),
        ("attempts/b.json", b"[" * 100_000),
        ("log.jsonl", b"\xff\xfe"),
        ("progress.json", b'{"attempt": "a", "step": "x", "total": [], "at": "2026-01-01T00:00:00+00:00"}'),
        ("progress.json", b'{"attempt": "a", "step": 1, "total": 2, "at": "yesterday"}'),
        ("progress.json", b'{"attempt": "a", "step": 1, "total": 2, "at": "2026-01-01T00:00:00"}'),
        ("progress.json", b"[" * 100_000),
        ("../README", b"not ours"),
        ("../../README", b"not ours"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_nobody_here_has_written_is_passed_over(
    begun: tuple[Store, PlannedTrial], key: str, data: bytes
) -> None:
    store, trial = begun
    path = Path(store.url, trial.folder, key)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    told = CliRunner().invoke(app, ["logs", trial.id, "--store", store.url])
    assert told.exit_code == 0, told.output
    assert "attempt a on" in told.output
    status = CliRunner().invoke(app, ["status", "--store", store.url])
    assert status.exit_code == 0, status.output
    assert "1 new" in status.output


def test_a_result_that_is_nested_without_end_is_damaged(begun: tuple[Store, PlannedTrial]) -> None:
    store, trial = begun
    store.write(f"{trial.folder}/result.json", b"[" * 100_000)
    status = CliRunner().invoke(app, ["status", "--store", store.url])
    assert "1 damaged" in status.output, status.output
