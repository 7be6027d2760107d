"""House rules of .github/workflows and .ci/run; actionlint, which knows more, is part of .ci/run itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yaml"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def asked_of_make(text: str) -> set[str]:
    calls = re.findall(r"(?:^|run: )make (.*)", text, re.MULTILINE)
    return {word for call in calls for word in call.split() if re.fullmatch("[a-z-]+", word)}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_its_commit(path: Path) -> None:
    used = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40}  # v[\d.]+", action), action


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_job_may_read_and_only_the_one_that_pushes_may_write(path: Path) -> None:
    document = load(path)
    assert document["permissions"] == {"contents": "read"}
    writing = {name for name, job in document["jobs"].items() if "permissions" in job}
    assert writing == {"push"}
    push = document["jobs"]["push"]
    assert push["permissions"] == {"contents": "read", "packages": "write"}
    assert set(push["needs"]) == set(document["jobs"]) - {"push"}, "what is pushed has passed everything"


def test_both_do_the_same_and_make_knows_it() -> None:
    here = asked_of_make((ROOT / ".ci" / "run").read_text(encoding="utf-8"))
    there = set().union(*(asked_of_make(path.read_text(encoding="utf-8")) for path in WORKFLOWS))
    beforehand = {"ready-cluster"}  # which test-cluster does by itself
    assert here == {"lint", "test", "test-cluster"} | beforehand
    assert here - beforehand <= there <= TARGETS
    assert re.search("^test-cluster: .*ready-cluster", MAKEFILE, re.MULTILINE)
