"""Sweeps on a cluster: submitting, looking, stopping, going on. Loaded by the commands that take `--on argo`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from seedbed.cli.options import StoreOption
from seedbed.cli.wording import without_result

if TYPE_CHECKING:
    from pathlib import Path

    from seedbed.argo.cluster import Cluster, Workflow
    from seedbed.argo.standing import Note, Standing

NameArgument = Annotated[
    str, typer.Argument(help="A workflow's name, or a sweep's: then its newest workflow.")
]


def submit_to_cluster(
    file: Path, full: bool | None, seeds: str | None, keep_winners: bool, store: str, detach: bool
) -> None:
    """Submit a sweep file to the cluster, follow it, and print its tables when it has ended.

    Without `full` it runs in the form that the file says.
    """
    from seedbed.argo.cluster import open_cluster
    from seedbed.argo.submission import document_of
    from seedbed.sweep.workflow import read_sweep

    read_sweep(file)  # what is wrong with the file is said here, before anything is sent
    form = None if full is None else "full" if full else "laptop"
    cluster = open_cluster()
    created = cluster.create(document_of(file, form, seeds, keep_winners))
    _follow(cluster, created, store, detach)


def watch_on_cluster(name: str, store: str) -> None:
    """Follow a workflow that is on the cluster already."""
    from seedbed.argo.cluster import open_cluster

    cluster = open_cluster()
    _follow(cluster, _find(cluster, name), store, detach=False)


def stop(name: NameArgument) -> None:
    """Stop a sweep on the cluster: its trials save and end; `resume` goes on from there."""
    from seedbed.argo.cluster import open_cluster

    cluster = open_cluster()
    found = str(_find(cluster, name)["metadata"]["name"])
    cluster.stop(found)
    print(f"{found} saves and stops. Go on with: seedbed resume {found}")


def resume(
    name: NameArgument,
    store: StoreOption = "runs",
    detach: Annotated[bool, typer.Option("--detach", help="Do not stay to watch.")] = False,
) -> None:
    """Go on with a sweep on the cluster that was stopped or failed: what is finished is found."""
    from seedbed.argo.cluster import open_cluster
    from seedbed.argo.standing import standing_of
    from seedbed.argo.submission import again
    from seedbed.errors import InvalidSweep

    cluster = open_cluster()
    before = _find(cluster, name)
    standing = standing_of(before)
    if not standing.ended:
        raise InvalidSweep(
            f"{standing.name} is still {standing.phase.lower()}: seedbed watch {standing.name}"
        )
    _follow(cluster, cluster.create(again(before)), store, detach)


def print_standings() -> None:
    """A line for each sweep on the cluster, and below it what waits and what failed."""
    from seedbed.argo.cluster import open_cluster
    from seedbed.argo.standing import by_message, standing_of

    cluster = open_cluster()
    standings = [standing_of(workflow) for workflow in cluster.workflows()]
    if not standings:
        print(f"namespace {cluster.namespace}: no sweep has been submitted")
    for standing in standings:
        print(f"{standing.name}  {standing.phase}  started {standing.started}")
        for word, notes in (("failed", standing.failed), ("waits", standing.waiting)):
            for message, nodes in by_message(notes).items():
                more = f" and {len(nodes) - 1} more" if len(nodes) > 1 else ""
                print(f"  {word:6}  {nodes[0]}{more}: {message}")


def _follow(cluster: Cluster, workflow: Workflow, store: str, detach: bool) -> None:
    from seedbed.argo.following import follow
    from seedbed.argo.standing import folder_of
    from seedbed.cli.options import store_at
    from seedbed.cli.progress import view_for
    from seedbed.cli.showing import show_tables
    from seedbed.collect import collect, refuse_unmade
    from seedbed.errors import Interrupted
    from seedbed.runs import run_in

    name = workflow["metadata"]["name"]
    if detach:
        print(
            f"{name} is submitted to namespace {cluster.namespace}. Look with: seedbed watch {name} --on argo"
        )
        return
    place = store_at(store, "argo")
    try:
        with view_for(f"{name} · on the cluster, namespace {cluster.namespace}") as view:
            standing = follow(cluster, place, name, view)
    except KeyboardInterrupt:
        raise Interrupted(
            f"{name} goes on without you. Look again with: seedbed watch {name} --on argo; end it with: "
            f"seedbed stop {name}"
        ) from None
    run = run_in(place, folder_of(workflow))
    tables = [] if run is None else collect(place, run)
    if run is not None:
        print(f"{run.title}\n{name} · {run.form} form · {standing.phase.lower()}")
        show_tables(place, run, tables)
    refuse_unmade(tables)
    if standing.phase != "Succeeded":
        _refuse(standing, sum(stage.missing for stage in tables))


def _refuse(standing: Standing, missing: int) -> NoReturn:
    """End as the first failure says: a wrong setting as one, missing results as that."""
    from seedbed.errors import Incomplete, InvalidSweep, SeedbedError

    first = next(iter(standing.failed), None)
    what = f"{standing.name}: {_words(first) if first else standing.message or standing.phase}"
    if first is not None and first.exit_code == os.EX_CONFIG:
        raise InvalidSweep(what)
    if missing or (first is not None and first.exit_code == os.EX_UNAVAILABLE):
        raise Incomplete(f"{without_result(missing)}. {what}")
    raise SeedbedError(what)


def _words(note: Note) -> str:
    return f"{note.node}: {note.message}"


def _find(cluster: Cluster, name: str) -> Workflow:
    """A workflow by its name, or a sweep's newest one."""
    from seedbed.argo.cluster import SWEEP_LABEL
    from seedbed.errors import InvalidSweep, did_you_mean

    found = cluster.workflow(name)
    if found is not None:
        return found
    workflows = cluster.workflows()
    for workflow in workflows:
        if workflow["metadata"]["labels"][SWEEP_LABEL] == name:
            return workflow
    known = dict.fromkeys(
        text
        for one in workflows
        for text in (one["metadata"]["labels"][SWEEP_LABEL], one["metadata"]["name"])
    )
    raise InvalidSweep(f"namespace {cluster.namespace} has no sweep {name!r}; {did_you_mean(name, known)}")
