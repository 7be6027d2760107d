"""The contrastive term of a step: which features a loss compares, and by what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from jobs.har_prototypes import draws, losses
from jobs.har_prototypes.config import Prototypes
from jobs.har_prototypes.contrasts import (
    Barlow,
    BarlowOfClass,
    MinedTriplet,
    NtXent,
    ProtoNce,
    PrototypeTriplet,
    RollTriplet,
    SimSiam,
    SupCon,
    Warp,
)
from jobs.har_prototypes.data import Data, Indices
from jobs.har_prototypes.models import PrototypeNetwork
from seedbed.trial import Trial


@dataclass(frozen=True)
class Batch:
    """A batch of training windows, and what the network has said about it."""

    epoch: int
    positions: Indices
    """(B,) among the training windows."""
    labels: Tensor
    """(B,)"""
    pooled: Tensor
    """(B, Dw)"""


class ContrastiveTerm:
    """A trial's contrastive loss, as its config says; `state` is what it carries from step to step."""

    def __init__(self, trial: Trial[Prototypes], model: PrototypeNetwork, data: Data) -> None:
        self.trial = trial
        self.model = model
        self.data = data
        self.labels = data.labels(data.train)
        self.state: dict[str, Any] = {
            "distances": [0.0] * data.classes,
            "counts": [0] * data.classes,
            "temperatures": [],
        }

    def begin_epoch(self) -> None:
        """From what the epoch before has seen, each prototype's own temperature; none in the first epoch."""
        config = self.trial.config.contrast
        if isinstance(config, ProtoNce) and config.concentration and sum(self.state["counts"]):
            distances, counts = (torch.tensor(self.state[name]) for name in ("distances", "counts"))
            phi = losses.concentration(distances, counts, config.temperature)
            classes = self.data.classes
            self.state.update(temperatures=phi.tolist(), distances=[0.0] * classes, counts=[0] * classes)

    def __call__(self, batch: Batch) -> Tensor:
        """The loss of a batch, without its weight."""
        config = self.trial.config.contrast
        match config:
            case ProtoNce():
                return self._prototype_nce(config, batch)
            case PrototypeTriplet():
                classes = torch.from_numpy(self.labels)
                others = draws.other_classes(self.trial, batch.epoch, classes, self.data.classes)
                theirs = others[batch.positions].to(self.trial.device)
                f, prototypes = self.model.project(batch.pooled), self.model.prototypes()
                return losses.prototype_triplet(f, prototypes, batch.labels, theirs, config.margin)
            case MinedTriplet():
                f = self.model.project(batch.pooled)
                return losses.mined_triplet(f, batch.labels, config.miner, config.margin)
            case SupCon():
                f = self.model.project(batch.pooled)
                return losses.supervised_contrast(f, batch.labels, config.temperature)
            case RollTriplet():
                (a,) = self._copies(config.views, batch, "a")
                f = self.model.project(batch.pooled)
                return losses.roll_triplet(f, self.model.project(a), config.margin)
            case SimSiam():
                a, b = self._copies(config.views, batch, "a", "b")
                return losses.siamese(self.model.project(a), self.model.project(b), a, b)
            case NtXent():
                a, b = (self.model.project(one) for one in self._copies(config.views, batch, "a", "b"))
                return losses.nt_xent(a, b, config.temperature)
            case Barlow():
                a, b = (self.model.project(one) for one in self._copies(config.views, batch, "a", "b"))
                return losses.barlow(a, b, config.off_diagonal, config.scale, config.deviation)
            case BarlowOfClass():
                a, b = self.model.project(batch.pooled), self.model.project(self._partners(batch))
                return losses.barlow(a, b, config.off_diagonal, config.scale, config.deviation)
        raise TypeError(f"no loss for {config!r}")

    def _prototype_nce(self, config: ProtoNce, batch: Batch) -> Tensor:
        f, prototypes = self.model.project(batch.pooled), self.model.prototypes()
        if not config.concentration:
            return losses.prototype_nce(f, prototypes, batch.labels, config.temperature)
        apart = (functional.normalize(f.detach(), dim=1) - prototypes.detach()[batch.labels]).norm(dim=1)
        for label, distance in zip(batch.labels.tolist(), apart.tolist(), strict=True):
            self.state["distances"][label] += distance
            self.state["counts"][label] += 1
        own = torch.tensor(self.state["temperatures"] or [config.temperature], device=f.device)
        return losses.prototype_nce(f, prototypes, batch.labels, own)

    def _copies(self, warp: Warp, batch: Batch, *views: str) -> tuple[Tensor, ...]:
        """Pooled features (B, Dw) of a warped copy for each view, from one pass."""
        indices = self.data.train[batch.positions]
        copies = [draws.warped(self.trial, batch.epoch, view, warp, self.data, indices) for view in views]
        pooled: Tensor = self.model(torch.cat(copies).to(self.trial.device)).pooled
        return pooled.chunk(len(views))

    def _partners(self, batch: Batch) -> Tensor:
        """Pooled features (B, Dw) of another window of each one's class."""
        positions = draws.partners(self.trial, batch.epoch, self.labels)[batch.positions]
        inputs = torch.from_numpy(self.data.inputs[self.data.train[positions]])
        pooled: Tensor = self.model(inputs.to(self.trial.device)).pooled
        return pooled
