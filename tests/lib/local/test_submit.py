"""`seedbed submit` as a person runs it, with real workers, signals and files."""

from __future__ import annotations

import json
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from seedbed.attempts import read_attempts
from seedbed.errors import KILLED
from seedbed.local.pool import Pool
from seedbed.planning import plan_sweep
from seedbed.sweep.workflow import read_sweep
from tests.lib.local.conftest import Person, servers_of, wait_for

pytestmark = pytest.mark.waits

LEADERS = {"config": {"role": "leader"}, "grid": {"width": [2, 4]}}
FOLLOWERS = {
    "depends": "leaders",
    "config": {"role": "follower"},
    "grid": {"size": [2, 4]},
    "inputs": {"leader": {"stage": "leaders", "where": {"width": "{size}"}}},
    "table": {"rows": "size", "cell": "test/loss@best"},
}


def test_a_sweep_runs_prints_its_table_and_is_then_done(person: Callable[..., Person]) -> None:
    someone = person({"leaders": LEADERS, "followers": FOLLOWERS})
    first = someone.submits_apart()
    assert first.returncode == 0, first.stderr
    assert "12 trials: 12 run, 0 found" in first.stdout
    assert "test loss @best (lower is better), mean ± sample sd over seeds" in first.stdout
    assert "made-up points" in first.stdout
    assert "table  runs/sweeps/toy-sweep/latest-full/followers/table.md" in first.stdout
    assert "\nreport  runs/sweeps/toy-sweep/latest-full/report.html\n" in first.stdout
    assert (someone.folder / "runs/sweeps/toy-sweep/latest-full/report.html").stat().st_size > 10_000
    folder = someone.folder / "runs/sweeps/toy-sweep/latest-full/followers"
    names = {"plan.json", "results.parquet", "table.md", "table.csv", "table.tex", "table.json"}
    assert {path.name for path in folder.iterdir()} == names

    for result in (someone.folder / "runs/trials").glob("*/*/result.json"):
        about = json.loads((result.parent / "config.json").read_text())
        assert (about["id"], about["config"]) == (
            result.parent.name,
            json.loads(result.read_text())["config"],
        )

    before = someone.left()
    again = someone.submits()
    assert "12 trials: 0 run, 12 found" in again.stdout
    assert again.stdout.splitlines()[2:] == first.stdout.splitlines()[2:]
    assert someone.left() == before
    assert set(someone.attempts().values()) == {1}
    assert len(list((someone.folder / "runs/sweeps/toy-sweep").iterdir())) == 2  # one run and its pointer

    more = someone.submits("--seeds", "0-3")
    assert "16 trials: 4 run, 12 found" in more.stdout
    assert someone.types("table", "toy-sweep").stdout in more.stdout


def test_a_killed_worker_costs_one_attempt_of_one_trial(
    person: Callable[..., Person], tmp_path: Path
) -> None:
    deadly = {"config": {"role": "leader", "mishap": f"kill:{tmp_path}/killed"}}
    someone = person({"leaders": deadly}, seeds="0-2")
    done = someone.submits("--workers", "1")
    assert done.returncode == 0, done.stderr
    assert "killed by SIGKILL (out of memory, or by hand) (exit code 137); trying again" in done.stderr
    assert sorted(someone.attempts().values()) == [1, 1, 2]


def test_a_bug_stops_what_builds_on_it_and_nothing_else(person: Callable[..., Person]) -> None:
    stages = {
        "broken": {"config": {"role": "leader", "mishap": "bug"}},
        "followers": {
            "depends": "broken",
            "config": {"role": "follower"},
            "inputs": {"leader": {"stage": "broken"}},
        },
        "others": {"config": {"role": "leader"}},
    }
    someone = person(stages)
    done = someone.submits()
    assert done.returncode == os.EX_UNAVAILABLE
    assert "RuntimeError: a bug, planted (exit code 70); given up" in done.stderr
    assert "6 planned trials have no result" in done.stderr
    assert "(0/3)" in done.stdout
    assert "missing: RuntimeError: a bug, planted" in done.stdout
    assert "(3/3)" in done.stdout
    broken = plan_sweep(read_sweep(someone.sweep)).stages["broken"].trials[0]
    told = someone.types("logs", broken.id[:10])
    assert 'raise RuntimeError("a bug, planted")' in told.stdout


