"""The same sweep on a cluster and here: the same trials, the same numbers, the same table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from seedbed.argo.kubernetes_api import KubernetesApi
from seedbed.results import Result
from seedbed.store import Store
from tests.cluster.conftest import Sweep, kubectl, same_numbers, seedbed, until

KD = Path(__file__).parents[2] / "workflows" / "kd-alpha-sweep.yaml"


@pytest.mark.waits
def test_the_laptop_form_gives_the_same_numbers_and_the_same_table(
    submit: Callable[..., Sweep], store: Store, here: Callable[..., dict[str, Result]]
) -> None:
    sent = submit(KD, form="laptop", seeds=3)
    assert sent.ends() == "Succeeded"
    same_numbers(sent.results(), here(sent, form="laptop"))
    table = store.read(f"sweeps/kd-alpha-sweep/{sent.name}/students/table.csv")
    told = seedbed("table", "kd-alpha-sweep", "--on", "argo", "--format", "csv")
    assert told.returncode == 0, told.stderr
    assert table == told.stdout.encode()

    again = submit(KD, form="laptop", seeds=3)
    assert again.ends() == "Succeeded"
    assert again.pods("trial") == []
    assert store.read(f"sweeps/kd-alpha-sweep/{again.name}/students/table.csv") == table


def test_two_sweeps_at_once_train_what_they_share_once(submit: Callable[..., Sweep]) -> None:
    plan = {"config": {"batch_size": 48}}
    one, other = (submit(name=name, plan=plan, seeds=2) for name in ("one", "other"))
    assert (one.ends(), other.ends()) == ("Succeeded", "Succeeded")
    assert one.results() == other.results()
    assert [result.attempts for result in one.results().values()] == [1, 1]


def test_submit_watches_and_prints_the_table(submit: Callable[..., Sweep], cluster: KubernetesApi) -> None:
    file = Path(__file__).parent / "sweeps" / "teachers.yaml"
    done = seedbed("submit", str(file), "--on", "argo", "--seeds", "0")
    assert done.returncode == 0, done.stderr
    assert "(1/1)" in done.stdout
    told = seedbed("status", "--on", "argo")
    assert "Succeeded" in told.stdout, told.stderr


def test_what_kubectl_creates_is_the_same_thing(cluster: KubernetesApi, store: Store) -> None:
    file = Path(__file__).parent / "sweeps" / "teachers.yaml"
    name = kubectl("create", "--filename", str(file), "--output", "jsonpath={.metadata.name}")
    until(lambda: (cluster.workflow(name) or {}).get("status", {}).get("phase") == "Succeeded", name)
    assert store.read(f"sweeps/teachers/{name}/teachers/table.md") is not None
