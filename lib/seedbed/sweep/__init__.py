"""Sweeps: an Argo Workflow whose tasks are stages, read as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from seedbed.sweep.language import LaptopStage, StagePlan

Form = Literal["full", "laptop"]


@dataclass(frozen=True)
class Stage:
    """The trials of one family over one grid × seeds."""

    name: str
    family: str
    plan: StagePlan
    depends: tuple[str, ...]
    """The stages that must be complete before this one starts."""

    place: str
    """Where its plan stands: file and path in it, for errors."""


@dataclass(frozen=True)
class Sweep:
    """A workflow file: stages in a DAG, answering one question."""

    name: str
    title: str
    description: str
    """What it is about, in the file's own words; empty without."""

    file: str
    stages: tuple[Stage, ...]
    """Ordered so that each stage comes after those it depends on."""

    seeds: str
    form: Form
    """Which form runs when nobody says; on a laptop that is `laptop`, if the file has one."""

    laptop: Mapping[str, LaptopStage]
    """How each stage is cut down, `all` for every one of them; empty when there is no laptop form."""

    keep_winners: bool = False
    """Whether recorded winners stay, whatever new seeds say."""

    uncut: Sweep | None = None
    """The full form of what stands in its laptop form here."""

    def stage(self, name: str) -> Stage:
        """The stage of that name."""
        return next(stage for stage in self.stages if stage.name == name)

    def ancestors(self, name: str) -> list[str]:
        """All stages that come before a stage, in the sweep's order."""
        wanted = set(self.stage(name).depends)
        for stage in reversed(self.stages):
            if stage.name in wanted:
                wanted |= set(stage.depends)
        return [stage.name for stage in self.stages if stage.name in wanted]

    def may_be_late(self, name: str) -> bool:
        """Whether a stage's trials can depend on results: it takes a best trial, a winner, or what builds on one."""
        plan = self.stage(name).plan
        picks = any(source.pick == "best" for source in plan.all_inputs)
        named = [entry.stage for entry in plan.inherited if not isinstance(entry, str)]
        wins = plan.confirm is not None or len(named) < len(plan.inherited)
        before = [*(source.stage for source in plan.all_inputs), *plan.gather, *named]
        return picks or wins or any(map(self.may_be_late, before))

    def with_stages(self, stages: tuple[Stage, ...]) -> Sweep:
        """The same sweep with other plans."""
        return replace(self, stages=stages)
