"""`seedbed` in the process of the tests, so that all of them share one forkserver: loading torch takes it seconds."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from seedbed.cli import main

Done = subprocess.CompletedProcess[str]


def run_here(folder: Path, *arguments: str) -> Done:
    """A command, run to its end in a folder: what it printed and the exit code that it would leave with."""
    command, out, err = ["seedbed", *arguments], io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ),
        patch.object(sys, "argv", command),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as left,
    ):
        main()
    return Done(command, int(left.value.code or 0), out.getvalue(), err.getvalue())
