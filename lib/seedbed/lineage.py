"""From the stages of a study done in order, and their results, to the chain that a person reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from seedbed.evidence import look_into_all
from seedbed.family import load_family
from seedbed.planning.lots import CHAIN, FINAL, START, WITHOUT, without
from seedbed.planning.model import InputRef, PlannedTrial, axes_in_words
from seedbed.planning.winners import Contender, NoWinner, Winner, choose
from seedbed.run_records import Run, StageRecord
from seedbed.runs import read_stages, write_winners
from seedbed.state import TrialState, look_up, metrics_to_choose_by
from seedbed.statistics import Difference, mean_of_each, paired_difference, pooled_spread
from seedbed.store import Store
from seedbed.sweep.ordered import SelectPlan
from seedbed.sweep.points import flatten
from seedbed.sweep.seeds import seeds_text
from seedbed.tables.chain import Chain, Change, Confirmed, Link

States = Mapping[str, TrialState]
Axes = Mapping[str, Any]
Values = dict[int, float]


def lineage_of(store: Store, run: Run, until: str | None = None) -> Chain | None:
    """The chain of a run's stages, or of those that lead to one of them; None when nothing selects there.

    It uses the results that the stages' tables use.
    """
    every = read_stages(store, run)
    records = {record.stage: record for record in every}
    if until is not None:
        names = _leading_to(records, until)
        records = {name: record for name, record in records.items() if name in names}
    if not any(record.select for record in records.values()):
        return None
    states: dict[str, TrialState] = {}
    for record in records.values():
        states |= _believed(store, record, every)
    return lineage(list(records.values()), states, every)


def lineage(
    records: Sequence[StageRecord], states: States, every: Sequence[StageRecord] = ()
) -> Chain | None:
    """The chain of these stages, in their order; inputs are told by `every` stage that may have them."""
    selecting = [record for record in records if record.select]
    if not selecting:
        return None
    places = _places(every or records)
    last = _Stage(selecting[-1], states)
    metrics = list(dict.fromkeys([last.select.metric, last.shown or last.select.metric]))
    chain = Chain(
        links=[],
        metrics=metrics,
        scales=[last.scale(metric) for metric in metrics],
        seeds=seeds_text({trial.seed for record in selecting for trial in record.trials}),
        on_test=any(record.replicate for record in selecting),
    )
    links: list[Link] = []
    for number, record in enumerate(selecting):
        before = selecting[number - 1].stage if number else ""
        links += _links(_Stage(record, states, places), chain.metrics, before)
    confirming = next((record for record in reversed(records) if record.confirm), None)
    if confirming is None:
        return replace(chain, links=links)
    stage = _Stage(confirming, states)
    shown = stage.shown or chain.metrics[-1]
    return replace(
        chain,
        links=links,
        confirmed=_confirmed(stage, shown),
        confirmed_in=shown,
        confirmed_scale=stage.scale(shown),
        fresh_seeds=seeds_text({trial.seed for trial in confirming.trials}),
    )


def metrics_of_chain(record: StageRecord, records: Iterable[StageRecord]) -> list[str]:
    """The metrics that a stage's trials answer for in its chain: all that choose or are printed there."""
    if not (record.select or record.confirm):
        return []
    stages = [_Stage(one, {}) for one in records if one.select or one.confirm]
    chosen = [stage.select.metric for stage in stages if stage.record.select]
    return list(dict.fromkeys([*chosen, *filter(None, (stage.shown for stage in stages))]))


def _believed(store: Store, record: StageRecord, records: Iterable[StageRecord]) -> States:
    """The states of a stage's trials as its table has them."""
    found = look_up(store, [*record.baseline, *record.trials])
    return look_into_all(store, found, metrics_of_chain(record, records)).states


