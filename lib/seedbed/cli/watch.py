"""The live view of a sweep that another process, or a cluster, runs."""

from __future__ import annotations

from typing import Annotated

import typer

from seedbed.cli.options import FullOption, OnOption, StoreOption, store_at

TICK_SECONDS = 1.0


def watch(
    sweep: Annotated[
        str, typer.Argument(help="A sweep that has been submitted; on argo also a workflow's name.")
    ],
    store: StoreOption = "runs",
    on: OnOption = "local",
    full: FullOption = False,
) -> None:
    """Look on while another process, or the cluster, runs a sweep; Ctrl-C leaves it running."""
    import time
    from pathlib import Path

    from seedbed.cli.cluster import watch_on_cluster
    from seedbed.cli.progress import view_for
    from seedbed.runs import newest_run
    from seedbed.watching import StoreWatch

    if on == "argo":
        watch_on_cluster(sweep, store)
        return
    place = store_at(store)
    run = newest_run(place, Path(sweep).stem, full)
    looking = StoreWatch(place, run.folder)
    with view_for(f"{run.run} · {run.form} form") as view:
        while not looking.look().complete:
            view.draw(looking.look)
            time.sleep(TICK_SECONDS)
    print(f"{run.run}: all trials have results; seedbed table {run.sweep}")
