"""A sweep's runs in the store: what each stage planned, and which run is the newest of its form.

What stands there is enough to make the tables again, without the sweep file.
"""

from __future__ import annotations

import json
import secrets
import string
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from seedbed.errors import BadData
from seedbed.identity import digest
from seedbed.planning import PlannedStage, PlannedTrial, SweepPlan
from seedbed.store import Store
from seedbed.sweep import Form
from seedbed.sweep.language import TablePlan

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

    @classmethod
    def of(cls, plan: SweepPlan, stage: PlannedStage) -> StageRecord:
        """The record of a planned stage."""
        against = plan.baselines.get(stage.stage.name)
        expect = stage.stage.plan.expect
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

    @property
    def folder(self) -> str:
        """Its key prefix in the store."""
        return f"sweeps/{self.sweep}/{self.run}"

    @property
    def latest(self) -> str:
        """The key prefix that leads to it as long as it is the newest of its form."""
        return latest_folder(self.sweep, self.form)


def latest_folder(sweep: str, form: Form) -> str:
    """The key prefix of a sweep's newest run in a form; a short run never hides a long one."""
    return f"sweeps/{sweep}/latest-{form}"


def open_run(store: Store, plan: SweepPlan, form: Form) -> Run:
    """The newest run when it has this very plan, else a new one; what its stages plan is written.

    A stage that is late is written when this is called again with a plan that knows its trials.
    """
    sweep = plan.sweep
    records = [StageRecord.of(plan, stage) for stage in plan.stages.values() if not stage.late]
    about = digest([_lasting(plan, stage) for stage in plan.stages.values()])
    run = read_run(store, sweep.name, form)
    if run is None or run.plan != about:
        name = f"{sweep.name}-{''.join(secrets.choice(_LETTERS) for _ in range(5))}"
        started = datetime.now(UTC).isoformat(timespec="seconds")
        run = Run(sweep.name, sweep.title, form, name, started, about, list(plan.stages))
    for record in records:
        _write_if_new(store, f"{run.folder}/{record.stage}/plan.json", _json(asdict(record)))
    _write_if_new(store, f"{run.folder}/sweep.json", _json(asdict(run)))
    store.point(run.latest, run.folder)
    return run


def _lasting(plan: SweepPlan, stage: PlannedStage) -> Any:
    """What makes a stage's plan that plan, whether or not results have told its late trials yet."""
    if plan.sweep.may_be_late(stage.stage.name):
        return [stage.stage.name, stage.family.name, stage.stage.plan.model_dump(mode="json"), stage.at_most]
    return asdict(StageRecord.of(plan, stage))


def _write_if_new(store: Store, key: str, data: bytes) -> None:
    if store.read(key) != data:
        store.write(key, data)


def read_run(store: Store, sweep: str, form: Form) -> Run | None:
    """The newest run of a sweep in a form; raises BadData when its record is damaged."""
    key = f"{latest_folder(sweep, form)}/sweep.json"
    data = store.read(key)
    return None if data is None else _read(store, key, data, lambda plain: Run(**plain))


def read_stages(store: Store, run: Run) -> list[StageRecord]:
    """What each stage of a run planned, as far as it is known yet; raises BadData when a record is damaged."""
    keys = [f"{run.folder}/{stage}/plan.json" for stage in run.stages]
    found = [(key, store.read(key)) for key in keys]
    return [_read(store, key, data, StageRecord.from_json) for key, data in found if data is not None]


def list_sweeps(store: Store) -> list[Run]:
    """The newest run of each sweep and form, by name."""
    names = dict.fromkeys(key.split("/")[1] for key in store.list("sweeps"))
    forms: tuple[Form, ...] = ("full", "laptop")
    return [run for name in names for form in forms if (run := read_run(store, name, form))]


def _read(store: Store, key: str, data: bytes, read: Any) -> Any:
    try:
        return read(json.loads(data))
    except (ValueError, TypeError, KeyError):
        raise BadData(
            f"{store.place(key)}: not a plan as seedbed writes it; submit the sweep again"
        ) from None


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode()
