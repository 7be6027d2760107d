"""What a reader should know of the trials behind a stage's numbers."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from seedbed.family import Family
from seedbed.identity import digest
from seedbed.planning.lots import CHAIN, FINAL
from seedbed.planning.model import axes_in_words
from seedbed.repeats import complaints
from seedbed.results import Result
from seedbed.run_records import StageRecord
from seedbed.settings import Change
from seedbed.state import TrialState
from seedbed.statistics import FEWEST_UNITS
from seedbed.tables import Table
from seedbed.tables.chain import ON_TEST
from seedbed.units import in_order

FEWEST_RUNS = 10
"""Of a clusterer, for a score: K-means alone moves by points from one start to the next."""

NOTHING_LOGGED = digest([])
"""Of trials that diverged at once: they are not alike for that."""

MOST_NAMED = 6
"""Settings, trials or points that a remark names one by one."""

Results = Mapping[str, Result]
"""By the trial's label."""


def remarks(
    record: StageRecord,
    family: Family,
    states: Mapping[str, TrialState],
    tables: Sequence[Table],
    runs: int | None = None,
) -> list[str]:
    """The remarks on a stage, a sentence each, what weighs most first; `runs` is how many a score of units averages."""
    results = {trial.label: result for trial in record.trials if (result := states[trial.id].result)}
    return [
        *_test_selected(record),
        *_headline(record),
        *_optimistic(tables),
        *_few_units(results),
        *_few_runs(runs),
        *_undertrained(results),
        *_same_run_twice(results),
        *_no_repeats(record, results),
        *_split_apart(family, results),
        *_other_numerics(results),
        *_health(results),
        *_more_than_the_axes(tables),
    ]


def _test_selected(record: StageRecord) -> Iterator[str]:
    if record.replicate:
        yield f"A winner was {ON_TEST}: what stands on test here flatters it."


def _headline(record: StageRecord) -> Iterator[str]:
    """Whether gains here may be quoted."""
    if record.confirm:
        if not any(trial.axes.get(CHAIN) == FINAL for trial in record.trials):  # no step was kept
            return
        yield f"Run on seeds that selected nothing: these are the headline gains of the chain to {record.confirm}."
    elif record.select:
        yield "A winner is chosen here on these very seeds: gains are optimistic, and no headline."


def _optimistic(tables: Sequence[Table]) -> Iterator[str]:
    if tables and tables[0].optimistic:
        split = tables[0].metric.split("/")[0]
        yield f"Optimistic: these are {split} figures, and {tables[0].optimistic} on the same split."


def _few_units(results: Results) -> Iterator[str]:
    """Few test units, all trials taken together: left-out subjects add up."""
    tested = [result.split.get("names", {}).get("test") for result in results.values()]
    units = {unit for names in tested if names for unit in names}
    if None not in tested and 0 < len(units) < FEWEST_UNITS:
        what = "one unit" if len(units) == 1 else f"{len(units)} units"
        yield f"Tested on {what} only ({', '.join(in_order(units))}): this cannot speak for new ones."


def _few_runs(runs: int | None) -> Iterator[str]:
    """A score that hangs on how a clusterer happened to start."""
    if runs is not None and runs < FEWEST_RUNS:
        over = "one clusterer seed" if runs == 1 else f"{runs} clusterer seeds"
        yield f"Scores by {over}: fewer than {FEWEST_RUNS} say more of their luck than of what was learned."


def _undertrained(results: Results) -> Iterator[str]:
    """A best step that is the last one: training was cut off while it still got better."""
    ended = [result for result in results.values() if result.status == "finished"]
    late = sum(result.best_step == result.last_step for result in ended)
    if 2 * late > len(ended):
        yield f"{late} of {len(ended)} trials are best at their very last step: they may be undertrained."


