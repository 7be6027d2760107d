"""A study done in order on a cluster: each stage is planned in a pod, from the sweep file and the store alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from seedbed.argo import outputs
from seedbed.argo.pod_collect import collect_stage
from seedbed.argo.pod_plan import plan_stage
from seedbed.argo.pod_trial import run_pack
from seedbed.errors import InvalidSweep
from seedbed.planning import plan_sweep
from seedbed.state import metrics_in
from seedbed.store import Store, open_store
from seedbed.sweep.workflow import read_sweep
from tests.conftest import MakeSweep

pytestmark = pytest.mark.waits

SELECT = {"metric": "val/loss@last"}
STUDY: dict[str, Any] = {
    "widths": {
        "config": {"role": "leader"},
        "grid": {"width": [2, 8]},
        "select": SELECT,
        "baseline": {"where": {"width": 8}},
    },
    "rates": {"depends": "widths", "inherit": "widths", "grid": {"rate": [0.00001]}, "select": SELECT},
    "again": {"depends": "rates", "confirm": "rates", "seeds": "7-8"},
}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(outputs, "FOLDER", tmp_path / "outputs")
    return open_store(str(tmp_path / "runs"))


def workflow(path: Path, name: str, day: int) -> dict[str, Any]:
    """A sweep file as a cluster has it once it is submitted."""
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    document["metadata"] |= {"name": name, "creationTimestamp": f"2026-01-0{day}T00:00:00Z"}
    return document


def run_stage(store: Store, document: dict[str, Any], stage: str) -> int:
    """Plan, train and collect one stage as its pods do; how many trials were to run."""
    name = document["metadata"]["name"]
    packs = plan_stage(store, document, f"{name}.{stage}.plan")
    assert all(run_pack(store, trials).exit_code == 0 for trials in packs)
    collect_stage(store, f"sweeps/toy-sweep/{name}/{stage}")
    return sum(map(len, packs))


def test_a_study_goes_on_from_pod_to_pod_as_it_does_on_one_machine(
    store: Store, make_sweep: MakeSweep
) -> None:
    file = make_sweep(STUDY, seeds="0-1")
    document = workflow(file, "toy-sweep-first", 1)
    with pytest.raises(
        InvalidSweep, match="stage rates cannot be planned: results that it builds on are not there"
    ):
        plan_stage(store, document, "toy-sweep-first.rates.plan")
    assert [run_stage(store, document, stage) for stage in STUDY] == [4, 2, 4]
    here = plan_sweep(read_sweep(file), metrics_in(store))
    for stage in STUDY:
        data = store.read(f"sweeps/toy-sweep/toy-sweep-first/{stage}/plan.json") or b""
        planned = [trial["id"] for trial in json.loads(data)["trials"]]
        assert planned == [trial.id for trial in here.stages[stage].trials]
    table = (store.read("sweeps/toy-sweep/toy-sweep-first/again/table.md") or b"").decode()
    assert "| widths | width: 8 -> 2 |" in table
    assert "the whole chain (end against start): +" in table
    (winner,) = json.loads(store.read("sweeps/toy-sweep/toy-sweep-first/rates/winner.json") or b"")
    assert winner["axes"] == winner["incumbent"] == {"rate": 0.01}


def test_a_workflow_that_keeps_winners_takes_those_of_the_one_before(
    store: Store, make_sweep: MakeSweep
) -> None:
    lucky = {**STUDY, "widths": {**STUDY["widths"], "select": {**SELECT, "require": {"params": {"min": 60}}}}}
    file = make_sweep(lucky, seeds="0")
    assert run_stage(store, workflow(file, "toy-sweep-first", 1), "widths") == 2
    document = workflow(make_sweep(STUDY, seeds="0-1"), "toy-sweep-second", 2)
    document["spec"]["arguments"]["parameters"].append({"name": "winners", "value": "keep"})
    assert run_stage(store, document, "widths") == 2
    run_stage(store, document, "rates")
    plan = json.loads(store.read("sweeps/toy-sweep/toy-sweep-second/rates/plan.json") or b"")
    assert {trial["config"]["width"] for trial in plan["trials"]} == {8}
    document["spec"]["arguments"]["parameters"][-1]["value"] = "kep"
    with pytest.raises(
        InvalidSweep, match=r"parameters\[winners\]\.value: found 'kep', expected choose or keep"
    ):
        plan_stage(store, document, "toy-sweep-second.rates.plan")
