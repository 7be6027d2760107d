"""What is written of a run of a sweep, and how it is read back: strictly, as somebody may have edited it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from seedbed.errors import BadData
from seedbed.planning import PlannedStage, PlannedTrial, SweepPlan, Winner
from seedbed.planning.selecting import chain_of
from seedbed.store import Store, check_key
from seedbed.sweep import Form
from seedbed.sweep.language import ExpectPlan, TablePlan
from seedbed.sweep.ordered import SelectPlan

_STRICT = ConfigDict(extra="forbid", strict=True)
"""A record that is read is what was written: no other fields, no other types."""

Record = TypeVar("Record")


@dataclass(frozen=True)
class StageRecord:
    """A stage as it was planned: its trials, its table's layout, and what it is compared with."""

    __pydantic_config__ = _STRICT

    stage: str
    family: str
    shown: bool
    """Whether its table is printed when the sweep ends."""

    table: dict[str, Any]
    over: list[str]
    """The axes that every point runs over, beside the seeds."""

    trials: list[PlannedTrial]
    baseline_label: str
    baseline: list[PlannedTrial]
    """The trials that the others are compared with, empty without a baseline."""

    expect: dict[str, Any] | None = None
    """Published values to print beside ours, as the plan has them: in the unit that is printed."""

    replicate: bool = False
    """Whether a winner was chosen on test, here or in a stage that it starts from, to replicate notes."""

    select: dict[str, Any] | None = None
    """How its winner is chosen."""

    incumbents: list[dict[str, Any]] = field(default_factory=list)
    """Where the points stand that a winner has to beat, replicate axes aside."""

    inherit: list[dict[str, Any]] = field(default_factory=list)
    """The stages that it starts from; with `where`, at a point that was named instead of won."""

    confirm: str = ""
    """The stage that ends the chain which is run afresh here."""

    kept: list[dict[str, Any]] = field(default_factory=list)
    """The winners that were to stay whatever its results say."""

    @classmethod
    def of(cls, plan: SweepPlan, stage: PlannedStage) -> StageRecord:
        """The record of a planned stage."""
        against = plan.baselines.get(stage.stage.name)
        expect = stage.stage.plan.expect
        select = stage.stage.plan.select
        confirm = stage.stage.plan.confirm or ""
        before = chain_of(plan.sweep, confirm or stage.stage.name)
        rules = [rule for name in before if (rule := plan.stages[name].stage.plan.select)]
        return cls(
            stage=stage.stage.name,
            family=stage.family.name,
            shown=stage.stage.plan.table is not None,
            table=(stage.stage.plan.table or TablePlan()).model_dump(),
            over=sorted(stage.over),
            trials=stage.trials,
            baseline_label=against.label if against else "",
            baseline=against.trials if against else [],
            expect=expect.model_dump() if expect else None,
            replicate=any(rule.on_test for rule in rules),
            select=select.model_dump() if select else None,
            incumbents=list(stage.incumbents),
            inherit=[
                {"stage": entry} if isinstance(entry, str) else entry.model_dump()
                for entry in stage.stage.plan.inherited
            ],
            confirm=confirm,
            kept=[winner.to_json() for winner in stage.winners or ()] if stage.kept else [],
        )


@dataclass(frozen=True)
class Run:
    """One run of a sweep: where its plans and tables stand."""

    __pydantic_config__ = _STRICT

    sweep: str
    title: str
    form: Form
    run: str
    started: str
    plan: str
    """Digest of all that its stages planned."""

    stages: list[str]
    description: str = ""
    """What the sweep file says it is about."""

    cut: str = ""
    """What its form changes; empty for the full one, and in runs from before it was kept."""

    previous: str = ""
    """The run that was the newest of its form before this one."""

    @property
    def folder(self) -> str:
        """Its key prefix in the store."""
        return run_folder(self.sweep, self.run)

    @property
    def latest(self) -> str:
        """The key prefix that leads to it as long as it is the newest of its form."""
        return latest_folder(self.sweep, self.form)


_RUN, _STAGE, _WINNERS = TypeAdapter(Run), TypeAdapter(StageRecord), TypeAdapter(list[Winner])


def run_folder(sweep: str, run: str) -> str:
    """The key prefix of a run."""
    return f"sweeps/{sweep}/{run}"


def latest_folder(sweep: str, form: Form) -> str:
    """The key prefix of a sweep's newest run in a form; a short run never hides a long one."""
    return f"sweeps/{sweep}/latest-{form}"


def stored(
    store: Store, key: str, data: bytes, read: Callable[[bytes], Record], then: str = "submit the sweep again"
) -> Record:
    """What a record of this content says; raises BadData, and what to do `then`, where nobody here has written it."""
    try:
        return read(data)
    except ValueError as error:
        raise BadData(
            f"{store.place(key)}: not as seedbed writes it ({_first_line(error)}); {then}"
        ) from None


def _first_line(error: ValueError) -> str:
    """What is wrong, and where in the file."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    return ": ".join([*filter(None, [".".join(map(str, first["loc"]))]), first["msg"]])


def as_run(data: bytes) -> Run:
    """A run from its record; raises ValueError, also for names that lead elsewhere."""
    run = _RUN.validate_json(data)
    for name in (run.sweep, run.run, *run.stages, *filter(None, [run.previous])):
        check_key(name)
    datetime.fromisoformat(run.started)
    return run


def as_stage(data: bytes) -> StageRecord:
    """A stage from its record; raises ValueError."""
    record = _STAGE.validate_json(data)
    for trial in (*record.trials, *record.baseline):
        check_key(trial.folder)
    TablePlan.model_validate(record.table)
    if record.expect is not None:
        ExpectPlan.model_validate(record.expect)
    if record.select is not None:
        SelectPlan.model_validate(record.select)
    return record


def as_winners(data: bytes) -> list[Winner]:
    """The winners of a stage from their record; raises ValueError."""
    return _WINNERS.validate_json(data, strict=True)
