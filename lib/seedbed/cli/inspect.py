"""The commands that look and change nothing."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seedbed.cli.options import (
    FullOption,
    KeepOption,
    OnOption,
    SeedsOption,
    StoreOption,
    SweepArgument,
    open_sweep,
    store_at,
    sweep_file,
    sweep_names,
)
from seedbed.cli.wording import lacking, without_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seedbed.collect import StageTables
    from seedbed.progress import Progress
    from seedbed.run_records import Run
    from seedbed.store import Store


def plan(
    sweep: SweepArgument,
    store: StoreOption = "runs",
    full: FullOption = False,
    seeds: SeedsOption = None,
    keep_winners: KeepOption = False,
) -> None:
    """Show every stage with its trials: new, to resume, done; its winner; and how long it may take."""
    from seedbed.cli.handing_on import changed_winners, winners_in_words, winners_to_keep
    from seedbed.cli.wording import duration
    from seedbed.planning import plan_sweep
    from seedbed.planning.inheritance import MOST_POSSIBLE
    from seedbed.runs import recorded_winners
    from seedbed.state import estimate_seconds, look_up, metrics_in
    from seedbed.sweep.laptop import form_in_words

    read, form = open_sweep(sweep, full, seeds)
    place = store_at(store)
    planned = plan_sweep(read, metrics_in(place))
    recorded = recorded_winners(place, planned, form)
    kept = winners_to_keep(place, planned, form, keep_winners or read.keep_winners)
    planned = plan_sweep(read, metrics_in(place), kept) if kept else planned
    states = look_up(place, planned.trials)
    more = f" and at most {planned.at_most_more} more" if planned.at_most_more else ""
    print(f"{read.title}\n{read.name} · {form_in_words(read, form)} · {len(planned.trials)} trials{more}")
    for name, stage in planned.stages.items():
        counts = Counter(states[trial.id].status for trial in stage.trials)
        told = ", ".join(f"{counts[status]} {status}" for status in sorted(counts))
        after = f" after {', '.join(stage.stage.depends)}" if stage.stage.depends else ""
        if stage.late:
            told = stage.hopeless or "which ones follows from results that are not there yet"
        gathered = stage.stage.plan.gather
        if gathered:
            print(f"\n{name}{after}: gathers {stage.count} trials of {', '.join(gathered)}")
            continue
        print(f"\n{name} ({stage.family.name}{after}): {stage.count} trials, {told}")
        if stage.sampled:
            print(
                f"  checked against {MOST_POSSIBLE} of the ways in which the stages before can end, not against all"
            )
        for line in winners_in_words(planned, name):
            print(f"  {line}")
        for trial in stage.trials:
            state = states[trial.id]
            print(
                f"  {trial.id}  {state.status:8} {trial.label}{f'  {state.complaint}' if state.complaint else ''}"
            )
    for line in changed_winners(planned, recorded, states):
        print(f"\n{line}")
    seconds, unknown = estimate_seconds(planned, states)
    if seconds:
        print(f"\nabout {duration(seconds)} of training to go, on one worker", end="")
        print(f"; nothing to go by for {unknown} trials" if unknown else "")
    elif unknown:
        print(f"\nno durations to go by yet for {unknown} trials")


def check(
    sweeps: Annotated[
        list[str] | None, typer.Argument(help="Sweeps by name or file; all of workflows/ by default.")
    ] = None,
) -> None:
    """Check sweep files: every field, setting, input and reference, in the full and the laptop form."""
    from seedbed.cli.checking import check_sweep
    from seedbed.errors import InvalidSweep, SeedbedError

    wrong = []
    for name in sweeps or sweep_names():
        try:
            for line in check_sweep(sweep_file(name)):
                print(line)
        except SeedbedError as error:
            wrong.append(str(error))
    if wrong:
        raise InvalidSweep("\n         ".join(wrong))


def status(store: StoreOption = "runs", on: OnOption = "local") -> None:
    """Show the newest run of every sweep in the store: its trials, and what is at work. On argo: its workflows too."""
    from seedbed.cli.cluster import print_standings
    from seedbed.errors import BadData
    from seedbed.runs import list_sweeps

    if on == "argo":
        print_standings()
    place = store_at(store, on)
    runs, damaged = list_sweeps(place)
    if not runs and not damaged:
        print(f"{place.place('')}: no sweep has been submitted to this store")
    for run in runs:
        try:
            told = _standing(place, run)
        except BadData as why:  # one run's damaged plan does not hide the others
            told = str(why)
        print(f"{run.sweep}  {run.form} form  {run.run}  started {run.started}  {told}")
    for line in damaged:
        print(line)


def _standing(store: Store, run: Run) -> str:
    """How many trials of a run are in which state, and which stages have no plan."""
    from seedbed.runs import read_stages, unplanned
    from seedbed.state import look_up
    from seedbed.watching import at_work

    records = read_stages(store, run)
    trials = {trial.id: trial for record in records for trial in record.trials}
    states = look_up(store, trials.values())
    counts: Counter[str] = Counter(state.status for state in states.values())
    open_trials = [trials[name] for name, state in states.items() if not state.finished]
    counts["at work"] = len(at_work(store, open_trials))
    told = ", ".join(f"{counts[name]} {name}" for name in sorted(counts) if counts[name])
    return "; ".join(filter(None, [told, without_plan(unplanned(run, records))]))


def logs(
    trial: Annotated[str, typer.Argument(help="A trial's id, or how it begins.")],
    store: StoreOption = "runs",
    on: OnOption = "local",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the trial has its result.")
    ] = False,
) -> None:
    """Show what a trial logged, and how each attempt at it went; of one at work, how far it has got."""
    from seedbed.addresses import trial_folder
    from seedbed.attempts import attempt_in_words, read_attempts
    from seedbed.progress import read_progress

    place = store_at(store, on)
    folder = trial_folder(place, trial)
    print(folder)
    told: set[str] = set()
    while True:
        finished = place.read(f"{folder}/result.json") is not None
        lines = [attempt_in_words(attempt) for attempt in read_attempts(place, folder)]
        progress = None if finished else read_progress(place, folder)
        for line in [*lines, *([_of_progress(progress)] if progress else [])]:
            if line not in told:
                told.add(line)
                print(line, flush=True)
        if finished or not follow:
            break
        time.sleep(1)
    print((place.read(f"{folder}/log.jsonl") or b"").decode(errors="replace"), end="")


def _of_progress(progress: Progress) -> str:
    from seedbed.cli.wording import duration

    left = "" if progress.seconds_left is None else f", {duration(progress.seconds_left)} left"
    logged = "".join(f", {name} {value:.4g}" for name, value in progress.metrics.items())
    return f"{progress.at}  step {progress.step}/{progress.total or '?'}{left}{logged}"


def table(
    sweep: Annotated[str, typer.Argument(help="A sweep that has been submitted to the store.")],
    store: StoreOption = "runs",
    on: OnOption = "local",
    full: FullOption = False,
    stage: Annotated[str | None, typer.Option(help="One stage only.")] = None,
    form: Annotated[str, typer.Option("--format", help="text, md, csv, tex or json.")] = "text",
) -> None:
    """Make a sweep's tables again from its newest run's plan and the results there are."""
    from seedbed.cli.showing import show_chain
    from seedbed.collect import collect, refuse_unmade
    from seedbed.errors import Incomplete, InvalidConfig, InvalidSweep, did_you_mean
    from seedbed.runs import newest_run, unplanned

    formats = ("text", "md", "csv", "tex", "json")
    if form not in formats:
        raise InvalidConfig(f"--format: found {form!r}; {did_you_mean(form, formats)}")
    place = store_at(store, on)
    run = newest_run(place, Path(sweep).stem, full)
    stages = collect(place, run)
    if stage is not None and stage not in run.stages:
        raise InvalidSweep(f"--stage: {run.sweep} has no stage {stage!r}; {did_you_mean(stage, run.stages)}")
    lost = [name for name in unplanned(run, [one.record for one in stages]) if stage in (None, name)]
    if stage in lost:
        raise Incomplete(without_plan(lost))
    shown = [one for one in stages if (one.record.stage == stage if stage else one.record.shown)] or stages
    for one in shown:
        if form == "text":
            print(f"\n{one.record.stage}\n{one.text()}" if len(shown) > 1 else one.text(), end="")
        else:
            print(one.render(form), end="")
    if form == "text" and stage is None:
        show_chain(place, run)
    if on == "local":  # on a cluster it is the collect pod that writes, and a reader that looks
        _keep(place, run, shown)
    refuse_unmade(shown)
    if why := lacking(sum(one.missing for one in shown), lost):
        raise Incomplete(why)


def _keep(store: Store, run: Run, tables: Sequence[StageTables]) -> None:
    """Put tables that have been printed into the store, where they can be written."""
    from seedbed.collect import write_tables
    from seedbed.errors import StoreUnavailable

    try:
        for one in tables:
            write_tables(store, run, one)
    except StoreUnavailable as why:
        print(f"seedbed: the tables are not in the store: {why}", file=sys.stderr)


def families(
    name: Annotated[str | None, typer.Argument(help="One family, with all of its settings.")] = None,
) -> None:
    """List the families, or one family's settings with a sentence for each."""
    from seedbed.config import defaults, variants
    from seedbed.family import load_families, load_family, refuse_wrong

    if name is None:
        known, wrong = load_families()
        for family in known:
            print(f"{family.name}  roles: {', '.join(family.roles)}")
        refuse_wrong(wrong)
        return
    family = load_family(name)
    for model in variants(family.config):
        print(f"\n{(model.__doc__ or model.__name__).strip()}")
        values = defaults(model)
        for field, info in model.model_fields.items():
            print(f"  {field} = {json.dumps(values[field])}\n      {info.description}")
