"""A codebook of which hardly anything is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from seedbed.health.step import Step
from seedbed.results import Event

DEAD = 0.9
"""Told from this share of unused codes on: some unused ones, or even half, are ordinary (VQ-VAEs without
restarts often use a fifth); nine in ten mean that the codebook has collapsed."""

DRAWS = 10
"""Assignments for each code before it can be called unused: chance leaves e^-10 of the codes of an evenly used
book unused."""

IN_A_ROW = 2
"""Windows of so many assignments that have to agree: codes are found one after the other at the start."""


@dataclass
class DeadCodes:
    """Code indices (any shape) that a family observes at every step (`codes=`, `codebook=` their number)."""

    used: list[int] = field(default_factory=list)
    """The codes used in the window so far."""

    draws: int = 0
    """Assignments in it."""

    in_a_row: int = 0
    told: bool = False

    def look(self, step: Step) -> Iterator[Event]:
        """Tell once."""
        codes, size = step.observed.get("codes"), step.observed.get("codebook")
        if codes is None or size is None or self.told:
            return
        indices = codes.detach().reshape(-1).cpu().numpy()
        self.used = np.union1d(np.asarray(self.used, np.int64), indices).tolist()
        self.draws += len(indices)
        if self.draws < DRAWS * size:
            return
        count = len(self.used)
        self.in_a_row = self.in_a_row + 1 if size > 1 and count <= max(1, (1 - DEAD) * size) else 0
        self.used, self.draws = [], 0
        if self.in_a_row >= IN_A_ROW:
            self.told = True
            message = f"dead codes: {count} of {size} were in use by step {step.number}"
            yield Event(kind="dead-codes", message=message)

    def ended(self, step: Step) -> Iterable[Event]:
        """Nothing more."""
        return ()
