"""CBAM over series: gates that only weaken, and the published numbers of parameters."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seedbed.nets.cbam import Cbam1d
from seedbed.nets.initialise import initialise


@given(seed=st.integers(0, 2**31), scale=st.sampled_from([1e-3, 1.0, 1e3]))
def test_no_element_grows_or_changes_its_sign(seed: int, scale: float) -> None:
    torch.manual_seed(seed)
    module, x = Cbam1d(8, 4, 5), scale * torch.randn(3, 8, 20)
    out = module(x)
    assert (out.abs() <= x.abs()).all()
    assert (out * x >= 0).all()


def test_gates_are_what_the_paper_says() -> None:
    torch.manual_seed(0)
    module, x = Cbam1d(8, 2, 3).double(), torch.randn(2, 8, 10, dtype=torch.float64)

    def inner(pooled: torch.Tensor) -> torch.Tensor:
        return torch.relu(pooled @ module.squeeze.weight.T) @ module.excite.weight.T

    gate = torch.sigmoid(inner(x.mean(2)) + inner(x.max(2).values))
    gated = x * gate[:, :, None]
    padded = torch.nn.functional.pad(torch.stack([gated.mean(1), gated.max(1).values], 1), (1, 1))
    taps = module.over_time.weight[0]
    course = torch.stack([(padded[:, :, t : t + 3] * taps).sum((1, 2)) for t in range(10)], dim=1)
    torch.testing.assert_close(module(x), gated * torch.sigmoid(course)[:, None])


@pytest.mark.parametrize(("kernel", "expected"), [(7, 1038), (11, 1046)])
def test_it_has_the_parameters_of_the_study(kernel: int, expected: int) -> None:
    assert sum(weight.numel() for weight in Cbam1d(64, 8, kernel).parameters()) == expected


def test_its_weights_can_be_drawn() -> None:
    one, other = Cbam1d(8, 2, 3), Cbam1d(8, 2, 3)
    for module in (one, other):
        initialise(module, lambda text: len(text))
    x = torch.randn(2, 8, 10)
    assert torch.equal(one(x), other(x))
