"""The answer in words, from a table's own figures: what is best, by how much, and what cannot be said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from seedbed.report.points import Point, TableView
from seedbed.statistics import Difference
from seedbed.tables import Cell, Table, wording
from seedbed.tables.chain import Chain, Confirmed, in_points, printed
from seedbed.tables.wording import metric_name, number

NAMED = 6
"""So many points are named in a sentence; of more, their number is told."""


def answer(view: TableView) -> list[str]:
    """Sentences, the most important first."""
    return [
        *_within_each(view, _best),
        *_against_baseline(view),
        *_within_each(view, _alike),
        *_not_compared(view),
        *_optimistic(view),
        *wording.footer(view.table),
    ]


def confirmed(story: Chain) -> list[str]:
    """What a study done in order gained on seeds that selected nothing; no gain of its steps stands before it."""
    if not story.fresh_seeds:
        return ["No gain is confirmed: every gain below is of the seeds that selected, and optimistic."]
    lead = f"Confirmed on seeds {story.fresh_seeds}, which selected nothing"
    if not story.confirmed:
        return [f"{lead}: no step was kept, so that there is no gain."]
    lead = f"{lead}, in {metric_name(story.confirmed_in)}, better being +"
    return [f"{lead}: {_gain(one, story.confirmed_scale)}." for one in story.confirmed]


def _gain(one: Confirmed, scale: float) -> str:
    gain = one.gain
    if gain is None:
        return f"{one.of}, not known yet"
    said = f"{one.of} {printed(gain.mean, scale)}{in_points(scale)}"
    if gain.low is None or gain.high is None:
        return f"{said}, without an interval"
    told = "" if gain.low > 0 or gain.high < 0 else ", not told from zero"
    return f"{said}, 95% interval over seeds [{printed(gain.low, scale)}, {printed(gain.high, scale)}]{told}"


def _within_each(view: TableView, told: Callable[[TableView], Iterator[str]]) -> Iterator[str]:
    """What is told of a table's points; for each value of the axes that its plan goes over, as of those none wins."""
    across: dict[str, list[Point]] = {}
    for point in view.points:
        stands = {axis: point.cell.axes[axis] for axis in view.table.over if axis in point.cell.axes}
        across.setdefault(wording.place(stands), []).append(point)
    for at, (place, points) in enumerate(across.items()):
        if at == NAMED:
            yield f"{len(across) - NAMED} more values of {' and '.join(view.table.over)}: in the table."
            return
        for sentence in told(replace(view, points=points)):
            yield f"{place}: {sentence}" if place else sentence


def _best(view: TableView) -> Iterator[str]:
    """The headline: what is best, and whether that means anything."""
    table = view.table
    best = [point for point in view.points if point.cell.mark == "best"]
    if not best:
        yield from _without_best(view)
        return
    count = sum(point.cell.mean is not None for point in view.points)
    figure = f"{_figure(table, best[0])} {metric_name(table.metric)}"
    trivial, untold = _trivial(view), _not_told(view, best, count)
    if trivial:
        yield f"None of {count} does better than {trivial}: the best is {_listed(best)}, {figure}{untold}."
    elif any(point.own for point in best):
        yield f"Best of {count}{untold}: {_listed(best)}, {figure}."
    else:
        yield f"Nothing here does better than {_listed(best)}: {figure}, best of {count}{untold}."


def _trivial(view: TableView) -> str:
    """What needs no learning and still does as well as the best point; empty where nothing does."""
    table = view.table
    sign = 1 if table.higher_is_better else -1
    reached = [sign * point.cell.mean for point in view.points if point.cell.mean is not None]
    ahead = [
        f"{name} {number(table, value)}{' %' if table.unit else ''}"
        for name, value in table.trivial.items()
        if reached and sign * value >= max(reached)
    ]
    return f"a trivial baseline ({', '.join(ahead)})" if ahead else ""


def _not_told(view: TableView, best: Sequence[Point], count: int) -> str:
    """How many of the others cannot be told from the best, for the headline."""
    others, alike = count - len(best), sum(point.cell.mark == "alike" for point in view.points)
    others -= len(_lacking(view))
    if not alike:
        return ""
    if others == 1:
        return ", but not told from the other"
    return f", but not told from {'any' if alike == others else alike} of the {others} others"


