"""Behind the means: what a table's points get right by class and by unit, and what they confuse.

Made from the outputs on each sample, averaged over seeds last: shares of samples, as per cent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from seedbed.report.files import Files, Predicted
from seedbed.report.points import Point, TableView, chosen, shown_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

COMPARED = 8
"""So many points stand beside each other by class and by unit."""

MOST_GROUPS = 60
"""Of more classes or units, those are shown whose results differ most between the points."""

MOST_CLASSES = 20
"""Confusion matrices of more classes would not be read."""


@dataclass(frozen=True)
class Share:
    """A share of samples that were right, per cent, and how it differs from the baseline's, in points."""

    text: str
    minus: str
    value: float | None
    """From 0 to 1, for shading."""


@dataclass(frozen=True)
class Groups:
    """Shares by class or by unit: a row each, a column a point."""

    title: str
    what: str
    headers: Sequence[str]
    rows: Sequence[tuple[str, int, Sequence[Share]]]
    """Name, samples, a share for each point."""

    note: str


@dataclass(frozen=True)
class Confusion:
    """A point's confusion matrix: samples by true class (rows) and by the class they were taken for."""

    name: str
    counts: Sequence[Sequence[int]]
    seeds: int


@dataclass(frozen=True)
class Breakdown:
    """What a table's points get right and wrong."""

    groups: Sequence[Groups]
    confusions: Sequence[Confusion]
    note: str
    """Which points are shown, where not all of them are."""


def breakdown(files: Files, view: TableView) -> Breakdown | None:
    """Shares by class and by unit, and confusion matrices; None where nothing classifies."""
    split, when = view.where
    loaded = {
        point.anchor: found
        for point in chosen(view.points, COMPARED)
        if (found := _predicted(files, point, split, when))
    }
    points = [point for point in view.points if point.anchor in loaded]
    if not points:
        return None
    groups = [
        _groups("By class", "class", view, points, loaded, lambda one: one.targets),
        _groups("By unit", "unit", view, points, loaded, lambda one: one.units),
    ]
    matrices = [
        _confusion(point, loaded[point.anchor])
        for point in _heads(view, points)
        if loaded[point.anchor][0].count <= MOST_CLASSES
    ]
    return Breakdown([one for one in groups if one.rows], matrices, shown_of(points, view.points))


def _heads(view: TableView, points: Sequence[Point]) -> list[Point]:
    """Whose confusion is shown: the best of the stage's own points, and what it is compared with."""
    own = [point for point in points if point.own]
    rank = max if view.table.higher_is_better else min
    top = [rank(own, key=lambda point: point.cell.mean or 0.0)] if own else []
    return [*top, *(point for point in points if not point.own)][:3]


def _predicted(files: Files, point: Point, split: str, when: str) -> list[Predicted]:
    results = [trial.state.result for trial in point.finished]
    return [found for result in results if result and (found := files.predicted(result, split, when))]


def _groups(
    title: str,
    what: str,
    view: TableView,
    points: Sequence[Point],
    loaded: Mapping[str, list[Predicted]],
    key: Callable[[Predicted], NDArray[Any]],
) -> Groups:
    shares = {point.anchor: _shares(loaded[point.anchor], key) for point in points}
    sizes: dict[Any, int] = {}
    for values in shares.values():
        for name, (count, _) in values.items():
            sizes[name] = max(sizes.get(name, 0), count)
    names = sorted(sizes, key=_natural)
    note = ""
    if len(names) > MOST_GROUPS:
        names = sorted(sorted(names, key=lambda name: -_range(shares, name))[:MOST_GROUPS], key=_natural)
        note = f"The {MOST_GROUPS} of {len(sizes)} that differ most between the points."
    baselines = {point.anchor: view.baseline_of(point) for point in points}
    rows = []
    for name in names:
        boxes = []
        for point in points:
            against = baselines[point.anchor]
            mine = shares[point.anchor].get(name)
            theirs = shares.get(against.anchor, {}).get(name) if against else None
            boxes.append(_share(mine, theirs))
        rows.append((str(name), sizes[name], boxes))
    return Groups(title, what, [point.name for point in points], rows, note)


def _shares(
    found: Sequence[Predicted], key: Callable[[Predicted], NDArray[Any]]
) -> dict[Any, tuple[int, float]]:
    """For each class or unit: samples of one seed, and the share that is right, averaged over seeds."""
    import numpy as np

    gathered: dict[Any, list[tuple[int, float]]] = {}
    for one in found:
        names, where = np.unique(key(one), return_inverse=True)
        total = np.bincount(where)
        right = np.bincount(where, weights=one.classes == one.targets)
        for name, count, hits in zip(names.tolist(), total.tolist(), right.tolist(), strict=True):
            gathered.setdefault(name, []).append((count, hits / count))
    return {
        name: (max(count for count, _ in parts), fmean(share for _, share in parts))
        for name, parts in gathered.items()
    }


def _share(mine: tuple[int, float] | None, theirs: tuple[int, float] | None) -> Share:
    if mine is None:
        return Share("–", "", None)
    minus = f"{100 * (mine[1] - theirs[1]):+z.1f}" if theirs else ""
    return Share(f"{100 * mine[1]:.1f}", minus, mine[1])


def _range(shares: Mapping[str, Mapping[Any, tuple[int, float]]], name: Any) -> float:
    values = [values[name][1] for values in shares.values() if name in values]
    return max(values) - min(values)


def _confusion(point: Point, found: Sequence[Predicted]) -> Confusion:
    """Summed over seeds."""
    import numpy as np

    count = found[0].count
    matrix = np.zeros((count, count), dtype=int)
    for one in found:
        np.add.at(matrix, (one.targets, one.classes), 1)
    return Confusion(point.name, matrix.tolist(), len(found))


def _natural(name: Any) -> tuple[int, Any]:
    """Numbers by value, and before words: 2, 10, bus."""
    text = str(name)
    return (0, float(text)) if text.isdecimal() else (1, text)
