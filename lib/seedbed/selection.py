"""Which step is "best", and each metric there and at the last step.

Derived here from the log, never by a family, so that every number in a table
was chosen in the same way: by a validation metric, the earliest step on ties.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

SelectBy = tuple[str, Literal["max", "min"]]
Log = Sequence[Mapping[str, float]]


def best_step(log: Log, select_by: SelectBy | None) -> int | None:
    """The step whose validation metric is best, ties to the earliest; the last one without a rule."""
    if not log:
        return None
    if select_by is None:
        return int(log[-1]["step"])
    metric, mode = select_by
    sign = 1 if mode == "max" else -1
    logged = [entry for entry in log if metric in entry]
    if not logged:
        return None
    best = max(logged, key=lambda entry: (sign * entry[metric], -entry["step"]))
    return int(best["step"])


def at_best_and_last(log: Log, select_by: SelectBy | None) -> tuple[dict[str, float], int, int]:
    """`metric@best` and `metric@last` for every metric logged there; the best step, the last step."""
    last = int(log[-1]["step"])
    best = best_step(log, select_by)
    if best is None:
        wanted = select_by[0] if select_by else ""
        raise ValueError(f"{wanted} was never logged, and it says which step is best")
    at = {int(entry["step"]): entry for entry in log}
    metrics = {
        f"{name}@{when}": float(value)
        for when, step in (("best", best), ("last", last))
        for name, value in at[step].items()
        if name != "step"
    }
    return metrics, best, last
