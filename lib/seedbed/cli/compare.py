"""The command that holds two points, stages or sweeps side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from seedbed.cli.options import FullOption, StoreOption, store_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seedbed.compare import Comparison, Comparisons
    from seedbed.tables.points import Point

SideArgument = Annotated[
    str,
    typer.Argument(
        help="A sweep or a run, with /STAGE and [axis=value,...] as far as needed; or how a trial's id begins."
    ),
]


def compare(
    a: SideArgument,
    b: SideArgument,
    store: StoreOption = "runs",
    full: FullOption = False,
    metric: Annotated[
        str | None, typer.Option(help="Such as test/accuracy@best; by default what A's table shows.")
    ] = None,
) -> None:
    """Compare two points, stages or sweeps: paired difference A - B, what it can carry, and all that differs."""
    from seedbed.compare import compare as compared

    found = compared(store_at(store), a, b, metric, full=full)
    for at, pair in enumerate(found.pairs):
        if at:
            print()
        for line in _lines(found, pair):
            print(line)


def _lines(found: Comparisons, pair: Comparison) -> Iterator[str]:
    from seedbed.tables.wording import metric_in_words

    yield metric_in_words(found)
    width = max(len(pair.ours.name), len(pair.theirs.name))
    for side, point in (("A", pair.ours), ("B", pair.theirs)):
        yield f"  {side}  {point.name:{width}}  {_figure(found, point)}"
    yield from _difference(found, pair)
    if found.optimistic:
        yield f"  Optimistic: {found.optimistic}, on this very split."
    yield from _settings(pair)


def _figure(found: Comparisons, point: Point) -> str:
    from statistics import fmean

    from seedbed.statistics import spread
    from seedbed.tables.wording import number

    values = list(point.values.values())
    if not values:
        return f"–  (0/{len(point.outcomes)})"
    sd = spread(values)
    around = "" if sd is None else f" ± {number(found, sd)}"
    return f"{number(found, fmean(values))}{around}  ({len(values)}/{len(point.outcomes)})"


def _difference(found: Comparisons, pair: Comparison) -> Iterator[str]:
    from seedbed.statistics import FEWEST_PAIRS, FEWEST_UNITS
    from seedbed.tables.wording import bounds, number, p_value, points

    one, new = pair.difference, pair.over_units
    if one is None:
        yield "  no seed is in both: no paired difference"
        return
    seeds = f"{one.n} {'seed' if one.n == 1 else 'seeds'}"
    yield f"  A - B  {number(found, one.mean, '+')}{points(found)}, paired by {seeds}"
    ends = bounds(found, one)
    pooled = found.pooled
    spread = f"pooled sd {number(found, pooled.sd)}, {pooled.df} df" if pooled else "their own spread"
    why = "one pair and no spread" if one.n == 1 else "the same in every run"
    told = f"[{', '.join(ends)}]  95%, {spread}" if ends else f"no interval: {why}"
    yield f"    over seeds   {told}"
    if new is None:
        yield f"    over units   not known: {found.metric} cannot be made again from predictions on the same units"
    else:
        ends = bounds(found, new)
        few = f"fewer than {FEWEST_UNITS} ({new.n}): this cannot speak for new ones"
        why = few if new.n < FEWEST_UNITS else f"no interval: the same in all {new.n}"
        told = f"[{', '.join(ends)}]  95%, paired cluster bootstrap of {new.n} units" if ends else why
        yield f"    over units   {told}"
    if one.correlation is not None:
        yield f"    correlation  {one.correlation:.2f} between the sides of the pairs"
    if pair.detectable is not None:
        least = f"{number(found, pair.detectable)}{points(found)}"
        yield f"    detectable   differences below {least} are missed more than once in five"
    several = f", for {len(found.pairs)} comparisons together (Holm)" if len(found.pairs) > 1 else ""
    few = f"fewer than {FEWEST_PAIRS} pairs cannot carry one"
    yield f"    p            {few if pair.p_holm is None else p_value(pair.p_holm)[2:] + several}"


def _settings(pair: Comparison) -> Iterator[str]:
    from seedbed.settings import how_many

    if not pair.changes:
        known = ", numerics and code" if pair.ours.values and pair.theirs.values else ""
        told = (
            "  They agree in all settings, data, inputs"
            if known
            else "  They agree in all settings, data and inputs"
        )
        yield f"{told}{known or '; numerics and code are known of results only'}."
        return
    count = how_many(pair.changes)
    many = "" if count == 1 else ": the difference cannot be laid to one of them"
    yield f"  They differ in {count} {'setting' if count == 1 else 'settings'}{many}"
    name = max(len(change.setting) for change in pair.changes)
    ours = max(len(str(change.ours)) for change in pair.changes)
    for change in pair.changes:
        yield f"    {change.setting:{name}}  {change.ours!s:{ours}}  {change.theirs}"
