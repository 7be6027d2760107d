"""The pool where it cannot be reached through a sweep: a worker that ends just when it is signalled."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any, cast

from seedbed.local.pool import Pool, Running


def test_a_worker_that_has_just_ended_may_still_be_told_to_stop() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    seems_alive = SimpleNamespace(pid=ended.pid, is_alive=lambda: True)  # its server has not said so yet
    pool = Pool(1, [])
    pool.running["a"] = Running(cast(Any, seems_alive), cast(Any, None), 0)
    pool.stop()
    pool.kill()
    assert "a" in pool.running
