"""A sweep's runs in the store: what each stage planned, and which run is the newest of its form.

What stands there is enough to make the tables again, without the sweep file.
"""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from seedbed.errors import BadData, InvalidSweep, did_you_mean
from seedbed.identity import digest
from seedbed.planning import PlannedStage, SweepPlan, Winner
from seedbed.run_records import (
    Run,
    StageRecord,
    as_run,
    as_stage,
    as_winners,
    latest_folder,
    run_folder,
    stored,
)
from seedbed.store import Store
from seedbed.sweep import Form
from seedbed.sweep.laptop import laptop_summary

_LETTERS = string.ascii_lowercase + string.digits
_FORMS: tuple[Form, ...] = ("full", "laptop")


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
    before = _known(store, run_folder(plan.sweep.name, name)) or newest
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
    return None if data is None else stored(store, key, data, as_run)


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
    return [stored(store, key, data, as_stage) for key, data in found if data is not None]


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
        run = _known(store, run_folder(run.sweep, run.previous))
    found: dict[str, list[Winner]] = {}
    seen = set()
    while run is not None and run.run not in seen:
        seen.add(run.run)
        for stage in run.stages:
            key = f"{run.folder}/{stage}/winner.json"
            data = store.read(key)
            if data is not None and stage not in found:
                found[stage] = stored(store, key, data, as_winners, "move it away to go on without it")
        run = _known(store, run_folder(run.sweep, run.previous)) if run.previous else None
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


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode()
