"""The command that makes a sweep's report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seedbed.cli.options import FullOption, OnOption, StoreOption, store_at
from seedbed.cli.wording import lacking


def report(
    sweep: Annotated[str, typer.Argument(help="A sweep that has been submitted to the store.")],
    store: StoreOption = "runs",
    on: OnOption = "local",
    full: FullOption = False,
    output: Annotated[
        Path | None, typer.Option(help="Put the page into this file, not beside the tables in the store.")
    ] = None,
) -> None:
    """Make a sweep's report, one HTML page that needs nothing beside itself, from its newest run."""
    from seedbed.collect import collect, refuse_unmade
    from seedbed.errors import Incomplete, InvalidConfig
    from seedbed.report import render_report, write_report
    from seedbed.runs import newest_run, unplanned

    place = store_at(store, on)
    run = newest_run(place, Path(sweep).stem, full)
    stages = collect(place, run)
    if output is None and on == "local":
        write_report(place, run, stages)
        print(f"report  {place.place(f'{run.latest}/report.html')}")
    else:  # on a cluster it is the collect pod that writes to the store, and a reader that looks
        file = output or Path(f"{run.run}.html")
        try:
            file.write_text(render_report(place, run, stages), encoding="utf-8")
        except OSError as error:
            told = error.strerror if file.parent.is_dir() else f"there is no folder {file.parent}"
            raise InvalidConfig(f"--output {file}: {told}") from None
        print(f"report  {file}")
    refuse_unmade(stages)
    lost = unplanned(run, [one.record for one in stages])
    if why := lacking(sum(one.missing for one in stages), lost):
        raise Incomplete(why)
