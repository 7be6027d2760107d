"""The collect pod: a stage's table from what its trials left, also when some of them failed."""

from __future__ import annotations

from seedbed.argo.outputs import put_out
from seedbed.collect import StageTables, collect, write_tables
from seedbed.errors import BadData
from seedbed.report import write_report
from seedbed.runs import run_in
from seedbed.state import remove_checkpoints
from seedbed.store import Store

TABLE_LENGTH = 8_000
"""Characters of the table that go into the workflow's status; the whole one is in the store."""


def collect_stage(store: Store, folder: str) -> StageTables:
    """Make and write the tables of the stage in a folder, put them out for Argo, and tidy up after its trials.

    The report, of all stages so far, is written anew. Checkpoints of trials that have their result are removed.
    Raises BadData when there is no plan.
    """
    above, _, stage = folder.rpartition("/")
    run = run_in(store, above)
    all_tables = [] if run is None else collect(store, run)
    tables = next((one for one in all_tables if one.record.stage == stage), None)
    if run is None or tables is None:
        raise BadData(f"{store.place(folder)}: no plan; the stage's plan pod writes it")
    write_tables(store, run, tables)
    report = store.place(f"{run.folder}/report.html")
    put_out(headline=_headline(tables), report=report, table=tables.text()[:TABLE_LENGTH])
    remove_checkpoints(store, [tables.states[trial.id] for trial in tables.record.trials])
    write_report(store, run, all_tables)
    return tables


def _headline(tables: StageTables) -> str:
    trials = tables.record.trials
    states = [tables.states[trial.id] for trial in trials]
    diverged = sum(state.status == "diverged" for state in states)
    said = [f"{len(trials) - tables.missing} of {len(trials)} trials have results"]
    said += [f"{diverged} diverged"] if diverged else []
    return f"{tables.record.stage}: {', '.join(said)}"
