"""How much a study gains that has nothing to gain: eight steps of four equal options, three seeds.

    python -m tests.bench.selection

All options are the same model, so that each gain is luck of the seeds, which selection takes for progress. Runs
scatter by one point between seeds, on validation and on test alike, correlated by one half. For each rule: what the
notes would report at the end (the mean on test of the last winner less that of the start, on the seeds that
selected), and what the same two gain on fresh seeds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.planning import PlannedTrial
from seedbed.planning.winners import choose
from seedbed.sweep.ordered import SelectPlan

STEPS, OPTIONS, SEEDS, STUDIES = 8, 4, 3, 200
CORRELATION = 0.5
"""Between validation and test of one run."""

Runs = NDArray[np.float64]
"""Validation and test of each seed of one option (SEEDS, 2), in points."""


def main() -> None:
    print(
        f"{STEPS} steps, {OPTIONS} equal options, {SEEDS} seeds; points of test ± standard error of {STUDIES} studies"
    )
    random = np.random.default_rng(0)
    for metric in ("val/f1@best", "test/f1@best"):
        for rule in ("best", "one-se"):
            found = np.array([study(rule, metric, random) for _ in range(STUDIES)])
            (gain, fresh, kept), (error, fresh_error, _) = found.mean(0), found.std(0) / STUDIES**0.5
            print(
                f"{metric:13} {rule:7} on the selecting seeds {gain:+.2f} ± {error:.2f}, on fresh ones {fresh:+.2f} ± "
                f"{fresh_error:.2f}; {kept:.1f} steps kept"
            )


def study(rule: Any, metric: str, random: np.random.Generator) -> tuple[float, float, int]:
    """What one study gains on the seeds that selected, and on fresh ones; how many steps it kept."""
    select = SelectPlan(metric=metric, rule=rule, replicate=metric.startswith("test/"))
    start = incumbent = runs(random)
    kept = 0
    for _ in range(STEPS):
        options = [incumbent, *(runs(random) for _ in range(OPTIONS - 1))]
        winner = winner_among(options, select)
        kept += winner > 0
        incumbent = options[winner]
    fresh = runs(random)[:, 1].mean() - runs(random)[:, 1].mean()
    return float(incumbent[:, 1].mean() - start[:, 1].mean()), float(fresh), kept


def winner_among(options: list[Runs], select: SelectPlan) -> int:
    """The number of the option that wins against the first one, by the rule that sweeps use."""

    def metrics_of(trial: PlannedTrial) -> dict[str, float]:
        validation, test = options[int(trial.axes["option"])][trial.seed]
        return {"val/f1@best": float(validation), "test/f1@best": float(test)}

    trials = [
        PlannedTrial(f"{option}-{seed}", "", "", 1, {}, seed, {"option": option}, "")
        for option in range(len(options))
        for seed in range(SEEDS)
    ]
    chosen = choose(select, True, trials, (), [{"option": 0}], metrics_of)
    assert chosen is not None
    return int(chosen[0].axes["option"])


def runs(random: np.random.Generator) -> Runs:
    return random.multivariate_normal([0, 0], [[1, CORRELATION], [CORRELATION, 1]], SEEDS)


if __name__ == "__main__":
    main()
