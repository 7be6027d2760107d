"""An HTTP server of a test's own, that answers what it is told to and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    authorization: str | None
    body: Any


class Answering(HTTPServer):
    """`answer` (status, body) is given to everything, after `first` have been given, one to each request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.first: list[tuple[int, bytes]] = []
        self.answer: tuple[int, bytes] = (200, b"{}")
        self.asked: list[Asked] = []

    @property
    def address(self) -> str:
        """What it is reached by."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def answering() -> Iterator[Answering]:
    """A server that listens for as long as the block lasts."""
    with Answering() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Answering

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        told = self.headers.get("Authorization")
        self.server.asked.append(Asked(self.command, self.path, told, json.loads(body) if body else None))
        status, content = self.server.first.pop(0) if self.server.first else self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_PUT(self) -> None:
        self._handle()

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""
