"""What stands in the terminal when a sweep has ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seedbed.collect import StageTables
    from seedbed.run_records import Run
    from seedbed.store import Store


def show_tables(store: Store, run: Run, tables: Sequence[StageTables]) -> None:
    """Print the tables that the sweep wants shown, or all if it does not say, and where each is kept."""
    from seedbed.runs import way_to

    folder = way_to(store, run)
    shown = [stage for stage in tables if stage.record.shown] or tables
    for stage in shown:
        print(f"\n{stage.record.stage}" if len(shown) > 1 else "")
        print(stage.text(), end="")
        print(f"table  {store.place(f'{folder}/{stage.record.stage}/table.md')}")
    show_chain(store, run)


def show_chain(store: Store, run: Run) -> None:
    """Print the chain of a study that was done in order; nothing for other sweeps."""
    from seedbed.lineage import lineage_of
    from seedbed.tables import chain

    story = lineage_of(store, run)
    if story is not None:
        print(f"\n{chain.text(story)}", end="")
