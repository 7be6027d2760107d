"""What a stage of a study done in order starts from: the winners of other stages, or points that are named.

While a winner is not known, every point that might win stands in its place, those first that change least, so
that what could not be read is found before anything is trained.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from seedbed.errors import InvalidSweep
from seedbed.planning.model import End, PlannedStage
from seedbed.planning.where import refuse_non_ancestor, the_point
from seedbed.sweep import Stage, Sweep
from seedbed.sweep.ordered import NamedPoint
from seedbed.sweep.points import Start, Step, flatten

MOST_POSSIBLE = 256
"""The ways in which the stages before can end, that a stage is checked against: all single and most double
changes of a study of eight steps, in a second."""

_GONE = object()


@dataclass(frozen=True)
class Starts:
    """What a stage starts from: known, or everything that it can be."""

    possible: tuple[Start, ...] = (Start(),)
    known: bool = True
    sampled: bool = False
    hopeless: str = ""
    """Why it will never be known."""


def starts_of(sweep: Sweep, stage: Stage, done: Mapping[str, PlannedStage]) -> Starts:
    """What a stage inherits; raises InvalidSweep for a stage that cannot be inherited, or two that clash."""
    place = f"{stage.place}.inherit"
    several = isinstance(stage.plan.inherit, list)
    found = []
    for number, entry in enumerate(stage.plan.inherited):
        here = f"{place}.{number}" if several else place
        found.append(_inherited(sweep, stage, entry, done, here))
    if len(found) < 2:
        return found[0] if found else Starts()
    for one in found:
        if any(start.axes for start in one.possible):
            raise InvalidSweep(
                f"{place}: several can be inherited only where each has one winner, not one within"
            )
    every = itertools.product(*(one.possible for one in found))
    merged = [_merged(first, others, place) for first, *others in itertools.islice(every, 16 * MOST_POSSIBLE)]
    return replace(
        _possible(merged, any(one.sampled for one in found)),
        known=all(one.known for one in found),
        hopeless=next((one.hopeless for one in found if one.hopeless), ""),
    )


def won_by(sweep: Sweep, stage: Stage, name: str, done: Mapping[str, PlannedStage], place: str) -> Starts:
    """The winners of a stage, or all points of it that might win."""
    refuse_non_ancestor(sweep, stage.name, name, place)
    before = done[name]
    if before.stage.plan.select is None:
        raise InvalidSweep(
            f"{place}: stage {name} has no winner: say there how it is chosen (`select: {{metric: val/…@best}}`), "
            "or name a point here (`{stage: …, where: …}`)"
        )
    if before.winners is not None:
        won = [winner.axes for winner in before.winners]
        return Starts(tuple(end.start for axes in won for end in before.ends if end.axes == axes))
    hopeless = f"stage {name} has no winner: {before.failed}" if before.failed else ""
    return replace(_possible((end.start for end in before.ends), before.sampled), hopeless=hopeless)


def _inherited(
    sweep: Sweep, stage: Stage, entry: NamedPoint | str, done: Mapping[str, PlannedStage], place: str
) -> Starts:
    if isinstance(entry, str):
        return won_by(sweep, stage, entry, done, place)
    refuse_non_ancestor(sweep, stage.name, entry.stage, f"{place}.stage")
    before = done[entry.stage]
    for within in _distinct(end.start.axes for end in before.ends):
        beside = {axis: before.points[0].axes[axis] for axis in before.over}
        own = {axis: value for axis, value in within.items() if axis in before.points[0].axes}
        the_point(before, {**own, **entry.where}, f"{place}.where", beside)
    named = _possible((end.start for end in before.ends if _stands_at(end, entry.where)), before.sampled)
    return replace(named, known=not before.late, hopeless=before.hopeless)


def _stands_at(end: End, where: Mapping[str, Any]) -> bool:
    settings = flatten(end.config.model_dump(mode="json"))
    return all(end.axes.get(key, settings.get(key)) == wanted for key, wanted in where.items())


def _merged(first: Start, others: Iterable[Start], place: str) -> Start:
    """The first whole; of each other, what its last step changed. Raises InvalidSweep when two changes clash."""
    result = first
    changed = dict(_changes(first.steps[-1]))
    for other in others:
        step = other.steps[-1]
        if step.before is None:
            raise InvalidSweep(
                f"{place}: stage {step.stage} starts from nothing that says what it changed: name it first"
            )
        for path, value in _changes(step).items():
            clash = next((known for known in changed if _overlap(known, path)), None)
            if clash is not None and (clash != path or changed[clash] != value):
                raise InvalidSweep(
                    f"{place}: {first.steps[-1].stage} and {step.stage} can both change {path}, and not alike: "
                    "inherit one of them, or let one inherit the other"
                )
            changed[path] = value
        result = laid_over(result, step.before or Start(), step.after)
        result = replace(result, steps=(*result.steps, step))
    return result


def laid_over(start: Start, before: Start, after: Start) -> Start:
    """`start` with what differs between `before` and `after` made as in `after`."""
    settings, inputs = dict(start.settings), dict(start.inputs)
    for path, value in _differing(before.settings, after.settings).items():
        for covered in [known for known in settings if _overlap(known, path)]:
            del settings[covered]
        if value is not _GONE:
            settings[path] = value
    for role, source in _differing(before.inputs, after.inputs).items():
        inputs.pop(role, None)
        if source is not _GONE:
            inputs[role] = source
    return replace(start, settings=settings, inputs=inputs)


def _changes(step: Step) -> dict[str, Any]:
    """By setting or `inputs.role`, what a step changed."""
    if step.before is None:
        return {}
    inputs = _differing(step.before.inputs, step.after.inputs)
    named = {f"inputs.{role}": source for role, source in inputs.items()}
    return _differing(step.before.settings, step.after.settings) | named


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    gone = {key: _GONE for key in before if key not in after}
    return gone | {key: value for key, value in after.items() if key not in before or before[key] != value}


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


def _possible(starts: Iterable[Start], sampled: bool) -> Starts:
    """Everything that a stage may start from, or as much of it as is looked at."""

    def departures(start: Start) -> int:
        return sum(step.changes for step in start.steps)

    ordered = sorted(starts, key=departures)
    return Starts(tuple(ordered[:MOST_POSSIBLE]), False, sampled or len(ordered) > MOST_POSSIBLE)


def _distinct(axes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [dict(pairs) for pairs in dict.fromkeys(tuple(one.items()) for one in axes)]
