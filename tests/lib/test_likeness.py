"""Metrics that are no means over samples, from a family's predictions to its table: equal error rate, clusterings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from seedbed.collect import StageTables, tabulate
from seedbed.family import Metric, load_family
from seedbed.identity import digest, trial_id
from seedbed.planning import PlannedTrial
from seedbed.run_records import StageRecord
from seedbed.store import Store, open_store
from seedbed.sweep.language import TablePlan
from seedbed.tables import markdown
from tests.lib.trials import run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "runs"))


def planned(seed: int, **settings: Any) -> PlannedTrial:
    family = load_family("likeness")
    config = family.plan(settings, {})
    role = family.role_of(config)
    identity = trial_id(
        family="likeness", role=role, revision=1, config=config, seed=seed, data="", inputs={}
    )
    axes = {"noise": config.model_dump()["noise"]}
    return PlannedTrial(
        identity, "likeness", role, 1, config.model_dump(mode="json"), seed, axes, "made-up", {}
    )


def stage(
    store: Store, cell: str, noises: tuple[float, ...], over: tuple[str, ...] = (), **settings: Any
) -> StageTables:
    """Two seeds of each noise."""
    trials = [planned(seed, noise=noise, **settings) for noise in noises for seed in (0, 1)]
    for trial in trials:
        run(store, trial)
    record = StageRecord(
        stage="likeness",
        family="likeness",
        shown=True,
        table=TablePlan(cell=cell, rows=None if over else "noise").model_dump(),
        trials=trials,
        over=list(over),
        baseline_label="",
        baseline=[],
    )
    return tabulate(store, record)


def test_equal_error_rate_has_an_interval_over_identities(store: Store) -> None:
    made = stage(store, "test/eer@last", (0.5, 1.0), role="verify")
    (table,) = made.tables
    clear, blurred = table.cells
    assert made.missing == 0  # what scikit-learn gives is what is made again
    for cell in (clear, blurred):
        assert cell.over_units is not None
        assert cell.over_units.n == 12
        assert cell.over_units.mean == pytest.approx(cell.mean)
        assert cell.over_units.low is not None
        assert cell.over_units.high is not None
        assert cell.mean is not None
        assert cell.over_units.low < cell.mean < cell.over_units.high
        assert cell.pooled is None
    text = markdown.render(made.tables)
    assert "over 12 units" in text
    assert "never pairs by themselves" in " ".join(text.split())


def test_two_ways_to_verify_are_compared_on_the_same_identities(store: Store) -> None:
    trials = {noise: [planned(seed, role="verify", noise=noise) for seed in (0, 1)] for noise in (0.5, 1.5)}
    for trial in (*trials[0.5], *trials[1.5]):
        run(store, trial)
    record = StageRecord(
        stage="likeness",
        family="likeness",
        shown=True,
        table=TablePlan(cell="test/eer@last", rows="noise").model_dump(),
        trials=trials[1.5],
        over=[],
        baseline_label="clear",
        baseline=[PlannedTrial(**{**vars(trial), "axes": {}}) for trial in trials[0.5]],
    )
    cell = tabulate(store, record).tables[0].cells[0]
    found = cell.difference_over_units
    assert found is not None
    assert cell.difference is not None
    assert found.mean == pytest.approx(cell.difference.mean)
    assert found.low is not None
    assert found.low > 0


def test_an_equal_error_rate_that_was_edited_is_contradicted(store: Store) -> None:
    stage(store, "test/eer@last", (0.5,), role="verify")
    trial = planned(1, role="verify", noise=0.5)
    key = f"{trial.folder}/result.json"
    plain = json.loads(store.read(key) or b"")
    plain.pop("checksum")
    plain["metrics"]["test/eer@last"] = 0.001
    store.write(key, json.dumps({**plain, "checksum": digest(plain)}).encode())
    made = stage(store, "test/eer@last", (0.5,), role="verify")
    assert "its predictions give test/eer@last" in made.tables[0].cells[0].failures["1"]


def test_a_clustering_is_scored_by_book_over_the_clusterers_seeds(store: Store) -> None:
    made = stage(store, "test/ari@last", (0.3,), role="cluster")
    (cell,) = made.tables[0].cells
    assert made.missing == 0
    assert cell.over_units is not None
    assert cell.over_units.n == 6
    assert cell.over_units.mean == pytest.approx(cell.mean)
    assert cell.over_units.low is not None
    assert not any("clusterer" in remark or "cannot speak" in remark for remark in made.remarks)


@pytest.mark.parametrize(
    ("cell", "settings"),
    [("test/eer@last", {"role": "verify"}), ("test/ari@last", {"role": "cluster"})],
)
def test_what_does_not_add_up_over_samples_has_no_pooled_value(
    store: Store, cell: str, settings: dict[str, Any]
) -> None:
    made = stage(store, cell, (0.4, 0.6), over=("noise",), **settings)
    (found,) = made.tables[0].cells
    assert found.n == 4
    assert found.pooled is None
    assert found.over_units is not None
    assert found.over_units.low is not None


@pytest.mark.parametrize(("starts", "said"), [(1, "one clusterer seed"), (9, "9 clusterer seeds")])
def test_few_clusterer_seeds_and_few_books_are_told(store: Store, starts: int, said: str) -> None:
    made = stage(store, "test/ari@last", (0.3,), role="cluster", starts=starts, books=4)
    (cell,) = made.tables[0].cells
    assert cell.over_units is not None
    assert cell.over_units.low is None
    assert any(remark.startswith(f"Scores by {said}: fewer than 10") for remark in made.remarks)
    assert any(remark.startswith("Tested on 4 units only") for remark in made.remarks)


def test_a_score_that_fails_on_a_unit_costs_no_table(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(targets: Any, outputs: Any) -> float:
        return 1 / (len(targets) - 40)

    monkeypatch.setitem(load_family("likeness").metrics, "ari", Metric(on=("test",), of_unit=fails))
    made = stage(store, "test/ari@last", (0.1,), role="cluster")
    assert "2 damaged: of_unit fails on unit cluster 0: ZeroDivisionError: division by zero" in made.text()
