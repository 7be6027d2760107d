"""Main effects of a screen: what each setting does, averaged over all others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any, Final

from seedbed.statistics import CONFIDENCE, pooled_spread
from seedbed.statistics.quantiles import student_t
from seedbed.sweep.points import flatten

Values = Mapping[int, float]
Signs = tuple[int, ...]

HALF: Final = 0.5 + CONFIDENCE / 2


@dataclass(frozen=True)
class Effect:
    """The mean with a setting at its second value less the mean with it at its first."""

    setting: str
    first: Any
    second: Any
    mean: float
    error: float
    """Its standard error."""

    half: float
    """Half the width of its 95% interval, by Student's t."""

    mixed: Sequence[str]
    """The interactions of two settings from which it cannot be told."""


@dataclass(frozen=True)
class Screen:
    """The main effects of a two-level design."""

    effects: Sequence[Effect]
    points: int
    seeds: int
    df: int
    """Degrees of freedom of the pooled residual."""

    mixed_pairs: bool
    """Whether interactions of two settings cannot be told from each other."""

    @property
    def aliasing(self) -> str:
        """What the design cannot tell apart, in a sentence."""
        every = 2 ** len(self.effects)
        if self.points == every:
            return f"All {every} combinations were run: no effect is mixed with another."
        lead = f"{self.points} of {every} combinations were run"
        if any(effect.mixed for effect in self.effects):
            return f"{lead}: main effects are mixed with interactions of two settings, as the table says."
        pairs = "those of two are mixed with each other" if self.mixed_pairs else "those of two stand apart"
        return f"{lead}: main effects are mixed with interactions of three settings or more only; {pairs}."


def screen(points: Sequence[tuple[Mapping[str, Any], Values]]) -> Screen | None:
    """The effects of the settings that differ, from each point's config and its values by seed.

    Effects are differences of means over half the points each; their standard error is 2 s / √N for N values with
    the pooled residual s of value ~ point + seed (Montgomery, Design and Analysis of Experiments, ch. 6). Only seeds
    that every point has count. None where the points are no two-level design: a setting with three values, two
    settings whose four combinations do not stand equally often, fewer than two settings, or no spread.
    """
    if not points:
        return None
    levels = _levels([flatten(config) for config, _ in points])
    seeds = set.intersection(*(set(values) for _, values in points))
    shared = {at: {seed: values[seed] for seed in seeds} for at, (_, values) in enumerate(points)}
    pooled = pooled_spread(shared) if seeds else None
    if levels is None or pooled is None:
        return None
    means = [fmean(values.values()) for values in shared.values()]
    error = 2 * pooled.sd / math.sqrt(len(points) * len(seeds))
    signs = {name: column for name, (_, _, column) in levels.items()}
    products = {
        f"{one} × {other}": _product(signs[one], signs[other]) for one, other in combinations(signs, 2)
    }
    effects = [
        Effect(
            name,
            first,
            second,
            2 * fmean(sign * mean for sign, mean in zip(column, means, strict=True)),
            error,
            student_t(HALF, pooled.df) * error,
            [
                pair
                for pair, product in products.items()
                if name not in pair.split(" × ") and _same(product, column)
            ],
        )
        for name, (first, second, column) in levels.items()
    ]
    mixed_pairs = any(_same(one, other) for one, other in combinations(products.values(), 2))
    return Screen(effects, len(points), len(seeds), pooled.df, mixed_pairs)


def _levels(configs: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Any, Any, Signs]] | None:
    """Each setting that differs: its first and second value, in the sweep's order, and -1 or +1 for each point.

    Settings that only some kinds of loss or start have follow from the kind, and are no settings of their own.
    """
    found = {}
    for name in configs[0]:
        if not all(name in config for config in configs):
            continue
        values = [config[name] for config in configs]
        distinct = [value for at, value in enumerate(values) if value not in values[:at]]
        if len(distinct) > 2:
            return None
        if len(distinct) == 2:
            found[name] = (*distinct, tuple(1 if value == distinct[1] else -1 for value in values))
    columns = [column for *_, column in found.values()]
    crossed = all(sum(_product(one, other)) == 0 for one, other in combinations(columns, 2))
    level = all(sum(column) == 0 for column in columns)
    return found if len(found) > 1 and level and crossed else None


def _product(one: Signs, other: Signs) -> Signs:
    return tuple(a * b for a, b in zip(one, other, strict=True))


def _same(one: Signs, other: Signs) -> bool:
    """Whether two columns are one, up to their sign."""
    return abs(sum(_product(one, other))) == len(one)
