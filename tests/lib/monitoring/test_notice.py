"""What a webhook is told when a sweep has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seedbed.monitoring import notice as module
from seedbed.monitoring.notice import notice, post
from seedbed.planning import plan_sweep
from seedbed.runs import open_run, read_stages
from seedbed.store import open_store
from seedbed.sweep.workflow import read_sweep
from tests.lib.answering import Answering, answering
from tests.lib.results import leave

STAGES: dict[str, Any] = {"leaders": {"config": {"role": "leader"}, "grid": {"width": [2, 3]}}}


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.0)
    with answering() as made:
        yield made


def test_it_says_how_each_stage_ended_and_where_the_report_is(
    tmp_path: Path, make_sweep: Callable[..., Path]
) -> None:
    store = open_store(str(tmp_path / "runs"))
    run = open_run(store, plan_sweep(read_sweep(make_sweep(STAGES, seeds="0"))), "full")
    (record,) = read_stages(store, run)
    leave(store, record.trials[0], {"d": (1, 2)}, status="diverged")
    text = notice(store, run.folder, "Failed")
    assert text.splitlines() == [
        f"{run.run}: failed. Which toy is best?",
        "leaders: 1 of 2 trials have results, 1 diverged",
    ]
    store.write(f"{run.folder}/report.html", b"...")
    assert notice(store, run.folder, "Failed").splitlines()[-1] == store.place(f"{run.folder}/report.html")
    linked = notice(store, run.folder, "Failed", "https://seedbed.example.org/")
    assert linked.splitlines()[-1] == f"https://seedbed.example.org/{run.folder}/report.html"
    assert notice(store, "sweeps/a/a-bcdef", "Error") == "a-bcdef: error before anything was planned"


def test_a_webhook_that_is_busy_is_asked_again(webhook: Answering) -> None:
    webhook.first = [(503, b""), (503, b"")]
    assert post(f"{webhook.address}/hook", "done")
    assert [(asked.path, asked.body) for asked in webhook.asked] == [("/hook", {"text": "done"})] * 3


def test_one_that_refuses_fails_nothing_and_its_address_is_not_said(
    webhook: Answering, caplog: pytest.LogCaptureFixture
) -> None:
    webhook.answer = (503, b"")
    assert not post(f"{webhook.address}/hook", "done")
    assert not post("file:///etc/passwd", "done")
    assert webhook.asked
    assert "/hook" not in caplog.text
    assert "passwd" not in caplog.text
