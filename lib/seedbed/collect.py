"""From a stage's planned trials and their results to its tables."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from seedbed.attempts import read_attempts
from seedbed.compacted import as_parquet
from seedbed.errors import InvalidSweep
from seedbed.evidence import Evidence, look_into_all
from seedbed.family import Family, load_family
from seedbed.lineage import lineage_of, metrics_of_chain, record_winners
from seedbed.planning import PlannedTrial
from seedbed.remarks import remarks
from seedbed.results import Result
from seedbed.run_records import Run, StageRecord
from seedbed.runs import read_stages
from seedbed.settings import settings_of
from seedbed.state import TrialState, look_up
from seedbed.store import Store
from seedbed.sweep.language import ExpectPlan, TablePlan
from seedbed.tables import (
    Baseline,
    Expected,
    Outcome,
    Table,
    TableRequest,
    build_tables,
    chain,
    latex,
    markdown,
    terminal,
)
from seedbed.tables import csv as csv_table
from seedbed.tables import json as json_table

RENDERERS: dict[str, Callable[[Sequence[Table], str], str]] = {
    "md": markdown.render,
    "csv": csv_table.render,
    "tex": latex.render,
    "json": json_table.render,
}
"""A stage's tables as files, by their suffix."""


@dataclass(frozen=True)
class StageTables:
    """A stage's tables, what they are about, and what a reader should know beside them."""

    record: StageRecord
    tables: list[Table]
    description: str
    remarks: list[str]
    states: Mapping[str, TrialState]
    complaint: str = ""
    """Why it has no table."""

    @property
    def missing(self) -> int:
        """How many planned trials have no usable result."""
        return sum(not self.states[trial.id].finished for trial in self.record.trials)

    def render(self, suffix: str) -> str:
        """The tables as a file of that suffix holds them."""
        return RENDERERS[suffix](self.tables, self.description)

    def text(self) -> str:
        """The tables as a terminal shows them."""
        if self.complaint:
            return f"{self.complaint}\n"
        remarks = "".join(f"{remark}\n" for remark in self.remarks)
        return terminal.render(self.tables, self.description) + remarks


def collect(store: Store, run: Run) -> list[StageTables]:
    """The tables of all stages of a run, made from its plans and the results there are.

    A stage of which none can be made says why; the others have theirs.
    """
    records = read_stages(store, run)
    return [_tabulated(store, record, records) for record in records]


def refuse_unmade(stages: Sequence[StageTables]) -> None:
    """Raise InvalidSweep for the stages without a table, when all that can be written has been."""
    if complaints := [stage.complaint for stage in stages if stage.complaint]:
        raise InvalidSweep("; ".join(complaints))


def _tabulated(store: Store, record: StageRecord, records: Sequence[StageRecord]) -> StageTables:
    try:
        return tabulate(store, record, records)
    except InvalidSweep as why:
        states = look_up(store, [*record.baseline, *record.trials])
        return StageTables(record, [], "", [], states, complaint=f"no table: {why}")


def write_tables(store: Store, run: Run, stage: StageTables) -> None:
    """Put a stage's tables beside its plan: Markdown, CSV, LaTeX, JSON, and all results as Parquet."""
    folder = f"{run.folder}/{stage.record.stage}"
    story = lineage_of(store, run, stage.record.stage)
    for suffix in RENDERERS:
        more = f"\n{chain.markdown(story)}" if story and suffix == "md" else ""
        store.write(f"{folder}/table.{suffix}", f"{stage.render(suffix)}{more}".encode())
    record_winners(store, run, stage.record, stage.states)
    store.write(f"{folder}/results.parquet", as_parquet(stage.record, stage.states))


def tabulate(store: Store, record: StageRecord, beside: Sequence[StageRecord] = ()) -> StageTables:
    """A stage's tables, from its record and what the store has of its trials.

    A result that its own predictions contradict is not used, in the table's metric or in those by which the chain
    `beside` it chooses. Raises InvalidSweep when the table's layout does not
    fit the stage.
    """
    # The baseline may hold the stage's own trials under other labels: the stage's own are those that count.
    found = look_up(store, [*record.baseline, *record.trials])
    family = load_family(record.family)
    metric = usual_metric(record, found)
    others = [one for one in metrics_of_chain(record, beside or [record]) if one != metric]
    evidence = look_into_all(store, found, [*others, metric])
    tables = build_tables(_request(store, record, family, metric, evidence))
    results = _results(record, evidence.states)
    return StageTables(
        record=record,
        tables=tables,
        description=_the_same([result.description for result in results]) or "",
        remarks=remarks(record, family, evidence.states, tables, evidence.runs),
        states=evidence.states,
    )


def _results(record: StageRecord, states: Mapping[str, TrialState]) -> list[Result]:
    return [result for trial in record.trials if (result := states[trial.id].result)]


