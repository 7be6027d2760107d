"""Running single trials of the toy family in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seedbed.attempt import Attempt, run_attempt
from seedbed.family import load_family
from seedbed.identity import trial_id
from seedbed.planning import InputRef, PlannedTrial
from seedbed.results import Result
from seedbed.store import Store
from seedbed.trial import Trial


def toy(seed: int = 0, leader: PlannedTrial | None = None, **settings: Any) -> PlannedTrial:
    """A planned trial of the toy family."""
    family = load_family("toy")
    config = family.plan({"role": "follower" if leader else "leader", **settings}, {})
    role = family.role_of(config)
    inputs = {"leader": [InputRef("toy", leader.id, "best")]} if leader else {}
    pairs = {name: [(ref.trial, ref.weights) for ref in refs] for name, refs in inputs.items()}
    identity = trial_id(
        family="toy", role=role, revision=1, config=config, seed=seed, data="made-up", inputs=pairs
    )
    plain = config.model_dump(mode="json")
    return PlannedTrial(identity, "toy", role, 1, plain, seed, {}, "made-up", inputs)


def run(
    store: Store, trial: PlannedTrial, attempt: str = "a", started: Callable[[Trial[Any]], None] | None = None
) -> Result:
    """One attempt at a trial, here."""
    return run_attempt(store, trial, Attempt(attempt), started=started or (lambda _: None))


def stop_after(step: int) -> Callable[[Trial[Any]], None]:
    """For `started`: ask the trial to stop when it has done so many steps."""
    return at_step(step, Trial.request_stop)


def at_step(step: int, happens: Callable[[Trial[Any]], object]) -> Callable[[Trial[Any]], None]:
    """For `started`: let something happen when the trial has done so many steps."""

    def arrange(trial: Trial[Any]) -> None:
        original = trial.checkpoint

        def checkpoint(done: int, state: Any) -> None:
            if done == step:
                happens(trial)
            original(done, state)

        trial.checkpoint = checkpoint  # type: ignore[method-assign, assignment]

    return arrange
