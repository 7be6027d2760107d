"""Every kind of store: test_store.py and test_lease.py hold for each of the params."""

from __future__ import annotations

from pathlib import Path

import pytest

from seedbed.store import Store, open_store


@pytest.fixture(params=["folder"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    urls = {"folder": str(tmp_path / "runs")}
    return open_store(urls[request.param])
