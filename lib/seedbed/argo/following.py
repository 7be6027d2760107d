"""Following a workflow from where a person is: the same picture as of a run here, and what only a cluster can say."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from seedbed.argo.cluster import Cluster
from seedbed.argo.standing import Standing, by_message, folder_of, standing_of
from seedbed.errors import ClusterUnavailable, InvalidSweep, StoreUnavailable
from seedbed.store import Store
from seedbed.watching import Snapshot, StoreWatch, TrialLine

TICK_SECONDS = 2.0
PATIENCE_SECONDS = 600.0
"""How long the cluster's API may be out of reach before following ends; the workflow goes on all the same."""


class View(Protocol):
    """Who is shown how the workflow goes."""

    def said(self, text: str) -> None:
        """Something a person should know."""

    def draw(self, look: Callable[[], Snapshot]) -> None:
        """How the run stands now."""


def follow(cluster: Cluster, store: Store | None, name: str, view: View) -> Standing:
    """Look at a workflow until it has ended. Raises InvalidSweep when it is not there (any more)."""
    return _Following(cluster, store, name, view).run()


class _Following:
    def __init__(self, cluster: Cluster, store: Store | None, name: str, view: View) -> None:
        self.cluster = cluster
        self.store = store
        self.name = name
        self.view = view
        self.told: set[str] = set()
        self.watch: StoreWatch | None = None

    def run(self) -> Standing:
        while True:
            began = time.monotonic()
            standing = self._look()
            self._tell(standing)
            self.view.draw(lambda standing=standing: self._snapshot(standing))  # type: ignore[misc]
            if standing.ended:
                return standing
            cost = time.monotonic() - began  # a long look is not taken so often
            time.sleep(max(TICK_SECONDS, 5 * cost))

    def _tell(self, standing: Standing) -> None:
        """Say what is new among what failed and what waits; one line where many say the same."""
        for message, nodes in by_message([*standing.failed, *standing.waiting]).items():
            if message not in self.told:
                self.told.add(message)
                self.view.said(
                    f"{nodes[0]}{f' and {len(nodes) - 1} more' if len(nodes) > 1 else ''}: {message}"
                )

    def _look(self) -> Standing:
        """The workflow now; an API that is away for a while is waited for."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                workflow = self.cluster.workflow(self.name)
                break
            except ClusterUnavailable as error:
                if time.monotonic() > deadline:
                    raise
                self.view.said(f"{error}; looking again")
                time.sleep(5 * TICK_SECONDS)
        if workflow is None:
            raise InvalidSweep(f"namespace {self.cluster.namespace} has no workflow {self.name!r}")
        if self.store is not None and self.watch is None:
            self.watch = StoreWatch(self.store, folder_of(workflow))
        return standing_of(workflow)

    def _snapshot(self, standing: Standing) -> Snapshot:
        """What the store tells of the trials, and what the cluster tells of pods that wait."""
        waiting = [TrialLine("waits", note.node, None, note.message) for note in standing.waiting]
        if self.watch is None:
            return Snapshot([], waiting)
        try:
            seen = self.watch.look()
        except StoreUnavailable as error:
            return Snapshot([], [TrialLine("", "the store", None, str(error)), *waiting])
        return replace(seen, trials=[*seen.trials, *waiting])
