"""What is wrong is said before it costs a GPU; what fails is seen, and nothing else is lost."""

from __future__ import annotations

from collections.abc import Callable

from seedbed.argo.standing import standing_of
from seedbed.store import Store
from tests.cluster.conftest import Sweep, seedbed


def test_a_wrong_setting_fails_at_plan_with_its_reason(submit: Callable[..., Sweep]) -> None:
    sent = submit(name="wrong", plan={"config": {"epoch": 3}})
    assert sent.ends() == "Failed"
    assert sent.pods("trial") == []
    (note,) = standing_of(sent.workflow()).failed
    assert note.node == "teachers.plan"
    assert note.exit_code == 78
    assert "config.epoch" in note.message
    assert "did you mean 'epochs'?" in note.message
    assert note.message in seedbed("status", "--on", "argo").stdout


def test_a_seed_that_diverges_is_a_result(submit: Callable[..., Sweep], store: Store) -> None:
    diverging = {"config": {"epochs": 2, "learning_rate": 1e30}}
    sent = submit(name="diverging", plan=diverging)
    assert sent.ends() == "Succeeded"
    assert [result.status for result in sent.results().values()] == ["diverged"]
    table = store.read(f"sweeps/diverging/{sent.name}/teachers/table.md")
    assert table is not None
    assert "diverged" in table.decode()
