"""The points that a stage has from one start: its grid laid over it, and the incumbent; or a chain, run again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from seedbed.errors import InvalidSweep
from seedbed.planning.inheritance import laid_over
from seedbed.planning.model import End, PlannedPoint
from seedbed.sweep import Stage
from seedbed.sweep.part import Scalar
from seedbed.sweep.points import Point, Start, Step, expand_start, flatten

Read = Callable[[Point], tuple[Point, PlannedPoint]]
"""A point as its family reads it, and what is left of it: an inherited setting that does not exist there is not."""

Pair = tuple[Point, PlannedPoint]
INCUMBENT = "incumbent"
"""Where the incumbent stands on an axis that is no setting of it."""

CHAIN = "chain"
"""The axis of a stage that confirms."""

START, FINAL, WITHOUT = "start", "final", "final without "


@dataclass(frozen=True)
class Lot:
    """The points that a stage has from one start."""

    start: Start
    points: list[PlannedPoint]
    ends: list[End]
    incumbent: dict[str, Scalar] | None
    """Where the point stands that a winner has to beat, replicates aside."""

    incumbent_is_extra: bool = False
    """Whether it is no point of the grid."""


def with_incumbent(
    pairs: list[Pair], stage: Stage, start: Start, known: Collection[str], read: Read
) -> tuple[list[Pair], dict[str, Scalar]]:
    """The points with what they started from among them, unchanged, and where that stands.

    It is a point that the grid has anyway, or one more. Every point that came from no label has it as its parent.
    """
    plan = stage.plan.model_copy(update={"config": {}})
    found: list[Pair] = []
    for point in expand_start(plan, known, stage.place, start):
        left, planned = read(point)
        twin = next((pair for pair in pairs if _alike(pair, (left, planned))), None)
        if twin is not None:
            found.append((replace(left, axes=twin[0].axes), twin[1]))
        else:
            axes = _axes_of_incumbent(planned, pairs, stage)
            found.append((replace(left, axes=axes), moved(planned, axes)))
    over = [*stage.plan.over]
    parents = {_place(point, over): planned.axes for point, planned in found}
    own = [planned.axes for _, planned in found]
    others = [
        (point, planned if planned.parent else replace(planned, parent=parents[_place(point, over)]))
        for point, planned in pairs
        if planned.axes not in own
    ]
    kept = [planned.axes for _, planned in pairs]
    extra = [pair for pair in found if pair[1].axes not in kept]
    by_axes = {tuple(planned.axes.items()): (point, planned) for point, planned in [*found, *others]}
    ordered = [by_axes[tuple(planned.axes.items())] for _, planned in [*extra, *pairs]]
    return ordered, without(found[0][1].axes, over)


def ends_of(
    pairs: Sequence[Pair], stage: Stage, start: Start, incumbent: Mapping[str, Scalar] | None
) -> list[End]:
    """The points as heirs see them, each once, whatever it runs over."""
    found: dict[tuple[tuple[str, Scalar], ...], End] = {}
    for point, planned in pairs:
        axes = without(planned.axes, stage.plan.over)
        found.setdefault(tuple(axes.items()), End(axes, planned.config, _handed_on(point, stage)))
    before = next((end.start for end in found.values() if end.axes == incumbent), None)
    within = stage.plan.select.within if stage.plan.select else []
    ends = []
    for end in found.values():
        at = {**start.axes, **{axis: end.axes[axis] for axis in within if axis in end.axes}}
        step = Step(stage.name, end.axes, before, end.start)
        ends.append(replace(end, start=replace(end.start, axes=at, steps=(*start.steps, step))))
    return ends


def chain_again(stage: Stage, start: Start, known: Collection[str], read: Read) -> list[Pair]:
    """The points of a stage that confirms: the chain's start, its end, and its end without each kept step.

    What comes to the same trials is one point, by its first name: without its only step, the end is the start.
    """
    pairs: list[Pair] = []
    for label, version in _ends_of_chain(start):
        against = {FINAL: START, START: None}.get(label, FINAL)
        for point in expand_start(stage.plan, known, stage.place, replace(version, axes=start.axes)):
            axes = {**start.axes, CHAIN: label, **without(point.axes, start.axes)}
            left, planned = read(point)
            parent = {**axes, CHAIN: against} if against else None
            pair = replace(left, axes=axes), replace(moved(planned, axes), parent=parent)
            if not any(_alike(pair, other) for other in pairs):
                pairs.append(pair)
    return pairs


def _ends_of_chain(start: Start) -> Iterator[tuple[str, Start]]:
    first = start.steps[0]
    yield START, first.before or first.after
    yield FINAL, start
    for step in start.steps:
        if step.changes and step.before is not None:
            reverted = laid_over(start, *_still_there(step, start))
            if not _same(reverted, start):
                yield f"{WITHOUT}{step.stage}", reverted


def _still_there(step: Step, start: Start) -> tuple[Start, Start]:
    """The step backwards, as far as no later step has set the same anew."""
    before, after = step.before or Start(), step.after
    settled = {
        path: value
        for path, value in before.settings.items()
        if start.settings.get(path) == after.settings.get(path)
    }
    gone = {path: value for path, value in after.settings.items() if start.settings.get(path) == value}
    inputs = {
        role: source
        for role, source in before.inputs.items()
        if start.inputs.get(role) == after.inputs.get(role)
    }
    added = {role: source for role, source in after.inputs.items() if start.inputs.get(role) == source}
    return Start(gone, added), Start(settled, inputs)


def _same(one: Start, other: Start) -> bool:
    return one.settings == other.settings and one.inputs == other.inputs


def _handed_on(point: Point, stage: Stage) -> Start:
    """A point's settings and inputs, without what the replicate axes gave."""
    settings = {
        path: value
        for path, value in flatten(point.settings).items()
        if not point.origin.get(path, "").startswith("over.")
    }
    inputs = {}
    for role, source in point.inputs.items():
        where = without(source.where, stage.plan.over) if isinstance(source.where, dict) else source.where
        inputs[role] = source.model_copy(update={"where": where})
    return Start(settings, inputs)


