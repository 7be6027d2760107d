"""The health of one trial: shows its detectors every step, and keeps what they have found."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.health.clipping import Clipping
from seedbed.health.codes import DeadCodes
from seedbed.health.collapse import Collapse
from seedbed.health.coverage import Coverage
from seedbed.health.exponent import Exponent
from seedbed.health.nonfinite import NonFinite
from seedbed.health.runaway import Runaway
from seedbed.health.step import EVERY, Detector, Step
from seedbed.health.watch import Watch
from seedbed.results import Event

log = logging.getLogger("seedbed.health")

OBSERVED = ("loss", "embedding", "codes", "codebook", "grad_norm", "clip", "exponent")
"""What a family can observe."""


class Health:
    """Watches a trial's state from its first step on; never draws a random number or changes a value."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._nonfinite, self._coverage = NonFinite(), Coverage()
        self._detectors: dict[str, Detector] = {
            "nonfinite": self._nonfinite,
            "coverage": self._coverage,
            "exponent": Exponent(),
            "collapse": Collapse(),
            "runaway": Runaway(),
            "codes": DeadCodes(),
            "clipping": Clipping(),
        }
        self._watch = Watch()
        self._observed: dict[str, Any] = {}
        self._weights: list[list[Tensor]] = []
        self._logged = False
        self._last = Step(0)

    # While it trains

    def begin(self, step: int, state: Mapping[str, Any]) -> None:
        """The trial goes on after so many steps, from this state."""
        self._attach(step, state)
        self._watch.prepare(full=_is_full(step + 1))
        start = self._step(step, state)
        self._weights[:] = _by_kind(start.parameters().values())
        if not self._coverage.begun:
            self._coverage.begin(start)
        self._last = start

    def observe(self, values: Mapping[str, Any]) -> None:
        """What the family knows of the step under way; looked at when it ends, and then forgotten."""
        for name, value in values.items():
            self._observed[name] = value.detach() if isinstance(value, Tensor) else value

    def logged(self, metrics: Mapping[str, float]) -> None:
        """The step under way is logged: it is looked at in full."""
        self._logged = True
        if "train/loss" in metrics:
            self._observed.setdefault("loss", metrics["train/loss"])

    def look(self, number: int, state: Mapping[str, Any]) -> None:
        """A step has been taken."""
        self._attach(number, state)
        step = self._step(number, state)
        for detector in self._detectors.values():
            for event in detector.look(step):
                self.tell(event)
        self._last = replace(step, observed={}, outputs={})
        self._observed, self._logged = {}, False
        self._watch.prepare(full=_is_full(number + 1))

    def divergence(self, step: int, metric: str, state: Mapping[str, Any]) -> str:
        """Why a trial diverged whose metric is not finite at this step; told in place of what came first."""
        self.look(step, state)
        self.events = [event for event in self.events if event.kind != "not-finite"]
        return self._nonfinite.divergence(step, metric)

    def ended(self, more: Iterable[Event] = ()) -> list[Event]:
        """All events of a trial that has taken its last step, and those that only its end shows."""
        for detector in self._detectors.values():
            for event in detector.ended(self._last):
                self.tell(event)
        for event in more:
            self.tell(event)
        self.close()
        return self.events

    def close(self) -> None:
        """Take the hooks off the modules."""
        self._watch.detach()

    def tell(self, event: Event) -> None:
        """Keep an event, and say it in the attempt's output."""
        self.events.append(event)
        log.warning("health: %s: %s", event.kind, event.message)

    def not_deterministic(self, what: str) -> None:
        """An operation without a deterministic form was used: from now on the bits may differ from run to run."""
        known = (event.message for event in self.events if event.kind == "not-deterministic")
        if not any(message.startswith(f"{what} ") for message in known):
            message = f"{what} has no deterministic form here (first used in step {self._last.number + 1})"
            self.tell(Event(kind="not-deterministic", message=message))

    @property
    def first_batch(self) -> str:
        """Digest of the first training batch; empty before it was seen."""
        return self._watch.first_batch

    # In a checkpoint

    def plain(self) -> dict[str, Any]:
        """What a checkpoint has to carry."""
        detectors = {name: dict(vars(detector)) for name, detector in self._detectors.items()}
        return {"events": [event.model_dump() for event in self.events], "detectors": detectors}

    def load(self, plain: Mapping[str, Any]) -> None:
        """Go on from what `plain` gave; an earlier version's checkpoint may have nothing."""
        self.events = [Event(**event) for event in plain.get("events", [])]
        for name, values in plain.get("detectors", {}).items():
            if name in self._detectors:
                vars(self._detectors[name]).update(values)

    def _attach(self, step: int, state: Mapping[str, Any]) -> None:
        modules = {name: part for name, part in state.items() if isinstance(part, nn.Module)}
        self._watch.attach(modules, from_start=step == 0)

    def _step(self, number: int, state: Mapping[str, Any]) -> Step:
        full = self._logged or _is_full(number)
        step = Step(
            number,
            full=full,
            modules={name: part for name, part in state.items() if isinstance(part, nn.Module)},
            optimizers=[part for part in state.values() if isinstance(part, torch.optim.Optimizer)],
            observed=self._observed,
            outputs=self._watch.collected(),
            weights=self._weights,
        )
        if full:  # walking through all modules takes longer than looking at their weights
            self._weights[:] = _by_kind(step.parameters().values())
        return step


def _is_full(number: int) -> bool:
    return number == 1 or number % EVERY == 0


def _by_kind(weights: Iterable[Tensor]) -> list[list[Tensor]]:
    """Flat views of those that are floating-point numbers, by device and type."""
    groups: dict[tuple[torch.device, torch.dtype], list[Tensor]] = {}
    for weight in weights:
        if weight.is_floating_point():
            # In the order of memory, whatever the format: what is contiguous can be seen as a row.
            dimensions = sorted(range(weight.dim()), key=weight.stride, reverse=True)
            row = weight.detach().permute(dimensions).reshape(-1)
            groups.setdefault((weight.device, weight.dtype), []).append(row)
    return list(groups.values())
