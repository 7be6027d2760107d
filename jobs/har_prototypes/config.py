"""Every knob of the family that can change its numbers, seed aside."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from jobs.har_prototypes.contrasts import Barlow, BarlowOfClass, Contrast, ProtoNce, Warp
from jobs.har_prototypes.datasets import check_name
from seedbed.config import Config
from seedbed.errors import InvalidConfig

SPLIT_SETTINGS = ("data", "protocol", "split_seed", "windows")
"""What data and split follow from."""


LEAST = 4
"""Windows in a batch over which features are correlated."""


class Training(Config):
    """Data, embedding and optimisation, alike for all networks."""

    data: str = "uci_har"
    """The data set: uci_har, har/<Name> (a folder or archive in its layout), or made (made up, always there)."""

    protocol: Literal["subject", "notes", "merged"] = "subject"
    """Who validates and tests: subject, other subjects in both; notes, the official test subjects and a random fifth
    of the training windows; merged, a random fifth of all windows tests and a fifth of the rest validates."""

    split_seed: int = Field(default=0, ge=0)
    """Chooses the validation subjects or windows, and the test windows where the protocol draws them."""

    windows: int | None = Field(default=None, ge=8)
    """At most so many windows of each part, spread evenly over it; none: all of them."""

    normalize: Literal["none", "zscore"] = "none"
    """Signals as they are, or less the mean and over the deviation of each channel in the training windows."""

    augment: Warp | None = None
    """What happens to each window before the classifier learns from it; none: nothing."""

    dim: int = Field(default=64, ge=2)
    """D: channels of the embedding."""

    kernel: int = Field(default=7, ge=1)
    """Taps of the embedding's convolution and of CBAM's over time; odd, so that the length stays."""

    cbam: bool = True
    """Channel and temporal attention (CBAM) on the embedding."""

    cbam_reduction: int = Field(default=8, ge=1, validate_default=True)
    """r: CBAM's inner width is dim / r; 8 in the study's code, 16 in its text and in CBAM's paper."""

    heads: int = Field(default=4, ge=1)
    """Heads of each attention; they divide the working width."""

    mlp_ratio: float = Field(default=2.0, gt=0)
    """The hidden width of the block's MLP over its working width."""

    dropout: float = Field(default=0.1, ge=0, lt=1)
    """The dropout rate in embedding, MLP and head."""

    attention_dropout: float = Field(default=0.0, ge=0, lt=1)
    """The dropout rate of attention weights."""

    epochs: int = Field(default=100, ge=1)
    """Passes over the training windows; the cosine schedule spans them."""

    batch_size: int = Field(default=128, ge=2)
    """Windows in a batch."""

    learning_rate: float = Field(default=5e-4, gt=0)
    """The first step size of AdamW; it falls to zero along a half cosine, epoch by epoch."""

    weight_decay: float = Field(default=1e-4, ge=0)
    """The decoupled weight decay of AdamW."""

    @field_validator("data")
    @classmethod
    def _is_a_data_set(cls, name: str) -> str:
        try:
            check_name(name)
        except InvalidConfig as error:
            raise ValueError(str(error)) from None
        return name

    @field_validator("kernel")
    @classmethod
    def _keeps_the_length(cls, kernel: int) -> int:
        if kernel % 2 == 0:
            raise ValueError(f"{kernel} taps change the length; an odd number keeps it")
        return kernel

    @field_validator("cbam_reduction")
    @classmethod
    def _reduces(cls, reduction: int, others: ValidationInfo) -> int:
        if not others.data.get("cbam", True) and reduction != cls.model_fields["cbam_reduction"].default:
            raise ValueError("has no effect without cbam")
        if others.data.get("cbam", True) and reduction > others.data.get("dim", reduction):
            raise ValueError(f"{reduction} leaves nothing of {others.data['dim']} channels")
        return reduction

    @property
    def width(self) -> int:
        """Dw: the width in which attention works."""
        return self.dim


