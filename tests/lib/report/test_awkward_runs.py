"""Pages of runs with little in them, or with something wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from seedbed.lineage import lineage_of
from seedbed.store import Store
from seedbed.tables import chain
from tests.lib.report.conftest import MakeRun
from tests.lib.report.reading import Element

LEADERS = {"config": {"role": "leader", "steps": 7}, "grid": {"mishap": ["none", "nan"]}}


def answer(page: Element) -> list[str]:
    return [one.text for one in page.one("section", **{"aria-labelledby": "answer"}).all("p")]


def test_what_diverged_or_is_missing_is_told_with_its_reason_and_cannot_be_best(make_run: MakeRun) -> None:
    made = make_run({"s": LEADERS}, wanted=lambda trial: trial.seed != 2 or trial.config["mishap"] == "nan")
    page = made.page()
    rows = page.one("table", id="missing").rows()
    assert ["s", "mishap=none", "2", "missing: not run"] in rows
    assert sum("diverged at step 6" in row[3] for row in rows[1:]) == 3
    assert len(rows) == 5
    said = answer(page)
    assert not any(sentence.startswith("Best") for sentence in said)
    assert said[-1] == "4 planned values are missing"
    (gap,) = [row for row in page.one("tbody", id="table-0-0-0-0").rows() if row[0] == "2"]
    assert gap[1] == "missing: not run"
    assert gap[2] in {trial.id for trial in made.stages[0].record.trials}
    events = next(table for table in page.all("table") if table.one("caption").text == "Events").rows()
    assert any("diverged at step 6" in row[2] for row in events[1:])


def test_test_curves_wait_until_nothing_is_to_be_run(make_run: MakeRun) -> None:
    whole = make_run({"s": LEADERS}).page()
    part = make_run({"s": LEADERS}, seeds="0-3", wanted=lambda trial: trial.seed < 3).page()
    for page, there in ((whole, True), (part, False)):
        curves = {one.attributes["class"] for one in page.all("polyline")}
        assert {"curve train", "curve val"} <= curves
        assert ("curve test" in curves) is there
        headers = {one.text for table in page.all("table") for one in table.all("th", scope="col")}
        assert ("test/loss 0" in headers) is there
    assert "Curves of the test split are not shown while trials are missing." in part.text


def test_one_point_with_one_seed_makes_no_claims(make_run: MakeRun) -> None:
    made = make_run({"s": {"config": {"role": "leader"}}}, seeds="0")
    page = made.page()
    value = made.stages[0].tables[0].rows[0].cells[0]
    assert value is not None
    known = "no better than a trivial baseline (nothing 1.000)"
    assert answer(page)[0] == f"s: {value.mean:.3f} (1/1) test loss @best, {known}."
    assert "no spread" in answer(page)[-1]
    assert [one.attributes["class"] for one in page.all("svg")] == ["plot"]  # its learning curve


def test_a_run_that_was_cut_down_says_so_before_it_answers(make_run: MakeRun) -> None:
    made = make_run({"s": LEADERS}, seeds="0")
    assert not any("cut down" in sentence for sentence in answer(made.page()))
    short = replace(made, run=replace(made.run, form="laptop", cut="steps 7"))
    assert answer(short.page())[0] == "Of a run that was cut down (steps 7): the full one may say otherwise."


def test_a_run_in_which_nothing_has_run_has_a_page(make_run: MakeRun) -> None:
    page = make_run({"s": LEADERS}, wanted=lambda _: False).page()
    assert "No trial has a value yet." in answer(page)
    assert len(page.one("table", id="missing").rows()) == 7
    assert "Beside" not in page.one("nav").text


def test_a_file_that_was_altered_is_left_out_and_told(
    make_run: MakeRun, store: Store, tmp_path: Path
) -> None:
    made = make_run({"s": LEADERS})
    trial = made.stages[0].record.trials[0]
    store.write(f"{trial.folder}/log.jsonl", b'{"step": 1, "val/loss": 0.0}\n')
    html, page = made.html(), made.page()
    (complaint,) = [one.text for one in page.all("p", **{"class": "warning"}) if "log.jsonl" in one.text]
    assert "log.jsonl: its content does not match the checksum in result.json; move " in complaint
    assert str(tmp_path) not in html


def test_training_that_was_cut_off_is_told_beside_its_curve(make_run: MakeRun) -> None:
    page = make_run({"s": {"config": {"role": "leader", "steps": 1}}}).page()
    assert "best at step 1, 1, 1 of 1; 3 of 3 best at the very last step: undertrained?" in page.text


@pytest.mark.parametrize(
    "grid", [{"width": [2, 3], "rate": [0.01, 0.02]}, [{"width": [2]}, {"rate": [0.02]}]]
)
def test_other_shapes_of_grids_have_a_page(make_run: MakeRun, grid: object) -> None:
    made = make_run({"s": {"config": {"role": "leader", "steps": 2}, "grid": grid}}, seeds="0-1")
    cells = [cell for table in made.stages[0].tables for row in table.rows for cell in row.cells if cell]
    page = made.page()
    assert len(page.all("a", **{"class": "cell"})) == len(cells)
    assert len(page.all("tbody")) > len(cells)


def test_values_over_folds_are_told_by_seed_and_fold(make_run: MakeRun) -> None:
    stage = {"config": {"role": "leader", "steps": 2}, "grid": {"width": [2, 3]}, "over": {"fold": [2, 3]}}
    made = make_run({"s": stage}, seeds="0-1")
    cell = made.stages[0].tables[0].rows[0].cells[0]
    assert cell is not None
    page = made.page()
    rows = page.one("tbody", id="table-0-0-0-0").rows()
    assert [row[0] for row in rows] == ["width=2", *cell.values]
    assert [row[1] for row in rows[1:]] == [f"{value:.3f}" for value in cell.values.values()]


def test_a_study_done_in_order_shows_its_chain_as_the_terminal_does(make_run: MakeRun) -> None:
    select = {"metric": "val/loss@best"}
    stage = {"config": {"role": "leader", "steps": 2}, "grid": {"width": [2, 3]}, "select": select}
    made = make_run({"s": {**stage, "baseline": {"where": {"width": 2}}}})
    story = lineage_of(made.store, made.run)
    assert story is not None
    rows, sentences = chain.lines(story)
    page = made.page()
    assert page.one("table", id="chain").rows() == rows
    assert [sentence for sentence in sentences if sentence.strip() not in answer(page)] == []
    assert answer(page)[0].startswith("No gain is confirmed"), "what selected is no headline"
