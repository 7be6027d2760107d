"""What stands behind the means: classes, units, confusion, agreement and cost, counted by hand."""

from __future__ import annotations

import pytest

from seedbed.collect import collect
from seedbed.family import Metric, load_family
from seedbed.store import Store
from tests.lib.report.conftest import Made, MakeRun
from tests.lib.report.reading import Element
from tests.lib.report.stored import leave

STUDY = {
    "leaders": {"config": {"role": "leader"}, "table": {"cell": "test/accuracy@best"}},
    "followers": {
        "depends": "leaders",
        "config": {"role": "follower"},
        "grid": {"rate": [0.1]},
        "inputs": {"leader": {"stage": "leaders", "where": {}}},
        "baseline": {"stage": "leaders"},
        "table": {"cell": "test/accuracy@best"},
    },
}
GUESSES = {
    ("leader", 0): (0, 1, 2, 0, 1, 2),
    ("leader", 1): (0, 1, 2, 0, 1, 0),
    ("follower", 0): (0, 1, 1, 0, 0, 2),
    ("follower", 1): (0, 1, 1, 1, 1, 2),
}


@pytest.fixture
def made(make_run: MakeRun, store: Store, monkeypatch: pytest.MonkeyPatch) -> Made:
    monkeypatch.setitem(load_family("toy").metrics, "accuracy", Metric())
    planned = make_run(STUDY, seeds="0-1", wanted=lambda _: False)
    for stage in planned.stages:
        for trial in stage.record.trials:
            backwards = range(5, -1, -1) if trial.role == "follower" else range(6)
            leave(store, trial, GUESSES[(trial.role, trial.seed)], backwards)
    planned.stages = collect(store, planned.run)
    return planned


def table(page: Element, start: str) -> list[list[str]]:
    """The table whose caption starts so, of the stage that comes last."""
    return [one.rows() for one in page.all("table") if one.one("caption").text.startswith(start)][-1]


def test_shares_by_class_and_by_unit_are_means_over_seeds_and_stand_beside_the_baselines(made: Made) -> None:
    page = made.page()
    assert table(page, "By class") == [
        ["class", "samples", "rate=0.1", "leaders"],
        ["0", "2", "75.0 -25.0", "100.0"],  # 2 of 2 and 1 of 2, against all of them
        ["1", "2", "75.0 -25.0", "100.0"],
        ["2", "2", "50.0 -25.0", "75.0"],
    ]
    assert table(page, "By unit") == [
        ["unit", "samples", "rate=0.1", "leaders"],
        ["amy", "3", "66.7 -33.3", "100.0"],
        ["bob", "3", "66.7 -16.7", "83.3"],
    ]


def test_confusion_counts_every_seed(made: Made) -> None:
    assert table(made.page(), "Confusion of rate=0.1") == [
        ["true \\ as", "0", "1", "2"],
        ["0", "3", "1", "0"],
        ["1", "1", "3", "0"],
        ["2", "0", "2", "2"],
    ]


def test_agreement_is_of_the_same_samples_whatever_their_order(made: Made) -> None:
    rows = table(made.page(), "test accuracy @best of each point")
    assert rows == [["point", "own", "leader", "agrees with leader"], ["rate=0.1", "0.667", "0.917", "58.3"]]
    # seed 0 agrees on 4 of 6, seed 1 on 3 of 6


def test_cost_counts_learned_numbers_and_what_was_trained_before(made: Made) -> None:
    rows = table(made.page(), "Cost of followers")
    assert rows[0][:4] == ["point", "parameters", "FLOPs", "steps"]
    assert rows[1] == ["rate=0.1", "15", "1.235e+06", "2", "2", "2 s", "2 s", "2.0 GB"]


def test_a_stage_that_does_not_classify_has_no_classes(make_run: MakeRun) -> None:
    page = make_run({"s": {"config": {"role": "leader", "steps": 2}}}).page()
    assert not [one for one in page.all("caption") if "class" in one.text]


def test_columns_of_a_curve_without_values_are_left_out(made: Made) -> None:
    found = [
        one.rows()
        for one in made.page().all("table")
        if one.one("caption").text.endswith(": loss") and "-curve-" in one.attributes["id"]
    ]
    assert found
    for headers, *steps in found:
        assert headers == ["step", "val/loss 0", "val/loss 1"]  # nobody logged test/loss
        assert steps == [["1", "0.5", "0.5"], ["2", "0.7", "0.7"]]
