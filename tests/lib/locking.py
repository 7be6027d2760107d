"""Folders that may not be entered, also where the tests run as root."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CAPABILITY_VERSION = 0x20080522
PASSES_ALL_THE_SAME = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""


@contextmanager
def locked(folder: Path, mode: int = 0) -> Iterator[None]:
    """Give a folder these permissions, and root no more rights than they say."""
    before = folder.stat().st_mode
    folder.chmod(mode)
    try:
        with _no_privilege():
            yield
    finally:
        folder.chmod(before)


@contextmanager
def _no_privilege() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice
    assert libc.capget(header, sets) == 0, os.strerror(ctypes.get_errno())
    effective = sets[0]
    sets[0] = effective & ~PASSES_ALL_THE_SAME
    assert libc.capset(header, sets) == 0, os.strerror(ctypes.get_errno())
    try:
        yield
    finally:
        sets[0] = effective
        assert libc.capset(header, sets) == 0, os.strerror(ctypes.get_errno())