def _request(
    store: Store, record: StageRecord, family: Family, metric: str, evidence: Evidence
) -> TableRequest:
    plan = TablePlan(**record.table)
    layout = plan.layout([trial.axes for trial in record.trials], record.over)
    shown = family.metric(metric)

    return TableRequest(
        stage=record.stage,
        outcomes=outcomes_of(store, record.trials, evidence),
        metric=metric,
        rows=layout.rows,
        columns=layout.columns,
        replicates=layout.replicates,
        over=record.over,
        unit=shown.unit,
        std=plan.std,
        higher_is_better=shown.better == "higher",
        baseline=_baseline(store, record, evidence),
        trivial=_trivial(metric, _results(record, evidence.states)),
        expected=_expected(record, shown.unit),
        source=record.expect["source"] if record.expect else "",
        score=evidence.score,
        show=plan.show,
        optimistic=optimistic(record, family, metric),
        replicate=record.replicate and metric.startswith("test/"),
    )


def optimistic(record: StageRecord, family: Family, metric: str) -> str:
    """Which selection used the split that a metric stands on; empty where none did."""
    rules = {role: family.roles[role].select_by for role in {trial.role for trial in record.trials}}
    chosen = {rule[0]: "picks the best step" for rule in rules.values() if rule}
    if record.select is not None:
        chosen[record.select["metric"]] = "picks the winner"
    split = metric.split("/")[0]
    return " and ".join(f"{name} {what}" for name, what in chosen.items() if name.split("/")[0] == split)


def _expected(record: StageRecord, unit: str) -> list[Expected]:
    """The published values, from the printed unit to the metric's own scale."""
    values = ExpectPlan(**record.expect).values if record.expect else []
    scale = 100 if unit == "%" else 1

    def scaled(value: float) -> float:
        return float(Decimal(repr(value)) / scale)  # so that 62.05 is printed again as it was read

    return [
        Expected(one.at, scaled(one.mean), None if one.std is None else scaled(one.std), one.n)
        for one in values
    ]


def usual_metric(record: StageRecord, states: Mapping[str, TrialState]) -> str:
    """What a stage's table shows: its cell, or else the test twin of what selects the best step.

    Raises InvalidSweep where nothing tells.
    """
    if record.table["cell"]:
        return str(record.table["cell"])
    rule = load_family(record.family).roles[record.trials[0].role].select_by
    if rule is not None:
        return f"test/{rule[0].split('/')[-1]}@best"
    logged = [name for result in _results(record, states) for name in result.metrics]
    if not logged:
        raise InvalidSweep(f"{record.stage}: table.cell is not set, and no trial has a metric yet")
    return logged[0]


def _baseline(store: Store, record: StageRecord, evidence: Evidence) -> Baseline | None:
    """The baseline's trials; their axes say which points they stand against."""
    if not record.baseline:
        return None
    return Baseline(record.baseline_label, outcomes_of(store, record.baseline, evidence))


def outcomes_of(store: Store, trials: Sequence[PlannedTrial], evidence: Evidence) -> list[Outcome]:
    """What became of planned trials, as far as it can be believed."""
    return [_outcome(store, trial, evidence) for trial in trials]


def _outcome(store: Store, trial: PlannedTrial, evidence: Evidence) -> Outcome:
    state = evidence.states[trial.id]
    result = state.result
    failed = partial(Outcome, trial.axes, trial.seed, trial=trial.id, settings=settings_of(trial, result))
    if state.status == "damaged":
        return failed("damaged", note=state.complaint)
    if result is None:
        return failed("missing", note=_why_missing(store, trial))
    if result.status == "diverged":
        note = "; ".join(event.message for event in result.events if event.kind == "diverged")
        return failed("diverged", note=note)
    return Outcome(
        trial.axes,
        trial.seed,
        "finished",
        result.metrics,
        trial=trial.id,
        settings=settings_of(trial, result),
        unwell=bool(result.events),
        block=evidence.blocks.get(trial.id),
    )


def _why_missing(store: Store, trial: PlannedTrial) -> str:
    attempts = read_attempts(store, trial.folder)
    if not attempts:
        return "not run"
    count = f", {len(attempts)} attempts" if len(attempts) > 1 else ""
    if attempts[-1].get("exit_code") == os.EX_OK:
        return f"it ended well, and its result is gone{count}"
    return f"{attempts[-1].get('message', 'killed')}{count}"


def _trivial(metric: str, results: list[Result]) -> dict[str, float]:
    """What a trivial guess reaches in this metric, where all results agree on it."""
    name = metric.split("@")[0]
    found = [
        {label: values[name] for label, values in result.baselines.items() if name in values}
        for result in results
    ]
    return _the_same(found) or {}


def _the_same(values: list[Any]) -> Any:
    """What all values are, if they are all the same."""
    return values[0] if values and all(value == values[0] for value in values) else None