class Xavier(Config):
    """A random start (Glorot & Bengio 2010, uniform)."""

    kind: Literal["xavier"]
    """How the prototypes begin."""


Space = Literal["pooled", "projected"]


class ClassMeans(Config):
    """A start from class means of an untrained network's features."""

    kind: Literal["mean_random_net", "mean_same_weights"]
    """How the prototypes begin: means under another network's random weights (the notes'), or under this one's."""

    space: Space = "pooled"
    """Whose means: of pooled features, as the keys and values see them, or of projected ones, as the loss does."""


class WarmedUpMeans(Config):
    """A start from class means after epochs without the contrastive loss."""

    kind: Literal["mean_after_warmup"]
    """How the prototypes begin."""

    epochs: int = Field(default=5, ge=1)
    """Epochs with cross-entropy alone, after which the class means of the network's features are taken."""

    space: Space = "pooled"
    """Whose means: of pooled features, as the keys and values see them, or of projected ones, as the loss does."""


Start = Annotated[Xavier | ClassMeans | WarmedUpMeans, Field(discriminator="kind")]
"""How prototypes begin, told apart by kind."""


class Prototypes(Training):
    """A network with class prototypes."""

    block: Literal["prototypes"] = "prototypes"
    """What works on the embedding: attention from tokens to class prototypes, then to each other."""

    reduce_to: int | None = Field(default=None, ge=1, validate_default=True)
    """Dw: the width in which the block works, restored after it; none: dim."""

    contrast: Contrast | None = ProtoNce(kind="proto_nce")
    """The contrastive loss beside cross-entropy; none: no such loss."""

    start: Start = Xavier(kind="xavier")
    """How the prototypes begin."""

    @property
    def width(self) -> int:
        """Dw: the width in which attention works."""
        return self.reduce_to or self.dim

    @field_validator("reduce_to")
    @classmethod
    def _is_divided_by_the_heads(cls, reduce_to: int | None, others: ValidationInfo) -> int | None:
        _refuse_heads(reduce_to or others.data.get("dim"), others)
        return reduce_to

    @field_validator("contrast")
    @classmethod
    def _has_enough_windows(cls, contrast: Any, others: ValidationInfo) -> Any:
        if isinstance(contrast, Barlow | BarlowOfClass) and others.data.get("batch_size", LEAST) < LEAST:
            raise ValueError(f"correlations need batches of at least {LEAST} windows")
        return contrast

    @field_validator("start")
    @classmethod
    def _starts_where_it_can(cls, start: Any, others: ValidationInfo) -> Any:
        alone = "contrast" in others.data and others.data["contrast"] is None
        if alone and getattr(start, "space", "pooled") == "projected":
            raise ValueError("without contrast nothing is projected, and space cannot be projected")
        if isinstance(start, WarmedUpMeans):
            if alone:
                raise ValueError("without contrast there is no loss to hold back in a warm-up")
            if start.epochs >= others.data.get("epochs", math.inf):
                raise ValueError(
                    f"a warm-up of {start.epochs} leaves nothing of {others.data['epochs']} epochs"
                )
        return start


class Encoder(Training):
    """A network without prototypes."""

    block: Literal["encoder"]
    """What works on the embedding: a transformer's encoder layer, as in the study's ablation."""

    @field_validator("block")
    @classmethod
    def _is_divided_by_the_heads(cls, block: str, others: ValidationInfo) -> str:
        _refuse_heads(others.data.get("dim"), others)
        return block


def _refuse_heads(width: int | None, others: ValidationInfo) -> None:
    heads = others.data.get("heads")
    if width is not None and heads is not None and width % heads:
        raise ValueError(f"{heads} heads do not divide a working width of {width}")


def _kind_of_network(settings: Any) -> str:
    given = settings if isinstance(settings, Mapping) else vars(settings)
    return str(given.get("block", "prototypes"))


Network = Annotated[
    Annotated[Prototypes, Tag("prototypes")] | Annotated[Encoder, Tag("encoder")],
    Discriminator(_kind_of_network),
]
"""The family's config: with class prototypes, or without."""
