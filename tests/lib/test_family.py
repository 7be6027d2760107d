"""What a family says of itself is held together where it is said, before anything is trained."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seedbed.errors import InvalidConfig
from seedbed.family import Metric, Role, load_family
from tests.lib.command_line import run_here

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


GOOD = """
from seedbed.config import Config
from seedbed.family import Family, Role
family = Family(name="{name}", config=Config, run=print, fingerprint=str, roles={{"only": Role(None, 1)}})
"""


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Add a family whose __init__.py says this."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, text: str) -> None:
        (tmp_path / "jobs" / name).mkdir(parents=True)
        (tmp_path / "jobs" / name / "__init__.py").write_text(text)

    yield write
    for module in [name for name in sys.modules if name.startswith("jobs.added_")]:
        del sys.modules[module]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "expected `family = Family(name='added_wrong', ...)`"),
        (GOOD.format(name="other"), "expected `family = Family(name='added_wrong', ...)`"),
        ("\nimport\n", "SyntaxError: invalid syntax (__init__.py, line 2)"),
        (
            "\n\nimport no_such_thing",
            "ModuleNotFoundError: No module named 'no_such_thing' (__init__.py, line 3)",
        ),
        ("1 / 0", "ZeroDivisionError: division by zero (__init__.py, line 1)"),
    ],
)
def test_a_family_that_cannot_be_loaded_is_named_and_leaves_the_others_alone(
    add: Callable[[str, str], None], tmp_path: Path, text: str, complaint: str
) -> None:
    add("added_right", GOOD.format(name="added_right"))
    add("added_wrong", text)
    with pytest.raises(InvalidConfig) as raised:
        load_family("added_wrong")
    assert str(raised.value) == f"jobs/added_wrong/__init__.py: {complaint}"
    for command, shown in (("families", "added_right  roles: only"), ("data", "looked for in: ")):
        done = run_here(tmp_path, command)
        assert done.returncode == 78
        assert shown in done.stdout
        assert done.stderr == f"seedbed: {raised.value}\n"
