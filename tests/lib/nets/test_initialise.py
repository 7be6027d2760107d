"""First weights depend on a seed, a name and a shape, and on nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from seedbed.nets.initialise import initialise
from seedbed.nets.wrn import WideResNet
from seedbed.streams import stream_key


def seeded(seed: int) -> Callable[[str], int]:
    return lambda text: stream_key(seed, "student", text)


def first_weights(model: nn.Module, seed: int = 0) -> dict[str, Tensor]:
    initialise(model, seeded(seed))
    return model.state_dict()


def equal(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(
        torch.equal(value, right[name]) for name, value in left.items()
    )


def test_the_same_key_gives_the_same_bits_whatever_the_model_has_been_through() -> None:
    used = WideResNet(16, 1, 3, 7, 1)
    for _ in range(2):
        used(torch.randn(4, 3, 20)).sum().backward()
    with torch.no_grad():
        for parameter in used.parameters():
            parameter.fill_(float("nan"))

    torch.manual_seed(99)
    assert equal(first_weights(used), first_weights(WideResNet(16, 1, 3, 7, 1)))


def test_buffers_are_reset_too() -> None:
    model = WideResNet(10, 1, 3, 7, 2)
    model(torch.randn(4, 3, 8, 8))
    initialise(model, seeded(0))

    assert model.norm.running_mean is not None
    assert model.norm.num_batches_tracked is not None
    assert not model.norm.running_mean.any()
    assert model.norm.num_batches_tracked == 0


def test_a_module_that_has_only_buffers_is_reset_as_well() -> None:
    norm = nn.BatchNorm1d(3, affine=False)
    norm(torch.randn(4, 3))
    initialise(norm, seeded(0))
    assert norm.num_batches_tracked == 0


def test_another_seed_changes_every_convolution_and_the_classifier() -> None:
    model = WideResNet(28, 3, 3, 7, 2)
    one = {name: value.clone() for name, value in first_weights(model, seed=1).items()}
    two = first_weights(model, seed=2)

    drawn = [name for name, value in one.items() if value.dim() > 1]
    assert len(drawn) == 29
    assert not any((one[name] == two[name]).all() for name in drawn)
    assert all((one[name] == two[name]).float().mean() < 0.01 for name in drawn)


def test_two_tensors_of_one_shape_start_differently() -> None:
    weights = first_weights(WideResNet(16, 1, 3, 7, 1))
    assert not torch.equal(weights["stage1.0.conv1.weight"], weights["stage1.0.conv2.weight"])


def test_an_added_module_leaves_the_other_weights_as_they_were() -> None:
    model, larger = WideResNet(16, 1, 3, 7, 1), WideResNet(16, 1, 3, 7, 1)
    larger.stage2.add_module("attention", nn.Conv2d(32, 32, 1))
    weights, more = first_weights(model), first_weights(larger)

    assert more.keys() - weights.keys() == {"stage2.attention.weight", "stage2.attention.bias"}
    assert equal(weights, {name: more[name] for name in weights})


def test_the_order_of_construction_does_not_matter() -> None:
    there = nn.ModuleDict({"a": nn.Linear(4, 3), "norm": nn.BatchNorm1d(3), "b": nn.Linear(4, 3)})
    back = nn.ModuleDict({"b": nn.Linear(4, 3), "norm": nn.BatchNorm1d(3), "a": nn.Linear(4, 3)})
    assert equal(first_weights(there), first_weights(back))


def test_another_shape_is_another_stream() -> None:
    narrow, wide = (first_weights(nn.Linear(8, classes))["weight"] for classes in (3, 4))
    assert not torch.equal(narrow, wide[:3])


def test_the_memory_format_survives() -> None:
    model = WideResNet(10, 1, 3, 7, 2)
    initialise(model, seeded(0))
    assert model.stem.weight.is_contiguous(memory_format=torch.channels_last)


def test_the_global_stream_is_left_as_it_was() -> None:
    torch.manual_seed(5)
    model = WideResNet(10, 1, 3, 7, 1)
    before = torch.random.get_rng_state()
    initialise(model, seeded(0))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_module_that_cannot_draw_its_parameters_is_named() -> None:
    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = nn.Parameter(torch.ones(()))

    with pytest.raises(TypeError, match=r"gate\.1 \(Scale\) owns parameters and has no reset_parameters"):
        initialise(nn.ModuleDict({"gate": nn.Sequential(nn.ReLU(), Scale())}), seeded(0))
    with pytest.raises(TypeError, match=r"the model \(Scale\)"):
        initialise(Scale(), seeded(0))


def test_a_model_that_is_not_on_the_cpu_is_refused() -> None:
    with pytest.raises(ValueError, match=r"weight is on meta: initialise a model on the CPU, then move it"):
        initialise(nn.Linear(2, 2, device="meta"), seeded(0))
