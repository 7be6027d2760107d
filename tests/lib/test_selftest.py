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
