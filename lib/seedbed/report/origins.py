"""Where each number came from: its trials, and the code, data and machine behind them."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass

from seedbed.report.points import Point, TableView, TrialOf
from seedbed.results import Result
from seedbed.tables.wording import number


@dataclass(frozen=True)
class Origin:
    """One combination of code, data and machine; trials that share it name it by a letter."""

    key: str
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class TrialRow:
    """A trial as the page tells of it."""

    block: str
    value: str
    trial: str
    steps: str
    seconds: str
    origin: str
    inputs: Sequence[tuple[str, str]]
    """Role and id of each trial that it builds on."""

    first: bool
    """Whether the page tells of it here for the first time: links to it lead here."""


class Origins:
    """Gathers the origins of a run's results and gives each a letter."""

    def __init__(self) -> None:
        self._keys: dict[tuple[tuple[str, str], ...], str] = {}
        self._told: set[str] = set()

    @property
    def all(self) -> list[Origin]:
        """Every origin that was asked for."""
        return [Origin(key, facts) for facts, key in self._keys.items()]

    def differ_in(self) -> list[str]:
        """The names of the facts that are not the same for all of them."""
        values: dict[str, set[str]] = {}
        for facts in self._keys:
            for name, text in facts:
                values.setdefault(name, set()).add(text)
        return [name for name, found in values.items() if len(found) > 1]

    def rows(self, view: TableView, point: Point) -> list[TrialRow]:
        """A point's trials, each with its value in the table."""
        return [self._row(view, point, trial) for trial in point.trials]

    def _row(self, view: TableView, point: Point, trial: TrialOf) -> TrialRow:
        cell, result = point.cell, trial.state.result
        failure = cell.failures.get(trial.block)
        inputs = [(role, ref.trial) for role, refs in trial.planned.inputs.items() for ref in refs]
        first = trial.planned.id not in self._told
        self._told.add(trial.planned.id)
        best = f"{result.best_step} of {result.last_step}" if result and result.best_step is not None else ""
        return TrialRow(
            trial.block,
            failure if failure is not None else number(view.table, cell.values[trial.block]),
            trial.planned.id,
            best,
            f"{result.seconds:.0f} s" if result else "",
            self._key(result) if result else "",
            inputs,
            first,
        )

    def _key(self, result: Result) -> str:
        facts = tuple(_facts(result))
        if facts not in self._keys:
            at = len(self._keys)
            letters = string.ascii_uppercase
            self._keys[facts] = letters[at] if at < len(letters) else f"{letters[at % 26]}{at // 26}"
        return self._keys[facts]


def _facts(result: Result) -> list[tuple[str, str]]:
    split = result.split
    samples = ", ".join(f"{count} {name}" for name, count in split.get("samples", {}).items())
    names = "; ".join(f"{name}: {', '.join(units)}" for name, units in split.get("names", {}).items())
    told = [
        ("code", f"{result.code}, numerics {result.numerics}"),
        ("image", result.image),
        ("computed by", ", ".join(f"{name} {value}" for name, value in result.numerics_tag.items())),
        ("machine", f"{result.host} ({result.device})"),
        ("data", result.data),
        ("split", " · ".join(part for part in (split.get("hash", ""), samples, names) if part)),
        ("packages", ", ".join(f"{name} {version}" for name, version in result.packages.items())),
    ]
    return [(name, text) for name, text in told if text]
