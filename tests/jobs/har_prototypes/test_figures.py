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
        f"{name} {seed}": run(store, replace(planned(seed, epochs=1, **settings), axes={"projection": name}))
        for name, trials in points.items()
        for seed, settings in trials
    }


def stage(results: Mapping[str, Result]) -> Any:
    """As a collected stage holds its trials; the last one has no result yet."""
    states = {name: SimpleNamespace(result=result) for name, result in results.items()}
    return SimpleNamespace(
        record=SimpleNamespace(stage="steps"), states={**states, "to come": SimpleNamespace(result=None)}
    )


class Left:
    def __init__(self, store: Store) -> None:
        self.store = store

    def read(self, result: Result, name: str) -> bytes | None:
        return read_file(self.store, f"trials/{result.family}/{result.trial}", result, name)


def test_points_have_their_seeds_in_order(results: Mapping[str, Result]) -> None:
    found = figures.points(stage(results))
    assert {name: [result.seed for result in of_point] for name, of_point in found.items()} == {
        "projection plain": [0, 1],
        "projection bn": [0],
    }


def test_cost_is_shown_for_each_point(results: Mapping[str, Result], store: Store) -> None:
    figure, data = family.figures["Cost"](stage(results), Left(store))
    assert figure is not None
    assert set(data["point"]) == {"projection plain", "projection bn"}
    sizes = dict(zip(data["point"], data["parameters"], strict=True))
    assert sizes["projection bn"] - sizes["projection plain"] == 2 * 16, (
        "batch normalisation has two for each feature"
    )
    assert all(0 < took < 1000 for took in data["ms"])
    plain = np.mean([results[f"plain {seed}"].metrics["test/f1@best"] for seed in (0, 1)])
    assert dict(zip(data["point"], data["test f1"], strict=True))["projection plain"] == pytest.approx(plain)


def test_features_are_shown_beside_the_signals(results: Mapping[str, Result], store: Store) -> None:
    figure, data = family.figures["Features (t-SNE)"](stage(results), Left(store))
    assert figure is not None
    panels = list(dict.fromkeys(data["panel"]))
    assert panels == ["signals", "projection plain · seed 0", "projection bn · seed 0"]
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
