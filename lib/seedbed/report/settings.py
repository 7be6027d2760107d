"""What was run: each stage's axes, and the settings that are fixed, with what they mean."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from seedbed.collect import StageTables
from seedbed.config import defaults
from seedbed.errors import InvalidConfig
from seedbed.family import load_family
from seedbed.sweep.points import GATHERED
from seedbed.tables.wording import label

MOST_VALUES = 12


@dataclass(frozen=True)
class Setting:
    """One setting: its values in a stage, its default where it has one, and what it is."""

    name: str
    values: str
    default: str
    meaning: str

    fixed: bool
    """Whether it is the same in all trials of the stage."""

    @property
    def changed(self) -> bool:
        """Whether it is fixed at something else than its default."""
        return self.fixed and self.values != self.default


@dataclass(frozen=True)
class StageSettings:
    """A stage as a reader should know it."""

    name: str
    what: str
    """Its family, and its roles with their revisions."""

    axes: Sequence[tuple[str, str]]
    seeds: str
    trials: int
    builds_on: Sequence[str]
    settings: Sequence[Setting]


def stage_settings(stages: Sequence[StageTables]) -> list[StageSettings]:
    """Every stage of a run, in its order."""
    names = {stage.record.stage for stage in stages}
    homes = {
        trial.id: stage.record.stage
        for stage in stages
        for trial in stage.record.trials
        if trial.axes.get(GATHERED) not in names
    }
    return [_stage(stage, homes) for stage in stages]


def _stage(stage: StageTables, homes: Mapping[str, str]) -> StageSettings:
    record = stage.record
    axes: dict[str, dict[str, None]] = {}
    for trial in record.trials:
        for axis, value in trial.axes.items():
            axes.setdefault(axis, {})[label(value)] = None
    roles = dict.fromkeys(f"{trial.role} revision {trial.revision}" for trial in record.trials)
    return StageSettings(
        record.stage,
        f"{record.family}, {', '.join(roles)}",
        [
            (axis + (" (run over)" if axis in record.over else ""), _some(list(values)))
            for axis, values in axes.items()
        ],
        _some([str(seed) for seed in dict.fromkeys(trial.seed for trial in record.trials)]),
        len(record.trials),
        list(_builds_on(stage, homes)),
        _settings(stage),
    )


def _builds_on(stage: StageTables, homes: Mapping[str, str]) -> Iterator[str]:
    """`signal: 3 trials of teachers, best weights`."""
    record = stage.record
    found: dict[tuple[str, str, str], set[str]] = {}
    for trial in record.trials:
        for role, refs in trial.inputs.items():
            for ref in refs:
                found.setdefault((role, homes.get(ref.trial, "another sweep"), ref.weights), set()).add(
                    ref.trial
                )
    for (role, home, weights), trials in found.items():
        yield f"{role}: {len(trials)} {'trial' if len(trials) == 1 else 'trials'} of {home}, {weights} weights"
    if record.baseline:
        yield f"compared with {record.baseline_label}: {len(record.baseline)} trials"


def _settings(stage: StageTables) -> list[Setting]:
    values: dict[str, dict[str, None]] = {}
    usual: dict[str, set[str]] = {}
    meanings: dict[str, str] = {}
    family = load_family(stage.record.family)
    for config in _distinct([trial.config for trial in stage.record.trials]):
        for name, value in config.items():
            values.setdefault(name, {})[_plain(value)] = None
        try:
            model = type(family.read(config))
        except InvalidConfig:  # planned by an older family
            continue
        for name, text in _defaults(model).items():
            usual.setdefault(name, set()).add(text)
        meanings |= {name: field.description or "" for name, field in model.model_fields.items()}
    return [
        Setting(
            name,
            _some(list(found)),
            next(iter(usual[name])) if len(usual.get(name, ())) == 1 else "",
            meanings.get(name, ""),
            len(found) == 1,
        )
        for name, found in values.items()
    ]


def _defaults(model: type[BaseModel]) -> dict[str, str]:
    """Each default as text; fields that must be given have none."""
    return {name: _plain(value) for name, value in defaults(model).items() if value != "(required)"}


def _distinct(configs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({json.dumps(config, sort_keys=True): config for config in configs}.values())


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(part)}" for name, part in value.items()) or "none"
    if isinstance(value, float):
        return f"{value:.12g}"  # 0.0 and 0 are one setting
    return "none" if value is None else label(value)


def _some(values: Sequence[str]) -> str:
    shown = list(values[:MOST_VALUES])
    return ", ".join(shown) + (f" … ({len(values)} in all)" if len(values) > MOST_VALUES else "")
