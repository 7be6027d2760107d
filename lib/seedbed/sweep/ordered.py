"""The plan language for studies done in order: what a stage starts from, and how its winner is chosen."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from seedbed.sweep.part import STRICT, Scalar


class _Part(BaseModel):
    model_config = STRICT


class NamedPoint(_Part):
    """A point of another stage, named instead of won."""

    stage: str
    """The stage in which it stands."""

    where: dict[str, Scalar] = {}
    """Axes or settings that leave exactly one point, replicates aside."""


Inherit = str | NamedPoint
"""A stage whose winner is inherited, or a point that is, whether or not it wins."""


class Bounds(_Part):
    """How small and how large a metric may be; both bounds are allowed values."""

    min: float | None = Field(default=None, allow_inf_nan=False)
    """The least."""

    max: float | None = Field(default=None, allow_inf_nan=False)
    """The most."""

    @model_validator(mode="after")
    def _bounds_something(self) -> Bounds:
        if self.min is None and self.max is None:
            raise ValueError("min: one of min and max is required")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("max: is less than min")
        return self


class SelectPlan(_Part):
    """How the winner of a stage is chosen: by the mean of a validation metric over seeds and replicate axes."""

    metric: str
    """The metric, at the best or the last step: val/f1@best."""

    mode: Literal["max", "min"] | None = None
    """Which direction is better; the family's own direction for the metric when not said."""

    within: list[str] = []
    """Axes for each of whose values there is a winner of its own."""

    require: dict[str, Bounds] = {}
    """Bounds of metrics; a point that leaves them in any of its runs cannot win."""

    rule: Literal["one-se", "best"] = "one-se"
    """`one-se`: the highest mean wins if it beats the incumbent by more than one pooled standard error of their
    difference, else the incumbent stays. `best`: the highest mean wins, which replicates notes."""

    replicate: bool = False
    """Lets the metric be one of test, as notes that are replicated did; marked wherever it shows."""

    @field_validator("metric")
    @classmethod
    def _names_split_and_step(cls, metric: str) -> str:
        if not re.fullmatch(r"(train|val|test)/[^@]+@(best|last)", metric):
            raise ValueError(
                f"found {metric!r}, expected a validation metric with its step: val/…@best or @last"
            )
        return metric

    @model_validator(mode="after")
    def _selects_on_validation(self) -> SelectPlan:
        split = self.metric.split("/")[0]
        if split == "train" or (split == "test" and not self.replicate):
            how = "; only `replicate: true` selects on test" if split == "test" else ""
            raise ValueError(f"metric: found {self.metric!r}, expected a validation metric (val/…){how}")
        return self

    @property
    def on_test(self) -> bool:
        """Whether the winner is chosen by what should only judge it."""
        return self.metric.startswith("test/")
