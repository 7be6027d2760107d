"""What a network costs, counted as torch's own counter does."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from seedbed.nets.cost import cost_metrics, flops, parameters
from seedbed.nets.wrn import wide_resnet


class Attending(nn.Module):
    """Attention over the steps of a sample (channels, time), by torch's fused kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        steps = x.transpose(1, 2)
        return nn.functional.scaled_dot_product_attention(steps, steps, self.inner(steps, steps, steps)[0])


NETWORKS = {
    "wrn 1-d": (wide_resnet("wrn16-1", 3, 5, dims=1), (3, 100)),
    "wrn 2-d": (wide_resnet("wrn10-1", 2, 5, dims=2), (2, 16, 16)),
    "attention": (Attending(), (8, 12)),
    "recurrent": (nn.Sequential(nn.Conv1d(4, 6, 3, bias=False), nn.LSTM(30, 7)), (4, 32)),
    "transposed": (nn.ConvTranspose2d(3, 4, 5, stride=2, groups=1), (3, 9, 9)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_operations_are_those_that_torch_counts(name: str) -> None:
    model, shape = NETWORKS[name]
    model.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, *shape))
    assert flops(model, *shape) == counter.get_total_flops() > 0


def test_both_costs_are_metrics_and_count_what_is_trained() -> None:
    model = nn.Linear(3, 2)
    assert parameters(model) == 8
    model.bias.requires_grad_(False)
    assert cost_metrics(model, 3) == {"model/params": 6.0, "model/flops": 2 * 3 * 2.0}
    assert model.training
