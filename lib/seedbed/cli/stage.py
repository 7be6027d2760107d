"""What the pods of a stage run; people use `submit`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from seedbed.cli.options import StoreOption, store_at

if TYPE_CHECKING:
    from seedbed.store import Store

app = typer.Typer(help="What the pods of a stage run on a cluster.", no_args_is_help=True)

FolderArgument = Annotated[
    str, typer.Argument(help="The stage's folder in the store, as its plan pod put it out.")
]


@app.command()
def plan(
    workflow: Annotated[str, typer.Option(help="The workflow's name.")],
    node: Annotated[str, typer.Option(help="The name of this pod's node, which has the stage in it.")],
    store: StoreOption = "runs",
) -> None:
    """Plan a stage of a running workflow: write its plan, and put out the packs of trials to run."""
    from seedbed.argo.own_workflow import own_workflow
    from seedbed.argo.pod_plan import plan_stage

    packs = plan_stage(_store(store), own_workflow(workflow), node)
    print(f"{sum(map(len, packs))} trials to run, in {len(packs)} packs")


@app.command()
def trial(
    folder: FolderArgument,
    pack: Annotated[str, typer.Argument(help="The pack of trials to run.")],
    store: StoreOption = "runs",
    checkpoint_seconds: Annotated[
        float,
        typer.Option(
            min=0, envvar="SEEDBED_CHECKPOINT_SECONDS", help="Time between two checkpoints of a trial."
        ),
    ] = 60,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, envvar="SEEDBED_METRICS_PORT", help="Serve /metrics there, for Prometheus."
        ),
    ] = None,
) -> None:
    """Train the trials of a pack, each from its newest checkpoint."""
    from seedbed.argo.pod_trial import read_pack, run_pack
    from seedbed.cli.ending import end
    from seedbed.monitoring.at_work import told_to_prometheus

    place = _store(store)
    trials, stage = read_pack(place, folder, pack), folder.rpartition("/")[2]
    with told_to_prometheus(metrics_port) as tell:
        ending = run_pack(place, trials, checkpoint_seconds, stage, tell)
    if ending.exit_code != os.EX_OK:
        raise typer.Exit(end(ending.exit_code, ending.message))


@app.command()
def collect(folder: FolderArgument, store: StoreOption = "runs") -> None:
    """Make a stage's tables from the results there are; ends with 69 when some are missing."""
    from seedbed.argo.pod_collect import collect_stage
    from seedbed.collect import refuse_unmade
    from seedbed.errors import Incomplete

    tables = collect_stage(store_at(store), folder)
    print(tables.text(), end="")
    refuse_unmade([tables])
    if tables.missing:
        raise Incomplete(f"{tables.missing} of {len(tables.record.trials)} planned trials have no result")


@app.command()
def notify(
    workflow: Annotated[str, typer.Option(help="The workflow's name.")],
    phase: Annotated[str, typer.Option(help="How it ended.")],
    webhook_url: Annotated[
        str, typer.Option(envvar="WEBHOOK_URL", help="Who is told; nobody by default.")
    ] = "",
    pages: Annotated[
        str, typer.Option(envvar="SEEDBED_PAGES", help="Where `seedbed pages` is reached, for the link.")
    ] = "",
    store: StoreOption = "runs",
) -> None:
    """Tell a webhook that a workflow has ended; one that cannot be told fails no sweep."""
    from seedbed.argo.own_workflow import own_workflow
    from seedbed.argo.standing import folder_of
    from seedbed.monitoring.notice import notice, post

    if not webhook_url:
        print("no WEBHOOK_URL: nobody is told")
        return
    text = notice(store_at(store), folder_of(own_workflow(workflow)), phase, pages)
    print(text if post(webhook_url, text) else f"nobody could be told:\n{text}")


def _store(url: str) -> Store:
    """The store, which also has the data sets that are not in the image."""
    from seedbed.data import fetch_from

    store = store_at(url)
    fetch_from(store.url)
    return store
