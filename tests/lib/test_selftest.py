"""`seedbed selftest`: what it prints, and that it would notice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seedbed.family import Family, Metric, family_names, load_family
from seedbed.selftest import SelftestFailed, selftest
from seedbed.trial import Trial
from tests.lib.command_line import run_here

pytestmark = pytest.mark.waits

TOY = load_family("toy")


def test_it_stops_a_trial_and_finds_the_same_bits_when_it_went_on() -> None:
    (line,) = selftest(TOY, "cpu")
    assert line == "toy role=leader steps=4: stopped at step 2, went on, 6 files equal to the bit"


def test_the_command_tests_every_family_there_is_and_says_what_it_runs_on(tmp_path: Path) -> None:
    done = run_here(tmp_path, "selftest")
    assert done.returncode == 0, done.stderr
    assert "torch 2." in done.stdout
    assert "device cpu" in done.stdout
    for name in family_names():
        lines = [line for line in done.stdout.splitlines() if line.startswith(f"{name} ")]
        assert len(lines) == len(load_family(name).tiny) > 0


def forgetful(trial: Trial[Any]) -> None:
    """A family that does not go on where its stream of noise was."""
    original = trial.resume

    def resume(state: Any) -> int:
        noise = trial.generator("noise").get_state()
        step = original(state)
        state["noise"].set_state(noise)
        return step

    trial.resume = resume  # type: ignore[method-assign]
    TOY.run(trial)


def failure(family: Family) -> str:
    with pytest.raises(SelftestFailed) as failed:
        list(selftest(family, "cpu"))
    assert failed.value.exit_code == 70
    return str(failed.value)


def test_a_trial_that_goes_on_elsewhere_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = replace(TOY, run=forgetful)
    monkeypatch.setattr("seedbed.attempt.load_family", lambda _: changed)
    told = failure(changed)
    assert told.startswith("toy: went on from a checkpoint and ended elsewhere: log.jsonl, ")
    assert "weights/last.safetensors" in told


def test_a_trial_that_is_too_short_or_diverges_is_no_test() -> None:
    assert failure(replace(TOY, tiny=())).startswith("toy: `tiny` in jobs/toy/__init__.py names no trial")
    short = replace(TOY, tiny=({"role": "leader", "steps": 1},))
    assert failure(short) == "toy: ended at step 1, before it could be stopped"
    diverging = replace(TOY, tiny=({"role": "leader", "mishap": "nan"},))
    assert failure(diverging) == "toy: diverged at step 6 (train/loss is not finite)"


def test_a_metric_that_no_trial_logs_is_noticed() -> None:
    changed = replace(TOY, metrics={**TOY.metrics, "f1": Metric()})
    told = failure(changed)
    assert told == "toy: no trial of `tiny` logs test/f1@best: `metrics` in jobs/toy/__init__.py says it"


AGAIN = {**TOY.metrics, "loss": replace(TOY.metrics["loss"], of_unit=lambda targets, outputs: 0.0)}
ELSEWHERE = replace(TOY, units=lambda config: {**TOY.units(config), "test": frozenset("x")})


def silent(family: Family, about: str) -> Family:
    """The family, whose trials never say that."""

    def run(trial: Trial[Any]) -> None:
        setattr(trial, about, lambda *_, **__: None)
        family.run(trial)

    return replace(family, run=run)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        (silent(TOY, "splits"), "never says who is in which split: `trial.splits(...)`"),
        (
            silent(replace(TOY, metrics=AGAIN), "predictions"),
            'logs test/loss@best without what it is made of: `trial.predictions("test", ...)`, before `trial.log`',
        ),
        (ELSEWHERE, "is split otherwise than `units` says: d is in the test data of one of them only"),
    ],
)
def test_what_a_trial_leaves_unsaid_or_contradicts_is_noticed(
    monkeypatch: pytest.MonkeyPatch, changed: Family, complaint: str
) -> None:
    monkeypatch.setattr("seedbed.attempt.load_family", lambda _: changed)
    assert failure(changed) == f"toy role=leader steps=4: {complaint}"


def test_predictions_are_asked_for_only_where_a_metric_is_made_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changed = silent(TOY, "predictions")
    monkeypatch.setattr("seedbed.attempt.load_family", lambda _: changed)
    assert len(list(selftest(changed, "cpu"))) == 1