def winners_of(record: StageRecord, states: States) -> list[Winner] | None:
    """The winners of a stage; None when they are not known yet. Raises NoWinner when no point can win."""
    if record.select is None:
        return None
    if record.kept:
        return [Winner.from_json(plain) for plain in record.kept]
    select = SelectPlan.model_validate(record.select)
    higher = load_family(record.family).metric(select.metric).better == "higher"
    return choose(
        select,
        higher,
        record.trials,
        record.over,
        record.incumbents,
        lambda trial: metrics_to_choose_by(states[trial.id]),
    )


def record_winners(store: Store, run: Run, record: StageRecord, states: States) -> None:
    """Put a stage's winners beside its plan, as far as they are known."""
    try:
        winners = winners_of(record, states)
    except NoWinner:
        return
    if winners is not None:
        write_winners(store, run, record.stage, winners)


@dataclass(frozen=True)
class _Stage:
    """A stage's record with its results."""

    record: StageRecord
    states: States
    places: Mapping[str, str] = field(default_factory=dict)
    """Where a reader finds a trial that others build on, by its id."""

    @property
    def select(self) -> SelectPlan:
        return SelectPlan.model_validate(self.record.select)

    @property
    def shown(self) -> str:
        """The metric of its table; empty where only its results tell."""
        cell = self.record.table["cell"]
        if cell:
            return str(cell)
        rule = load_family(self.record.family).roles[self.record.trials[0].role].select_by
        return f"test/{rule[0].split('/')[-1]}@best" if rule else ""

    def scale(self, metric: str) -> float:
        return 100.0 if load_family(self.record.family).metric(metric).unit == "%" else 1.0

    def at(self, axes: Axes) -> list[PlannedTrial]:
        """The trials of a point."""
        return [trial for trial in self.record.trials if without(trial.axes, self.record.over) == axes]

    def values(self, axes: Axes, metric: str) -> Values:
        """The metric of a point by seed, over whose replicates it is averaged; of seeds that have all of theirs."""
        results = [(trial.seed, self.states[trial.id].result) for trial in self.at(axes)]
        values = [(seed, result.metrics.get(metric) if result else None) for seed, result in results]
        lacking = {seed for seed, value in values if value is None}
        return mean_of_each(
            (seed, value) for seed, value in values if value is not None and seed not in lacking
        )

    def gain(self, axes: Axes, against: Axes, metric: str) -> Difference | None:
        """Of one point over another, better being positive; the spread is pooled over the stage."""
        sign = 1 if load_family(self.record.family).metric(metric).better == "higher" else -1
        places = {tuple(without(trial.axes, self.record.over).items()) for trial in self.record.trials}
        every = {place: _signed(self.values(dict(place), metric), sign) for place in sorted(places, key=repr)}
        pooled = pooled_spread({place: values for place, values in every.items() if values})
        one, other = (_signed(self.values(point, metric), sign) for point in (axes, against))
        return paired_difference(one, other, pooled)

    def changes(self, axes: Axes, against: Axes) -> list[Change]:
        """The inputs and settings in which a point differs from another, less what comes and goes with another kind."""
        here, there = self.at(axes), self.at(against)
        if not here or not there:
            return []
        inputs = _differing(self._sources(there[0]), self._sources(here[0]))
        before, after = flatten(there[0].config), flatten(here[0].config)
        settings = _differing(before, after)
        both = [one for one in settings if one.setting in before and one.setting in after]
        return [*inputs, *both] or settings

    def _sources(self, trial: PlannedTrial) -> dict[str, str]:
        """Where each input of a trial comes from: its id tells a reader nothing."""
        return {
            f"input {role}": " and ".join(dict.fromkeys(map(self._place, refs)))
            for role, refs in trial.inputs.items()
        }

    def _place(self, source: InputRef) -> str:
        weights = "" if source.weights == "best" else f" ({source.weights})"
        return f"{self.places.get(source.trial, 'given')}{weights}"


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    changed = [name for name in dict.fromkeys([*before, *after]) if before.get(name) != after.get(name)]
    return [Change(name, before.get(name), after.get(name)) for name in changed]


