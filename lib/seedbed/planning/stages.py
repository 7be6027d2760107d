"""Planning one stage, whose ancestors are planned already."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from seedbed.config import Config, ConfigError, NoSuchSetting, field_names
from seedbed.errors import InvalidConfig, InvalidSweep
from seedbed.family import load_family
from seedbed.identity import trial_id
from seedbed.planning.inheritance import Starts, starts_of, won_by
from seedbed.planning.leakage import LeakCheck
from seedbed.planning.lots import Lot, Pair, chain_again, ends_of, with_incumbent, without
from seedbed.planning.model import (
    InputRef,
    MetricsOf,
    PlannedPoint,
    PlannedStage,
    PlannedTrial,
    axes_in_words,
)
from seedbed.planning.picking import Hopeless, NotYetKnown, best_trial
from seedbed.planning.refusals import (
    APART,
    refuse_absent_seeds,
    refuse_contradicted_axes,
    refuse_picks_that_meet,
    refuse_rewritten_axes,
    refuse_several,
    refuse_too_many_packs,
    refuse_unlike,
    refuse_wrong_table,
)
from seedbed.planning.selecting import (
    refuse_seeds_that_selected,
    refuse_wrong_selection,
    selected,
)
from seedbed.planning.where import refuse_non_ancestor, the_point
from seedbed.planning.winners import Winner
from seedbed.sweep import Stage, Sweep
from seedbed.sweep.language import BaselinePlan, InputPlan, SeedPick
from seedbed.sweep.part import Scalar
from seedbed.sweep.points import GATHERED, INHERITED, Point, Start, expand, flatten, names_in, nest
from seedbed.sweep.seeds import parse_seeds


@dataclass(frozen=True)
class _Source:
    """A role's input plan, and the point that it leaves."""

    plan: InputPlan
    stage: PlannedStage
    point: PlannedPoint


