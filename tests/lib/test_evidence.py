"""Result folders with a lie in them: each is found, said in words, and kept out of the numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from seedbed.collect import StageTables, tabulate
from seedbed.identity import digest
from seedbed.planning import PlannedTrial
from seedbed.store import Store, open_store
from tests.lib.results import METRIC, leave, planned, predictions, stage_of
from tests.lib.trials import run, toy

RIGHT = {"s1": (8, 10), "s2": (6, 10), "s3": (9, 10), "s4": (7, 10), "s5": (5, 10)}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "runs"))


def three(store: Store, **changes: Any) -> StageTables:
    """Three honest seeds, of which the second has these changes."""
    for seed in range(3):
        right = {unit: (good - seed % 2, count) for unit, (good, count) in RIGHT.items()}
        leave(store, planned(seed), right, **(changes if seed == 1 else {}))
    return tabulate(store, stage_of(*map(planned, range(3))))


def refused(made: StageTables) -> str:
    """Why the second seed is not used; the others are."""
    (table,) = made.tables
    (cell,) = table.cells
    assert list(cell.values) == ["0", "2"]
    assert list(cell.failures) == ["1"]
    assert made.missing == 1
    assert "(2/3) m" in made.text()
    return cell.failures["1"]


def test_honest_results_are_used_and_their_metric_is_made_again_by_unit(store: Store) -> None:
    made = three(store)
    (cell,) = made.tables[0].cells
    assert made.missing == 0
    assert cell.failures == {}
    assert cell.over_units is not None
    # Unit by unit 0.8, 0.6, 0.9, 0.7, 0.5 for two seeds and 0.1 less for the third.
    assert cell.over_units.n == 5
    assert cell.over_units.mean == pytest.approx(0.7 - 0.1 / 3)
    assert cell.over_units.low is not None


def test_a_metric_that_was_edited_does_not_match_the_results_checksum(store: Store) -> None:
    three(store)
    key = f"{planned(1).folder}/result.json"
    store.write(key, (store.read(key) or b"").replace(b"0.6", b"0.9"))
    assert "edited or damaged" in refused(tabulate(store, stage_of(*map(planned, range(3)))))


def test_a_metric_that_was_edited_together_with_its_checksum_is_not_what_the_predictions_give(
    store: Store,
) -> None:
    three(store)
    edited(store, planned(1), metrics={METRIC: 0.9})
    told = refused(tabulate(store, stage_of(*map(planned, range(3)))))
    assert told == f"damaged: its predictions give {METRIC} = 0.6, its result says 0.9"


def test_predictions_that_were_edited_do_not_match_their_checksum(store: Store) -> None:
    three(store)
    store.write(f"{planned(1).folder}/predictions/test@best.npz", predictions({"s1": (10, 10)}))
    told = refused(tabulate(store, stage_of(*map(planned, range(3)))))
    assert "its content does not match the checksum in result.json" in told


@pytest.mark.parametrize(
    ("units", "complaint"),
    [
        ({"train": ["a", "s2"], "test": list(RIGHT)}, "s2 is in its test data and in its train data"),
        (
            {"train": ["a", "s2"], "test": ["s1", "s3", "s4", "s5"]},
            "s2 is in its test data and in its train data",
        ),
        (
            {"train": ["a"], "test": ["s1", "s2", "s3", "s4"]},
            "s5 is among its predictions and not in its test data",
        ),
        ({"train": ["a"], "test": [*RIGHT, "s6"]}, "s6 is in its test data and not among its predictions"),
    ],
    ids=["trained on", "tested on what it was trained on", "somebody else", "somebody left out"],
)
def test_a_result_whose_test_subjects_are_not_those_of_its_split_is_refused(
    store: Store, units: dict[str, list[str]], complaint: str
) -> None:
    assert refused(three(store, units=units)) == f"damaged: {complaint}"


def test_a_result_copied_under_another_id_is_refused(store: Store) -> None:
    three(store)
    stolen = store.read(f"{planned(0).folder}/result.json") or b""
    store.write(f"{planned(1).folder}/result.json", stolen)
    told = refused(tabulate(store, stage_of(*map(planned, range(3)))))
    assert f"it is the result of trial {planned(0).id}" in told


def test_a_seed_that_logged_the_same_numbers_as_another_is_no_seed(store: Store) -> None:
    made = three(store, log_digest=f"log of {planned(0).id}")
    assert refused(made) == "damaged: the same run as seed 0: it logged the same numbers to the bit"


def edited(store: Store, trial: PlannedTrial, /, **changes: Any) -> None:
    """The trial's result with other fields, and a checksum that fits them."""
    key = f"{trial.folder}/result.json"
    plain = json.loads(store.read(key) or b"")
    plain.pop("checksum")
    plain |= changes
    store.write(key, json.dumps({**plain, "checksum": digest(plain)}).encode())


def test_a_seed_that_is_a_copy_of_another_is_known_by_its_predictions(store: Store) -> None:
    """Folder and result of one seed under the id of another, with the log's digest changed beside the checksum."""
    honest = [toy(seed) for seed in range(3)]
    for trial in honest:
        run(store, trial)
    for key in store.list(honest[0].folder):
        store.write(key.replace(honest[0].id, honest[1].id), store.read(key) or b"")
    edited(store, honest[1], trial=honest[1].id, seed=1, log_digest="another")
    table = {"cell": "test/loss@best"}
    (cell,) = tabulate(store, stage_of(*honest, table=table)).tables[0].cells
    assert list(cell.values) == ["0", "2"]
    assert cell.failures["1"] == "damaged: the same run as seed 0: it predicts the same numbers to the bit"


