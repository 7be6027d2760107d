"""Which points of a store are meant: `kd-alpha-sweep/students[alpha.gaf=0.1,teacher=wrn16-1]`, or a trial's id."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from seedbed.errors import BadData, InvalidSweep, did_you_mean
from seedbed.planning import PlannedTrial
from seedbed.run_records import Run, StageRecord
from seedbed.runs import list_sweeps, newest_run, read_stages, run_in
from seedbed.store import Store
from seedbed.sweep.language import TablePlan
from seedbed.tables.wording import label

ADDRESS = re.compile(r"(?P<sweep>[^/\[\]]+)(?:/(?P<stage>[^/\[\]]+)(?:\[(?P<axes>[^\[\]]*)\])?)?")
TRIAL = re.compile(r"[0-9a-f]{4,16}")


@dataclass(frozen=True)
class Side:
    """The stages that an address names, and the values of axes that it asks for."""

    address: str
    records: Sequence[StageRecord]
    axes: Mapping[str, str]

    def holds(self, axes: Mapping[str, object]) -> bool:
        """Whether a point on these axes is meant."""
        return all(axis in axes and label(axes[axis]) == wanted for axis, wanted in self.axes.items())  # type: ignore[arg-type]


def find_side(store: Store, address: str, *, full: bool) -> Side:
    """What an address names; raises InvalidSweep with the nearest name for what is not there."""
    parts = ADDRESS.fullmatch(address)
    if parts is None:
        raise InvalidSweep(
            f"{address!r}: expected a trial's id, or SWEEP/STAGE[axis=value,…] of which the end may be left out"
        )
    if TRIAL.fullmatch(address) and address not in _sweeps(store):
        return Side(address, [_alone(_trial(store, address))], {})
    records = read_stages(store, _run(store, parts["sweep"], full))
    stages = [record.stage for record in records]
    if parts["stage"] is None:
        return Side(address, [record for record in records if record.trials], {})
    if parts["stage"] not in stages:
        raise InvalidSweep(
            f"{address}: {parts['sweep']} has no stage {parts['stage']!r}; {did_you_mean(parts['stage'], stages)}"
        )
    record = records[stages.index(parts["stage"])]
    return Side(address, [record], _axes(address, record, parts["axes"] or ""))


def _same(known: str, asked: str) -> bool:
    """Whether two spellings are one value: 1.0 is 1, and 5e-4 is 0.0005."""
    try:
        return float(known) == float(asked)
    except ValueError:
        return False


def _axes(address: str, record: StageRecord, text: str) -> dict[str, str]:
    """The values asked for, each of which a point of the stage has."""
    asked = {}
    left = record.trials
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        axis, equals, value = (piece.strip() for piece in part.partition("="))
        known = dict.fromkeys(axis for trial in left for axis in trial.axes if axis not in record.over)
        if not equals:
            raise InvalidSweep(
                f"{address}: found {part!r}, expected axis=value such as {_example(left, known)}"
            )
        if axis not in known:
            raise InvalidSweep(f"{address}: {record.stage} has no axis {axis!r}; {did_you_mean(axis, known)}")
        values = dict.fromkeys(label(trial.axes[axis]) for trial in left if axis in trial.axes)
        if value not in values:
            value = next((known for known in values if _same(known, value)), value)
        if value not in values:
            raise InvalidSweep(
                f"{address}: no point of {record.stage} has {axis}={value}; {did_you_mean(value, values)}"
            )
        left = [trial for trial in left if axis in trial.axes and label(trial.axes[axis]) == value]
        asked[axis] = value
    return asked


def _example(trials: Sequence[PlannedTrial], known: Iterable[str]) -> str:
    axis = next(iter(known), "")
    return f"{axis}={label(trials[0].axes.get(axis))}" if axis else "nothing: it has no axes"


def _sweeps(store: Store) -> list[str]:
    runs, _ = list_sweeps(store)
    return list(dict.fromkeys(run.sweep for run in runs))


def _run(store: Store, name: str, full: bool) -> Run:
    """A run by its own name, else a sweep's newest."""
    for sweep in _sweeps(store):
        if name.startswith(f"{sweep}-") and (run := run_in(store, f"sweeps/{sweep}/{name}")):
            return run
    return newest_run(store, name, full)


def trial_folder(store: Store, prefix: str) -> str:
    """The folder of the one trial whose id begins so; raises InvalidSweep when there is none, or several."""
    keys = [key.split("/") for key in store.list("trials")]  # files that are not ours may lie there too
    found = sorted({"/".join(key[:3]) for key in keys if len(key) > 3 and key[2].startswith(prefix)})
    if len(found) != 1:
        what = "no trial begins" if not found else f"{len(found)} trials begin"
        raise InvalidSweep(f"{store.place('trials')}: {what} with {prefix!r}")
    return found[0]


def _trial(store: Store, prefix: str) -> PlannedTrial:
    key = f"{trial_folder(store, prefix)}/config.json"
    try:
        return PlannedTrial.from_json(json.loads(store.read(key) or b""))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BadData(f"{store.place(key)}: not a trial as seedbed writes it; run it again") from None


def _alone(trial: PlannedTrial) -> StageRecord:
    """A trial as a stage of its own."""
    return StageRecord(
        stage=trial.id,
        family=trial.family,
        shown=True,
        table=TablePlan().model_dump(),
        over=[],
        trials=[trial],
        baseline_label="",
        baseline=[],
    )
