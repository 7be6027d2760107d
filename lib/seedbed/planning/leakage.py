"""No trial may build on one that has seen what it is tested on."""

from __future__ import annotations

from collections.abc import Mapping

from seedbed.config import Config
from seedbed.errors import InvalidConfig, InvalidSweep
from seedbed.family import Family

Units = Mapping[str, frozenset[str]]
"""The units (subjects, books, identities) in train, validation and test."""

SEEN = (("test", "train"), ("test", "validation"), ("validation", "train"))
"""(mine, theirs): what must not be shared with a trial that this one builds on."""


def shared_units(mine: Units, theirs: Units) -> tuple[str, str, str] | None:
    """(unit, my split, their split) for the first unit that leaks; None when none does."""
    for split, other in SEEN:
        shared = sorted(mine.get(split, frozenset()) & theirs.get(other, frozenset()))
        if shared:
            return shared[0], split, other
    return None


class LeakCheck:
    """Compares the splits of trials with those they build on; a split is worked out once a config."""

    def __init__(self) -> None:
        self._known: dict[str, Units] = {}

    def refuse(self, mine: tuple[Family, Config], theirs: tuple[Family, Config], place: str) -> None:
        """Raise InvalidSweep when a trial of the one config would build on a leak from the other."""
        leak = shared_units(self._units(*mine), self._units(*theirs))
        if leak is not None:
            unit, split, other = leak
            raise InvalidSweep(
                f"{place}: leaks: {unit} is in the {split} data here and in the {other} data there"
            )

    def look(self, family: Family, config: Config, place: str) -> None:
        """Work a split out before anything runs; raises InvalidConfig at `place`, or BadData."""
        try:
            self._units(family, config)
        except InvalidConfig as error:
            raise InvalidConfig(f"{place}.{error}") from None

    def _units(self, family: Family, config: Config) -> Units:
        key = f"{family.name} {config.model_dump_json(include=set(family.split_settings))}"
        if key not in self._known:
            self._known[key] = family.units(config)
        return self._known[key]
