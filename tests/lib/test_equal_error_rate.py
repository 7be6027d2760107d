"""Equal error rate and its interval over identities: scikit-learn, known cases, and every resample of few people."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jobs.likeness import equal_error_rate  # type: ignore[import-untyped]
from scipy import stats

from seedbed.scores import SCORES, score_of_units
from seedbed.statistics import PairBlock, difference_over_units, drawn_over_units, unit_values
from seedbed.statistics.units import RESAMPLES_OF_PAIRS, _draws

(EER,) = SCORES["eer"]
fewer = settings(max_examples=60)
PEOPLE = "abcde"


def verification(people: int = 5, images: int = 2, seed: int = 0, decimals: int = 1) -> tuple[Any, Any, Any]:
    """All pairs (N, 2) of images, whether both are of one person, and how alike they are."""
    random = np.random.default_rng(seed)
    owners = np.repeat(np.arange(people), images)
    points = random.normal(size=(people, 3))[owners] + 0.9 * random.normal(size=(len(owners), 3))
    one, other = np.triu_indices(len(owners), 1)
    scores = -np.linalg.norm(points[one] - points[other], axis=1).round(decimals)
    pairs = np.stack([owners[one], owners[other]], axis=1).astype(str)
    return pairs, (owners[one] == owners[other]).astype(int), scores


def block_of(pairs: Any, genuine: Any, scores: Any) -> PairBlock:
    block = EER.block(pairs, genuine, scores)
    assert isinstance(block, PairBlock)
    return block


def of_everybody(genuine: Any, scores: Any) -> float:
    strangers = np.array([["a", "b"]] * len(genuine))
    return EER.of_all(EER.block(strangers, np.array(genuine), np.array(scores)))


@pytest.mark.parametrize(
    ("genuine", "scores", "expected"),
    [
        ([1, 1, 1, 0, 0, 0], [0.9, 0.6, 0.4, 0.5, 0.3, 0.1], 1 / 3),
        ([1, 1, 1, 1, 0, 0], [0.9, 0.8, 0.3, 0.2, 0.5, 0.1], 1 / 2),
        ([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1], 0.0),
        ([0, 0, 1, 1], [0.9, 0.8, 0.2, 0.1], 1.0),
        ([1, 0, 1, 0], [0.5, 0.5, 0.5, 0.5], 1 / 2),
        # One genuine below, then three impostors and one genuine at one score: 1/2 + t/2 refused, 1 - t let in.
        ([1, 1, 0, 0, 0], [0.1, 0.5, 0.5, 0.5, 0.5], 2 / 3),
    ],
    ids=["a third", "a half", "perfect", "upside down", "one score", "a tie across"],
)
def test_known_cases(genuine: list[int], scores: list[float], expected: float) -> None:
    assert of_everybody(genuine, scores) == pytest.approx(expected)


def test_without_impostors_or_without_genuine_pairs_there_is_none() -> None:
    assert math.isnan(of_everybody([1, 1], [0.5, 0.6]))
    assert math.isnan(of_everybody([0, 0], [0.5, 0.6]))


def test_two_normals_meet_where_they_should() -> None:
    random = np.random.default_rng(0)
    scores = np.concatenate([random.normal(1, 1, 200_000), random.normal(-1, 1, 200_000)])
    found = of_everybody(np.repeat([1, 0], 200_000), scores)
    assert found == pytest.approx(stats.norm.cdf(-1), abs=0.002)


@fewer
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=2, max_size=30))
def test_it_is_scikit_learns_and_knows_order_only(pairs: list[tuple[int, int]]) -> None:
    genuine, scores = (np.array(values) for values in zip(*pairs, strict=True))
    if len(set(genuine.tolist())) == 2:
        found = of_everybody(genuine, scores)
        assert found == pytest.approx(equal_error_rate(genuine, scores))
        assert of_everybody(genuine, np.exp(scores)) == pytest.approx(found)
        assert of_everybody(1 - genuine, -scores) == pytest.approx(found)


def test_a_draw_weighs_a_pair_by_both_of_its_people() -> None:
    pairs, genuine, scores = verification()
    draws = np.random.default_rng(1).multinomial(5, [0.2] * 5, size=40).astype(float)
    found = EER.value(block_of(pairs, genuine, scores).drawn(draws))
    for times, one in zip(draws, found, strict=True):
        a, b = times[pairs[:, 0].astype(int)], times[pairs[:, 1].astype(int)]
        weights = np.where(genuine == 1, a, a * b)
        if weights[genuine == 0].sum():
            assert one == pytest.approx(equal_error_rate(genuine, scores, weights))
        else:
            assert math.isnan(one)


def test_a_person_drawn_twice_is_two_strangers() -> None:
    """The product is what one gets by copying people, without pairs of a person and its own copy."""
    pairs, genuine, scores = verification()
    drawn = [0, 0, 2, 3, 3]
    copies = [
        row
        for one, other in itertools.combinations_with_replacement(range(len(drawn)), 2)
        for row, (a, b) in enumerate(pairs.astype(int).tolist())
        if (one == other or drawn[one] != drawn[other])
        and sorted((drawn[one], drawn[other])) == sorted((a, b))
        if (a == b) == (one == other)
    ]
    times = np.bincount(drawn, minlength=5)[None].astype(float)
    (found,) = EER.value(block_of(pairs, genuine, scores).drawn(times))
    assert found == pytest.approx(equal_error_rate(genuine[copies], scores[copies]))


def test_the_interval_is_that_of_every_resample_there_is() -> None:
    pairs, genuine, scores = verification(images=4, decimals=3)
    block = block_of(pairs, genuine, scores)
    found = drawn_over_units([block], EER.value)
    every = np.array(
        [np.bincount(drawn, minlength=5) for drawn in itertools.product(range(5), repeat=5)], dtype=float
    )
    values = EER.value(block.drawn(every))
    values = np.sort(values[np.isfinite(values)])
    tail = stats.norm.cdf(-math.sqrt(5 / 4) * stats.t.ppf(0.975, 4))
    assert found is not None
    assert found.mean == pytest.approx(equal_error_rate(genuine, scores))
    assert found.n == 5
    for end, at in ((found.low, tail), (found.high, 1 - tail)):
        assert end is not None
        # So far out the ends of 1,000 draws and of all 3,125 are a few values apart.
        near = np.quantile(values, [max(0.0, at - 0.005), min(1.0, at + 0.005)])
        assert near[0] - 1e-9 <= end <= near[1] + 1e-9


def test_draws_in_parts_are_the_same_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    block = block_of(*verification(people=8))
    whole = drawn_over_units([block, block], EER.value)
    monkeypatch.setattr("seedbed.statistics.units.AT_ONCE", 7 * len(block.members))
    assert drawn_over_units([block, block], EER.value) == whole


def test_a_difference_draws_the_same_people_on_both_sides() -> None:
    pairs, genuine, scores = verification(people=8)
    block = block_of(pairs, genuine, scores)
    same = difference_over_units([(block, block_of(pairs, genuine, np.exp(scores)))], EER.value)
    assert same is not None
    assert same.mean == pytest.approx(0)
    assert same.low is same.high is None, "the same in every draw"
    other = block_of(pairs, genuine, scores + np.where(genuine == 1, 0.3, 0.0))
    better = difference_over_units([(other, block)], EER.value)
    draws = _draws(8)[:RESAMPLES_OF_PAIRS]
    gained = EER.value(other.drawn(draws)) - EER.value(block.drawn(draws))
    assert better is not None
    assert better.mean < 0
    tail = stats.norm.cdf(-math.sqrt(8 / 7) * stats.t.ppf(0.975, 7))
    expected = np.quantile(gained[np.isfinite(gained)], [tail, 1 - tail])
    assert (better.low, better.high) == pytest.approx(tuple(expected))


def test_four_people_have_no_interval() -> None:
    found = drawn_over_units([block_of(*verification(people=4))], EER.value)
    assert found is not None
    assert (found.low, found.high, found.n) == (None, None, 4)
    assert drawn_over_units([], EER.value) is None


def test_the_order_of_pairs_and_in_a_pair_does_not_matter() -> None:
    pairs, genuine, scores = verification(people=6)
    expected = drawn_over_units([block_of(pairs, genuine, scores)], EER.value)
    order = np.random.default_rng(0).permutation(len(scores))
    moved = drawn_over_units([block_of(pairs[order][:, ::-1], genuine[order], scores[order])], EER.value)
    assert expected is not None
    assert moved is not None
    assert (moved.mean, moved.low, moved.high) == pytest.approx((expected.mean, expected.low, expected.high))


def test_a_score_of_units_averages_runs_first_and_counts_units_alike() -> None:
    def right(targets: Any, run: Any) -> float:
        return float(np.mean(targets == run))

    score = score_of_units(right)
    units, targets = np.array(["x", "y", "y", "y", "y"]), np.array([1, 1, 1, 1, 1])
    outputs = np.array([[1, 0], [1, 1], [1, 1], [1, 0], [0, 0]])
    block = score.block(units, targets, outputs)
    assert unit_values([block], score.value) == pytest.approx({"x": 0.5, "y": 0.625})  # type: ignore[list-item]
    assert score.of_all(block) == pytest.approx((0.5 + 0.625) / 2)
    assert score.of_all(score.block(units, targets, outputs[:, 0])) == pytest.approx((1 + 0.75) / 2)
