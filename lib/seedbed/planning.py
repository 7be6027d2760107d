"""From a sweep to its trials: every point × seed, read by its family, with what it builds on and its identity."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from seedbed.config import Config, ConfigError, field_names
from seedbed.errors import InvalidConfig, InvalidSweep, did_you_mean
from seedbed.family import Family, load_family
from seedbed.identity import trial_id
from seedbed.sweep import Stage, Sweep
from seedbed.sweep.language import InputPlan, Scalar, TablePlan, parse_seeds
from seedbed.sweep.points import Point, expand, flatten


@dataclass(frozen=True)
class InputRef:
    """A finished trial that a trial builds on, and which of its weights."""

    family: str
    trial: str
    weights: str


@dataclass(frozen=True)
class PlannedTrial:
    """Point × seed with the trials it builds on: everything that an attempt needs to know."""

    id: str
    family: str
    role: str
    revision: int
    config: dict[str, Any]
    seed: int
    axes: dict[str, Scalar]
    data: str
    inputs: dict[str, list[InputRef]] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Where the store keeps it."""
        return f"trials/{self.family}/{self.id}"

    @property
    def label(self) -> str:
        """How people call it: its place on the axes and its seed."""
        axes = " ".join(f"{axis}={value}" for axis, value in self.axes.items())
        return f"{axes} seed={self.seed}".strip()

    def to_json(self) -> dict[str, Any]:
        """Plain values, as they stand in plan.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> PlannedTrial:
        """The reverse of to_json."""
        inputs = {role: [InputRef(**ref) for ref in refs] for role, refs in plain["inputs"].items()}
        return cls(**{**plain, "inputs": inputs})


@dataclass(frozen=True)
class PlannedPoint:
    """A point as its family reads it, and its trial for each seed."""

    axes: dict[str, Scalar]
    config: Config
    trials: dict[int, PlannedTrial]


@dataclass(frozen=True)
class PlannedStage:
    """A stage with all of its trials."""

    stage: Stage
    family: Family
    points: list[PlannedPoint]

    @property
    def trials(self) -> list[PlannedTrial]:
        """All trials of the stage, point by point."""
        return [trial for point in self.points for trial in point.trials.values()]


@dataclass(frozen=True)
class SweepPlan:
    """A sweep with every trial that it needs."""

    sweep: Sweep
    stages: dict[str, PlannedStage]

    @property
    def trials(self) -> list[PlannedTrial]:
        """All trials, each once, though several stages may hold it."""
        return list({trial.id: trial for stage in self.stages.values() for trial in stage.trials}.values())

    def baseline(self, name: str) -> tuple[str, PlannedPoint] | None:
        """The stage and point that a stage's points are compared with, if it has one."""
        stage = self.stages[name].stage
        baseline = stage.plan.baseline
        if baseline is None:
            return None
        place = f"{stage.place}.baseline"
        where = baseline.stage or name
        if where != name:
            _refuse_non_ancestor(self.sweep, name, where, place)
        return where, _the_point(self.stages[where], baseline.where, f"{place}.where")


def plan_sweep(sweep: Sweep, seeds: str | None = None) -> SweepPlan:
    """Expand a sweep into trials, checking each against its family's config and inputs.

    `seeds` replaces the sweep's own. Raises InvalidSweep or InvalidConfig naming
    file, path and value; BadData when a data set is not there.
    """
    plan = SweepPlan(sweep, {})
    for stage in sweep.stages:
        plan.stages[stage.name] = _StagePlanner(plan, stage, seeds or sweep.seeds).plan()
    for stage in sweep.stages:
        plan.baseline(stage.name)
    return plan


