"""What the store has of planned trials, read in bulk."""

from __future__ import annotations

from pathlib import Path

import pytest

from seedbed.attempts import begin_attempt
from seedbed.planning import plan_sweep
from seedbed.state import estimate_seconds, look_at, look_up
from seedbed.store import open_store
from seedbed.sweep.workflow import read_sweep
from tests.conftest import MakeSweep
from tests.lib.results import leave, planned


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return str(tmp_path / "runs")


def test_trials_are_found_done_damaged_begun_and_new_in_their_order(store_url: str) -> None:
    store = open_store(store_url)
    trials = {name: planned(seed) for seed, name in enumerate(("new", "done", "begun", "resume", "damaged"))}
    leave(store, trials["done"], {"d": (1, 2)})
    for name in ("begun", "resume"):
        begin_attempt(store, trials[name], "20260101T000000-abc")
    store.write(f"{trials['resume'].folder}/checkpoint/000000000001-a.ckpt", b"state")
    store.write(f"{trials['damaged'].folder}/result.json", b"{")
    states = look_up(store, [*trials.values(), trials["done"]])
    assert list(states) == [trial.id for trial in trials.values()]
    found = {name: states[trial.id] for name, trial in trials.items()}
    assert {name: state.status for name, state in found.items()} == {
        "new": "new",
        "done": "done",
        "begun": "new",
        "resume": "resume",
        "damaged": "damaged",
    }
    assert "not a whole result" in found["damaged"].complaint
    assert found["done"].result is not None
    assert {trial: look_at(store, state.trial) for trial, state in states.items()} == states
    assert look_up(store, []) == {}


def test_a_trial_of_two_stages_is_still_to_do_once(store_url: str, make_sweep: MakeSweep) -> None:
    leaders = {"config": {"role": "leader"}, "grid": {"width": [2, 4]}}
    plan = plan_sweep(read_sweep(make_sweep({"some": leaders, "others": leaders})))
    states = look_up(open_store(store_url), plan.trials)
    assert estimate_seconds(plan, states) == (0, 6)
