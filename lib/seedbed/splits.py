"""Which samples and units are in which split of a trial, and that none is where it must not be."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from seedbed.errors import BadData
from seedbed.finished import FinishedTrial
from seedbed.identity import digest
from seedbed.planning.leakage import shared_units

NAMED_UNITS = 30
"""Up to so many units of a split are named in the result itself."""

Units = dict[str, list[str]]
"""The units of each split, sorted."""


def units_of(
    splits: Mapping[str, tuple[Iterable[Any], Iterable[Any]]], inputs: Mapping[str, Sequence[FinishedTrial]]
) -> Units:
    """The units of splits that are each (ids, units).

    Raises BadData when a unit is in two of them, or when an input (by role) was trained or selected
    on what is tested here.
    """
    units = {name: sorted({str(unit) for unit in members}) for name, (_, members) in splits.items()}
    for (name, values), (other, others) in itertools.combinations(units.items(), 2):
        shared = sorted(set(values) & set(others))
        if shared:
            raise BadData(
                f"{shared[0]} is in this trial's {name} and {other} data: splits must not share units"
            )
    mine = {name: frozenset(values) for name, values in units.items()}
    for role, source in ((role, source) for role, sources in inputs.items() for source in sources):
        leak = shared_units(mine, {name: frozenset(values) for name, values in source.units().items()})
        if leak is not None:
            unit, split, other = leak
            raise BadData(f"{unit} is in the {split} data, and {role} {source.id} has it in its {other} data")
    return units


def summary(splits: Mapping[str, tuple[Iterable[Any], Iterable[Any]]], units: Units) -> dict[str, Any]:
    """What a result says of its splits: a hash of the samples' ids, counts, and names of units that are few."""
    ids = {name: sorted(str(sample) for sample in samples) for name, (samples, _) in splits.items()}
    return {
        "hash": digest(ids),
        "samples": {name: len(values) for name, values in ids.items()},
        "units": {name: len(values) for name, values in units.items()},
        "names": {name: values for name, values in units.items() if len(values) <= NAMED_UNITS},
    }
