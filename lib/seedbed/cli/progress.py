"""What a person sees while a sweep runs: a live view in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from seedbed.cli.wording import duration

if TYPE_CHECKING:
    from rich.console import Group

    from seedbed.local.backend import LocalRun
    from seedbed.local.pool import Running
    from seedbed.local.worker import Ending
    from seedbed.planning import PlannedTrial, SweepPlan
    from seedbed.state import TrialState


class PlainView:
    """A line for each trial that ends; for logs and pipes."""

    def __init__(self, plan: SweepPlan, form: str, states: Mapping[str, TrialState]) -> None:
        self.plan = plan
        self.states = states
        self.heading = f"{plan.sweep.name} · {form} form · {_counts(states)}"

    def __enter__(self) -> Self:
        self.said(self.heading)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def finished(self, trial: PlannedTrial, stage: str, state: TrialState) -> None:
        """A trial has its result."""
        done = sum(state.finished for state in self.states.values())
        how = "done" if state.status == "done" else "; ".join(event.message for event in _events(state))
        seconds = state.result.seconds if state.result else 0.0
        self.said(f"[{done}/{len(self.states)}] {stage}: {trial.label}: {how}, {duration(seconds)}")

    def failed(self, trial: PlannedTrial, stage: str, ending: Ending, again: bool) -> None:
        """An attempt ended without a result."""
        then = "trying again" if again else f"given up; seedbed logs {trial.id}"
        self.said(f"{stage}: {trial.label}: {ending.message} (exit code {ending.exit_code}); {then}")

    def said(self, text: str) -> None:
        """Something a person should know."""
        print(text, file=sys.stderr, flush=True)

    def refresh(self, run: LocalRun) -> None:
        """A moment has passed: nothing to say."""


class LiveView(PlainView):
    """Stages, running trials with step, loss and time left, redrawn in place."""

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.live import Live

        self.live = Live(console=Console(stderr=True), refresh_per_second=4, transient=True)
        self.live.__enter__()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.__exit__(kind, error, trace)

    def said(self, text: str) -> None:
        """Something a person should know, above the view."""
        self.live.console.print(text, markup=False, highlight=False)

    def finished(self, trial: PlannedTrial, stage: str, state: TrialState) -> None:
        """Only what is out of the ordinary is told; the bars show the rest."""
        if state.status != "done":
            super().finished(trial, stage, state)

    def refresh(self, run: LocalRun) -> None:
        """Redraw."""
        self.live.update(self._picture(run))

    def _picture(self, run: LocalRun) -> Group:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        stages = Table.grid(padding=(0, 2))
        for name, stage in run.plan.stages.items():
            done = sum(self.states[trial.id].finished for trial in stage.trials)
            total = stage.at_most
            blocked = run.blocked_by(stage)
            told = f"waits in vain for {', '.join(blocked)}" if blocked else f"{done}/{total}"
            stages.add_row(name, ProgressBar(total=total, completed=done, width=30), told)
        running = Table.grid(padding=(0, 2))
        for trial, name, worker in run.running():
            running.add_row("  ", name, trial.label, *_progress(worker))
        return Group(stages, running)


def view_for(plan: SweepPlan, form: str, states: Mapping[str, TrialState]) -> PlainView:
    """The live view in a terminal, plain lines elsewhere."""
    return (LiveView if sys.stderr.isatty() else PlainView)(plan, form, states)


def _progress(worker: Running) -> tuple[str, str, str]:
    step, total = worker.progress.get("step", 0), worker.progress.get("total")
    if not step:
        return "starting", "", ""
    metrics = worker.progress.get("metrics", {})
    loss = next((f"{name} {value:.3f}" for name, value in metrics.items() if name.endswith("loss")), "")
    left = worker.seconds_left()
    return f"step {step}/{total or '?'}", loss, "" if left is None else f"{duration(left)} left"


def _events(state: TrialState) -> list[Any]:
    return list(state.result.events) if state.result else []


def _counts(states: Mapping[str, TrialState]) -> str:
    done = sum(state.finished for state in states.values())
    resume = sum(state.status == "resume" for state in states.values())
    to_resume = f", {resume} to resume" if resume else ""
    return f"{len(states)} trials: {len(states) - done - resume} new{to_resume}, {done} done"
