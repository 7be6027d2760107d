"""Somebody at a terminal: `seedbed` as a person runs it, with real workers and files."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest

from seedbed.planning import plan_sweep
from seedbed.state import look_up
from seedbed.store import open_store
from seedbed.sweep.workflow import read_sweep
from tests.conftest import MakeSweep
from tests.lib.command_line import Done, run_here

SEEDBED = str(Path(sys.executable).with_name("seedbed"))


class Person:
    """Somebody at a terminal, in a folder with one sweep."""

    def __init__(self, folder: Path, sweep: Path) -> None:
        self.folder = folder
        self.sweep = sweep
        self.store = open_store(str(folder / "runs"))

    def types(self, *arguments: str) -> Done:
        """A command, run to its end."""
        return run_here(self.folder, *arguments)

    def submits(self, *arguments: str) -> Done:
        return self.types("submit", str(self.sweep), *arguments)

    def submits_apart(self, *arguments: str, **options: Any) -> Done:
        """As `submits`, in a process of its own."""
        command = [SEEDBED, "submit", str(self.sweep), *arguments]
        return subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=120, **options
        )

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

    def at_work(self) -> int:
        """How many trials have told how far they are."""
        return sum(key.endswith("/progress.json") for key in self.store.list("trials"))


@pytest.fixture
def person(tmp_path: Path, make_sweep: MakeSweep) -> Callable[..., Person]:
    def arrive(stages: dict[str, Any], folder: str = "here", **options: Any) -> Person:
        (tmp_path / folder).mkdir()
        return Person(tmp_path / folder, make_sweep(stages, **options))

    return arrive


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def servers_of(parent: int) -> list[int]:
    """The forkservers that a process has started."""
    return [
        child for child, above, command, _ in _processes() if above == parent and b"forkserver" in command
    ]


@pytest.fixture(autouse=True)
def _no_workers_stay_behind(tmp_path: Path) -> Iterator[None]:
    yield
    wait_for(lambda: not _left_behind(tmp_path))


def _left_behind(folder: Path) -> list[int]:
    """Forkservers of this test's commands that still live, and workers of theirs or of this process's own."""
    own = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]  # goes on, for the tests to come
    return [
        process
        for process, parent, command, environment in _processes()
        if b"forkserver" in command
        and process != own
        and (parent == own or f"SEEDBED_CACHE={folder}/".encode() in environment)
    ]


def _processes() -> Iterator[tuple[int, int, bytes, bytes]]:
    """Of each process its number, its parent's, its command line and its environment."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (path / "cmdline").read_bytes(), (path / "environ").read_bytes()
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        yield int(path.name), parent, command, environment
