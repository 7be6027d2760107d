"""What is not finite is found at its first step and in the order in which a step computes."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from seedbed.health.monitor import Health
from seedbed.health.nonfinite import culprits
from seedbed.health.step import Step
from seedbed.health.watch import digest_of
from tests.lib.health.training import batch, cross_entropy, linear, network, train

BAD = 61
"""A step at which not everything is looked at."""


def told(**about: object) -> list[str]:
    return [event.message for event in train(**about) if event.kind == "not-finite"]  # type: ignore[arg-type]


def test_a_gradient_whose_loss_is_still_finite() -> None:
    model = network()

    def loss_of(step: int, outputs: Tensor, targets: Tensor) -> Tensor:
        loss = cross_entropy(step, outputs, targets)
        weight = linear(model).weight  # the root of zero is zero, and its slope is infinite
        return loss + (weight * 0).sum().abs().sqrt() if step == BAD else loss

    messages = told(model=model, loss_of=loss_of, observe=lambda step, outputs, loss: {"loss": loss})
    assert messages == [f"the gradient of 0.weight is not finite at step {BAD}"]


def test_a_loss() -> None:
    def loss_of(step: int, outputs: Tensor, targets: Tensor) -> Tensor:
        loss = cross_entropy(step, outputs, targets)
        return loss * math.inf if step == BAD else loss

    messages = told(loss_of=loss_of, observe=lambda step, outputs, loss: {"loss": loss})
    assert messages == [f"the loss is not finite at step {BAD}"]
    unobserved = told(loss_of=loss_of)  # what is not observed is seen by what it leaves
    assert unobserved == [f"the gradient of 3.bias is not finite at step {BAD}"]


def test_a_weight_whose_gradient_is_finite() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    optimizer.register_step_post_hook(lambda *_: _spoil(linear(model, 3).weight, optimizer))
    messages = told(model=model, optimizer=optimizer)
    assert messages == [f"the weight 3.weight is not finite at step {BAD}"]


def _spoil(weight: Tensor, optimizer: torch.optim.Optimizer) -> None:
    group = optimizer.param_groups[0]
    group["count"] = group.get("count", 0) + 1
    if group["count"] == BAD:
        with torch.no_grad():
            weight[0, 0] = math.inf


class Overflowing(nn.Module):
    """An exponential that overflows at one step, in the middle of a network."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0

    def forward(self, x: Tensor) -> Tensor:
        self.steps += self.training
        return (x * (1e4 if self.steps == BAD else 1e-2)).exp()


def test_an_activation_is_named_by_its_module_and_not_by_what_it_led_to() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), Overflowing(), nn.Linear(8, 8), nn.Linear(8, 3))
    assert told(model=model) == [f"the output of 1 is not finite at step {BAD}"]


def test_activations_too_large_to_be_held_are_known_by_a_normalisations_statistics() -> None:
    model = network()
    state = {"model": model}
    assert list(culprits(Step(1, modules=state))) == []
    model(batch(1)[0] * math.inf)
    assert list(culprits(Step(1, modules=state))) == ["the input of 1 (running_mean)"]
    later = {"3": torch.tensor(math.nan), "0": torch.tensor(math.inf)}
    assert list(culprits(Step(1, modules=state, outputs=later))) == [
        "the output of 0", "the input of 1 (running_mean)", "the output of 3",
    ]  # fmt: skip


def test_a_mask_of_infinities_is_no_fault() -> None:
    model = network()
    model.register_buffer("mask", torch.full((3, 3), -math.inf))
    assert train(model) == []


def test_the_modules_of_a_state_beside_the_model_are_watched_under_their_names() -> None:
    head = nn.Linear(3, 3)
    with torch.no_grad():
        head.bias[1] = math.nan
    assert told(head=head) == ["the weight head.bias is not finite at step 1"]


