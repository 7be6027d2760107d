"""Attention: torch's numbers, in a form whose weights can be drawn one by one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from seedbed.nets.attention import Attention
from seedbed.nets.initialise import initialise

WIDTH, HEADS = 12, 3


def pair(seed: int = 0) -> tuple[Attention, nn.MultiheadAttention]:
    torch.manual_seed(seed)
    ours = Attention(WIDTH, HEADS).double()
    theirs = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True).double()
    for weight in ours.parameters():
        nn.init.normal_(weight)
    theirs.load_state_dict(
        {
            "in_proj_weight": ours.in_proj.weight,
            "in_proj_bias": ours.in_proj.bias,
            "out_proj.weight": ours.out_proj.weight,
            "out_proj.bias": ours.out_proj.bias,
        }
    )
    return ours, theirs


def test_tokens_attend_to_themselves_as_torchs_do() -> None:
    ours, theirs = pair()
    x = torch.randn(4, 7, WIDTH, dtype=torch.float64)
    expected: Tensor = theirs(x, x, x, need_weights=False)[0]
    torch.testing.assert_close(ours(x), expected)


def test_tokens_attend_to_what_the_batch_shares_as_torchs_do() -> None:
    ours, theirs = pair()
    x, source = torch.randn(4, 7, WIDTH, dtype=torch.float64), torch.randn(5, WIDTH, dtype=torch.float64)
    expanded = source.expand(4, -1, -1)
    torch.testing.assert_close(ours(x, source), theirs(x, expanded, expanded, need_weights=False)[0])


def test_what_the_batch_shares_learns_as_beside_torchs() -> None:
    ours, theirs = pair()
    x, source = torch.randn(4, 7, WIDTH, dtype=torch.float64), torch.randn(5, WIDTH, dtype=torch.float64)
    x.requires_grad_(), source.requires_grad_()
    expanded = source.expand(4, -1, -1)
    wanted = [x, source, *theirs.parameters()]
    expected = torch.autograd.grad(
        theirs(x, expanded, expanded, need_weights=False)[0].square().sum(), wanted
    )
    named = dict(ours.named_parameters())
    order = [
        x,
        source,
        *(named[part] for part in ("in_proj.weight", "in_proj.bias", "out_proj.weight", "out_proj.bias")),
    ]
    for mine, their in zip(torch.autograd.grad(ours(x, source).square().sum(), order), expected, strict=True):
        torch.testing.assert_close(mine, their)


def test_it_has_as_many_parameters_as_torchs_whatever_the_heads() -> None:
    counts = {
        sum(weight.numel() for weight in module.parameters())
        for heads in (1, 3, 4)
        for module in (Attention(WIDTH, heads), nn.MultiheadAttention(WIDTH, heads))
    }
    assert counts == {4 * WIDTH * WIDTH + 4 * WIDTH}


def test_weights_over_the_source_sum_to_one() -> None:
    ours, _ = pair()
    with torch.no_grad():  # values that are the same everywhere come out as they are
        ours.in_proj.weight[2 * WIDTH :] = 0
        source = torch.randn(5, WIDTH, dtype=torch.float64)
        out = ours(torch.randn(4, 7, WIDTH, dtype=torch.float64), source)
        expected = ours.out_proj(ours.in_proj.bias[2 * WIDTH :])
    torch.testing.assert_close(out, expected.expand_as(out))


def test_a_single_source_gives_every_token_the_same() -> None:
    ours, _ = pair()
    out = ours(torch.randn(4, 7, WIDTH, dtype=torch.float64), torch.randn(1, WIDTH, dtype=torch.float64))
    torch.testing.assert_close(out, out[:, :1].expand_as(out))


@pytest.mark.parametrize("source", [None, torch.randn(5, WIDTH)])
def test_dropout_is_on_weights_and_only_in_training(source: Tensor | None) -> None:
    torch.manual_seed(0)
    module = Attention(WIDTH, HEADS, dropout=0.5)
    x = torch.randn(4, 7, WIDTH)
    assert not torch.equal(module(x, source), module(x, source))
    module.eval()
    assert torch.equal(module(x, source), module(x, source))


def test_dropout_over_the_source_keeps_the_mean() -> None:
    torch.manual_seed(0)
    module = Attention(WIDTH, HEADS, dropout=0.3)
    x, source = torch.randn(1, 7, WIDTH), torch.randn(5, WIDTH)
    many = module(x.expand(20_000, -1, -1), source).mean(0)
    torch.testing.assert_close(many, module.eval()(x, source)[0], rtol=0, atol=0.01)


@pytest.mark.parametrize("name", ["in_proj", "out_proj"])
def test_it_is_drawn_as_torchs_is_with_biases_at_zero(name: str) -> None:
    module = Attention(64, 4)
    initialise(module, lambda text: len(text))
    part = getattr(module, name)
    assert torch.equal(part.bias, torch.zeros_like(part.bias))
    bound = {"in_proj": (6 / (64 + 3 * 64)) ** 0.5, "out_proj": 1 / 64**0.5}[name]
    assert 0.95 * bound < part.weight.abs().max() <= bound
