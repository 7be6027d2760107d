"""From a stage's plan to its points: the grid, crossed, with every "{name}" filled in."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seedbed.errors import InvalidSweep, did_you_mean
from seedbed.sweep.language import InputPlan, Scalar, StagePlan

_NAME = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Point:
    """One config in a grid, before its family has read it."""

    axes: Mapping[str, Scalar]
    """Where it stands: a value on each axis, in the plan's order."""

    settings: Mapping[str, Any]
    """Nested settings over the family's defaults."""

    inputs: Mapping[str, InputPlan]
    """What it builds on, by role."""

    origin: Mapping[str, str]
    """Where in the plan each setting was given, by its dotted path."""


@dataclass(frozen=True)
class _Choice:
    """One value on an axis and what choosing it brings: a setting, a name to fill in, or both."""

    axis: str
    value: Scalar
    settings: Mapping[str, Any]


def expand(plan: StagePlan, known: Collection[str], place: str) -> list[Point]:
    """All points of a plan, in the order of its axes.

    `known` are the names of the family's settings: an axis whose dotted path
    begins with one sets it, any other is a free name. Raises InvalidSweep, naming
    the path under `place`, for an axis that sets nothing and is used nowhere, a
    "{name}" that no axis fills, and a setting given twice.
    """
    _refuse_idle_axes(plan, known, place)
    _refuse_double_settings(plan, known, place)
    choices = [
        [_Choice(axis, value, {axis: value} if _sets(axis, known) else {}) for value in values]
        for axis, values in plan.grid.items()
    ]
    return [_point(plan, chosen, place) for chosen in itertools.product(*choices)]


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted path; an empty mapping is a value."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        path = f"{prefix}{name}"
        flat |= flatten(value, f"{path}.") if isinstance(value, Mapping) and value else {path: value}
    return flat


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The reverse of flatten."""
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, last = path.split(".")
        inner = nested
        for name in parents:
            inner = inner.setdefault(name, {})
        inner[last] = value
    return nested


def _point(plan: StagePlan, chosen: tuple[_Choice, ...], place: str) -> Point:
    axes = {choice.axis: choice.value for choice in chosen}
    config = {
        path: _fill(value, axes, f"{place}.config.{path}") for path, value in flatten(plan.config).items()
    }
    gridded = {path: value for choice in chosen for path, value in choice.settings.items()}
    inputs = {
        role: source.model_copy(
            update={
                "where": {
                    key: _fill(value, axes, f"{place}.inputs.{role}.where.{key}")
                    for key, value in source.where.items()
                }
            }
        )
        for role, source in plan.inputs.items()
    }
    origin = {path: f"config.{path}" for path in config} | {path: f"grid.{path}" for path in gridded}
    return Point(axes, nest(config | gridded), inputs, origin)


def _fill(value: Any, axes: Mapping[str, Scalar], place: str) -> Any:
    """A value with its "{name}" replaced; alone, it keeps the axis value's type."""
    if not isinstance(value, str):
        return value
    for name in _NAME.findall(value):
        if name not in axes:
            raise InvalidSweep(f"{place}: {{{name}}} names no axis of the grid; {did_you_mean(name, axes)}")
    alone = _NAME.fullmatch(value)
    return axes[alone[1]] if alone else _NAME.sub(lambda match: str(axes[match[1]]), value)


def _sets(axis: str, known: Collection[str]) -> bool:
    return axis.split(".")[0] in known


def _refuse_idle_axes(plan: StagePlan, known: Collection[str], place: str) -> None:
    used = set(_names_used(plan))
    for axis in plan.grid:
        if axis not in used and not _sets(axis, known):
            near = did_you_mean(axis.split(".")[0], known)
            raise InvalidSweep(
                f"{place}.grid.{axis}: no such setting, and nothing in this plan uses {{{axis}}}; {near}"
            )


def _refuse_double_settings(plan: StagePlan, known: Collection[str], place: str) -> None:
    given = [*flatten(plan.config)]
    for axis in filter(lambda axis: _sets(axis, known), plan.grid):
        clash = [path for path in given if _overlap(path, axis)]
        if clash:
            raise InvalidSweep(f"{place}.grid.{axis}: {clash[0]} is set too; only one of the two can count")
        given.append(axis)


def _names_used(plan: StagePlan) -> Iterator[str]:
    values = [*flatten(plan.config).values()]
    for source in plan.inputs.values():
        values.extend(source.where.values())
    for value in values:
        if isinstance(value, str):
            yield from _NAME.findall(value)


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")
