"""What goes into a table and what stands in it; nothing here computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from seedbed.settings import Change
from seedbed.statistics import Convention, Departure, Difference, Interval, OverUnits, Pooled, Unlike

if TYPE_CHECKING:
    from seedbed.scores import Score
    from seedbed.statistics import AnyBlock

Scalar = str | int | float | bool | None
Status = Literal["finished", "diverged", "missing", "damaged"]

Flag = Literal["optimistic", "test-selected", "population", "numerics", "health", "diverged", "missing"]
"""What a reader should know of one figure: it stands on a split that a selection used, or stands for a winner that
was chosen on test; its spread is over n; its trials ran on another device or torch than most; a health detector
fired in one of them; seeds diverged or are missing."""

Mark = Literal["best", "alike", ""]
"""The best point of its table, or one that is not distinguishable from it."""

Show = Literal["trials", "mean", "std"]
"""A column of a table that shows its figures apart: `Trial 1` to `Trial n`, `Mean`, `Std`."""


@dataclass(frozen=True)
class Outcome:
    """One planned trial and what became of it."""

    axes: Mapping[str, Scalar]
    """Where it stands in the grid: `{"alpha.gaf": 0.1, "teacher": "wrn16-1"}`."""

    seed: int
    status: Status

    metrics: Mapping[str, float] = field(default_factory=dict)
    """`{"test/accuracy@best": 0.743, …}`; empty unless finished."""

    note: str = ""
    """Why there are none: `"diverged at step 120 (train/loss is not finite)"`."""

    trial: str = ""
    """The trial's id. A baseline that is a point of the stage itself is known by it."""

    settings: Mapping[str, Scalar] = field(default_factory=dict)
    """All that tells the trial apart, its seed aside, by dotted path; its numerics among them."""

    unwell: bool = False
    """Whether a health detector fired that did not end it."""

    block: AnyBlock | None = None
    """What it did unit by unit, where the metric can be made again from its predictions."""


@dataclass(frozen=True)
class Baseline:
    """What the points of a stage are held against, paired by seed."""

    label: str

    outcomes: Sequence[Outcome]
    """Their axes say which points they stand against: those that agree on every axis that both have.
    Outcomes without axes stand against all."""


@dataclass(frozen=True)
class Expected:
    """A published value, in the metric's own scale."""

    axes: Mapping[str, Scalar]
    """Where it belongs: to the one point that stands there on these axes."""

    mean: float
    std: float | None = None
    """By the request's convention."""

    n: int | None = None


@dataclass(frozen=True, kw_only=True)
class TableRequest:
    """What is asked of the outcomes of one stage."""

    stage: str
    outcomes: Sequence[Outcome]

    metric: str
    """Which figure: `"test/accuracy@best"`."""

    rows: str | None = None
    """The axis down the side."""

    columns: str | None = None
    """The axis along the top.

    Axes in neither, nor in `replicates`, make separate tables, or stand in the rows' labels where points lack them.
    """

    replicates: Sequence[str] = ()
    """Axes that are averaged over, together with the seed."""

    over: Sequence[str] = ()
    """The axes that the plan goes over, such as data sets: no value of them is better than another."""

    unit: Literal["%", ""] = ""
    """`"%"` prints a ratio as per cent."""

    std: Convention = "sample"
    higher_is_better: bool = True
    baseline: Baseline | None = None

    trivial: Mapping[str, float] = field(default_factory=dict)
    """What the metric is without any learning: `{"majority": 0.152}`."""

    expected: Sequence[Expected] = ()
    source: str = ""
    """Where the expected values were published."""

    score: Score | None = None
    """How the metric is made from tallies; None where there are no intervals over units."""

    show: Sequence[Show] = ()
    """Columns for figures that stand apart; by default mean, spread and count stand in one."""

    optimistic: str = ""
    """Which selection used the metric's split: `"val/accuracy picks the best step"`; empty where none did."""

    replicate: bool = False
    """Whether a winner was chosen on test, as in notes that are replicated."""


@dataclass(frozen=True)
class Published:
    """What somebody else reached at a point."""

    mean: float
    std: float | None
    n: int | None

    minus: Departure | None
    """Ours less it; None while we have no value. Without bounds with replicates, as over_seeds."""


