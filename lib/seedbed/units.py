"""Units: the subjects, books or identities that samples belong to. Quick, without torch."""

from __future__ import annotations

from collections.abc import Iterable


def in_order(units: Iterable[str]) -> list[str]:
    """Each unit once, as a person would count: 2 before 10."""
    return sorted(set(units), key=lambda unit: (len(unit), unit))
