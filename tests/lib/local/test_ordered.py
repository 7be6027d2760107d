"""A study done in order, from `seedbed submit` to the chain that a person reads."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from tests.lib.local.conftest import Person

SELECT = {"metric": "val/loss@last"}
STUDY: dict[str, Any] = {
    "widths": {
        "config": {"role": "leader", "rate": 0.0001},
        "grid": {"width": [2, 4, 8]},
        "select": SELECT,
        "baseline": {"where": {"width": 8}},
    },
    "rates": {
        "depends": "widths",
        "inherit": "widths",
        "grid": {"rate": [0.00001, 0.02]},
        "select": SELECT,
        "table": {"cell": "test/loss@last"},
    },
    "again": {"depends": "rates", "confirm": "rates", "seeds": "7-9"},
}


def chain_in(text: str) -> list[str]:
    """The chain's lines in what a command printed."""
    return text.partition("\nthe chain\n")[2].splitlines()


def test_a_study_runs_from_step_to_step_and_tells_its_chain(person: Callable[..., Person]) -> None:
    someone = person(STUDY)
    assert "9 trials and at most 21 more" in someone.types("plan", str(someone.sweep)).stdout
    done = someone.submits()
    assert done.returncode == 0, done.stderr
    assert "27 trials: 27 run, 0 found" in done.stdout
    header, widths, rates, *rest = chain_in(done.stdout)
    assert header.split("  ")[0] == "step"
    assert "gain in val/loss@last" in header
    assert "width: 8 -> 2" in widths
    assert "kept: beats the incumbent by more than one standard error" in widths
    assert "rate: 0.0001 -> 0.02" in rates
    assert rest[0].startswith("Gains on seeds 0-2, which selected: optimistic, and no headline.")
    assert rest[1].startswith(
        "Confirmed on seeds 7-9, which selected nothing, in test/loss@best, better being +:"
    )
    assert rest[2].startswith("  the whole chain (end against start): +")
    assert [line.strip().split(":")[0] for line in rest[3:5]] == [
        "widths (end against end without it)",
        "rates (end against end without it)",
    ]

    folder = someone.folder / "runs/sweeps/toy-sweep/latest-full"
    (won,) = json.loads((folder / "widths/winner.json").read_text())
    assert (won["axes"], won["incumbent"], won["seeds"]) == ({"width": 2}, {"width": 8}, [0, 1, 2])
    assert (won["metric"], won["mode"], won["rule"]) == ("val/loss@last", "min", "one-se")
    assert won["standard_error"] > 0
    assert [one["axes"] for one in won["contenders"]] == [{"width": 2}, {"width": 4}, {"width": 8}]
    assert (folder / "rates/winner.json").exists()
    assert "| widths | width: 8 -> 2 |" in (folder / "rates/table.md").read_text()
    assert "rates |" not in (folder / "widths/table.md").read_text()

    again = someone.submits()
    assert "27 trials: 0 run, 27 found" in again.stdout
    assert again.stdout.splitlines()[3:] == done.stdout.splitlines()[3:]
    assert chain_in(someone.types("table", "toy-sweep").stdout) == [
        header,
        widths,
        rates,
        *rest[:-1],
    ]  # less the report's place
    assert "winner: width=2 (seeds 0-2; beats" in someone.types("plan", str(someone.sweep)).stdout
    runs = someone.folder / "runs/sweeps/toy-sweep"
    assert len(list(runs.iterdir())) == 2  # one run and its pointer


def test_new_seeds_that_change_a_winner_are_told_and_the_recorded_one_can_be_kept(
    person: Callable[..., Person],
) -> None:
    best = {"metric": "val/loss@best", "rule": "best"}
    stages: dict[str, Any] = {
        "luck": {"config": {"role": "leader"}, "grid": {"batch": [4, 5, 6, 7]}, "select": best},
        "after": {"depends": "luck", "inherit": "luck", "grid": {"width": [2]}},
    }
    someone = person(stages, seeds="0")
    refused = someone.types("plan", str(someone.sweep), "--keep-winners")
    assert refused.returncode == os.EX_CONFIG
    assert "--keep-winners: no run of toy-sweep in its full form has recorded any" in refused.stderr
    assert someone.submits().returncode == 0
    first = winner_of(someone, "luck")

    tries = ["0", "0-1", "0-2", "0-3", "0-5", "0-9"]
    seeds = next(seeds for seeds in tries[1:] if other_winner(someone, seeds, first))
    before = tries[tries.index(seeds) - 1]
    told = someone.types("plan", str(someone.sweep), "--seeds", seeds).stdout
    second = winner_of(someone, "luck")
    line = (
        f"luck: the winner changes from batch={first['batch']} (seeds {before}) to "
        f"batch={second['batch']} (seeds {seeds}), so that 0 trials of after are to run"
    )
    assert line in told

    kept = someone.types("plan", str(someone.sweep), "--seeds", seeds, "--keep-winners").stdout
    assert f"winner: batch={first['batch']} (seeds {before}; kept as recorded)" in kept
    done = someone.submits("--seeds", seeds, "--keep-winners")
    assert done.returncode == 0, done.stderr
    assert winner_of(someone, "luck") == first
    assert "(kept by hand)" in done.stdout