@dataclass(frozen=True)
class Cell:
    """One point: its seeds' values, in the metric's own scale (0.743, not 74.3), and what they come to."""

    axes: Mapping[str, Scalar]
    planned: int
    n: int

    mean: float | None
    """None without a value."""

    std: float | None
    """By the table's convention; None for fewer than two values."""

    seeds: int
    """The seeds behind the values: with replicates, those that have all of theirs."""

    over_seeds: Interval | None
    """Where the mean over all seeds lies, from this point's own spread; replicates are averaged first, as a fold
    is not one more seed. None for fewer than two seeds."""

    over_units: OverUnits | None
    """The mean over units, a unit's seeds averaged first, for new units; None where it cannot be made again."""

    pooled: float | None
    """With replicates, the metric on all of a seed's test samples together, averaged over seeds."""

    values: Mapping[str, float]
    """By seed; with replicates, by seed and replicate: `"0 fold=3"`."""

    failures: Mapping[str, str]
    """Why a planned seed has no value, by seed."""

    difference: Difference | None
    """From the baseline, over seeds; None for the baseline itself, and where no seed is in both."""

    difference_over_units: OverUnits | None
    """The same for new units: a paired cluster bootstrap."""

    p_holm: float | None
    """The difference's p-value for all comparisons of the stage together, where its pairs can carry one."""

    differs: Sequence[Change]
    """The settings in which it differs from its baseline, those that an axis names aside."""

    mark: Mark
    published: Published | None
    flags: Sequence[Flag]


@dataclass(frozen=True)
class Row:
    """A value of the row axis, or a baseline, with a cell for each column; None where nothing was planned."""

    label: str
    source: str
    """The stage's name, or the baseline's label."""

    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Facts:
    """What holds for the whole stage: the spread that its points share, and what it lets one see."""

    n: int
    """The seeds behind a point with all of them."""

    trials: int
    """The trials behind such a point: more than its seeds where there are replicates."""

    pooled: Pooled | None
    """None where it is not known, or 0: then it says nothing about the next run."""

    alike: bool
    """Whether it is 0: between any two points, the difference is the same in every run."""

    detectable: float | None
    """The minimum detectable difference of two points with `n` seeds each."""

    unlike: Mapping[str, Unlike]
    """Points for which the pooled spread does not speak."""

    pairs: int | None = None
    """The fewest pairs behind a comparison, where those are fewer than the seeds."""

    detectable_in_pairs: float | None = None
    """The minimum detectable difference of so many pairs."""


@dataclass(frozen=True)
class Table:
    """Rows × columns of one metric. Lengths, means and spreads are in the metric's own scale."""

    stage: str
    metric: str
    unit: Literal["%", ""]

    decimals: int
    """To how many a figure is rounded where a person reads it."""

    std: Convention
    higher_is_better: bool
    rows_axis: str | None
    columns_axis: str | None
    replicates: tuple[str, ...]

    over: tuple[str, ...]
    """The axes that the plan goes over and that are no replicates here: no value of them is better than another."""

    separate: Mapping[str, Scalar]
    """The values of the axes that make separate tables."""

    within_rows: Sequence[str]
    """The axes that some points lack and that stand in the labels of the others' rows."""

    columns: tuple[Scalar, ...]
    """`(None,)` without a column axis."""

    rows: tuple[Row, ...]
    baseline: str | None
    trivial: Mapping[str, float]

    source: str
    """Where the published values of its stage stand; empty without any."""

    show: Sequence[Show]
    optimistic: str
    facts: Facts

    of_pairs: bool = False
    """Whether the metric is of pairs of units: none has it by itself."""

    unpaired: bool = False
    """Whether points are compared with a baseline and none of them shares a seed with it."""

    @property
    def cells(self) -> list[Cell]:
        """All of its cells, row by row."""
        return [cell for row in self.rows for cell in row.cells if cell]

    @property
    def trials(self) -> list[str]:
        """The seeds, and where they stand among the replicates, of all of its cells."""
        blocks = {block for cell in self.cells for block in (*cell.values, *cell.failures)}
        return sorted(blocks, key=lambda block: (int(block.partition(" ")[0]), block))