@pytest.mark.parametrize("skipped", [True, False], ids=["skipped", "used"])
def test_a_gradient_that_a_loss_scaler_skips_is_no_fault(skipped: bool) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    if skipped:
        optimizer.register_step_pre_hook(lambda *_: _skip(model))
    linear(model).weight.register_hook(lambda gradient: gradient * math.inf)
    assert bool(told(model=model, optimizer=optimizer, steps=5)) is not skipped


def _skip(model: nn.Module) -> None:
    for weight in model.parameters():
        weight.grad = None


def test_what_a_model_or_a_copy_of_it_puts_out_in_evaluation_is_not_looked_at() -> None:
    health, model = Health(), network()
    state = {"model": model}
    health.begin(0, state)
    for network_of in (model, copy.deepcopy(model)):
        network_of.eval()(torch.full((2, 4), math.inf))
    assert health.first_batch == ""
    model.train()(batch(1)[0])
    health.look(1, state)
    assert health.events == []
    assert health.first_batch == digest_of(batch(1)[0])


def test_large_finite_numbers_are_no_fault() -> None:
    model = nn.Linear(4, 3)
    with torch.no_grad():
        model.weight.fill_(1e30)  # its norm overflows float32
    assert told(model=model, steps=3, rate=0.0) == []


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda model: {},
            "diverged at step 70 (train/loss is not finite)",
        ),
        (
            lambda model: {"loss": torch.tensor(math.nan)},
            "diverged at step 61: the loss is not finite",
        ),
    ],
)
def test_what_came_first_is_said_of_a_divergence(
    spoil: Callable[[nn.Module], dict[str, Tensor]], message: str
) -> None:
    assert divergence(lambda step, model: spoil(model) if step == BAD else {}) == message


def test_a_gradient_that_led_to_a_divergence_is_said_with_what_followed() -> None:
    def with_loss(step: int, model: nn.Sequential) -> dict[str, Tensor]:
        _bad_gradient(step, model)
        return {"loss": torch.tensor(math.nan if step > BAD else 1.0)}

    def without(step: int, model: nn.Sequential) -> dict[str, Tensor]:
        _bad_gradient(step, model)
        return {}

    began = "diverged at step 61: the gradient of 0.weight is not finite"
    assert divergence(with_loss) == f"{began}; the loss followed at step 62"
    assert divergence(without) == f"{began}; train/loss followed at step 70"


def _bad_gradient(step: int, model: nn.Sequential) -> None:
    if step == BAD:
        weight = linear(model).weight
        gradient = torch.full_like(weight, math.nan)
        weight.grad = gradient
        with torch.no_grad():
            weight.sub_(gradient)


def divergence(observe: Callable[[int, nn.Sequential], dict[str, Tensor]]) -> str:
    """What is said when a metric is found not to be finite at step 70, and what stays of the events."""
    health, model = Health(), network()
    state = {"model": model}
    health.begin(0, state)
    for step in range(1, 70):
        health.observe(observe(step, model))
        health.look(step, state)
    said = health.divergence(70, "train/loss", state)
    assert health.events == []  # the divergence says it all
    return said


@pytest.mark.parametrize("stopped", [1, 46, 47, 60, 61, 75])
def test_a_run_that_was_stopped_finds_the_same_at_the_same_step(stopped: int) -> None:
    whole, first, second = Health(), Health(), Health()
    run_steps(whole, network(), range(1, 101))
    model = network()
    run_steps(first, model, range(1, stopped + 1))
    first.close()
    second.load(first.plain())
    run_steps(second, model, range(stopped + 1, 101))
    assert [event.message for event in whole.events] == [
        f"the gradient of 0.weight is not finite at step {BAD}"
    ]
    assert second.events == whole.events
    assert second.divergence(101, "val/loss", {"model": model}) == whole.divergence(101, "val/loss", {})


def run_steps(health: Health, model: nn.Sequential, steps: range) -> None:
    state = {"model": model}
    health.begin(steps.start - 1, state)
    for step in steps:
        model(batch(step)[0])
        health.observe({"loss": torch.tensor(math.nan if step > BAD + 20 else 1.0)})
        _bad_gradient(step, model)
        health.look(step, state)
