"""Every knob of the family that can change its numbers, seed aside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from jobs.sensor_distillation.datasets import open_dataset
from seedbed.config import Config
from seedbed.errors import SeedbedError
from seedbed.nets.names import depth_and_width

Modality = Literal["signal", "gaf", "gadf", "mtf", "stack"]
"""What a network reads: the signal, or an image of it. `gaf` is the summation field (GASF), `stack` all three."""

LONG_WINDOW = 256
"""Samples from which on a window is as long as the study's."""

SPLIT_SETTINGS = ("data", "window", "split_seed", "test_subject")
"""What data and split follow from: a student and its teachers agree on it."""

Share = Annotated[float, Field(ge=0, le=1)]


class Training(Config):
    """Data and optimisation, alike for teachers and students."""

    data: str = "watch"
    """The data set: watch, uci_har, pamap2, geneactiv14, geneactiv7, or ucr/<Name>."""

    window: int | None = Field(default=None, ge=8)
    """Window length in samples, for data that is cut into windows here; none: the data set's own."""

    split_seed: int = Field(default=0, ge=0)
    """Chooses the validation subjects, and the test subjects where the data set has no official split."""

    test_subject: str | None = None
    """The subject left out to test on, all others pooled; none: the data set's official split, or drawn subjects."""

    network: str = "wrn16-1"
    """The wide residual network: wrn<depth>-<width>."""

    epochs: int = Field(default=200, ge=1)
    """Passes over the training windows."""

    batch_size: int = Field(default=64, ge=2)
    """Windows in a batch."""

    learning_rate: float = Field(default=0.05, gt=0)
    """The first step size of SGD; a fifth, a fiftieth and a five-hundredth of it follow."""

    momentum: float = Field(default=0.9, ge=0, lt=1)
    """The momentum of SGD."""

    weight_decay: float = Field(default=1e-4, ge=0)
    """The L2 penalty of SGD."""

    precision: Literal["fp32", "bf16"] = "fp32"
    """What the network computes in; with bf16, weights, normalisation's statistics and the loss stay in fp32."""

    @field_validator("network")
    @classmethod
    def _is_a_network(cls, name: str) -> str:
        _check(depth_and_width, name)
        return name

    @field_validator("data")
    @classmethod
    def _is_a_data_set(cls, name: str) -> str:
        _check(open_dataset, name)
        return name

    @field_validator("window")
    @classmethod
    def _is_a_window_of_the_data_set(cls, window: int | None, others: ValidationInfo) -> int | None:
        if "data" in others.data:  # else that is what is wrong
            _check(open_dataset, others.data["data"], window)
        return window


class SignalTeacher(Training):
    """A teacher that reads the signal."""

    role: Literal["teacher"]
    """What the trial is."""

    modality: Literal["signal"]
    """What the network reads."""


class ImageTeacher(Training):
    """A teacher that reads images of the signal."""

    image_size: int | None = Field(default=None, ge=2, validate_default=True)
    """Pixels along an image's side; none: 64 for windows of 256 samples and more (the study's), else 32."""

    @field_validator("image_size")
    @classmethod
    def _is_no_larger_than_the_window(cls, size: int | None, others: ValidationInfo) -> int | None:
        if {"data", "window"} <= others.data.keys():
            window = open_dataset(others.data["data"], others.data["window"]).description.window
            pixels = None if window is None else size or default_image_size(window)
            if window is not None and pixels is not None and pixels > window:
                raise ValueError(f"{pixels} pixels are more than the {window} samples of a window")
        return size


class GafTeacher(ImageTeacher):
    """A teacher that reads Gramian angular fields."""

    role: Literal["teacher"]
    """What the trial is."""

    modality: Literal["gaf", "gadf"]
    """What the network reads: the summation field (gaf) or the difference field (gadf)."""


class MtfTeacher(ImageTeacher):
    """A teacher that reads Markov transition fields."""

    role: Literal["teacher"]
    """What the trial is."""

    modality: Literal["mtf"]
    """What the network reads."""

    bins: int = Field(default=8, ge=2)
    """Quantile bins of the transition matrix."""


