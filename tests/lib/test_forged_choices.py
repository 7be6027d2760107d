"""A validation metric that was forged, checksum and all, chooses nothing: plan, table, chain and record agree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seedbed.collect import collect, write_tables
from seedbed.family import Metric, Role, load_family
from seedbed.identity import digest
from seedbed.lineage import lineage_of
from seedbed.planning import PlannedTrial, SweepPlan, plan_sweep
from seedbed.planning.picking import best_trial
from seedbed.planning.winners import Winner
from seedbed.runs import open_run, recorded_winners
from seedbed.state import metrics_in
from seedbed.store import Store, open_store
from seedbed.sweep.workflow import read_sweep
from tests.conftest import MakeSweep
from tests.lib.results import METRIC, leave, planned

CHOSEN = "val/accuracy@best"
STAGES = {
    "widths": {
        "config": {"role": "leader"},
        "grid": {"width": [2, 4]},
        "select": {"metric": CHOSEN, "rule": "best"},
        "baseline": {"where": {"width": 2}},
        "table": {"cell": METRIC},
    },
}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setitem(load_family("toy").metrics, "accuracy", Metric())
    return open_store(str(tmp_path / "runs"))


def finish(store: Store, trial: PlannedTrial, good: int) -> None:
    right, val = {"s1": (good, 100)}, {"c": (good, 100)}
    leave(store, trial, right, val=val, metrics={METRIC: good / 100, CHOSEN: good / 100})


def forge(store: Store, trial: PlannedTrial, value: float) -> None:
    key = f"{trial.folder}/result.json"
    plain = json.loads(store.read(key) or b"")
    plain.pop("checksum")
    plain["metrics"][CHOSEN] = value
    store.write(key, json.dumps({**plain, "checksum": digest(plain)}).encode())


def chosen(plan: SweepPlan) -> Winner:
    (winner,) = plan.stages["widths"].winners or ()
    return winner


def test_a_point_whose_validation_metric_was_forged_cannot_win(store: Store, make_sweep: MakeSweep) -> None:
    sweep = read_sweep(make_sweep(STAGES))
    plan = plan_sweep(sweep)
    for trial in plan.trials:
        finish(store, trial, (90 if trial.config["width"] == 2 else 80) + trial.seed)
    assert chosen(plan_sweep(sweep, metrics_of=metrics_in(store))).axes == {"width": 2}

    for trial in plan.trials:
        if trial.config["width"] == 4 and trial.seed:
            forge(store, trial, 0.99)
    plan = plan_sweep(sweep, metrics_of=metrics_in(store))
    winner = chosen(plan)
    assert winner.axes == {"width": 2}
    assert [one.barred for one in winner.contenders] == [
        "",
        "2 of 3 runs contradict their predictions, or repeat another seed's to the bit",
    ]

    run = open_run(store, plan, "full")
    (stage,) = collect(store, run)
    write_tables(store, run, stage)
    assert recorded_winners(store, plan, "full")["widths"] == [winner]
    cells = {cell.axes["width"]: cell for cell in stage.tables[0].cells}
    assert list(cells[4].values) == ["0"]
    assert f"its predictions give {CHOSEN} = 0.81, its result says 0.99" in cells[4].failures["1"]
    chain = lineage_of(store, run)
    assert chain is not None
    assert "the incumbent has the best mean" in chain.links[0].verdict


def test_the_chains_gains_use_what_the_table_uses(store: Store, make_sweep: MakeSweep) -> None:
    sweep = read_sweep(make_sweep(STAGES))
    trials = plan_sweep(sweep).trials
    for trial in trials:
        finish(store, trial, (70 if trial.config["width"] == 2 else 80) + trial.seed)
    plan = plan_sweep(sweep, metrics_of=metrics_in(store))
    run = open_run(store, plan, "full")
    honest = lineage_of(store, run)
    assert honest is not None
    assert [gain.mean for gain in honest.links[0].gains if gain] == pytest.approx([0.1, 0.1])

    forge(store, next(trial for trial in trials if trial.config["width"] == 2), 0.01)
    forged = lineage_of(store, run)
    assert forged is not None
    assert "there is no incumbent that could win" in forged.links[0].verdict
    assert "no incumbent" in chosen(plan_sweep(sweep, metrics_of=metrics_in(store))).reason


def test_the_best_seed_is_none_whose_predictions_say_otherwise(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = load_family("toy")
    monkeypatch.setitem(family.roles, "leader", Role(("val/accuracy", "max"), revision=1))
    trials = [planned(seed) for seed in range(3)]
    for trial in trials:
        finish(store, trial, 80 + trial.seed)
    assert best_trial(family, trials, metrics_in(store)).seed == 2
    forge(store, trials[0], 0.95)
    assert best_trial(family, trials, metrics_in(store)).seed == 2
    forge(store, trials[2], 0.96)
    assert best_trial(family, trials, metrics_in(store)).seed == 1
