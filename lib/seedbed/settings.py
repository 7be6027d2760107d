"""Everything in which two trials can differ, and in what two of them do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seedbed.sweep.points import flatten

if TYPE_CHECKING:
    from seedbed.planning import PlannedTrial
    from seedbed.results import Result
    from seedbed.tables.model import Scalar

    Settings = Mapping[str, Scalar]
    """By dotted path; beside those of the config: data, input roles, numerics, code."""

ABSENT = "–"
"""Stands for a setting that one side does not have."""


@dataclass(frozen=True)
class Change:
    """A setting in which two sides differ."""

    setting: str
    ours: Scalar
    theirs: Scalar

    @property
    def one_sided(self) -> bool:
        """Whether only one side has it at all."""
        return ABSENT in (self.ours, self.theirs)


def settings_of(trial: PlannedTrial, result: Result | None) -> dict[str, Scalar]:
    """All that tells a trial apart, its seed aside; numerics and code once it has a result."""
    found: dict[str, Scalar] = {"family": trial.family, "role revision": trial.revision}
    for path, value in flatten(trial.config).items():
        found[path] = value if isinstance(value, str | int | float | bool) else str(value)
    found["data fingerprint"] = trial.data
    for role, refs in trial.inputs.items():
        found[f"input {role}"] = ", ".join(f"{ref.trial} {ref.weights}" for ref in refs)
    if result is not None:
        found["numerics"] = " ".join(result.numerics_tag.values())
        found["code"] = result.code
    return found


def changes(ours: Settings, theirs: Settings) -> list[Change]:
    """The settings in which two sides differ, in the order in which they stand."""
    paths = dict.fromkeys([*ours, *theirs])
    return [
        Change(path, ours.get(path, ABSENT), theirs.get(path, ABSENT))
        for path in paths
        if ours.get(path, ABSENT) != theirs.get(path, ABSENT)
    ]


def beyond(found: Iterable[Change], axes: Iterable[str]) -> list[Change]:
    """The changes that no axis names. A share is named by its map's axis: the others make up for it."""
    several, named = list(found), set(axes)
    shares = _shares(several) & {_parent(axis) for axis in named}
    return [
        change for change in several if change.setting not in named and _parent(change.setting) not in shares
    ]


def how_many(found: Iterable[Change]) -> int:
    """How many settings were changed: shares that make up for each other are one."""
    several = list(found)
    shares = _shares(several)
    return len({_parent(one.setting) if _parent(one.setting) in shares else one.setting for one in several})


def _parent(setting: str) -> str:
    return setting.rpartition(".")[0]


def _shares(found: Iterable[Change]) -> set[str]:
    """The maps whose changed members make up for each other: shares of one."""
    inside: dict[str, list[Change]] = {}
    for change in found:
        inside.setdefault(_parent(change.setting), []).append(change)
    return {parent for parent, members in inside.items() if parent and _make_up(members)}


def _make_up(members: Iterable[Change]) -> bool:
    sides = list(zip(*((change.ours, change.theirs) for change in members), strict=True))
    sums = [math.fsum(value for value in side if isinstance(value, float)) for side in sides]
    return math.isclose(sums[0], sums[1]) or any(math.isclose(total, 1) for total in sums)