def test_a_diverged_seed_is_a_result_that_the_table_counts(person: Callable[..., Person]) -> None:
    someone = person({"leaders": {"config": {"role": "leader"}, "grid": {"mishap": ["none", "nan"]}}})
    done = someone.submits()
    assert done.returncode == 0, done.stderr
    assert "(0/3)" in done.stdout
    assert "3 diverged at step 6 (train/loss is not finite)" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_sweep_that_is_stopped_goes_on_and_ends_with_the_same_bits(
    person: Callable[..., Person], number: signal.Signals
) -> None:
    slow = {"role": "leader", "steps": 30, "pause": 0.1}
    someone = person({"leaders": {"config": slow}}, seeds="0-1")
    running = someone.starts()
    wait_for(lambda: someone.at_work() == 2)
    os.killpg(running.pid, number) if number == signal.SIGINT else os.kill(running.pid, number)
    _, told = running.communicate(timeout=60)
    assert running.returncode == os.EX_TEMPFAIL, told
    assert "stopped with 0 of 2 trials done. Run the same command again to go on" in told
    assert any("/checkpoint/" in key for key in someone.store.list("trials"))
    assert "2 resume" in someone.types("plan", str(someone.sweep)).stdout

    assert someone.submits().returncode == 0
    resumed = someone.left()
    whole = Person(someone.folder / "elsewhere", someone.sweep)
    whole.folder.mkdir()
    assert whole.submits().returncode == 0
    assert whole.left() == resumed


