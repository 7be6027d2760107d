"""From a stage's plan to its points: blocks of axes, crossed and joined, with every "{name}" filled in.

Every axis, of whatever kind, is a list of choices: where a point that takes it stands, and the settings and
inputs that it brings. A grid is the product of its axes' choices; that is the only mechanism. Where a stage
inherits, the product is laid over what it starts from.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seedbed.errors import InvalidSweep, did_you_mean
from seedbed.sweep.language import Axis, Block, InputPlan, Label, StagePlan
from seedbed.sweep.part import Scalar

Axes = Mapping[str, Scalar]
"""Where a point stands: a value on each axis, in the plan's order."""

_NAME = re.compile(r"\{([^{}]*)\}")

GATHERED = "stage"
"""The axis by which a stage that gathers tells the points of the others apart."""

INHERITED = "inherit"
"""The origin of a setting that the stage itself does not give."""


@dataclass(frozen=True)
class Start:
    """What the points of a stage start from: nothing, or the settings and inputs of a point of another stage."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """By dotted path."""

    inputs: Mapping[str, InputPlan] = field(default_factory=dict)
    axes: Axes = field(default_factory=dict)
    """Where it was one winner among several."""

    steps: tuple[Step, ...] = ()
    """How it came about, stage by stage."""


@dataclass(frozen=True)
class Step:
    """What one stage made of what it started from."""

    stage: str
    axes: Axes
    """Where the point stands in it that goes on from here."""

    before: Start | None
    """Its incumbent; None where it had none."""

    after: Start

    @property
    def changes(self) -> bool:
        """Whether the stage went over to something else than its incumbent."""
        return self.before is not None and _content(self.before) != _content(self.after)


def _content(start: Start) -> tuple[Mapping[str, Any], Mapping[str, InputPlan]]:
    return start.settings, start.inputs


@dataclass(frozen=True)
class Point:
    """One config in a grid, before its family has read it."""

    axes: Axes
    settings: Mapping[str, Any]
    """Nested settings over the family's defaults."""

    inputs: Mapping[str, InputPlan]
    """What it builds on, by role."""

    origin: Mapping[str, str]
    """Where in the plan each setting was given, by its dotted path."""

    block: int
    """Which of the grid's blocks it comes from."""

    parent: Axes | None
    """Where the point stands whose labels this one's came `from`; None when no label came from another."""


@dataclass(frozen=True)
class _Choice:
    """One value on an axis, or one point of a stage that is taken `each`, and what choosing it brings."""

    axes: Axes
    settings: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, InputPlan] = field(default_factory=dict)
    place: str = ""
    labelled: bool = False
    origin: str | None = None
    """The label that this one came from."""


def expand(
    plan: StagePlan,
    known: Collection[str],
    place: str,
    points_of: Mapping[str, Sequence[Axes]] | None = None,
    start: Start = Start(),
) -> list[Point]:
    """All points of a plan, block by block, in the order of its axes; those it runs `over` are varied last.

    `known` are the names of the family's settings: an axis whose dotted path begins with one sets it, any other
    is a free name. `points_of` are the points of the stages before this one, for inputs that take `each`. `start`
    is what the plan's settings and inputs are laid over. Raises InvalidSweep, naming the path under `place`, for
    an axis that sets nothing and is used nowhere, a "{name}" that no axis fills, and a setting given twice.
    """
    used = set(_names_used(plan))
    return [
        point
        for number, block in enumerate(plan.blocks)
        for point in _expand_block(plan, number, block, known, used, place, points_of or {}, start)
    ]


def expand_start(plan: StagePlan, known: Collection[str], place: str, start: Start) -> list[Point]:
    """What a stage starts from as a point of its own, run over what every point of the stage runs over.

    The plan's config is laid over it, its grid and inputs are not.
    """
    bare = StagePlan(config=plan.config)
    axes = [_choices(f"over.{axis}", axis, values, known) for axis, values in plan.over.items()]
    return [
        _point(bare, -1, [_Choice(start.axes), *chosen], place, start) for chosen in itertools.product(*axes)
    ]


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


def _expand_block(
    plan: StagePlan,
    number: int,
    block: Block,
    known: Collection[str],
    used: Collection[str],
    place: str,
    points_of: Mapping[str, Sequence[Axes]],
    start: Start,
) -> Iterator[Point]:
    here = f"grid[{number}]" if isinstance(plan.grid, list) else "grid"
    placed = [(f"{here}.{axis}", axis, values) for axis, values in block.items()]
    placed += [(f"over.{axis}", axis, values) for axis, values in plan.over.items()]
    for where, axis, values in placed:
        if isinstance(values, list) and axis not in used and not _sets(axis, known):
            near = did_you_mean(axis.split(".")[0], known)
            raise InvalidSweep(
                f"{place}.{where}: no such setting, and nothing in this plan uses {{{axis}}}; {near}"
            )
    axes = [[_Choice(start.axes, place=INHERITED)]]
    axes += [_choices(where, axis, values, known) for where, axis, values in placed]
    axes += [_each(role, source, points_of) for role, source in plan.inputs.items() if source.where == "each"]
    _refuse_double_axes(axes, place)
    _refuse_double_settings(plan, axes, place)
    for chosen in itertools.product(*axes):
        yield _point(plan, number, chosen, place, start)


