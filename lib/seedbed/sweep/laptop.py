"""The laptop form: the same sweep, cut down so that it ends in minutes."""

from __future__ import annotations

from dataclasses import replace

from seedbed.errors import InvalidSweep, did_you_mean
from seedbed.sweep import Form, Stage, Sweep
from seedbed.sweep.language import Block, Label, LaptopStage, StagePlan
from seedbed.sweep.part import Scalar
from seedbed.sweep.points import flatten, nest
from seedbed.sweep.seeds import parse_seeds

ANNOTATION = "seedbed/laptop"
LAPTOP = f"metadata.annotations.{ANNOTATION}"
"""Where the laptop form stands in a sweep file, for errors."""


def in_form(sweep: Sweep, form: Form) -> Sweep:
    """The sweep as it runs in a form; raises InvalidSweep when the cuts do not fit the stages."""
    if form == "full":
        return sweep
    _refuse_unknown_stages(sweep)
    _refuse_axes_of_no_stage(sweep)
    cut = sweep.with_stages(tuple(_cut(sweep, stage) for stage in sweep.stages))
    stages = tuple(_without_vain_expectations(sweep, cut, stage) for stage in cut.stages)
    return replace(sweep, stages=stages, uncut=sweep)


def with_seeds(sweep: Sweep, seeds: str) -> Sweep:
    """The sweep with the seeds of `--seeds`, in both forms; a stage whose plan has its own keeps those.

    Raises InvalidSweep for what are no seeds.
    """
    parse_seeds(seeds, "--seeds")
    own = {stage.name for stage in sweep.stages if stage.plan.seeds}
    laptop = {
        name: cut if name in own else cut.model_copy(update={"seeds": None})
        for name, cut in sweep.laptop.items()
    }
    return replace(sweep, seeds=seeds, laptop=laptop)


def form_in_words(sweep: Sweep, form: Form) -> str:
    """`full form`, or `laptop form: ` and what it changes."""
    return f"laptop form: {laptop_summary(sweep)}" if form == "laptop" else "full form"


def laptop_summary(sweep: Sweep) -> str:
    """What the laptop form changes, in a few words: `epochs 8; teachers: network wrn16-1 only`."""
    of_all = [words for name, cut in sweep.laptop.items() if name == "all" for words in _in_words(cut)]
    training = {stage.name for stage in sweep.stages if not stage.plan.gather}
    stages: dict[tuple[str, ...], list[str]] = {}
    for name, cut in sweep.laptop.items():
        stages.setdefault(tuple(words for words in _in_words(cut) if words not in of_all), []).append(name)
    of_some = []
    for own, names in stages.items():
        if {*names} == training:
            of_all += own
        elif own:
            of_some.append(f"{', '.join(names)}: {' and '.join(own)}")
    return "; ".join([*of_all, *of_some])


def _in_words(cut: LaptopStage) -> list[str]:
    """What a cut changes, setting by setting and axis by axis."""
    words = [f"{path} {value}" for path, value in flatten(cut.config).items()]
    words += [f"{axis} {', '.join(map(str, values))} only" for axis, values in cut.only.items()]
    return words + ([f"seeds {cut.seeds}"] if cut.seeds else [])


def _cut(sweep: Sweep, stage: Stage) -> Stage:
    plan = stage.plan
    for name in (stage.name,) if plan.gather else ("all", stage.name):  # what gathers trains nothing
        if name in sweep.laptop:
            plan = _apply(plan, sweep.laptop[name], f"{sweep.file}: {LAPTOP}.{name}", strict=name != "all")
    return replace(stage, plan=plan)


def _apply(plan: StagePlan, cut: LaptopStage, place: str, strict: bool) -> StagePlan:
    config = flatten(plan.config)
    for path, value in flatten(cut.config).items():
        if path in plan.axes:
            raise InvalidSweep(
                f"{place}.config.{path}: is an axis of the grid; say `only: {{{path}: [...]}}`"
            )
        config[path] = value
    if strict:
        for axis in cut.only:
            if axis not in plan.axes:
                raise InvalidSweep(f"{place}.only.{axis}: no such axis; {did_you_mean(axis, plan.axes)}")
    _refuse_values_of_no_block(plan, cut, place)
    blocks = [block for block in (_keep(block, cut) for block in plan.blocks) if block is not None]
    grid = blocks if isinstance(plan.grid, list) else blocks[0]
    over = _keep(plan.over, cut)
    apart = plan.confirm is not None and not strict  # what confirms needs seeds that selected nothing
    seeds = plan.seeds if apart else cut.seeds or plan.seeds
    changed = {"config": nest(config), "grid": grid, "over": over or {}, "seeds": seeds}
    if plan.baseline == "parent" and _has_heirs(plan.blocks) and not _has_heirs(blocks):
        changed["baseline"] = None  # the labels that remain are compared with none
    return plan.model_copy(update=changed)


