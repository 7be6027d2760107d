"""Results: what a finished trial leaves. Its existence *is* "finished"; it is written last and once."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from seedbed.errors import BadData
from seedbed.identity import digest
from seedbed.store import Store

FORMAT = 1


class Event(BaseModel):
    """Something about a trial's health that a reader of its numbers should know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    """What kind of event: diverged, not-finite, not-deterministic, runaway, collapse, never-moved, ..."""

    message: str
    """The event in words, with the step it happened at."""


class Result(BaseModel):
    """Metrics, health and provenance of one finished trial: enough to say where a number came from."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    format: int = FORMAT
    trial: str
    family: str
    role: str
    revision: int
    numerics: int
    config: dict[str, Any]
    seed: int
    axes: dict[str, Any]
    inputs: dict[str, list[dict[str, str]]]
    status: Literal["finished", "diverged"]
    metrics: dict[str, float]
    """`split/metric@best` and `@last`; empty for a diverged trial."""
    best_step: int | None
    last_step: int | None
    baselines: dict[str, dict[str, float]]
    events: list[Event]
    description: str
    """What the data are, in a few words."""
    split: dict[str, Any]
    """Hash, counts and, where they are few, names of the units in train, validation and test."""
    data: str
    """Fingerprint of the files it read."""
    seconds: float
    """Training time of the attempts whose work counts."""
    peak_memory_bytes: int
    numerics_tag: dict[str, str]
    """Device kind and torch version: numbers are equal to the bit only within one such class."""
    device: str
    """The device's name."""
    packages: dict[str, str]
    code: str
    """The git revision of the code, with -dirty when files differed from it."""
    image: str
    host: str
    attempts: int
    finished_at: str
    files: dict[str, str]
    """sha256 of each file beside the result."""
    log_digest: str
    """Digest of the logged metrics; two trials of a stage with the same one are the same run twice."""
    streams: dict[str, str] = {}
    """Digests of what the seed decides: the first stream of each kind (order, noise), and the first batch."""
    initial_weights: str = ""
    """Digest of the weights that were drawn at the start, loaded ones aside; empty when none were drawn."""


def write_result(store: Store, folder: str, result: Result) -> bool:
    """Write a result, once; False when another writer was first."""
    plain = result.model_dump(mode="json")
    text = json.dumps({**plain, "checksum": digest(plain)}, indent=1, ensure_ascii=False)
    return store.create(f"{folder}/result.json", text.encode())


def read_result(store: Store, folder: str) -> Result | None:
    """A trial's result, None before it has one; raises BadData when it was damaged or edited."""
    data = store.read(f"{folder}/result.json")
    return None if data is None else parse_result(store, folder, data)


def parse_result(store: Store, folder: str, data: bytes) -> Result:
    """The result that a trial's `result.json` holds; raises BadData when it was damaged or edited."""
    place = store.place(f"{folder}/result.json")
    try:
        plain = json.loads(data)
        recorded = plain.pop("checksum")
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        raise BadData(
            f"{place}: not a whole result ({len(data)} bytes, cut off or overwritten); {_REMEDY}"
        ) from None
    if digest(plain) != recorded:
        raise BadData(f"{place}: its content does not match its checksum (edited or damaged); {_REMEDY}")
    try:
        result = Result.model_validate(plain)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadData(f"{place}: {'.'.join(map(str, first['loc']))}: {first['msg']}; {_REMEDY}") from None
    if result.trial != folder.rpartition("/")[2]:
        raise BadData(f"{place}: it is the result of trial {result.trial}; {_REMEDY}")
    return result


def read_file(store: Store, folder: str, result: Result, name: str) -> bytes:
    """A file that a finished trial left, checked against its result's checksum; raises BadData."""
    return checked(store, folder, result, name, store.read(f"{folder}/{name}"))


def checked(store: Store, folder: str, result: Result, name: str, data: bytes | None) -> bytes:
    """What was read of a trial's file, if that is what the trial left; raises BadData."""
    place = store.place(f"{folder}/{name}")
    remedy = f"move {store.place(f'{folder}/result.json')} away to run the trial again"
    recorded = result.files.get(name)
    if data is None or recorded is None:
        raise BadData(f"{place}: is missing, and the trial is finished; {remedy}")
    if hashlib.sha256(data).hexdigest() != recorded:
        raise BadData(f"{place}: its content does not match the checksum in result.json; {remedy}")
    return data


_REMEDY = "move the file away to run the trial again"
