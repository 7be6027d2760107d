"""What a trial's predictions say of the metric that its result reports: the same value, and of whom.

A result that they contradict is not used: its trial counts as damaged, with the reason beside it.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from seedbed.errors import BadData
from seedbed.family import load_family
from seedbed.results import Result, checked
from seedbed.statistics import AnyBlock
from seedbed.store import Store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from seedbed.scores import Score
    from seedbed.state import TrialState

SPLITS = {"val": "validation"}
"""Splits by the name that their metrics have, where that is another."""

CLOSE = 1e-6
"""Within this a metric made again is the one that was logged: some families log single precision."""


@dataclass(frozen=True)
class Evidence:
    """What is left of the trials' states after a look at their predictions, and what stands behind a metric."""

    states: Mapping[str, TrialState]

    blocks: Mapping[str, AnyBlock]
    """By trial, where the metric was made again from its predictions and is the one that it logged."""

    score: Score | None
    """How the metric is made; None where that is not known."""

    runs: int | None = None
    """For a score of units, the fewest runs that a trial averages: the seeds of its clusterer."""


class _Contradiction(Exception):
    """Why a result cannot be believed."""


def look_into(store: Store, states: Mapping[str, TrialState], metric: str) -> Evidence:
    """Hold each finished trial's `split/name@step` against the predictions that it left.

    Where a name can mean several things, it means what most trials logged; where it can mean what none of them
    logged, it is left alone.
    """
    split, _, rest = metric.partition("/")
    name, _, when = rest.partition("@")
    meanings = _meanings(states, name)
    found, blocks, runs = dict(_distinct(states)), dict[str, AnyBlock](), set[int]()
    file, seeds = f"predictions/{split}@{when}.npz", _Seeds()
    for trial, result, left in _left(store, found, (file, "split.json")):
        try:
            predictions, units = (
                checked(store, found[trial].trial.folder, result, name, data) for name, data in left
            )
            kept = _Kept.read(predictions, result.data)
            kept.refuse_wrong_units(json.loads(units), SPLITS.get(split, split))
            seeds.refuse_again(found[trial], kept.drawn)
            block = kept.block(meanings)
        except (_Contradiction, BadData) as error:
            found[trial] = _refused(found[trial], str(error))
            continue
        if block is not None and metric in result.metrics:
            blocks[trial] = block
            runs.add(kept.runs)
    found.update(
        _unlike_their_log(store, {name: found[name] for name in found.keys() - blocks.keys()}, metric)
    )
    logged = {trial: _logged(found[trial], metric) for trial in blocks}
    wrong = {score: dict(_wrong(score, blocks, logged)) for score in meanings}
    score = min(meanings, key=lambda meaning: len(wrong[meaning]), default=None)
    if score is None or (len(meanings) > 1 and len(wrong[score]) == len(blocks)):
        return Evidence(found, {}, None)
    for trial, value in wrong[score].items():
        told = f"its predictions give {metric} = {value:.6g}, its result says {logged[trial]:.6g}"
        found[trial] = _refused(found[trial], told)
    believed = {trial: block for trial, block in blocks.items() if trial not in wrong[score]}
    return Evidence(found, believed, score, min(runs, default=None) if score.of == "units" else None)


def look_into_all(store: Store, states: Mapping[str, TrialState], metrics: Iterable[str]) -> Evidence:
    """The states of trials that none of several metrics contradicts, and what stands behind the last of them."""
    evidence = Evidence(states, {}, None)
    for metric in dict.fromkeys(metrics):
        evidence = look_into(store, evidence.states, metric)
    return evidence


def _wrong(
    score: Score, blocks: Mapping[str, AnyBlock], logged: Mapping[str, float]
) -> Iterator[tuple[str, float]]:
    """The trials that logged another value, and what their predictions give."""
    for trial, block in blocks.items():
        value = score.of_all(block)
        if not abs(value - logged[trial]) <= CLOSE:
            yield trial, value


def _distinct(states: Mapping[str, TrialState]) -> Iterable[tuple[str, TrialState]]:
    """The states, of which repeats with one and the same log count once: the others are no seeds of their own."""
    seeds = _Seeds()
    for trial, state in states.items():
        try:
            if state.result is not None and state.result.status == "finished":
                seeds.refuse_again(state, state.result.log_digest, "it logged the same numbers")
        except _Contradiction as error:
            yield trial, _refused(state, str(error))
        else:
            yield trial, state


