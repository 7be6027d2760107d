"""GPU memory, utilisation and power, as nvidia-smi tells them; nothing where there is none."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

EVERY_SECONDS = 10.0
"""nvidia-smi takes a good part of a second: it is not asked more often."""

TIMEOUT_SECONDS = 5.0
FIELDS = "memory.used,memory.total,utilization.gpu,power.draw"


@dataclass(frozen=True)
class Gpu:
    """A GPU now; None where it does not tell."""

    memory_used_bytes: float | None
    memory_total_bytes: float | None
    utilisation_ratio: float | None
    watts: float | None


class Gpus:
    """The GPUs that this process may see."""

    def __init__(self) -> None:
        self._command = shutil.which("nvidia-smi")
        self._read_at = float("-inf")
        self._known: list[Gpu] = []

    def now(self) -> list[Gpu]:
        """As read within the last ten seconds; empty where there is none, or where it does not answer."""
        if self._command is not None and time.monotonic() - self._read_at >= EVERY_SECONDS:
            self._known = _ask(self._command)
            self._read_at = time.monotonic()
        return self._known


class Meter:
    """The energy that the GPUs of a pod take, from the power they draw now and then."""

    def __init__(self, gpus: Gpus | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.joules: float | None = None
        """None as long as no GPU has told."""
        self._gpus = gpus or Gpus()
        self._clock = clock
        self._before: tuple[float, float] | None = None

    def read(self) -> None:
        """Add what was taken since the last time: time by the mean of both powers."""
        watts = [gpu.watts for gpu in self._gpus.now() if gpu.watts is not None]
        if not watts:
            return
        now, power = self._clock(), sum(watts)
        if self._before is not None:
            at, before = self._before
            self.joules = (self.joules or 0.0) + (now - at) * (power + before) / 2
        self._before = (now, power)


def _ask(command: str) -> list[Gpu]:
    query = [command, f"--query-gpu={FIELDS}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(  # noqa: S603 - found on PATH, fixed arguments
            query, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [gpu_of(line) for line in done.stdout.splitlines() if line.strip()]


def gpu_of(line: str) -> Gpu:
    """A line of nvidia-smi: MiB used and there, percent, watts; `[N/A]` is None."""
    used, total, percent, watts = (_number(text) for text in line.split(","))
    return Gpu(_times(used, 2**20), _times(total, 2**20), _times(percent, 0.01), watts)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
