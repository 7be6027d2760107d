"""A study done in order as a chain: each step, what it changed, what that gained, and whether it was kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from seedbed.statistics import Difference
from seedbed.tables.wording import rounded

ON_TEST = "selected on test, as the notes did"
"""What stands wherever a number rests on a selection that replicates notes."""


@dataclass(frozen=True)
class Change:
    """A setting that a step changed, or where an input comes from; None where it does not exist."""

    setting: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Link:
    """One step: the best that it tried against its incumbent."""

    stage: str
    origin: str
    """What it started from, where that is not the winner of the step before it."""

    within: str
    """Where it chose, when there is a winner for each value of some axes."""

    tried: str
    """Where the best that it tried stands; empty where there is nothing beside the incumbent."""

    changes: Sequence[Change]
    """What the best challenger changed, kept or not; empty without one."""

    gains: Sequence[Difference | None]
    """What that gained, better being positive, for each of the chain's metrics."""

    verdict: str
    """kept, not kept, no winner, and why."""


@dataclass(frozen=True)
class Confirmed:
    """What a chain, or one step of it, gained on seeds that selected nothing."""

    of: str
    gain: Difference | None


@dataclass(frozen=True)
class Chain:
    """The steps of a study, and what of them was confirmed."""

    links: Sequence[Link]
    metrics: Sequence[str]
    """Whose gains stand in the links: the one that chose, and the one that the tables show."""

    scales: Sequence[float]
    """By which each metric is multiplied to be printed: 100 for per cent."""

    seeds: str
    """Those that selected."""

    on_test: bool = False
    confirmed: Sequence[Confirmed] = field(default_factory=tuple)
    fresh_seeds: str = ""
    confirmed_in: str = ""
    """The metric of the confirmed gains: that of the table of the stage that confirms."""

    confirmed_scale: float = 1.0


def text(chain: Chain) -> str:
    """The chain as a terminal shows it."""
    rows = [_header(chain), *(_row(chain, link) for link in chain.links)]
    widths = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join(["the chain", *lines, *_sentences(chain)]) + "\n"


def markdown(chain: Chain) -> str:
    """The chain in GitHub's Markdown."""
    rows = [_header(chain), ["---"] * len(_header(chain)), *(_row(chain, link) for link in chain.links)]
    lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(["**The chain**", "", *lines, "", *(f"{line}  " for line in _sentences(chain))]) + "\n"


def lines(chain: Chain) -> tuple[list[list[str]], list[str]]:
    """The chain's rows, the header first, and what is said below them: for a page to lay out."""
    return [_header(chain), *(_row(chain, link) for link in chain.links)], _sentences(chain)


def _header(chain: Chain) -> list[str]:
    return ["step", "change", *(f"gain in {metric}" for metric in chain.metrics), "kept"]


def _row(chain: Chain, link: Link) -> list[str]:
    step = " ".join(part for part in (link.stage, link.within) if part)
    sides = [(one.setting, _value(one.before), _value(one.after)) for one in link.changes]
    changes = ", ".join(
        f"{setting}: {before} -> {after}" for setting, before, after in sides if before != after
    )
    came = f" (from {link.origin})" if link.origin else ""
    gains = [_gain(gain, scale) for gain, scale in zip(link.gains, chain.scales, strict=True)]
    return [step, f"{changes or link.tried or '–'}{came}", *gains, link.verdict]


def _sentences(chain: Chain) -> list[str]:
    said = []
    if chain.on_test:
        said.append(f"Winners were {ON_TEST}: test figures here are of the data that chose.")
    said.append(
        f"Gains on seeds {chain.seeds}, which selected: optimistic, and no headline. Better is + in every metric; "
        "95% intervals over seeds, from the pooled sd of each stage."
    )
    if not chain.fresh_seeds:
        return [
            *said,
            "Nothing confirms this chain yet: a stage with `confirm` runs it afresh on other seeds.",
        ]
    if not chain.confirmed:
        return [*said, f"Confirmed on seeds {chain.fresh_seeds}: no step was kept, so that there is no gain."]
    said.append(
        f"Confirmed on seeds {chain.fresh_seeds}, which selected nothing, in {chain.confirmed_in}, better being +:"
    )
    return said + [f"  {one.of}: {_gain(one.gain, chain.confirmed_scale)}" for one in chain.confirmed]


def _value(value: Any) -> str:
    return "–" if value is None else str(value)


def _gain(gain: Difference | None, scale: float) -> str:
    if gain is None:
        return "–"
    mean, unit = printed(gain.mean, scale), in_points(scale)
    if gain.low is None or gain.high is None:
        return f"{mean}{unit}"
    return f"{mean} [{printed(gain.low, scale)}, {printed(gain.high, scale)}]{unit}"


def printed(gain: float, scale: float) -> str:
    """A gain, or a bound of it: two decimals of a per cent, four of a plain number."""
    return rounded(scale * gain, 4 if scale == 1 else 2, "+")


def in_points(scale: float) -> str:
    """What a gain is counted in."""
    return "" if scale == 1 else " points"
