"""What a family says of itself is held together where it is said, before anything is trained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from seedbed.errors import InvalidConfig
from seedbed.family import Metric, Role, load_family

TOY = load_family("toy")
ACCURACY = {"accuracy": Metric(), "err": Metric(better="lower", on=("val",)), "size": Metric(on=("model",))}


@pytest.mark.parametrize(
    ("select_by", "complaint"),
    [
        (("val/accuracy", "maximum"), "found 'maximum', expected max or min; did you mean 'max'?"),
        (
            ("val/acuracy", "max"),
            "found 'val/acuracy', expected a validation metric that `metrics` declares; did",
        ),
        (("test/accuracy", "max"), "declares; did you mean 'val/accuracy'?"),
        (("model/size", "max"), "declares; known: val/accuracy, val/err"),
        (("val/err", "max"), "found max, but `metrics` says that lower err is better; expected min"),
        (
            ("val/accuracy", "min"),
            "found min, but `metrics` says that higher accuracy is better; expected max",
        ),
    ],
)
def test_what_a_role_selects_by_is_a_declared_metric_in_its_own_direction(
    select_by: Any, complaint: str
) -> None:
    with pytest.raises(InvalidConfig) as raised:
        replace(TOY, metrics=ACCURACY, roles={**TOY.roles, "leader": Role(select_by, revision=1)})
    assert str(raised.value).startswith("jobs/toy/__init__.py: roles.leader.select_by: ")
    assert complaint in str(raised.value)


def test_a_role_that_a_config_may_have_is_described() -> None:
    with pytest.raises(InvalidConfig) as raised:
        replace(TOY, roles={"leader": TOY.roles["leader"], "folower": TOY.roles["follower"]})
    said = "roles: a Follower has the role 'follower', which is not among them; did you mean 'folower'?"
    assert str(raised.value) == f"jobs/toy/__init__.py: {said}"
