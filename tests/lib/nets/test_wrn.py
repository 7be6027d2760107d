"""Wide residual networks: sizes, shapes, and that the fast form computes what the plain one does."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from seedbed.errors import InvalidConfig
from seedbed.nets.names import depth_and_width
from seedbed.nets.wrn import Convolution, Dims, WideResNet, wide_resnet
from tests.lib.nets.conv1d_reference import PlainWideResNet

SIZES = [(3, 14), (3, 7), (40, 12)]  # channels and classes of the columns below
COUNTS: dict[str, dict[Dims, tuple[int, ...]]] = {
    # Parameters of the study's networks; those of 40 channels were read off its published checkpoints.
    "wrn16-1": {1: (61_374, 60_919, 63_020), 2: (175_326, 174_871, 180_524)},
    "wrn16-3": {1: (536_254, 534_903, 537_644), 2: (1_550_302, 1_548_951, 1_555_244)},
    "wrn28-1": {1: (126_782, 126_327, 128_428), 2: (369_758, 369_303, 374_956)},
    "wrn28-3": {1: (1_119_550, 1_118_199, 1_120_940), 2: (3_294_814, 3_293_463, 3_299_756)},
    "wrn16-8": {1: (3_774_654,), 2: (10_963_422,)},
    "wrn40-1": {1: (192_190,), 2: (564_190,)},
}
CASES = [
    (name, dims, *size, count)
    for name, by_dims in COUNTS.items()
    for dims, counts in by_dims.items()
    for size, count in zip(SIZES, counts, strict=False)
]


@pytest.fixture(autouse=True)
def _seeded_on_one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.mark.parametrize(("name", "dims", "in_channels", "classes", "count"), CASES)
def test_a_network_has_as_many_parameters_as_the_published_one(
    name: str, dims: Dims, in_channels: int, classes: int, count: int
) -> None:
    model = wide_resnet(name, in_channels, classes, dims)
    assert sum(parameter.numel() for parameter in model.parameters()) == count


@pytest.mark.parametrize(
    ("dims", "size", "shapes"),
    [
        (1, (500,), [(32, 500), (64, 250), (128, 125)]),
        (1, (101,), [(32, 101), (64, 51), (128, 26)]),
        (2, (32, 32), [(32, 32, 32), (64, 16, 16), (128, 8, 8)]),
    ],
)
def test_stages_have_the_shapes_of_the_page_and_forward_gives_their_logits(
    dims: Dims, size: tuple[int, ...], shapes: list[tuple[int, ...]]
) -> None:
    model = WideResNet(10, 2, 3, 7, dims).eval()
    x = torch.randn(2, 3, *size)
    logits, maps = model.stages(x)

    assert logits.shape == (2, 7)
    assert [tuple(stage.shape) for stage in maps] == [(2, *shape) for shape in shapes]
    assert torch.equal(logits, model(x))


def test_the_maps_are_what_stages_put_out_and_nothing_has_overwritten_them() -> None:
    model = WideResNet(16, 1, 3, 7, 1)
    _, (first, second, third) = model.stages(torch.randn(4, 3, 40))

    assert all((stage < 0).any() for stage in (first, second, third)), (
        "a map is taken before normalisation and ReLU"
    )
    assert torch.equal(model.stage2(first.unsqueeze(2)), second.unsqueeze(2))
    assert torch.equal(model.stage3(second.unsqueeze(2)), third.unsqueeze(2))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize(
    ("depth", "width", "in_channels", "length"), [(16, 1, 3, 50), (16, 3, 3, 33), (28, 1, 1, 20)]
)
def test_a_series_network_computes_what_plain_conv1d_does(
    depth: int, width: int, in_channels: int, length: int, dtype: torch.dtype, tolerance: float
) -> None:
    fast = WideResNet(depth, width, in_channels, 7, 1).to(dtype)
    plain = PlainWideResNet(depth, width, in_channels, 7).to(dtype)
    plain.take_weights(fast)
    x, targets = torch.randn(8, in_channels, length, dtype=dtype), torch.arange(8) % 7

    def trained_on(model: torch.nn.Module) -> tuple[Tensor, dict[str, Tensor]]:
        logits: Tensor = model(x)
        functional.cross_entropy(logits, targets).backward()
        return logits, {name: p.grad for name, p in model.named_parameters() if p.grad is not None}

    (fast_logits, fast_gradients), (plain_logits, plain_gradients) = trained_on(fast), trained_on(plain)

    torch.testing.assert_close(fast_logits, plain_logits, rtol=tolerance, atol=tolerance)
    assert fast_gradients.keys() == plain_gradients.keys() == dict(fast.named_parameters()).keys()
    for name, gradient in plain_gradients.items():
        error = (fast_gradients[name].reshape(gradient.shape) - gradient).norm() / gradient.norm()
        assert error < tolerance, name
    for name, buffer in plain.named_buffers():
        torch.testing.assert_close(fast.get_buffer(name), buffer, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(fast.eval()(x), plain.eval()(x), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("dims", "in_channels", "size"), [(1, 1, (20,)), (1, 3, (20,)), (2, 1, (8, 8)), (2, 3, (8, 8))]
)
def test_activations_and_weights_stay_channels_last(
    dims: Dims, in_channels: int, size: tuple[int, ...]
) -> None:
    model = WideResNet(16, 1, in_channels, 7, dims)
    seen: list[Tensor] = []
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.BatchNorm2d):
            module.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    model(torch.randn(4, in_channels, *size))

    assert seen
    assert all(output.stride(1) == 1 for output in seen)
    weights = [module.weight for module in model.modules() if isinstance(module, torch.nn.Conv2d)]
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)


@pytest.mark.parametrize(("dims", "taps", "elements"), [(1, 3, 3), (1, 1, 1), (2, 3, 9)])
def test_a_convolution_starts_with_the_spread_of_its_fan_out(dims: Dims, taps: int, elements: int) -> None:
    weight = Convolution(128, 256, taps, 1, dims).weight
    assert weight.std().item() == pytest.approx((2 / (elements * 256)) ** 0.5, rel=0.02)
    assert weight.mean().item() == pytest.approx(0, abs=0.01 * weight.std().item() * 3)


def test_a_weight_drawn_again_does_not_depend_on_its_memory_format() -> None:
    weights = []
    for memory_format in (torch.contiguous_format, torch.channels_last):
        convolution = Convolution(8, 16, 3, 1, 2).to(memory_format=memory_format)
        torch.manual_seed(3)
        convolution.reset_parameters()
        weights.append(convolution.weight)
    assert torch.equal(*weights)


def test_normalisations_start_as_identities_and_the_classifier_without_bias() -> None:
    model = WideResNet(16, 1, 3, 7, 1)
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert len(norms) == 13
    assert all((norm.weight == 1).all() and (norm.bias == 0).all() for norm in norms)
    assert (model.classifier.bias == 0).all()
    assert model.classifier.weight.abs().max().item() == pytest.approx(1 / 8, rel=0.05), (
        "torch's default: 1 / √fan-in"
    )


def test_a_name_says_depth_and_width() -> None:
    assert depth_and_width("wrn28-10") == (28, 10)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("wrn17-1", "depth 6N + 4 (10, 16, 22, 28, 34, 40, …), not 17"),
        ("wrn4-1", "not 4"),
        ("wrn16-0", "no network is named 'wrn16-0': wrn<depth>-<width> is, as in wrn16-1"),
        ("resnet8", "no network is named 'resnet8'"),
        ("wrn16-1\n", "no network is named"),
    ],
)
def test_a_name_that_no_network_has_is_refused_in_words(name: str, complaint: str) -> None:
    with pytest.raises(InvalidConfig) as raised:
        wide_resnet(name, 3, 7, 1)
    assert complaint in str(raised.value)


def test_a_network_of_another_depth_cannot_be_built() -> None:
    with pytest.raises(InvalidConfig, match="not 18"):
        WideResNet(18, 1, 3, 7, 1)


def test_names_are_checked_without_loading_torch() -> None:
    program = "import sys, seedbed.nets.names; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
