"""Reports and logs over HTTP: what a browser is given, and what nobody is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from seedbed.attempts import begin_attempt, end_attempt
from seedbed.errors import InvalidConfig, StoreUnavailable
from seedbed.pages import server_of
from seedbed.planning import plan_sweep
from seedbed.run_records import Run
from seedbed.runs import open_run, read_stages
from seedbed.store.folder import FolderStore
from seedbed.sweep.workflow import read_sweep

STAGES = {"leaders": {"config": {"role": "leader"}}}


class AwayStore(FolderStore):
    """A store that can be gone."""

    away = False

    def read(self, key: str) -> bytes | None:
        if self.away:
            raise StoreUnavailable("the store is away")
        return super().read(key)


@pytest.fixture
def store(tmp_path: Path) -> AwayStore:
    return AwayStore(tmp_path / "runs")


@pytest.fixture
def run(store: AwayStore, make_sweep: Callable[..., Path]) -> Run:
    return open_run(store, plan_sweep(read_sweep(make_sweep(STAGES, seeds="0-1"))), "full")


Ask = Callable[..., tuple[int, dict[str, str], str]]


@pytest.fixture
def ask(store: AwayStore) -> Iterator[Ask]:
    with server_of(store, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()

        def answer(path: str, method: str = "GET") -> tuple[int, dict[str, str], str]:
            connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
            connection.request(method, path)
            response = connection.getresponse()
            told = response.status, dict(response.getheaders()), response.read().decode()
            connection.close()
            return told

        yield answer
        server.shutdown()
        thread.join()


def test_the_first_page_leads_to_the_newest_report_of_each_sweep(
    ask: Ask, store: AwayStore, run: Run
) -> None:
    store.write(f"{run.folder}/report.html", "<p>größer</p>".encode())
    status, _, listed = ask("/")
    assert status == 200
    assert f'<a href="/{run.folder}/report.html">Which toy is best?</a>' in listed
    status, headers, body = ask(f"/{run.folder}/report.html")
    assert (status, body) == (200, "<p>größer</p>")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert ask("/sweeps/toy-sweep/latest-full/report.html")[2] == body


def test_a_pod_that_is_gone_still_tells_what_its_trial_said(ask: Ask, store: AwayStore, run: Run) -> None:
    first, second = read_stages(store, run)[0].trials
    begin_attempt(store, first, "a")
    end_attempt(store, first, "a", 75, "stopped at step 3", b"said this\n")
    begin_attempt(store, second, "b")
    own = store.read(f"{second.folder}/attempts/b.json") or b""
    store.write(f"{second.folder}/attempts/b.json", own.replace(b'"host": "', b'"host": "not-'))
    host = own.decode().split('"host": "')[1].split('"')[0]
    status, headers, told = ask(f"/{run.folder}/pods/{host}")
    assert (status, headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert (
        f"{first.label}  {first.folder}\nattempt a on {host}: exit code 75: stopped at step 3\nsaid this"
        in told
    )
    assert second.folder not in told
    assert "no end yet" in ask(f"/{run.folder}/pods/not-{host}")[2]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/sweeps/toy-sweep/none/report.html", 404, "no report yet"),
        ("/sweeps/toy-sweep/none/pods/a", 404, "no such run"),
        ("/sweeps/toy-sweep/latest-full/pods/a-pod", 404, "no attempt at a trial of latest-full ran there"),
        ("/sweeps/toy-sweep/latest-full/sweep.json", 404, "nothing is here"),
        ("/sweeps/../secrets/report.html", 404, "nothing is here"),
        ("/sweeps/%2e%2e/%2e%2e/report.html", 404, "nothing is here"),
        ("/trials", 404, "nothing is here"),
    ],
)
@pytest.mark.usefixtures("run")
def test_what_is_not_there_is_said_in_a_line_and_nothing_else_is_served(
    path: str, status: int, said: str, ask: Ask
) -> None:
    found, headers, body = ask(path)
    assert (found, headers["Content-Type"]) == (status, "text/plain; charset=utf-8")
    assert said in body


def test_nothing_can_be_written_and_a_store_that_is_away_is_told(
    ask: Ask, store: AwayStore, run: Run
) -> None:
    assert ask("/", "POST")[0] == ask(f"/{run.folder}/report.html", "DELETE")[0] == 405
    status, headers, body = ask("/", "HEAD")
    assert (status, body) == (200, "")
    assert int(headers["Content-Length"]) > 100
    store.away = True
    assert ask("/") == (503, ask("/")[1], "the store is away\n")
    store.away = False
    assert ask("/")[0] == 200


def test_a_port_that_is_taken_is_told(store: AwayStore) -> None:
    with (
        server_of(store, "127.0.0.1", 0) as server,
        pytest.raises(InvalidConfig, match="give one that is free"),
    ):
        server_of(store, "127.0.0.1", server.server_port)
