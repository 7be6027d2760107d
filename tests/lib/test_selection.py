"""Which step is best: by validation, ties to the earliest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbed.selection import at_best_and_last, best_step

LOG = [
    {"step": 1, "val/f1": 0.5, "test/f1": 0.9},
    {"step": 2, "val/f1": 0.7, "test/f1": 0.6},
    {"step": 3, "val/f1": 0.7, "test/f1": 0.8},
]


def test_the_best_step_is_the_earliest_of_the_best_validation_values() -> None:
    metrics, best, last = at_best_and_last(LOG, ("val/f1", "max"))
    assert (best, last) == (2, 3)
    assert metrics == {"val/f1@best": 0.7, "test/f1@best": 0.6, "val/f1@last": 0.7, "test/f1@last": 0.8}
    assert best_step(LOG, ("val/f1", "min")) == 1
    assert best_step(LOG, None) == 3


@given(st.lists(st.floats(0, 1), min_size=1), st.sampled_from(["max", "min"]))
def test_no_test_value_can_move_the_choice(values: list[float], mode: str) -> None:
    log = [{"step": step, "val/f1": value} for step, value in enumerate(values)]
    told = [{**entry, "test/f1": 1 - entry["val/f1"]} for entry in log]
    rule = ("val/f1", mode)
    assert best_step(log, rule) == best_step(told, rule)  # type: ignore[arg-type]
    chosen = best_step(log, rule)  # type: ignore[arg-type]
    assert values[chosen or 0] == (max(values) if mode == "max" else min(values))
    assert chosen == values.index(values[chosen or 0])


def test_a_metric_that_was_never_logged_is_told() -> None:
    with pytest.raises(ValueError, match="val/acc was never logged"):
        at_best_and_last(LOG, ("val/acc", "max"))