def _has_heirs(blocks: list[Block]) -> bool:
    """Whether a label comes `from` another."""
    axes = [values for block in blocks for values in block.values() if isinstance(values, dict)]
    return any(label.origin for labels in axes for label in labels.values())


def _without_vain_expectations(full: Sweep, cut: Sweep, stage: Stage) -> Stage:
    """The stage without the published values whose points are cut off."""
    expect = stage.plan.expect
    if expect is None:
        return stage
    kept = [
        value
        for value in expect.values
        if not any(_is_cut_off(full, cut, stage.name, axis, wanted) for axis, wanted in value.at.items())
    ]
    remaining = expect.model_copy(update={"values": kept}) if kept else None
    return replace(stage, plan=stage.plan.model_copy(update={"expect": remaining}))


def _is_cut_off(full: Sweep, cut: Sweep, name: str, axis: str, value: Scalar) -> bool:
    """Whether a value is gone from a stage's axis; where it takes points from others, from one of theirs."""
    own = axis in full.stage(name).plan.axes
    return any(
        value in _values_on(full.stage(stage).plan, axis)
        and value not in _values_on(cut.stage(stage).plan, axis)
        for stage in ([name] if own else full.ancestors(name))
    )


def _values_on(plan: StagePlan, axis: str) -> list[Scalar]:
    return [value for block in [*plan.blocks, plan.over] for value in block.get(axis, [])]


def _keep(block: Block, cut: LaptopStage) -> Block | None:
    """A block with the values that remain; None when an axis has none left there."""
    kept: Block = {}
    for axis, values in block.items():
        wanted = cut.only.get(axis)
        if wanted is None:
            kept[axis] = values
        elif isinstance(values, dict):
            kept[axis] = _labels_kept(values, wanted)
        else:
            kept[axis] = [value for value in values if value in wanted]
    return kept if all(kept.values()) else None


def _labels_kept(labels: dict[str, Label], wanted: list[Scalar]) -> dict[str, Label]:
    """The labels that remain, each whole: what it took from labels that do not is written into it."""
    kept = {}
    for name, label in labels.items():
        if name in wanted:
            while label.origin is not None and label.origin not in wanted:
                before = labels[label.origin]
                label = Label.model_validate(
                    {
                        "config": nest(flatten(before.config) | flatten(label.config)),
                        "inputs": {**before.inputs, **label.inputs},
                        "from": before.origin,
                    }
                )
            kept[name] = label
    return kept


def _refuse_values_of_no_block(plan: StagePlan, cut: LaptopStage, place: str) -> None:
    for axis, wanted in cut.only.items():
        there = _values_on(plan, axis)
        if there and not wanted:
            raise InvalidSweep(f"{place}.only.{axis}: an axis needs at least one value")
        for value in wanted:
            if there and value not in there:
                raise InvalidSweep(
                    f"{place}.only.{axis}: {value!r} is not on the axis; {did_you_mean(value, there)}"
                )


def _refuse_unknown_stages(sweep: Sweep) -> None:
    names = ["all", *(stage.name for stage in sweep.stages)]
    for name in sweep.laptop:
        if name not in names:
            raise InvalidSweep(f"{sweep.file}: {LAPTOP}.{name}: no such stage; {did_you_mean(name, names)}")


def _refuse_axes_of_no_stage(sweep: Sweep) -> None:
    axes = [axis for stage in sweep.stages for axis in stage.plan.axes]
    for axis in sweep.laptop["all"].only if "all" in sweep.laptop else ():
        if axis not in axes:
            raise InvalidSweep(
                f"{sweep.file}: {LAPTOP}.all.only.{axis}: no stage has it; {did_you_mean(axis, axes)}"
            )
