"""Whether anything was learned: metrics at a trivial guess, a loss that never fell. From the record alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from seedbed.family import Metric
from seedbed.health.step import listed
from seedbed.results import Event

SDS = 2.0
"""Standard deviations by which a metric has to be better than a trivial guess."""

LOGS = 10
"""Logged steps before a loss can be said never to have fallen."""

FALL = 0.01
"""By this share a loss has to fall below its first value at some step."""

WAY = 0.1
"""A training metric this share of the way from the trivial guess to perfect has left the guess behind: a student
that starts from a trained one has a low loss from the start, and it need not fall."""

MetricOf = Callable[[str], Metric]


def at_baseline(
    metrics: Mapping[str, float],
    baselines: Mapping[str, Mapping[str, float]],
    split: Mapping[str, Any],
    metric_of: MetricOf,
) -> Iterator[Event]:
    """One event for all metrics at the best step that are no better than a trivial guess.

    Better means by SDS of the guess's sampling deviation: sqrt(p (1 - p) / N) for a ratio over the split's N
    samples (binomial), 0 for other metrics, of which nothing is known. Samples of one unit are alike: the true
    deviation is larger, fewer are told.
    """
    found = []
    for label, values in baselines.items():
        for name, guess in values.items():
            value = metrics.get(f"{name}@best")
            if value is None:
                continue
            about = metric_of(name)
            slack = SDS * _deviation(name, guess, split) if about.unit == "%" else 0.0
            gain = value - guess if about.better == "higher" else guess - value
            if gain <= slack:
                spread = f" ± {slack:.2g}" if slack else ""
                found.append(f"{name}@best {value:.4g} ({label} {guess:.4g}{spread})")
    if found:
        yield Event(kind="at-baseline", message=f"no better than a trivial baseline: {listed(found)}")


def plateau(
    log: Sequence[Mapping[str, float]], baselines: Mapping[str, Mapping[str, float]], metric_of: MetricOf
) -> Iterator[Event]:
    """A train/loss that never fell, while the training metric stays at the trivial guess.

    Without a ratio that has a trivial guess to compare with, nothing is told: a loss alone may start at its end.
    """
    losses = [entry["train/loss"] for entry in log if "train/loss" in entry]
    if len(losses) < LOGS or min(losses[1:]) < losses[0] - FALL * abs(losses[0]):
        return
    guesses = {name.split("/")[-1]: guess for values in baselines.values() for name, guess in values.items()}
    for name, guess in guesses.items():
        reached = [entry[f"train/{name}"] for entry in log if f"train/{name}" in entry]
        about = metric_of(name)
        if not reached or about.unit != "%":
            continue
        perfect = 1.0 if about.better == "higher" else 0.0
        best = max(reached) if about.better == "higher" else min(reached)
        if perfect != guess and (best - guess) / (perfect - guess) < WAY:
            message = (
                f"plateau: train/loss never fell ({losses[0]:.4g} at step {log[0]['step']:.0f}, "
                f"{losses[-1]:.4g} at step {log[-1]['step']:.0f}), train/{name} is {best:.4g}"
            )
            yield Event(kind="plateau", message=message)
            return


def _deviation(name: str, ratio: float, split: Mapping[str, Any]) -> float:
    part = {"val": "validation"}.get(name.split("/")[0], name.split("/")[0])
    samples = split.get("samples", {}).get(part, 0)
    return math.sqrt(ratio * (1 - ratio) / samples) if samples and 0 <= ratio <= 1 else 0.0