def _choices(where: str, axis: str, values: Axis, known: Collection[str]) -> list[_Choice]:
    if isinstance(values, list):
        sets = _sets(axis, known)
        return [_Choice({axis: value}, {axis: value} if sets else {}, place=where) for value in values]
    return [
        _Choice(
            {axis: name},
            {path: value for step in line for path, value in flatten(step.config).items()},
            {role: source for step in line for role, source in step.inputs.items()},
            f"{where}.{name}",
            labelled=True,
            origin=label.origin,
        )
        for name, label in values.items()
        for line in [_line(values, label)]
    ]


def _line(labels: Mapping[str, Label], label: Label) -> list[Label]:
    """A label after all those that it starts from."""
    return [*(_line(labels, labels[label.origin]) if label.origin else []), label]


def _each(role: str, source: InputPlan, points_of: Mapping[str, Sequence[Axes]]) -> list[_Choice]:
    return [
        _Choice(axes, {}, {role: source.model_copy(update={"where": dict(axes)})}, f"inputs.{role}")
        for axes in points_of.get(source.stage, [])
    ]


def _point(plan: StagePlan, number: int, chosen: Sequence[_Choice], place: str, start: Start) -> Point:
    axes = {axis: value for choice in chosen for axis, value in choice.axes.items()}
    flat = dict(start.settings)
    origin = dict.fromkeys(flat, INHERITED)
    own = {role: source for role, source in plan.inputs.items() if source.where != "each"}
    inputs = {**start.inputs, **own}
    for choice in [_Choice({}, flatten(plan.config), labelled=True), *chosen]:
        for path in choice.settings:
            for covered in [known for known in flat if _overlap(known, path)]:
                del flat[covered], origin[covered]
            origin[path] = f"{choice.place}.config.{path}".lstrip(".") if choice.labelled else choice.place
        flat |= choice.settings
        inputs |= choice.inputs
    flat = {path: _fill(value, axes, f"{place}.{origin[path]}") for path, value in flat.items()}
    filled = {role: _filled(source, axes, f"{place}.inputs.{role}.where") for role, source in inputs.items()}
    came_from = {axis: choice.origin for choice in chosen for axis in choice.axes if choice.origin}
    return Point(axes, nest(flat), filled, origin, number, {**axes, **came_from} if came_from else None)


def _filled(source: InputPlan, axes: Axes, place: str) -> InputPlan:
    if source.where == "each":
        raise InvalidSweep(f"{place}: each is for a stage's own inputs, not for those of a label")
    return source.model_copy(update={"where": filled_where(source.where, axes, place)})


def names_in(value: Any) -> list[str]:
    """The names that stand in braces in a value of a plan."""
    return _NAME.findall(value) if isinstance(value, str) else []


def filled_where(where: Mapping[str, Scalar], axes: Axes, place: str) -> dict[str, Scalar]:
    """A `where` with each "{name}" replaced; raises InvalidSweep, with the place, for a name of no axis."""
    return {key: _fill(value, axes, f"{place}.{key}") for key, value in where.items()}


def _fill(value: Any, axes: Axes, place: str) -> Any:
    """A value with its "{name}" replaced; alone, it keeps the axis value's type."""
    if not isinstance(value, str):
        return value
    for name in names_in(value):
        if name not in axes:
            raise InvalidSweep(f"{place}: {{{name}}} names no axis of the grid; {did_you_mean(name, axes)}")
    alone = _NAME.fullmatch(value)
    return axes[alone[1]] if alone else _NAME.sub(lambda match: str(axes[match[1]]), value)


def _sets(axis: str, known: Collection[str]) -> bool:
    return axis.split(".")[0] in known


def _names_used(plan: StagePlan) -> Iterator[str]:
    """The names that stand in braces somewhere in a plan."""
    labels = [
        label
        for block in [*plan.blocks, plan.over]
        for values in block.values()
        if isinstance(values, dict)
        for label in values.values()
    ]
    parts: list[StagePlan | Label] = [plan, *labels]
    for part in parts:
        wheres = [source.where for source in part.inputs.values() if isinstance(source.where, dict)]
        for value in itertools.chain(flatten(part.config).values(), *(where.values() for where in wheres)):
            yield from names_in(value)


def _refuse_double_axes(axes: Sequence[Sequence[_Choice]], place: str) -> None:
    seen: dict[str, str] = {}
    for choices in axes:
        for axis in {axis for choice in choices for axis in choice.axes}:
            if axis in seen:
                raise InvalidSweep(f"{place}.{choices[0].place}: the axis {axis} stands at {seen[axis]} too")
            seen[axis] = choices[0].place


def _refuse_double_settings(plan: StagePlan, axes: Sequence[Sequence[_Choice]], place: str) -> None:
    """A setting that two axes give, or that config gives and an axis of values does: one would be in vain.

    Labels may say otherwise than config: that is what they are for.
    """
    given = [*flatten(plan.config)]
    by_labels: list[str] = []
    for choices in axes:
        mine = list(dict.fromkeys(path for choice in choices for path in choice.settings))
        others = by_labels if choices and choices[0].labelled else [*given, *by_labels]
        for path in mine:
            clash = [other for other in others if _overlap(path, other)]
            if clash:
                where = choices[0].place
                raise InvalidSweep(f"{place}.{where}: {clash[0]} is set too; only one of the two can count")
        by_labels += mine


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")
