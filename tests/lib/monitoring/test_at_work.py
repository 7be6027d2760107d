"""`/metrics` of real workers: in a trial's pod, and of a run on this machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from seedbed.argo import outputs
from seedbed.argo.pod_plan import plan_stage
from seedbed.store import open_store
from tests.lib.store.seaweed import free_ports

pytestmark = pytest.mark.waits

SEEDBED = str(Path(sys.executable).with_name("seedbed"))
SLOW: dict[str, Any] = {
    "leaders": {"config": {"role": "leader", "steps": 200, "pause": 0.05}, "grid": {"width": [2, 3]}}
}


def while_it_runs(command: list[str], folder: Path, port: int, wanted: str, **environment: str) -> str:
    """What `/metrics` says as soon as it says what is wanted; the process is stopped then."""
    running = subprocess.Popen(command, cwd=folder, env={**os.environ, **environment}, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline and running.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                    text = str(answer.read().decode())
            except OSError:
                text = ""
            if re.search(wanted, text):
                return text
            time.sleep(0.1)
        said = running.stderr.read().decode() if running.poll() is not None and running.stderr else ""
        raise AssertionError(f"waited in vain for {wanted}: {said}")
    finally:
        running.terminate()
        running.communicate(timeout=30)


def test_a_trial_pod_tells_how_its_trial_goes(
    tmp_path: Path, make_sweep: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "FOLDER", tmp_path / "outputs")
    store = open_store(str(tmp_path / "runs"))
    document = yaml.safe_load(make_sweep(SLOW, seeds="0").read_text())
    document["metadata"] |= {"name": "toy-abcde", "creationTimestamp": "2026-01-01T00:00:00Z"}
    pack = plan_stage(store, document, "toy-abcde.leaders.plan")[0][0].id
    folder = "sweeps/toy-sweep/toy-abcde/leaders"
    (port,) = free_ports(1)
    text = while_it_runs(
        [SEEDBED, "stage", "trial", folder, pack, "--store", store.url],
        tmp_path,
        port,
        r"seedbed_checkpoint_duration_seconds_count{.*} [1-9]",
        SEEDBED_METRICS_PORT=str(port),
        SEEDBED_CHECKPOINT_SECONDS="0.5",
    )
    place = '{family="toy",stage="leaders"}'
    assert f"seedbed_trials_at_work{place} 1.0" in text
    ratio = re.search(rf"seedbed_progress_ratio{place} (\S+)", text)
    assert ratio is not None
    assert 0 < float(ratio[1]) < 1
    assert re.search(r'seedbed_loss{family="toy",metric="train/loss",stage="leaders"}', text)
    assert "test/loss" not in text
    assert pack not in text


def test_a_run_here_tells_the_same(tmp_path: Path, make_sweep: Callable[..., Path]) -> None:
    (port,) = free_ports(1)
    command = [SEEDBED, "submit", str(make_sweep(SLOW, seeds="0")), "--workers", "2"]
    place = '{family="toy",stage="leaders"}'
    text = while_it_runs(
        [*command, "--metrics-port", str(port)],
        tmp_path,
        port,
        rf"(?s)seedbed_trials_at_work{place} 2.0.*seedbed_steps_per_second{place}",
    )
    pace = re.search(rf"seedbed_steps_per_second{place} (\S+)", text)
    assert pace is not None
    assert 0 < float(pace[1]) <= 80
