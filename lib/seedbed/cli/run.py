"""The command that runs a sweep."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from seedbed.cli.options import (
    KeepOption,
    OnOption,
    SeedsOption,
    StoreOption,
    SweepArgument,
    open_sweep,
    store_at,
    sweep_file,
)
from seedbed.cli.wording import without_result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from seedbed.collect import StageTables
    from seedbed.planning import SweepPlan
    from seedbed.state import TrialState
    from seedbed.sweep import Form

HINT = 'Run the same command again to go on; "seedbed logs TRIAL" tells what a trial said.'


def submit(
    sweep: SweepArgument,
    store: StoreOption = "runs",
    on: OnOption = "local",
    full: Annotated[
        bool | None,
        typer.Option(
            "--full/--laptop", envvar="FULL", help="The form; here laptop by default, on argo the file's."
        ),
    ] = None,
    seeds: SeedsOption = None,
    keep_winners: KeepOption = False,
    detach: Annotated[bool, typer.Option("--detach", help="On argo: do not stay to watch.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Trials at once; by default one a GPU, else one a core.")
    ] = None,
    checkpoint_seconds: Annotated[
        float, typer.Option(min=0, help="Time between two checkpoints of a trial.")
    ] = 60,
    metrics_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Serve /metrics on this machine's port, for Prometheus."),
    ] = None,
    reuse: Annotated[
        str, typer.Option(help="Reuse work of the `same` device kind and torch version, or of `any`.")
    ] = "same",
) -> None:
    """Run a sweep, here or on a cluster, and print its tables. Finished trials are found, stopped ones go on."""
    from seedbed.cli.cluster import submit_to_cluster
    from seedbed.cli.handing_on import changed_winners, winners_to_keep
    from seedbed.cli.progress import LocalView, local_heading, view_for
    from seedbed.cli.showing import show_tables
    from seedbed.collect import collect, refuse_unmade, write_tables
    from seedbed.errors import Incomplete, Interrupted, InvalidConfig, StoreUnavailable
    from seedbed.local.backend import LocalRun, Options
    from seedbed.local.pool import cores, gpus
    from seedbed.monitoring.at_work import told_to_prometheus
    from seedbed.planning import plan_sweep
    from seedbed.report import write_report
    from seedbed.runs import open_run, recorded_winners, way_to
    from seedbed.state import look_up, metrics_in, remove_checkpoints

    if reuse not in ("same", "any"):
        raise InvalidConfig(f"--reuse: found {reuse!r}, expected same or any")
    if on == "argo":
        submit_to_cluster(sweep_file(sweep), full, seeds, keep_winners, store, detach)
        return
    began = time.monotonic()
    read, form = open_sweep(sweep, bool(full), seeds)
    place = store_at(store)

    def replan() -> SweepPlan:
        """The plan as far as results tell it, written to the run."""
        plan = plan_sweep(read, metrics_in(place), kept)
        for line in changed_winners(plan, recorded, look_up(place, plan.trials)):
            view.said(line)
        open_run(place, plan, form, again=record)
        return plan

    plan = plan_sweep(read, metrics_in(place))
    recorded = recorded_winners(place, plan, form)
    kept = winners_to_keep(place, plan, form, keep_winners or read.keep_winners)
    plan = plan_sweep(read, metrics_in(place), kept) if kept else plan
    states = look_up(place, plan.trials)
    _refuse_unusable(states, reuse)
    found = sum(state.finished for state in states.values())
    record = open_run(place, plan, form)
    view = view_for(local_heading(plan, form, states))
    options = Options(workers or gpus() or cores(), checkpoint_seconds, reuse == "any")
    with told_to_prometheus(metrics_port, "127.0.0.1") as tell, view:
        local = LocalRun(place, plan, states, options, LocalView(view, states), replan, tell)
        local.run()

    if local.unavailable is not None:
        raise StoreUnavailable(local.unavailable)
    if local.interrupts:
        done = sum(state.finished for state in states.values())
        raise Interrupted(f"stopped with {done} of {len(states)} trials done. {HINT}")
    tables = collect(place, record)
    for stage in tables:
        write_tables(place, record, stage)
    write_report(place, record, tables)
    remove_checkpoints(place, states.values())
    ran = sum(state.finished for state in states.values()) - found - local.found_late
    print(_headline(local.plan, form, ran, found + local.found_late, time.monotonic() - began))
    print(_memory(states))
    show_tables(place, record, tables)
    print(f"report  {place.place(f'{way_to(place, record)}/report.html')}")
    refuse_unmade(tables)
    missing = sum(stage.missing for stage in tables)
    late = [name for name, stage in local.plan.stages.items() if stage.late]
    for name in local.failed_whole():
        print(f"{name}: every trial failed: the sweep stops there, and what is done is kept")
    why = without_result(missing) if missing else "; ".join(local.hopeless.values())
    hint = _about_damaged(tables) or HINT
    if late:
        raise Incomplete(f"{why}, so that {', '.join(late)} cannot run. {hint}")
    if missing:
        raise Incomplete(f"{why}. {hint}")


def _about_damaged(tables: Sequence[StageTables]) -> str:
    """What helps where all that lacks a result has a damaged one: that is left alone, however often one submits."""
    states = [stage.states[trial.id] for stage in tables for trial in stage.record.trials]
    lacking = [state for state in states if not state.finished]
    if not lacking or {state.status for state in lacking} != {"damaged"}:
        return ""
    told = "The tables say what is damaged, and what to do about it."
    if any(state.contradicted for state in lacking):
        told += (
            " A result that what its trial left contradicts is trained again once its result.json is moved away; "
            "where the family's code was wrong, raise the role's `revision`."
        )
    return told


def _headline(plan: SweepPlan, form: Form, ran: int, found: int, seconds: float) -> str:
    from seedbed.cli.wording import duration
    from seedbed.sweep.laptop import form_in_words

    sweep = plan.sweep
    cut = form_in_words(sweep, form)
    trials = f"{len(plan.trials)} trials: {ran} run, {found} found"
    return f"{sweep.title}\n{sweep.name} · {cut} · {trials} · {duration(seconds)}"


def _memory(states: Mapping[str, TrialState]) -> str:
    """The most memory that a trial took: what a pod would have to ask for."""
    peaks = [state.result.peak_memory_bytes for state in states.values() if state.result]
    return f"peak memory of a trial: {max(peaks, default=0) / 1e9:.1f} GB"


def _refuse_unusable(states: Mapping[str, TrialState], reuse: str) -> None:
    """Stop before anything runs when a result is damaged, or comes from another class of numerics."""
    from seedbed.errors import BadData, InvalidConfig
    from seedbed.local.pool import gpus
    from seedbed.provenance import torch_minor

    damaged = [state.complaint for state in states.values() if state.status == "damaged"]
    if damaged:
        raise BadData("\n         ".join(damaged))
    if reuse == "any":
        return
    device = "cuda" if gpus() else "cpu"
    for state in states.values():
        tag = state.result.numerics_tag if state.result else {}
        theirs = (tag.get("device"), tag.get("torch"))
        if tag and theirs != (device, torch_minor()):
            raise InvalidConfig(
                f"trial {state.trial.id} was trained on {theirs[0]} with torch {theirs[1]}, here it is {device} with "
                f"torch {torch_minor()}: say --reuse any to use it all the same, or another --store"
            )
