"""The last line of a command that did not end well."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

TERMINATION_LOG = "SEEDBED_TERMINATION_LOG"
"""Names the file whose content Kubernetes shows as the reason why a container ended."""


def end(exit_code: int, message: str) -> int:
    """Tell why the command ends; returns the exit code to leave with."""
    with contextlib.suppress(OSError):  # nobody listens, and the exit code still tells
        print(f"seedbed: {message}", file=sys.stderr)
    if path := os.environ.get(TERMINATION_LOG):
        with contextlib.suppress(OSError):
            Path(path).write_text(message, encoding="utf-8")
    return exit_code
