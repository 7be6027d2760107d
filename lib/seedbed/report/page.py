"""The page: what its template is given, and how it is made."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from seedbed.cli.wording import duration
from seedbed.collect import StageTables
from seedbed.lineage import lineage
from seedbed.report.agreement import Beside, beside_inputs
from seedbed.report.answer import answer, confirmed
from seedbed.report.breakdown import Breakdown, breakdown
from seedbed.report.charts import Figure, axis_name, differences, main_figure
from seedbed.report.cost import Cost, all_states, costs, total_seconds
from seedbed.report.curves import Curves, learning_curves
from seedbed.report.files import Files
from seedbed.report.grid import HtmlGrid, html_grids
from seedbed.report.origins import Origins, TrialRow
from seedbed.report.pictures import Picture, family_pictures
from seedbed.report.points import Point, TableView, chosen, shown_of, table_views
from seedbed.report.scrub import scrubbed
from seedbed.report.settings import stage_settings
from seedbed.report.ternary import ternary
from seedbed.run_records import Run
from seedbed.state import TrialState
from seedbed.store import Store
from seedbed.tables import chain, wording


@dataclass(frozen=True)
class Part:
    """A table with everything that stands beside it."""

    view: TableView
    heading: str
    caption: str
    measure: str
    """The metric with its unit."""

    answer: Sequence[str]
    remarks: Sequence[str]
    notes: Sequence[str]
    grids: Sequence[HtmlGrid]
    figure: Figure | None
    differences: Figure | None
    curves: Curves | None
    inputs: Beside | None
    breakdown: Breakdown | None
    costs: Sequence[Cost]
    detail: str
    """Which points inputs, curves and costs are shown for, where not for all of them."""

    trials: Sequence[tuple[Point, Sequence[TrialRow]]]


def render(store: Store, run: Run, stages: Sequence[StageTables]) -> str:
    """The whole page."""
    files, origins = Files(store), Origins()
    states = all_states(stages)
    parts = [_part(files, origins, view, states) for view in table_views(stages)]
    story = lineage([stage.record for stage in stages], states)
    script = _asset("page.js")
    return (
        _environment()
        .get_template("page.html")
        .render(
            run=run,
            contents=_contents(parts, stages),
            parts=parts,
            shown=[part for part in parts if part.view.stage.record.shown] or parts,
            others=[part for part in parts if not part.view.stage.record.shown]
            if any(_shown(stages))
            else [],
            settings=stage_settings(stages),
            pictures=list(_pictures(stages, files)),
            events=list(_events(states)),
            missing=list(_missing(parts)),
            unplanned=[name for name in run.stages if name not in {stage.record.stage for stage in stages}],
            unmade=[f"{stage.record.stage}: {stage.complaint}" for stage in stages if stage.complaint],
            complaints=files.complaints,
            origins=origins.all,
            differ_in=origins.differ_in(),
            started=run.started[:16].replace("T", " "),
            trials=len(states),
            done=sum(state.finished for state in states.values()),
            seconds=duration(total_seconds(stages)),
            chain=chain.lines(story) if story else None,
            confirmed=confirmed(story) if story else [],
            newest=max(
                (result.finished_at for state in states.values() if (result := state.result)), default=""
            ),
            style=Markup(_asset("style.css")),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )


def _part(files: Files, origins: Origins, view: TableView, states: Mapping[str, TrialState]) -> Part:
    table = view.table
    points = chosen(view.points)
    apart = wording.place(table.separate)
    notes = [f"{where}: {note}" for where, note in wording.notes(table).items()]
    return Part(
        view=view,
        heading=f"{table.stage}{f', {apart}' if apart else ''}",
        caption=" · ".join(filter(None, [wording.caption(table), apart, view.stage.description])),
        measure=axis_name(table),
        answer=answer(view),
        remarks=view.stage.remarks,
        notes=[*notes, *wording.below(table)],
        grids=html_grids(view),
        figure=ternary(view) or main_figure(view),
        differences=differences(view),
        curves=learning_curves(files, view, points),
        inputs=beside_inputs(files, view, points, states),
        breakdown=breakdown(files, view),
        costs=costs(files, view, points, states),
        detail=shown_of(points, view.points),
        trials=[(point, origins.rows(view, point)) for point in view.points],
    )


def _contents(parts: Sequence[Part], stages: Sequence[StageTables]) -> list[tuple[str, str]]:
    """The sections that only some pages have, and the last ones."""
    shown = [part for part in parts if part.view.stage.record.shown] or parts
    some = {
        ("inputs", "Beside what they build on"): any(part.inputs for part in shown),
        ("curves", "Learning curves"): any(part.curves for part in shown),
        ("groups", "By class and by unit"): any(part.breakdown for part in shown),
        ("cost", "Cost"): any(part.costs for part in shown),
        ("others", "The stages before"): len(shown) < len(parts),
    }
    last = [("health", "Health"), ("origins", "Where the numbers come from")]
    return [*(entry for entry, there in some.items() if there), *last]


def _shown(stages: Sequence[StageTables]) -> Iterator[bool]:
    return (stage.record.shown for stage in stages)


def _events(states: Mapping[str, TrialState]) -> Iterator[tuple[str, str, str, str]]:
    """Family, trial, what it is called, and the event in words."""
    for state in states.values():
        for event in state.result.events if state.result else ():
            yield state.trial.family, state.trial.id, state.trial.label, event.message


def _missing(parts: Sequence[Part]) -> Iterator[tuple[str, str, str, str]]:
    """Stage, point, seed and reason of every planned trial without a value, each once."""
    said = {}
    for part in parts:
        for point in part.view.points:
            for block, why in point.cell.failures.items():
                source = part.view.stage.record.stage if point.own else point.row
                said[(source, point.name, block)] = why
    for (source, name, block), why in said.items():
        yield source, name, block, why


def _pictures(stages: Sequence[StageTables], files: Files) -> Iterator[Picture]:
    for stage in stages:
        yield from family_pictures(stage, files)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("seedbed.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=scrubbed,
    )
    environment.filters["place"] = lambda value: f"{value:.1f}".removesuffix(".0")
    return environment


def _asset(name: str) -> str:
    return (resources.files("seedbed.report") / name).read_text(encoding="utf-8")
