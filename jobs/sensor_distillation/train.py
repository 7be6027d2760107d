"""Training one network: a teacher, a student alone, or a student with teachers.

SGD with a step schedule and no augmentation, as in the study; the order of the windows depends on
(seed, epoch) only, so that students with the same seed see the same batches whatever their teachers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from jobs.sensor_distillation.completion import START
from jobs.sensor_distillation.config import DistilledStudent, Training
from jobs.sensor_distillation.features import Maps, attention_loss, similarity_loss
from jobs.sensor_distillation.inputs import Data, load_data
from jobs.sensor_distillation.losses import distillation_loss
from jobs.sensor_distillation.teachers import build_network, online_teachers, precision, teacher_logits
from jobs.sensor_distillation.windows import Indices
from seedbed.nets.cost import cost_metrics
from seedbed.nets.optimizers import eager
from seedbed.nets.wrn import WideResNet
from seedbed.trial import Trial
from seedbed.units import in_order

Loss = Callable[[Tensor, Maps, Tensor, Indices], Tensor]
"""(logits (B, C), a map for each stage, targets (B,), positions (B,) among the training windows) -> scalar."""


def train(trial: Trial[Any]) -> None:
    """Train the network of a trial, evaluating after every epoch."""
    config: Training = trial.config
    data = load_data(config)
    _introduce(trial, data)
    model = build_network(config, data)
    _begin(trial, model)
    cost = cost_metrics(model, *data.view.read(data.split.train[:1]).shape[1:])
    model.to(trial.device)
    optimizer = eager(torch.optim.SGD)(
        model.parameters(), config.learning_rate, momentum=config.momentum, weight_decay=config.weight_decay
    )
    loss_of = _loss(trial, data)
    running = {"loss": 0.0, "correct": 0, "seen": 0}
    state = {"model": model, "optimizer": optimizer, "running": running}

    train_indices = data.split.train
    steps = -(-len(train_indices) // config.batch_size)
    trial.total_steps = config.epochs * steps
    order, order_of = np.empty(0, np.int64), -1
    model.train()
    for step in range(trial.resume(state), trial.total_steps):
        epoch, batch = divmod(step, steps)
        if epoch != order_of:
            order, order_of = _order(trial, epoch, len(train_indices)), epoch
            _set_learning_rate(optimizer, config, epoch)
        positions = order[batch * config.batch_size : (batch + 1) * config.batch_size]
        inputs, targets = data.batch(train_indices[positions], trial.device)
        logits, loss = _forward(trial, model, loss_of, (inputs, targets, positions))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        trial.observe(loss=loss)
        _count(running, loss, logits, targets)
        if batch == steps - 1:
            _evaluate(trial, model, data, step + 1, running, cost)
        trial.checkpoint(step + 1, state)


def _forward(
    trial: Trial[Any], model: WideResNet, loss_of: Loss, batch: tuple[Tensor, Tensor, Indices]
) -> tuple[Tensor, Tensor]:
    """Logits and loss of a batch, in float32. The maps end here: they would hold memory over the next step."""
    inputs, targets, positions = batch
    with precision(trial.config, trial.device):
        logits, maps = model.stages(inputs)
    logits = logits.float()
    return logits, loss_of(logits, maps, targets, positions)


def learning_rate(config: Training, epoch: int) -> float:
    """The step size in an epoch: 1, 1/5, 1/50, 1/500 of the first, from E/18, E/3 and 2E/3 of E epochs on.

    As the study's authors do it, rounded down; but the first epoch has the first step size however few there are.
    """
    total = config.epochs
    borders = (max(1, border) for border in (total // 18, total // 3, 2 * total // 3))
    return config.learning_rate / (1, 5, 50, 500)[sum(epoch >= border for border in borders)]


def _begin(trial: Trial[Any], model: torch.nn.Module) -> None:
    """Give the network its first weights: drawn ones, or those of the student to start from, buffers too."""
    trial.initialise(model)
    if START in trial.inputs:
        model.load_state_dict(trial.input(START).weights())


def _introduce(trial: Trial[Any], data: Data) -> None:
    """Tell what the trial is about: its data, its split, and what a guess reaches."""
    windows, split = data.windows, data.split
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    trial.splits(**{name: (windows.ids[indices], windows.units[indices]) for name, indices in parts.items()})
    counts = np.bincount(windows.labels[split.train], minlength=data.classes)
    majority = float(np.mean(windows.labels[split.test] == counts.argmax()))
    trial.baseline("majority", {"test/accuracy": majority})
    tested = f"{len(split.test)} windows"
    if windows.unit_word == "subject":
        tested = f"test subjects {', '.join(in_order(windows.units[split.test]))} ({tested})"
    trial.describe(f"{windows.name}, {tested}")


def _loss(trial: Trial[Any], data: Data) -> Loss:
    config = trial.config
    if not isinstance(config, DistilledStudent):
        return lambda logits, _maps, targets, _positions: functional.cross_entropy(logits, targets)
    of_logits, of_maps = _logit_loss(trial, data), _map_loss(trial, data)
    if of_maps is None:
        return lambda logits, _maps, targets, positions: of_logits(logits, targets, positions)
    return lambda logits, maps, targets, positions: (
        of_logits(logits, targets, positions) + of_maps(maps, positions)
    )


def _logit_loss(trial: Trial[DistilledStudent], data: Data) -> Callable[[Tensor, Tensor, Indices], Tensor]:
    config = trial.config
    teachers = teacher_logits(trial, data)
    alpha = _shares(config)

    def loss(logits: Tensor, targets: Tensor, positions: Indices) -> Tensor:
        chosen = torch.from_numpy(positions)
        theirs = {modality: values[chosen] for modality, values in teachers.items()}
        return distillation_loss(
            logits,
            targets,
            theirs,
            alpha,
            config.kd_weight,
            config.temperature,
            config.kl_reduction,
            config.teacher_weights,
            config.logit_std,
        )

    return loss


def _map_loss(trial: Trial[DistilledStudent], data: Data) -> Callable[[Maps, Indices], Tensor] | None:
    """What is added for similarity and attention; None without either: then no teacher runs."""
    similarity, attention = trial.config.similarity, trial.config.attention
    if similarity is None and attention is None:
        return None
    teachers, alpha = online_teachers(trial), _shares(trial.config)

    def loss(maps: Maps, positions: Indices) -> Tensor:
        mine = [features.float() for features in maps]
        indices = data.split.train[positions]
        theirs = {modality: teacher.maps(indices) for modality, teacher in teachers.items()}
        terms = []
        if similarity is not None:
            terms.append(similarity.weight * similarity_loss(mine, theirs, alpha, similarity.merge))
        if attention is not None:
            terms.append(attention.weight * attention_loss(mine, theirs["signal"]))
        return torch.stack(terms).sum()

    return loss


def _shares(config: DistilledStudent) -> dict[str, float]:
    return {str(modality): share for modality, share in config.alpha.items()}


def _order(trial: Trial[Any], epoch: int, count: int) -> Indices:
    order: Indices = torch.randperm(count, generator=trial.generator(f"order/{epoch}")).numpy()
    return order


def _set_learning_rate(optimizer: torch.optim.Optimizer, config: Training, epoch: int) -> None:
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(config, epoch)


def _count(running: dict[str, Any], loss: Tensor, logits: Tensor, targets: Tensor) -> None:
    running["loss"] += loss.item() * len(targets)
    running["correct"] += int((logits.argmax(1) == targets).sum())
    running["seen"] += len(targets)


def _evaluate(
    trial: Trial[Any],
    model: torch.nn.Module,
    data: Data,
    step: int,
    running: dict[str, Any],
    cost: dict[str, float],
) -> None:
    """Log the epoch and keep each window's logits on the validation and the test split."""
    metrics = {
        "train/loss": running["loss"] / running["seen"],
        "train/accuracy": running["correct"] / running["seen"],
    }
    running.update(loss=0.0, correct=0, seen=0)
    for name, indices in (("val", data.split.validation), ("test", data.split.test)):
        with precision(trial.config, trial.device):
            logits, targets = _predict(model, data, indices, trial.device)
        metrics[f"{name}/loss"] = functional.cross_entropy(logits, targets).item()
        metrics[f"{name}/accuracy"] = (logits.argmax(1) == targets).double().mean().item()
        windows = data.windows
        trial.predictions(name, windows.ids[indices], windows.units[indices], targets.numpy(), logits.numpy())
    trial.log(step, metrics | cost)


def _predict(
    model: torch.nn.Module, data: Data, indices: Indices, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Logits (N, C) and targets (N,) on the CPU."""
    model.eval()
    with torch.inference_mode():
        logits = torch.cat([model(batch).float().cpu() for batch in data.batches(indices, device)])
    model.train()
    return logits, torch.from_numpy(data.windows.labels[indices])
