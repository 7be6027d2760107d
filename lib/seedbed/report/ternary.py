"""A figure for three weights that sum to one: a triangle in which every point stands at its weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from seedbed.report.charts import Figure
from seedbed.report.drawing import Dot, Line, Plot, Word
from seedbed.report.points import Point, TableView
from seedbed.tables.wording import metric_name, number

FEWEST = 4
"""Fewer places in the triangle show nothing that the table does not."""

WIDE, HIGH, SIDE = 440.0, 400.0, 360.0


def ternary(view: TableView) -> Figure | None:
    """Means at their weights, larger dots for better ones; None where no setting is three weights.

    The setting is one that every point has with the same three names, and whose values sum to one.
    """
    points = [point for point in view.points if point.own and point.cell.mean is not None and point.trials]
    found = _weights(points)
    if found is None:
        return None
    setting, names = found
    table = view.table
    means = [point.cell.mean or 0.0 for point in points]
    low, span = min(means), (max(means) - min(means)) or 1.0
    dots, words = [], []
    for point, mean in zip(points, means, strict=True):
        weights = point.trials[0].planned.config[setting]
        x, y = _place([weights[name] for name in names])
        share = (mean - low) / span
        radius = 3 + 5 * (share if table.higher_is_better else 1 - share)
        dots.append(Dot("mean c0", x, y, radius, f"{point.name}: {number(table, mean)}"))
        words.append(Word(x + radius + 4, y + 4, number(table, mean)))
    corners = [_place([float(at == corner) for at in range(3)]) for corner in range(3)]
    named = [
        Word(x, y + (-16 if at == 2 else 24), f"{names[at]} 1", "middle") for at, (x, y) in enumerate(corners)
    ]
    plot = Plot(
        title=f"{metric_name(table.metric)} over {setting} ({', '.join(names)})",
        description="; ".join(dot.told for dot in dots),
        width=WIDE,
        height=HIGH,
        left=0,
        top=0,
        right=WIDE,
        bottom=HIGH,
        x_label="",
        y_label="",
        x_ticks=[],
        y_ticks=[],
        lines=[Line.through("side", [*corners, corners[0]])],
        dots=dots,
        words=[*words, *named],
    )
    return Figure(plot, "Each point stands at its three weights; the larger its dot, the better its mean.")


def _weights(points: Sequence[Point]) -> tuple[str, list[str]] | None:
    """The setting that is three weights in all points, and their names."""
    configs = [point.trials[0].planned.config for point in points]
    for setting in configs[0] if configs else ():
        triples = [
            value
            for config in configs
            if isinstance(value := config.get(setting), Mapping) and _is_triple(value)
        ]
        names = {tuple(sorted(value)) for value in triples}
        places = {tuple(sorted(value.items())) for value in triples}
        if len(triples) == len(configs) and len(names) == 1 and len(places) >= FEWEST:
            return setting, list(names.pop())
    return None


def _is_triple(value: Mapping[str, object]) -> bool:
    parts = [part for part in value.values() if isinstance(part, int | float) and part >= 0]
    return len(value) == len(parts) == 3 and math.isclose(sum(parts), 1, abs_tol=1e-6)


def _place(weights: Sequence[float]) -> tuple[float, float]:
    """Barycentric coordinates in the triangle: the first weight's corner left, the second's right, the third's top."""
    height = SIDE * math.sqrt(3) / 2
    left, bottom = (WIDE - SIDE) / 2, (HIGH + height) / 2
    return left + SIDE * (weights[1] + weights[2] / 2), bottom - height * weights[2]
