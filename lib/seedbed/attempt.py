"""One attempt at one trial, from its plan to its result: what a pod or a pool worker runs."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
import torch

from seedbed import NUMERICS, provenance
from seedbed.checkpoints import Checkpoints
from seedbed.codec import save_tensors
from seedbed.data import prefer_version
from seedbed.errors import BadData
from seedbed.family import Family, load_family
from seedbed.health.determinism import ask_for_determinism, noting
from seedbed.health.learning import at_baseline, plateau
from seedbed.identity import digest
from seedbed.planning import PlannedTrial
from seedbed.record import Predictions
from seedbed.results import Event, Result, read_result, write_result
from seedbed.store import Store
from seedbed.trial import Diverged, Trial


@dataclasses.dataclass(frozen=True)
class Attempt:
    """How an attempt is made; none of it can change a number."""

    name: str
    """`<start>-<random>`: its records and checkpoints carry it."""

    device: str = "cpu"
    checkpoint_seconds: float = 60.0
    reuse_any: bool = False
    """Go on from checkpoints of another device kind or torch version too."""


def run_attempt(
    store: Store,
    planned: PlannedTrial,
    attempt: Attempt,
    *,
    report: Callable[[dict[str, Any]], None] = lambda _: None,
    started: Callable[[Trial[Any]], None] = lambda _: None,
) -> Result:
    """Train a trial, from its newest checkpoint if it has one, and write its result.

    `started` gets the Trial before training, so that a signal handler can stop it.
    A trial that has a result is not trained again. Raises the errors of seedbed.errors: BadData too where the data
    are not those it was planned with, before it trains, before it saves and before its result is written.
    """
    done = read_result(store, planned.folder)
    if done is not None:
        return done
    prefer_version(planned.data)
    family = load_family(planned.family)
    same_data = partial(_refuse_changed_data, planned, family)
    same_data()
    device = torch.device(attempt.device)
    checkpoints = Checkpoints(store, f"{planned.folder}/checkpoint", attempt.name)
    trial = _open_trial(store, planned, attempt, family, device, checkpoints, report, same_data)
    started(trial)
    try:
        ask_for_determinism(device)
        if device.index is not None:
            torch.cuda.set_device(device)
        trial.seed_globals()
        with noting(trial.health.not_deterministic):
            family.run(trial)
        events = trial.health.ended(_learning(trial, family))
    except Diverged as divergence:
        events = [Event(kind="diverged", message=str(divergence)), *trial.health.events]
    finally:
        trial.health.close()
        checkpoints.close()
    same_data()
    return _finish(store, planned, trial, events, device)


def _refuse_changed_data(planned: PlannedTrial, family: Family) -> None:
    """Raise BadData where the files are not those by whose fingerprint the trial is known."""
    found = family.fingerprint(family.read(planned.config))
    if found != planned.data:
        name = planned.config.get("data", family.name)
        raise BadData(
            f"data {name}: changed since it was planned: found {found[:16]}, expected {planned.data[:16]}"
        )


def _learning(trial: Trial[Any], family: Family) -> Iterator[Event]:
    """What the whole record shows of whether anything was learned."""
    record = trial.record
    yield from plateau(record.log, record.baselines, family.metric)
    if record.log:
        yield from at_baseline(trial.metrics()[0], record.baselines, record.split, family.metric)


def _open_trial(
    store: Store,
    planned: PlannedTrial,
    attempt: Attempt,
    family: Family,
    device: torch.device,
    checkpoints: Checkpoints,
    report: Callable[[dict[str, Any]], None],
    before_saving: Callable[[], None],
) -> Trial[Any]:
    tag = provenance.numerics_tag(device)
    return Trial(
        planned,
        family.read(planned.config),
        family.roles[planned.role],
        store,
        checkpoints,
        device=device,
        checkpoint_seconds=attempt.checkpoint_seconds,
        suits=lambda state: attempt.reuse_any or state["numerics"] == tag,
        report=report,
        before_saving=before_saving,
    )


def _finish(
    store: Store, planned: PlannedTrial, trial: Trial[Any], events: list[Event], device: torch.device
) -> Result:
    """Write what the trial leaves, the result last; nothing where somebody else did so meanwhile."""
    if (theirs := read_result(store, planned.folder)) is not None:
        return theirs
    diverged = any(event.kind == "diverged" for event in events)
    metrics, best, last = ({}, None, None) if diverged else trial.metrics()
    files = dict(_files(trial, diverged))
    for name, data in files.items():
        store.write(f"{planned.folder}/{name}", data)
    record = trial.record
    result = Result(
        trial=planned.id,
        family=planned.family,
        role=planned.role,
        revision=planned.revision,
        numerics=NUMERICS,
        config=planned.config,
        seed=planned.seed,
        axes=dict(planned.axes),
        inputs={name: [dataclasses.asdict(ref) for ref in refs] for name, refs in planned.inputs.items()},
        status="diverged" if diverged else "finished",
        metrics=metrics,
        best_step=best,
        last_step=last,
        baselines=record.baselines,
        events=events,
        description=record.description,
        split=record.split,
        data=planned.data,
        seconds=round(trial.seconds, 3),
        peak_memory_bytes=provenance.peak_memory_bytes(device),
        numerics_tag=provenance.numerics_tag(device),
        device=provenance.device_name(device),
        packages=provenance.packages(),
        code=provenance.code_revision(),
        image=provenance.image(),
        host=provenance.host(),
        attempts=sum(key.endswith(".json") for key in store.list(f"{planned.folder}/attempts")) or 1,
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        files={name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        log_digest=digest(record.log),
        streams=record.streams,
        initial_weights=record.initial_weights,
    )
    if not write_result(store, planned.folder, result):
        return read_result(store, planned.folder) or result
    return result


def _files(trial: Trial[Any], diverged: bool) -> list[tuple[str, bytes]]:
    record = trial.record
    lines = "".join(json.dumps(entry) + "\n" for entry in record.log)
    files = [("log.jsonl", lines.encode()), ("split.json", json.dumps(record.units).encode())]
    files += [(f"artifacts/{name}", data) for name, data in record.artifacts.items()]
    if diverged:
        return files
    weights = {"best": record.best_weights, "last": trial.weights()}
    files += [(f"weights/{when}.safetensors", save_tensors(kept)) for when, kept in weights.items() if kept]
    for when, splits in (("best", record.best_predictions), ("last", record.last_predictions)):
        files += [(f"predictions/{split}@{when}.npz", _npz(values)) for split, values in splits.items()]
    return files


def _npz(values: Predictions) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **vars(values))
    return buffer.getvalue()
