"""The plan language: what a stage's `plan` and a sweep's laptop form may say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from seedbed.errors import did_you_mean
from seedbed.sweep.ordered import Inherit, NamedPoint, SelectPlan
from seedbed.sweep.part import STRICT, Scalar, same
from seedbed.sweep.seeds import LARGEST_SEED


class _Part(BaseModel):
    model_config = STRICT


class SeedPick(_Part):
    """One seed's trial, whatever the seed of the trial that uses it."""

    seed: int = Field(ge=0, le=LARGEST_SEED)
    """The seed of the trial to take."""


class InputPlan(_Part):
    """Which finished trial of another stage a trial builds on."""

    stage: str
    """The stage it comes from; it must be an ancestor in `depends`."""

    where: dict[str, Scalar] | Literal["each"] = {}
    """Axes or settings that leave exactly one point of that stage; `each` makes a point here of every point there."""

    pick: Literal["same-seed", "best", "all"] | SeedPick = "same-seed"
    """Which of the point's seeds: the trial's own, the best by validation, all of them, or one that is named."""

    weights: Literal["best", "last"] = "best"
    """Its weights at the best validation step, or at the last."""


class Label(_Part):
    """One label of a labelled axis, and what it stands for."""

    config: dict[str, Any] = {}
    """Settings over the stage's."""

    inputs: dict[str, InputPlan] = {}
    """Inputs over the stage's, by role."""

    origin: str | None = Field(default=None, alias="from")
    """The label whose settings and inputs this one starts from."""


Axis = list[Scalar] | dict[str, Label]
"""Values of a setting or of a free name; or labels, each with what it stands for."""

Block = dict[str, Axis]
"""Axes, crossed."""


class BaselinePlan(_Part):
    """What every point of the stage is compared with."""

    stage: str | None = None
    """The stage it stands in; this one when not said."""

    where: dict[str, Scalar] = {}
    """Axes or settings that leave exactly one point; with "{name}", one for each value of that axis."""


def axes_of(places: Iterable[Mapping[str, Any]]) -> list[str]:
    """All axes, in the order in which they first occur."""
    return list(dict.fromkeys(axis for place in places for axis in place))


@dataclass(frozen=True)
class Layout:
    """Where each axis of a stage goes in its table.

    Of those in none of these, one that all points have makes separate tables; one that some lack stands in the
    labels of the others' rows.
    """

    rows: str | None
    columns: str | None
    replicates: list[str]
    """The axes that are averaged over, together with the seed."""


class TablePlan(_Part):
    """How the stage's table is laid out."""

    rows: str | None = None
    """The axis that runs down; the first one that all points have when not said."""

    columns: str | None = None
    """The axis that runs across; the second one that all points have when not said."""

    cell: str | None = None
    """The metric in the cells, such as test/accuracy@best."""

    std: Literal["sample", "population"] = "sample"
    """The convention of the standard deviation: over n - 1, or over n."""

    show: list[Literal["trials", "mean", "std"]] = []
    """Columns for figures that stand apart, as in notes: Trial 1 to Trial n, Mean, Std. In one when not said."""

    def layout(self, places: Sequence[Mapping[str, Scalar]], over: Collection[str]) -> Layout:
        """Where the axes of points go that stand at `places` and run `over` some of them.

        Those are averaged where not placed; an axis that some points lack runs across only where it is named.
        """
        free = [axis for axis in axes_of(places) if axis not in over]
        shared = [axis for axis in free if all(axis in place for place in places)]
        rows = self.rows or next((axis for axis in [*shared, *free] if axis != self.columns), None)
        columns = self.columns or next((axis for axis in shared if axis != rows), None)
        return Layout(rows, columns, [axis for axis in over if axis not in (rows, columns)])


