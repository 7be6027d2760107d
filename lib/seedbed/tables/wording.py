"""How a table's names, numbers and facts are said, alike in every rendering that a person reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, Protocol

from seedbed.statistics import Departure, Difference, OverUnits
from seedbed.tables.model import Cell, Flag, Scalar, Table

MARKS = {"best": "*", "alike": "~", "": ""}

FLAGS: dict[Flag, str] = {
    "optimistic": "o",
    "test-selected": "t",
    "population": "p",
    "numerics": "n",
    "health": "h",
    "diverged": "d",
    "missing": "m",
}
"""What stands behind a figure that has something to be known of it."""


SPLITS = {"test": "test", "val": "validation", "train": "training"}
"""How the part of a metric's name that stands before it is said."""

MORE_DECIMALS = 3
"""Smaller figures than these show are noise of the arithmetic."""


class Shown(Protocol):
    """What says how a figure is printed: a table, or a comparison."""

    @property
    def metric(self) -> str:
        """`test/accuracy@best`."""

    @property
    def higher_is_better(self) -> bool:
        """Which direction is better."""

    @property
    def unit(self) -> Literal["%", ""]:
        """% prints a ratio as per cent."""

    @property
    def decimals(self) -> int:
        """To how many it is rounded."""


def notes(table: Table) -> dict[str, str]:
    """Why seeds have no value, by row; by row and column where there are several."""
    said = {}
    for row in table.rows:
        for value, cell in zip(table.columns, row.cells, strict=True):
            where = row.label if len(table.columns) == 1 else f"{row.label}, {label(value)}"
            if cell and cell.failures:
                said[where] = note(cell)
    return said


def note(cell: Cell) -> str:
    """Why seeds of this point have no value, and how many: `2 diverged at step 120; 1 missing`."""
    return "; ".join(f"{times} {reason}" for reason, times in Counter(cell.failures.values()).items())


def caption(table: Table) -> str:
    """What the figures are: metric, unit, direction where lower is better, convention of the spread."""
    name = metric_in_words(table)
    if table.facts.trials < 2:
        return name
    over = " × ".join(["seed", *table.replicates]) if table.replicates else "seeds"
    return f"{name}, mean ± {table.std} sd over {over}"


def marks(cell: Cell) -> str:
    """What stands behind its figures: `~ d`."""
    return " ".join([*filter(None, [MARKS[cell.mark]]), *(FLAGS[flag] for flag in cell.flags)])


def legend(table: Table) -> str:
    """What the marks mean, as far as there are any."""
    cells = table.cells
    shown = {cell.mark for cell in cells}
    flags = {flag for cell in cells for flag in cell.flags}
    meanings: dict[Flag, str] = {
        "optimistic": f"optimistic: {table.optimistic}, on this very split",
        "test-selected": "test-selected: a winner was chosen on test, to replicate notes",
        "population": "its sd is over n, smaller than the sample's over n - 1",
        "numerics": "from another device or torch version than most",
        "health": "a health detector fired",
        "diverged": "a seed diverged: cannot be best",
        "missing": "a seed has no value: cannot be best",
    }
    told = [f"{MARKS['best']} best"] if "best" in shown else []
    if "alike" in shown:
        told.append(f"{MARKS['alike']} not distinguishable from the best over seeds (Tukey, 95%)")
    told += [f"{FLAGS[flag]} {meaning}" for flag, meaning in meanings.items() if flag in flags]
    return "; ".join(told)


def below(table: Table) -> list[str]:
    """What stands under a table: its marks, its intervals, its trials, the source of what was published."""
    return [
        told
        for told in (legend(table), intervals(table), unpaired(table), shown_trials(table), origin(table))
        if told
    ]


def shown_trials(table: Table) -> str:
    """What `Trial 1`, `Trial 2`, … are, where they are shown."""
    if "trials" not in table.show:
        return ""
    over = " × ".join(["seed", *table.replicates])
    return f"Trial 1, 2, …: {over} {', '.join(table.trials)}"


def intervals(table: Table) -> str:
    """Of what the intervals speak, as far as there are any."""
    told = []
    compared = [cell.difference for cell in table.cells if cell.difference]
    if any(difference.low is not None for difference in compared):
        split = table.metric.split("/")[0]
        samples = f"{SPLITS[split]} samples" if split in SPLITS else "samples"
        told.append(f"over seeds: 95% for another run on these {samples}, by {_t(table)}")
    if any(one and one.low is not None for cell in table.cells for one in both_over_units(cell)):
        how = (
            "a unit's seeds averaged first; points are means of units, by Student's t, differences of all samples, "
            "by a paired cluster bootstrap"
        )
        if table.of_pairs:
            how = (
                "units drawn with all of their pairs and seeds, never pairs by themselves (cluster bootstrap)"
            )
        told.append(f"over units: 95% for new ones and these very runs, {how}")
    if any(cell.pooled is not None for cell in table.cells):
        told.append("pooled: the metric on all test samples of a seed together")
    count = sum(cell.p_holm is not None for cell in table.cells)
    if count:
        told.append(f"p: {_t(table)}, for its {count} comparisons together (Holm)")
    return "; ".join(told)