class _Seeds:
    """What the seeds of each point left, by which one that is another's copy is known."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], int] = {}

    def refuse_again(self, state: TrialState, left: str, how: str = "it predicts the same numbers") -> None:
        """Raise where another seed of the point left the same; nothing is known of what is empty."""
        if state.result is None or not left:
            return
        point = json.dumps([state.result.config, state.trial.axes], sort_keys=True)
        first = self._first.setdefault((point, left), state.trial.seed)
        if first != state.trial.seed:
            raise _Contradiction(f"the same run as seed {first}: {how} to the bit")


def _unlike_their_log(
    store: Store, states: Mapping[str, TrialState], metric: str
) -> Iterator[tuple[str, TrialState]]:
    """The states whose result says another value than their log does, where that is all there is to ask."""
    name, _, when = metric.partition("@")
    for trial, result, ((file, data),) in _left(store, states, ("log.jsonl",)):
        state, step = states[trial], result.best_step if when == "best" else result.last_step
        try:
            lines = checked(store, state.trial.folder, result, file, data).splitlines()
        except BadData as error:
            yield trial, _refused(state, str(error))
            continue
        told = [entry[name] for entry in map(json.loads, lines) if entry["step"] == step and name in entry]
        if told and metric in result.metrics and told[0] != result.metrics[metric]:
            said = f"its log has {metric} = {told[0]:.6g}, its result says {result.metrics[metric]:.6g}"
            yield trial, _refused(state, said)


def _left(
    store: Store, states: Mapping[str, TrialState], names: Sequence[str]
) -> Iterator[tuple[str, Result, list[tuple[str, bytes | None]]]]:
    """These files of each finished trial that left the first of them, read in bulk."""
    told = [
        (trial, state.trial.folder, state.result)
        for trial, state in states.items()
        if state.result is not None and names[0] in state.result.files
    ]
    data = store.read_many(f"{folder}/{name}" for _, folder, _ in told for name in names)
    for trial, _, result in told:
        yield trial, result, [(name, next(data)[1]) for name in names]


@dataclass(frozen=True)
class _Kept:
    """Predictions as a trial left them."""

    names: frozenset[str]
    units: NDArray[np.str_]
    """(N,), or (N, 2) of pairs."""
    targets: NDArray[Any]
    outputs: NDArray[Any]
    data: str

    @classmethod
    def read(cls, predictions: bytes, data: str) -> _Kept:
        import numpy as np

        with np.load(io.BytesIO(predictions), allow_pickle=False) as kept:
            units, targets, outputs = kept["units"].astype(str), kept["targets"], kept["outputs"]
        return cls(frozenset(np.unique(units).tolist()), units, targets, outputs, data)

    @property
    def runs(self) -> int:
        """How many columns the outputs have."""
        return self.outputs.shape[1] if self.outputs.ndim == 2 else 1

    @property
    def drawn(self) -> str:
        """What tells the run apart: its outputs, where they are no whole numbers, in which runs may well agree."""
        fractions = self.outputs.dtype.kind == "f" and (self.outputs % 1 != 0).any()
        return hashlib.sha256(self.outputs.tobytes()).hexdigest() if fractions else ""

    def block(self, meanings: Sequence[Score]) -> AnyBlock | None:
        """The trial's tallies by unit; None where its metric cannot be made again."""
        if not meanings or (self.units.ndim == 2) != (meanings[0].of == "pairs"):
            return None
        block = meanings[0].block(self.units, self.targets, self.outputs)
        # Two data sets may both have a subject 1.
        return replace(block, units=tuple(f"{unit} {self.data}" for unit in block.units))

    def refuse_wrong_units(self, splits: Mapping[str, list[str]], split: str) -> None:
        """Raise for predictions on units that are not in the split, or that are in another one too."""
        if split not in splits:
            return
        for other, units in splits.items():
            shared = sorted({*self.names, *splits[split]} & set(units))
            if other != split and shared:
                raise _Contradiction(f"{shared[0]} is in its {split} data and in its {other} data")
        foreign = sorted(self.names - set(splits[split]))
        if foreign:
            raise _Contradiction(f"{foreign[0]} is among its predictions and not in its {split} data")
        unseen = sorted(set(splits[split]) - self.names)
        if unseen:
            raise _Contradiction(f"{unseen[0]} is in its {split} data and not among its predictions")


def _meanings(states: Mapping[str, TrialState], name: str) -> Sequence[Score]:
    """What a metric can mean in the families of these trials."""
    from seedbed.scores import SCORES, score_of_units  # numpy is loaded here: most commands never need it

    families = sorted({state.trial.family for state in states.values()})
    own = {of_unit for family in families if (of_unit := load_family(family).metric(name).of_unit)}
    return [score_of_units(of_unit) for of_unit in own] or SCORES.get(name, ())


def _logged(state: TrialState, metric: str) -> float:
    return state.result.metrics[metric] if state.result else float("nan")


def _refused(state: TrialState, why: str) -> TrialState:
    return replace(state, status="damaged", result=None, complaint=why, contradicted=True)
