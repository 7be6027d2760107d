"""Reading a sweep file: a genuine Argo Workflow, and a refusal by path for everything else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from seedbed.errors import InvalidSweep
from seedbed.sweep.laptop import form_in_words, in_form, laptop_summary
from seedbed.sweep.workflow import read_sweep
from tests.conftest import MakeSweep

Document = dict[str, Any]
TASKS = "spec.templates[0].dag.tasks"

TWO = {"first": {"config": {"a": 1}}, "second": {"depends": "first", "grid": {"b": [1, 2]}}}


def task(document: Document, index: int = 0) -> Document:
    found: Document = document["spec"]["templates"][0]["dag"]["tasks"][index]
    return found


def edited(path: Path, edit: Callable[[Document], Any]) -> Path:
    document = yaml.safe_load(path.read_text())
    edit(document)
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def test_stages_come_in_an_order_in_which_they_can_run(make_sweep: MakeSweep) -> None:
    path = make_sweep({"c": {"depends": "a && b.Succeeded"}, "b": {"depends": "a"}, "a": {}, "d": {}})
    sweep = read_sweep(path)
    assert [stage.name for stage in sweep.stages] == ["a", "b", "c", "d"]
    assert sweep.ancestors("c") == ["a", "b"]
    assert sweep.title == "Which toy is best?"


def test_what_only_a_cluster_needs_is_passed_over(make_sweep: MakeSweep) -> None:
    def edit(document: Document) -> None:
        document["spec"] |= {"parallelism": 3, "activeDeadlineSeconds": 9, "onExit": "tell"}
        document["spec"]["templates"].append({"name": "tell", "container": {"image": "x"}})

    assert len(read_sweep(edited(make_sweep(TWO), edit)).stages) == 2


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda d: d.update(kind="CronWorkflow"), "kind: found 'CronWorkflow', expected Workflow"),
        (lambda d: d.update(status={}), "status: is not run locally"),
        (lambda d: d["spec"].update(hooks={}), "spec.hooks: is not run locally"),
        (
            lambda d: d["spec"].update(entrypiont="x"),
            "spec.entrypiont: is not run locally; did you mean 'entrypoint'?",
        ),
        (
            lambda d: d["spec"].update(entrypoint="sweeep"),
            "spec.entrypoint: no template is called 'sweeep'; did you",
        ),
        (lambda d: d["spec"]["templates"][0].update(hooks={}), "spec.templates[0].hooks: is not run locally"),
        (lambda d: d["spec"]["templates"].append({"name": "x"}), "spec.templates[1]: is not run locally"),
        (lambda d: task(d).update(when="true"), f"{TASKS}[first].when: is not run locally"),
        (lambda d: task(d).update(withItems=[1]), f"{TASKS}[first].withItems: is not run locally"),
        (
            lambda d: task(d, 1).update(depends="frist"),
            f"{TASKS}[second].depends: no stage is called 'frist'; did you",
        ),
        (
            lambda d: task(d, 1).update(depends="first || x"),
            f"{TASKS}[second].depends: found 'first || x', expected",
        ),
        (lambda d: task(d).update(depends="second"), f"{TASKS}: the stages wait for each other: "),
        (lambda d: task(d).update(name="second"), f"{TASKS}[second]: two stages have this name"),
        (
            lambda d: task(d).update(name="../first"),
            "tasks[0].name: found '../first', expected letters, digits",
        ),
        (lambda d: task(d).update(name="all"), "tasks[0].name: all: means every stage in a laptop form"),
        (
            lambda d: task(d)["templateRef"].update(name="stgae"),
            f"{TASKS}[first].templateRef: no template stgae/stage",
        ),
        (lambda d: task(d)["templateRef"].update(name="stgae"), "did you mean 'stage/stage'?"),
        (
            lambda d: task(d)["arguments"]["parameters"][1].update(name="paln"),
            f"{TASKS}[first].arguments.parameters[1].name: no such parameter: 'paln'; did you mean 'plan'?",
        ),
        (
            lambda d: task(d)["arguments"]["parameters"][1].update(value="grid: {{x}}"),
            f"{TASKS}[first].arguments.parameters[1].value: {{{{...}}}} is filled in by Argo only",
        ),
        (
            lambda d: task(d)["arguments"]["parameters"][1].update(value="gird: {a: [1]}"),
            f"{TASKS}[first].plan.gird: no such key; did you mean 'grid'?",
        ),
        (
            lambda d: task(d)["arguments"]["parameters"][1].update(value="a: [1"),
            f"{TASKS}[first].plan, line 1",
        ),
        (
            lambda d: d["spec"]["arguments"]["parameters"][0].update(value=3),
            "spec.arguments.parameters[0].value: found 3, expected text",
        ),
        (
            lambda d: d["spec"]["arguments"]["parameters"][1].update(value="small"),
            "spec.arguments.parameters[form].value: found 'small', expected full or laptop",
        ),
        (lambda d: d["metadata"].pop("labels"), "metadata.labels.seedbed/sweep: found None"),
    ],
)
def test_what_is_wrong_is_refused_by_its_path(make_sweep: MakeSweep, edit: Any, complaint: str) -> None:
    path = edited(make_sweep(TWO), edit)
    with pytest.raises(InvalidSweep) as raised:
        read_sweep(path)
    assert complaint in str(raised.value)
    assert str(raised.value).startswith(str(path))


def test_a_file_that_is_no_yaml_or_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSweep, match=r"nowhere\.yaml: cannot be read"):
        read_sweep(tmp_path / "nowhere.yaml")
    (tmp_path / "bad.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidSweep, match=r"bad\.yaml: cannot be read"):
        read_sweep(tmp_path / "bad.yaml")
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(InvalidSweep, match=r"list\.yaml: found \[1\]"):
        read_sweep(tmp_path / "list.yaml")


def test_the_laptop_form_cuts_axes_and_changes_settings(make_sweep: MakeSweep) -> None:
    laptop = {"all": {"config": {"a": 2}, "only": {"b": [2]}}, "second": {"seeds": "0"}}
    sweep = read_sweep(make_sweep(TWO, laptop=laptop))
    cut = in_form(sweep, "laptop")
    assert cut.stage("first").plan.config == {"a": 2}
    assert cut.stage("second").plan.grid == {"b": [2]}
    assert cut.stage("second").plan.seeds == "0"
    assert in_form(sweep, "full") == sweep
    assert form_in_words(sweep, "laptop") == "laptop form: a 2; b 2 only; second: seeds 0"
    assert form_in_words(sweep, "full") == "full form"


@pytest.mark.parametrize(
    ("laptop", "said"),
    [
        ({"all": {"config": {"a": 2}, "seeds": "0-1"}, "first": {"config": {"a": 2}}}, "a 2; seeds 0-1"),
        ({"second": {"config": {"a": 2}, "only": {"b": [1, 2]}}}, "second: a 2 and b 1, 2 only"),
        ({"first": {"seeds": "0"}, "all": {"config": {"a": 2}}}, "a 2; first: seeds 0"),
        ({"first": {"seeds": "0"}, "second": {"seeds": "1"}}, "first: seeds 0; second: seeds 1"),
        (
            {"first": {"config": {"a": 2}, "seeds": "0"}, "second": {"config": {"a": 2}, "seeds": "0"}},
            "a 2; seeds 0",
        ),
        ({"first": {"seeds": "0"}, "third": {"seeds": "0"}}, "first, third: seeds 0"),
        ({"first": {}}, ""),
    ],
    ids=str,
)
def test_what_the_laptop_form_changes_is_said_with_the_stages_unless_it_is_of_all(
    make_sweep: MakeSweep, laptop: Any, said: str
) -> None:
    third = {"third": {"depends": "second"}} if "third" in laptop else {}
    assert laptop_summary(read_sweep(make_sweep({**TWO, **third}, laptop=laptop))) == said


def test_what_the_laptop_form_says_of_all_stages_does_not_concern_one_that_gathers(
    make_sweep: MakeSweep,
) -> None:
    stages = {**TWO, "third": {"depends": "second", "gather": ["first", "second"]}}
    laptop = {"all": {"config": {"a": 2}, "seeds": "0"}}
    sweep = read_sweep(make_sweep(stages, laptop=laptop))
    cut = in_form(sweep, "laptop")
    assert cut.stage("third").plan == sweep.stage("third").plan
    assert cut.stage("second").plan.config["a"] == 2


EXPECTING = {
    "first": {"grid": {"b": [1, 2], "c": [1, 2]}},
    "second": {
        "depends": "first",
        "grid": {"b": [1, 2]},
        "inputs": {"t": {"stage": "first", "where": "each"}},
        "expect": {
            "source": "A table",
            "values": [{"at": {"b": b, "c": c}, "mean": 10 * b + c} for b in (1, 2) for c in (1, 2)],
        },
    },
}


@pytest.mark.parametrize(
    ("laptop", "kept"),
    [
        ({"first": {"only": {"c": [2]}}}, [12, 22]),
        ({"first": {"only": {"b": [2]}}}, [11, 12, 21, 22]),
        ({"second": {"only": {"b": [2]}}}, [21, 22]),
        ({"first": {"only": {"c": [2]}}, "second": {"only": {"b": [1]}}}, [12]),
    ],
)
def test_the_laptop_form_leaves_out_what_was_published_of_points_that_it_cuts_off(
    make_sweep: MakeSweep, laptop: Any, kept: list[int]
) -> None:
    cut = in_form(read_sweep(make_sweep(EXPECTING, laptop=laptop)), "laptop")
    expect = cut.stage("second").plan.expect
    assert expect is not None
    assert [value.mean for value in expect.values] == kept


def test_a_laptop_form_may_leave_no_published_value(make_sweep: MakeSweep) -> None:
    values = [{"at": {"b": 1}, "mean": 10}]
    stages = {"s": {"grid": {"b": [1, 2]}, "expect": {"source": "A table", "values": values}}}
    laptop = {"s": {"only": {"b": [2]}}}
    assert in_form(read_sweep(make_sweep(stages, laptop=laptop)), "laptop").stage("s").plan.expect is None


@pytest.mark.parametrize(
    ("laptop", "complaint"),
    [
        ({"secnd": {}}, "seedbed/laptop.secnd: no such stage; did you mean 'second'?"),
        ({"second": {"only": {"c": [1]}}}, "seedbed/laptop.second.only.c: no such axis; known: b"),
        ({"second": {"only": {"b": [3]}}}, "seedbed/laptop.second.only.b: 3 is not on the axis; known: 1, 2"),
        ({"second": {"only": {"b": []}}}, "seedbed/laptop.second.only.b: an axis needs at least one value"),
        ({"all": {"only": {"c": [1]}}}, "seedbed/laptop.all.only.c: no stage has it; known: b"),
        ({"second": {"config": {"b": 1}}}, "seedbed/laptop.second.config.b: is an axis of the grid"),
    ],
)
def test_a_laptop_form_that_does_not_fit_is_refused(
    make_sweep: MakeSweep, laptop: Any, complaint: str
) -> None:
    with pytest.raises(InvalidSweep) as raised:
        in_form(read_sweep(make_sweep(TWO, laptop=laptop)), "laptop")
    assert complaint in str(raised.value)
