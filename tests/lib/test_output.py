"""Where a command prints to: pipes that end early, terminals of another encoding, a full disk, nothing at all."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.lib.local.conftest import SEEDBED

ALL_SETTINGS = f"{SEEDBED} families toy"


def shell(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command line; with pipefail its exit code is that of seedbed when that is not 0."""
    line = ["bash", "-o", "pipefail", "-c", command]
    return subprocess.run(
        line,
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="latin-1",
        timeout=60,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("reader", ["true", "head -n 1"])
@pytest.mark.parametrize("buffering", ["", "1"])
def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path, reader: str, buffering: str) -> None:
    done = shell(f"{ALL_SETTINGS} | (sleep 0.1; {reader})", tmp_path, PYTHONUNBUFFERED=buffering)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_command_that_fails_says_so_also_where_nobody_reads(tmp_path: Path) -> None:
    done = shell(f"{SEEDBED} table nothing | true", tmp_path)
    assert done.returncode == os.EX_CONFIG
    assert "no sweep 'nothing' has been submitted" in done.stderr


def test_a_full_disk_behind_the_output_is_told(tmp_path: Path) -> None:
    done = shell(f"{ALL_SETTINGS} >/dev/full", tmp_path)
    assert done.returncode == os.EX_TEMPFAIL
    assert done.stderr == "seedbed: the output cannot be written: No space left on device; put that right\n"
    assert shell(f"{ALL_SETTINGS} >/dev/full 2>&1", tmp_path).returncode == os.EX_TEMPFAIL


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_letters_that_an_encoding_lacks_are_replaced(tmp_path: Path, encoding: str) -> None:
    plan = f"{SEEDBED} plan kd-alpha-sweep"
    done = shell(plan, Path(__file__).parents[2], PYTHONIOENCODING=encoding, SEEDBED_STORE=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "kd-alpha-sweep" in done.stdout


def test_output_that_is_closed_leads_nowhere(tmp_path: Path) -> None:
    assert shell(f"{ALL_SETTINGS} >&- 2>&-", tmp_path).returncode == 0
