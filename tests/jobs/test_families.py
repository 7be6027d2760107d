"""Every family in jobs/, found by looking: it has its parts, and what its results were made with is pinned.

tests/golden/<family>.json holds, for each variant of the config, its defaults; each role's revision and
NUMERICS; and a few tiny trials with their identities and what they logged. A difference is a mistake, or a
change of the numbers that the same config gives: then the role's `revision` (or NUMERICS, where shared code
changed them) is raised, so that old results are not mistaken for new ones, and `make golden` writes the file
anew. `make golden` itself refuses a changed number under an old revision.

For a new family, write its golden trials by hand, one for each variant of its config at least, inputs by the
names that they have here, and let `make golden` fill in the rest:

    {"trials": {"leader": {"settings": {"role": "leader"}, "seed": 0},
                "follower": {"settings": {"role": "follower"}, "seed": 0, "inputs": {"leader": "leader"}}}}
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from seedbed import NUMERICS
from seedbed.attempt import Attempt, run_attempt
from seedbed.config import defaults, variants
from seedbed.family import Family, family_names, load_family
from seedbed.identity import ID_VERSION, trial_id
from seedbed.planning import InputRef, PlannedTrial
from seedbed.store import Store, open_store

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
WRITING = bool(os.environ.get("UPDATE_GOLDEN")) and not os.environ.get("CI")

SPREAD = 2e-4
"""Another CPU type picks other kernels, which add in another order: the last bits of a sum differ, and a few steps
of training spread that to 2e-5 of a loss. A change that somebody made is larger."""

ROUNDED = 1e-6
"""Of a logged number that is close to none; six digits are kept."""

TWO_WINDOWS = 0.052
"""A window whose two best classes are all but equal may be taken for the other one. Two of the 46 of the smallest
part move its accuracy by 0.043; two that are the first right ones of their classes, of twelve windows each, move
the f1 over six classes by 2 * 2/13/6 = 0.051."""

COUNTED = ("accuracy", "f1")
"""How the names of metrics end that are counted from predictions."""

Golden = dict[str, Any]
Log = list[dict[str, float]]


def folder_of(name: str) -> Path:
    return Path(str(importlib.import_module(f"jobs.{name}").__file__)).parent


EVERYWHERE = family_names()
FAMILIES = [name for name in EVERYWHERE if folder_of(name).parent == ROOT / "jobs"]
"""The families of the repository; the toy family of tests/families has no README and no numbers to pin."""

GIVEN_BY = packages_distributions()
"""The packages that a module comes from, of those that are installed."""


def sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """The full names of the modules that a file imports, whether above or inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative imports hide where a module comes from"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def models_of(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A config model and those nested in its fields."""
    yield model
    for field in model.model_fields.values():
        for nested in variants(field.annotation):
            yield from models_of(nested)


# What a family is made of


def test_families_are_found_by_looking() -> None:
    there = sorted(path.parent.name for path in (ROOT / "jobs").glob("*/__init__.py"))
    assert there == FAMILIES
    assert {"sensor_distillation", "toy"} <= set(EVERYWHERE)


def test_a_family_is_added_by_adding_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "jobs" / "added_by_a_test"
    package.mkdir(parents=True)
    lines = [
        "from seedbed.config import Config",
        "from seedbed.family import Family, Role",
        "family = Family(name='added_by_a_test', config=Config, run=print, fingerprint=str,",
        "                roles={'only': Role(select_by=None, revision=1)})",
    ]
    (package / "__init__.py").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert sorted([*EVERYWHERE, "added_by_a_test"]) == family_names()
        assert load_family("added_by_a_test").roles["only"].revision == 1
    finally:
        sys.modules.pop("jobs.added_by_a_test", None)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("part", ["__init__.py", "config.py", "train.py", "README.md"])
def test_a_family_has_the_parts_that_every_family_has(name: str, part: str) -> None:
    assert (folder_of(name) / part).is_file(), f"jobs/{name}/{part} is missing"
    assert (folder_of(name) / part).stat().st_size > 0