class StackTeacher(ImageTeacher):
    """A teacher that reads both angular fields and the transition field, one above the other."""

    role: Literal["teacher"]
    """What the trial is."""

    modality: Literal["stack"]
    """What the network reads."""

    bins: int = Field(default=8, ge=2)
    """Quantile bins of the transition matrix."""


class Similarity(Config):
    """Similarity-preserving distillation."""

    weight: float = Field(gt=0)
    """β: the weight of the term, which is added up over the three stages (the study: 700, on PAMAP2 200)."""

    merge: Literal["raw_gram", "normalized_gram", "per_teacher"] = "raw_gram"
    """What the teachers' shares weigh: Gram matrices before or after normalising their rows, or losses."""


class Attention(Config):
    """Attention transfer."""

    weight: float = Field(gt=0)
    """β: the weight of the term, which is added up over the three stages."""


class Student(Training):
    """A student without teachers."""

    role: Literal["student"]
    """What the trial is."""


class DistilledStudent(Training):
    """A student with teachers."""

    role: Literal["student"]
    """What the trial is."""

    alpha: dict[Modality, Share]
    """Each teacher's share of the distillation loss, by modality; the share left out of them is the rest to one."""

    teacher_weights: Literal["alpha", "average", "entropy", "confidence"] = "alpha"
    """Whose say: the shares in alpha, all the same, or for each window the teacher surer of it, or nearer its label."""

    kd_weight: float = Field(default=0.7, ge=0, le=1)
    """λ: the weight of distillation against cross-entropy."""

    logit_std: bool = False
    """Divide each window's logits by their deviation: cross-entropy takes them so, the divergence twice that."""

    temperature: float = Field(default=4.0, gt=0)
    """T: logits are divided by it before the softmax that the student imitates."""

    kl_reduction: Literal["mean", "batchmean"] = "mean"
    """How the divergence is averaged: mean over batch and classes (the study), batchmean over the batch (Hinton)."""

    similarity: Similarity | None = None
    """Imitate also which windows of a batch the teachers find alike; none: do not."""

    attention: Attention | None = None
    """Imitate also where along the signal the teacher is active; none: do not."""

    @field_validator("temperature")
    @classmethod
    def _is_not_replaced_by_the_deviation(cls, temperature: float, others: ValidationInfo) -> float:
        if others.data.get("logit_std") and temperature != cls.model_fields["temperature"].default:
            raise ValueError("has no effect with logit_std, which divides by the logits' own deviation")
        return temperature


def _kind(settings: Any) -> str | None:
    given = settings if isinstance(settings, Mapping) else vars(settings)
    match given.get("role"), given.get("modality"):
        case "teacher", "signal":
            return "signal teacher"
        case "teacher", "gaf" | "gadf":
            return "GAF teacher"
        case "teacher", "mtf":
            return "MTF teacher"
        case "teacher", "stack":
            return "stack teacher"
        case "student", _:
            return "distilled student" if "alpha" in given else "student"
    return None


Settled = Annotated[
    Annotated[SignalTeacher, Tag("signal teacher")]
    | Annotated[GafTeacher, Tag("GAF teacher")]
    | Annotated[MtfTeacher, Tag("MTF teacher")]
    | Annotated[StackTeacher, Tag("stack teacher")]
    | Annotated[Student, Tag("student")]
    | Annotated[DistilledStudent, Tag("distilled student")],
    Discriminator(_kind),
]
"""The family's config: one of these, told apart by role, modality and whether there are teachers."""


def default_image_size(window: int) -> int:
    """Pixels along an image's side for windows like the study's (500, 1000), and for short ones."""
    return 64 if window >= LONG_WINDOW else 32


def _check(check: Callable[..., object], *arguments: Any) -> None:
    """Let seedbed's refusal of a value reach pydantic, which knows where the value stands."""
    try:
        check(*arguments)
    except SeedbedError as error:
        raise ValueError(str(error).removeprefix("window: ")) from None