def _axes_of_incumbent(planned: PlannedPoint, pairs: Sequence[Pair], stage: Stage) -> dict[str, Scalar]:
    """Its settings on the grid's axes; `incumbent` where it has none there, or another point stands there."""
    settings = flatten(planned.config.model_dump(mode="json"))
    others = [other.axes for _, other in pairs]
    every = dict.fromkeys(axis for axes in others for axis in axes)
    axes: dict[str, Scalar] = {}
    for axis in every:
        value = planned.axes.get(axis, settings.get(axis))
        if isinstance(value, str | int | float):
            axes[axis] = value
        elif all(axis in other for other in others):
            axes[axis] = INCUMBENT
    if axes not in others:
        return axes
    own = [axis for axis in axes if axis not in planned.axes]
    if not own:
        raise InvalidSweep(
            f"{stage.place}.config: changes what is inherited, and no axis tells the changed point from the "
            "incumbent: make the change an axis of the grid"
        )
    return {**axes, own[0]: INCUMBENT}


def _alike(one: Pair, other: Pair) -> bool:
    return one[1].config == other[1].config and one[0].inputs == other[0].inputs


def moved(planned: PlannedPoint, axes: Mapping[str, Scalar]) -> PlannedPoint:
    """The same point elsewhere."""
    trials = {seed: replace(trial, axes=dict(axes)) for seed, trial in planned.trials.items()}
    return replace(planned, axes=dict(axes), trials=trials)


def _place(point: Point, over: Collection[str]) -> tuple[Scalar | None, ...]:
    return tuple(point.axes.get(axis) for axis in over)


def without(axes: Mapping[str, Scalar], left_out: Collection[str]) -> dict[str, Scalar]:
    """Axes less some of them."""
    return {axis: value for axis, value in axes.items() if axis not in left_out}