class StagePlanner:
    """Plans one stage; `done` are the stages before it."""

    def __init__(
        self,
        sweep: Sweep,
        stage: Stage,
        done: Mapping[str, PlannedStage],
        metrics_of: MetricsOf,
        leaks: LeakCheck,
        kept: Sequence[Winner] | None = None,
    ) -> None:
        self.sweep = sweep
        self.stage = stage
        self.plan = stage.plan
        self.place = stage.place
        self.done = done
        self.metrics_of = metrics_of
        self.leaks = leaks
        self.kept = kept
        self.hopeless = ""
        own, of_all = self.plan.seeds, f"{sweep.file}: spec.arguments.parameters[seeds]"
        self.seeds = parse_seeds(own or sweep.seeds, f"{self.place}.seeds" if own else of_all)
        self.fingerprints: dict[str, str] = {}
        try:
            self.family = load_family(stage.family)
        except InvalidConfig as error:
            raise InvalidSweep(f"{self.place.removesuffix('.plan')}.family: {error}") from None

    def planned(self) -> PlannedStage:
        """The stage with all of its trials; raises InvalidSweep or InvalidConfig naming the place."""
        for role, source in self.plan.inputs.items():
            refuse_non_ancestor(
                self.sweep, self.stage.name, source.stage, f"{self.place}.inputs.{role}.stage"
            )
        planned = self._gathered() if self.plan.gather else self._trained()
        refuse_wrong_table(planned)
        refuse_too_many_packs(planned)
        refuse_wrong_selection(planned)
        return selected(planned, self.metrics_of, self.kept)

    def _trained(self) -> PlannedStage:
        starts = self._starts()
        lots = [self._lot(start, starts) for start in starts.possible]
        shown = {tuple(lot.start.axes.items()): lot for lot in reversed(lots)}
        over = {*self.plan.over}
        for source in self.plan.inputs.values():
            if source.where == "each":
                over |= self.done[source.stage].over
        counts = [(tuple(lot.start.axes.items()), self._most(lot, starts.sampled)) for lot in lots]
        most = {axes: max(count for place, count in counts if place == axes) for axes in shown}
        return PlannedStage(
            self.stage,
            self.family,
            [point for lot in reversed(shown.values()) for point in lot.points],
            frozenset(over),
            ends=tuple(end for lot in lots for end in lot.ends),
            incumbents=tuple(lot.incumbent for lot in reversed(shown.values()) if lot.incumbent is not None),
            hopeless=starts.hopeless or self.hopeless,
            sampled=starts.sampled,
            most=sum(most.values()),
        )

    def _starts(self) -> Starts:
        """What its points start from: nothing, what it inherits, or the end of the chain that it confirms."""
        confirmed = self.plan.confirm
        if confirmed is None:
            return starts_of(self.sweep, self.stage, self.done)
        starts = won_by(self.sweep, self.stage, confirmed, self.done, f"{self.place}.confirm")
        refuse_seeds_that_selected(self.sweep, self.stage, self.seeds, self.done)
        return starts

    def _lot(self, start: Start, starts: Starts) -> Lot:
        """The points that the stage has from one start; without trials when that is only a possibility."""

        def read(point: Point) -> Pair:
            return self._point(point, starts.known)

        known = field_names(self.family.config)
        try:
            if self.plan.confirm:
                pairs = chain_again(self.stage, start, known, read)
                return Lot(start, self._without_twins(pairs), [], None)
            points_of = {name: [point.axes for point in stage.points] for name, stage in self.done.items()}
            pairs = [read(point) for point in expand(self.plan, known, self.place, points_of, start)]
            incumbent = self._named_incumbent([planned for _, planned in pairs])
            grid = len(pairs)
            if self.plan.inherit:
                pairs, incumbent = with_incumbent(pairs, self.stage, start, known, read)
            refuse_picks_that_meet(pairs, self.place)
            joined = self._without_twins(pairs)
        except (InvalidSweep, InvalidConfig) as error:
            if starts.known:
                raise
            won = ", ".join(f"{_in_words(step.axes)} of {step.stage}" for step in start.steps)
            raise type(error)(f"{error} (should it start from {won})") from None
        kept = [pair for pair in pairs if any(pair[1].axes == point.axes for point in joined)]
        ends = ends_of(kept, self.stage, start, incumbent)
        return Lot(start, joined, ends, incumbent, len(pairs) > grid)

    def _most(self, lot: Lot, sampled: bool) -> int:
        """The trials of a lot; when it is one of a sample, as many as one outside of it might have."""
        trials = sum(len(point.seeds) for point in lot.points)
        if not sampled:
            return trials
        replicates = math.prod(len(values) for values in self.plan.over.values())
        if self.plan.confirm:
            return (2 + len(lot.start.steps)) * replicates * len(self.seeds)
        return trials + replicates * len(self.seeds) * (not lot.incumbent_is_extra)

    def _named_incumbent(self, points: Sequence[PlannedPoint]) -> dict[str, Scalar] | None:
        """Where the point of this stage stands that its own `baseline` names."""
        baseline = self.plan.baseline
        if not isinstance(baseline, BaselinePlan) or baseline.stage not in (None, self.stage.name):
            return None
        if any(map(names_in, baseline.where.values())):
            if self.plan.select:
                raise InvalidSweep(
                    f"{self.place}.baseline.where: a stage that selects has one point to beat, no {{name}}"
                )
            return None
        over = frozenset(self.plan.over)
        here = PlannedStage(self.stage, self.family, list(points), over)
        chosen = the_point(here, baseline.where, f"{self.place}.baseline.where", points[0].axes)
        return without(chosen.axes, over)

    def _gathered(self) -> PlannedStage:
        """No trials of its own: the points of other stages, told apart by the axis `stage`."""
        if self.plan.config or self.plan.grid or self.plan.over or self.plan.inputs:
            raise InvalidSweep(
                f"{self.place}.gather: trains nothing, so that config, grid, over and inputs are in vain"
            )
        points: dict[tuple[tuple[str, Scalar], ...], PlannedPoint] = {}
        over = frozenset[str]()
        for name in self.plan.gather:
            place = f"{self.place}.gather"
            refuse_non_ancestor(self.sweep, self.stage.name, name, place)
            gathered = self.done[name]
            refuse_unlike(self.stage, gathered, place)
            over |= gathered.over
            for point in gathered.points:
                axes = {
                    GATHERED: name,
                    **point.axes,
                }  # what was gathered before keeps the stage that trained it
                trials = {seed: replace(trial, axes=axes) for seed, trial in point.trials.items()}
                points.setdefault(tuple(axes.items()), replace(point, axes=axes, trials=trials, parent=None))
        return PlannedStage(self.stage, self.family, list(points.values()), over)

    def _point(self, point: Point, known: bool = True) -> Pair:
        sources = {role: self._source(role, source, point) for role, source in point.inputs.items()}
        point, config = self._read(point, {role: source.point.config for role, source in sources.items()})
        refuse_rewritten_axes(point, config, self.place)
        self.leaks.look(self.family, config, f"{self.place}.config")
        for role, source in sources.items():
            place = f"{self.place}.inputs.{role}"
            refuse_several(role, source.plan, self.family, config, f"{place}.pick")
            refuse_absent_seeds(source.plan, self.seeds, source.point.seeds, place)
            if role in self.plan.inputs and self.plan.inputs[role].where == "each":
                refuse_contradicted_axes(source.stage, point.axes, config, f"{place}.where")
            self.leaks.refuse((self.family, config), (source.stage.family, source.point.config), place)
        trials: dict[int, PlannedTrial] = {}
        try:
            if known:
                trials = {seed: self._trial(point, config, sources, seed) for seed in self.seeds}
        except NotYetKnown:
            pass
        except Hopeless as why:
            self.hopeless = f"{self.place}.inputs: {why}"
        return point, PlannedPoint(dict(point.axes), config, self.seeds, trials, point.parent)

    def _source(self, role: str, source: InputPlan, point: Point) -> _Source:
        place = f"{self.place}.inputs.{role}"
        if source.stage not in self.done:  # a label's input: those of the plan were looked at before
            refuse_non_ancestor(self.sweep, self.stage.name, source.stage, f"{place}.stage")
        planned = self.done[source.stage]
        where = {} if source.where == "each" else source.where
        return _Source(source, planned, the_point(planned, where, f"{place}.where", point.axes))

    def _trial(self, point: Point, config: Config, sources: Mapping[str, _Source], seed: int) -> PlannedTrial:
        inputs = {role: self._picked(source, seed) for role, source in sources.items()}
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

    def _picked(self, source: _Source, seed: int) -> list[InputRef]:
        """The trials of an input's point that a trial builds on."""
        trials = source.point.trials
        if not trials:
            raise NotYetKnown
        if source.plan.pick == "all":
            chosen = list(trials.values())
        elif source.plan.pick == "best":
            chosen = [best_trial(source.stage.family, list(trials.values()), self.metrics_of)]
        else:
            wanted = source.plan.pick.seed if isinstance(source.plan.pick, SeedPick) else seed
            chosen = [trials[wanted]]
        return [InputRef(trial.family, trial.id, source.plan.weights) for trial in chosen]

    def _read(self, point: Point, inputs: Mapping[str, Config]) -> tuple[Point, Config]:
        """A point as its family reads it, and the point without inherited settings that do not exist there."""
        while True:
            try:
                return point, self.family.plan(point.settings, inputs)
            except ConfigError as error:
                flat = flatten(point.settings)
                gone = [name for name in flat if _stands_below(error.path, name)]
                own = any(point.origin[name] != INHERITED for name in gone)
                if not isinstance(error, NoSuchSetting) or own or not gone:
                    raise InvalidConfig(
                        f"{self.place}.{self._origin(point, error.path)}: {error.complaint}"
                    ) from None
                left = {name: value for name, value in flat.items() if name not in gone}
                point = replace(point, settings=nest(left))

    def _origin(self, point: Point, path: tuple[str, ...]) -> str:
        """Where in the plan the setting at a path was given; one that came along is named."""
        if path[:1] == ("inputs",):
            return ".".join(path)
        for length in range(len(path), 0, -1):
            places = [place for name, place in point.origin.items() if _stands_below(path[:length], name)]
            if places:  # what the stage gives itself is what can be mended there
                came = f"{'confirm' if self.plan.confirm else 'inherit'}: {'.'.join(path)}"
                return next((place for place in places if place != INHERITED), came)
        return ".".join(("config", *path))

    def _fingerprint(self, config: Config) -> str:
        """The data's fingerprint, asked for once a data set: planning stays quick in large grids."""
        key = config.model_dump_json(include=set(self.family.split_settings) or None)
        if key not in self.fingerprints:
            self.fingerprints[key] = self.family.fingerprint(config)
        return self.fingerprints[key]

    def _without_twins(self, points: Sequence[Pair]) -> list[PlannedPoint]:
        """Points that are the same trials: merged when they come from two blocks, refused within one.

        Those that share some seeds' trials and not the others' are refused too: neither can stand for the other.
        """
        seen: dict[str, Pair] = {}
        kept = []
        for point, planned in points:
            ids = {trial.id for trial in planned.trials.values()}
            shared = next((trial for trial in planned.trials.values() if trial.id in seen), None)
            if shared is None:
                kept.append(planned)
                seen |= dict.fromkeys(ids, (point, planned))
                continue
            twin_point, twin = seen[shared.id]
            apart = "" if ids == {trial.id for trial in twin.trials.values()} else f"; {APART}"
            if twin_point.block == point.block or apart:
                (label,) = (trial.label for trial in twin.trials.values() if trial.id == shared.id)
                raise InvalidSweep(f"{self.place}.grid: {label} and {shared.label} are the same trial{apart}")
        return kept


def _stands_below(path: tuple[str, ...], name: str) -> bool:
    """Whether a dotted name is a path, or one of those below it."""
    return path == tuple(name.split("."))[: len(path)]


def _in_words(axes: Mapping[str, Scalar]) -> str:
    return axes_in_words(axes) or "the only point"


def no_results(trials: Sequence[PlannedTrial], _: str) -> Mapping[str, Mapping[str, float] | None]:
    """For planning without a store: nothing has a result."""
    return dict.fromkeys(trial.id for trial in trials)
