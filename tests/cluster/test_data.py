"""A data set that is in no image: pushed into the store by a person, fetched and verified by the pods."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seedbed.argo.access import ENDPOINT, IDENTITY, cluster_store
from seedbed.argo.kubernetes_api import KubernetesApi
from seedbed.argo.standing import standing_of
from seedbed.results import Result
from tests.cluster.conftest import Sweep, same_numbers, seedbed

SAMPLES, ROWS = 64, 40


@pytest.fixture
def sines(tmp_path: Path) -> dict[str, str]:
    """A set in the UCR archive's format, never seen before; the environment that finds it."""
    folder = tmp_path / "data" / "ucr" / "Sines"
    folder.mkdir(parents=True)
    draw = np.random.default_rng()
    for part in ("TRAIN", "TEST"):
        classes = np.arange(ROWS) % 2
        phases = np.linspace(0, 4 * np.pi, SAMPLES) * (1 + classes[:, None])
        rows = np.column_stack([classes + 1, np.sin(phases) + draw.normal(0, 0.3, (ROWS, SAMPLES))])
        np.savetxt(folder / f"Sines_{part}.tsv", rows, fmt=["%d", *["%.4f"] * SAMPLES], delimiter="\t")
    return {"SEEDBED_DATA": str(tmp_path / "data")}


def test_pods_fetch_what_was_pushed(
    sines: dict[str, str],
    submit: Callable[..., Sweep],
    here: Callable[..., dict[str, Result]],
    cluster: KubernetesApi,
) -> None:
    missing = submit(name="unpushed", plan={"config": {"data": "ucr/Absent", "epochs": 2}})
    assert missing.ends() == "Failed"
    (note,) = standing_of(missing.workflow()).failed
    assert "ucr/Absent" in note.message

    store = {"SEEDBED_STORE": cluster_store(), ENDPOINT: os.environ[ENDPOINT]}
    reader = {**sines, **store, **{name: os.environ[name] for name in IDENTITY}}
    refused = seedbed("data", "push", "ucr/Sines", **reader)
    assert refused.returncode != 0, "a reader cannot write"
    pushed = seedbed("data", "push", "ucr/Sines", **{**reader, **cluster.secret("seedbed-s3-collect")})
    assert pushed.returncode == 0, pushed.stderr
    assert "2 files put there" in pushed.stdout

    sent = submit(name="pushed", plan={"config": {"data": "ucr/Sines", "epochs": 2}})
    assert sent.ends() == "Succeeded", standing_of(sent.workflow()).failed
    same_numbers(sent.results(), here(sent, **sines))