def test_who_stops_a_sweep_while_workers_are_made_ready_is_told_what_to_do(
    person: Callable[..., Person],
) -> None:
    someone = person({"leaders": LEADERS})
    running = someone.starts()
    wait_for(lambda: servers_of(running.pid) != [])
    os.killpg(running.pid, signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == os.EX_TEMPFAIL, told
    assert "stopped with 0 of 6 trials done. Run the same command again to go on" in told
    assert "Traceback" not in told


def test_when_the_server_of_the_workers_is_killed_their_trials_are_tried_again(
    person: Callable[..., Person],
) -> None:
    someone = person({"leaders": {"config": {"role": "leader", "steps": 30, "pause": 0.05}}}, seeds="0-1")
    running = someone.starts()
    wait_for(lambda: someone.at_work() == 2)
    (server,) = servers_of(running.pid)
    os.kill(server, signal.SIGKILL)
    out, told = running.communicate(timeout=100)
    assert running.returncode == 0, told
    assert "2 trials: 2 run, 0 found" in out
    assert "killed with the server that had started it (exit code 137); trying again" in told
    assert max(someone.attempts().values()) == 2


def test_a_submit_that_is_killed_leaves_nothing_in_the_way(person: Callable[..., Person]) -> None:
    someone = person({"leaders": {"config": {"role": "leader", "pause": 0.1}}}, seeds="0-1")
    running = someone.starts()
    wait_for(lambda: len(someone.attempts()) == 2)
    running.kill()
    running.communicate()
    done = someone.submits()
    assert done.returncode == 0, done.stderr
    assert "2 trials: 2 run, 0 found" in done.stdout


def test_two_submits_at_once_train_each_trial_once(person: Callable[..., Person]) -> None:
    someone = person({"leaders": LEADERS, "followers": FOLLOWERS})
    both = [someone.starts(), someone.starts()]
    ends = [running.communicate(timeout=100) for running in both]
    assert [running.returncode for running in both] == [0, 0], ends
    assert set(someone.attempts().values()) == {1}
    tables = [[line for line in out.splitlines() if "/3)" in line] for out, _ in ends]
    assert tables[0] == tables[1] != []


def test_a_trial_that_somebody_took_over_is_left_to_them(person: Callable[..., Person]) -> None:
    """As where a laptop slept: what it has of the trial must not be written over what they leave."""
    someone = person({"leaders": {"config": {"role": "leader", "steps": 14, "pause": 0.25}}}, seeds="0")
    running = someone.starts()
    wait_for(lambda: someone.at_work() == 1)
    (lease,) = [key for key in someone.store.list("trials") if key.endswith("/lease")]
    someone.store.write(lease, b'{"token": "theirs"}')
    out, err = running.communicate(timeout=100)
    assert running.returncode == 0, err
    assert len(someone.attempts()) == 1
    ended = [attempt.get("exit_code") for attempt in read_attempts(someone.store, lease.rpartition("/")[0])]
    assert ended == [KILLED, 0], out


def test_no_lease_is_held_while_workers_are_made_ready(
    person: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes longer, on a slow machine, than a lease may go without being renewed."""
    someone, warm_up = person({"leaders": LEADERS}), Pool.warm_up
    held: list[list[str]] = []

    def watch(pool: Pool) -> None:
        held.append([key for key in someone.store.list("trials") if key.endswith("/lease")])
        warm_up(pool)
        assert pool._warm

    monkeypatch.setattr(Pool, "warm_up", watch)
    done = someone.submits()
    assert done.returncode == 0, done.stderr
    assert held[0] == []


def test_a_damaged_result_stops_the_sweep_before_anything_runs(person: Callable[..., Person]) -> None:
    someone = person({"leaders": LEADERS})
    someone.submits()
    (result, *_) = sorted((someone.folder / "runs/trials").glob("*/*/result.json"))
    edited = json.loads(result.read_text())
    edited["metrics"]["test/loss@best"] = 0.0
    result.write_text(json.dumps(edited))
    done = someone.submits("--seeds", "0-5")
    assert done.returncode == os.EX_DATAERR
    place = result.relative_to(someone.folder)
    assert f"seedbed: {place}: its content does not match its checksum (edited or damaged)" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(someone.attempts()) == 6
    assert json.loads(result.read_text()) == edited
    shown = someone.types("table", "toy-sweep")
    assert shown.returncode == os.EX_UNAVAILABLE
    assert "(2/3)" in shown.stdout
    assert "1 damaged: " in shown.stdout


def test_a_full_disk_is_told_in_one_line_and_costs_nothing(person: Callable[..., Person]) -> None:
    someone = person({"leaders": LEADERS})
    limit = (600, resource.RLIM_INFINITY)  # bytes a file: what is longer fails as on a full disk

    done = someone.submits_apart(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    assert done.returncode == os.EX_TEMPFAIL, done.stderr
    assert "Traceback" not in done.stderr
    assert "runs/sweeps/toy-sweep" in done.stderr
    assert someone.submits().returncode == 0


def test_a_stage_that_takes_the_best_trial_is_planned_when_there_is_one(
    person: Callable[..., Person],
) -> None:
    stages = {
        "leaders": {"config": {"role": "leader"}},
        "followers": {
            "depends": "leaders",
            "config": {"role": "follower"},
            "inputs": {"leader": {"stage": "leaders", "pick": "best"}},
            "table": {"cell": "test/loss@best"},
        },
        "both": {
            "depends": "followers",
            "gather": ["leaders", "followers"],
            "table": {"rows": "stage", "cell": "test/loss@best"},
        },
    }
    someone = person(stages)
    before = someone.types("plan", str(someone.sweep)).stdout
    assert "3 trials and at most 3 more" in before
    assert "both after followers: gathers at most 6 trials of leaders, followers" in before
    done = someone.submits()
    assert done.returncode == 0, done.stderr
    assert "6 trials: 6 run, 0 found" in done.stdout
    again = someone.submits()
    assert "6 trials: 0 run, 6 found" in again.stdout
    assert again.stdout.splitlines()[2:] == done.stdout.splitlines()[2:]
    assert len(list((someone.folder / "runs/sweeps/toy-sweep").iterdir())) == 2  # one run and its pointer


def test_folds_are_averaged_over_and_paired_by(person: Callable[..., Person]) -> None:
    folds = {"over": {"fold": [0, 1]}}
    stages = {
        "leaders": {"config": {"role": "leader"}, **folds},
        "others": {
            "depends": "leaders",
            "config": {"role": "leader"},
            "grid": {"width": [2]},
            **folds,
            "baseline": {"stage": "leaders"},
            "table": {"rows": "width", "cell": "test/loss@best"},
        },
    }
    done = person(stages).submits()
    assert done.returncode == 0, done.stderr
    assert "mean ± sample sd over seed × fold" in done.stdout
    assert "minus leaders, over seeds" in done.stdout
    assert "(6/6)" in done.stdout


def test_lost_predictions_are_told_with_the_way_out_and_the_way_leads_there(
    person: Callable[..., Person],
) -> None:
    someone = person({"leaders": {"config": {"role": "leader"}}})
    assert someone.submits().returncode == 0
    result = next((someone.folder / "runs/trials").glob("*/*/result.json"))
    for lost in (result.parent / "predictions").iterdir():
        lost.unlink()
    told = someone.submits()
    assert told.returncode == os.EX_UNAVAILABLE
    assert "1 planned trial has no result. The tables say what is damaged" in told.stderr
    inside = result.relative_to(someone.folder)
    assert f"move {inside} away to run the trial again" in " ".join(told.stdout.split())
    result.unlink()
    went_on = someone.submits()
    assert went_on.returncode == 0, went_on.stderr
    assert "3 trials: 1 run, 2 found" in went_on.stdout
