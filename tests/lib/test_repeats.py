"""Repeats differ in what the seed decides and in nothing else, and whoever reads the results can see it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seedbed.repeats import complaints
from seedbed.results import Result
from seedbed.store import Store, open_store
from tests.lib.trials import run, toy


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "runs"))


@pytest.fixture
def repeats(store: Store) -> list[Result]:
    return [run(store, toy(seed=seed)) for seed in range(3)]


def told(results: list[Result], label: str = "alpha=0.1") -> list[str]:
    return list(complaints({label: results}))


def test_honest_repeats_are_not_complained_about(repeats: list[Result]) -> None:
    assert all(result.initial_weights and result.streams["first batch"] for result in repeats)
    assert told(repeats) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"initial_weights": "same"}, "seeds 0, 1 and 2 of alpha=0.1 start from the same weights."),
        (
            {"streams": {"first batch": "x"}},
            "seeds 0, 1 and 2 of alpha=0.1 see the same first batch, as repeats do only where there are few.",
        ),
        ({"streams": {"order": "x"}}, "seeds 0, 1 and 2 of alpha=0.1 share the stream order."),
        ({"seed": 1}, "seed 1 of alpha=0.1 is there twice."),
    ],
)
def test_what_repeats_should_not_share_is_told(
    repeats: list[Result], change: dict[str, Any], complaint: str
) -> None:
    assert told([result.model_copy(update=change) for result in repeats]) == [complaint]


def test_a_split_that_depends_on_the_seed_is_told(repeats: list[Result]) -> None:
    other = repeats[1].model_copy(update={"split": {**repeats[1].split, "hash": "other"}})
    assert told([repeats[0], other], label="") == ["seeds 0 and 1 have different splits."]


def test_only_the_seeds_that_share_something_are_named(repeats: list[Result]) -> None:
    copy = repeats[2].model_copy(update={"initial_weights": repeats[0].initial_weights})
    assert told([*repeats[:2], copy]) == ["seeds 0 and 2 of alpha=0.1 start from the same weights."]


def test_points_are_held_apart_and_old_results_are_not_complained_about(repeats: list[Result]) -> None:
    assert list(complaints({"a": repeats[:1], "b": repeats[:1]})) == []
    old = [result.model_copy(update={"initial_weights": "", "streams": {}}) for result in repeats]
    assert told(old) == []


def test_two_trials_with_the_same_seed_and_config_give_the_same_bits(store: Store, tmp_path: Path) -> None:
    again = open_store(str(tmp_path / "again"))
    one, other = run(store, toy()), run(again, toy())
    assert one.files == other.files
    for name in ("metrics", "log_digest", "streams", "initial_weights", "events", "split"):
        assert getattr(one, name) == getattr(other, name), name


def test_points_with_one_seed_start_from_the_same_weights_and_batches(store: Store) -> None:
    one, other, reseeded = run(store, toy()), run(store, toy(rate=0.02)), run(store, toy(seed=1, rate=0.02))
    assert (one.initial_weights, one.streams) == (other.initial_weights, other.streams)
    assert one.initial_weights != reseeded.initial_weights
    assert not set(one.streams.values()) & set(reseeded.streams.values())