def _places(records: Iterable[StageRecord]) -> dict[str, str]:
    """By trial, its point and the first stage that has it."""
    found: dict[str, str] = {}
    for record in records:
        for trial in record.trials:
            axes = axes_in_words(without(trial.axes, record.over))
            found.setdefault(trial.id, f"{axes} of {record.stage}" if axes else record.stage)
    return found


def _links(stage: _Stage, metrics: Sequence[str], before: str) -> list[Link]:
    """The stage as a step, once for each place within which it chose."""
    nothing = Link(stage.record.stage, _origin(stage.record, before), "", "", (), [None] * len(metrics), "")
    try:
        winners = winners_of(stage.record, stage.states)
    except NoWinner as why:
        return [replace(nothing, verdict=f"no winner: {why}")]
    if winners is None:
        return [replace(nothing, verdict="no winner: trials have no result")]
    return [_link(stage, nothing, winner, metrics) for winner in winners]


def _link(stage: _Stage, nothing: Link, winner: Winner, metrics: Sequence[str]) -> Link:
    link = replace(nothing, within=axes_in_words(winner.within))
    kept = " (kept by hand)" if stage.record.kept else ""
    if winner.incumbent is None:
        return replace(link, tried=axes_in_words(winner.axes), verdict=f"chosen: {winner.reason}{kept}")
    stays = winner.axes == winner.incumbent
    best = _challenger(winner) if stays else winner.axes
    if best is None:
        return replace(link, verdict=f"not kept: {winner.reason}{kept}")
    return replace(
        link,
        tried=axes_in_words(best),
        changes=stage.changes(best, winner.incumbent),
        gains=[stage.gain(best, winner.incumbent, metric) for metric in metrics],
        verdict=f"{'not kept' if stays else 'kept'}: {winner.reason}{kept}",
    )


def _challenger(winner: Winner) -> Axes | None:
    """The best of those that an incumbent kept off."""
    able: list[tuple[float, Contender]] = [
        (one.mean if winner.mode == "max" else -one.mean, one)
        for one in winner.contenders
        if one.mean is not None and one.axes != winner.axes
    ]
    return max(able, key=lambda pair: pair[0])[1].axes if able else None


def _origin(record: StageRecord, before: str) -> str:
    """What a stage started from, when that is more than the winner of the step before it."""
    told = [
        f"{axes_in_words(entry['where'])} of {entry['stage']}, named" if "where" in entry else entry["stage"]
        for entry in record.inherit
    ]
    return "" if told in ([], [before]) else " and ".join(told)


def _confirmed(stage: _Stage, metric: str) -> list[Confirmed]:
    """The whole chain's gain, and each kept step's: the end against the end without it."""
    found = []
    for trial in stage.record.trials:
        place = without(trial.axes, stage.record.over)
        label, rest = str(place[CHAIN]), without(place, [CHAIN])
        against = {FINAL: START}.get(label) or (FINAL if label.startswith(WITHOUT) else None)
        if against is not None:
            ends = [{**place, CHAIN: label}, {**place, CHAIN: against}]
            after, before = ends if label == FINAL else reversed(ends)
            step = f"{label.removeprefix(WITHOUT)} (end against end without it)"
            what = "the whole chain (end against start)" if label == FINAL else step
            of = " ".join(part for part in (what, axes_in_words(rest)) if part)
            found.append((of, after, before))
    distinct = {of: (after, before) for of, after, before in found}
    return [Confirmed(of, stage.gain(after, before, metric)) for of, (after, before) in distinct.items()]


def _leading_to(records: Mapping[str, StageRecord], stage: str) -> set[str]:
    """A stage and all that it starts from, however far back."""
    record = records.get(stage)
    if record is None:
        return set()
    before = [record.confirm] if record.confirm else [entry["stage"] for entry in record.inherit]
    return {stage}.union(*(_leading_to(records, name) for name in before))


def _signed(values: Values, sign: int) -> Values:
    return {seed: sign * value for seed, value in values.items()}