@pytest.mark.parametrize("name", EVERYWHERE)
def test_a_family_says_what_it_is(name: str) -> None:
    family = load_family(name)
    assert (importlib.import_module(f"jobs.{name}").__doc__ or "").strip()
    assert family.name == name
    assert family.metrics
    for about, role in family.roles.items():
        assert role.revision >= 1, about
        assert role.select_by is None or role.select_by[0].startswith("val/"), about


@pytest.mark.parametrize("name", EVERYWHERE)
def test_every_knob_is_explained_in_a_sentence(name: str) -> None:
    models = [nested for model in variants(load_family(name).config) for nested in models_of(model)]
    assert models
    for model in models:
        assert (model.__doc__ or "").strip().endswith("."), f"{model.__name__} needs a sentence"
        for knob, field in model.model_fields.items():
            said = (field.description or "").strip()
            assert said.endswith("."), f"{model.__name__}.{knob} needs a sentence under it, not {said!r}"


@pytest.mark.parametrize("name", EVERYWHERE)
def test_each_kind_of_trial_has_one_role_that_the_family_knows(name: str) -> None:
    family = load_family(name)
    roles = {role for model in variants(family.config) for role in roles_of(model, family)}
    assert roles == set(family.roles)


def roles_of(model: type[BaseModel], family: Family) -> list[str]:
    field = model.model_fields.get("role")
    return list(field.annotation.__args__) if field and field.annotation else [next(iter(family.roles))]


@pytest.mark.parametrize("name", EVERYWHERE)
def test_planning_a_family_does_not_load_torch(name: str) -> None:
    code = f"import sys, jobs.{name}; sys.exit('torch' in sys.modules)"
    path = os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]])
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, check=False)
    assert done.returncode == 0, f"jobs/{name}/__init__.py loads torch: import it inside `run`"


@pytest.mark.parametrize("name", EVERYWHERE)
def test_training_loads_torchs_compiler_only_where_a_family_says_so(name: str) -> None:
    code = f"""
import sys
from seedbed.family import load_family
from seedbed.selftest import selftest
family = load_family("{name}")
print(next(selftest(family, "cpu")))
sys.exit(("torch._dynamo" in sys.modules) != ("torch._dynamo" in family.preload))
"""
    path = os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "stopped at step" in done.stdout, done.stderr
    assert done.returncode == 0, (
        f"jobs/{name} makes every trial wait for torch._dynamo: make its optimizers by "
        "seedbed.nets.optimizers.eager, or name it in `preload`"
    )


# Who may import whom


@pytest.mark.parametrize("name", EVERYWHERE)
def test_a_family_imports_no_other_family(name: str) -> None:
    for path in sources(folder_of(name)):
        strangers = {module.split(".")[1] for module in imports(path) if module.startswith("jobs.")} - {name}
        assert not strangers, (
            f"{path.relative_to(ROOT)} imports {strangers}: families share through seedbed only"
        )
        assert not [module for module in imports(path) if module.split(".")[0] == "tests"], path


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_imports_only_what_its_image_holds(name: str) -> None:
    about = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = about["optional-dependencies"].get(name, [])
    held = {plain(re.split(r"[^\w.-]", needed)[0]) for needed in [*about["dependencies"], *extra]}
    ours = {"jobs", "seedbed", *sys.stdlib_module_names}
    for path in sources(folder_of(name)):
        for module in {module.split(".")[0] for module in imports(path)} - ours:
            given_by = {plain(package) for package in GIVEN_BY.get(module, [module])}
            assert given_by & held, (
                f"{path.relative_to(ROOT)} imports {module}, which is neither among the dependencies in pyproject.toml "
                f"nor in the extra {name}: the family's image lacks it"
            )


