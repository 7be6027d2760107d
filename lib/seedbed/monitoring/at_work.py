"""How those who watch workers tell Prometheus of them: in a trial's pod, and in a run on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from seedbed.planning import PlannedTrial

Told = list[tuple[PlannedTrial, str, Mapping[str, Any]]]
"""The trials at work: each with its stage, and all that its worker has told so far."""

Tell = Callable[[Told], None]


def nobody(_: Told) -> None:
    """Where nothing is served."""


@contextmanager
def told_to_prometheus(port: int | None, address: str = "") -> Iterator[Tell]:
    """Serve what is told meanwhile; without a port nothing is. Raises InvalidConfig when the port cannot be had."""
    if port is None:
        yield nobody
        return
    from seedbed.monitoring.endpoint import serving  # loaded here: prometheus_client is for those who serve
    from seedbed.monitoring.trials import Place, TrialsAtWork

    at_work = TrialsAtWork()

    def tell(told: Told) -> None:
        at_work.hear({trial.id: (Place(trial.family, stage), progress) for trial, stage, progress in told})

    with serving(at_work, port, address):
        yield tell
