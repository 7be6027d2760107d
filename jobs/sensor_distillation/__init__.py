"""Image and signal teachers, and one small network on the signal that learns from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jobs.sensor_distillation.completion import complete
from jobs.sensor_distillation.config import SPLIT_SETTINGS, Settled, Training
from jobs.sensor_distillation.datasets import describe_sets, files_of, open_dataset
from jobs.sensor_distillation.windows import load_windows, units_by_split
from seedbed.family import ANYWHERE, Family, Metric, Role

if TYPE_CHECKING:
    from seedbed.trial import Trial


def run(trial: Trial[Any]) -> None:
    """Train one teacher or student."""
    from jobs.sensor_distillation.train import train  # torch is loaded where a trial runs, not in planning

    train(trial)


def fingerprint(config: Training) -> str:
    """The fingerprint of the files that a config's data set is made of."""
    return open_dataset(config.data, config.window).fingerprint()


def units(config: Training) -> Mapping[str, frozenset[str]]:
    """The subjects (samples, where there are none) in a config's train, validation and test windows."""
    return units_by_split(*load_windows(config))


def datasets() -> Mapping[str, str]:
    """The data sets, and where a person can get them."""
    return describe_sets()


_BY_ACCURACY = Role(select_by=("val/accuracy", "max"), revision=1)

family = Family(
    name="sensor_distillation",
    config=Settled,
    run=run,
    roles={"teacher": _BY_ACCURACY, "student": _BY_ACCURACY},
    fingerprint=fingerprint,
    split_settings=SPLIT_SETTINGS,
    units=units,
    datasets=datasets,
    files=files_of,
    complete=complete,
    metrics={
        "accuracy": Metric(unit="%", on=ANYWHERE),
        "loss": Metric(better="lower", on=ANYWHERE),
        "params": Metric(better="lower", on=("model",)),
        "flops": Metric(better="lower", on=("model",)),
    },
    tiny=(
        {"role": "student", "window": 400, "network": "wrn10-1", "epochs": 1},
        # Every kernel of imaging.py, so that an image is built with all of them compiled.
        {
            "role": "teacher",
            "modality": "stack",
            "image_size": 8,
            "window": 400,
            "network": "wrn10-1",
            "epochs": 1,
        },
    ),
    preload=("jobs.sensor_distillation.train",),
)
