"""What Prometheus is told of trials at work."""

from __future__ import annotations

import urllib.request
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from seedbed.errors import InvalidConfig
from seedbed.monitoring.endpoint import serving
from seedbed.monitoring.gpu import Gpu, Gpus, gpu_of
from seedbed.monitoring.pace import Pace
from seedbed.monitoring.trials import Place, TrialsAtWork

STUDENTS = Place("toy", "students")
Sample = tuple[str, tuple[tuple[str, str], ...]]


class OneGpu(Gpus):
    """A GPU that always says the same."""

    def now(self) -> list[Gpu]:
        return [gpu_of("1024, 2048, 50, 300.5")]


def scraped(collector: TrialsAtWork) -> dict[Sample, float]:
    """What Prometheus would read, over HTTP."""
    with (
        serving(collector, 0, "127.0.0.1") as port,
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        text = answer.read().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def labelled(name: str, place: Place = STUDENTS, **more: str) -> Sample:
    return name, tuple(sorted({**place._asdict(), **more}.items()))


def told(step: int, **more: Any) -> dict[str, Any]:
    return {"step": step, "total": 100, **more}


def test_a_stage_is_told_as_one_however_many_trials_it_has() -> None:
    collector = TrialsAtWork()
    few = {"a": (STUDENTS, told(10, metrics={"train/loss": 1.0, "val/accuracy": 0.5}))}
    collector.hear(few)
    series = set(scraped(collector))
    collector.hear({**few, "b": (STUDENTS, told(30, metrics={"train/loss": 3.0}))})
    now = scraped(collector)
    assert set(now) == series
    assert now[labelled("seedbed_trials_at_work")] == 2
    assert now[labelled("seedbed_progress_ratio")] == pytest.approx(0.2)
    assert now[labelled("seedbed_loss", metric="train/loss")] == 2.0


def test_counters_go_on_when_a_trial_has_ended_and_gauges_do_not() -> None:
    collector = TrialsAtWork()
    events = [{"kind": "runaway", "message": "step 3"}, {"kind": "runaway", "message": "step 7"}]
    saved = {"written": 2, "seconds": 0.5}
    collector.hear({"a": (STUDENTS, told(10, events=events, checkpoints=saved))})
    first = scraped(collector)
    collector.hear({"b": (STUDENTS, told(1, events=events[:1], checkpoints=saved))})
    collector.hear({})
    last = scraped(collector)
    assert first[labelled("seedbed_health_events_total", kind="runaway")] == 2
    assert last[labelled("seedbed_health_events_total", kind="runaway")] == 3
    assert last[labelled("seedbed_checkpoint_duration_seconds_count")] == 4
    assert last[labelled("seedbed_checkpoint_duration_seconds_sum")] == 1.0
    assert labelled("seedbed_progress_ratio") in first
    assert labelled("seedbed_progress_ratio") not in last


def test_no_label_tells_which_trial_it_is() -> None:
    collector = TrialsAtWork(OneGpu())
    collector.hear({"0f3a": (STUDENTS, told(1, metrics={"train/loss": 1.0}, events=[{"kind": "collapse"}]))})
    labels = {label for _, sample in scraped(collector) for label in sample}
    assert labels == {
        ("family", "toy"),
        ("stage", "students"),
        ("metric", "train/loss"),
        ("kind", "collapse"),
    }


def test_gpus_are_told_in_base_units_where_they_tell() -> None:
    collector = TrialsAtWork(OneGpu())
    collector.hear({"a": (STUDENTS, {})})
    now = scraped(collector)
    assert now[labelled("seedbed_gpu_memory_used_bytes")] == 2**30
    assert now[labelled("seedbed_gpu_memory_bytes")] == 2**31
    assert now[labelled("seedbed_gpu_utilisation_ratio")] == 0.5
    assert now[labelled("seedbed_gpu_power_watts")] == 300.5
    assert gpu_of("1024, 2048, [N/A], [Not Supported]") == Gpu(2**30, 2**31, None, None)


def test_what_a_family_does_not_tell_is_not_there() -> None:
    collector = TrialsAtWork()
    collector.hear({"a": (STUDENTS, {"step": 4, "total": None})})
    names = {name for name, _ in scraped(collector)}
    assert not names & {"seedbed_progress_ratio", "seedbed_data_wait_ratio", "seedbed_steps_per_second"}
    collector.hear({"a": (STUDENTS, told(4, metrics={"train/data_wait_ratio": 0.25}))})
    assert scraped(collector)[labelled("seedbed_data_wait_ratio")] == 0.25


def test_the_pace_is_that_of_the_last_seconds() -> None:
    now = 0.0
    pace = Pace(lambda: now)
    for second, step in ((0, 0), (1, 10), (5, 50), (12, 120), (25, 130)):
        now = float(second)
        pace.hear(step, {"train/loss": 1.0} if second in (5, 12) else None)
        if second == 1:
            assert pace.steps_per_second == 10
    assert pace.steps_per_second == pytest.approx(10 / 13)
    assert pace.epoch_seconds == 7


def test_a_port_that_is_taken_is_said() -> None:
    with (
        serving(TrialsAtWork(), 0, "127.0.0.1") as port,
        pytest.raises(InvalidConfig, match=f"metrics port {port}"),
        serving(TrialsAtWork(), port, "127.0.0.1"),
    ):
        raise AssertionError("two servers on a port")
