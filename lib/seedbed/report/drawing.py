"""What a plot consists of, in the coordinates of its own box; a template draws it as SVG.

Scales and tick marks stand here, what is plotted in charts.py and curves.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Tick:
    """A position on an axis and what is written there."""

    at: float
    text: str


@dataclass(frozen=True)
class Line:
    """A polyline; `style` names its class in style.css."""

    style: str
    points: str

    @classmethod
    def through(cls, style: str, places: Iterable[tuple[float, float]]) -> Line:
        """A line through these places."""
        return cls(style, " ".join(f"{x:.1f},{y:.1f}" for x, y in places))


@dataclass(frozen=True)
class Dot:
    """A round mark; `told` is what a pointer that rests on it reads."""

    style: str
    x: float
    y: float
    radius: float
    told: str = ""


@dataclass(frozen=True)
class Word:
    """A text in the plot; `anchor` is start, middle or end."""

    x: float
    y: float
    text: str
    anchor: str = "start"


@dataclass(frozen=True)
class Plot:
    """A plot: its box, frame, axes and marks. `title` and `description` say in words what it shows."""

    title: str
    description: str
    width: float
    height: float
    left: float
    top: float
    right: float
    bottom: float
    x_label: str
    y_label: str
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    lines: Sequence[Line] = ()
    dots: Sequence[Dot] = ()
    words: Sequence[Word] = ()
    rows: bool = False
    """Whether the y axis names things, one below the other, rather than measuring."""


@dataclass(frozen=True)
class Scale:
    """From values between `low` and `high` to places between `start` and `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = field(default=False)

    def __call__(self, value: float) -> float:
        """The place of a value."""
        low, high, value = (
            map(math.log, (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        )
        share = (value - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)


def around(values: Sequence[float], margin: float = 0.06) -> tuple[float, float]:
    """A range that holds all values with some air; of width 1 (or 2 % of the value) where they are equal."""
    low, high = min(values), max(values)
    air = (high - low) * margin or abs(low) * 0.01 or 0.5
    return low - air, high + air


def round_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """About so many round numbers (1, 2 or 5 times a power of ten apart) from `low` to `high`."""
    span = high - low
    rough = span / about
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def shortest(value: float) -> str:
    """A tick's number as a person would write it: `0.5`, `20`, `1e-05`."""
    return f"{value:.6g}"


def spread_out(ticks: Sequence[Tick], gap: float) -> list[Tick]:
    """The ticks that stand at least `gap` apart, the first of each cluster."""
    kept: list[Tick] = []
    for tick in sorted(ticks, key=lambda tick: tick.at):
        if not kept or tick.at - kept[-1].at >= gap:
            kept.append(tick)
    return kept
