"""A TCP proxy that loses a server's answers, or gives answers of its own, when told to."""

from __future__ import annotations

import socket
import threading
from collections import deque
from contextlib import ExitStack, suppress

LOST = b""
"""Instead of an answer: the request reaches the server, its answer reaches nobody."""

SLOW_DOWN = (
    b"HTTP/1.1 503 Slow Down\r\nConnection: close\r\nContent-Type: application/xml\r\nContent-Length: 48\r\n\r\n"
    b"<Error><Code>SlowDown</Code><Message/></Error>  "
)
"""What S3 answers when it is asked too often."""


class Meddler:
    """Passes bytes on between clients and a server; `instead` holds what the next answers are replaced by."""

    def __init__(self, endpoint: str) -> None:
        host, _, port = endpoint.removeprefix("http://").partition(":")
        self._server = host, int(port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.instead: deque[tuple[bytes, bytes]] = deque()
        """Each a method, such as b"PUT", and the answer to the next request of it."""
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with ExitStack() as stack:
            stack.enter_context(client)
            stack.enter_context(suppress(OSError))
            server = stack.enter_context(socket.create_connection(self._server))
            answer: list[bytes | None] = [None]
            asking = threading.Thread(target=self._ask, args=(client, server, answer), daemon=True)
            asking.start()
            while data := server.recv(1 << 16):
                if answer[0] is None:
                    client.sendall(data)
                elif not data.startswith(b"HTTP/1.1 100"):
                    client.sendall(answer[0])
                    client.shutdown(socket.SHUT_RDWR)
                    return

    def _ask(self, client: socket.socket, server: socket.socket, answer: list[bytes | None]) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 16):
                with self._lock:
                    if self.instead and data.startswith(self.instead[0][0] + b" "):
                        answer[0] = self.instead.popleft()[1]
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)