def test_a_metric_that_predictions_cannot_tell_is_held_against_the_log(store: Store) -> None:
    honest = [toy(seed) for seed in range(3)]
    for trial in honest:
        run(store, trial)
    name = "test/loss@best"
    assert tabulate(store, stage_of(*honest, table={"cell": name})).missing == 0
    metrics = json.loads(store.read(f"{honest[1].folder}/result.json") or b"")["metrics"]
    edited(store, honest[1], metrics={**metrics, name: 0.001})
    (cell,) = tabulate(store, stage_of(*honest, table={"cell": name})).tables[0].cells
    assert cell.failures["1"] == (f"damaged: its log has {name} = {metrics[name]:.6g}, its result says 0.001")
    store.write(f"{honest[1].folder}/log.jsonl", b"{}")
    (cell,) = tabulate(store, stage_of(*honest, table={"cell": name})).tables[0].cells
    assert "log.jsonl: its content does not match the checksum" in cell.failures["1"]


def test_seeds_that_guess_alike_are_seeds(store: Store) -> None:
    for seed in range(2):
        leave(store, planned(seed), RIGHT)
    assert tabulate(store, stage_of(planned(0), planned(1))).missing == 0


def test_points_that_logged_the_same_numbers_are_told_and_stay(store: Store) -> None:
    trials = [planned(0, {"width": width}, width=width) for width in (2, 4)]
    for trial in trials:
        leave(store, trial, RIGHT, log_digest="one and the same")
    made = tabulate(store, stage_of(*trials))
    assert [cell.n for cell in made.tables[0].cells] == [1, 1]
    assert any(
        remark.startswith("Same run twice: width=2 seed=0 and width=4 seed=0") for remark in made.remarks
    )


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"initial_weights": "w"}, "start from the same weights"),
        ({"streams": {"order": "o"}}, "share the stream order"),
    ],
)
def test_seeds_that_start_alike_are_told(store: Store, changes: dict[str, Any], what: str) -> None:
    for seed in range(2):
        leave(store, planned(seed), RIGHT, **changes)
    made = tabulate(store, stage_of(planned(0), planned(1)))
    assert f"Repeats that may be none: seeds 0 and 1 {what}." in made.remarks


def test_points_of_one_seed_may_start_alike_and_seeds_that_differ_are_not_told(store: Store) -> None:
    trials = [planned(seed, {"rate": rate}, rate=rate) for seed in (0, 1) for rate in (0.01, 0.02)]
    for trial in trials:
        leave(store, trial, RIGHT, initial_weights=f"w{trial.seed}", streams={"order": f"o{trial.seed}"})
    assert not any(
        "Repeats that may be none" in remark for remark in tabulate(store, stage_of(*trials)).remarks
    )


def test_trials_that_were_split_differently_without_a_setting_for_it_are_told(store: Store) -> None:
    made = three(store, split={"hash": "another", "names": {}, "units": {}, "samples": {}})
    assert any("were split differently" in remark for remark in made.remarks)
    folds = [planned(0, {"fold": fold}, fold=fold) for fold in (0, 1)]
    for trial in folds:
        leave(store, trial, RIGHT, split={"hash": f"fold {trial.config['fold']}"})
    assert not any("split differently" in remark for remark in tabulate(store, stage_of(*folds)).remarks)


def test_a_metric_of_another_definition_is_left_in_peace_without_an_interval_over_units(store: Store) -> None:
    name = "test/f1@best"
    for seed in range(2):
        leave(store, planned(seed), RIGHT, metrics={name: 0.123 + seed})
    made = tabulate(store, stage_of(planned(0), planned(1), table={"cell": name}))
    (cell,) = made.tables[0].cells
    assert (cell.n, cell.over_units) == (2, None)


@pytest.mark.parametrize("average", ["macro", "weighted"])
def test_a_name_that_can_mean_two_things_means_what_was_logged(store: Store, average: str) -> None:
    name = "test/f1@best"
    right = sum(good for good, _ in RIGHT.values())
    found = 2 * right / (50 + right)  # all samples are of class 1; class 0 is only guessed
    value = found / 2 if average == "macro" else found
    for seed, logged in enumerate([value, value, value + 0.01]):
        leave(store, planned(seed), RIGHT, metrics={name: logged})
    made = tabulate(store, stage_of(*map(planned, range(3)), table={"cell": name}))
    (cell,) = made.tables[0].cells
    assert list(cell.values) == ["0", "1"]
    assert cell.over_units is not None
    assert "its predictions give test/f1@best" in cell.failures["2"]


def test_a_metric_that_nobody_can_make_again_has_no_interval_over_units(store: Store) -> None:
    name = "test/loss@best"
    leave(store, planned(0), RIGHT, metrics={name: 0.5})
    made = tabulate(store, stage_of(planned(0), table={"cell": name}))
    (cell,) = made.tables[0].cells
    assert (cell.n, cell.over_units, cell.pooled) == (1, None, None)


def test_subjects_of_two_data_sets_that_share_a_name_are_two(store: Store) -> None:
    trials = [planned(0, {"set": name}, fold=fold) for fold, name in enumerate(["one", "other"])]
    for trial in trials:
        leave(store, trial, RIGHT, data=str(trial.axes["set"]))
    made = tabulate(store, stage_of(*trials, over=["set"]))
    (cell,) = made.tables[0].cells
    assert cell.over_units is not None
    assert cell.over_units.n == 10
