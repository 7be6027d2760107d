"""Training one network: cross-entropy on labelled windows, and a contrastive loss beside it.

AdamW with a half cosine over the epochs, as in the study. The order of the windows depends on (seed, epoch) only.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from jobs.har_prototypes import draws, prototypes
from jobs.har_prototypes.config import Training
from jobs.har_prototypes.contrast import Batch, ContrastiveTerm
from jobs.har_prototypes.data import Data, Indices, load_data
from jobs.har_prototypes.evaluation import introduce, leave, predict, scores
from jobs.har_prototypes.models import Network, Outputs, PrototypeNetwork, build_network
from seedbed.nets.cost import cost_metrics
from seedbed.nets.optimizers import eager
from seedbed.trial import Trial

Figures = dict[str, float]


def train(trial: Trial[Any]) -> None:
    """Train the network of a trial, evaluating after every epoch."""
    config: Training = trial.config
    data = load_data(config)
    introduce(trial, data)
    model = build_network(config, data.inputs.shape[1], data.classes)
    trial.initialise(model)
    cost = cost_metrics(model, *data.inputs.shape[1:])
    model.to(trial.device)
    contrast = _contrast(trial, model, data)
    optimizer = eager(torch.optim.AdamW)(
        model.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    running = dict.fromkeys(("loss", "ce", "contrast", "correct", "seen"), 0.0)
    state: dict[str, Any] = {"model": model, "optimizer": optimizer, "running": running}
    if contrast is not None:
        state["contrast"] = contrast.state

    steps = -(-len(data.train) // config.batch_size)
    trial.total_steps = config.epochs * steps
    order, order_of = np.empty(0, np.int64), -1
    model.train()
    for step in range(trial.resume(state), trial.total_steps):
        epoch, batch = divmod(step, steps)
        if epoch != order_of:
            order, order_of = draws.order(trial, epoch, len(data.train)), epoch
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(config, epoch)
        if batch == 0:
            _begin_epoch(trial, model, contrast, data, epoch)
        positions = order[batch * config.batch_size : (batch + 1) * config.batch_size]
        _step(trial, model, optimizer, contrast, data, epoch, positions, running)
        if batch == steps - 1:
            _log(trial, model, data, step + 1, running, cost)
        trial.checkpoint(step + 1, state)
    leave(trial, model, data)


def learning_rate(config: Training, epoch: int) -> float:
    """The step size in an epoch: lr (1 + cos(π epoch / epochs)) / 2, as CosineAnnealingLR has it."""
    return config.learning_rate * (1 + math.cos(math.pi * epoch / config.epochs)) / 2


def _contrast(trial: Trial[Any], model: Network, data: Data) -> ContrastiveTerm | None:
    """The contrastive loss of a trial, its prototypes begun; None where the config has none."""
    if not isinstance(model, PrototypeNetwork):
        return None
    prototypes.begin(trial, model, data)
    trial.keep("prototypes-at-start.npy", prototypes.as_bytes(model))
    return None if trial.config.contrast is None else ContrastiveTerm(trial, model, data)


def _begin_epoch(
    trial: Trial[Any], model: Network, contrast: ContrastiveTerm | None, data: Data, epoch: int
) -> None:
    if contrast is not None and isinstance(model, PrototypeNetwork):
        prototypes.after_epochs(trial, model, data, epoch)
        contrast.begin_epoch()


def _step(
    trial: Trial[Any],
    model: Network,
    optimizer: torch.optim.Optimizer,
    contrast: ContrastiveTerm | None,
    data: Data,
    epoch: int,
    positions: Indices,
    running: Figures,
) -> None:
    """One step of the optimizer on the windows at some positions among the training windows."""
    indices = data.train[positions]
    labels = torch.from_numpy(data.labels(indices)).to(trial.device)
    outputs: Outputs = model(_inputs(trial, data, epoch, indices))
    ce = functional.cross_entropy(outputs.logits, labels)
    term = torch.zeros_like(ce)
    if contrast is not None and not prototypes.is_warming_up(trial.config, epoch):
        term = contrast(Batch(epoch, positions, labels, outputs.pooled))
    loss = ce + trial.config.contrast.weight * term if contrast is not None else ce
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    trial.observe(loss=loss, embedding=outputs.pooled)
    _count(running, loss, ce, term, outputs.logits, labels)


def _inputs(trial: Trial[Any], data: Data, epoch: int, indices: Indices) -> Tensor:
    """The windows that the classifier learns from, warped where the config says so."""
    warp = trial.config.augment
    if warp is None:
        return torch.from_numpy(data.inputs[indices]).to(trial.device)
    return draws.warped(trial, epoch, "augment", warp, data, indices).to(trial.device)


def _count(running: Figures, loss: Tensor, ce: Tensor, term: Tensor, logits: Tensor, labels: Tensor) -> None:
    for name, value in (("loss", loss), ("ce", ce), ("contrast", term)):
        running[name] += value.item() * len(labels)
    running["correct"] += float((logits.argmax(1) == labels).sum())
    running["seen"] += len(labels)


def _log(trial: Trial[Any], model: Network, data: Data, step: int, running: Figures, cost: Figures) -> None:
    """Log the epoch, and keep each window's logits on the validation and the test split."""
    seen = running["seen"]
    metrics = {f"train/{name}": running[name] / seen for name in ("loss", "ce", "contrast")}
    metrics["train/accuracy"] = running["correct"] / seen
    running.update(dict.fromkeys(running, 0.0))
    if isinstance(model, PrototypeNetwork):
        metrics["train/prototype_cosine"] = prototypes.most_alike(model.prototypes.weight)
    for name, part in (("val", "validation"), ("test", "test")):
        indices = data.split.parts[part]
        logits, labels = predict(model, data, indices, trial.device)[0], data.labels(indices)
        metrics |= {f"{name}/{metric}": value for metric, value in scores(logits, labels).items()}
        ids, units = data.windows.ids[indices], data.split.units[indices]
        trial.predictions(name, ids, units, labels, logits.numpy())
    trial.log(step, metrics | cost)
