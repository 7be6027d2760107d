"""A sweep that runs here and keeps everything in S3: as in a folder, whatever happens to server and person."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seedbed.planning import plan_sweep
from seedbed.state import look_up
from seedbed.store import Store, open_store
from seedbed.sweep.workflow import read_sweep
from tests.conftest import MakeSweep
from tests.lib.command_line import run_here
from tests.lib.store.seaweed import BUCKET, SECRET, Seaweed

pytestmark = pytest.mark.waits

SEEDBED = str(Path(sys.executable).with_name("seedbed"))
STAGES = {
    "leaders": {"config": {"role": "leader", "pause": 0.25}, "grid": {"width": [2, 4]}},
    "followers": {
        "depends": "leaders",
        "config": {"role": "follower"},
        "grid": {"size": [2, 4]},
        "inputs": {"leader": {"stage": "leaders", "where": {"width": "{size}"}}},
        "table": {"rows": "size", "cell": "test/loss@best"},
    },
}


def submit(sweep: Path, store: str) -> list[str]:
    return ["submit", str(sweep), "--store", store, "--workers", "2", "--checkpoint-seconds", "0"]


def left(store: Store, sweep: Path) -> dict[str, str]:
    """The checksums of what each finished trial left."""
    states = look_up(store, plan_sweep(read_sweep(sweep)).trials)
    return {
        f"{trial}/{name}": checksum
        for trial, state in states.items()
        if state.result
        for name, checksum in state.result.files.items()
    }


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def test_a_sweep_is_interrupted_goes_on_loses_its_store_and_ends_as_in_a_folder(
    own_seaweed: Seaweed, make_sweep: MakeSweep, tmp_path: Path
) -> None:
    sweep = make_sweep(STAGES, seeds="0")
    here = str(tmp_path / "runs")
    expected = run_here(tmp_path, *submit(sweep, here))
    assert expected.returncode == 0, expected.stderr
    url = f"s3://{BUCKET}/runs"
    store = open_store(url)

    first = subprocess.Popen(
        [SEEDBED, *submit(sweep, url)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: any("/checkpoint/" in key for key in store.list("trials")))
    first.send_signal(signal.SIGINT)
    _, told = first.communicate(timeout=60)
    assert first.returncode == 75, told
    assert "Run the same command again to go on" in told

    second = subprocess.Popen(
        [SEEDBED, *submit(sweep, url)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: any(key.endswith("/result.json") for key in store.list("trials")))
    own_seaweed.kill()
    time.sleep(1)
    own_seaweed.start()
    said, told = second.communicate(timeout=120)
    assert second.returncode == 0, told
    assert left(store, sweep) == left(open_store(here), sweep)
    tables = [text.split("made-up points")[1].split("\ntable ")[0] for text in (said, expected.stdout)]
    assert tables[0] == tables[1]
    assert f"{url}/sweeps/toy-sweep/latest-full/followers/table.md" in said
    assert SECRET not in said + told

    for look in (["plan", str(sweep)], ["status"]):
        shown = run_here(tmp_path, *look, "--store", url).stdout
        assert shown.count("2 done") == 2 if look[0] == "plan" else "4 done" in shown


def test_twice_ctrl_c_ends_a_wait_for_a_store_that_is_gone(
    own_seaweed: Seaweed, make_sweep: MakeSweep
) -> None:
    sweep = make_sweep({"leaders": STAGES["leaders"]}, seeds="0-1")
    url = f"s3://{BUCKET}/runs"
    store = open_store(url)
    running = subprocess.Popen(
        [SEEDBED, *submit(sweep, url)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: any("/checkpoint/" in key for key in store.list("trials")))
    own_seaweed.kill()
    time.sleep(3)
    assert running.poll() is None
    running.send_signal(signal.SIGINT)
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=20)
    assert running.returncode == 75, told
    assert "cannot be reached" in told.splitlines()[-1]
