"""`/metrics` over HTTP, for as long as something is at work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.registry import Collector

from seedbed.errors import InvalidConfig


@contextmanager
def serving(collector: Collector, port: int, address: str = "") -> Iterator[int]:
    """Serve what a collector tells, and only that; the port it is, which for port 0 is any free one.

    Raises InvalidConfig when the port cannot be had.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    try:
        server, thread = start_http_server(port, address or "0.0.0.0", registry)  # noqa: S104 - a pod's own
    except (OSError, OverflowError) as error:
        raise InvalidConfig(f"metrics port {port}: {error}; give one that is free") from None
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
