"""`made`: windows in UCI-HAR's shape from a fixed stream, for trying and testing where there are no data.

Twelve people do six things. A thing is a sum of two sines in all nine channels, strong in some of them; a person has a
pace, a strength and a way of carrying the phone of their own; there is noise. Windows overlap by half, as UCI-HAR's
do. It looks like nothing that anybody recorded, and a number from it says nothing about people.
"""

from __future__ import annotations

import functools
import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from seedbed.readers.windows import Windows

CLASSES: Final = 6
CHANNELS: Final = 9
WINDOW: Final = 128
SUBJECTS: Final = 12
TEST_SUBJECTS: Final = 4
"""The last ones test."""
OF_EACH: Final = 6
"""Windows of a thing that a person does."""
RATE_HZ: Final = 50.0
EDITION: Final = "made-1"
"""Changed whenever a value would."""


def fingerprint() -> str:
    """SHA-256 in hex of the edition: there is no file."""
    return hashlib.sha256(EDITION.encode()).hexdigest()


@functools.cache
def windows() -> Windows:
    """(432, 9, 128): person by person, thing by thing; an id is `<split>/<line>` as in UCI-HAR."""
    rng = np.random.Generator(np.random.PCG64(2013))
    things = rng.uniform(size=(CLASSES, 2 + 2 * CHANNELS))
    signals = np.concatenate([_person(rng, things) for _ in range(SUBJECTS)])
    signals.setflags(write=False)  # made once a process, and shared
    persons = np.repeat(np.arange(1, SUBJECTS + 1), CLASSES * OF_EACH)
    official = np.where(persons > SUBJECTS - TEST_SUBJECTS, "test", "train")
    lines = [number for split in ("train", "test") for number in range(1, 1 + int((official == split).sum()))]
    return Windows(
        name="made",
        signals=signals,
        labels=np.tile(np.repeat(np.arange(CLASSES), OF_EACH), SUBJECTS),
        units=persons.astype(np.str_),
        ids=np.array([f"{split}/{line}" for split, line in zip(official, lines, strict=True)]),
        official=official,
        classes=tuple(f"thing {number}" for number in range(1, CLASSES + 1)),
        unit_word="subject",
        rate_hz=RATE_HZ,
    )


def _person(rng: np.random.Generator, things: NDArray[np.float64]) -> NDArray[np.float32]:
    """One person's windows, (CLASSES * OF_EACH, CHANNELS, WINDOW)."""
    pace, strength = rng.uniform(0.8, 1.25, 2)
    carried = np.eye(CHANNELS) + 0.25 * rng.standard_normal((CHANNELS, CHANNELS))
    samples = WINDOW * (OF_EACH + 1) // 2
    seconds = np.arange(samples) / RATE_HZ
    cut = []
    for thing in things:
        slow, fast = pace * (0.6 + 2 * thing[0]), pace * (3 + 6 * thing[1])
        weights = thing[2:].reshape(2, CHANNELS)
        phases = rng.uniform(0, 2 * np.pi, (2, CHANNELS))
        recording = strength * sum(
            weight[:, None] * np.sin(2 * np.pi * rate * seconds + phase[:, None])
            for rate, weight, phase in zip((slow, fast), weights, phases, strict=True)
        )
        noisy = carried @ recording + 0.8 * rng.standard_normal((CHANNELS, samples))
        starts = range(0, samples - WINDOW + 1, WINDOW // 2)
        cut += [noisy[:, start : start + WINDOW] for start in starts]
    return np.stack(cut).astype(np.float32)
