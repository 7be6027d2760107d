"""From a stage's planned trials and their results to its tables."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from seedbed.attempts import read_attempts
from seedbed.errors import InvalidSweep
from seedbed.family import Family, load_family
from seedbed.planning import PlannedTrial
from seedbed.results import Result
from seedbed.runs import Run, StageRecord, read_stages
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
    latex,
    markdown,
    terminal,
)
from seedbed.tables import csv as csv_table
from seedbed.tables import json as json_table

FEW_UNITS = 5
"""Fewer test units (subjects, books, identities) than this say next to nothing about new ones."""

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

    @property
    def missing(self) -> int:
        """How many planned trials have no usable result."""
        return sum(not self.states[trial.id].finished for trial in self.record.trials)

    def render(self, suffix: str) -> str:
        """The tables as a file of that suffix holds them."""
        return RENDERERS[suffix](self.tables, self.description)

    def text(self) -> str:
        """The tables as a terminal shows them."""
        remarks = "".join(f"{remark}\n" for remark in self.remarks)
        return terminal.render(self.tables, self.description) + remarks


def collect(store: Store, run: Run) -> list[StageTables]:
    """The tables of all stages of a run, made from its plans and the results there are."""
    return [tabulate(store, record) for record in read_stages(store, run)]


def write_tables(store: Store, run: Run, stage: StageTables) -> None:
    """Put a stage's tables beside its plan: Markdown, CSV, LaTeX, JSON, and all results as Parquet."""
    folder = f"{run.folder}/{stage.record.stage}"
    for suffix in RENDERERS:
        store.write(f"{folder}/table.{suffix}", stage.render(suffix).encode())
    store.write(f"{folder}/results.parquet", _parquet(stage))


def tabulate(store: Store, record: StageRecord) -> StageTables:
    """A stage's tables, from its record and what the store has of its trials.

    Raises InvalidSweep when the table's layout does not fit the stage.
    """
    states = look_up(store, [*record.trials, *record.baseline])
    family = load_family(record.family)
    results = [result for trial in record.trials if (result := states[trial.id].result)]
    request = _request(store, record, family, results, states)
    return StageTables(
        record=record,
        tables=build_tables(request),
        description=_the_same([result.description for result in results]) or "",
        remarks=_remarks(record, states),
        states=states,
    )


def _request(
    store: Store, record: StageRecord, family: Family, results: list[Result], states: Mapping[str, TrialState]
) -> TableRequest:
    axes = list(dict.fromkeys(axis for trial in record.trials for axis in trial.axes))
    plan = TablePlan(**record.table)
    layout = plan.layout(axes, record.over)
    metric = plan.cell or _usual_metric(family, record, results)
    shown = family.metric(metric)
    return TableRequest(
        stage=record.stage,
        outcomes=[_outcome(store, trial, states[trial.id]) for trial in record.trials],
        metric=metric,
        rows=layout.rows,
        columns=layout.columns,
        replicates=layout.replicates,
        unit=shown.unit,
        std=plan.std,
        higher_is_better=shown.better == "higher",
        baseline=_baseline(store, record, states),
        trivial=_trivial(metric, results),
        expected=_expected(record, shown.unit),
        source=record.expect["source"] if record.expect else "",
    )


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


def _usual_metric(family: Family, record: StageRecord, results: list[Result]) -> str:
    """What a table shows when its plan does not say: the test twin of what selects the best step."""
    rule = family.roles[record.trials[0].role].select_by
    logged = [name for result in results for name in result.metrics]
    if rule is not None:
        return f"test/{rule[0].split('/')[-1]}@best"
    if not logged:
        raise InvalidSweep(f"{record.stage}: table.cell is not set, and no trial has a metric yet")
    return logged[0]


def _baseline(store: Store, record: StageRecord, states: Mapping[str, TrialState]) -> Baseline | None:
    """The baseline's trials; their axes say which points they stand against."""
    if not record.baseline:
        return None
    outcomes = [_outcome(store, trial, states[trial.id]) for trial in record.baseline]
    return Baseline(record.baseline_label, outcomes)


def _outcome(store: Store, trial: PlannedTrial, state: TrialState) -> Outcome:
    result = state.result
    if state.status == "damaged":
        return Outcome(trial.axes, trial.seed, "damaged", note=state.complaint, trial=trial.id)
    if result is None:
        return Outcome(trial.axes, trial.seed, "missing", note=_why_missing(store, trial), trial=trial.id)
    if result.status == "diverged":
        note = "; ".join(event.message for event in result.events)
        return Outcome(trial.axes, trial.seed, "diverged", note=note, trial=trial.id)
    return Outcome(trial.axes, trial.seed, "finished", result.metrics, trial=trial.id)


def _why_missing(store: Store, trial: PlannedTrial) -> str:
    attempts = read_attempts(store, trial.folder)
    if not attempts:
        return "not run"
    count = f", {len(attempts)} attempts" if len(attempts) > 1 else ""
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


def _remarks(record: StageRecord, states: Mapping[str, TrialState]) -> list[str]:
    """What a reader should know of the trials behind the numbers."""
    results = {trial.label: result for trial in record.trials if (result := states[trial.id].result)}
    return [
        *_few_units(results),
        *_undertrained(results),
        *_same_run_twice(results),
        *_other_numerics(results),
    ]


def _few_units(results: Mapping[str, Result]) -> Iterator[str]:
    """Few test units, all trials taken together: left-out subjects add up."""
    tested = [result.split.get("names", {}).get("test") for result in results.values()]
    units = {unit for names in tested if names for unit in names}
    if None not in tested and 0 < len(units) < FEW_UNITS:
        yield f"Tested on {len(units)} only ({', '.join(sorted(units))}): this cannot speak for new ones."


def _same_run_twice(results: Mapping[str, Result]) -> Iterator[str]:
    by_log: dict[str, list[str]] = defaultdict(list)
    for label, result in results.items():
        by_log[result.log_digest].append(label)
    for labels in by_log.values():
        if len(labels) > 1:
            yield f"Same run twice: {' and '.join(labels)} logged the same numbers to the bit."


def _undertrained(results: Mapping[str, Result]) -> Iterator[str]:
    """A best step that is the last one: training was cut off while it still got better."""
    ended = [result for result in results.values() if result.status == "finished"]
    late = sum(result.best_step == result.last_step for result in ended)
    if 2 * late > len(ended):
        yield f"{late} of {len(ended)} trials are best at their very last step: they may be undertrained."


def _other_numerics(results: Mapping[str, Result]) -> Iterator[str]:
    tags = sorted({" ".join(result.numerics_tag.values()) for result in results.values()})
    if len(tags) > 1:
        yield f"Trials of different numerics are compared here: {'; '.join(tags)}."


def _parquet(stage: StageTables) -> bytes:
    """One row a planned trial: everything that a later analysis starts from."""
    import pyarrow as pa  # loaded here: most commands never need it
    import pyarrow.parquet as pq

    rows = []
    for trial in stage.record.trials:
        state = stage.states[trial.id]
        result = state.result
        rows.append(
            {
                "trial": trial.id,
                "family": trial.family,
                "role": trial.role,
                "seed": trial.seed,
                "status": state.status if result is None else result.status,
                "axes": json.dumps(trial.axes),
                "config": json.dumps(trial.config),
                "metrics": json.dumps(result.metrics if result else {}),
                "seconds": result.seconds if result else None,
                "code": result.code if result else None,
            }
        )
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()
