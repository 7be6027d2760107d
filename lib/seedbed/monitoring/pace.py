"""How fast one trial goes, from how far it had got when."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

WINDOW_SECONDS = 10.0
"""Steps are counted over so long: a single report says little."""


class Pace:
    """Steps per second, and seconds between two evaluations, of a trial at work."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.steps_per_second: float | None = None
        self.epoch_seconds: float | None = None
        """Time from one evaluation to the next: an epoch, in families that evaluate after each."""
        self._clock = clock
        self._since: tuple[float, int] | None = None
        self._metrics: Mapping[str, float] | None = None
        self._evaluated: float | None = None

    def hear(self, step: int, metrics: Mapping[str, float] | None) -> None:
        """What was reported last; every evaluation comes with a mapping of its own."""
        now = self._clock()
        if self._since is None:
            self._since = (now, step)
        began, at = self._since
        if now - began >= WINDOW_SECONDS or (self.steps_per_second is None and step > at and now > began):
            self.steps_per_second = (step - at) / (now - began)
            self._since = (now, step)
        if metrics is not None and metrics is not self._metrics:
            if self._evaluated is not None:
                self.epoch_seconds = now - self._evaluated
            self._metrics, self._evaluated = metrics, now
