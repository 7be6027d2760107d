"""The command that tells what a sweep cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from seedbed.cli.options import FullOption, OnOption, StoreOption, store_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seedbed.monitoring.cost import StageCost

JOULES_PER_KWH = 3.6e6


def cost(
    sweep: Annotated[str, typer.Argument(help="A sweep that has been submitted to the store.")],
    store: StoreOption = "runs",
    on: OnOption = "local",
    full: FullOption = False,
) -> None:
    """Show what a sweep's newest run took: training and GPU time, what retries lost, what reuse saved."""
    from pathlib import Path

    from seedbed.cli.wording import duration
    from seedbed.monitoring.cost import cost_of
    from seedbed.runs import newest_run

    place = store_at(store, on)
    run = newest_run(place, Path(sweep).stem, full)
    told = cost_of(place, run)
    print(f"{run.run} · {run.form} form · started {run.started}")
    for stage in told.stages:
        print(f"{stage.stage}: {_in_words([stage])}")
    print(f"in all: {_in_words(told.stages)}, within {duration(told.wall_seconds)}")


def _in_words(stages: Sequence[StageCost]) -> str:
    from seedbed.cli.wording import duration

    seconds = sum(stage.seconds for stage in stages)
    gpu = sum(stage.gpu_seconds for stage in stages)
    lost = sum(stage.lost_seconds for stage in stages)
    found, saved = sum(stage.found for stage in stages), sum(stage.saved_seconds for stage in stages)
    silent = sum(stage.open_attempts for stage in stages)
    joules = [stage.joules for stage in stages if stage.joules is not None]
    said = [f"{sum(stage.trained for stage in stages)} trials trained in {duration(seconds)}"]
    said += [f"{gpu / 3600:.2f} GPU hours"] if gpu else []
    said += [f"{sum(joules) / JOULES_PER_KWH:.2f} kWh by their GPUs"] if joules else []
    said += [f"{duration(lost)} lost to retries"] if lost else []
    said += [f"{silent} attempts ended without a word"] if silent else []
    said += [f"{found} found, which saved {duration(saved)}"] if found else []
    return ", ".join(said)
