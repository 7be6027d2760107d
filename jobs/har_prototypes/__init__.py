"""Windows of phone sensors classified by attention to class prototypes, which a contrastive loss shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jobs.har_prototypes import datasets as sets
from jobs.har_prototypes.config import SPLIT_SETTINGS, Network, Training
from seedbed.family import ANYWHERE, Family, Metric, Role

if TYPE_CHECKING:
    from seedbed.collect import StageTables
    from seedbed.trial import Trial


def run(trial: Trial[Any]) -> None:
    """Train one network."""
    from jobs.har_prototypes.train import train  # torch is loaded where a trial runs, not in planning

    train(trial)


def fingerprint(config: Training) -> str:
    """The fingerprint of the files that a config's data set is made of."""
    return sets.fingerprint(config.data)


def units(config: Training) -> Mapping[str, frozenset[str]]:
    """The subjects in a config's train, validation and test windows; windows, where the protocol mixes subjects."""
    from jobs.har_prototypes.data import units_by_split

    return units_by_split(config)


def effects(stage: StageTables, files: Any) -> tuple[Any, Mapping[str, Any]]:
    """The main effect of each setting, where a stage is a two-level screen."""
    from jobs.har_prototypes import figures

    return figures.effects(stage, files)


def cost(stage: StageTables, files: Any) -> tuple[Any, Mapping[str, Any]]:
    """F1 over the time that one window takes, for each point of a stage."""
    from jobs.har_prototypes import figures

    return figures.cost(stage, files)


def features(stage: StageTables, files: Any) -> tuple[Any, Mapping[str, Any]]:
    """t-SNE of test windows before and after batch normalisation, where a stage tries it."""
    from jobs.har_prototypes import figures

    return figures.features(stage, files)


TINY = {"data": "made", "windows": 64, "batch_size": 32, "epochs": 2, "dim": 16}

family = Family(
    name="har_prototypes",
    config=Network,
    run=run,
    roles={"network": Role(select_by=("val/f1", "max"), revision=2, inputs=())},
    fingerprint=fingerprint,
    split_settings=SPLIT_SETTINGS,
    units=units,
    datasets=sets.describe_sets,
    files=sets.files_of,
    metrics={
        "accuracy": Metric(unit="%", on=ANYWHERE),
        "f1": Metric(unit="%"),
        "macro_f1": Metric(unit="%"),
        "loss": Metric(better="lower", on=ANYWHERE),
        "params": Metric(better="lower", on=("model",)),
        "flops": Metric(better="lower", on=("model",)),
    },
    figures={"Main effects": effects, "Cost": cost, "Features (t-SNE)": features},
    tiny=(TINY, {**TINY, "contrast": {"kind": "barlow"}}, {**TINY, "block": "encoder"}),
    preload=("jobs.har_prototypes.train", "sklearn.metrics", "sklearn.model_selection"),
)
