"""Pictures of this family: drawn from what real trials left, with the data behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from jobs.har_prototypes import family, figures
from seedbed.results import Result, read_file
from seedbed.store import Store, open_store
from tests.jobs.har_prototypes.trials import planned
from tests.lib.trials import run


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(str(tmp_path_factory.mktemp("pictures") / "runs"))


@pytest.fixture(scope="module")
def results(store: Store) -> Mapping[str, Result]:
    """Two points, one of them with two seeds, each trial with where it stands."""
    points: dict[str, list[tuple[int, dict[str, Any]]]] = {
        "plain": [(0, {}), (1, {})],
        "bn": [(0, {"contrast": {"kind": "proto_nce", "projection": "bn"}})],
    }
    return {
        f"{name} {seed}": run(store, replace(planned(seed, epochs=1, **settings), axes={"made": "elsewhere"}))
        for name, trials in points.items()
        for seed, settings in trials
    }


def stage(results: Mapping[str, Result]) -> Any:
    """As a collected stage holds its trials; the last one has no result yet.

    Results know where their trials stand in the sweep that made them first, the record where they stand in this one.
    """
    trials = [
        SimpleNamespace(id=result.trial, seed=result.seed, axes={"projection": name.split()[0]})
        for name, result in results.items()
    ]
    to_come = SimpleNamespace(id="to come", seed=2, axes={"projection": "plain"})
    states = {result.trial: SimpleNamespace(result=result) for result in results.values()}
    return SimpleNamespace(
        record=SimpleNamespace(stage="steps", trials=[*trials, to_come]),
        states={**states, "to come": SimpleNamespace(result=None)},
    )


class Left:
    def __init__(self, store: Store) -> None:
        self.store = store

    def read(self, result: Result, name: str) -> bytes | None:
        return read_file(self.store, f"trials/{result.family}/{result.trial}", result, name)


def test_points_have_their_seeds_in_order(results: Mapping[str, Result]) -> None:
    found = figures.points(stage(results))
    assert {name: [result.seed for result in of_point] for name, of_point in found.items()} == {
        "projection=plain": [0, 1],
        "projection=bn": [0],
    }


def test_cost_is_shown_for_each_point(results: Mapping[str, Result], store: Store) -> None:
    figure, data = family.figures["Cost"](stage(results), Left(store))
    assert figure is not None
    assert set(data["point"]) == {"projection=plain", "projection=bn"}
    sizes = dict(zip(data["point"], data["parameters"], strict=True))
    assert sizes["projection=bn"] - sizes["projection=plain"] == 2 * 16, (
        "batch normalisation has two for each feature"
    )
    took = data["ms, measured while this page was made"]
    assert all(0 < one < 1000 and one == round(one, 2) for one in took)
    plain = np.mean([results[f"plain {seed}"].metrics["test/f1@best"] for seed in (0, 1)])
    assert dict(zip(data["point"], data["test F1 (%)"], strict=True))["projection=plain"] == round(
        100 * plain, 1
    )


@pytest.fixture(scope="module")
def screened(results: Mapping[str, Result]) -> Mapping[str, Result]:
    """Two settings crossed, two seeds, with figures made up."""
    like = results["plain 0"]
    return {
        f"{heads}-{batch} {seed}": like.model_copy(
            update={
                "trial": f"{heads}-{batch}-{seed}",
                "seed": seed,
                "config": {**like.config, "heads": heads, "batch_size": batch},
                "metrics": {"test/f1@best": (heads + 20 * (batch == 12) + seed * (heads == 8)) / 100},
            }
        )
        for heads in (4, 8)
        for batch in (24, 12)
        for seed in (0, 1)
    }


def test_effects_of_a_screen_are_shown_in_points(screened: Mapping[str, Result], store: Store) -> None:
    figure, data = family.figures["Main effects"](stage(screened), Left(store))
    assert figure is not None
    # Heads 8: 8 and 9 by seed, 4: 4 and 4, so +4.5; residuals ±0.25 in all eight, 8 / 16 over 3 df.
    assert data == {
        "setting": ["heads", "batch_size"],
        "from": ["4", "24"],
        "to": ["8", "12"],
        "effect (points)": [4.5, 20.0],
        "standard error": [0.3, 0.3],  # 2 · √(1 / 6) / √8 = 0.289
        "mixed with": ["none of two", "none of two"],
    }
    assert "All 4 combinations were run" in figure.get_suptitle()
    three_of_four = {name: result for name, result in screened.items() if not name.startswith("8-12")}
    assert family.figures["Main effects"](stage(three_of_four), Left(store)) == (None, {})


def test_features_are_shown_beside_the_signals(results: Mapping[str, Result], store: Store) -> None:
    figure, data = family.figures["Features (t-SNE)"](stage(results), Left(store))
    assert figure is not None
    panels = list(dict.fromkeys(data["panel"]))
    assert panels == ["signals", "projection=plain · seed 0", "projection=bn · seed 0"]
    assert len(data["x"]) == 3 * 72
    assert set(data["class"]) == set(range(6))
    assert np.isfinite([*data["x"], *data["y"]]).all()


def test_without_results_or_a_projection_to_compare_there_is_no_picture(
    results: Mapping[str, Result], store: Store
) -> None:
    assert family.figures["Cost"](stage({}), Left(store)) == (None, {})
    alike = {name: result for name, result in results.items() if name.startswith("plain")}
    assert family.figures["Features (t-SNE)"](stage(alike), Left(store)) == (None, {})


def test_prototypes_of_another_width_are_left_out() -> None:
    rng = np.random.default_rng(0)
    arrays = {"features": rng.standard_normal((12, 4)), "prototypes": np.eye(4)[:3]}
    assert [len(part) for part in figures.embedded(arrays)] == [12, 3]
    arrays["prototypes"] = np.eye(2)
    assert [len(part) for part in figures.embedded(arrays)] == [12, 0]
