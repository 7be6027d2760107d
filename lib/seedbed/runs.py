"""A sweep's runs in the store: what each stage planned, and which run is the newest of its form.

What stands there is enough to make the tables again, without the sweep file.
"""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from seedbed.errors import BadData, InvalidSweep, did_you_mean
from seedbed.identity import digest
from seedbed.planning import PlannedStage, PlannedTrial, SweepPlan, Winner
from seedbed.planning.selecting import chain_of
from seedbed.store import Store, check_key
from seedbed.sweep import Form
from seedbed.sweep.language import ExpectPlan, TablePlan
from seedbed.sweep.laptop import laptop_summary
from seedbed.sweep.ordered import SelectPlan

_LETTERS = string.ascii_lowercase + string.digits
_FORMS: tuple[Form, ...] = ("full", "laptop")
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
        return _folder(self.sweep, self.run)

    @property
    def latest(self) -> str:
        """The key prefix that leads to it as long as it is the newest of its form."""
        return latest_folder(self.sweep, self.form)


_RUN, _STAGE, _WINNERS = TypeAdapter(Run), TypeAdapter(StageRecord), TypeAdapter(list[Winner])


def _folder(sweep: str, run: str) -> str:
    return f"sweeps/{sweep}/{run}"


def latest_folder(sweep: str, form: Form) -> str:
    """The key prefix of a sweep's newest run in a form; a short run never hides a long one."""
    return f"sweeps/{sweep}/latest-{form}"


def way_to(store: Store, run: Run) -> str:
    """The key prefix by which a run is reached: its form's pointer, unless that leads to another run."""
    newest = _known(store, run.latest)
    return run.latest if newest is not None and newest.run == run.run else run.folder


def open_run(store: Store, plan: SweepPlan, form: Form, again: Run | None = None) -> Run:
    """The newest run when it has this very plan, else a new one; what its stages plan is written.

    A stage that is late is written when this is called `again`, for the run that it gave, with a plan that knows its
    trials: the newest may be another's by then. A record that is damaged is none.
    """
    about = _digest(plan)
    run = again or _known(store, latest_folder(plan.sweep.name, form))
    if run is None or run.plan != about:
        name = f"{plan.sweep.name}-{''.join(secrets.choice(_LETTERS) for _ in range(5))}"
        started = datetime.now(UTC).isoformat(timespec="seconds")
    else:
        name, started = run.run, run.started
    run = _run(plan, form, name, started, about, run)
    _write(store, run, [StageRecord.of(plan, stage) for stage in plan.stages.values() if not stage.late])
    for stage in plan.stages.values():
        if stage.winners is not None:
            write_winners(store, run, stage.stage.name, stage.winners)
    store.point(run.latest, run.folder)
    return run


def open_named_run(store: Store, plan: SweepPlan, form: Form, name: str, started: str, stage: str) -> Run:
    """The run of a workflow of that name, with what one of its stages plans written to it.

    It becomes the newest run of its form unless one that started later is.
    """
    newest = _known(store, latest_folder(plan.sweep.name, form))
    before = _known(store, _folder(plan.sweep.name, name)) or newest
    run = _run(plan, form, name, started, _digest(plan), before)
    _write(store, run, [StageRecord.of(plan, plan.stages[stage])])
    if newest is None or newest.started <= started:
        store.point(run.latest, run.folder)
    return run


def _run(plan: SweepPlan, form: Form, name: str, started: str, about: str, newest: Run | None) -> Run:
    sweep = plan.sweep
    return Run(
        sweep=sweep.name,
        title=sweep.title,
        form=form,
        run=name,
        started=started,
        plan=about,
        stages=list(plan.stages),
        description=sweep.description,
        cut=laptop_summary(sweep) if form == "laptop" else "",
        previous="" if newest is None else newest.previous if newest.run == name else newest.run,
    )


def _digest(plan: SweepPlan) -> str:
    """Of all that its stages plan."""
    return digest([_lasting(plan, stage) for stage in plan.stages.values()])


def _write(store: Store, run: Run, records: Iterable[StageRecord]) -> None:
    for record in records:
        _write_if_new(store, f"{run.folder}/{record.stage}/plan.json", _json(asdict(record)))
    _write_if_new(store, f"{run.folder}/sweep.json", _json(asdict(run)))


def _lasting(plan: SweepPlan, stage: PlannedStage) -> Any:
    """What makes a stage's plan that plan, whether or not results have told its late trials yet."""
    if plan.sweep.may_be_late(stage.stage.name):
        seeds = sorted({seed for point in stage.points for seed in point.seeds})
        return [stage.stage.name, stage.family.name, stage.stage.plan.model_dump(mode="json"), seeds]
    return asdict(replace(StageRecord.of(plan, stage), kept=[]))


