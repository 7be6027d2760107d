"""`uci_har`: six activities of 30 subjects with a phone at the waist, nine signals at 50 Hz."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from jobs.sensor_distillation.datasets.common import Dataset, Description, Windows, refuse_window
from seedbed.data import Files, files_at, find
from seedbed.readers import uci_har
from seedbed.readers.uci_har import (
    ADDRESS,
    CHANNELS,
    CLASSES,
    COMPACT,
    ORIGINAL,
    PUBLISHED,
    RATE_HZ,
    WINDOW,
)

__all__ = ["ADDRESS", "CHANNELS", "CLASSES", "COMPACT", "ORIGINAL", "files", "load", "open_set"]

ABOUT: Final = Description(
    name="uci_har",
    channels=len(CHANNELS),
    window=WINDOW,
    classes=len(CLASSES),
    rate_hz=RATE_HZ,
    address=ADDRESS,
    published=PUBLISHED,
)


def open_set(window: int | None) -> Dataset:
    """The set; its windows are fixed, so that any `window` is refused with InvalidConfig."""
    refuse_window("uci_har", window)
    return ABOUT.opened(_fingerprint, load)


def files() -> Files:
    """Its files, for a store."""
    return files_at(uci_har.source_files(_source()))


def load() -> Windows:
    """All windows of the official split; raises BadData, naming file and line, for data that cannot be used."""
    return uci_har.load(_source())


def _source() -> Path:
    return find(ORIGINAL, COMPACT, data="uci_har", address=ADDRESS)


def _fingerprint() -> str:
    return uci_har.source_fingerprint(_source())
