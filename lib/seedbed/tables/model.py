"""What goes into a table and what stands in it; nothing here computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from seedbed.statistics import Convention, Departure, Difference, Interval, Pooled, Unlike

Scalar = str | int | float | bool | None
Status = Literal["finished", "diverged", "missing", "damaged"]


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
    """The axis along the top. Axes in neither, nor in `replicates`, make separate tables."""

    replicates: Sequence[str] = ()
    """Axes that are averaged over, together with the seed."""

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

    over_seeds: Interval | None
    """Where the mean over all seeds lies, from this point's own spread. None for fewer than two values, and
    with replicates, as a fold is not one more seed."""

    values: Mapping[str, float]
    """By seed; with replicates, by seed and replicate: `"0 fold=3"`."""

    failures: Mapping[str, str]
    """Why a planned seed has no value, by seed."""

    difference: Difference | None
    """From the baseline; None for the baseline itself, and where no seed is in both."""

    mark: Literal["best", "alike", ""]
    """The best point of the table, or one that is not distinguishable from it."""

    published: Published | None


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
    """The values behind a point with all of its seeds."""

    pooled: Pooled | None
    detectable: float | None
    """The minimum detectable difference of two points with `n` values each."""

    unlike: Mapping[str, Unlike]
    """Points for which the pooled spread does not speak."""


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

    separate: Mapping[str, Scalar]
    """The values of the axes that make separate tables."""

    columns: tuple[Scalar, ...]
    """`(None,)` without a column axis."""

    rows: tuple[Row, ...]
    baseline: str | None
    trivial: Mapping[str, float]

    source: str
    """Where the published values of its stage stand; empty without any."""

    facts: Facts
