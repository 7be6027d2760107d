"""A sweep's runs in the store: what each stage planned, and which run is the newest of its form.

What stands there is enough to make the tables again, without the sweep file.
"""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from seedbed.errors import BadData, InvalidSweep, did_you_mean
from seedbed.identity import digest
from seedbed.planning import PlannedStage, PlannedTrial, SweepPlan, Winner
from seedbed.planning.selecting import chain_of
from seedbed.store import Store
from seedbed.sweep import Form
from seedbed.sweep.language import TablePlan
from seedbed.sweep.laptop import laptop_summary

_LETTERS = string.ascii_lowercase + string.digits


@dataclass(frozen=True)
class StageRecord:
    """A stage as it was planned: its trials, its table's layout, and what it is compared with."""

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

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> StageRecord:
        """The reverse of `asdict`."""
        lists = {
            key: [PlannedTrial.from_json(trial) for trial in plain[key]] for key in ("trials", "baseline")
        }
        return cls(**{**plain, **lists})


@dataclass(frozen=True)
class Run:
    """One run of a sweep: where its plans and tables stand."""

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


def _folder(sweep: str, run: str) -> str:
    return f"sweeps/{sweep}/{run}"


def latest_folder(sweep: str, form: Form) -> str:
    """The key prefix of a sweep's newest run in a form; a short run never hides a long one."""
    return f"sweeps/{sweep}/latest-{form}"


def open_run(store: Store, plan: SweepPlan, form: Form) -> Run:
    """The newest run when it has this very plan, else a new one; what its stages plan is written.

    A stage that is late is written when this is called again with a plan that knows its trials.
    """
    about = _digest(plan)
    run = read_run(store, plan.sweep.name, form)
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
    newest = read_run(store, plan.sweep.name, form)
    run = _run(
        plan, form, name, started, _digest(plan), run_in(store, _folder(plan.sweep.name, name)) or newest
    )
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
    return None if data is None else _read(store, key, data, lambda plain: Run(**plain))


def read_stages(store: Store, run: Run) -> list[StageRecord]:
    """What each stage of a run planned, as far as it is known yet; raises BadData when a record is damaged."""
    keys = [f"{run.folder}/{stage}/plan.json" for stage in run.stages]
    found = store.read_many(keys)
    return [_read(store, key, data, StageRecord.from_json) for key, data in found if data is not None]


def write_winners(store: Store, run: Run, stage: str, winners: Sequence[Winner]) -> None:
    """Record which points of a stage won, by which rule, and what that rests on."""
    key = f"{run.folder}/{stage}/winner.json"
    _write_if_new(store, key, _json([winner.to_json() for winner in winners]))


def recorded_winners(store: Store, plan: SweepPlan, form: Form) -> dict[str, list[Winner]]:
    """By stage, the winners of the runs before the one that has this plan; of that one, where it is the first."""
    run = read_run(store, plan.sweep.name, form)
    if run is not None and run.plan == _digest(plan) and run.previous:
        run = run_in(store, _folder(run.sweep, run.previous))
    found: dict[str, list[Winner]] = {}
    seen = set()
    while run is not None and run.run not in seen:
        seen.add(run.run)
        for stage in run.stages:
            key = f"{run.folder}/{stage}/winner.json"
            data = store.read(key)
            if data is not None and stage not in found:
                found[stage] = _read(store, key, data, lambda plain: [Winner.from_json(one) for one in plain])
        run = run_in(store, _folder(run.sweep, run.previous)) if run.previous else None
    return found


def list_sweeps(store: Store) -> list[Run]:
    """The newest run of each sweep and form, by name."""
    names = dict.fromkeys(key.split("/")[1] for key in store.list("sweeps"))
    forms: tuple[Form, ...] = ("full", "laptop")
    return [run for name in names for form in forms if (run := read_run(store, name, form))]


def newest_run(store: Store, sweep: str, full: bool) -> Run:
    """The newest run of a sweep: the laptop form's, unless `full` or there is no other; raises InvalidSweep."""
    runs = [run for run in list_sweeps(store) if run.sweep == sweep]
    if not runs:
        known = dict.fromkeys(run.sweep for run in list_sweeps(store))
        raise InvalidSweep(
            f"{store.place('sweeps')}: no sweep {sweep!r} has been submitted; {did_you_mean(sweep, known)}"
        )
    wanted = [run for run in runs if run.form == ("full" if full else "laptop")]
    if full and not wanted:
        raise InvalidSweep(f"{sweep}: its full form has not been submitted to this store")
    return (wanted or runs)[0]


def _read(store: Store, key: str, data: bytes, read: Any) -> Any:
    try:
        return read(json.loads(data))
    except (ValueError, TypeError, KeyError):
        raise BadData(
            f"{store.place(key)}: not a plan as seedbed writes it; submit the sweep again"
        ) from None


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode()
