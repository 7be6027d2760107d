"""The detectors inside a trial: silent where all is well, the same after a stop, and without effect on a number."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from seedbed.attempt import Attempt, run_attempt
from seedbed.errors import Interrupted
from seedbed.family import family_names, load_family
from seedbed.health.determinism import noting
from seedbed.health.monitor import Health
from seedbed.identity import digest, trial_id
from seedbed.planning import PlannedTrial
from seedbed.results import Event, Result, read_result
from seedbed.store import Store, open_store
from seedbed.trial import Trial
from tests.lib.trials import run, toy

LEARNS_LITTLE = {"at-baseline", "plateau"}
"""What may be said of a trial of a few steps, and rightly."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "runs"))


def tiny_trials() -> list[tuple[str, dict[str, Any]]]:
    return [(name, dict(settings)) for name in family_names() for settings in load_family(name).tiny]


@pytest.mark.parametrize(("name", "settings"), tiny_trials(), ids=str)
def test_nothing_is_wrong_with_a_tiny_trial_of_any_family(
    store: Store, name: str, settings: dict[str, Any]
) -> None:
    family = load_family(name)
    config = family.plan(settings, {})
    role, data = family.role_of(config), family.fingerprint(config)
    revision = family.roles[role].revision
    identity = trial_id(
        family=name, role=role, revision=revision, config=config, seed=0, data=data, inputs={}
    )
    plain = config.model_dump(mode="json")
    result = run(store, PlannedTrial(identity, name, role, revision, plain, 0, {}, data))
    assert {event.kind for event in result.events} <= LEARNS_LITTLE
    assert result.initial_weights
    assert result.streams["first batch"]


def test_every_family_says_which_of_its_trials_are_tiny() -> None:
    assert {name for name, _ in tiny_trials()} == set(family_names())


def test_a_trial_that_learns_has_no_events_and_one_that_does_not_says_so(store: Store) -> None:
    assert run(store, toy(steps=100)).events == []
    (event,) = run(store, toy(steps=2)).events
    assert event.kind == "at-baseline"


# A fault that the family does not know of

Started = Callable[[Trial[Any]], None]


def faulty(stop_at: int = 0) -> Started:
    """Has a parameter that nothing uses, embeddings that collapse at step 10, and codes of which two are used."""

    def arrange(trial: Trial[Any]) -> None:
        original, draw = trial.checkpoint, trial.initialise

        def initialise(model: nn.Module) -> None:
            draw(model)
            model.register_parameter("unused", nn.Parameter(torch.zeros(2)))

        def checkpoint(step: int, state: Any) -> None:
            generator = torch.Generator().manual_seed(step)
            embedding = torch.randn(16, 8, generator=generator) * (1e-6 if step >= 10 else 1)
            trial.observe(embedding=embedding, codes=torch.tensor([step % 2] * 50), codebook=40)
            trial.observe(grad_norm=0.1, clip=1.0)
            if step == stop_at:
                trial.request_stop()
            original(step, state)

        trial.checkpoint = checkpoint  # type: ignore[method-assign]
        trial.initialise = initialise  # type: ignore[method-assign]

    return arrange


FOUND = ["collapse", "dead-codes"]
"""What is told of it while it runs."""


@pytest.mark.parametrize("step", [1, 5, 9, 10, 11, 12, 13, 16, 19, 20])
def test_a_resumed_trial_reports_what_an_uninterrupted_one_does(
    store: Store, tmp_path: Path, step: int
) -> None:
    trial = toy(steps=20)
    uninterrupted = run(open_store(str(tmp_path / "whole")), trial, "a", faulty())
    with pytest.raises(Interrupted):
        run(store, trial, "a", faulty(stop_at=step))
    resumed = run(store, trial, "b", faulty())
    assert [event.kind for event in uninterrupted.events][:3] == [*FOUND, "never-moved"]
    for name in ("events", "streams", "initial_weights", "files", "metrics", "log_digest"):
        assert getattr(resumed, name) == getattr(uninterrupted, name), name


