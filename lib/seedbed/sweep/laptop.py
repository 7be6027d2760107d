"""The laptop form: the same sweep, cut down so that it ends in minutes."""

from __future__ import annotations

from dataclasses import replace

from seedbed.errors import InvalidSweep, did_you_mean
from seedbed.sweep import Form, Stage, Sweep
from seedbed.sweep.language import LaptopStage, Scalar, StagePlan
from seedbed.sweep.points import flatten, nest

LAPTOP = "metadata.annotations.seedbed/laptop"


def in_form(sweep: Sweep, form: Form) -> Sweep:
    """The sweep as it runs in a form; raises InvalidSweep when the cuts do not fit the stages."""
    if form == "full":
        return sweep
    _refuse_unknown_stages(sweep)
    _refuse_axes_of_no_stage(sweep)
    return sweep.with_stages(tuple(_cut(sweep, stage) for stage in sweep.stages))


def laptop_summary(sweep: Sweep) -> str:
    """What the laptop form changes, in a few words: `epochs 8, network wrn16-1 only`."""
    words: list[str] = []
    for cut in sweep.laptop.values():
        words += [f"{path} {value}" for path, value in flatten(cut.config).items()]
        words += [f"{axis} {', '.join(map(str, values))} only" for axis, values in cut.only.items()]
        words += [f"seeds {cut.seeds}"] if cut.seeds else []
    return "; ".join(dict.fromkeys(words))


def _cut(sweep: Sweep, stage: Stage) -> Stage:
    plan = stage.plan
    for name in ("all", stage.name):
        if name in sweep.laptop:
            plan = _apply(plan, sweep.laptop[name], f"{sweep.file}: {LAPTOP}.{name}", strict=name != "all")
    return replace(stage, plan=plan)


def _apply(plan: StagePlan, cut: LaptopStage, place: str, strict: bool) -> StagePlan:
    config = flatten(plan.config)
    for path, value in flatten(cut.config).items():
        if path in plan.grid:
            raise InvalidSweep(
                f"{place}.config.{path}: is an axis of the grid; say `only: {{{path}: [...]}}`"
            )
        config[path] = value
    grid = {
        axis: _keep(values, cut.only[axis], f"{place}.only.{axis}") if axis in cut.only else values
        for axis, values in plan.grid.items()
    }
    if strict:
        for axis in cut.only:
            if axis not in plan.grid:
                raise InvalidSweep(f"{place}.only.{axis}: no such axis; {did_you_mean(axis, plan.grid)}")
    return plan.model_copy(update={"config": nest(config), "grid": grid, "seeds": cut.seeds or plan.seeds})


def _keep(values: list[Scalar], wanted: list[Scalar], place: str) -> list[Scalar]:
    if not wanted:
        raise InvalidSweep(f"{place}: an axis needs at least one value")
    for value in wanted:
        if value not in values:
            raise InvalidSweep(f"{place}: {value!r} is not on the axis; {did_you_mean(value, values)}")
    return [value for value in values if value in wanted]


def _refuse_unknown_stages(sweep: Sweep) -> None:
    names = ["all", *(stage.name for stage in sweep.stages)]
    for name in sweep.laptop:
        if name not in names:
            raise InvalidSweep(f"{sweep.file}: {LAPTOP}.{name}: no such stage; {did_you_mean(name, names)}")


def _refuse_axes_of_no_stage(sweep: Sweep) -> None:
    axes = [axis for stage in sweep.stages for axis in stage.plan.grid]
    for axis in sweep.laptop["all"].only if "all" in sweep.laptop else ():
        if axis not in axes:
            raise InvalidSweep(
                f"{sweep.file}: {LAPTOP}.all.only.{axis}: no stage has it; {did_you_mean(axis, axes)}"
            )
