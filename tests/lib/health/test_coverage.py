"""Parameters that are in no optimizer, or that never move, are named; honest training is left in peace."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.lib.health.training import cross_entropy, kinds, linear, network, train


def test_a_parameter_that_was_forgotten_is_named() -> None:
    model = network()
    optimizer = torch.optim.SGD([*model[1].parameters(), *model[3].parameters()], 0.1)
    (event,) = train(model, optimizer=optimizer)
    assert event.kind == "not-optimized"
    assert event.message == "in no optimizer, though with a gradient (step 1): 0.weight, 0.bias"


def test_an_optimizer_of_another_model_is_told() -> None:
    (event,) = train(network(), optimizer=torch.optim.SGD(network().parameters(), 0.1))
    assert event.message.endswith("(step 1): 0.weight, 0.bias, 1.weight and 3 more")


def test_a_parameter_that_takes_no_part_is_named() -> None:
    model = network()
    model.register_parameter("unused", nn.Parameter(torch.ones(3)))
    (event,) = train(model, optimizer=torch.optim.AdamW(model.parameters(), 0.01, weight_decay=0.1))
    assert event.kind == "never-moved"
    assert event.message == "never moved in 200 steps: unused"


def test_a_part_that_is_cut_off_from_the_loss_and_in_no_optimizer_is_named() -> None:
    model = network()
    model.add_module("aside", nn.Linear(2, 2))
    parameters = [weight for name, weight in model.named_parameters() if not name.startswith("aside")]
    model.forward = lambda x: model[3](model[2](model[1](model[0](x))))  # type: ignore[method-assign]
    (event,) = train(model, optimizer=torch.optim.SGD(parameters, 0.1))
    assert event.message == "never moved in 200 steps (in no optimizer): aside.weight, aside.bias"


def test_a_step_size_of_zero_is_told_and_a_warm_up_is_not() -> None:
    (event,) = train(rate=0.0, steps=20)
    assert (event.kind, event.message) == ("never-moved", "no parameter moved in 20 steps")
    assert kinds(train(rate=0.0, steps=5)) == []  # may still warm up
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: float(step >= 15))
    optimizer.register_step_post_hook(lambda *_: schedule.step())
    assert train(model, optimizer=optimizer, steps=30) == []


def test_frozen_parameters_and_teachers_are_left_alone() -> None:
    model = network()
    model[0].requires_grad_(False)
    teacher = network()  # wants gradients by default, and gets none
    assert train(model, teacher=teacher) == []


def test_parameters_that_train_from_a_later_step_on_are_left_alone() -> None:
    model = network()
    weights = linear(model).weight

    def loss_of(step: int, outputs: Tensor, targets: Tensor) -> Tensor:
        return cross_entropy(
            step, outputs if step > 150 else outputs.detach() + linear(model, 3).bias, targets
        )

    assert weights.requires_grad
    assert train(model, loss_of=loss_of) == []


def test_a_bias_that_a_normalisation_takes_away_again_is_left_alone() -> None:
    model = network()  # its first bias has gradients of rounding errors
    start = linear(model).bias.detach().clone()
    assert train(model, rate=1e-4) == []
    assert torch.equal(linear(model).bias, start)


def test_two_optimizers_cover_a_model_together() -> None:
    model = network()
    first = torch.optim.SGD(model[0].parameters(), 0.1)
    rest = torch.optim.SGD([*model[1].parameters(), *model[3].parameters()], 0.1)
    first.register_step_post_hook(lambda *_: rest.step())
    assert train(model, optimizer=first, rest=rest) == []
