"""What runs in the pods of a stage, against a store in a folder and without a cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from seedbed.argo import outputs
from seedbed.argo.pod_collect import collect_stage
from seedbed.argo.pod_plan import plan_stage
from seedbed.argo.pod_trial import read_pack, run_pack
from seedbed.attempts import read_attempts
from seedbed.errors import BadData, InvalidSweep
from seedbed.planning import PlannedTrial
from seedbed.results import read_result
from seedbed.runs import read_run
from seedbed.store import Store, open_store

pytestmark = pytest.mark.waits

STAGES: dict[str, Any] = {
    "leaders": {"config": {"role": "leader"}, "grid": {"width": [2, 3]}},
    "followers": {
        "config": {"role": "follower"},
        "grid": {"rate": [0.01, 0.02]},
        "inputs": {"leader": {"stage": "leaders", "where": {"width": 2}}},
        "depends": "leaders",
        "table": {"rows": "rate", "cell": "test/loss@best"},
    },
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "runs"))


@pytest.fixture(autouse=True)
def put_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    monkeypatch.setattr(outputs, "FOLDER", tmp_path / "outputs")
    return lambda name: (tmp_path / "outputs" / name).read_text()


def workflow(
    path: Path, name: str = "toy-sweep-abcde", started: str = "2026-01-01T00:00:00Z"
) -> dict[str, Any]:
    """A sweep file as a cluster has it once it is submitted."""
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    document["metadata"] |= {"name": name, "creationTimestamp": started, "uid": "1", "managedFields": []}
    document["metadata"]["labels"]["workflows.argoproj.io/phase"] = "Running"
    document["status"] = {"phase": "Running", "nodes": {}}
    return document


def run_all(store: Store, packs: list[list[PlannedTrial]]) -> list[int]:
    return [run_pack(store, trials).exit_code for trials in packs]


def test_a_sweep_goes_through_its_pods_and_ends_in_its_table(
    store: Store, make_sweep: Callable[..., Path], put_out: Callable[[str], str]
) -> None:
    sweep = workflow(make_sweep(STAGES, seeds="0-1"))

    assert run_all(store, plan_stage(store, sweep, "toy-sweep-abcde.leaders.plan(0)")) == [0] * 4
    packs = plan_stage(store, sweep, "toy-sweep-abcde.followers.plan")
    items = json.loads(put_out("packs"))
    assert [item["pack"] for item in items] == [trials[0].id for trials in packs]
    assert items[0]["label"] == "followers rate=0.01 seed=0"
    assert [trial.id for trial in read_pack(store, put_out("folder"), items[0]["pack"])] == [items[0]["pack"]]
    assert run_all(store, packs) == [0] * 4

    tables = collect_stage(store, "sweeps/toy-sweep/toy-sweep-abcde/followers")
    assert tables.missing == 0
    assert store.read("sweeps/toy-sweep/latest-full/followers/table.md") == tables.render("md").encode()
    assert put_out("table") == tables.text()
    assert put_out("headline") == "followers: 4 of 4 trials have results"


def test_a_collect_pod_does_without_torch(
    store: Store, make_sweep: Callable[..., Path], put_out: Callable[[str], str], tmp_path: Path
) -> None:
    run_all(store, plan_stage(store, workflow(make_sweep(STAGES)), "toy-sweep-abcde.leaders.plan"))
    code = (
        "import pathlib, sys; from seedbed.argo import outputs, pod_collect; from seedbed.store import open_store\n"
        "outputs.FOLDER = pathlib.Path(sys.argv[3])\n"
        "pod_collect.collect_stage(open_store(sys.argv[1]), sys.argv[2]); sys.exit('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, store.url, put_out("folder"), str(tmp_path / "outputs")]
    assert subprocess.run(command, check=False).returncode == 0
    assert "6 of 6" in put_out("headline")


def test_what_is_finished_is_not_packed_again(store: Store, make_sweep: Callable[..., Path]) -> None:
    file = make_sweep(STAGES, seeds="0-1")
    run_all(store, plan_stage(store, workflow(file), "toy-sweep-abcde.leaders.plan"))
    again = workflow(file, "toy-sweep-fghij", "2026-01-02T00:00:00Z")
    assert plan_stage(store, again, "toy-sweep-fghij.leaders.plan") == []
    newest = read_run(store, "toy-sweep", "full")
    assert newest is not None
    assert newest.run == "toy-sweep-fghij"


def test_a_run_that_started_earlier_does_not_become_the_newest(
    store: Store, make_sweep: Callable[..., Path]
) -> None:
    file = make_sweep(STAGES, seeds="0")
    for name, started in (
        ("toy-sweep-later", "2026-01-02T00:00:00Z"),
        ("toy-sweep-early", "2026-01-01T00:00:00Z"),
    ):
        plan_stage(store, workflow(file, name, started), f"{name}.leaders.plan")
    newest = read_run(store, "toy-sweep", "full")
    assert newest is not None
    assert newest.run == "toy-sweep-later"


def test_packs_hold_as_many_trials_as_the_plan_says(store: Store, make_sweep: Callable[..., Path]) -> None:
    stages = {"leaders": {**STAGES["leaders"], "pack": 4}}
    packs = plan_stage(store, workflow(make_sweep(stages)), "toy-sweep-abcde.leaders.plan")
    assert [len(trials) for trials in packs] == [4, 2]
    assert run_all(store, packs) == [0, 0]


def test_a_trial_that_fails_does_not_keep_its_pack_from_running(
    store: Store, make_sweep: Callable[..., Path], put_out: Callable[[str], str]
) -> None:
    stages = {
        "leaders": {"config": {"role": "leader"}, "grid": {"mishap": ["bug", "nan", "none"]}, "pack": 3}
    }
    sweep = workflow(make_sweep(stages, seeds="0"))
    (pack,) = plan_stage(store, sweep, "toy-sweep-abcde.leaders.plan")
    ending = run_pack(store, pack)
    assert (ending.exit_code, ending.message) == (70, "RuntimeError: a bug, planted")
    statuses = [result.status if (result := read_result(store, trial.folder)) else None for trial in pack]
    assert statuses == [None, "diverged", "finished"]
    assert collect_stage(store, put_out("folder")).missing == 1
    assert put_out("headline") == "leaders: 2 of 3 trials have results, 1 diverged"


def test_a_killed_worker_is_worth_a_retry_and_the_next_attempt_goes_on(
    store: Store, make_sweep: Callable[..., Path], tmp_path: Path
) -> None:
    stages = {"leaders": {"config": {"role": "leader", "mishap": f"kill:{tmp_path / 'killed'}"}}}
    (pack,) = plan_stage(store, workflow(make_sweep(stages, seeds="0")), "toy-sweep-abcde.leaders.plan")
    assert run_pack(store, pack, checkpoint_seconds=0).exit_code == 137
    assert run_pack(store, pack, checkpoint_seconds=0).exit_code == 0
    killed, went_on = read_attempts(store, pack[0].folder)
    assert killed["message"] == "killed by SIGKILL (out of memory, or by hand)"
    assert went_on["exit_code"] == 0


def test_collect_removes_the_checkpoints_of_finished_trials_only(
    store: Store, make_sweep: Callable[..., Path], tmp_path: Path, put_out: Callable[[str], str]
) -> None:
    mishaps = {"leaders": {"config": {"role": "leader"}, "grid": {"mishap": ["none", "bug"]}}}
    packs = plan_stage(store, workflow(make_sweep(mishaps, seeds="0")), "toy-sweep-abcde.leaders.plan")
    for trials in packs:
        run_pack(store, trials, checkpoint_seconds=0)
    finished, failed = (trials[0].folder for trials in packs)
    assert list(store.list(f"{finished}/checkpoint"))
    collect_stage(store, put_out("folder"))
    assert not list(store.list(f"{finished}/checkpoint"))
    assert list(store.list(f"{failed}/checkpoint"))


@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["process", "group"])
def test_sigterm_saves_and_asks_for_a_retry(
    send: Callable[[int, int], None], store: Store, make_sweep: Callable[..., Path]
) -> None:
    """Argo's executor sends it to all processes of the container."""
    stages = {"leaders": {"config": {"role": "leader", "steps": 400, "pause": 0.05}}}
    (pack,) = plan_stage(store, workflow(make_sweep(stages, seeds="0")), "toy-sweep-abcde.leaders.plan")
    folder = "sweeps/toy-sweep/toy-sweep-abcde/leaders"
    seedbed = str(Path(sys.executable).with_name("seedbed"))
    command = [seedbed, "stage", "trial", folder, pack[0].id, "--store", store.url]
    log = Path(store.url).parent / "termination-log"
    pod = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "SEEDBED_TERMINATION_LOG": str(log)},
        start_new_session=True,
    )
    wait_for(lambda: store.read(f"{pack[0].folder}/progress.json") is not None)
    send(pod.pid, signal.SIGTERM)
    assert pod.wait(60) == 75
    assert "saved step" in log.read_text()
    assert list(store.list(f"{pack[0].folder}/checkpoint"))
    assert pod.stderr is not None
    pod.stderr.close()


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("node", "complaint"),
    [
        ("toy-sweep-abcde.leader.plan", "the sweep has no stage 'leader'; did you mean 'leaders'?"),
        ("toy-sweep-abcde.followers.plan", "inputs.leader.where: leaves 2 points of leaders"),
    ],
)
def test_a_wrong_plan_is_refused_in_words(
    store: Store, make_sweep: Callable[..., Path], node: str, complaint: str
) -> None:
    wrong = {**STAGES, "followers": {**STAGES["followers"], "inputs": {"leader": {"stage": "leaders"}}}}
    stages = wrong if "followers" in node else STAGES
    with pytest.raises(InvalidSweep, match=r"workflow toy|node toy") as raised:
        plan_stage(store, workflow(make_sweep(stages)), node)
    assert complaint in str(raised.value)


def test_a_pack_or_plan_that_is_not_there_is_refused(store: Store) -> None:
    with pytest.raises(BadData, match="no such pack"):
        read_pack(store, "sweeps/toy/toy-1/leaders", "0123")
    with pytest.raises(BadData, match="no plan"):
        collect_stage(store, "sweeps/toy/toy-1/leaders")
