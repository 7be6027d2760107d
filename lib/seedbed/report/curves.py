"""Learning curves: what a point's trials logged, with the best step of each marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seedbed.family import load_family
from seedbed.report.drawing import Dot, Line, Plot, Scale, Tick, around, round_ticks, shortest
from seedbed.report.files import Files
from seedbed.report.points import Point, TableView, TrialOf

MOST_STEPS = 60
"""Of a longer log, every k-th entry is drawn, and always the first, the best and the last."""

SPLITS = ("train", "val", "test")
WIDE, HIGH = 300.0, 196.0

Log = list[dict[str, float]]


@dataclass(frozen=True)
class Panel:
    """One metric of one point: a small plot, what is said below it, and its figures step by step."""

    name: str
    plot: Plot
    remark: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Curves:
    """The panels of a table's points, and the words that hold for all of them."""

    panels: Sequence[Panel]
    splits: Sequence[str]
    notes: Sequence[str]


def learning_curves(files: Files, view: TableView, points: Sequence[Point]) -> Curves | None:
    """The curves of these points; None where nothing was logged.

    Test curves stay out while trials of the stage are still to run: nobody should stop or choose by them.
    """
    results = {
        trial.planned.id: result
        for point in points
        for trial in point.trials
        if (result := trial.state.result)
    }
    logs = {trial: files.log(result) for trial, result in results.items()}
    notes = _notes(view, logs)
    logs = {trial: thinned(log, results[trial].best_step) for trial, log in logs.items()}
    logged = {name for log in logs.values() for entry in log for name in entry} - {"step"}
    splits = [split for split in SPLITS if any(name.startswith(f"{split}/") for name in logged)]
    if view.stage.missing:
        splits = [split for split in splits if split != "test"]
    metrics = [metric for metric in _metrics(view) if any(f"{split}/{metric}" in logged for split in splits)]
    panels = [
        panel
        for metric in metrics
        for panel in _panels(
            view, points, logs, [f"{split}/{metric}" for split in splits], first=metric == metrics[0]
        )
    ]
    if not panels:
        return None
    told = [split for split in splits if any(f"{split}/{metric}" in logged for metric in metrics)]
    return Curves(panels, told, notes)


def thinned(log: Log, best_step: int | None) -> Log:
    """At most about MOST_STEPS entries, evenly spaced, with the first, the best and the last."""
    every = -(-len(log) // MOST_STEPS)
    last = len(log) - 1
    return [
        entry for at, entry in enumerate(log) if at % every == 0 or at == last or entry["step"] == best_step
    ]


def _metrics(view: TableView) -> list[str]:
    """What the best step is chosen by, and the loss."""
    record = view.stage.record
    rule = load_family(record.family).roles[record.trials[0].role].select_by
    chosen_by = rule[0] if rule else view.table.metric.split("@")[0]
    return list(dict.fromkeys([chosen_by.split("/")[-1], "loss"]))


def _notes(view: TableView, logs: Mapping[str, Log]) -> list[str]:
    notes = []
    if any(len(log) > MOST_STEPS for log in logs.values()):
        notes.append(
            f"Of a log of more than {MOST_STEPS} evaluations every k-th is drawn, and the first, the best, the last."
        )
    if view.stage.missing:
        notes.append("Curves of the test split are not shown while trials are missing.")
    return notes


def _panels(
    view: TableView, points: Sequence[Point], logs: Mapping[str, Log], names: Sequence[str], *, first: bool
) -> list[Panel]:
    """A metric's panels, all on one scale; `first` says whether they are to tell where the best steps are."""
    values = [entry[name] for log in logs.values() for entry in log for name in names if name in entry]
    if not values:
        return []
    steps = [entry["step"] for log in logs.values() for entry in log]
    metric = load_family(view.stage.record.family).metric(names[0])
    factor = 100.0 if metric.unit == "%" else 1.0
    low, high = around([value * factor for value in values])
    x = Scale(0, max(steps), 40, WIDE - 8)
    y = Scale(low, high, HIGH - 34, 26)
    title = names[0].split("/")[-1] + (f" ({metric.unit})" if metric.unit else "")
    ticks = (
        [Tick(x(step), shortest(step)) for step in round_ticks(0, max(steps), 4)],
        [Tick(y(value), shortest(value)) for value in round_ticks(low, high, 5)],
    )
    return [
        _panel(point, logs, names, title, (x, y, factor), ticks, first=first)
        for point in points
        if any(logs.get(trial.planned.id) for trial in point.trials)
    ]


def _panel(
    point: Point,
    logs: Mapping[str, Log],
    names: Sequence[str],
    title: str,
    scales: tuple[Scale, Scale, float],
    ticks: tuple[list[Tick], list[Tick]],
    *,
    first: bool,
) -> Panel:
    x, y, factor = scales
    lines, dots = [], []
    trials = [trial for trial in point.trials if logs.get(trial.planned.id)]
    for name in names:
        split = name.split("/")[0]
        for trial in trials:
            result, log = trial.state.result, logs[trial.planned.id]
            there = [entry for entry in log if name in entry]
            lines.append(
                Line.through(
                    f"curve {split}", [(x(entry["step"]), y(entry[name] * factor)) for entry in there]
                )
            )
            dots += [
                Dot(f"best {split}", x(entry["step"]), y(entry[name] * factor), 3)
                for entry in there
                if result and entry["step"] == result.best_step and split == "val"
            ]
    remark = _remark(trials) if first else ""
    plot = Plot(
        title=f"{point.name}: {title}",
        description=_remark(trials),
        width=WIDE,
        height=HIGH,
        left=40,
        top=26,
        right=WIDE - 8,
        bottom=HIGH - 34,
        x_label="step",
        y_label=title,
        x_ticks=ticks[0],
        y_ticks=ticks[1],
        lines=lines,
        dots=dots,
    )
    columns = _columns(trials, logs, names, factor)
    return Panel(point.name, plot, remark, ["step", *columns], _rows(columns))


def _columns(
    trials: Sequence[TrialOf], logs: Mapping[str, Log], names: Sequence[str], factor: float
) -> dict[str, dict[float, float]]:
    """Each trial's values by step, under its header; not every trial logs every name."""
    columns = {
        f"{name} {trial.block}": {
            entry["step"]: entry[name] * factor for entry in logs[trial.planned.id] if name in entry
        }
        for name in names
        for trial in trials
    }
    return {header: column for header, column in columns.items() if column}


def _rows(columns: Mapping[str, Mapping[float, float]]) -> list[list[str]]:
    steps = sorted({step for column in columns.values() for step in column})
    return [
        [shortest(step), *(f"{column[step]:.4g}" if step in column else "" for column in columns.values())]
        for step in steps
    ]


def _remark(trials: Sequence[TrialOf]) -> str:
    """Where each trial was best, and whether that was at its very end."""
    ended = [result for trial in trials if (result := trial.state.result) and result.status == "finished"]
    diverged = len(trials) - len(ended)
    told = []
    if ended:
        best = ", ".join(str(result.best_step) for result in ended)
        last = sorted({str(result.last_step) for result in ended}, key=int)
        told.append(f"best at step {best} of {' or '.join(last)}")
    late = sum(result.best_step == result.last_step for result in ended)
    if late:
        told.append(f"{late} of {len(ended)} best at the very last step: undertrained?")
    if diverged:
        told.append(f"{diverged} diverged")
    return "; ".join(told)