class _StagePlanner:
    """Plans one stage, whose ancestors are planned already."""

    def __init__(self, plan: SweepPlan, stage: Stage, seeds: str) -> None:
        self.done = plan.stages
        self.sweep = plan.sweep
        self.stage = stage
        own = stage.plan.seeds
        self.seeds = parse_seeds(own or seeds, f"{stage.place}.seeds" if own else f"{plan.sweep.file}: seeds")
        self.fingerprints: dict[str, str] = {}
        try:
            self.family = load_family(stage.family)
        except InvalidConfig as error:
            raise InvalidSweep(f"{stage.place.removesuffix('.plan')}.family: {error}") from None

    def plan(self) -> PlannedStage:
        for role, source in self.stage.plan.inputs.items():
            _refuse_non_ancestor(
                self.sweep, self.stage.name, source.stage, f"{self.stage.place}.inputs.{role}"
            )
        points = expand(self.stage.plan, field_names(self.family.config), self.stage.place)
        planned = PlannedStage(self.stage, self.family, [self._point(point) for point in points])
        self._refuse_twins(planned)
        self._refuse_wrong_table()
        return planned

    def _point(self, point: Point) -> PlannedPoint:
        sources = {
            role: _the_point(self.done[source.stage], source.where, f"{self.stage.place}.inputs.{role}.where")
            for role, source in point.inputs.items()
        }
        config = self._read(point, {role: source.config for role, source in sources.items()})
        return PlannedPoint(
            dict(point.axes), config, {seed: self._trial(point, config, sources, seed) for seed in self.seeds}
        )

    def _trial(
        self, point: Point, config: Config, sources: Mapping[str, PlannedPoint], seed: int
    ) -> PlannedTrial:
        inputs = {
            role: [self._input(role, source, sources[role], seed)] for role, source in point.inputs.items()
        }
        role = self.family.role_of(config)
        revision = self.family.roles[role].revision
        data = self._fingerprint(config)
        identity = trial_id(
            family=self.family.name,
            role=role,
            revision=revision,
            config=config,
            seed=seed,
            data=data,
            inputs={name: [(ref.trial, ref.weights) for ref in refs] for name, refs in inputs.items()},
        )
        return PlannedTrial(
            id=identity,
            family=self.family.name,
            role=role,
            revision=revision,
            config=config.model_dump(mode="json"),
            seed=seed,
            axes=dict(point.axes),
            data=data,
            inputs=inputs,
        )

    def _input(self, role: str, source: InputPlan, point: PlannedPoint, seed: int) -> InputRef:
        wanted = seed if source.pick == "same-seed" else source.pick.seed
        trial = point.trials.get(wanted)
        if trial is None:
            there = ", ".join(map(str, point.trials))
            raise InvalidSweep(
                f"{self.stage.place}.inputs.{role}: stage {source.stage} has no trial with seed {wanted}; "
                f"it has {there}"
            )
        return InputRef(trial.family, trial.id, source.weights)

    def _read(self, point: Point, inputs: Mapping[str, Config]) -> Config:
        try:
            return self.family.plan(point.settings, inputs)
        except ConfigError as error:
            raise InvalidConfig(
                f"{self.stage.place}.{_origin(point, error.path)}: {error.complaint}"
            ) from None

    def _fingerprint(self, config: Config) -> str:
        """The data's fingerprint, asked for once a config: planning stays quick in large grids."""
        key = json.dumps(config.model_dump(mode="json"), sort_keys=True)
        if key not in self.fingerprints:
            self.fingerprints[key] = self.family.fingerprint(config)
        return self.fingerprints[key]

    def _refuse_wrong_table(self) -> None:
        """A table that cannot be made is refused now, not when everything has been trained."""
        table = self.stage.plan.table or TablePlan()
        place = f"{self.stage.place}.table"
        for key, axis in (("rows", table.rows), ("columns", table.columns)):
            if axis is not None and axis not in self.stage.plan.grid:
                near = did_you_mean(axis, self.stage.plan.grid)
                raise InvalidSweep(f"{place}.{key}: the grid has no axis {axis!r}; {near}")
        if table.rows is not None and table.rows == table.columns:
            raise InvalidSweep(f"{place}.columns: {table.columns} is the axis of the rows already")
        if table.cell is not None:
            known = [
                f"{split}/{metric}@{when}"
                for split in ("test", "val", "train")
                for metric in self.family.metrics
                for when in ("best", "last")
            ]
            if table.cell not in known:
                raise InvalidSweep(
                    f"{place}.cell: no such metric: {table.cell!r}; {did_you_mean(table.cell, known)}"
                )

    def _refuse_twins(self, planned: PlannedStage) -> None:
        seen: dict[str, PlannedTrial] = {}
        for trial in planned.trials:
            twin = seen.setdefault(trial.id, trial)
            if twin is not trial:
                raise InvalidSweep(
                    f"{self.stage.place}.grid: {twin.label} and {trial.label} are the same trial"
                )


def _refuse_non_ancestor(sweep: Sweep, name: str, wanted: str, place: str) -> None:
    names = [stage.name for stage in sweep.stages]
    if wanted not in names:
        raise InvalidSweep(f"{place}.stage: no stage is called {wanted!r}; {did_you_mean(wanted, names)}")
    if wanted not in sweep.ancestors(name):
        raise InvalidSweep(f"{place}.stage: {wanted} must be an ancestor: name it in the depends of {name}")


def _the_point(planned: PlannedStage, where: Mapping[str, Scalar], place: str) -> PlannedPoint:
    """The one point of a stage that `where` leaves; refuses none and several."""
    left = planned.points
    for key, wanted in where.items():
        values = [_value_at(point, key, planned, place) for point in left]
        left = [point for point, value in zip(left, values, strict=True) if value == wanted]
        if not left:
            known = did_you_mean(wanted, dict.fromkeys(values))
            raise InvalidSweep(f"{place}.{key}: no point of {planned.stage.name} has {wanted!r}; {known}")
    if len(left) > 1:
        labels = "; ".join(_axes_in_words(point.axes) for point in left[:3])
        more = f"; and {len(left) - 3} more" if len(left) > 3 else ""
        open_axes = [axis for axis in left[0].axes if axis not in where]
        raise InvalidSweep(
            f"{place}: leaves {len(left)} points of {planned.stage.name} ({labels}{more}); "
            f"say which {' and '.join(open_axes)}"
        )
    return left[0]


def _value_at(point: PlannedPoint, key: str, planned: PlannedStage, place: str) -> Any:
    if key in point.axes:
        return point.axes[key]
    settings = flatten(point.config.model_dump(mode="json"))
    if key not in settings:
        known = did_you_mean(key, [*point.axes, *settings])
        raise InvalidSweep(f"{place}.{key}: neither an axis nor a setting of {planned.stage.name}; {known}")
    return settings[key]


def _axes_in_words(axes: Mapping[str, Scalar]) -> str:
    return " ".join(f"{axis}={value}" for axis, value in axes.items())


def _origin(point: Point, path: tuple[str, ...]) -> str:
    """Where in the plan the setting at a path was given."""
    if path[:1] == ("inputs",):
        return ".".join(path)
    for length in range(len(path), 0, -1):
        dotted = ".".join(path[:length])
        for given, place in point.origin.items():
            if given == dotted or given.startswith(f"{dotted}."):
                return place
    return ".".join(("config", *path))
