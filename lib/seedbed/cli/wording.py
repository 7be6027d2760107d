"""Durations and counts, as people say them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """`3 h 20 min`, `1 min 52 s`, `8 s`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


def without_result(missing: int) -> str:
    """How many planned trials lack a usable result."""
    return f"{missing} planned {'trial has' if missing == 1 else 'trials have'} no result"