def plain(package: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", package).lower()


@pytest.mark.parametrize("path", sources(ROOT / "lib"), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_library_knows_no_family(path: Path) -> None:
    assert not [module for module in imports(path) if module.split(".")[0] in ("jobs", "tests")]
    named = [name for name in EVERYWHERE if names(path.read_text(encoding="utf-8"), name)]
    assert not named, f"{path.relative_to(ROOT)} names {named}"


def names(text: str, family: str) -> bool:
    """Whether a text speaks of a family: by its folder, or by a name that is no word of the language."""
    return bool(re.search(rf"\bjobs[./]{family}\b" + rf"|\b{family}\b" * ("_" in family), text))


@pytest.mark.parametrize(
    ("text", "family", "named"),
    [
        ("from jobs.linear.config import X", "linear", True),
        ("jobs/linear/__init__.py", "linear", True),
        ("if name == 'har_prototypes':", "har_prototypes", True),
        ("functional.linear(x), a linear layer", "linear", False),
        ("jobs.linear_probes", "linear", False),
        ("the_har_prototypes", "har_prototypes", False),
    ],
)
def test_a_family_is_told_from_a_word(text: str, family: str, named: bool) -> None:
    assert names(text, family) == named


# What its results were made with


def golden_of(name: str) -> Golden:
    path = GOLDEN / f"{name}.json"
    if not path.is_file():
        said = f"{path.relative_to(ROOT)} is missing: {Path(__file__).relative_to(ROOT)} says how it begins"
        pytest.fail(said, pytrace=False)
    golden: Golden = json.loads(path.read_text(encoding="utf-8"))
    return golden


def made_now(family: Family, golden: Golden, store: Store) -> Golden:
    """What the golden file would hold if it were written now."""
    about: Golden = {
        "id_version": ID_VERSION,
        "numerics": NUMERICS,
        "revisions": {name: role.revision for name, role in family.roles.items()},
        "defaults": {model.__name__: defaults(model) for model in variants(family.config)},
        "trials": {},
    }
    for name in sorted(golden["trials"], key=lambda name: len(behind(golden, name))):
        trial = planned(family, golden, name)
        assert run_attempt(store, trial, Attempt("golden")).status == "finished"
        lines = (store.read(f"{trial.folder}/log.jsonl") or b"").splitlines()
        log = [{key: round(value, 6) for key, value in json.loads(line).items()} for line in lines]
        about["trials"][name] = {**golden["trials"][name], "id": trial.id, "log": log}
        before = golden["trials"][name].get("log")
        if before is not None and same_numbers(before, log) and same_numbers(log, before):
            about["trials"][name]["log"] = before  # another machine's last bits are no news
    return about


def behind(golden: Golden, name: str) -> list[str]:
    """The golden trials that one builds on, however far back."""
    direct = list(golden["trials"][name].get("inputs", {}).values())
    return direct + [further for source in direct for further in behind(golden, source)]


def planned(family: Family, golden: Golden, name: str) -> PlannedTrial:
    """A golden trial, planned as a stage would plan it."""
    about = golden["trials"][name]
    sources = {role: planned(family, golden, source) for role, source in about.get("inputs", {}).items()}
    config = family.plan(
        about["settings"], {role: family.read(source.config) for role, source in sources.items()}
    )
    role, data = family.role_of(config), family.fingerprint(config)
    revision = family.roles[role].revision
    identity = trial_id(
        family=family.name,
        role=role,
        revision=revision,
        config=config,
        seed=about["seed"],
        data=data,
        inputs={role: [(source.id, "best")] for role, source in sources.items()},
    )
    refs = {role: [InputRef(family.name, source.id, "best")] for role, source in sources.items()}
    plain = config.model_dump(mode="json")
    return PlannedTrial(identity, family.name, role, revision, plain, about["seed"], {}, data, refs)


def same_numbers(recorded: Log, log: Log) -> bool:
    """Whether a log is of the same trial as one that was recorded, perhaps on a CPU of another type.

    What is logged beside it now is no other number, as a new knob is no other setting.
    """
    return len(recorded) == len(log) and all(
        name in entry and same_number(name, value, entry[name])
        for before, entry in zip(recorded, log, strict=True)
        for name, value in before.items()
    )


def same_number(name: str, before: float, now: float) -> bool:
    if name == "step" or name.startswith("model/"):
        return before == now
    if name.endswith(COUNTED):
        return abs(now - before) <= TWO_WINDOWS
    return abs(now - before) <= max(SPREAD * abs(before), ROUNDED)


def mistaken(family: Family, before: Golden, now: Golden) -> Iterator[str]:
    """Where an old result would be taken for a new one: other numbers under an old revision, and what to do."""
    same_code = all(before.get(key) == now[key] for key in ("id_version", "numerics"))
    unraised = {
        role
        for role, revision in now["revisions"].items()
        if same_code and before.get("revisions", {}).get(role, revision) == revision
    }
    for model in variants(family.config):
        roles = unraised.intersection(roles_of(model, family))
        recorded, found = (about.get("defaults", {}).get(model.__name__, {}) for about in (before, now))
        for knob, value in recorded.items():  # a new knob is no change: its default is the old behaviour
            if roles and found.get(knob, "(gone)") != value:
                told = f"{model.__name__}.{knob}: the default was {value!r} and is {found.get(knob, '(gone)')!r}."
                yield f"{told} {what_to_do(family, roles)}"
    for name, found in now["trials"].items():
        recorded = before["trials"][name]
        roles = {planned(family, before, trial).role for trial in (name, *behind(before, name))}
        if not roles <= unraised:
            continue
        if recorded.get("id", found["id"]) != found["id"]:
            told = f"trial {name}: its identity was {recorded['id']} and is {found['id']}."
            yield f"{told} {what_to_do(family, roles)}"
        if "log" in recorded and not same_numbers(recorded["log"], found["log"]):
            told = f"trial {name}: it logged {recorded['log']} and now logs {found['log']}."
            yield f"{told} {what_to_do(family, roles)}"


def what_to_do(family: Family, roles: set[str]) -> str:
    return (
        f"If it is meant, raise the revision of {' or '.join(sorted(roles))} in jobs/{family.name}/__init__.py, "
        "or NUMERICS in lib/seedbed/__init__.py where shared code is the cause, and run `make golden`. If no "
        f"result was ever kept, take the old value out of tests/golden/{family.name}.json and run `make golden`."
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_the_same_config_gives_the_same_numbers_until_a_revision_says_otherwise(
    name: str, tmp_path: Path
) -> None:
    family, before = load_family(name), golden_of(name)
    now = made_now(family, before, open_store(str(tmp_path / "runs")))
    complaints = list(mistaken(family, before, now))
    assert not complaints, "\n".join(complaints)
    if WRITING:
        text = json.dumps(now, indent=2, ensure_ascii=False)
        (GOLDEN / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
    assert golden_of(name) == now, "run `make golden` and read the diff"


@pytest.mark.parametrize("name", FAMILIES)
def test_every_kind_of_trial_has_a_golden_one(name: str) -> None:
    family, golden = load_family(name), golden_of(name)
    kinds = {type(family.read(planned(family, golden, trial).config)).__name__ for trial in golden["trials"]}
    assert kinds == {model.__name__ for model in variants(family.config)}


def test_every_golden_file_is_that_of_a_family() -> None:
    assert sorted(path.name for path in GOLDEN.glob("*.json")) == sorted(f"{name}.json" for name in FAMILIES)


# That the above would notice


@pytest.fixture
def toys(tmp_path: Path) -> Golden:
    """A golden file for the toy family."""
    follower = {"settings": {"role": "follower"}, "seed": 0, "inputs": {"leader": "leader"}}
    leader = {"settings": {"role": "leader", "steps": 2}, "seed": 0}
    blank = {"trials": {"follower": follower, "leader": leader}}
    return made_now(load_family("toy"), blank, open_store(str(tmp_path / "runs")))


def complaints_after(toys: Golden, change: Callable[[Golden], object]) -> list[str]:
    """What is said when everything is as it was, had it been recorded with a change."""
    before = json.loads(json.dumps(toys))
    change(before)
    return [complaint.split(". If")[0] for complaint in mistaken(load_family("toy"), before, toys)]


def test_a_changed_default_is_told_with_what_to_do(toys: Golden) -> None:
    before = json.loads(json.dumps(toys))
    before["defaults"]["Leader"]["rate"] = 0.02
    (complaint,) = mistaken(load_family("toy"), before, toys)
    assert complaint.startswith(
        "Leader.rate: the default was 0.02 and is 0.01. If it is meant, raise the revision"
    )
    assert "of leader in jobs/toy/__init__.py" in complaint
    assert complaint.count("make golden") == 2


def test_a_changed_default_is_no_mistake_under_a_raised_revision_and_a_new_knob_never_is(
    toys: Golden,
) -> None:
    def other_default(before: Golden) -> None:
        before["defaults"]["Leader"]["rate"] = 0.02

    def raised(before: Golden) -> None:
        other_default(before)
        before["revisions"]["leader"] = 0

    def raised_elsewhere(before: Golden) -> None:
        other_default(before)
        before["revisions"]["follower"] = 0

    def shared_code_changed(before: Golden) -> None:
        other_default(before)
        before["numerics"] = 0

    assert complaints_after(toys, lambda _: None) == []
    assert complaints_after(toys, raised) == []
    assert complaints_after(toys, raised_elsewhere) == ["Leader.rate: the default was 0.02 and is 0.01"]
    assert complaints_after(toys, shared_code_changed) == []
    assert complaints_after(toys, lambda before: before["defaults"]["Leader"].pop("rate")) == []
    gone = complaints_after(toys, lambda before: before["defaults"]["Leader"].update(speed=1))
    assert gone == ["Leader.speed: the default was 1 and is '(gone)'"]


def test_another_identity_or_another_number_is_a_mistake_unless_a_revision_behind_it_is_raised(
    toys: Golden,
) -> None:
    def other_numbers(before: Golden) -> None:
        before["trials"]["follower"]["id"] = "0" * 16
        before["trials"]["follower"]["log"][0]["val/loss"] *= 1 + 2 * SPREAD

    def raised(before: Golden) -> None:
        other_numbers(before)
        before["revisions"]["leader"] = 0

    told = complaints_after(toys, other_numbers)
    assert [complaint.split(" was")[0].split(" [")[0] for complaint in told] == [
        "trial follower: its identity",
        "trial follower: it logged",
    ]
    assert complaints_after(toys, raised) == []


def test_the_last_bits_of_another_machine_are_no_news(toys: Golden, tmp_path: Path) -> None:
    elsewhere = json.loads(json.dumps(toys))
    elsewhere["trials"]["leader"]["log"][1]["val/loss"] *= 1 + SPREAD / 2
    assert made_now(load_family("toy"), elsewhere, open_store(str(tmp_path / "again"))) == elsewhere
    elsewhere["trials"]["leader"]["log"][1]["val/loss"] *= 1 + SPREAD
    assert made_now(load_family("toy"), elsewhere, open_store(str(tmp_path / "again"))) == toys


@pytest.mark.parametrize(
    ("name", "recorded", "near", "far"),
    [
        ("train/loss", 2.003388, 2.003788, 2.003789),
        ("train/contrast", 0.014784, 0.014786, 0.014788),
        ("train/contrast", 0.0, 1e-6, 2e-6),
        ("val/accuracy", 20 / 46, 22 / 46, 23 / 46),
        ("test/macro_f1", 0.047619, 0.098901, 0.099620),
        ("model/params", 3732, 3732, 3733),
        ("model/flops", 1835456.0, 1835456.0, 1835457.0),
        ("step", 3, 3, 4),
    ],
)
def test_cpus_differ_in_last_bits_and_guesses_and_nothing_else(
    name: str, recorded: float, near: float, far: float
) -> None:
    assert same_numbers([{name: recorded}], [{name: near}])
    assert not same_numbers([{name: recorded}], [{name: far}])
    assert same_numbers([{name: recorded}], [{name: near, "new": 1.0}])
    assert not same_numbers([{name: recorded}], [{f"other {name}": recorded}])
    assert not same_numbers([{name: recorded}], [])