def _same_run_twice(results: Results) -> Iterator[str]:
    distinct: dict[str, str] = {}  # a trial may stand at two places
    for label, result in results.items():
        if result.log_digest != NOTHING_LOGGED:
            distinct.setdefault(result.trial, label)
    told = {label: results[label] for label in distinct.values()}
    for labels in _grouped(told, lambda result: result.log_digest):
        yield f"Same run twice: {_listed(labels, ' and ')} logged the same numbers to the bit."


def _no_repeats(record: StageRecord, results: Results) -> Iterator[str]:
    """Repeats that do not differ in what the seed decides, or differ elsewhere."""
    points: dict[str, list[Result]] = defaultdict(list)
    for trial in record.trials:
        if trial.label in results:
            points[axes_in_words(trial.axes)].append(results[trial.label])
    found = list(complaints(points))
    if found:
        yield f"Repeats that may be none: {_listed([one.removesuffix('.') for one in found], '; ')}."


def _split_apart(family: Family, results: Results) -> Iterator[str]:
    """Trials that agree on data and on all settings of the split are split alike, whatever their seed."""
    if not family.split_settings:
        return
    splits: dict[str, set[str]] = defaultdict(set)
    for result in results.values():
        settings = {name: result.config.get(name) for name in family.split_settings}
        if "hash" in result.split:
            splits[json.dumps([result.data, settings], sort_keys=True)].add(result.split["hash"])
    if any(len(hashes) > 1 for hashes in splits.values()):
        yield "Trials with the same split settings were split differently: they are not comparable."


def _other_numerics(results: Results) -> Iterator[str]:
    tags = sorted({" ".join(result.numerics_tag.values()) for result in results.values()})
    if len(tags) > 1:
        yield f"Trials of different numerics are compared here: {'; '.join(tags)}."


def _health(results: Results) -> Iterator[str]:
    """Events that did not end a trial, by kind; those that did stand beside their points."""
    kinds = Counter(kind for result in results.values() for kind in {event.kind for event in result.events})
    told = [f"{kind} in {count}" for kind, count in kinds.most_common() if kind != "diverged"]
    if told:
        yield f"Health of {len(results)} trials: {', '.join(told)}."


def _more_than_the_axes(tables: Sequence[Table]) -> Iterator[str]:
    """What differs between the points and their baseline beside the axes."""
    cells = [cell for table in tables for cell in table.cells if cell.difference]
    if not cells:
        return
    times = Counter(change.setting for cell in cells for change in cell.differs)
    everywhere = [change for change in cells[0].differs if times[change.setting] == len(cells)]
    told = _named([change for change in everywhere if not change.one_sided], _both)
    alone = _named(
        [change for change in everywhere if change.one_sided and _on(change)], lambda one: one.setting
    )
    here = [name for name, count in times.items() if count < len(cells)]
    parts = [
        *([told] if told else []),
        *([f"what only one side has ({alone})"] if alone else []),
        *([f"some points also {_listed(here, ', ')}"] if here else []),
    ]
    if parts:
        yield f"Differs from {tables[0].baseline} also in: {'; '.join(parts)}."


def _on(change: Change) -> bool:
    """Whether a setting that only one side has does anything there."""
    return not {change.ours, change.theirs} & {False, "None"}


def _both(change: Change) -> str:
    if change.setting.startswith("input "):  # ids of trials tell a reader nothing
        return change.setting
    return f"{change.setting} ({change.ours}, there {change.theirs})"


def _named(found: Sequence[Change], told: Callable[[Change], str]) -> str:
    return _listed([told(change) for change in found], ", ")


def _listed(names: Sequence[str], between: str) -> str:
    """All of a few names, the first of many."""
    if len(names) <= MOST_NAMED:
        return between.join(names)
    return f"{between.join(names[:MOST_NAMED])}{between}{len(names) - MOST_NAMED} more"


def _grouped(results: Results, by: Callable[[Result], str]) -> Iterable[list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for label, result in results.items():
        found[by(result)].append(label)
    return [labels for labels in found.values() if len(labels) > 1]
