"""Prototypes that begin as class means of features, always of training windows only.

The study takes them from a second network with other random weights, and from the validation windows too. An
untrained network's class means point nearly the same way; and unless `space` is projected, they stand in another
space than the one in which the loss compares with them.
"""

from __future__ import annotations

import io
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from jobs.har_prototypes.config import ClassMeans, Prototypes, Space, WarmedUpMeans
from jobs.har_prototypes.data import Data
from jobs.har_prototypes.models import PrototypeNetwork, build_network
from seedbed.nets.initialise import initialise
from seedbed.trial import Trial

BATCH = 64


def begin(trial: Trial[Prototypes], model: PrototypeNetwork, data: Data) -> None:
    """Give the prototypes their first values, where these are class means under untrained weights."""
    start = trial.config.start
    if not isinstance(start, ClassMeans):
        return
    source = model
    if start.kind == "mean_random_net":
        source = cast(PrototypeNetwork, build_network(trial.config, data.inputs.shape[1], data.classes))
        initialise(source, lambda text: trial.generator(f"other network/{text}").initial_seed())
    set_to_class_means(model, source.to(trial.device), data, start.space, attend=False)


def after_epochs(trial: Trial[Prototypes], model: PrototypeNetwork, data: Data, epoch: int) -> None:
    """At the start of the epoch that follows the warm-up, set the prototypes to the class means reached."""
    start = trial.config.start
    if isinstance(start, WarmedUpMeans) and epoch == start.epochs:
        set_to_class_means(model, model, data, start.space, attend=True)


def is_warming_up(config: Prototypes, epoch: int) -> bool:
    """Whether the contrastive loss is still held back in an epoch."""
    return isinstance(config.start, WarmedUpMeans) and epoch < config.start.epochs


def set_to_class_means(
    model: PrototypeNetwork, source: PrototypeNetwork, data: Data, space: Space, attend: bool
) -> None:
    """Set a model's prototypes to the class means of a network's features, each scaled to length 1.

    Only directions count, but the step that AdamW makes does not know that: of length 1 they move as fast as drawn
    ones, whatever the features' scale.
    """
    means = class_means(source, data, space, attend)
    with torch.no_grad():
        model.prototypes.weight.copy_(functional.normalize(means, dim=1))


def class_means(network: PrototypeNetwork, data: Data, space: Space, attend: bool) -> Tensor:
    """The mean feature of each class over the training windows, in evaluation mode: (P, Dw)."""
    was_training, device = network.training, network.prototypes.weight.device
    network.eval()
    parts = []
    with torch.no_grad():
        for inputs in data.batches(data.train, BATCH):
            pooled = network(torch.from_numpy(inputs).to(device), attend=attend).pooled
            parts.append(network.project(pooled) if space == "projected" else pooled)
    network.train(was_training)
    labels = torch.from_numpy(data.labels(data.train)).to(device)
    shares = functional.one_hot(labels, data.classes).float()
    return (shares / shares.sum(0)).T @ torch.cat(parts)


def most_alike(prototypes: Tensor) -> float:
    """The largest |cosine| between two prototypes: 1 when two of them point the same or the opposite way."""
    directions = functional.normalize(prototypes.detach().double(), dim=1)
    cosines: Any = (directions @ directions.T).fill_diagonal_(0.0).abs().max()
    return float(cosines)


def as_bytes(model: PrototypeNetwork) -> bytes:
    """The prototypes (P, Dw) as a .npy file holds them."""
    buffer = io.BytesIO()
    np.save(buffer, model.prototypes.weight.detach().cpu().numpy(), allow_pickle=False)
    return buffer.getvalue()
