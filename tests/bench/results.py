"""How long thousands of loose results take to look up: in a folder, and in S3 (a SeaweedFS on this machine).

python -m tests.bench.results
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from seedbed.planning import PlannedTrial
from seedbed.results import Result, write_result
from seedbed.state import look_up
from seedbed.store import Store, open_store
from tests.bench._timing import Line, faster, show, took, wall_seconds
from tests.lib.store.seaweed import BUCKET, Seaweed

COUNT = 5000
ONE_BY_ONE = 500
"""Results that are read one after the other, to compare with; all of them would take too long."""
GOAL_SECONDS = 1.5
ROUNDS = 3
METRICS = {
    f"{split}/{name}@{when}": 0.5
    for split in ("train", "val", "test")
    for name in ("loss", "accuracy", "f1")
    for when in ("best", "last")
}


def main() -> None:
    trials = [trial_of(number) for number in range(COUNT)]
    with tempfile.TemporaryDirectory() as folder:
        show(f"{COUNT} loose results in a folder, best of {ROUNDS}", _lines(open_store(folder), trials))
    with seaweed() as store:
        show(f"{COUNT} loose results in S3, best of {ROUNDS}", _lines(store, trials))


@contextmanager
def seaweed() -> Iterator[Store]:
    server = Seaweed()
    try:
        server.start()
        os.environ.update(server.environment)
        yield open_store(f"s3://{BUCKET}")
    finally:
        server.remove()


def _lines(store: Store, trials: Sequence[PlannedTrial]) -> Iterator[Line]:
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(partial(_leave, store), trials):
            pass
    keys = [f"{trial.folder}/result.json" for trial in trials]
    looked_up = min(wall_seconds(lambda: _look_up(store, trials)) for _ in range(ROUNDS))
    yield took(f"look up {COUNT} finished trials", looked_up, at_most=GOAL_SECONDS)
    yield took(
        "of which reading", min(wall_seconds(lambda: list(store.read_many(keys))) for _ in range(ROUNDS))
    )
    one_by_one = wall_seconds(lambda: [store.read(key) for key in keys[:ONE_BY_ONE]])
    in_bulk = min(wall_seconds(lambda: list(store.read_many(keys[:ONE_BY_ONE]))) for _ in range(ROUNDS))
    yield faster(f"read {ONE_BY_ONE} one by one, in bulk", one_by_one, in_bulk, "s")
    new = [trial_of(number) for number in range(COUNT, 2 * COUNT)]
    yield took(f"look up {COUNT} trials that never began", wall_seconds(lambda: look_up(store, new)))


def _look_up(store: Store, trials: Sequence[PlannedTrial]) -> None:
    states = look_up(store, trials)
    if not all(state.finished for state in states.values()):
        raise RuntimeError("a result was not found")


def trial_of(number: int) -> PlannedTrial:
    return PlannedTrial(
        id=f"{number:016x}",
        family="sensor_distillation",
        role="student",
        revision=1,
        config={"role": "student", "network": "wrn16-1", "epochs": 200},
        seed=number % 5,
        axes={"alpha.gaf": 0.5, "teacher": "wrn16-1"},
        data="0" * 64,
    )


def _leave(store: Store, trial: PlannedTrial) -> None:
    result = Result(
        trial=trial.id,
        family=trial.family,
        role=trial.role,
        revision=1,
        numerics=1,
        config=trial.config,
        seed=trial.seed,
        axes=trial.axes,
        inputs={},
        status="finished",
        metrics=METRICS,
        best_step=3,
        last_step=4,
        baselines={"majority": {"test/accuracy": 0.2}},
        events=[],
        description="made-up windows",
        split={"hash": "0" * 64, "counts": {"train": 1000, "validation": 100, "test": 100}},
        data=trial.data,
        seconds=12.5,
        peak_memory_bytes=1_000_000_000,
        numerics_tag={"device": "cpu", "torch": "2.9"},
        device="made-up",
        packages=dict.fromkeys(("torch", "numpy", "scipy", "numba", "pydantic"), "1.2.3"),
        code="0" * 40,
        image="",
        host="made-up",
        attempts=1,
        finished_at="2026-01-01T00:00:00+00:00",
        files={f"predictions/{split}@best.npz": "0" * 64 for split in ("train", "val", "test")},
        log_digest="0" * 64,
    )
    write_result(store, trial.folder, result)


if __name__ == "__main__":
    main()
