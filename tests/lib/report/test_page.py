"""The page as a whole: its structure, its numbers, and that what it quotes is only ever text."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from seedbed.family import load_family
from tests.lib.report.conftest import Made, MakeRun
from tests.lib.report.reading import Element

STUDY = {
    "alone": {"config": {"role": "leader", "steps": 3}},
    "leaders": {
        "depends": "alone",
        "config": {"role": "leader", "steps": 3},
        "grid": {"rate": [0.01, 0.02, 0.04]},
        "baseline": {"stage": "alone"},
        "table": {"rows": "rate"},
    },
    "followers": {
        "depends": "leaders",
        "config": {"role": "follower"},
        "grid": {"size": [0.01, 0.04]},
        "inputs": {"leader": {"stage": "leaders", "where": {"rate": "{size}"}}},
    },
}


@pytest.fixture(scope="module")
def trained() -> list[Made]:
    """The study, once it has been trained: one is enough for all who only look at it."""
    return []


@pytest.fixture
def study(make_run: MakeRun, trained: list[Made]) -> Made:
    if not trained:
        trained.append(make_run(STUDY))
    return replace(trained[0], stages=[*trained[0].stages])


def targets(page: Element) -> set[str]:
    return {element.attributes["id"] for element in page.every() if "id" in element.attributes}


def test_it_is_built_so_that_it_can_be_heard_and_walked_through(study: Made) -> None:
    page = study.page()
    assert page.one("html").attributes["lang"] == "en"
    assert [one.tag for one in page.one("body").parts if isinstance(one, Element)] == [
        "a", "header", "nav", "main", "footer", "dialog", "script",
    ]  # fmt: skip
    levels = [int(one.tag[1]) for one in page.every() if re.fullmatch("h[1-6]", one.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    for table in page.all("table"):
        assert table.one("caption").text
        assert all(head.attributes.get("scope") in ("col", "row", "rowgroup") for head in table.all("th"))
    for picture in page.all("svg"):
        assert picture.attributes["role"] == "img"
        names = picture.attributes["aria-labelledby"].split()
        assert [one.tag for one in picture.every() if one.attributes.get("id") in names] == ["title", "desc"]
    for boxed in page.all("div", **{"class": "scroll"}):
        assert boxed.attributes["tabindex"] == "0"
        assert "aria-label" in boxed.attributes or boxed.attributes["aria-labelledby"] in targets(page)


def test_every_id_is_there_once_and_every_link_leads_to_one(study: Made) -> None:
    page = study.page()
    ids = [element.attributes["id"] for element in page.every() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    links = [element.attributes["href"] for element in page.all("a")]
    assert len(links) > 30
    assert [link for link in links if not link.startswith("#") or link[1:] not in ids] == []
    labels = [
        one.attributes["aria-labelledby"].split()
        for one in page.every()
        if "aria-labelledby" in one.attributes
    ]
    assert [name for names in labels for name in names if name not in ids] == []


def test_it_needs_nothing_beside_itself_and_runs_only_its_own_script(study: Made) -> None:
    html = study.html()
    page = study.page()
    sources = [one.attributes.get("src", "") for one in page.every()] + [
        one.attributes["href"] for one in page.all("link")
    ]
    assert [source for source in sources if source and not source.startswith("data:")] == []
    assert not re.search(r"url\(|@import|https?:", html)
    policy = page.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
    digest = base64.b64encode(hashlib.sha256(page.one("script").parts[0].encode()).digest()).decode()  # type: ignore[union-attr]
    assert policy.startswith("default-src 'none'")
    assert f"script-src 'sha256-{digest}'" in policy


def test_its_figures_are_those_of_the_table_in_the_same_rounding(study: Made) -> None:
    page = study.page()
    written = study.stages[1].render("md")
    lines = [line for line in written.splitlines() if line.startswith("| ") and "---" not in line]
    wanted = [[text.strip().replace("\\", "") for text in line.strip("|").split(" | ")] for line in lines]
    shown = next(table for table in page.all("table") if table.attributes.get("id", "").endswith("grid-1"))
    assert [row for row in shown.rows() if row[0] != "notes"] == wanted


def test_a_figure_leads_to_its_trials_and_their_values(study: Made) -> None:
    page = study.page()
    (table,) = study.stages[1].tables
    cell = table.rows[0].cells[0]
    assert cell is not None
    link = next(
        one for one in page.all("a", **{"class": "cell"}) if one.text == f"{cell.mean:.3f} ± {cell.std:.3f}"
    )
    rows = page.one("tbody", id=link.attributes["href"][1:]).rows()
    ids = [trial.id for trial in study.stages[1].record.trials if trial.axes == cell.axes]
    assert rows[0] == ["rate=0.01"]
    assert [row[:3] for row in rows[1:]] == [
        [seed, f"{value:.3f}", trial] for (seed, value), trial in zip(cell.values.items(), ids, strict=True)
    ]
    (origin,) = {row[5] for row in rows[1:]}
    told = page.one("section", id=f"origin-{origin}").text
    result = study.stages[1].states[ids[0]].result
    assert result is not None
    for fact in (result.code, result.data, result.host, result.split["hash"]):
        assert fact in told


def test_a_trial_leads_to_those_that_it_builds_on(study: Made) -> None:
    page = study.page()
    trial = study.stages[2].record.trials[0]
    row = next(row for row in page.all("tr") if row.all("code") and row.all("code")[0].text == trial.id)
    (link,) = [one for one in row.all("a") if one.text == trial.inputs["leader"][0].trial]
    assert page.one("td", id=link.attributes["href"][1:]).text == trial.inputs["leader"][0].trial


def test_what_it_quotes_is_text(study: Made) -> None:
    planted = """<script>alert(1)</script> & "quoted" 'too' </style> <b>"""
    study.run = replace(study.run, title=planted, description=planted, cut=planted)
    stage = study.stages[1]
    study.stages[1] = replace(
        stage, description=planted, remarks=[planted], record=replace(stage.record, baseline_label=planted)
    )
    page = study.page()
    assert page.one("h1").text == planted
    assert page.one("head").one("title").text.startswith(planted)
    assert len(page.all("script")) == 1
    assert len(page.all("style")) == 1
    assert any(one.text == planted for one in page.all("li"))
    assert study.html().count("<b>") == sum(one.tag == "b" for one in page.every())


def test_it_does_not_say_where_it_was_made(study: Made, tmp_path: Path) -> None:
    assert str(tmp_path) not in study.html()


def test_the_same_results_make_the_same_page(study: Made) -> None:
    assert study.html() == study.html()


def test_its_table_names_what_is_varied_fixed_and_built_on(study: Made) -> None:
    (stages,) = [table for table in study.page().all("table") if table.attributes.get("class") == "stages"]
    rows = {row[0]: row[1:] for row in stages.rows()[1:]}
    assert rows["leaders"][1] == "rate: 0.01, 0.02, 0.04"
    assert "steps 3 (usually 12)" in rows["leaders"][3]
    assert rows["followers"][2] == "leader: 6 trials of leaders, best weights"
    assert rows["leaders"][2] == "compared with alone: 3 trials"


def test_what_gathers_trials_is_not_where_they_come_from(make_run: MakeRun) -> None:
    leaders = {"config": {"role": "leader", "steps": 3}, "grid": {"rate": [0.01, 0.02]}}
    source = {"stage": "leaders", "where": {"rate": 0.01}}
    followers = {"depends": "leaders", "config": {"role": "follower"}, "inputs": {"leader": source}}
    together = {"depends": "followers && leaders", "gather": ["leaders", "followers"]}
    page = make_run({"leaders": leaders, "followers": followers, "together": together}).page()
    (stages,) = [table for table in page.all("table") if table.attributes.get("class") == "stages"]
    rows = {row[0]: row[1:] for row in stages.rows()[1:]}
    assert rows["followers"][2] == rows["together"][2] == "leader: 3 trials of leaders, best weights"


def test_a_familys_own_figures_are_shown_and_one_that_fails_is_told(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drawn(stage: Any, files: Any) -> Any:
        from matplotlib.figure import Figure

        figure = Figure()
        figure.subplots().plot([1, 2], [3, 4])
        lines = files.read(stage.states[stage.record.trials[0].id].result, "log.jsonl").count(b"\n")
        return figure, {"x": [1, lines], "y": [3.0, 4.5]}

    def broken(*_: Any) -> Any:
        raise ValueError("no <maps> here")

    figures = {"a picture": drawn, "a broken one": broken, "nothing": lambda *_: (None, {})}
    family = replace(load_family("toy"), figures=figures)
    monkeypatch.setattr("seedbed.report.pictures.load_family", lambda _: family)
    page = make_run({"alone": STUDY["alone"]}).page()
    (picture,) = page.all("img")
    svg = base64.b64decode(picture.attributes["src"].removeprefix("data:image/svg+xml;base64,"))
    assert b"<svg" in svg
    assert page.one("table", id="picture-1-data").rows() == [["x", "y"], ["1", "3"], ["3", "4.5"]]
    assert "ValueError: no <maps> here" in page.text
