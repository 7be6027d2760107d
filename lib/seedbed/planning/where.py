"""Which point of a stage is meant: by its axes, or by its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seedbed.errors import InvalidSweep, did_you_mean
from seedbed.planning.model import PlannedPoint, PlannedStage, axes_in_words
from seedbed.sweep import Sweep
from seedbed.sweep.part import Scalar
from seedbed.sweep.points import flatten


def the_point(
    planned: PlannedStage, where: Mapping[str, Scalar], place: str, beside: Mapping[str, Scalar] | None = None
) -> PlannedPoint:
    """The one point of a stage that `where` leaves; refuses none and several.

    `beside` are the axes of the point that asks: what both run over is joined by itself.
    """
    joined = {axis: value for axis, value in (beside or {}).items() if axis in planned.over}
    left = planned.points
    for key, wanted in {**joined, **where}.items():
        values = [_value_at(point, key, planned, place) for point in left]
        left = [point for point, value in zip(left, values, strict=True) if value == wanted]
        if not left:
            known = did_you_mean(wanted, dict.fromkeys(values))
            raise InvalidSweep(f"{place}.{key}: no point of {planned.stage.name} has {wanted!r}; {known}")
    if len(left) > 1:
        labels = "; ".join(axes_in_words(point.axes) for point in left[:3])
        more = f"; and {len(left) - 3} more" if len(left) > 3 else ""
        open_axes = [axis for axis in left[0].axes if axis not in where]
        raise InvalidSweep(
            f"{place}: leaves {len(left)} points of {planned.stage.name} ({labels}{more}); "
            f"say which {' and '.join(open_axes)}"
        )
    return left[0]


def refuse_non_ancestor(sweep: Sweep, name: str, wanted: str, place: str) -> None:
    """Raise InvalidSweep when a stage is used that does not come before."""
    names = [stage.name for stage in sweep.stages]
    if wanted not in names:
        raise InvalidSweep(f"{place}: no stage is called {wanted!r}; {did_you_mean(wanted, names)}")
    if wanted not in sweep.ancestors(name):
        raise InvalidSweep(f"{place}: {wanted} must be an ancestor: name it in the depends of {name}")


def _value_at(point: PlannedPoint, key: str, planned: PlannedStage, place: str) -> Any:
    if key in point.axes:
        return point.axes[key]
    settings = flatten(point.config.model_dump(mode="json"))
    known = dict.fromkeys(axis for other in planned.points for axis in other.axes)
    if key not in settings and key not in known:
        near = did_you_mean(key, [*known, *settings])
        raise InvalidSweep(f"{place}.{key}: neither an axis nor a setting of {planned.stage.name}; {near}")
    return settings.get(key)
