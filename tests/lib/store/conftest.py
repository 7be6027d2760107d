"""Every kind of store: test_store.py and test_lease.py hold for each of the params."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from seedbed.store import Store, open_store
from tests.lib.store.seaweed import BUCKET, Seaweed


@pytest.fixture(scope="session")
def seaweed() -> Iterator[Seaweed]:
    """One server for all tests; each has a prefix of its own."""
    server = Seaweed()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def s3_environment(seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a person or a pod sets to reach the server, and nothing of the developer's own."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in seaweed.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def s3_url(s3_environment: None, tmp_path: Path) -> str:
    return f"s3://{BUCKET}/{tmp_path.parent.name}/{tmp_path.name}"


@pytest.fixture
def own_seaweed(monkeypatch: pytest.MonkeyPatch, s3_environment: None) -> Iterator[Seaweed]:
    """A server that a test may kill."""
    server = Seaweed()
    try:
        server.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.endpoint)
        yield server
    finally:
        server.remove()


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "s3":
        url: str = request.getfixturevalue("s3_url")
    else:
        url = str(tmp_path / "runs")
    return open_store(url)
