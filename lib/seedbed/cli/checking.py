"""What `seedbed check` asks of a sweep file beyond being readable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seedbed.errors import BadData, InvalidSweep
from seedbed.planning import PlannedStage, plan_sweep
from seedbed.sweep import Form
from seedbed.sweep.laptop import in_form
from seedbed.sweep.workflow import read_sweep
from seedbed.sweep.yaml import load_yaml

DEMANDED = {
    ("spec", "podGC"): "finished pods would pile up",
    ("spec", "ttlStrategy"): "finished workflows would pile up",
    ("metadata", "annotations", "workflows.argoproj.io/title"): "tables and the Argo UI show it",
}
"""What a sweep has to say for itself: Argo takes none of it from the stage template."""


def check_sweep(path: Path) -> Iterator[str]:
    """A line for each form of a sweep that holds; raises the error that says what does not."""
    sweep = read_sweep(path)
    document = load_yaml(path.read_text(encoding="utf-8"), str(path))
    for place, why in DEMANDED.items():
        found = document
        for name in place:
            found = found.get(name, {})
        if not found:
            raise InvalidSweep(f"{path}: {'.'.join(place)}: is required and not set: {why}")
    if path.stem != sweep.name:
        raise InvalidSweep(
            f"{path}: metadata.labels.seedbed/sweep: found {sweep.name!r}, expected the file's name, {path.stem!r}"
        )
    forms: tuple[Form, ...] = ("full", "laptop") if sweep.laptop else ("full",)
    for form in forms:
        try:
            plan = plan_sweep(in_form(sweep, form))
        except BadData as error:  # the file may be right: the data are not on this machine
            yield f"{path}: {form} form: not expanded: {error}"
            continue
        stages = ", ".join(f"{name} {_count(stage)}" for name, stage in plan.stages.items())
        more = f" and at most {plan.at_most_more} more" if plan.at_most_more else ""
        sampled = [name for name, stage in plan.stages.items() if stage.sampled]
        sample = (
            f"; {', '.join(sampled)}: checked against a sample of what they may start from" if sampled else ""
        )
        yield f"{path}: {form} form: {len(plan.trials)} trials{more} ({stages}){sample}"


def _count(stage: PlannedStage) -> str:
    return f"gathers {stage.count}" if stage.stage.plan.gather else stage.count
