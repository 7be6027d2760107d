"""The contrastive losses that there are, each with the knobs that it has."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from seedbed.config import Config


class Warp(Config):
    """How a window is warped (Um et al., ICMI 2017)."""

    jitter: float = Field(default=0.05, ge=0)
    """The deviation of the noise added, over the deviation of each channel in the training windows."""

    scaling: float = Field(default=0.1, ge=0)
    """The deviation of the factor, around one, by which each channel of a window is multiplied."""

    mask: float = Field(default=0.0, ge=0, le=1)
    """The share of a window, in one piece, that is set to zero in all channels."""

    @model_validator(mode="after")
    def _does_something(self) -> Warp:
        if self.jitter == self.scaling == self.mask == 0:
            raise ValueError("jitter: with jitter, scaling and mask at zero nothing is warped")
        return self


class Weighted(Config):
    """What all contrastive losses share."""

    weight: float = Field(default=0.25, ge=0)
    """w: the weight of the loss beside cross-entropy."""

    projection: Literal["plain", "bn"] = "plain"
    """The projection that features pass before the loss: linear, GELU, linear; or batch-normalised before GELU."""


class ProtoNce(Weighted):
    """A softmax over the similarities to all class prototypes."""

    kind: Literal["proto_nce"]
    """The loss: cross-entropy of a feature's cosines to the prototypes; the study calls it InfoNCE."""

    temperature: float = Field(default=0.05, gt=0)
    """τ: cosines are divided by it."""

    concentration: bool = False
    """Divide by each prototype's own concentration φ (Li et al. 2021, PCL), of mean τ, instead of by τ."""


class Margin(Weighted):
    """What all triplet losses share."""

    margin: float = Field(default=1.0, gt=0)
    """How much farther the negative shall be than the positive, between unit vectors."""


class PrototypeTriplet(Margin):
    """A triplet loss with the prototypes of a window's own class and of another, drawn at random."""

    kind: Literal["triplet"]
    """The loss: a feature's distance to its own prototype, less that to another, plus the margin, if above zero."""


class MinedTriplet(Margin):
    """A triplet loss on features mined in the batch."""

    kind: Literal["triplet_mined"]
    """The loss: a feature's distance to one of its class, less that to one of another, plus the margin."""

    miner: Literal["batch_hard", "semihard"] = "batch_hard"
    """The farthest of the class and the nearest of others; or all negatives farther by less than the margin."""


class RollTriplet(Margin):
    """A triplet loss on a window, a warped copy of it, and the warped copy of the next one in the batch."""

    kind: Literal["triplet_roll"]
    """The loss: a window's distance to its own copy, less that to the next one's, plus the margin."""

    views: Warp = Warp()
    """How the copies are warped."""


class Redundancy(Weighted):
    """What both kinds of Barlow Twins share."""

    off_diagonal: float = Field(default=5e-3, ge=0)
    """λ: the weight of correlations between different features."""

    scale: Literal["1/D", "1"] = "1/D"
    """The loss as it is, of the order of the width at first, or over the width."""

    deviation: Literal["biased", "unbiased"] = "biased"
    """The deviation that features are divided by: over B, as published, or over B - 1, as in the study's code."""


class Barlow(Redundancy):
    """A Barlow Twins loss (Zbontar et al. 2021) on two warped copies of each window."""

    kind: Literal["barlow"]
    """The loss: features of the two of a pair shall agree, and differ from each other."""

    views: Warp = Warp()
    """How the copies are warped."""


class BarlowOfClass(Redundancy):
    """A Barlow Twins loss on pairs of windows of a class."""

    kind: Literal["barlow_class"]
    """The loss: features of the two of a pair shall agree, and differ from each other."""


class NtXent(Weighted):
    """A contrast of warped copies (NT-Xent: Chen et al. 2020, SimCLR)."""

    kind: Literal["ntxent"]
    """The loss: a copy shall be found by the other among all of the batch."""

    temperature: float = Field(default=0.07, gt=0)
    """τ: cosines are divided by it."""

    views: Warp = Warp()
    """How the copies are warped."""


class SupCon(Weighted):
    """A supervised contrast among the windows of a batch (Khosla et al. 2020)."""

    kind: Literal["supcon"]
    """The loss: windows of a class shall be found by each other among all of the batch."""

    temperature: float = Field(default=0.07, gt=0)
    """τ: cosines are divided by it."""


class SimSiam(Weighted):
    """A prediction of one copy's features from another's (SimSiam: Chen & He 2021)."""

    kind: Literal["simsiam"]
    """The loss: less the cosine between a copy's projected and the other's pooled features, which get no gradient."""

    views: Warp = Warp()
    """How the copies are warped."""


Contrast = Annotated[
    ProtoNce
    | PrototypeTriplet
    | MinedTriplet
    | RollTriplet
    | Barlow
    | BarlowOfClass
    | NtXent
    | SupCon
    | SimSiam,
    Field(discriminator="kind"),
]
"""A contrastive loss, told apart by kind."""
