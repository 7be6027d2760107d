"""What the exporter tells of running sweeps, and what a look costs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from seedbed.compacted import as_parquet
from seedbed.errors import StoreUnavailable
from seedbed.monitoring import running, stages
from seedbed.monitoring.exporter import Exporter
from seedbed.monitoring.running import Running, Waiting, running_of
from seedbed.monitoring.stages import StageWatch, planned
from seedbed.planning import plan_sweep
from seedbed.run_records import Run, StageRecord
from seedbed.runs import open_run, read_stages
from seedbed.state import look_up
from seedbed.store import Store
from seedbed.store.folder import FolderStore
from seedbed.sweep.workflow import read_sweep
from tests.lib.results import leave

STAGES: dict[str, Any] = {
    "leaders": {"config": {"role": "leader"}, "grid": {"width": [2, 3]}},
    "others": {
        "config": {"role": "leader"},
        "grid": {"width": [4]},
        "table": {"rows": "width", "cell": "test/loss@best"},
    },
}


class CountingStore(FolderStore):
    """A store that counts what it is asked."""

    asked = 0
    away = False

    def read(self, key: str) -> bytes | None:
        self.asked += 1
        if self.away:
            raise StoreUnavailable("it is away")
        return super().read(key)

    def etag(self, key: str) -> str | None:
        if self.away:
            raise StoreUnavailable("it is away")
        return super().etag(key)

    def read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        return ((key, self.read(key)) for key in keys)


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    return CountingStore(tmp_path / "runs")


@pytest.fixture
def run(store: Store, make_sweep: Callable[..., Path]) -> Run:
    return open_run(store, plan_sweep(read_sweep(make_sweep(STAGES, seeds="0-3"))), "full")


def finish(
    store: Store, record: StageRecord, number: int, status: str = "finished", attempts: int = 1
) -> None:
    trial = record.trials[number]
    text = {
        "status": status,
        "finished_at": datetime.now(UTC).isoformat(),
        "attempts": attempts,
        "trial": trial.id,
    }
    store.write(f"{trial.folder}/result.json", json.dumps(text).encode())


def hear_of(
    store: Store, record: StageRecord, number: int, at: datetime, step: int = 3, attempt: str = "one"
) -> None:
    folder = record.trials[number].folder
    text = {"attempt": attempt, "step": step, "total": 10, "metrics": {}, "at": at.isoformat()}
    store.write(f"{folder}/progress.json", json.dumps(text).encode())
    store.write(f"{folder}/attempts/{attempt}.json", b"{}")


def told(exporter: Exporter) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in exporter.collect()
        for sample in family.samples
    }


def states(exporter: Exporter, stage: str) -> dict[str, float]:
    found = {
        key[3]: value
        for key, value in told(exporter).items()
        if key[0] == "seedbed_sweep_trials" and key[2] == stage
    }
    return {state: count for state, count in found.items() if count}


def test_trials_are_counted_by_their_state(store: CountingStore, run: Run) -> None:
    leaders, _ = read_stages(store, run)
    finish(store, leaders, 0)
    finish(store, leaders, 1, "diverged", attempts=3)
    hear_of(store, leaders, 2, datetime.now(UTC))
    hear_of(store, leaders, 3, datetime.now(UTC) - timedelta(hours=2))
    exporter = Exporter(store)
    exporter.look()
    counts = {"finished": 1, "diverged": 1, "at-work": 1, "interrupted": 1, "waiting": 4}
    assert states(exporter, "leaders") == counts
    assert states(exporter, "others") == {"waiting": 4}
    assert told(exporter)["seedbed_sweep_attempts", "toy-sweep", "leaders"] == 3
    finish(store, leaders, 2)
    exporter.look()
    assert states(exporter, "leaders") == {"finished": 2, "diverged": 1, "interrupted": 1, "waiting": 4}


def test_a_trial_that_is_heard_of_and_does_not_move_is_idle(store: CountingStore, run: Run) -> None:
    leaders, _ = read_stages(store, run)
    began = datetime.now(UTC) - timedelta(hours=1)
    runs = Running({"toy-sweep": [run.folder]}, {run.folder: 0.0}, [])
    exporter = Exporter(store, lambda: runs)
    hear_of(store, leaders, 0, began, step=5)
    exporter.look()
    hear_of(store, leaders, 0, datetime.now(UTC), step=5)
    exporter.look()
    assert states(exporter, "leaders")["at-work"] == 1
    assert told(exporter)["seedbed_sweep_idle_seconds", "toy-sweep"] == pytest.approx(3600, abs=60)
    hear_of(store, leaders, 0, datetime.now(UTC), step=6)
    exporter.look()
    assert told(exporter)["seedbed_sweep_idle_seconds", "toy-sweep"] == pytest.approx(0, abs=60)


def test_what_is_compacted_is_not_read_trial_by_trial(store: CountingStore, run: Run) -> None:
    for record in read_stages(store, run):
        for trial in record.trials:
            leave(store, trial, {"d": (1, 2)}, metrics={"test/loss@best": 0.5})
    for record in read_stages(store, run):
        found = as_parquet(record, look_up(store, record.trials))
        store.write(f"{run.folder}/{record.stage}/results.parquet", found)
    watch = StageWatch(store, f"{run.folder}/leaders")
    store.asked = 0
    watch.look()
    assert watch.complete
    assert watch.states()["finished"] == 8
    assert store.asked == 1


def test_a_look_has_its_bounds_and_in_turn_sees_every_trial(
    store: CountingStore, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "AT_ONCE", 1)
    leaders, _ = read_stages(store, run)
    watch = StageWatch(store, f"{run.folder}/leaders")
    watch.look()
    for number in range(1, 8):
        finish(store, leaders, number)
    counted = []
    for _ in range(10):
        store.asked = 0
        watch.look()
        counted.append(store.asked)
    assert max(counted) <= 4
    assert {state: count for state, count in watch.states().items() if count} == {"finished": 7, "waiting": 1}


def test_a_store_that_is_away_is_told_and_what_was_known_stays(store: CountingStore, run: Run) -> None:
    exporter = Exporter(store)
    exporter.look()
    before = states(exporter, "leaders")
    assert told(exporter)["seedbed_store_reachable",] == 1
    store.away = True
    exporter.look()
    assert told(exporter)["seedbed_store_reachable",] == 0
    assert states(exporter, "leaders") == before
    store.away = False
    exporter.look()
    assert told(exporter)["seedbed_store_reachable",] == 1


def test_a_store_that_is_away_is_told_when_nothing_runs(
    store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "ask_api", lambda *_: {"items": None})  # what the API says of no workflow
    exporter = Exporter(store, running.running_here)
    exporter.look()
    assert told(exporter)["seedbed_store_reachable",] == 1
    store.away = True
    exporter.look()
    assert told(exporter)["seedbed_store_reachable",] == 0


def test_a_sweep_that_does_not_run_any_more_is_not_told(store: CountingStore, run: Run) -> None:
    runs = Running({"toy-sweep": [run.folder]}, {run.folder: 0.0}, [])
    exporter = Exporter(store, lambda: runs)
    exporter.look()
    assert states(exporter, "leaders")
    runs = Running({}, {}, [])
    exporter.look()
    assert not states(exporter, "leaders")


def test_the_series_do_not_grow_with_trials(store: CountingStore, make_sweep: Callable[..., Path]) -> None:
    found = []
    for seeds in ("0", "0-9"):
        open_run(store, plan_sweep(read_sweep(make_sweep(STAGES, seeds=seeds))), "full")
        exporter = Exporter(store)
        exporter.look()
        found.append(set(told(exporter)))
    assert found[0] == found[1]


def pod(workflow: str, gpus: str, reason: str = "Unschedulable") -> dict[str, Any]:
    return {
        "metadata": {
            "labels": {"workflows.argoproj.io/workflow": workflow},
            "creationTimestamp": "2026-01-01T00:01:00Z",
        },
        "spec": {"containers": [{}, {"resources": {"limits": {"memory": "1Gi", "nvidia.com/gpu": gpus}}}]},
        "status": {"conditions": [{"type": "PodScheduled", "reason": reason}]},
    }


def test_pods_that_no_node_takes_are_counted_by_what_they_want() -> None:
    metadata = {
        "name": "s-abc",
        "labels": {"seedbed/sweep": "s"},
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    pods = [pod("s-abc", "1"), pod("s-abc", "1"), pod("s-abc", "0"), pod("s-abc", "1", ""), pod("other", "1")]
    found = running_of([{"metadata": metadata}], pods)
    began = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    assert found.runs == {"s": ["sweeps/s/s-abc"]}
    assert found.started == {"sweeps/s/s-abc": began}
    assert found.waiting == [Waiting("s", "gpu", 2, began + 60), Waiting("s", "other", 1, began + 60)]


def test_a_plan_is_read_as_it_is_written(store: CountingStore, run: Run) -> None:
    leaders, _ = read_stages(store, run)
    text = (store.read(f"{run.folder}/leaders/plan.json") or b"").decode()
    assert list(planned(text)) == [trial.folder for trial in leaders.trials]
    assert list(planned(json.dumps({"trials": [], "baseline": []}))) == []