def _write_if_new(store: Store, key: str, data: bytes) -> None:
    if store.read(key) != data:
        store.write(key, data)


def read_run(store: Store, sweep: str, form: Form) -> Run | None:
    """The newest run of a sweep in a form; raises BadData when its record is damaged."""
    return run_in(store, latest_folder(sweep, form))


def run_in(store: Store, folder: str) -> Run | None:
    """The run in a folder of the store; raises BadData when its record is damaged."""
    key = f"{folder}/sweep.json"
    data = store.read(key)
    return None if data is None else _read(store, key, data, _as_run)


def _known(store: Store, folder: str) -> Run | None:
    """The run in a folder, where its record can be read."""
    try:
        return run_in(store, folder)
    except BadData:
        return None


def read_stages(store: Store, run: Run) -> list[StageRecord]:
    """What each stage of a run planned, as far as it is known yet; raises BadData when a record is damaged."""
    keys = [f"{run.folder}/{stage}/plan.json" for stage in run.stages]
    found = store.read_many(keys)
    return [_read(store, key, data, _as_stage) for key, data in found if data is not None]


def unplanned(run: Run, records: Iterable[StageRecord]) -> list[str]:
    """The stages of a run that none of its records is of: not planned yet, or lost."""
    planned = {record.stage for record in records}
    return [stage for stage in run.stages if stage not in planned]


def write_winners(store: Store, run: Run, stage: str, winners: Sequence[Winner]) -> None:
    """Record which points of a stage won, by which rule, and what that rests on."""
    key = f"{run.folder}/{stage}/winner.json"
    _write_if_new(store, key, _json([winner.to_json() for winner in winners]))


def recorded_winners(store: Store, plan: SweepPlan, form: Form) -> dict[str, list[Winner]]:
    """By stage, the winners of the runs before the one that has this plan; of that one, where it is the first."""
    run = _known(store, latest_folder(plan.sweep.name, form))
    if run is not None and run.plan == _digest(plan) and run.previous:
        run = _known(store, _folder(run.sweep, run.previous))
    found: dict[str, list[Winner]] = {}
    seen = set()
    while run is not None and run.run not in seen:
        seen.add(run.run)
        for stage in run.stages:
            key = f"{run.folder}/{stage}/winner.json"
            data = store.read(key)
            if data is not None and stage not in found:
                found[stage] = _read(store, key, data, _as_winners, "move it away to go on without it")
        run = _known(store, _folder(run.sweep, run.previous)) if run.previous else None
    return found


def list_sweeps(store: Store) -> tuple[list[Run], list[str]]:
    """The newest run of each sweep and form, by name, and a line for each whose record cannot be read."""
    runs, damaged = [], []
    for name in _sweep_names(store):
        for form in _FORMS:
            try:
                run = read_run(store, name, form)
            except BadData as why:
                damaged.append(str(why))
            else:
                runs += [run] if run else []
    return runs, damaged


def newest_run(store: Store, sweep: str, full: bool) -> Run:
    """The newest run of a sweep: the laptop form's, unless `full` or there is no other.

    Raises InvalidSweep when there is none, and BadData when its record is damaged.
    """
    wanted: tuple[Form, ...] = ("full",) if full else ("laptop", "full")
    submitted = sweep in _sweep_names(store)
    for form in wanted if submitted else ():
        if run := read_run(store, sweep, form):
            return run
    if full and submitted:
        raise InvalidSweep(f"{sweep}: its full form has not been submitted to this store")
    runs, _ = list_sweeps(store)
    known = dict.fromkeys(run.sweep for run in runs)
    raise InvalidSweep(
        f"{store.place('sweeps')}: no sweep {sweep!r} has been submitted; {did_you_mean(sweep, known)}"
    )


def _sweep_names(store: Store) -> list[str]:
    return list(dict.fromkeys(key.split("/")[1] for key in store.list("sweeps")))


def _read(
    store: Store, key: str, data: bytes, read: Callable[[bytes], Record], then: str = "submit the sweep again"
) -> Record:
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


def _as_run(data: bytes) -> Run:
    """A run from its record; raises ValueError, also for names that lead elsewhere."""
    run = _RUN.validate_json(data)
    for name in (run.sweep, run.run, *run.stages, *filter(None, [run.previous])):
        check_key(name)
    datetime.fromisoformat(run.started)
    return run


def _as_stage(data: bytes) -> StageRecord:
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


def _as_winners(data: bytes) -> list[Winner]:
    return _WINNERS.validate_json(data, strict=True)


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode()
