"""The networks: the study's numbers of parameters, and what their parts can and cannot see."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from jobs.har_prototypes.config import Encoder, Prototypes
from jobs.har_prototypes.contrasts import ProtoNce
from jobs.har_prototypes.cost import latency_ms
from jobs.har_prototypes.models import EncoderNetwork, Network, PrototypeNetwork, build_network
from seedbed.nets.cost import flops, parameters

BN = ProtoNce(kind="proto_nce", projection="bn")


def network(channels: int = 9, classes: int = 6, **settings: Any) -> PrototypeNetwork:
    torch.manual_seed(0)
    return PrototypeNetwork(Prototypes(**settings), channels, classes)


@pytest.mark.parametrize(
    ("channels", "classes", "settings", "expected"),
    [
        (9, 6, {}, 68_756),
        (9, 6, {"reduce_to": 32}, 29_140),
        (9, 6, {"reduce_to": 32, "heads": 8}, 29_140),
        (9, 6, {"contrast": BN}, 68_884),
        (9, 6, {"kernel": 11}, 71_068),
        (9, 6, {"kernel": 13}, 72_224),
        (9, 6, {"dim": 128, "reduce_to": 64, "kernel": 15}, 114_596),
        (3, 6, {"kernel": 11}, 66_844),
        (23, 12, {}, 75_802),
        (36, 12, {}, 81_626),
        (9, 6, {"cbam": False}, 67_718),
    ],
)
def test_it_has_the_parameters_that_the_study_prints(
    channels: int, classes: int, settings: dict[str, Any], expected: int
) -> None:
    assert parameters(build_network(Prototypes(**settings), channels, classes)) == expected


@pytest.mark.parametrize(("cbam", "expected"), [(False, 42_246), (True, 43_284)])
def test_the_ablation_has_the_parameters_that_the_study_prints(cbam: bool, expected: int) -> None:
    assert parameters(build_network(Encoder(block="encoder", cbam=cbam), 9, 6)) == expected


def test_shapes() -> None:
    model = network(reduce_to=32)
    logits, features, pooled = model(torch.randn(5, 9, 128))
    assert (logits.shape, features.shape, pooled.shape) == ((5, 6), (5, 64), (5, 32))
    assert model.project(pooled).shape == (5, 32)


def test_without_contrast_nothing_is_projected() -> None:
    model = network(contrast=None)
    assert not [name for name, _ in model.named_parameters() if name.startswith("projection")]
    with pytest.raises(RuntimeError, match="without a contrastive loss projects nothing"):
        model.project(torch.zeros(2, 64))


def test_every_parameter_learns_from_the_logits_but_the_projection() -> None:
    model = network(reduce_to=32)
    model(torch.randn(4, 9, 128)).logits.square().sum().backward()
    idle = {name.split(".")[0] for name, weight in model.named_parameters() if weight.grad is None}
    assert idle == {"projection"}
    grad = model.prototypes.weight.grad
    assert grad is not None
    assert grad.abs().max() > 0, "prototypes learn from cross-entropy as keys and values"


def test_behind_the_embedding_the_order_of_tokens_does_not_count() -> None:
    model = network().double().eval()
    tokens = model.embedding(torch.randn(3, 9, 128, dtype=torch.float64))
    shuffled = tokens[:, torch.randperm(128)]
    pooled = [model.block(x, model.prototypes()).mean(1) for x in (tokens, shuffled)]
    assert (model.head(pooled[0]) - model.head(pooled[1])).abs().max() < 1e-14


def test_before_it_the_order_of_samples_does() -> None:
    model = network().double().eval()
    x = torch.randn(3, 9, 128, dtype=torch.float64)
    assert (model(x).logits - model(x[:, :, torch.randperm(128)]).logits).abs().max() > 1e-4


def test_with_one_prototype_every_token_gets_the_same_from_it() -> None:
    model = network().double().eval()
    tokens, one = torch.randn(2, 128, 64, dtype=torch.float64), model.prototypes()[:1]
    got = model.block.cross(model.block.norm1(tokens), one)
    torch.testing.assert_close(got, got[:, :1].expand_as(got))


def test_only_the_directions_of_prototypes_count() -> None:
    model = network().double().eval()
    x = torch.randn(2, 9, 128, dtype=torch.float64)
    before = model(x).logits
    with torch.no_grad():
        model.prototypes.weight.mul_(torch.rand(6, 1, dtype=torch.float64) + 0.5)
    torch.testing.assert_close(model(x).logits, before)


def test_a_reduction_to_the_same_width_by_identities_changes_nothing() -> None:
    plain, reduced = network().eval(), network(reduce_to=64).eval()
    reduced.load_state_dict(plain.state_dict(), strict=False)
    assert reduced.reduce is not None
    assert reduced.restore is not None
    with torch.no_grad():
        for layer in (reduced.reduce, reduced.restore):
            layer.weight.copy_(torch.eye(64))
            layer.bias.zero_()
    x = torch.randn(3, 9, 128)
    torch.testing.assert_close(reduced(x).logits, plain(x).logits)


def test_attention_to_prototypes_can_be_left_out() -> None:
    model = network().eval()
    x = torch.randn(3, 9, 128)
    assert not torch.allclose(model(x).logits, model(x, attend=False).logits)
    with torch.no_grad():
        model.block.cross.out_proj.weight.zero_()
    torch.testing.assert_close(model(x).logits, model(x, attend=False).logits)


def test_the_encoder_is_torchs() -> None:
    torch.manual_seed(0)
    ours = EncoderNetwork(Encoder(block="encoder"), 9, 6).eval()
    theirs = nn.TransformerEncoderLayer(64, 4, dim_feedforward=128, batch_first=True).eval()
    parts = {
        "self_attn.in_proj_": ours.attention.in_proj,
        "self_attn.out_proj.": ours.attention.out_proj,
        "linear1.": ours.mlp[0],
        "linear2.": ours.mlp[3],
        "norm1.": ours.norm1,
        "norm2.": ours.norm2,
    }
    theirs.load_state_dict(
        {f"{name}{kind}": getattr(part, kind) for name, part in parts.items() for kind in ("weight", "bias")}
    )
    x = torch.randn(4, 9, 128)
    expected = theirs(ours.embedding(x)).mean(1)
    torch.testing.assert_close(ours(x).features, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("settings", [{}, {"reduce_to": 32}, {"kernel": 11, "heads": 8}, {"cbam": False}])
def test_operations_are_counted_as_by_hand(settings: dict[str, Any]) -> None:
    config, time, classes = Prototypes(**settings), 128, 6
    wide, width = config.dim, config.width
    macs = time * 9 * config.kernel * wide
    if config.cbam:
        macs += 2 * 2 * wide * (wide // 8) + time * 2 * config.kernel
    if config.reduce_to is not None:
        macs += time * wide * width + width * wide
    macs += classes * 4 * width * width + classes * width + 2 * time * classes * config.heads * width
    macs += time * 4 * width * width + 2 * time * time * width
    macs += 2 * time * width * 2 * width
    macs += wide * wide + wide * classes
    assert flops(build_network(config, 9, classes), 9, time) == 2 * macs


def test_counting_and_timing_leave_the_network_as_it_was() -> None:
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert flops(model, 9, 128) > 0
    assert model.training
    assert 0 < latency_ms(model, 9, 128) < 10_000
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_network_is_built_for_each_config_and_none_for_others() -> None:
    assert isinstance(build_network(Prototypes(), 9, 6), Network)
    with pytest.raises(TypeError, match="no network for Training"):
        build_network(Prototypes.__mro__[1](), 9, 6)
