"""The plan pod of a stage: which trials its grid means, and in which packs they go."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from seedbed.argo.outputs import put_out
from seedbed.errors import InvalidSweep, did_you_mean
from seedbed.identity import digest
from seedbed.planning import PlannedStage, PlannedTrial, plan_sweep
from seedbed.planning.refusals import MOST_PACKS
from seedbed.runs import open_named_run, recorded_winners
from seedbed.state import look_up, metrics_in
from seedbed.store import Store
from seedbed.sweep.laptop import in_form
from seedbed.sweep.workflow import sweep_in

LABEL_LENGTH = 100
"""Characters of a pack's name in the Argo UI."""


def plan_stage(store: Store, workflow: dict[str, Any], node: str) -> list[list[PlannedTrial]]:
    """Plan the stage that a node of a workflow belongs to, write its plan and packs, and put them out for Argo.

    The whole sweep is planned, as it is on one machine, so that there is one planner; then this stage's part is
    written. Returns the packs: the trials without a result, in the groups that a pod takes together.
    """
    name = workflow["metadata"]["name"]
    read = sweep_in(workflow, f"workflow {name}")
    sweep = in_form(read, read.form)
    stage = _stage_of(node, [stage.name for stage in sweep.stages])
    plan = plan_sweep(sweep, metrics_in(store))
    if sweep.keep_winners:
        kept = recorded_winners(store, plan, sweep.form)
        plan = plan_sweep(sweep, metrics_in(store), kept=kept)
    planned = plan.stages[stage]
    if planned.late:
        why = planned.hopeless or "results that it builds on are not there"
        raise InvalidSweep(f"stage {stage} cannot be planned: {why}")
    started = workflow["metadata"]["creationTimestamp"]
    run = open_named_run(store, plan, sweep.form, name, started, stage)
    folder = f"{run.folder}/{stage}"
    packs = _packs(store, planned)
    items = []
    for trials in packs:
        pack = trials[0].id if len(trials) == 1 else digest([trial.id for trial in trials])[:16]
        content = json.dumps([trial.to_json() for trial in trials])
        store.write(f"{folder}/packs/{pack}.json", content.encode())
        items.append({"pack": pack, "label": _label(stage, trials)})
    put_out(folder=folder, packs=json.dumps(items))
    return packs


def _stage_of(node: str, stages: Sequence[str]) -> str:
    """The stage in a node's name: `<workflow>.<stage>.plan`, and `(0)` behind it where Argo counts attempts."""
    pieces = node.split(".")
    stage = pieces[-2] if len(pieces) > 1 else node
    if stage not in stages:
        raise InvalidSweep(f"node {node}: the sweep has no stage {stage!r}; {did_you_mean(stage, stages)}")
    return stage


def _packs(store: Store, planned: PlannedStage) -> list[list[PlannedTrial]]:
    """The trials still to run, in the plan's order, so many to a pack."""
    if planned.stage.plan.gather:
        return []
    states = look_up(store, planned.trials)
    waiting = [trial for trial in planned.trials if not states[trial.id].finished]
    wanted = planned.stage.plan.pack
    size = max(1, math.ceil(len(waiting) / MOST_PACKS)) if wanted == "auto" else wanted
    return [waiting[start : start + size] for start in range(0, len(waiting), size)]


def _label(stage: str, trials: Sequence[PlannedTrial]) -> str:
    more = f" and {len(trials) - 1} more" if len(trials) > 1 else ""
    return f"{stage} {trials[0].label}"[: LABEL_LENGTH - len(more)] + more
