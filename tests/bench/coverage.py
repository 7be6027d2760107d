"""How often each interval holds the truth that it speaks of, simulated; and how far the naive one falls short.

python -m tests.bench.coverage
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from seedbed.scores import SCORES
from seedbed.statistics import (
    Block,
    difference_over_units,
    drawn_over_units,
    interval_over_seeds,
    not_distinguishable_from_best,
    over_units,
    pair_block,
    paired_difference,
    pooled_spread,
    unit_values,
)
from tests.bench._timing import Line, show

Array = NDArray[np.float64]

SUBJECTS, SEEDS = 9, 3
SUBJECT_SD, SEED_SD = 0.05, 0.025
"""Of accuracy: subjects differ by five points, seeds of one subject by two and a half."""

TRUTH = 0.8

(EER,) = SCORES["eer"]
IMAGES = 4
"""Of each identity, all pairs of which are asked."""

FEATURES, NOISE = 6, 0.75
"""Of a face, with people of sd 1: how many there are, and how far the images of a person of the usual kind lie apart.
Some people vary more than others: by a factor exp of a normal of sd 0.4."""


def main() -> None:
    show("coverage of 95% intervals", _lines())


def _lines() -> Iterator[Line]:
    yield _line("over seeds, 3 seeds", _over_seeds(20_000))
    yield _line("difference over seeds, pooled spread", _pooled(4_000))
    yield _line("  each point's own spread", _pooled(4_000, own=True))
    yield _line("best of 6 alike: all found alike", _tukey(2_000))
    yield _line("over units, 9 subjects × 3 seeds", _over_units(20_000))
    yield _line("  naive, 27 values pooled", _over_units(20_000, naive=True), at_least=None)
    new_runs = "  of new runs too, a network serving all subjects"
    yield _line(new_runs, _over_units(20_000, shared=True), at_least=None)
    yield _line("  the same of a difference", _differences(1_500, shared=True)["expanded"], at_least=None)
    for skewed in (False, True):
        found = _differences(1_500, skewed=skewed)
        what = "difference over 9 skewed units" if skewed else "difference over 9 units"
        yield _line(what, found["expanded"], at_least=None if skewed else 0.93)
        yield _line("  plain percentile bootstrap", found["percentile"], at_least=None)
        yield _line("  Student's t", found["t"], at_least=None)
        yield _line("  naive, 27 pairs", found["naive"], at_least=None)
    generator = np.random.default_rng(5)
    truth = float(np.mean([_rate(*_verification(generator, 300)[1:]) for _ in range(8)]))
    for people, rounds in ((10, 500), (20, 300)):
        found = _identities(people, rounds, truth)
        yield _line(f"equal error rate, {people} identities drawn", found["identities"], at_least=None)
        yield _line("  naive, pairs drawn", found["pairs"], at_least=None)


def _line(what: str, held: float, at_least: float | None = 0.93) -> Line:
    goal = "" if at_least is None else f"≥ {at_least:.0%}"
    return Line(what, f"{held:.1%}", goal, None if at_least is None else held >= at_least)


def _people(generator: np.random.Generator, *, skewed: bool = False, shared: bool = False) -> Array:
    """(subjects, seeds): what each subject is like, and what each seed adds to it, or to all of them alike."""
    if skewed:  # a few hard people: exponential, moved to a mean of zero
        effects = SUBJECT_SD * (1 - generator.exponential(size=(SUBJECTS, 1)))
    else:
        effects = generator.normal(scale=SUBJECT_SD, size=(SUBJECTS, 1))
    return TRUTH + effects + generator.normal(scale=SEED_SD, size=(1 if shared else SUBJECTS, SEEDS))


def _over_seeds(rounds: int) -> float:
    generator, held = np.random.default_rng(0), 0
    for _ in range(rounds):
        found = interval_over_seeds(generator.normal(TRUTH, SEED_SD, size=SEEDS).tolist())
        assert found is not None
        held += found.low <= TRUTH <= found.high
    return held / rounds


def _pooled(rounds: int, *, own: bool = False) -> float:
    generator, held = np.random.default_rng(1), 0
    for _ in range(rounds):
        values = _grid(generator)
        found = paired_difference(values["0"], values["1"], None if own else pooled_spread(values))
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0 <= found.high
    return held / rounds


def _tukey(rounds: int) -> float:
    generator, held = np.random.default_rng(2), 0
    for _ in range(rounds):
        values = _grid(generator)
        pooled = pooled_spread(values)
        assert pooled is not None
        best = max(values, key=lambda point: sum(values[point].values()))
        held += len(not_distinguishable_from_best(values, best, pooled)) == len(values) - 1
    return held / rounds


def _grid(generator: np.random.Generator, points: int = 6) -> dict[str, dict[int, float]]:
    """Points that do not differ, on seeds that do."""
    seeds = generator.normal(scale=SEED_SD, size=SEEDS)
    noise = generator.normal(scale=SEED_SD, size=(points, SEEDS))
    return {str(at): dict(enumerate((TRUTH + seeds + row).tolist())) for at, row in enumerate(noise)}


def _over_units(rounds: int, *, naive: bool = False, shared: bool = False) -> float:
    generator, held = np.random.default_rng(3), 0
    for _ in range(rounds):
        values = _people(generator, shared=shared)
        if naive:
            one = interval_over_seeds(values.ravel().tolist())
            assert one is not None
            held += one.low <= TRUTH <= one.high
            continue
        found = over_units({str(at): float(row.mean()) for at, row in enumerate(values)})
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        held += found.low <= TRUTH <= found.high
    return held / rounds


def _differences(rounds: int, *, skewed: bool = False, shared: bool = False) -> dict[str, float]:
    """Two methods on the same people, each better on some of them; on average the second by nothing."""
    generator = np.random.default_rng(4)
    held = dict.fromkeys(("expanded", "percentile", "t", "naive"), 0)
    for _ in range(rounds):
        theirs = _people(generator, shared=shared)
        ours = theirs + _people(generator, skewed=skewed, shared=shared) - TRUTH
        found = difference_over_units(
            [(_block(ours[:, seed]), _block(theirs[:, seed])) for seed in range(SEEDS)], _value
        )
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        held["expanded"] += found.low <= 0 <= found.high
        of_each = unit_values([_block(row) for row in (ours - theirs).T], _value)
        gains = np.array(list(of_each.values()))
        draws = generator.choice(gains, size=(1_000, SUBJECTS)).mean(axis=1)
        low, high = np.quantile(draws, [0.025, 0.975])
        held["percentile"] += low <= 0 <= high
        held["t"] += abs(gains.mean()) <= stats.t.ppf(0.975, SUBJECTS - 1) * stats.sem(gains)
        pairs = (ours - theirs).ravel()
        held["naive"] += abs(pairs.mean()) <= stats.t.ppf(0.975, len(pairs) - 1) * pairs.std(
            ddof=1
        ) / math.sqrt(len(pairs))
    return {what: count / rounds for what, count in held.items()}


def _block(values: Array) -> Block:
    """Subjects of one sample each, of that value."""
    return Block(tuple(map(str, range(len(values)))), np.stack([values, np.ones(len(values))], axis=1))


def _value(tallies: Array) -> Array:
    return np.asarray(tallies[..., 0] / tallies[..., 1])


def _verification(generator: np.random.Generator, people: int) -> tuple[NDArray[np.int_], Array, Array]:
    """(N, 2) identities of each pair of images, (N, 2) whether it is genuine or not, (N,) how alike they are."""
    owners = np.repeat(np.arange(people), IMAGES)
    varies = NOISE * np.exp(0.4 * generator.normal(size=(people, 1)))
    images = generator.normal(size=(people, FEATURES))[owners]
    images += varies[owners] * generator.normal(size=images.shape)
    one, other = np.triu_indices(len(owners), 1)
    scores = -np.linalg.norm(images[one] - images[other], axis=1)
    genuine = owners[one] == owners[other]
    return np.stack([owners[one], owners[other]], 1), np.stack([genuine, ~genuine], 1).astype(float), scores


def _rate(tallies: Array, scores: Array) -> float:
    return float(EER.value(tallies[np.argsort(scores)]))


def _identities(people: int, rounds: int, truth: float) -> dict[str, float]:
    """How often an interval over identities, and one over pairs as if each stood alone, holds the true rate."""
    generator, held = np.random.default_rng(6), dict.fromkeys(("identities", "pairs"), 0)
    for _ in range(rounds):
        pairs, tallies, scores = _verification(generator, people)
        found = drawn_over_units([pair_block(pairs.astype(str), tallies, scores)], EER.value)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        held["identities"] += found.low <= truth <= found.high
        order = np.argsort(scores)
        times = generator.multinomial(len(scores), np.full(len(scores), 1 / len(scores)), size=200)
        low, high = np.quantile(EER.value(times[:, :, None] * tallies[order]), [0.025, 0.975])
        held["pairs"] += low <= truth <= high
    return {what: count / rounds for what, count in held.items()}


if __name__ == "__main__":
    main()
