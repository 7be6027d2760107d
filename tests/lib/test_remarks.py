"""From results in the store to a stage's tables, and what a reader is told beside them."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from seedbed.attempts import begin_attempt, end_attempt
from seedbed.collect import StageTables, tabulate, write_tables
from seedbed.family import load_family
from seedbed.identity import digest
from seedbed.planning import PlannedTrial
from seedbed.remarks import remarks
from seedbed.results import Event, read_result
from seedbed.run_records import Run, StageRecord
from seedbed.store import Store, open_store
from seedbed.sweep.language import TablePlan
from tests.lib.trials import run, toy


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "runs"))


def stage_of(*trials: PlannedTrial, over: list[str] | None = None) -> StageRecord:
    table = TablePlan(cell="test/loss@best").model_dump()
    return StageRecord(
        stage="leaders",
        family="toy",
        shown=True,
        table=table,
        over=over or [],
        trials=list(trials),
        baseline_label="",
        baseline=[],
    )


def collected(store: Store, *trials: PlannedTrial) -> StageTables:
    for trial in trials:
        run(store, trial)
    return tabulate(store, stage_of(*trials))


def test_a_trial_that_was_not_run_is_counted_as_missing(store: Store) -> None:
    run(store, toy())
    made = tabulate(store, stage_of(toy(), toy(seed=1)))
    assert made.missing == 1
    assert "(1/2)" in made.text()
    assert "1 missing: not run" in made.text()


def test_training_that_was_cut_off_is_told(store: Store) -> None:
    made = collected(store, *(toy(seed=seed, steps=1) for seed in range(3)))
    assert "3 of 3 trials are best at their very last step: they may be undertrained." in made.remarks
    assert not any("undertrained" in remark for remark in collected(store, toy(seed=5)).remarks)


def test_the_same_run_twice_is_told(store: Store) -> None:
    one = replace(toy(fold=2), axes={"fold": 2})
    other = replace(toy(fold=3), axes={"fold": 3})
    made = collected(store, one, other)
    assert (
        "Same run twice: fold=2 seed=0 and fold=3 seed=0 logged the same numbers to the bit." in made.remarks
    )


def test_one_trial_at_two_places_and_trials_that_logged_nothing_are_no_run_twice(store: Store) -> None:
    trial = toy()
    again = replace(trial, axes={"stage": "gathered"})
    assert not any("Same run twice" in remark for remark in collected(store, trial, again).remarks)
    for seed in (5, 6):
        lost = toy(seed=seed)
        run(store, lost)
        result = read_result(store, lost.folder)
        assert result is not None
        emptied = result.model_copy(update={"log_digest": digest([])})
        store.write(f"{lost.folder}/result.json", emptied.model_dump_json().encode())
    made = tabulate(store, stage_of(toy(seed=5), toy(seed=6)))
    assert not any("Same run twice" in remark for remark in made.remarks)


def test_a_result_that_is_gone_is_said_to_be(store: Store) -> None:
    trial = toy()
    run(store, trial)
    begin_attempt(store, trial, "1")
    end_attempt(store, trial, "1", 0, "finished", b"")
    store.delete(f"{trial.folder}/result.json")
    assert (
        "1 missing: it ended well, and its result is gone"
        in tabulate(store, stage_of(trial, toy(seed=1))).text()
    )


def test_few_test_units_are_told_and_folds_add_up(store: Store) -> None:
    assert "Tested on one unit only (d): this cannot speak for new ones." in collected(store, toy()).remarks
    folds = [replace(toy(fold=fold), axes={"fold": fold}) for fold in range(3)]
    assert (
        "Tested on 3 units only (a, b, c): this cannot speak for new ones."
        in collected(store, *folds).remarks
    )


def test_trials_of_different_numerics_are_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run(store, toy())
    monkeypatch.setattr("seedbed.provenance.torch_minor", lambda: "1.0")
    made = collected(store, toy(), toy(seed=1))
    assert any(
        remark.startswith("Trials of different numerics are compared here: cpu 1.0;")
        for remark in made.remarks
    )


def test_tables_are_written_beside_the_plan_with_every_trial(store: Store) -> None:
    made = collected(store, toy(), toy(seed=1, mishap="nan"))
    about = Run("s", "t", "full", "s-abcde", "2026-01-01", "x", ["leaders"])
    write_tables(store, about, made)
    folder = "sweeps/s/s-abcde/leaders"
    suffixes = {key.rpartition(".")[2] for key in store.list(folder)}
    assert suffixes == {"md", "csv", "tex", "json", "parquet"}
    rows = pq.read_table(io.BytesIO(store.read(f"{folder}/results.parquet") or b"")).to_pylist()
    assert [(row["seed"], row["status"]) for row in rows] == [(0, "finished"), (1, "diverged")]
    result = made.states[toy().id].result
    assert result is not None
    assert json.loads(rows[0]["metrics"]) == result.metrics


@pytest.mark.parametrize(
    ("cell", "marked"),
    [("val/loss@best", True), ("val/loss@last", True), ("test/loss@best", False), ("train/loss@best", False)],
)
def test_figures_on_the_split_that_picks_the_best_step_are_marked_by_themselves(
    store: Store, cell: str, marked: bool
) -> None:
    run(store, toy())
    made = tabulate(store, replace(stage_of(toy()), table=TablePlan(cell=cell).model_dump()))
    told = f"Optimistic: these are {cell[:3]} figures, and val/loss picks the best step on the same split."
    assert (told in made.remarks) is marked
    assert ("optimistic" in made.tables[0].cells[0].flags) is marked


def test_the_split_on_which_a_winner_is_selected_is_marked_too(store: Store) -> None:
    run(store, toy())
    rule = {"metric": "test/loss@best", "mode": "min", "replicate": True}
    made = tabulate(store, replace(stage_of(toy()), select=rule, replicate=True))
    (cell,) = made.tables[0].cells
    assert cell.flags[:2] == ["optimistic", "test-selected"]
    assert any("on test" in remark and "flatters" in remark for remark in made.remarks)
    told = "Optimistic: these are test figures, and test/loss@best picks the winner on the same split."
    assert told in made.remarks


def test_health_events_that_did_not_end_a_trial_are_counted(store: Store) -> None:
    made = collected(store, toy(), toy(seed=1, mishap="nan"))
    assert not any(remark.startswith("Health") and "diverged" in remark for remark in made.remarks)
    state = made.states[toy().id]
    assert state.result is not None
    events = [Event(kind="collapse", message="at step 3"), Event(kind="collapse", message="at step 4")]
    unwell = replace(state, result=state.result.model_copy(update={"events": events}))
    told = remarks(made.record, load_family("toy"), {**made.states, toy().id: unwell}, made.tables)
    assert any(remark.startswith("Health of 2 trials: ") and "collapse in 1" in remark for remark in told)
