"""A run's report: one self-contained HTML page, made from the same objects as its tables.

Everything printed comes from `collect`'s tables and from what the trials left; nothing is trained, nothing is
fetched, and the page needs nothing beside itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from seedbed.collect import StageTables
from seedbed.run_records import Run
from seedbed.store import Store

__all__ = ["render_report", "write_report"]


def write_report(store: Store, run: Run, stages: Sequence[StageTables]) -> str:
    """Put a run's page beside its tables; the key under which it stands."""
    key = f"{run.folder}/report.html"
    store.write(key, render_report(store, run, stages).encode())
    return key


def render_report(store: Store, run: Run, stages: Sequence[StageTables]) -> str:
    """A run's page, from the tables that `collect` made of it."""
    from seedbed.report.page import render  # jinja2 is loaded where a page is made

    return render(store, run, stages)