def _t(table: Table) -> str:
    pooled = table.facts.pooled
    return f"t on the pooled sd ({pooled.df} df)" if pooled else "Student's paired t"


def unpaired(table: Table) -> str:
    """That a comparison was asked for and cannot be made."""
    return f"minus {table.baseline}: not known, as no seed has a value in both" if table.unpaired else ""


def origin(table: Table) -> str:
    """Where the published values stand, as far as there are any, and what is told of them."""
    published = [cell.published for row in table.rows for cell in row.cells if cell and cell.published]
    if not published:
        return ""
    interval = any(one.minus and one.minus.low is not None for one in published)
    return f"published: {table.source} (minus: ours less it{', Welch 95%' if interval else ''})"


def footer(table: Table) -> list[str]:
    """What the stage's trials let one see; the same for all tables of a stage."""
    facts = table.facts
    if facts.trials == 0:
        return ["No trial has a value yet."]
    runs = f"{facts.n} {'seed' if facts.n == 1 else 'seeds'}"
    if table.replicates and facts.n > 1:
        runs += f", each a mean over {' × '.join(table.replicates)}"
    if facts.alike:
        return [f"{runs}, every difference the same in each: no interval over seeds."]
    if facts.pooled is None or facts.detectable is None:
        why = runs if facts.n < 2 else f"{runs} and 0 df"
        return [f"{why}: no {'pooled ' if facts.n > 1 else ''}spread, no interval over seeds."]
    told = [
        f"{runs}: differences below {number(table, facts.detectable)}{points(table)} are missed more than once in "
        f"five (pooled sd {number(table, facts.pooled.sd)}, {facts.pooled.df} df)."
    ]
    if facts.detectable_in_pairs is not None:
        pairs = f"{facts.pairs} {'pair' if facts.pairs == 1 else 'pairs'}"
        least = f"{number(table, facts.detectable_in_pairs)}{points(table)}"
        told.append(f"Comparisons have as few as {pairs}: for those it is {least}.")
    for point, spreads in facts.unlike.items():
        own, others = number(table, spreads.own), number(table, spreads.others)
        told.append(
            f"{point}: seed effects aside, its sd is {own} and the others' {others}; "
            "the pooled sd does not speak for it."
        )
    return told


def number(shown: Shown, value: float, sign: str = "") -> str:
    """A figure in the table's unit, rounded half to even from the shortest decimal that is this float."""
    scaled = Decimal(repr(value)) * (100 if shown.unit == "%" else 1)
    return rounded(scaled, shown.decimals, sign)


def rounded(value: Decimal | float, decimals: int, sign: str = "") -> str:
    """A figure to so many decimals, or to a few more where it would be printed as zero and is not.

    Otherwise [+0.04, +3.5] would be printed as an interval that ends at zero. What is zero has no sign.
    """
    for places in range(decimals, decimals + MORE_DECIMALS + 1):
        text = f"{value:{sign}z.{places}f}"
        if float(text):
            return text
    return f"{0:.{decimals}f}"


def mean(table: Table, cell: Cell) -> str:
    """A dash where no seed has a value."""
    return "–" if cell.mean is None else number(table, cell.mean)


def spread(table: Table, std: float | None) -> str:
    """What follows a mean; nothing where no spread is known."""
    return "" if std is None else f" ± {number(table, std)}"


def bounds(
    shown: Shown, interval: Difference | Departure | OverUnits, sign: str = "+"
) -> tuple[str, str] | None:
    """The ends of the interval."""
    if interval.low is None or interval.high is None:
        return None
    return number(shown, interval.low, sign), number(shown, interval.high, sign)


def both_over_units(cell: Cell) -> tuple[OverUnits | None, OverUnits | None]:
    """What a point has of intervals over units: its own, and that of its difference."""
    return cell.over_units, cell.difference_over_units


def p_value(p: float) -> str:
    """`p 0.031`; never smaller than one can mean."""
    return "p < 0.001" if p < 0.001 else f"p {p:.3f}"


def metric_name(metric: str) -> str:
    """`test/accuracy@best` as `test accuracy @best`."""
    return metric.replace("/", " ").replace("@", " @")


def metric_in_words(shown: Shown) -> str:
    """`test loss @best (lower is better)`."""
    told = [*([shown.unit] if shown.unit else []), *([] if shown.higher_is_better else ["lower is better"])]
    return f"{metric_name(shown.metric)} ({', '.join(told)})" if told else metric_name(shown.metric)


def place(axes: Mapping[str, Scalar]) -> str:
    """Where a point stands: `alpha.gaf=0.9, teacher=wrn16-1`."""
    return ", ".join(f"{axis}={label(value)}" for axis, value in axes.items())


def label(value: Scalar) -> str:
    """An axis value as the sweep file spells it; a dash where a point does not have the axis."""
    if value is None:
        return "–"
    return str(value).lower() if isinstance(value, bool) else str(value)


def points(shown: Shown) -> str:
    """What a difference of figures is counted in."""
    return " points" if shown.unit == "%" else ""
