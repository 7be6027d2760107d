"""Reports and logs over HTTP: what the links in the Argo UI lead to. It reads the store, and that only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from html import escape
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from seedbed.attempts import attempt_in_words, read_attempts
from seedbed.errors import InvalidConfig, SeedbedError, StoreUnavailable
from seedbed.runs import list_sweeps, read_stages, run_in
from seedbed.store import Store

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

PATIENCE_SECONDS = 10.0
"""How long a page waits for a store that is away."""

HEADERS = [
    # a report brings all that it shows along, and its own script
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-cache"),
]

HTML, TEXT = "text/html; charset=utf-8", "text/plain; charset=utf-8"
NAME = r"([a-z0-9][a-z0-9.-]*)"

Page = tuple[str, str, bytes]
"""Status, content type, body."""


class Pages:
    """A WSGI application over a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.patience = PATIENCE_SECONDS
        self._routes: list[tuple[re.Pattern[str], Callable[..., Page]]] = [
            (re.compile("/"), self._list),
            (re.compile(f"/sweeps/{NAME}/{NAME}/report.html"), self._report),
            (re.compile(f"/sweeps/{NAME}/{NAME}/pods/{NAME}"), self._pod),
        ]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        status, kind, body = self._answer(environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/"))
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body))), *HEADERS])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _answer(self, method: str, path: str) -> Page:
        if method not in ("GET", "HEAD"):
            return _said("405 Method Not Allowed", f"{method}: this server is for reading")
        for pattern, page in self._routes:
            if match := pattern.fullmatch(path):
                try:
                    return page(*match.groups())
                except StoreUnavailable as error:
                    return _said("503 Service Unavailable", str(error))
                except SeedbedError as error:
                    return _said("500 Internal Server Error", str(error))
        return _said("404 Not Found", f"{path}: nothing is here; / lists the sweeps")

    def _list(self) -> Page:
        """The newest run of each sweep and form."""
        runs, damaged = list_sweeps(self._store)
        rows = [
            f'<li><a href="/{escape(run.folder)}/report.html">{escape(run.title)}</a> '
            f"{escape(run.sweep)}, {run.form} form, started {escape(run.started)}</li>"
            for run in runs
        ]
        rows += [f"<li>{escape(why)}</li>" for why in damaged]
        body = f"<ul>{''.join(rows)}</ul>" if rows else "<p>No sweep has been submitted to this store.</p>"
        head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>seedbed</title>'
        return "200 OK", HTML, f"{head}<h1>Sweeps</h1>{body}</html>".encode()

    def _report(self, sweep: str, run: str) -> Page:
        body = self._store.read(f"sweeps/{sweep}/{run}/report.html")
        if body is None:
            return _said(
                "404 Not Found", f"{sweep}/{run}: no report yet; the first stage that ends writes it"
            )
        return "200 OK", HTML, body

    def _pod(self, sweep: str, run: str, pod: str) -> Page:
        """What the attempts said that ran in a pod, also when it is gone."""
        found = run_in(self._store, f"sweeps/{sweep}/{run}")
        if found is None:
            return _said("404 Not Found", f"{sweep}/{run}: no such run in {self._store.place('sweeps')}")
        trials = {
            trial.folder: trial for record in read_stages(self._store, found) for trial in record.trials
        }
        said = [
            f"{trial.label}  {folder}\n{attempt_in_words(attempt)}"
            for folder, trial in trials.items()
            for attempt in read_attempts(self._store, folder)
            if attempt.get("host") == pod
        ]
        if not said:
            why = "plan and collect pods say what they have to in their node's message"
            return _said("404 Not Found", f"{pod}: no attempt at a trial of {run} ran there; {why}")
        return "200 OK", TEXT, "\n\n".join([*said, ""]).encode()


def _said(status: str, text: str) -> Page:
    return status, TEXT, f"{text}\n".encode()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True  # a reader that hangs does not keep the server from ending


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


def server_of(store: Store, address: str, port: int) -> WSGIServer:
    """A server that is bound and does not serve yet; port 0 is any free one. Raises InvalidConfig."""
    try:
        return make_server(address, port, Pages(store), _Server, _Quiet)
    except (OSError, OverflowError) as error:
        raise InvalidConfig(f"--port {port}: {error}; give one that is free") from None
