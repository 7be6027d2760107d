"""The networks: embedding with CBAM, then attention to class prototypes (or an encoder layer), pooling, a head.

"CrossFormer" in the study is neither of the published networks of that name (Zhang & Yan, ICLR 2023; Wang et al.
2021): its block lets each token attend to the class prototypes, and then all tokens to each other. No position is
encoded: behind the embedding the order of tokens does not count, and the kernel is all that sees time.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from jobs.har_prototypes.config import Encoder, Prototypes, Training
from seedbed.nets.attention import Attention
from seedbed.nets.cbam import Cbam1d


class Outputs(NamedTuple):
    """What a network says about windows, and what it says it from."""

    logits: Tensor
    """(B, classes)."""
    features: Tensor
    """(B, dim): what the head reads."""
    pooled: Tensor
    """(B, Dw): the mean over time of what the block puts out; what is projected for the contrastive loss."""


class Embedding(nn.Module):
    """Convolution, batch normalisation, GELU, dropout, CBAM."""

    def __init__(self, config: Training, channels: int) -> None:
        super().__init__()
        taps = config.kernel
        # A series as an image of height 1, kept in channels_last: tokens come out without being reordered.
        self.convolution = nn.Conv2d(channels, config.dim, (1, taps), padding=(0, taps // 2))
        self.norm = nn.BatchNorm2d(config.dim)
        self.dropout = nn.Dropout(config.dropout)
        self.cbam = Cbam1d(config.dim, config.cbam_reduction, taps) if config.cbam else None
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) windows -> (B, T, dim) tokens."""
        x = self.dropout(functional.gelu(self.norm(self.convolution(x.unsqueeze(2))))).squeeze(2)
        return (x if self.cbam is None else self.cbam(x)).transpose(1, 2)


class Head(nn.Sequential):
    """The classifier: linear, GELU, dropout, linear."""

    def __init__(self, config: Training, classes: int) -> None:
        super().__init__(
            nn.Linear(config.dim, config.dim),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.dim, classes),
        )


class Directions(nn.Module):
    """P class prototypes, of which only the directions count."""

    def __init__(self, prototypes: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(prototypes, width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Glorot & Bengio 2010, uniform."""
        nn.init.xavier_uniform_(self.weight)

    def forward(self) -> Tensor:
        """(P, Dw), each of length 1."""
        return functional.normalize(self.weight, dim=1)


class CrossBlock(nn.Module):
    """x += attention to prototypes; x += attention to itself; x += MLP; each on layer-normalised x."""

    def __init__(self, config: Prototypes) -> None:
        super().__init__()
        width, hidden = config.width, round(config.mlp_ratio * config.width)
        self.norm1 = nn.LayerNorm(width)
        self.cross = Attention(width, config.heads, config.attention_dropout)
        self.norm2 = nn.LayerNorm(width)
        self.attention = Attention(width, config.heads, config.attention_dropout)
        self.norm3 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, hidden),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(hidden, width),
            nn.Dropout(config.dropout),
        )

    def forward(self, x: Tensor, prototypes: Tensor | None) -> Tensor:
        """(B, T, Dw) tokens and (P, Dw) prototypes, None to leave them out -> (B, T, Dw)."""
        if prototypes is not None:
            x = x + self.cross(self.norm1(x), prototypes)
        x = x + self.attention(self.norm2(x))
        out: Tensor = x + self.mlp(self.norm3(x))
        return out


class Projection(nn.Sequential):
    """What features pass before the contrastive loss: linear, (batch normalisation,) GELU, linear."""

    def __init__(self, width: int, normalised: bool) -> None:
        norm = [nn.BatchNorm1d(width)] if normalised else []
        super().__init__(nn.Linear(width, width), *norm, nn.GELU(), nn.Linear(width, width))


class Network(nn.Module):
    """What both networks share: (B, C, T) windows -> Outputs."""

    def forward(self, x: Tensor) -> Outputs:
        """Logits, and what they are made from."""
        raise NotImplementedError


class PrototypeNetwork(Network):
    """Tokens attend to class prototypes and to each other, in a width of their own if the config says so."""

    def __init__(self, config: Prototypes, channels: int, classes: int) -> None:
        super().__init__()
        width, narrow = config.width, config.reduce_to is not None
        self.embedding = Embedding(config, channels)
        self.reduce = nn.Linear(config.dim, width) if narrow else None
        self.prototypes = Directions(classes, width)
        self.block = CrossBlock(config)
        self.projection = (
            None if config.contrast is None else Projection(width, config.contrast.projection == "bn")
        )
        self.restore = nn.Linear(width, config.dim) if narrow else None
        self.head = Head(config, classes)

    def forward(self, x: Tensor, attend: bool = True) -> Outputs:
        """Logits, and what they are made from; `attend` False leaves the attention to prototypes out."""
        tokens = self.embedding(x)
        tokens = tokens if self.reduce is None else self.reduce(tokens)
        pooled = self.block(tokens, self.prototypes() if attend else None).mean(1)
        # Restored after pooling: both are linear, so that the order does not matter, and this one is cheaper.
        features = pooled if self.restore is None else self.restore(pooled)
        return Outputs(self.head(features), features, pooled)

    def project(self, pooled: Tensor) -> Tensor:
        """(B, Dw) features as the contrastive loss compares them, of any length."""
        if self.projection is None:
            raise RuntimeError("a network without a contrastive loss projects nothing")
        projected: Tensor = self.projection(pooled)
        return projected


class EncoderNetwork(Network):
    """The ablation: torch's TransformerEncoderLayer (normalised after, ReLU) instead of the block."""

    def __init__(self, config: Encoder, channels: int, classes: int) -> None:
        super().__init__()
        width, hidden = config.dim, round(config.mlp_ratio * config.dim)
        self.embedding = Embedding(config, channels)
        self.attention = Attention(width, config.heads, config.attention_dropout)
        self.dropout = nn.Dropout(config.dropout)
        self.norm1 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(hidden, width),
            nn.Dropout(config.dropout),
        )
        self.norm2 = nn.LayerNorm(width)
        self.head = Head(config, classes)

    def forward(self, x: Tensor) -> Outputs:
        """Logits, and what they are made from."""
        tokens = self.embedding(x)
        tokens = self.norm1(tokens + self.dropout(self.attention(tokens)))
        features = self.norm2(tokens + self.mlp(tokens)).mean(1)
        return Outputs(self.head(features), features, features)


def build_network(config: Training, channels: int, classes: int) -> Network:
    """The network of a config; torch's global stream, from which dropout draws, stays where it is."""
    with torch.random.fork_rng(devices=[]):
        if isinstance(config, Prototypes):
            return PrototypeNetwork(config, channels, classes)
        if isinstance(config, Encoder):
            return EncoderNetwork(config, channels, classes)
    raise TypeError(f"no network for {type(config).__name__}")
