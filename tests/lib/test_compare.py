"""Two points, stages or sweeps side by side: what is paired, what is computed, and what else differs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scipy import stats
from sklearn.metrics import f1_score
from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]
from typer.testing import CliRunner

from seedbed.attempts import begin_attempt
from seedbed.cli import app
from seedbed.compare import compare
from seedbed.errors import InvalidConfig, InvalidSweep
from seedbed.planning import PlannedTrial, plan_sweep
from seedbed.runs import open_run
from seedbed.store import Store, open_store
from seedbed.sweep.workflow import read_sweep
from tests.conftest import MakeSweep
from tests.lib.results import METRIC, leave

SEEDS = 6
UNITS = ("s1", "s2", "s3", "s4", "s5")


@pytest.fixture
def store(tmp_path: Path, make_sweep: MakeSweep) -> Store:
    """Leaders by width and rate, and one alone; wider ones are better, and by more on some seeds."""
    place = open_store(str(tmp_path / "runs"))
    for name, steps in (("first", 12), ("second", 13)):
        stages = {
            "alone": {"config": {"role": "leader", "width": 1, "steps": steps}},
            "leaders": {
                "config": {"role": "leader", "steps": steps},
                "grid": {"width": [2, 4], "rate": [0.01, 0.02]},
            },
        }
        file = make_sweep(stages, name=name, seeds=f"0-{SEEDS - 1}")
        plan = plan_sweep(read_sweep(file))
        open_run(place, plan, "full")
        for trial in plan.trials:
            begin_attempt(place, trial, "a")
            leave(place, trial, right(trial))
    return place


def right(trial: PlannedTrial) -> dict[str, tuple[int, int]]:
    width, seed = trial.config["width"], trial.seed
    slow = trial.config["rate"] == 0.01
    uneven = width == 4
    luck = {"s1": (1 if (seed + width // 2) % 2 else -1) + uneven, "s2": -uneven}
    return {
        unit: (20 + 2 * width + (seed * at) % 3 - slow + luck.get(unit, 0), 40)
        for at, unit in enumerate(UNITS)
    }


def values(trial_width: int, rate: float = 0.01) -> list[float]:
    found = []
    for seed in range(SEEDS):
        trial = PlannedTrial("", "toy", "leader", 1, {"width": trial_width, "rate": rate}, seed, {}, "")
        found.append(sum(good for good, _ in right(trial).values()) / 200)
    return found


def test_two_points_of_a_stage_are_paired_by_seed_and_held_against_scipy(store: Store) -> None:
    found = compare(store, "first/leaders[width=4,rate=0.01]", "first/leaders[width=2, rate=0.01]", METRIC)
    (pair,) = found.pairs
    assert (pair.ours.name, pair.theirs.name) == ("leaders width=4, rate=0.01", "leaders width=2, rate=0.01")
    assert pair.difference is not None
    assert pair.difference.mean == pytest.approx(0.1)
    assert pair.difference.n == SEEDS
    assert pair.over_units is not None
    assert pair.over_units.mean == pytest.approx(0.1)
    assert pair.over_units.n == 5
    assert [(one.setting, one.ours, one.theirs) for one in pair.changes] == [("width", 4, 2)]


def test_a_number_may_be_spelt_in_another_way(store: Store) -> None:
    found = compare(store, "first/leaders[width=4.0,rate=1e-2]", "first/leaders[width=2,rate=0.010]", METRIC)
    assert [pair.ours.name for pair in found.pairs] == ["leaders width=4, rate=0.01"]


def test_points_and_single_stages_of_several_settings_name_all_of_them(store: Store) -> None:
    (pair,) = compare(store, "first/leaders[width=4,rate=0.02]", "first/alone", METRIC).pairs
    assert {one.setting for one in pair.changes} == {"width", "rate"}
    assert pair.difference is not None
    pairs = stats.pearsonr(values(4, 0.02), values(1))
    assert pair.difference.correlation == pytest.approx(pairs.statistic)


def test_a_stage_is_compared_point_by_point_with_one_point_and_p_values_are_holms(store: Store) -> None:
    found = compare(store, "first/leaders", "first/alone", METRIC)
    assert [pair.ours.axes for pair in found.pairs] == [
        {"width": width, "rate": rate} for width in (2, 4) for rate in (0.01, 0.02)
    ]
    raw = [pair.difference.p for pair in found.pairs if pair.difference]
    assert [pair.p_holm for pair in found.pairs] == pytest.approx(list(multipletests(raw, method="holm")[1]))


def test_of_two_parts_of_a_stage_those_are_compared_that_agree_on_the_rest(store: Store) -> None:
    with pytest.raises(InvalidSweep, match="no point of the one has a counterpart in the other"):
        compare(store, "first/leaders[width=4]", "first/leaders[width=2]", METRIC)
    with pytest.raises(InvalidSweep, match="both sides are the same trials"):
        compare(store, "first", "first", METRIC)


def test_two_sweeps_are_compared_point_by_point_with_the_one_setting_that_differs(store: Store) -> None:
    found = compare(store, "first", "second", METRIC)
    assert len(found.pairs) == 5
    for pair in found.pairs:
        assert (pair.ours.source, pair.ours.axes) == (pair.theirs.source, pair.theirs.axes)
        assert [(one.setting, one.ours, one.theirs) for one in pair.changes] == [("steps", 12, 13)]


@pytest.mark.parametrize("averages", [("weighted", "weighted"), ("weighted", "macro")])
def test_scores_of_one_name_and_two_meanings_are_not_compared_over_units(
    averages: tuple[str, str], tmp_path: Path, make_sweep: MakeSweep
) -> None:
    place = open_store(str(tmp_path / "two"))
    for name, average, steps in zip(("first", "second"), averages, (12, 13), strict=True):
        stages = {"alone": {"config": {"role": "leader", "width": 2, "steps": steps}}}
        plan = plan_sweep(read_sweep(make_sweep(stages, name=name, seeds="0-2")))
        open_run(place, plan, "full")
        for trial in plan.trials:
            begin_attempt(place, trial, "a")
            good, count = (sum(column) for column in zip(*right(trial).values(), strict=True))
            guesses = [1] * good + [0] * (count - good)
            value = f1_score([1] * count, guesses, average=average, zero_division=0)
            leave(place, trial, right(trial), metrics={"test/f1@best": float(value)})
    (pair,) = compare(place, "first/alone", "second/alone", "test/f1@best").pairs
    assert pair.difference is not None
    assert (pair.over_units is not None) == (averages[0] == averages[1])


def test_a_run_can_be_named_by_itself(store: Store, make_sweep: MakeSweep) -> None:
    run = json.loads(store.read("sweeps/first/latest-full/sweep.json") or b"")["run"]
    (pair,) = compare(store, f"{run}/leaders[width=4,rate=0.01]", "second/alone", METRIC).pairs
    assert {one.setting for one in pair.changes} == {"width", "steps"}


def test_single_trials_are_found_by_how_their_ids_begin(store: Store) -> None:
    trials = [key.split("/")[2] for key in store.list("trials") if key.endswith("result.json")]
    configs = {trial: json.loads(store.read(f"trials/toy/{trial}/config.json") or b"") for trial in trials}
    one, other = (
        next(
            trial
            for trial, plain in configs.items()
            if plain["seed"] == 3 and plain["config"]["width"] == width
        )
        for width in (4, 1)
    )
    (pair,) = compare(store, one[:8], other[:8], METRIC).pairs
    assert pair.difference is not None
    assert (pair.difference.n, pair.difference.low, pair.p_holm) == (1, None, None)
    later = next(trial for trial, plain in configs.items() if plain["seed"] == 4)
    (apart,) = compare(store, one, later, METRIC).pairs
    assert apart.difference is None
    here, there = (configs[trial]["config"] for trial in (one, later))
    assert {change.setting for change in apart.changes} == {key for key in here if here[key] != there[key]}


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("frist/leaders", "no sweep 'frist' has been submitted; did you mean 'first'"),
        ("first/laeders", "first has no stage 'laeders'; did you mean 'leaders'"),
        ("first/leaders[widht=4]", "leaders has no axis 'widht'; did you mean 'width'"),
        ("first/leaders[width=3]", "no point of leaders has width=3; known: 2, 4"),
        ("first/leaders[width]", "found 'width', expected axis=value such as width=2"),
        ("first/leaders]", "expected a trial's id, or SWEEP/STAGE"),
        ("00000000", "no trial begins with '00000000'"),
    ],
)
def test_what_is_not_there_is_told_with_the_nearest_name(store: Store, address: str, complaint: str) -> None:
    with pytest.raises(InvalidSweep) as raised:
        compare(store, address, "first/alone", METRIC)
    assert complaint in str(raised.value)


def test_the_command_says_what_the_difference_can_carry_and_what_it_may_come_from(
    store: Store, tmp_path: Path
) -> None:
    arguments = ["first/leaders[width=4,rate=0.02]", "first/alone", "--metric", METRIC]
    shown = CliRunner().invoke(app, ["compare", *arguments, "--store", str(tmp_path / "runs")])
    assert shown.exit_code == 0
    lines = shown.output.splitlines()
    assert lines[0] == "test accuracy @best"
    assert lines[1].startswith("  A  leaders width=4, rate=0.02  0.7")
    assert "  A - B  +0.175, paired by 6 seeds" in lines
    assert any(line.startswith("    over seeds   [") and "95%, pooled sd" in line for line in lines)
    assert any("95%, paired cluster bootstrap of 5 units" in line for line in lines)
    assert any(line.startswith("    p            < 0.001") for line in lines)
    assert "  They differ in 2 settings: the difference cannot be laid to one of them" in lines
    assert [line.split() for line in lines[-2:]] == [["width", "4", "1"], ["rate", "0.02", "0.01"]]


def test_a_difference_that_is_the_same_in_every_run_has_no_interval(store: Store, tmp_path: Path) -> None:
    arguments = ["first/alone", "second/alone", "--metric", METRIC, "--store", str(tmp_path / "runs")]
    lines = CliRunner().invoke(app, ["compare", *arguments]).output.splitlines()
    assert "  A - B  0.000, paired by 6 seeds" in lines
    assert "    over seeds   no interval: the same in every run" in lines
    assert not [line for line in lines if "detectable" in line]


def test_points_of_which_nothing_finished_differ_in_what_was_planned(store: Store, tmp_path: Path) -> None:
    for key in list(store.list("trials")):
        if key.endswith("result.json") and json.loads(store.read(key) or b"")["config"]["width"] == 4:
            store.delete(key)
    arguments = ["first/leaders[width=4,rate=0.02]", "first/alone", "--metric", METRIC]
    shown = CliRunner().invoke(app, ["compare", *arguments, "--store", str(tmp_path / "runs")])
    lines = shown.output.splitlines()
    assert "  no seed is in both: no paired difference" in lines
    assert [line.split() for line in lines[-2:]] == [["width", "4", "1"], ["rate", "0.02", "0.01"]]
    assert "agree" not in shown.output


def test_a_metric_that_no_trial_has_is_told_with_the_nearest_name(store: Store) -> None:
    with pytest.raises(InvalidConfig, match="has 'test/acuracy@best'; did you mean 'test/accuracy@best'"):
        compare(store, "first/leaders", "first/alone", "test/acuracy@best")


def test_a_metric_of_the_split_that_picks_the_best_step_is_called_optimistic(store: Store) -> None:
    assert compare(store, "first/leaders", "first/alone", METRIC).optimistic == ""
    found = compare(store, "first/leaders", "first/alone", "val/loss@best")
    assert found.optimistic == "val/loss picks the best step"
    assert all(pair.difference is None for pair in found.pairs)