def _alike(view: TableView) -> Iterator[str]:
    """Who cannot be told from the best, all pairs taken at once."""
    best = [point for point in view.points if point.cell.mark == "best"]
    others = sum(point.cell.mean is not None for point in view.points) - len(best) - len(_lacking(view))
    if not best or not others:
        return
    alike = [point for point in view.points if point.cell.mark == "alike"]
    if not alike:
        yield "Over all pairs at once, every other point is shown to be worse than the best (Tukey, 95%)."
    elif len(alike) == others:
        yield "Over all pairs at once, no point can be told from the best (Tukey, 95%)."
    else:
        yield f"Over all pairs at once, not distinguishable from the best (Tukey, 95%): {_listed(alike)}."


def _lacking(view: TableView) -> list[Point]:
    """The points that have values and not one seed with all of its replicates."""
    return [point for point in view.points if point.cell.mean is not None and not point.cell.seeds]


def _not_compared(view: TableView) -> Iterator[str]:
    """Whose mean is over what there is, and says nothing beside one over all."""
    if lacking := _lacking(view):
        over = " × ".join(view.table.replicates)
        yield f"Not told from the best or from others, as no seed has all of its {over}: {_listed(lacking)}."


def _without_best(view: TableView) -> Iterator[str]:
    """One point, one seed, or seeds missing everywhere: what is highest, and that it is not called best."""
    table = view.table
    there = [point for point in view.points if point.cell.mean is not None]
    trivial = f", no better than {known}" if (known := _trivial(view)) else ""
    if len(there) == 1:
        yield f"{there[0].name}: {_figure(table, there[0])} {metric_name(table.metric)}{trivial}."
    elif there:
        top = (max if table.higher_is_better else min)(there, key=lambda point: point.cell.mean or 0.0)
        word = "Highest" if table.higher_is_better else "Lowest"
        yield (
            f"{word} of {len(there)}: {top.name}, {_figure(table, top)} {metric_name(table.metric)}{trivial}. "
            "Nothing is called best: there is no spread to tell it by, or every point lacks a seed."
        )


def _against_baseline(view: TableView) -> Iterator[str]:
    """The most favourable difference with its intervals, and on which side of zero all of them lie."""
    table = view.table
    compared = [(point, one) for point in view.points if (one := point.cell.difference)]
    if not compared:
        return
    top, one = (max if table.higher_is_better else min)(compared, key=lambda pair: pair[1].mean)
    lead = (
        f"of {len(compared)} points, {top.name} does best, at" if len(compared) > 1 else f"{top.name} is at"
    )
    points = " points" if table.unit == "%" else ""
    intervals = " and ".join(_intervals(table, top.cell))
    yield (
        f"Minus {table.baseline}: {lead} {number(table, one.mean, '+')}{points}"
        f"{f', {intervals}' if intervals else ', without an interval'}."
    )
    sides = [side for _, difference in compared if (side := _side(table, difference)) is not None]
    if len(compared) > 1 and sides:
        told = {1: "better", -1: "worse", 0: "not shown to differ"}
        counts = [f"{sides.count(side)} {word}" for side, word in told.items() if side in sides]
        yield f"One by one against {table.baseline}, by the intervals over seeds: {', '.join(counts)}."
        if 1 in sides:
            yield "The one that does best was picked by looking at these very figures: expect less of it next time."


def _intervals(table: Table, cell: Cell) -> Iterator[str]:
    """A difference's intervals by name; with replicates that for new units comes first."""
    units = cell.difference_over_units
    found = [("over seeds", cell.difference), (f"over {units.n} units" if units else "", units)]
    for name, one in reversed(found) if table.replicates else found:
        if one and (bounds := wording.bounds(table, one)):
            yield f"95% interval {name} [{', '.join(bounds)}]"


def _side(table: Table, one: Difference) -> int | None:
    """1: the interval lies wholly on the better side of zero; -1: on the worse; 0: it holds zero; None: no interval."""
    if one.low is None or one.high is None:
        return None
    if one.low <= 0 <= one.high:
        return 0
    return 1 if (one.low > 0) == table.higher_is_better else -1


def _optimistic(view: TableView) -> Iterator[str]:
    if any("optimistic" in cell.flags for cell in view.table.cells):
        yield f"These figures are optimistic: {view.table.optimistic}, on this very split."
    if any("test-selected" in cell.flags for cell in view.table.cells):
        yield "A winner was chosen on test, to replicate notes: no figure here is that of new data."


def _figure(table: Table, point: Point) -> str:
    cell = point.cell
    unit = " %" if table.unit else ""
    return f"{wording.mean(table, cell)}{wording.spread(table, cell.std)}{unit} ({cell.n}/{cell.planned})"


def _listed(points: Sequence[Point]) -> str:
    names = [point.name for point in points[:NAMED]]
    more = len(points) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
