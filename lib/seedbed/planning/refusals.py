"""What a stage is refused for before anything is trained, beside what its settings and inputs say themselves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from seedbed.config import Config
from seedbed.errors import InvalidSweep, did_you_mean
from seedbed.family import Family
from seedbed.planning.expectations import refuse_wrong_expectations
from seedbed.planning.lots import Pair
from seedbed.planning.model import PlannedStage, axes_in_words
from seedbed.sweep import Stage
from seedbed.sweep.language import InputPlan, SeedPick, TablePlan, axes_of
from seedbed.sweep.part import Scalar, same
from seedbed.sweep.points import GATHERED, Point, flatten
from seedbed.sweep.seeds import seeds_text

APART = "give each a stage of its own, and `gather` these for one table"
"""How points that share trials can stand beside each other."""

MOST_PACKS = 1000
"""Of a stage: with ten times as many pods, one pass of Argo's workflow controller takes 20 to 40 seconds."""


def refuse_contradicted_axes(
    taken: PlannedStage, axes: Mapping[str, Scalar], config: Config, place: str
) -> None:
    """Raise InvalidSweep where an axis that came along with `each` says what the same setting here is not.

    A table would show the other stage's value as if it were this one's.
    """
    settings = flatten(config.model_dump(mode="json"))
    for axis in dict.fromkeys(axis for point in taken.points for axis in point.axes):
        if axis in settings and settings[axis] != axes.get(axis, settings[axis]):
            raise InvalidSweep(
                f"{place}: each stands at {axis}={axes[axis]} of {taken.stage.name} and has {axis}={settings[axis]} "
                f'itself; say `{axis}: "{{{axis}}}"` in config, or give the axis of {taken.stage.name} a free name'
            )


def refuse_rewritten_axes(point: Point, config: Config, place: str) -> None:
    """Raise InvalidSweep where a family makes another value of what an axis sets: a table would show the axis'."""
    settings = flatten(config.model_dump(mode="json"))
    for axis, wanted in point.axes.items():
        given = point.origin.get(axis, "")
        if axis not in settings or not given.startswith(("grid", "over")) or ".config." in given:
            continue
        found = settings[axis]
        close = isinstance(found, float) and isinstance(wanted, int | float) and math.isclose(found, wanted)
        if not close and not same(found, wanted):
            raise InvalidSweep(
                f"{place}.{given}: {wanted} becomes {found} in the trial {axes_in_words(point.axes)}, and a table "
                "would show what it is not; say the value that it has, or give these settings a label"
            )


def refuse_picks_that_meet(pairs: Sequence[Pair], place: str) -> None:
    """Raise InvalidSweep where points differ only in which seed's trial they take, and one takes the best.

    That one is a seed's own as well: they would share a trial, which nobody knows before it has been trained.
    """
    seen: dict[tuple[str, ...], list[Point]] = {}
    for point, planned in pairs:
        sources = sorted(
            f"{role} {one.model_dump_json(exclude={'pick'})}" for role, one in point.inputs.items()
        )
        others = seen.setdefault((planned.config.model_dump_json(), *sources), []) if sources else []
        for other in others:
            picks = [(source.pick, other.inputs[role].pick) for role, source in point.inputs.items()]
            unlike = [pair for pair in picks if pair[0] != pair[1]]
            if unlike and all("best" in pair and "all" not in pair for pair in unlike):
                both = f"{axes_in_words(other.axes)} and {axes_in_words(point.axes)}"
                raise InvalidSweep(f"{place}.grid: {both} may be the same trial of a seed; {APART}")
        others.append(point)


def refuse_several(role: str, source: InputPlan, family: Family, config: Config, place: str) -> None:
    """Raise InvalidSweep where all trials of a point are picked for a role that takes one."""
    plays = family.role_of(config)
    if source.pick == "all" and role not in family.roles[plays].several:
        raise InvalidSweep(
            f"{place}: all hands on every seed of a point, and a {plays} takes one trial as {role}; "
            "expected same-seed, best or {seed: n}"
        )


def refuse_absent_seeds(source: InputPlan, here: Sequence[int], there: Sequence[int], place: str) -> None:
    """Raise InvalidSweep where a trial would build on one of a seed that its stage does not run.

    Known before anything is trained, also of a stage that inherits or confirms: that would fail at its end.
    """
    if source.pick in ("best", "all"):
        return
    wanted, known = [source.pick.seed] if isinstance(source.pick, SeedPick) else here, frozenset(there)
    absent = [seed for seed in wanted if seed not in known]
    if absent:
        needed = f'`seeds: "{seeds_text([*there, *absent])}"`'
        raise InvalidSweep(
            f"{place}: stage {source.stage} has no trial with seed {absent[0]}; it has {seeds_text(there)}; "
            f"let it run {needed}, or take one of it with `pick: {{seed: {there[0]}}}`"
        )


def refuse_unlike(stage: Stage, gathered: PlannedStage, place: str) -> None:
    """Raise InvalidSweep for a stage that cannot stand in one table with what else is gathered."""
    name, family = gathered.stage.name, gathered.family.name
    if family != stage.family:
        raise InvalidSweep(
            f"{place}: {name} is of the family {family}, this stage of {stage.family}: a table is of one family"
        )
    if not gathered.stage.plan.gather and any(GATHERED in point.axes for point in gathered.points):
        raise InvalidSweep(
            f"{place}: {name} has an axis called {GATHERED!r}, by which gathered points are told apart; rename it"
        )


def refuse_wrong_table(planned: PlannedStage) -> None:
    """A table that cannot be made is refused now, not when everything has been trained."""
    table = planned.stage.plan.table or TablePlan()
    place = f"{planned.stage.place}.table"
    places = [point.axes for point in planned.points]
    axes = axes_of(places)
    for key, axis in (("rows", table.rows), ("columns", table.columns)):
        if axis is not None and axis not in axes:
            near = did_you_mean(axis, axes)
            raise InvalidSweep(f"{place}.{key}: the grid has no axis {axis!r}; {near}")
    if table.rows is not None and table.rows == table.columns:
        raise InvalidSweep(f"{place}.columns: {table.columns} is the axis of the rows already")
    if table.cell is not None:
        known = planned.family.metric_names()
        if table.cell not in known:
            raise InvalidSweep(
                f"{place}.cell: no such metric: {table.cell!r}; {did_you_mean(table.cell, known)}"
            )
    refuse_wrong_expectations(planned, table.layout(places, planned.over), f"{planned.stage.place}.expect")


def refuse_too_many_packs(planned: PlannedStage) -> None:
    """Raise InvalidSweep for a size of packs that makes too many of them."""
    plan = planned.stage.plan
    if plan.pack == "auto" or plan.gather:
        return
    packs = math.ceil(planned.at_most / plan.pack)
    if packs > MOST_PACKS:
        raise InvalidSweep(
            f"{planned.stage.place}.pack: at most {MOST_PACKS:,} packs a stage: {planned.at_most:,} trials in packs "
            f"of {plan.pack} make {packs:,}; `pack: auto` chooses"
        )
