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
    trials: list[PlannedTrial]
    baseline_label: str
    baseline: list[PlannedTrial]
    """The trials that the others are compared with, empty without a baseline."""

    @classmethod
    def of(cls, plan: SweepPlan, stage: PlannedStage) -> StageRecord:
        """The record of a planned stage."""
        name = stage.stage.name
        against = plan.baseline(name)
        axes = " ".join(str(value) for value in against[1].axes.values()) if against else ""
        return cls(
            stage=name,
            family=stage.family.name,
            shown=stage.stage.plan.table is not None,
            table=(stage.stage.plan.table or TablePlan()).model_dump(),
            trials=stage.trials,
            baseline_label=f"{against[0]} {axes}".strip() if against else "",
            baseline=list(against[1].trials.values()) if against else [],
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
    """The newest run when it has this very plan, else a new one, its plans written."""
    records = [StageRecord.of(plan, stage) for stage in plan.stages.values()]
    about = digest([asdict(record) for record in records])
    newest = read_run(store, plan.sweep.name, form)
    if newest is not None and newest.plan == about:
        return newest
    name = f"{plan.sweep.name}-{''.join(secrets.choice(_LETTERS) for _ in range(5))}"
    started = datetime.now(UTC).isoformat(timespec="seconds")
    stages = [record.stage for record in records]
    run = Run(plan.sweep.name, plan.sweep.title, form, name, started, about, stages)
    for record in records:
        store.write(f"{run.folder}/{record.stage}/plan.json", _json(asdict(record)))
    store.write(f"{run.folder}/sweep.json", _json(asdict(run)))
    store.point(run.latest, run.folder)
    return run


def read_run(store: Store, sweep: str, form: Form) -> Run | None:
    """The newest run of a sweep in a form; raises BadData when its record is damaged."""
    key = f"{latest_folder(sweep, form)}/sweep.json"
    data = store.read(key)
    return None if data is None else _read(store, key, data, lambda plain: Run(**plain))


def read_stages(store: Store, run: Run) -> list[StageRecord]:
    """What each stage of a run planned; raises BadData when a record is missing or damaged."""
    keys = [f"{run.folder}/{stage}/plan.json" for stage in run.stages]
    return [_read(store, key, store.read(key) or b"", StageRecord.from_json) for key in keys]


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
