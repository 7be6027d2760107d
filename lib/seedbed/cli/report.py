"""The command that makes a sweep's report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seedbed.cli.options import FullOption, OnOption, StoreOption, store_at
from seedbed.cli.wording import lacking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seedbed.collect import StageTables
    from seedbed.run_records import Run
    from seedbed.store import Store


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
    from seedbed.report import render_report
    from seedbed.runs import newest_run, unplanned

    place = store_at(store, on)
    run = newest_run(place, Path(sweep).stem, full)
    stages = collect(place, run)
    # on a cluster it is the collect pod that writes to the store, and a reader that looks
    if output is not None or on == "argo" or not _put_into(place, run, stages):
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


def _put_into(store: Store, run: Run, stages: Sequence[StageTables]) -> bool:
    """Put the page into the store, and say where; False, and why, where it cannot be written."""
    from seedbed.errors import StoreUnavailable
    from seedbed.report import write_report
    from seedbed.runs import way_to

    try:
        write_report(store, run, stages)
    except StoreUnavailable as why:
        print(f"seedbed: the report is not in the store: {why}", file=sys.stderr)
        return False
    print(f"report  {store.place(f'{way_to(store, run)}/report.html')}")
    return True
