"""What a student's settings mean with the trials that it builds on: teachers by modality, and where it starts from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, get_args

from jobs.sensor_distillation.config import (
    SPLIT_SETTINGS,
    DistilledStudent,
    Modality,
    Similarity,
    Student,
    Training,
    default_image_size,
)
from jobs.sensor_distillation.datasets import window_here
from seedbed.config import Config, ConfigError, Settings
from seedbed.errors import did_you_mean

START = "start"
"""The input whose weights are the student's first ones; every other input is a teacher."""


def complete(settings: Settings, inputs: Mapping[str, Config]) -> Settings:
    """Settings with the shares of all teachers filled in, summing to one.

    `inputs` are the teachers' configs by modality, and the config of the student to start from by START.
    Raises ConfigError when the settings and the teachers do not fit, an input was trained on other windows, or a
    teacher's image is larger than the windows of a set whose files alone tell how long they are.
    """
    if settings.get("role") != "student":
        for name in inputs:
            raise ConfigError(("inputs", name), "only a student builds on other trials")
        _refuse_large_image(settings)
        return settings
    teachers = {name: config for name, config in inputs.items() if name != START}
    if START in inputs:
        _refuse_other_start(inputs[START], settings)
    if not teachers and "alpha" not in settings:
        return settings
    for modality, teacher in teachers.items():
        _refuse_stranger(modality, teacher, settings)
    _refuse_idle(settings, list(teachers))
    if settings.get("teacher_weights", "alpha") != "alpha":
        return {**settings, "alpha": _equal_shares(settings, list(teachers))}
    given = settings.get("alpha", {})
    if not isinstance(given, Mapping) or not all(_is_share(share) for share in given.values()):
        return settings  # the model says what is wrong with it
    for modality in given:
        if modality not in teachers:
            there = ", ".join(teachers) or "none"
            raise ConfigError(("alpha", modality), f"no input has this modality; the teachers are: {there}")
    if not teachers:
        raise ConfigError(("alpha",), "there is no teacher: none is among the inputs")
    return {**settings, "alpha": _shares(given, list(teachers))}


def _refuse_large_image(settings: Settings) -> None:
    data, size = settings.get("data"), settings.get("image_size")
    if settings.get("modality") == "signal" or not isinstance(data, str) or not isinstance(size, int | None):
        return  # there is no image, or the model says what is wrong
    window = window_here(data)
    if window is not None and (pixels := size or default_image_size(window)) > window:
        raise ConfigError(
            ("image_size",),
            f"{pixels} pixels are more than the {window} samples of a window of {data}; set {window} or fewer",
        )


def _shares(given: Mapping[str, float], modalities: list[str]) -> dict[str, float]:
    left_out = [modality for modality in modalities if modality not in given]
    total = math.fsum(given.values())
    if len(left_out) > 1:
        example = ", ".join(f"{modality}: {1 / len(modalities):.1f}" for modality in modalities[:-1])
        raise ConfigError(
            ("alpha",),
            f"the shares of {' and '.join(left_out)} are not set; only one can be the rest, as with {{{example}}}",
        )
    if left_out and total > 1:
        raise ConfigError(("alpha",), f"the shares add up to {total:g} and leave nothing for {left_out[0]}")
    if left_out:
        rounded = {modality: round(share, 12) for modality, share in given.items()}
        return {**rounded, left_out[0]: max(0.0, round(1 - math.fsum(rounded.values()), 12))}
    if total <= 0:
        raise ConfigError(("alpha",), "every share is zero")
    return {modality: round(share / total, 12) for modality, share in given.items()}


def _equal_shares(settings: Settings, modalities: list[str]) -> dict[str, float]:
    how = settings["teacher_weights"]
    if how in get_args(DistilledStudent.model_fields["teacher_weights"].annotation):
        if "alpha" in settings:
            raise ConfigError(
                ("alpha",), f"has no effect with teacher_weights {how}, which weighs the teachers"
            )
        if len(modalities) == 1:
            raise ConfigError(("teacher_weights",), f"{how} has no effect with one teacher")
    return {modality: round(1 / len(modalities), 12) for modality in modalities}


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _refuse_idle(settings: Settings, modalities: list[str]) -> None:
    """Refuse knobs that would do nothing, or nothing defined, with these teachers."""
    images = [modality for modality in modalities if modality != "signal"]
    if settings.get("attention") is not None and images:
        raise ConfigError(
            ("attention",),
            f"attention transfer needs maps of one size; the {images[0]} teacher's are images",
        )
    similarity, default = settings.get("similarity"), Similarity.model_fields["merge"].default
    merges = isinstance(similarity, Mapping) and similarity.get("merge", default) != default
    if merges and len(modalities) == 1:
        raise ConfigError(("similarity", "merge"), "has no effect with one teacher")


def _refuse_stranger(modality: str, teacher: Config, settings: Settings) -> None:
    theirs = getattr(teacher, "modality", None)
    if modality not in get_args(Modality):
        near = did_you_mean(modality, get_args(Modality))
        raise ConfigError(("inputs", modality), f"no teacher's modality is called so; {near}")
    if isinstance(teacher, Student | DistilledStudent):
        raise ConfigError(("inputs", modality), f"selects a student, expected a {modality} teacher")
    if theirs != modality:
        raise ConfigError(
            ("inputs", modality), f"selects a trial whose modality is {theirs}, expected {modality}"
        )
    _refuse_difference(SPLIT_SETTINGS, settings, teacher, f"the {modality} teacher")


def _refuse_other_start(start: Config, settings: Settings) -> None:
    if not isinstance(start, Student | DistilledStudent):
        raise ConfigError(("inputs", START), "selects a teacher, expected a student to start from")
    _refuse_difference(("network", *SPLIT_SETTINGS), settings, start, "the student to start from")


def _refuse_difference(names: tuple[str, ...], settings: Settings, other: Config, who: str) -> None:
    for name in names:
        mine = settings.get(name, Training.model_fields[name].default)
        theirs = getattr(other, name)
        if mine != theirs:
            raise ConfigError((name,), f"found {mine!r}, but {who} was trained with {theirs!r}")
