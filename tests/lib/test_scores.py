"""Metrics made again from predictions: scikit-learn's, for all samples, for some, and from logits or guesses."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from seedbed.scores import SCORES, Score


def f1(average: str) -> Any:
    return partial(f1_score, average=average, zero_division=0)


ORACLES: dict[str, tuple[Score, Any]] = {
    "accuracy": (SCORES["accuracy"][0], accuracy_score),
    "macro_f1": (SCORES["macro_f1"][0], f1("macro")),
    "f1, weighted": (SCORES["f1"][0], f1("weighted")),
    "f1, macro": (SCORES["f1"][1], f1("macro")),
}
pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30)


@pytest.mark.parametrize("name", ORACLES)
@settings(max_examples=60)
@given(pairs=pairs)
def test_a_score_of_all_samples_is_scikit_learns(name: str, pairs: list[tuple[int, int]]) -> None:
    targets, guesses = map(np.array, zip(*pairs, strict=True))
    score, oracle = ORACLES[name]
    expected = oracle(targets, guesses)
    assert score.value(score.tally(targets, guesses).sum(axis=0)) == pytest.approx(expected)
    assert score.value(score.tally(targets, np.eye(5)[guesses]).sum(axis=0)) == pytest.approx(expected)


@pytest.mark.parametrize("name", ORACLES)
def test_a_score_of_some_samples_is_that_of_these_alone(name: str) -> None:
    targets, guesses = np.array([0, 0, 1, 2, 2, 1]), np.array([0, 1, 1, 2, 0, 1])
    (score, oracle), some = ORACLES[name], [0, 2, 4, 4]
    made = score.value(score.tally(targets, guesses)[some].sum(axis=0))
    assert made == pytest.approx(oracle(targets[some], guesses[some]))


def test_words_can_be_classes() -> None:
    (score,) = SCORES["macro_f1"]
    targets, guesses = np.array(["walk", "run", "run"]), np.array(["walk", "walk", "run"])
    assert score.value(score.tally(targets, guesses).sum(axis=0)) == pytest.approx(2 / 3)


def test_a_score_of_several_draws_at_once_is_that_of_each() -> None:
    (score,) = SCORES["accuracy"]
    tallies = score.tally(np.array([1, 1, 0]), np.array([1, 0, 0]))
    draws = np.array([[1.0, 1, 1], [3, 0, 0], [0, 2, 1]])
    assert score.value(draws @ tallies) == pytest.approx([2 / 3, 1, 1 / 3])