def test_health_changes_no_number(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = run(store, toy(steps=100), "a", faulty())
    with monkeypatch.context() as patched:
        for name in ("begin", "look", "logged", "observe"):
            patched.setattr(Health, name, lambda *_: None)
        unwatched = run(open_store(str(tmp_path / "unwatched")), toy(steps=100), "a", faulty())
    assert watched.events
    assert not unwatched.events
    assert watched.files == unwatched.files
    assert (watched.metrics, watched.log_digest) == (unwatched.metrics, unwatched.log_digest)


def test_events_are_reported_while_the_trial_runs_and_stand_in_its_output(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[dict[str, Any]] = []
    result = run_attempt(store, toy(steps=20), Attempt("a"), report=told.append, started=faulty())
    seen = [[event["kind"] for event in progress.get("events", [])] for progress in told]
    assert seen[0] == []
    assert seen[-1] == FOUND
    assert all(earlier == later[: len(earlier)] for earlier, later in pairwise(seen))
    for event in result.events:
        assert f"health: {event.kind}: {event.message}" in caplog.text


def test_what_came_first_stands_in_the_result_of_a_trial_that_diverged(store: Store) -> None:
    def spoil(trial: Trial[Any]) -> None:
        original = trial.checkpoint

        def checkpoint(step: int, state: Any) -> None:
            if step == 7:
                weight = state["model"][2].weight
                weight.grad.fill_(float("inf"))
                with torch.no_grad():
                    weight.sub_(weight.grad)
            original(step, state)

        trial.checkpoint = checkpoint  # type: ignore[method-assign]

    result = run(store, toy(), "a", spoil)
    assert result.status == "diverged"
    assert [event.message for event in result.events] == [
        "diverged at step 7: the gradient of 2.weight is not finite; train/loss followed at step 8"
    ]


def test_something_that_cannot_be_observed_is_refused_with_the_nearest_name(store: Store) -> None:
    def observe(trial: Trial[Any]) -> None:
        trial.observe(embeding=1)

    with pytest.raises(TypeError, match=r"embeding cannot be observed.*embedding"):
        run(store, toy(), "a", observe)


def test_hooks_are_off_the_modules_when_the_trial_has_ended(store: Store) -> None:
    states: list[Any] = []

    def keep(trial: Trial[Any]) -> None:
        original = trial.checkpoint

        def checkpoint(step: int, state: Any) -> None:
            states.append(state)
            original(step, state)

        trial.checkpoint = checkpoint  # type: ignore[method-assign]

    run(store, toy(), "a", keep)
    assert not any(module._forward_hooks for module in states[0]["model"].modules())


# Operations without a deterministic form


def test_an_operation_without_a_deterministic_form_is_an_event(store: Store, tmp_path: Path) -> None:
    def use_one(trial: Trial[Any]) -> None:
        original = trial.checkpoint

        def checkpoint(step: int, state: Any) -> None:
            if step >= 3:
                torch.zeros(3).put_(torch.tensor([0]), torch.ones(1))
            original(step, state)

        trial.checkpoint = checkpoint  # type: ignore[method-assign]

    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        result = run(store, toy(steps=100), "a", use_one)
    finally:
        torch.use_deterministic_algorithms(False)
    message = "put_ has no deterministic form here (first used in step 3)"
    assert result.events == [Event(kind="not-deterministic", message=message)]
    plain = run(open_store(str(tmp_path / "plain")), toy(steps=100), "a", use_one)
    assert plain.events == []


def test_cublas_that_was_not_set_up_is_noted_and_other_warnings_stay_warnings() -> None:
    import warnings

    noted: list[str] = []
    with noting(noted.append):
        warnings.warn(
            "Deterministic behavior was enabled with `torch.use_deterministic_algorithms(True)`, but this "
            "operation is not deterministic because it uses CuBLAS and you have CUDA >= 10.2.",
            stacklevel=1,
        )
        with pytest.raises(UserWarning, match="something else"):
            warnings.warn("something else", stacklevel=1)
    assert noted == ["CuBLAS"]


# Results of an earlier version


def test_a_result_without_the_newer_fields_is_read_and_its_checksum_holds(store: Store) -> None:
    import json

    result = run(store, toy())
    key = f"{toy().folder}/result.json"
    plain = json.loads(store.read(key) or b"")
    for name in ("checksum", "streams", "initial_weights"):
        del plain[name]
    store.write(key, json.dumps({**plain, "checksum": digest(plain)}).encode())
    old = read_result(store, toy().folder)
    assert isinstance(old, Result)
    assert (old.metrics, old.streams, old.initial_weights) == (result.metrics, {}, "")
