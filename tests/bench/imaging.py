"""How much faster the imaging kernels are than pyts: CPU time, in turns in one process, on one thread.

    python -m tests.bench.imaging

A batch is 64 windows × 3 axes of 500 samples, made into 64 × 64 images. Each side is called as it is
meant to be: ours with a buffer to fill again and again, as the loader has one; pyts, which returns
float64, with a ready-made transformer and the series already in float64.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy loads its BLAS

import statistics
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from pyts.image import GramianAngularField, MarkovTransitionField

from jobs.sensor_distillation.imaging import Encoding, images

WINDOWS, AXES, LENGTH, SIZE = 64, 3, 500, 64
ROUNDS = 30
GOALS: dict[Encoding, int] = {"gasf": 10, "gadf": 10, "mtf": 50}
TRANSFORMERS: dict[Encoding, Any] = {
    "gasf": GramianAngularField(image_size=SIZE, method="summation"),
    "gadf": GramianAngularField(image_size=SIZE, method="difference"),
    "mtf": MarkovTransitionField(image_size=SIZE, n_bins=8),
}


def main() -> None:
    """Print one line for each encoding: medians in ms, their ratio, the goal."""
    walk = np.random.default_rng(0).standard_normal((WINDOWS, AXES, LENGTH)).cumsum(axis=-1)
    signals = walk.round(2).astype(np.float32)  # rounded as a sensor would: with ties
    series = signals.reshape(-1, LENGTH).astype(np.float64)
    print(f"{len(series)} series of {LENGTH} -> {SIZE} x {SIZE}, median of {ROUNDS} rounds in turns")
    print(f"{'encoding':10}{'own ms':>10}{'pyts ms':>10}{'ratio':>8}{'goal':>8}")
    buffer = np.empty((WINDOWS, AXES, SIZE, SIZE), np.float32)
    for encoding, goal in GOALS.items():
        own, pyts = in_turns(
            partial(images, signals, encoding, SIZE, out=buffer),
            partial(TRANSFORMERS[encoding].transform, series),
        )
        print(f"{encoding:10}{own:10.3f}{pyts:10.2f}{pyts / own:8.1f}{f'>= {goal}':>8}")


def in_turns(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """Median milliseconds of CPU time of each, after one round to warm up."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(1 + ROUNDS):
        for call, taken in zip((first, second), times, strict=True):
            start = time.process_time()
            call()
            taken.append(1000 * (time.process_time() - start))
    return statistics.median(times[0][1:]), statistics.median(times[1][1:])


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # pyts says that it drops equal quantiles
        main()
