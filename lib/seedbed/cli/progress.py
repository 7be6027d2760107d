"""What a person sees while a sweep runs: a live view in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from seedbed.cli.wording import duration

if TYPE_CHECKING:
    from rich.console import Group

    from seedbed.local.backend import LocalRun
    from seedbed.local.worker import Ending
    from seedbed.planning import PlannedTrial, SweepPlan
    from seedbed.progress import Progress
    from seedbed.state import TrialState
    from seedbed.watching import Snapshot


class PlainView:
    """A line for whatever happens; for logs and pipes."""

    def __init__(self, heading: str) -> None:
        self.heading = heading

    def __enter__(self) -> Self:
        self.said(self.heading)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def said(self, text: str) -> None:
        """Something a person should know."""
        print(text, file=sys.stderr, flush=True)

    def shown(self, text: str) -> None:
        """Something that a picture shows too."""
        self.said(text)

    def draw(self, look: Callable[[], Snapshot]) -> None:
        """How the run stands now: nothing to say in lines."""


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

    def shown(self, text: str) -> None:
        """The bars show it."""

    def draw(self, look: Callable[[], Snapshot]) -> None:
        """Redraw."""
        self.live.update(_picture(look()))


class LocalView:
    """What a run on this machine tells, in either view."""

    def __init__(self, view: PlainView, states: Mapping[str, TrialState]) -> None:
        self.view = view
        self.states = states

    def finished(self, trial: PlannedTrial, stage: str, state: TrialState) -> None:
        """A trial has its result; where there is a picture, only what is out of the ordinary is told."""
        done = sum(state.finished for state in self.states.values())
        how = "done" if state.status == "done" else "; ".join(event.message for event in _events(state))
        seconds = state.result.seconds if state.result else 0.0
        tell = self.view.shown if state.status == "done" else self.view.said
        tell(f"[{done}/{len(self.states)}] {stage}: {trial.label}: {how}, {duration(seconds)}")

    def failed(self, trial: PlannedTrial, stage: str, ending: Ending, again: bool) -> None:
        """An attempt ended without a result."""
        then = "trying again" if again else f"given up; seedbed logs {trial.id}"
        self.view.said(f"{stage}: {trial.label}: {ending.message} (exit code {ending.exit_code}); {then}")

    def said(self, text: str) -> None:
        """Something a person should know."""
        self.view.said(text)

    def refresh(self, run: LocalRun) -> None:
        """A moment has passed."""
        self.view.draw(lambda: self._snapshot(run))

    def _snapshot(self, run: LocalRun) -> Snapshot:
        from seedbed.watching import Snapshot, StageLine, TrialLine

        stages = []
        for name, stage in run.plan.stages.items():
            done = sum(self.states[trial.id].finished for trial in stage.trials)
            blocked = run.blocked_by(stage)
            note = f"waits in vain for {', '.join(blocked)}" if blocked else ""
            stages.append(StageLine(name, done, stage.at_most, note))
        trials = [TrialLine(name, trial.label, progress) for trial, name, progress in run.running()]
        return Snapshot(stages, trials)


def view_for(heading: str) -> PlainView:
    """The live view in a terminal, plain lines elsewhere."""
    return (LiveView if sys.stderr.isatty() else PlainView)(heading)


def local_heading(plan: SweepPlan, form: str, states: Mapping[str, TrialState]) -> str:
    """What is about to run here."""
    done = sum(state.finished for state in states.values())
    resume = sum(state.status == "resume" for state in states.values())
    to_resume = f", {resume} to resume" if resume else ""
    counts = f"{len(states)} trials: {len(states) - done - resume} new{to_resume}, {done} done"
    return f"{plan.sweep.name} · {form} form · {counts}"


def _picture(snapshot: Snapshot) -> Group:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    stages = Table.grid(padding=(0, 2))
    for stage in snapshot.stages:
        bar = ProgressBar(total=max(stage.total, 1), completed=stage.done, width=30)
        stages.add_row(stage.name, bar, stage.note or f"{stage.done}/{stage.total}")
    running = Table.grid(padding=(0, 2))
    for trial in snapshot.trials:
        told = (trial.note, "", "") if trial.note else _progress(trial.progress)
        running.add_row("  ", trial.stage, trial.label, *told)
    return Group(stages, running)


def _progress(progress: Progress | None) -> tuple[str, str, str]:
    if progress is None or not progress.step:
        return "starting", "", ""
    named = [f"{name} {value:.3f}" for name, value in progress.metrics.items() if name.endswith("loss")]
    left = progress.seconds_left
    return (
        f"step {progress.step}/{progress.total or '?'}",
        next(iter(named), ""),
        "" if left is None else f"{duration(left)} left",
    )


def _events(state: TrialState) -> list[Any]:
    return list(state.result.events) if state.result else []
