"""The records of a run, damaged by hand: what a person is told of them, and what they leave alone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from seedbed.cli.showing import show_tables
from seedbed.collect import collect
from seedbed.errors import StoreUnavailable
from seedbed.planning import plan_sweep
from seedbed.run_records import Run
from seedbed.runs import open_run, read_run
from seedbed.store import Store, open_store
from seedbed.store.folder import FolderStore
from seedbed.sweep.workflow import read_sweep
from tests.conftest import MakeSweep
from tests.lib.command_line import Done, run_here
from tests.lib.trials import run as train

LEADERS = {"config": {"role": "leader"}, "table": {"cell": "test/loss@best"}}
STAGES = {"leaders": LEADERS, "others": {**LEADERS, "config": {"role": "leader", "width": 3}}}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "runs"))


@pytest.fixture
def run(store: Store, make_sweep: MakeSweep) -> Run:
    """A sweep that has all of its results; another one, called `other`, is beside it."""
    for name in ("other", "toy-sweep"):
        plan = plan_sweep(read_sweep(make_sweep(STAGES, name=name, seeds="0-1")))
        opened = open_run(store, plan, "full")
    for trial in plan.trials:
        train(store, trial)
    return opened


def edit(store: Store, key: str, **values: Any) -> None:
    store.write(key, json.dumps({**json.loads(store.read(key) or b""), **values}).encode())


def types(tmp_path: Path, *arguments: str) -> Done:
    done = run_here(tmp_path, *arguments)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_a_damaged_record_is_told_and_in_the_way_of_no_other_sweep(
    tmp_path: Path, store: Store, run: Run
) -> None:
    store.write(f"{run.folder}/sweep.json", b"")
    told = "runs/sweeps/toy-sweep/latest-full/sweep.json: not as seedbed writes it"
    status = types(tmp_path, "status")
    assert status.returncode == 0
    assert "other  full form" in status.stdout
    assert told in status.stdout
    assert types(tmp_path, "table", "other").returncode == 0
    assert types(tmp_path, "cost", "other").returncode == 0
    own = types(tmp_path, "table", "toy-sweep")
    assert own.returncode == os.EX_DATAERR
    assert f"seedbed: {told}" in own.stderr
    assert own.stderr.endswith("; submit the sweep again\n")


def test_a_sweep_whose_record_is_damaged_can_be_submitted_again(
    tmp_path: Path, store: Store, run: Run
) -> None:
    store.write(f"{run.folder}/sweep.json", b"")
    done = types(tmp_path, "submit", "toy-sweep.yaml")
    assert done.returncode == 0, done.stderr
    assert "4 trials: 0 run, 4 found" in done.stdout
    assert types(tmp_path, "table", "toy-sweep").returncode == 0


@pytest.mark.parametrize(
    ("key", "values", "told"),
    [
        ("sweep.json", {"stages": None}, "stages: Input should be"),
        ("sweep.json", {"stages": "leaders"}, "stages: Input should be"),
        ("sweep.json", {"run": "../../x"}, "is not a key"),
        ("sweep.json", {"previous": ".."}, "is not a key"),
        ("sweep.json", {"started": "now"}, "Invalid isoformat"),
        ("sweep.json", {"color": "red"}, "color: Unexpected"),
        ("leaders/plan.json", {"table": None}, "table: Input should be"),
        ("leaders/plan.json", {"table": {"rows": 3}}, "rows: Input should be"),
        ("leaders/plan.json", {"trials": [None]}, "trials.0: Input should be"),
        ("leaders/plan.json", {"expect": {"source": 3}}, "source: Input should be"),
    ],
    ids=str,
)
def test_a_record_of_other_types_is_told_in_one_line(
    tmp_path: Path, store: Store, run: Run, key: str, values: dict[str, Any], told: str
) -> None:
    edit(store, f"{run.folder}/{key}", **values)
    for command in ("table", "report", "cost"):
        done = types(tmp_path, command, "toy-sweep")
        assert done.returncode == os.EX_DATAERR
        assert len(done.stderr.splitlines()) == 1
        assert f"{key}: not as seedbed writes it (" in done.stderr
        assert told in done.stderr
    assert told in types(tmp_path, "status").stdout


def test_a_trial_without_inputs_in_a_plan_is_told(tmp_path: Path, store: Store, run: Run) -> None:
    key = f"{run.folder}/leaders/plan.json"
    (first, *others) = json.loads(store.read(key) or b"")["trials"]
    edit(store, key, trials=[{**first, "inputs": None}, *others])
    done = types(tmp_path, "table", "toy-sweep")
    assert done.returncode == os.EX_DATAERR
    assert "trials.0.inputs: Input should be" in done.stderr


def test_a_record_that_is_nested_without_end_is_told(tmp_path: Path, store: Store, run: Run) -> None:
    store.write(f"{run.folder}/sweep.json", b"[" * 100_000)
    assert types(tmp_path, "table", "toy-sweep").returncode == os.EX_DATAERR


def test_a_lost_plan_is_told_and_not_passed_over(tmp_path: Path, store: Store, run: Run) -> None:
    store.delete(f"{run.folder}/others/plan.json")
    told = "others: not planned yet, or its plan is lost; submit the sweep again"
    assert told in types(tmp_path, "status").stdout
    for command in ("table", "report"):
        done = types(tmp_path, command, "toy-sweep")
        assert (done.returncode, done.stderr) == (os.EX_UNAVAILABLE, f"seedbed: {told}\n")
    one = types(tmp_path, "table", "toy-sweep", "--stage", "others")
    assert (one.returncode, one.stdout) == (os.EX_UNAVAILABLE, "")
    assert types(tmp_path, "table", "toy-sweep", "--stage", "leaders").returncode == 0


@pytest.mark.parametrize("name", ["x" * 300, f"{'x' * 300}.yaml"])
def test_a_sweep_that_cannot_be_looked_for_is_told(tmp_path: Path, name: str) -> None:
    done = types(tmp_path, "plan", name)
    assert done.returncode == os.EX_CONFIG
    assert "File name too long; expected a sweep's file or its name" in done.stderr


def test_tables_of_a_store_that_may_not_be_written_are_printed(
    tmp_path: Path, store: Store, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = types(tmp_path, "table", "toy-sweep")
    before = store.read(f"{run.folder}/report.html")

    def refuse(_: FolderStore, key: str, data: bytes) -> None:
        raise StoreUnavailable(f"{key}: Read-only file system ({len(data)} bytes)")

    monkeypatch.setattr(FolderStore, "write", refuse)
    table = types(tmp_path, "table", "toy-sweep")
    assert (table.returncode, table.stdout) == (0, usual.stdout)
    assert table.stderr.startswith(f"seedbed: the tables are not in the store: {run.folder}/leaders/table.md")
    report = types(tmp_path, "report", "toy-sweep")
    assert (report.returncode, report.stdout) == (0, f"report  {run.run}.html\n")
    assert report.stderr.startswith("seedbed: the report is not in the store: ")
    assert (tmp_path / f"{run.run}.html").stat().st_size > 10_000
    assert store.read(f"{run.folder}/report.html") == before


def test_printed_paths_lead_to_the_run_that_they_are_of(
    store: Store, run: Run, make_sweep: MakeSweep, capsys: pytest.CaptureFixture[str]
) -> None:
    show_tables(store, run, collect(store, run))
    assert "/sweeps/toy-sweep/latest-full/leaders/table.md\n" in capsys.readouterr().out
    open_run(store, plan_sweep(read_sweep(make_sweep(STAGES, seeds="0-2"))), "full")
    show_tables(store, run, collect(store, run))
    told = capsys.readouterr().out
    assert f"/{run.folder}/leaders/table.md\n" in told
    assert "latest-full" not in told


def test_a_run_goes_on_as_itself_when_another_has_become_the_newest(
    store: Store, run: Run, make_sweep: MakeSweep
) -> None:
    plan = plan_sweep(read_sweep(make_sweep(STAGES, seeds="0-1")))
    other = open_run(store, plan_sweep(read_sweep(make_sweep(STAGES, seeds="0-2"))), "full")
    assert open_run(store, plan, "full", again=run) == run
    assert other.previous == run.run


def test_a_damaged_record_is_replaced_by_one_with_nothing_before_it(
    store: Store, run: Run, make_sweep: MakeSweep
) -> None:
    edit(store, f"{run.folder}/sweep.json", stages=None)
    plan = plan_sweep(read_sweep(make_sweep(STAGES, seeds="0-1")))
    again = open_run(store, plan, "full")
    assert again.run != run.run
    assert again.previous == ""
    assert read_run(store, "toy-sweep", "full") == again
