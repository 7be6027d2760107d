"""What makes a trial that trial and no other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from seedbed import NUMERICS
from seedbed.config import Config, differing

ID_VERSION = 1
"""Raised when the way in which identities are made changes."""


def canonical_json(value: Any) -> bytes:
    """One spelling for one value: sorted keys, no blanks, no NaN."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.encode()


def digest(value: Any) -> str:
    """The first 16 hex digits of the sha256 of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value)).hexdigest()[:16]


def trial_id(
    *,
    family: str,
    role: str,
    revision: int,
    config: Config,
    seed: int,
    data: str,
    inputs: Mapping[str, Sequence[tuple[str, str]]],
) -> str:
    """A trial's identity, 16 hex digits.

    `data` is the fingerprint of the files it reads, `inputs` maps each role to
    the (trial id, weights) pairs it builds on. Nothing else takes part: not the
    sweep, the machine, the date or the library versions (those are in the result).
    """
    return digest(
        {
            "id_version": ID_VERSION,
            "numerics": NUMERICS,
            "family": family,
            "role": role,
            "revision": revision,
            "config": differing(config),
            "seed": seed,
            "data": data,
            "inputs": {name: [list(pair) for pair in pairs] for name, pairs in inputs.items()},
        }
    )
