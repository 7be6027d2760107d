"""What a family sees of seedbed while it trains one trial."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import nn

from seedbed.checkpoints import Checkpoints
from seedbed.config import Config
from seedbed.errors import Interrupted, InvalidConfig, did_you_mean
from seedbed.family import Role
from seedbed.finished import FinishedTrial
from seedbed.health.monitor import OBSERVED, Health
from seedbed.health.watch import digest_of
from seedbed.identity import digest
from seedbed.nets.initialise import initialise
from seedbed.planning import PlannedTrial
from seedbed.provenance import numerics_tag
from seedbed.record import Predictions, Record, record_from_plain, record_to_plain
from seedbed.selection import at_best_and_last, best_step
from seedbed.splits import summary, units_of
from seedbed.store import Store
from seedbed.streams import global_streams, load_global_streams, seed_global_streams, stream_key

log = logging.getLogger(__name__)

ConfigT = TypeVar("ConfigT", bound=Config)

State = MutableMapping[str, Any]
"""What a trial goes on from, by name: modules, optimizers, generators (anything with
state_dict and load_state_dict, or a torch.Generator), or mappings of plain values.
The entry "model" is the one whose weights the trial leaves."""


class Diverged(Exception):  # a result, not an error: it never leaves the attempt
    """A logged metric is not finite: the trial ends here, with that as its result."""


class Trial(Generic[ConfigT]):
    """One trial as its family sees it: config, seed, random streams, inputs, and where to put what comes out.

    A family never touches the store, signals, exit codes or retries.
    """

    def __init__(
        self,
        planned: PlannedTrial,
        config: ConfigT,
        role: Role,
        store: Store,
        checkpoints: Checkpoints,
        *,
        device: torch.device,
        checkpoint_seconds: float = 60.0,
        suits: Callable[[Mapping[str, Any]], bool] = lambda _: True,
        report: Callable[[dict[str, Any]], None] = lambda _: None,
        before_saving: Callable[[], None] = lambda: None,
    ) -> None:
        self.config = config
        self.seed = planned.seed
        self.device = device
        self.inputs = {
            name: [FinishedTrial.open(store, ref) for ref in refs] for name, refs in planned.inputs.items()
        }
        """The finished trials that this one builds on, by role."""
        self.total_steps: int | None = None
        """How many steps there will be, once the family knows: for the time left."""
        self.record = Record()
        self.health = Health()
        """What the detectors have found; a family tells them what only it knows by `observe`."""
        self._planned = planned
        self._role = role
        self._checkpoints = checkpoints
        self._checkpoint_seconds = checkpoint_seconds
        self._suits = suits
        self._report = report
        self._before_saving = before_saving
        self._stopping = False
        self._saved_at = time.monotonic()
        self._started_at = time.monotonic()
        self._seconds_before = 0.0
        self._fresh: dict[str, Predictions] = {}
        self._state: State = {}

    # Random streams

    def generator(self, name: str) -> torch.Generator:
        """An independent stream, keyed by (seed, role, name) and by nothing else in the config."""
        self.record.streams.setdefault(name.split("/")[0], digest([name, self._key(name)]))
        return torch.Generator().manual_seed(self._key(name))

    def initialise(self, model: nn.Module) -> None:
        """Give a model its initial weights, each seeded by its name and shape."""
        initialise(model, lambda text: self._key(f"weights/{text}"))
        drawn = {name: digest_of(weight) for name, weight in model.named_parameters()}
        self.record.initial_weights = digest([self.record.initial_weights, drawn])

    def seed_globals(self) -> None:
        """Seed the global streams (dropout draws from torch's); checkpoints carry them."""
        seed_global_streams(self._key("global"))

    def _key(self, name: str) -> int:
        return stream_key(self._planned.seed, self._planned.role, name)

    # Going on exactly where an earlier attempt stopped

    def resume(self, state: State) -> int:
        """Load the newest checkpoint into `state`, in place; the number of steps done, 0 without one."""
        modules = [name for name, part in state.items() if isinstance(part, nn.Module)]
        if modules and "model" not in modules:
            there = ", ".join(modules)
            raise ValueError(
                f"the state has no module 'model', whose weights the trial leaves; found: {there}"
            )
        self._state = state
        found = self._checkpoints.latest(self._fits)
        if found is None:
            self.health.begin(0, state)
            return 0
        named, saved = found
        step = int(saved.get("step", named))  # a file's name can be changed
        for name, part in state.items():
            _load(part, saved["state"][name])
        self.record = record_from_plain(saved["record"])
        self._seconds_before = self.record.seconds
        load_global_streams(saved["streams"])
        self.health.load(self.record.health)
        self.health.begin(step, state)
        return step

    def _fits(self, saved: dict[str, Any]) -> bool:
        """Whether a checkpoint is this trial's own, and of numerics that it may go on with."""
        own = self._planned.id
        if saved.get("trial", own) != own:
            log.warning("a checkpoint of trial %s lies in the folder of %s: passed over", saved["trial"], own)
            return False
        return self._suits(saved)

    def checkpoint(self, step: int, state: State) -> None:
        """To be called after every step: saves when it is time to, and stops when asked to.

        Raises Interrupted, with the state saved, when a stop was requested, and BadData, without, when the data are no
        longer those that the trial was planned with.
        """
        self.health.look(step, state)
        if first_batch := self.health.first_batch:
            self.record.streams.setdefault("first batch", first_batch)
        stopping = self._stopping
        if stopping or time.monotonic() - self._saved_at >= self._checkpoint_seconds:
            self._save(step, state)
        if stopping:
            self._checkpoints.close()
            raise Interrupted(f"trial {self._planned.id} saved step {step} and stopped on request")
        self._report(self._progress(step))

    def request_stop(self) -> None:
        """Ask the trial to save and stop at its next step; safe in a signal handler."""
        self._stopping = True  # no lock is taken: a signal may come while another is being handled

    def _save(self, step: int, state: State) -> None:
        self._before_saving()
        self.record.seconds = self.seconds
        self.record.health = self.health.plain()
        self._checkpoints.save(
            step,
            {
                "trial": self._planned.id,
                "step": step,
                "numerics": numerics_tag(self.device),
                "state": {name: _dump(part) for name, part in state.items()},
                "record": record_to_plain(self.record),
                "streams": global_streams(),
            },
        )
        self._saved_at = time.monotonic()

    @property
    def seconds(self) -> float:
        """Time spent so far by this attempt and by those that it goes on from."""
        return self._seconds_before + time.monotonic() - self._started_at

    # What comes out

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Record metrics, named `split/metric`, after a step; this is what the best step is chosen from.

        Raises Diverged when one of them is not finite.
        """
        if self.record.log and step <= self.record.log[-1]["step"]:
            raise ValueError(f"step {step} is logged after step {self.record.log[-1]['step']}")
        entry = {"step": step, **{name: float(value) for name, value in metrics.items()}}
        bad = [name for name, value in entry.items() if not math.isfinite(value)]
        if bad:
            raise Diverged(self.health.divergence(step, bad[0], self._state))
        self.health.logged(entry)
        self.record.log.append(entry)
        if self._fresh:
            self.record.last_predictions = self._fresh
            self._fresh = {}
        if best_step(self.record.log, self._role.select_by) == step:
            self.record.best_predictions = self.record.last_predictions
            self.record.best_weights = self.weights()
        self._report({**self._progress(step), "metrics": _visible(metrics)})

    def observe(self, **values: Any) -> None:
        """What only the family knows of the step under way, for the health detectors; costs next to nothing.

        loss () · embedding (B, d) · codes, the indices used (any shape), with codebook, how many there are ·
        grad_norm () before clipping, with clip, its limit · exponent, the arguments of an exp in a loss (any shape).
        Values stay on the GPU, and only the last of each name in a step counts.
        """
        unknown = sorted(set(values) - set(OBSERVED))
        if unknown:
            raise TypeError(f"{unknown[0]} cannot be observed; {did_you_mean(unknown[0], OBSERVED)}")
        self.health.observe(values)

    def _progress(self, step: int) -> dict[str, Any]:
        """What is reported of every step: all health events so far among it, so that none is lost with a report."""
        events = [event.model_dump() for event in self.health.events]
        saved = {"written": self._checkpoints.written, "seconds": self._checkpoints.write_seconds}
        more = {"events": events, "checkpoints": saved if saved["written"] else {}}
        told = {name: value for name, value in more.items() if value}
        return {"step": step, "total": self.total_steps, **told}

    def predictions(
        self,
        split: str,
        ids: Sequence[Any] | np.ndarray[Any, Any],
        units: Sequence[Any] | np.ndarray[Any, Any],
        targets: np.ndarray[Any, Any],
        outputs: np.ndarray[Any, Any],
    ) -> None:
        """Per-sample outputs on a split, for the step that the next `log` names.

        Kept at the best and the last step. ids (N,), units (N,): subjects, books or
        identities; targets (N,); outputs (N, ...): (N, C) of C classes, (N, R) whole numbers for
        the clusters of R clusterer seeds. Samples that are pairs have units (N, 2), targets of 1
        (genuine) or 0 (impostor), and as outputs (N,) how alike they are.
        """
        lengths = {len(ids), len(units), len(targets), len(outputs)}
        if len(lengths) != 1:
            raise ValueError(
                f"predictions on {split}: ids, units, targets, outputs differ in length: {lengths}"
            )
        self._fresh[split] = Predictions(
            np.asarray(ids), np.asarray(units), np.asarray(targets), np.asarray(outputs)
        )

    def input(self, role: str) -> FinishedTrial:
        """The one finished trial of a role; raises InvalidConfig where there is none."""
        if role not in self.inputs:
            near = did_you_mean(role, self.inputs)
            raise InvalidConfig(f"trial {self._planned.id} has no input {role!r}; {near}")
        (source,) = self.inputs[role]
        return source

    def keep(self, name: str, data: bytes) -> None:
        """Another artifact, under its file name."""
        self.record.artifacts[name] = data

    def describe(self, data: str) -> None:
        """What the data are, in a few words; stands beside the table."""
        self.record.description = data

    def baseline(self, name: str, metrics: Mapping[str, float]) -> None:
        """What a trivial guess reaches (the majority class, one cluster), to stand beside the metrics."""
        reached = {key: float(value) for key, value in metrics.items()}
        for key, value in reached.items():
            if not math.isfinite(value):
                raise ValueError(f"baseline {name}: {key} is {value}, expected a finite number")
        self.record.baselines[name] = reached

    def splits(self, **splits: tuple[Iterable[Any], Iterable[Any]]) -> None:
        """Say which samples are in which split: train, validation, test, each (ids, units).

        Raises BadData when a unit is in two of them, or when a trial that this one
        builds on was trained or selected on what this one is tested on.
        """
        members = {name: (list(ids), list(units)) for name, (ids, units) in splits.items()}
        self.record.units = units_of(members, self.inputs)
        self.record.split = summary(members, self.record.units)

    def weights(self) -> dict[str, torch.Tensor]:
        """The model's weights and buffers as they are now, copied to the CPU; empty without a model."""
        model = self._state.get("model")
        if not isinstance(model, nn.Module):
            return {}
        return {
            name: tensor.detach().to("cpu", copy=True).contiguous()
            for name, tensor in model.state_dict().items()
        }

    def metrics(self) -> tuple[dict[str, float], int, int]:
        """Each metric @best and @last, and these two steps."""
        return at_best_and_last(self.record.log, self._role.select_by)


def _visible(metrics: Mapping[str, float]) -> dict[str, float]:
    """What a live view may show: nothing of the test split."""
    return {name: float(value) for name, value in metrics.items() if not name.startswith("test/")}


def _dump(part: Any) -> Any:
    if isinstance(part, torch.Generator):
        return part.get_state()
    return part.state_dict() if hasattr(part, "state_dict") else dict(part)


def _load(part: Any, saved: Any) -> None:
    if isinstance(part, torch.Generator):
        part.set_state(saved)
    elif hasattr(part, "load_state_dict"):
        part.load_state_dict(saved)
    else:
        part.clear()
        part.update(saved)
