"""Somebody at a terminal: `seedbed` as a person runs it, in a process of its own, with real workers and files."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seedbed.planning import plan_sweep
from seedbed.state import look_up
from seedbed.store import open_store
from seedbed.sweep.workflow import read_sweep
from tests.conftest import MakeSweep

SEEDBED = str(Path(sys.executable).with_name("seedbed"))


class Person:
    """Somebody at a terminal, in a folder with one sweep."""

    def __init__(self, folder: Path, sweep: Path) -> None:
        self.folder = folder
        self.sweep = sweep
        self.store = open_store(str(folder / "runs"))

    def types(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """A command, run to its end."""
        command = [SEEDBED, *arguments]
        return subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=120, **options
        )

    def submits(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return self.types("submit", str(self.sweep), *arguments, **options)

    def starts(self, *arguments: str) -> subprocess.Popen[str]:
        """A submit that goes on in the background."""
        command = [SEEDBED, "submit", str(self.sweep), *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=self.folder, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )

    def left(self) -> dict[str, str]:
        """The checksums of what each finished trial left."""
        states = look_up(self.store, plan_sweep(read_sweep(self.sweep)).trials)
        return {
            f"{trial}/{name}": checksum
            for trial, state in states.items()
            if state.result
            for name, checksum in state.result.files.items()
        }

    def attempts(self) -> dict[str, int]:
        """How many attempts were made at each trial."""
        counts: dict[str, int] = {}
        for key in self.store.list("trials"):
            if "/attempts/" in key:
                counts[key.split("/")[2]] = counts.get(key.split("/")[2], 0) + 1
        return counts


@pytest.fixture
def person(tmp_path: Path, make_sweep: MakeSweep) -> Callable[..., Person]:
    def arrive(stages: dict[str, Any], folder: str = "here", **options: Any) -> Person:
        (tmp_path / folder).mkdir()
        return Person(tmp_path / folder, make_sweep(stages, **options))

    return arrive


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def _no_workers_stay_behind(tmp_path: Path) -> Iterator[None]:
    yield
    wait_for(lambda: not _forkservers(tmp_path))


def _forkservers(folder: Path) -> list[int]:
    """Forkservers of this test's commands that still live."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command, environment = path.read_bytes(), (path.parent / "environ").read_bytes()
        except OSError:
            continue
        if b"forkserver" in command and f"SEEDBED_CACHE={folder}".encode() in environment:
            found.append(int(path.parent.name))
    return found
