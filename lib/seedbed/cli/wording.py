"""Durations and counts, as people say them."""

from __future__ import annotations

from collections.abc import Sequence


def duration(seconds: float) -> str:
    """`3 h 20 min`, `1 min 52 s`, `8 s`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


def without_result(missing: int) -> str:
    """How many planned trials lack a usable result."""
    return f"{missing} planned {'trial has' if missing == 1 else 'trials have'} no result"


def without_plan(stages: Sequence[str]) -> str:
    """Which stages have no plan in the store; empty when there are none."""
    lost = (
        "not planned yet, or its plan is lost"
        if len(stages) == 1
        else "not planned yet, or their plans are lost"
    )
    return f"{', '.join(stages)}: {lost}; submit the sweep again" if stages else ""


def lacking(missing: int, stages: Sequence[str]) -> str:
    """What a run's tables lack: results of so many trials, and these stages; empty when they are whole."""
    return "; ".join(filter(None, [without_result(missing) if missing else "", without_plan(stages)]))