class PublishedValue(_Part):
    """A value that somebody published, and the cell that it stands beside."""

    at: dict[str, Scalar] = {}
    """Axes that leave exactly one cell of the stage's table."""

    mean: float = Field(allow_inf_nan=False)
    """In the unit that the table prints, as it stands in the paper: 92.0 where accuracy is shown in per cent."""

    std: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Its standard deviation, in the same unit and by the convention of `table.std`."""

    n: int | None = Field(default=None, ge=1)
    """The runs behind it; with `std`, our difference from it has an interval."""

    @model_validator(mode="after")
    def _a_spread_has_two_runs(self) -> PublishedValue:
        if self.std is not None and self.n == 1:
            raise ValueError("n: one run has no std; leave one of the two out")
        return self


class ExpectPlan(_Part):
    """Published values that are printed beside ours."""

    source: str = Field(min_length=1)
    """Where they were published: authors, year, table, column."""

    values: list[PublishedValue] = Field(min_length=1)
    """The values, at most one for a cell."""


class StagePlan(_Part):
    """The trials of one stage: settings, grid, what they build on, and their table."""

    config: dict[str, Any] = {}
    """Settings over the family's defaults."""

    grid: Block | list[Block] = {}
    """Axes, crossed: a setting's path, a free name that is used as "{name}" elsewhere, or labels. A list of such
    blocks is joined, so that a knob can be varied only where it exists."""

    over: Block = {}
    """Axes like the grid's that every point runs over, as it does over the seeds: folds, data sets, books."""

    inputs: dict[str, InputPlan] = {}
    """What each trial builds on, by role."""

    inherit: Inherit | list[Inherit] = []
    """The stage whose winner's settings and inputs this one starts from, or a named point. Of several, the first
    whole, and of each further one what it changed against its own incumbent."""

    select: SelectPlan | None = None
    """How the winner is chosen, from whose settings other stages start."""

    confirm: str | None = None
    """Instead of a grid: the chain that ends in this stage, run afresh on seeds that selected nothing: its start,
    its end, and its end without each step that was kept."""

    baseline: BaselinePlan | Literal["parent"] | None = None
    """The point that the others are compared with; `parent`, which is usual where a stage inherits: each with the
    label that it came `from`, else with the winner inherited."""

    gather: list[str] = []
    """Instead of training: one table over the points of these stages, told apart by the axis `stage`."""

    table: TablePlan | None = None
    """The table's layout; a stage that has one shows its table when the sweep ends."""

    seeds: str | None = None
    """The stage's own seeds, such as 0-4; the sweep's when not said."""

    expect: ExpectPlan | None = None
    """Published values, printed in the table beside ours with our difference from them."""

    pack: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    """Trials that one pod takes together; on one machine each has a process of its own."""

    @field_validator("grid")
    @classmethod
    def _axes_have_values(cls, grid: Block | list[Block]) -> Block | list[Block]:
        if grid == []:
            raise ValueError("a list of blocks needs at least one")
        for number, block in enumerate(grid if isinstance(grid, list) else [grid]):
            _check_block(block, f"{number}." if isinstance(grid, list) else "")
        return grid

    @field_validator("over")
    @classmethod
    def _over_has_values(cls, over: Block) -> Block:
        _check_block(over, "")
        return over

    @model_validator(mode="after")
    def _does_one_thing(self) -> StagePlan:
        trains = {"grid": self.grid, "inputs": self.inputs, "inherit": self.inherit, "select": self.select}
        if self.confirm is not None:
            vain = [key for key, value in {**trains, "gather": self.gather}.items() if value]
            if vain:
                raise ValueError(
                    f"confirm: runs a chain again, so that {' and '.join(vain)} would be in vain"
                )
            if self.seeds is None:
                raise ValueError("seeds: confirm needs seeds of its own, on which nothing was selected")
        for number, entry in enumerate(self.inherited):
            if entry in self.inherited[:number]:
                name = entry if isinstance(entry, str) else f"the same point of {entry.stage}"
                raise ValueError(f"inherit: {name} is named twice")
        if self.gather and (self.inherit or self.select):
            raise ValueError("gather: trains nothing, so that inherit and select would be in vain")
        return self

    @property
    def inherited(self) -> list[NamedPoint | str]:
        """What it inherits, as a list."""
        return self.inherit if isinstance(self.inherit, list) else [self.inherit]

    @property
    def blocks(self) -> list[Block]:
        """The grid as a list of blocks."""
        return self.grid if isinstance(self.grid, list) else [self.grid]

    @property
    def all_inputs(self) -> list[InputPlan]:
        """Its inputs and those of its labels."""
        axes = [values for block in [*self.blocks, self.over] for values in block.values()]
        labels = [label for values in axes if isinstance(values, dict) for label in values.values()]
        return [*self.inputs.values(), *(source for label in labels for source in label.inputs.values())]

    @property
    def axes(self) -> list[str]:
        """The names of all axes, the replicates' among them."""
        return list(dict.fromkeys(axis for block in [*self.blocks, self.over] for axis in block))


class LaptopStage(_Part):
    """How one stage, or all of them, are cut down."""

    config: dict[str, Any] = {}
    """Settings that replace the stage's."""

    only: dict[str, list[Scalar]] = {}
    """The values of an axis that remain."""

    seeds: str | None = None
    """Fewer seeds; under `all`, not of stages that confirm: theirs are apart."""


def _check_block(block: Block, place: str) -> None:
    """Raise ValueError for an axis without values, a value listed twice, and labels that go round in circles."""
    for axis, values in block.items():
        if not values:
            raise ValueError(f"{place}{axis}: an axis needs at least one value")
        if isinstance(values, dict):
            _check_labels(values, f"{place}{axis}")
            continue
        for index, value in enumerate(values):
            if any(same(value, other) for other in values[:index]):
                raise ValueError(f"{place}{axis}: {value!r} is listed twice")


def _check_labels(labels: dict[str, Label], place: str) -> None:
    for name, label in labels.items():
        line = [name]
        while label.origin is not None:
            if label.origin not in labels:
                near = did_you_mean(label.origin, labels)
                raise ValueError(f"{place}.{line[-1]}.from: no label is called {label.origin!r}; {near}")
            line.append(label.origin)
            if label.origin in line[:-1]:
                raise ValueError(
                    f"{place}.{name}.from: the labels start from each other: {' -> '.join(line)}"
                )
            label = labels[label.origin]