def other_winner(someone: Person, seeds: str, first: Any) -> bool:
    """Run more seeds, and see whether another point wins; if so, that is told."""
    done = someone.submits("--seeds", seeds)
    assert done.returncode == 0, done.stderr
    changed = bool(winner_of(someone, "luck") != first)
    assert ("luck: the winner changes from" in done.stderr) == changed
    return changed


def winner_of(someone: Person, stage: str) -> Any:
    path = someone.folder / f"runs/sweeps/toy-sweep/latest-full/{stage}/winner.json"
    return json.loads(path.read_text())[0]["axes"]


def test_a_stage_of_which_every_trial_failed_ends_the_study_and_what_is_done_is_kept(
    person: Callable[..., Person],
) -> None:
    rates = {**STUDY["rates"], "config": {"mishap": "nan"}, "grid": {"rate": [0.02, 0.03]}}
    last = {"depends": "rates", "inherit": "rates", "grid": {"batch": [8]}}
    someone = person({"widths": STUDY["widths"], "rates": rates, "last": last}, seeds="0-1")
    diverging = someone.submits()
    assert diverging.returncode == 0, diverging.stderr  # the incumbent has its numbers, and stays
    assert "2 of 2 runs diverged" in json.dumps(json.loads(rates_of(someone)))

    broken = {**STUDY["widths"], "config": {"role": "leader", "mishap": "nan"}}
    other = {"config": {"role": "leader", "width": 3}}
    someone = person({"widths": broken, "rates": STUDY["rates"], "other": other}, "there", seeds="0-1")
    done = someone.submits()
    assert done.returncode == os.EX_UNAVAILABLE
    assert "widths: every trial failed: the sweep stops there, and what is done is kept" in done.stdout
    assert "stage widths has no winner: no point can win (width=2: 2 of 2 runs diverged" in done.stderr
    assert "so that rates cannot run" in done.stderr
    assert "(2/2)" in done.stdout
    assert "no winner: no point can win" in someone.types("plan", str(someone.sweep)).stdout


def rates_of(someone: Person) -> str:
    return (someone.folder / "runs/sweeps/toy-sweep/latest-full/rates/winner.json").read_text()


def test_a_selection_on_test_is_marked_wherever_it_shows(person: Callable[..., Person]) -> None:
    notes = {"metric": "test/loss@best", "rule": "best", "replicate": True}
    rates = {**STUDY["rates"], "select": SELECT}
    someone = person({"widths": {**STUDY["widths"], "select": notes}, "rates": rates}, seeds="0-1")
    done = someone.submits()
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout.count("selected on test, as the notes did") == 2
    )  # the shown stage, which inherits; the chain
    for stage in ("widths", "rates"):
        folder = someone.folder / f"runs/sweeps/toy-sweep/latest-full/{stage}"
        assert json.loads((folder / "plan.json").read_text())["replicate"] is True
        assert "selected on test, as the notes did" in (folder / "table.md").read_text()


def test_the_laptop_form_of_a_study_runs_and_confirms_on_its_own_seeds(person: Callable[..., Person]) -> None:
    laptop = {"all": {"config": {"steps": 6}, "seeds": "0-1"}, "rates": {"only": {"rate": [0.02]}}}
    someone = person(STUDY, laptop=laptop)
    done = someone.submits()
    assert done.returncode == 0, done.stderr
    assert "laptop form: steps 6; seeds 0-1; rates: rate 0.02 only" in done.stdout
    assert "Confirmed on seeds 7-9" in done.stdout
    folder = someone.folder / "runs/sweeps/toy-sweep/latest-laptop"
    trials = json.loads((folder / "again/plan.json").read_text())["trials"]
    assert {trial["config"]["steps"] for trial in trials} == {6}
    assert {trial["seed"] for trial in trials} == {7, 8, 9}
