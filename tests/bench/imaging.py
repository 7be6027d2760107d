"""How much faster the imaging kernels are than pyts: CPU time, in one process, on one thread.

    python -m tests.bench.imaging

A batch is 64 windows × 3 axes of 500 samples, made into 64 × 64 images. Each side is called as it is
meant to be: ours with a buffer to fill again and again, as the loader has one; pyts, which returns
float64, with a ready-made transformer and the series already in float64.

The two sides take turns in blocks of calls, and each is measured twice, by medians. Back to back, over the
calls that follow another of the same side: as an epoch makes its images, and what the goals are about. And
over the first call of each block, right after the other side: pyts goes through some 50 MB a call, so that
ours then finds the caches cold, as after anything else that has used them; without a goal.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy loads its BLAS

import statistics
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from pyts.image import GramianAngularField, MarkovTransitionField

from jobs.sensor_distillation.imaging import Encoding, images
from tests.bench._timing import Line, cpu_milliseconds, faster, show

WINDOWS, AXES, LENGTH, SIZE = 64, 3, 500, 64
ROUNDS = 20
OUR_CALLS, THEIR_CALLS = 20, 3  # in a block
GOALS: dict[Encoding, float] = {"gasf": 10, "gadf": 10, "mtf": 50}
TRANSFORMERS: dict[Encoding, Any] = {
    "gasf": GramianAngularField(image_size=SIZE, method="summation"),
    "gadf": GramianAngularField(image_size=SIZE, method="difference"),
    "mtf": MarkovTransitionField(image_size=SIZE, n_bins=8),
}


def main() -> None:
    show(f"{WINDOWS * AXES} series of {LENGTH} to {SIZE} × {SIZE} images, pyts → ours", _lines())


def _lines() -> Iterator[Line]:
    walk = np.random.default_rng(0).standard_normal((WINDOWS, AXES, LENGTH)).cumsum(axis=-1)
    signals = walk.round(2).astype(np.float32)  # rounded as a sensor would: with ties
    series = signals.reshape(-1, LENGTH).astype(np.float64)
    buffer = np.empty((WINDOWS, AXES, SIZE, SIZE), np.float32)
    for encoding, goal in GOALS.items():
        theirs = partial(TRANSFORMERS[encoding].transform, series)
        ours = partial(images, signals, encoding, SIZE, out=buffer)
        for side in (theirs, ours):
            side()  # warm up
        rounds = [(_block(theirs, THEIR_CALLS), _block(ours, OUR_CALLS)) for _ in range(ROUNDS)]
        sides = list(zip(*rounds, strict=True))
        slow, fast = (statistics.median(ms for block in blocks for ms in block[1:]) for blocks in sides)
        yield faster(f"{encoding}, back to back", slow, fast, "ms", goal)
        slow, fast = (statistics.median(block[0] for block in blocks) for blocks in sides)
        yield faster(f"{encoding}, right after the other side", slow, fast, "ms")


def _block(call: Callable[[], object], calls: int) -> list[float]:
    return [cpu_milliseconds(call) for _ in range(calls)]


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # pyts says that it drops equal quantiles
        main()
