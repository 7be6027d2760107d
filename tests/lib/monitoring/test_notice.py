"""What a webhook is told when a sweep has ended."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from seedbed.monitoring import notice as module
from seedbed.monitoring.notice import notice, post
from seedbed.planning import plan_sweep
from seedbed.runs import open_run, read_stages
from seedbed.store import open_store
from seedbed.sweep.workflow import read_sweep
from tests.lib.results import leave

STAGES: dict[str, Any] = {"leaders": {"config": {"role": "leader"}, "grid": {"width": [2, 3]}}}


class Webhook:
    """An address that keeps what it is sent; the first so many times it refuses."""

    def __init__(self, refuses: int = 0) -> None:
        self.got: list[Any] = []
        self.refuses = refuses
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                refused, outer.refuses = outer.refuses > 0, outer.refuses - 1
                if not refused:
                    outer.got.append(json.loads(body))
                self.send_response(503 if refused else 200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Webhook]]:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.0)
    made: list[Webhook] = []

    def make(**options: int) -> Webhook:
        made.append(Webhook(**options))
        return made[-1]

    yield make
    for one in made:
        one.server.shutdown()
        one.server.server_close()


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


def test_a_webhook_that_is_busy_is_asked_again(webhook: Callable[..., Webhook]) -> None:
    busy = webhook(refuses=2)
    assert post(busy.url, "done")
    assert busy.got == [{"text": "done"}]


def test_one_that_refuses_fails_nothing_and_its_address_is_not_said(
    webhook: Callable[..., Webhook], caplog: pytest.LogCaptureFixture
) -> None:
    closed = webhook(refuses=99)
    assert not post(closed.url, "done")
    assert not post("file:///etc/passwd", "done")
    assert closed.got == []
    assert "/hook" not in caplog.text
    assert "passwd" not in caplog.text
