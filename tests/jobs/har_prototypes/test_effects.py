"""Main effects of two-level designs, on made-up numbers against what a hand reckons."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from jobs.har_prototypes.effects import Values, screen

Points = list[tuple[dict[str, Any], Values]]


def config(heads: int, batch: int, kind: str = "proto_nce") -> dict[str, Any]:
    own = {"temperature": 0.05} if kind == "proto_nce" else {"scale": 1.0}
    return {"heads": heads, "batch_size": batch, "epochs": 6, "contrast": {"kind": kind, **own}}


FULL: Points = [
    (config(4, 64), {0: 10.0, 1: 12.0}),
    (config(8, 64), {0: 14.0, 1: 16.0}),
    (config(4, 32), {0: 30.0, 1: 34.0}),
    (config(8, 32), {0: 38.0, 1: 38.0}),
]
"""Means 11, 15, 32, 38. Heads: (15 + 38 - 11 - 32) / 2 = 5; batch: (32 + 38 - 11 - 15) / 2 = 22.

Seeds differ by 2, 2, 4, 0, by 2 on average: residuals are ±half of 0, 0, 2, -2, their squares sum to 4 · 1 = 4 with
3 degrees of freedom; the error is 2 · √(4 / 3) / √8 = √(2 / 3).
"""


def test_effects_and_their_error_are_those_reckoned_by_hand() -> None:
    found = screen(FULL)
    assert found is not None
    assert [(one.setting, one.first, one.second) for one in found.effects] == [
        ("heads", 4, 8),
        ("batch_size", 64, 32),
    ]
    assert [one.mean for one in found.effects] == pytest.approx([5, 22])
    assert [one.error for one in found.effects] == pytest.approx([(2 / 3) ** 0.5] * 2)
    assert found.effects[0].half == pytest.approx(3.1824 * (2 / 3) ** 0.5, rel=1e-4)  # t of 3 df, 97.5%
    assert (found.points, found.seeds, found.df) == (4, 2, 3)
    assert found.aliasing == "All 4 combinations were run: no effect is mixed with another."


def half(generator: str) -> Points:
    """A half of the combinations of three or four settings; the last one is the product of the others."""
    names = ["heads", "batch_size", "kernel", "dim"][: len(generator) + 1]
    points: Points = []
    for signs in product((0, 1), repeat=len(generator)):
        last = sum(signs) % 2
        settings = dict(zip(names, (*signs, last), strict=True))
        points.append((settings, {0: float(sum(signs)), 1: 1.0 + last, 2: 0.5}))
    return points


def test_a_half_of_three_settings_mixes_each_with_the_other_two() -> None:
    found = screen(half("ab"))
    assert found is not None
    assert [list(one.mixed) for one in found.effects] == [
        ["batch_size × kernel"],
        ["heads × kernel"],
        ["heads × batch_size"],
    ]
    assert found.aliasing.startswith(
        "4 of 8 combinations were run: main effects are mixed with interactions of two"
    )


def test_a_half_of_four_settings_mixes_pairs_with_pairs() -> None:
    found = screen(half("abc"))
    assert found is not None
    assert [list(one.mixed) for one in found.effects] == [[]] * 4
    assert found.aliasing == (
        "8 of 16 combinations were run: main effects are mixed with interactions of three settings or more only; "
        "those of two are mixed with each other."
    )


def test_what_only_some_losses_have_is_no_setting_of_its_own() -> None:
    kinds = ("proto_nce", "barlow")
    points = [(config(heads, 32, kind), {0: 1.0 * heads, 1: 2.0}) for heads in (4, 8) for kind in kinds]
    found = screen(points)
    assert found is not None
    assert [one.setting for one in found.effects] == ["heads", "contrast.kind"]


def test_only_seeds_that_every_point_has_count() -> None:
    more: Points = [*FULL[:3], (FULL[3][0], {**FULL[3][1], 2: 99.0})]
    assert screen(more) == screen(FULL)


@pytest.mark.parametrize(
    "points",
    [
        [],
        FULL[:3],  # one of four combinations is missing
        FULL[:2],  # one setting
        [*FULL, (config(16, 32), {0: 1.0, 1: 2.0})],  # three values
        [(config, {0: values[0]}) for config, values in FULL],  # one seed: no spread
        [(config, {at % 2: 1.0}) for at, (config, _) in enumerate(FULL)],  # no seed in common
    ],
    ids=str,
)
def test_what_is_no_two_level_design_with_a_spread_has_no_effects(points: Points) -> None:
    assert screen(points) is None
