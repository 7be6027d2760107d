"""Reading configs: what is wrong is said where it stands, with the nearest name that is right."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, create_model

from seedbed.config import Config, ConfigError, defaults, differing, field_names, read_config, variants
from seedbed.errors import InvalidConfig


class Schedule(Config):
    """A schedule."""

    warm_up: int = 0
    """Steps before."""

    decay: float = 0.5
    """Factor."""


class Teacher(Config):
    """A teacher."""

    role: Literal["teacher"]
    """What it is."""

    image_size: int = Field(default=64, ge=2)
    """Pixels."""

    schedule: Schedule = Schedule()
    """When to go slower."""


class Student(Config):
    """A student."""

    role: Literal["student"]
    """What it is."""

    temperature: float = Field(default=4.0, gt=0)
    """T."""

    shares: dict[str, float] = {}
    """Weights."""

    reduction: Literal["mean", "batchmean"] = "mean"
    """How."""


Either = Annotated[Teacher | Student, Field(discriminator="role")]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"role": "student", "temprature": 3}, "temprature: no such setting; did you mean 'temperature'?"),
        (
            {"role": "student", "image_size": 3},
            "image_size: has no effect in a student; it exists only in a teacher",
        ),
        ({"role": "student", "temperature": "3"}, "temperature: expected a number, found the text '3'"),
        ({"role": "student", "temperature": "1e-3"}, "(YAML reads it as text: write 0.001)"),
        ({"role": "student", "temperature": 0}, "temperature: input should be greater than 0, found 0"),
        ({"role": "student", "temperature": True}, "temperature: "),
        (
            {"role": "student", "reduction": "men"},
            "reduction: found 'men', expected 'mean' or 'batchmean'; did you",
        ),
        ({"role": "student", "shares": {"gaf": "x"}}, "shares.gaf: expected a number, found the text 'x'"),
        ({"role": "teacher", "schedule": {"decay": None}}, "schedule.decay: "),
        ({"role": "teacher", "schedule": {"deacy": 1}}, "schedule.deacy: "),
        ({"role": "teacher", "image_size": 32.5}, "image_size: "),
        ({"role": "techer"}, "role: found 'techer'; did you mean 'teacher'?"),
        ({}, "role: is required and not set; known: teacher, student"),
        ({"role": "student", "temperature": float("nan")}, "not plain settings"),
    ],
)
def test_a_wrong_setting_is_refused_in_words(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read_config(Either, settings)
    assert complaint in str(raised.value)


def test_only_what_differs_from_the_defaults_is_told() -> None:
    spelled_out = {"role": "teacher", "image_size": 64, "schedule": {"warm_up": 0, "decay": 0.25}}
    assert differing(read_config(Either, spelled_out)) == {"role": "teacher", "schedule": {"decay": 0.25}}


@given(st.floats(0.5, 9), st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=3))
def test_a_config_is_read_back_from_its_own_plain_values(
    temperature: float, shares: dict[str, float]
) -> None:
    config = read_config(Either, {"role": "student", "temperature": temperature, "shares": shares})
    assert read_config(Either, json.loads(config.model_dump_json())) == config


def test_an_integer_and_its_float_are_one_setting() -> None:
    assert differing(read_config(Either, {"role": "student", "temperature": 4})) == {"role": "student"}


def test_the_members_of_a_union_and_their_fields_are_known() -> None:
    assert variants(Either) == [Teacher, Student]
    assert field_names(Either) == ["role", "image_size", "schedule", "temperature", "shares", "reduction"]
    assert defaults(Teacher) == {
        "role": "(required)",
        "image_size": 64,
        "schedule": {"warm_up": 0, "decay": 0.5},
    }


@pytest.mark.parametrize("kind", [set, frozenset[str], set[int] | None, dict[str, list[frozenset[str]]]])
def test_a_set_is_refused_where_its_config_is_defined(kind: Any) -> None:
    with pytest.raises(InvalidConfig) as raised:
        create_model("Unordered", __base__=Config, hidden=(kind, ...))
    assert "Unordered.hidden: found a set, " in str(raised.value)
    assert "expected a tuple or a list" in str(raised.value)
