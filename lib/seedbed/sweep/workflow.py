"""Reading a sweep file: the subset of Argo's Workflow that runs alike here and on a cluster.

Everything outside the subset is refused by its path in the file, so that nothing
a person wrote is silently without effect.
"""

from __future__ import annotations

import graphlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from seedbed.errors import InvalidSweep, did_you_mean
from seedbed.sweep import Stage, Sweep
from seedbed.sweep.language import LaptopStage, StagePlan
from seedbed.sweep.laptop import ANNOTATION, LAPTOP
from seedbed.sweep.reading import read_part
from seedbed.sweep.yaml import load_yaml, without_empty

IGNORED = ("podGC", "ttlStrategy", "onExit", "parallelism", "activeDeadlineSeconds", "priority")
"""What only a cluster has a use for; knowingly without effect here."""

TEMPLATES = Path(__file__).parents[3] / "workflows" / "templates"
"""The templates that come with seedbed; a sweep's own folder may hold others."""

FORMS, WINNERS = ("full", "laptop"), ("choose", "keep")

SWEEP_PARAMETERS = ("seeds", "form", "winners")
_SPEC = ("entrypoint", "arguments", "templates", *IGNORED)
_STAGE_NAME = r"[a-zA-Z0-9][-a-zA-Z0-9]*"
"""What Argo takes as the name of a task; it is a folder in the store too."""

_TASK = ("name", "templateRef", "arguments", "depends")


def read_sweep(path: Path) -> Sweep:
    """The sweep that a file holds; raises InvalidSweep naming the file and the path in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSweep(f"{path}: cannot be read: {error}") from None
    if load_yaml(text, str(path)) is None:
        raise InvalidSweep(f"{path}: is empty; expected a sweep")
    folders = dict.fromkeys((path.resolve().parent / "templates", TEMPLATES))
    return _Reader(str(path), load_yaml(text, str(path)), _declared_templates(folders)).sweep()


def sweep_in(workflow: Mapping[str, Any], name: str) -> Sweep:
    """The sweep in a Workflow as a cluster has it; raises InvalidSweep naming the path in it.

    What the cluster added to it (its status, who changed what) is left aside. `name` stands for the file. Argo
    has resolved the references to templates by then, so that they are taken as they are.
    """
    metadata = workflow.get("metadata", {})
    spec = workflow.get("status", {}).get("storedWorkflowTemplateSpec") or workflow.get("spec", {})
    given = workflow.get("spec", {}).get("arguments", {})
    document = {
        "apiVersion": workflow.get("apiVersion"),
        "kind": workflow.get("kind"),
        "metadata": {key: metadata[key] for key in ("labels", "annotations") if key in metadata},
        "spec": {**{key: spec[key] for key in _SPEC if key in spec}, "arguments": given},
    }
    return _Reader(name, without_empty(document), None).sweep()


Declared = Mapping[tuple[str, str], list[str]]
"""The parameters that each WorkflowTemplate's templates take, by (name, template)."""


class _Reader:
    """Walks a workflow document and knows where it is; without `declared`, every templateRef is taken as right."""

    def __init__(self, path: str, document: Any, declared: Declared | None) -> None:
        self.path = path
        self.document = document
        self.declared = declared

    def sweep(self) -> Sweep:
        root = self._mapping(self.document, "", ("apiVersion", "kind", "metadata", "spec"))
        for key, expected in (("apiVersion", "argoproj.io/v1alpha1"), ("kind", "Workflow")):
            if root.get(key) != expected:
                raise self._wrong(key, f"found {root.get(key)!r}, expected {expected}")
        metadata = self._mapping(
            root.get("metadata"), "metadata", ("name", "generateName", "labels", "annotations", "namespace")
        )
        spec = self._mapping(root.get("spec"), "spec", _SPEC)
        annotations = self._mapping(metadata.get("annotations", {}), "metadata.annotations")
        parameters = self._parameters(spec.get("arguments", {}), "spec.arguments", SWEEP_PARAMETERS)
        laptop = self._laptop(annotations.get(ANNOTATION))
        form, winners = parameters.get("form", "full"), parameters.get("winners", "choose")
        for key, value, known in (("form", form, FORMS), ("winners", winners, WINNERS)):
            if value not in known:
                place = f"spec.arguments.parameters[{key}].value"
                raise self._wrong(place, f"found {value!r}, expected {' or '.join(known)}")
        name = self._name(metadata)
        return Sweep(
            name=name,
            title=str(annotations.get("workflows.argoproj.io/title", name)),
            description=str(annotations.get("workflows.argoproj.io/description", "")).strip(),
            file=self.path,
            stages=self._stages(spec),
            seeds=parameters.get("seeds", "0-2"),
            form="laptop" if form == "laptop" else "full",
            laptop=laptop,
            keep_winners=winners == "keep",
        )

    def _name(self, metadata: Mapping[str, Any]) -> str:
        labels = self._mapping(metadata.get("labels", {}), "metadata.labels")
        name = labels.get("seedbed/sweep")
        if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name):
            raise self._wrong(
                "metadata.labels.seedbed/sweep",
                f"found {name!r}, expected the sweep's name in small letters, digits and hyphens",
            )
        return name

    def _laptop(self, text: Any) -> dict[str, LaptopStage]:
        if text is None:
            return {}
        cuts = self._mapping(load_yaml(str(text), f"{self.path}: {LAPTOP}"), LAPTOP)
        return {
            name: read_part(LaptopStage, cut, f"{self.path}: {LAPTOP}.{name}") for name, cut in cuts.items()
        }

    def _stages(self, spec: Mapping[str, Any]) -> tuple[Stage, ...]:
        templates = self._list(spec.get("templates"), "spec.templates")
        names = [template.get("name") for template in templates if isinstance(template, Mapping)]
        if spec.get("entrypoint") not in names:
            raise self._wrong(
                "spec.entrypoint",
                f"no template is called {spec.get('entrypoint')!r}; {did_you_mean(spec.get('entrypoint'), names)}",
            )
        index = names.index(spec["entrypoint"])
        for other, name in enumerate(names):
            if other != index and name != spec.get("onExit"):
                raise self._wrong(
                    f"spec.templates[{other}]", "is not run locally: only the entrypoint's DAG is"
                )
        place = f"spec.templates[{index}]"
        template = self._mapping(templates[index], place, ("name", "dag"))
        dag = self._mapping(template.get("dag"), f"{place}.dag", ("tasks",))
        tasks = self._list(dag.get("tasks"), f"{place}.dag.tasks")
        stages = [self._stage(task, f"{place}.dag.tasks[{number}]") for number, task in enumerate(tasks)]
        return self._ordered(stages, f"{place}.dag.tasks")

    def _stage(self, task: Any, place: str) -> Stage:
        name = task.get("name") if isinstance(task, Mapping) else None
        if not isinstance(name, str) or not re.fullmatch(_STAGE_NAME, name):
            raise self._wrong(f"{place}.name", f"found {name!r}, expected letters, digits and hyphens")
        if name == "all":
            raise self._wrong(f"{place}.name", "all: means every stage in a laptop form; choose another name")
        place = f"{place.rpartition('[')[0]}[{name}]"
        task = self._mapping(task, place, _TASK)
        allowed = self._template_inputs(task.get("templateRef"), f"{place}.templateRef")
        given = self._parameters(task.get("arguments", {}), f"{place}.arguments", allowed)
        for required in ("family", "plan"):
            if required not in given:
                raise self._wrong(f"{place}.arguments.parameters", f"{required} is required and not set")
        where = f"{self.path}: {place}.plan"
        plan = read_part(StagePlan, load_yaml(given["plan"], where) or {}, where)
        return Stage(name, given["family"], plan, self._depends(task.get("depends", ""), place), where)

    def _template_inputs(self, reference: Any, place: str) -> list[str] | None:
        """The parameters that the referenced template takes, None for any; refuses a reference that is not there."""
        wanted = self._mapping(reference, place, ("name", "template"))
        if self.declared is None:
            return None
        key = (str(wanted.get("name")), str(wanted.get("template")))
        if key not in self.declared:
            known = did_you_mean("/".join(key), ["/".join(names) for names in self.declared])
            raise self._wrong(place, f"no template {'/'.join(key)} stands in workflows/templates; {known}")
        return self.declared[key]

    def _depends(self, expression: Any, place: str) -> tuple[str, ...]:
        pieces = [piece.strip().removesuffix(".Succeeded") for piece in str(expression).split("&&")]
        if not all(re.fullmatch(r"[A-Za-z0-9_-]*", piece) for piece in pieces):
            raise self._wrong(f"{place}.depends", f"found {expression!r}, expected stage names joined by &&")
        return tuple(piece for piece in pieces if piece)

    def _ordered(self, stages: list[Stage], place: str) -> tuple[Stage, ...]:
        names = [stage.name for stage in stages]
        for stage in stages:
            if names.count(stage.name) > 1:
                raise self._wrong(f"{place}[{stage.name}]", "two stages have this name")
            for needed in stage.depends:
                if needed not in names:
                    raise self._wrong(
                        f"{place}[{stage.name}].depends",
                        f"no stage is called {needed!r}; {did_you_mean(needed, names)}",
                    )
        try:
            graphlib.TopologicalSorter({stage.name: stage.depends for stage in stages}).prepare()
        except graphlib.CycleError as error:
            raise self._wrong(
                place, f"the stages wait for each other: {' -> '.join(error.args[1])}"
            ) from None
        return tuple(_in_order(stages))

    def _parameters(self, arguments: Any, place: str, known: Iterable[str] | None) -> dict[str, str]:
        listed = self._list(
            self._mapping(arguments, place, ("parameters",)).get("parameters", []), f"{place}.parameters"
        )
        values: dict[str, str] = {}
        for index, entry in enumerate(listed):
            here = f"{place}.parameters[{index}]"
            entry = self._mapping(entry, here, ("name", "value", "description", "enum"))
            name, value = entry.get("name"), entry.get("value")
            if not isinstance(name, str) or (known is not None and name not in list(known)):
                near = did_you_mean(name, known or ())
                raise self._wrong(f"{here}.name", f"no such parameter: {name!r}; {near}")
            if name in values:
                raise self._wrong(f"{here}.name", f"{name} is given twice")
            if not isinstance(value, str):
                raise self._wrong(
                    f"{here}.value", f"found {value!r}, expected text (Argo's parameters are: quote it)"
                )
            if "{{" in value:
                raise self._wrong(f"{here}.value", "{{...}} is filled in by Argo only and is not run locally")
            values[name] = value
        return values

    def _mapping(self, value: Any, place: str, known: Iterable[str] | None = None) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong(
                place, f"found {value!r}, expected fields by name" if value is not None else "is missing"
            )
        for key in value if known is not None else ():
            if key not in tuple(known or ()):
                path = f"{place}.{key}" if place else key
                raise self._wrong(path, f"is not run locally; {did_you_mean(key, known or ())}")
        return value

    def _list(self, value: Any, place: str) -> list[Any]:
        if not isinstance(value, list):
            raise self._wrong(
                place, f"found {value!r}, expected a list" if value is not None else "is missing"
            )
        return value

    def _wrong(self, place: str, complaint: str) -> InvalidSweep:
        return InvalidSweep(f"{self.path}: {place}: {complaint}" if place else f"{self.path}: {complaint}")


def _in_order(stages: list[Stage]) -> list[Stage]:
    """Each stage after those it depends on, and in the file's order wherever that is free."""
    placed: list[Stage] = []
    while len(placed) < len(stages):
        done = {stage.name for stage in placed}
        placed.append(
            next(stage for stage in stages if stage.name not in done and done.issuperset(stage.depends))
        )
    return placed


def _declared_templates(folders: Iterable[Path]) -> Declared:
    declared: dict[tuple[str, str], list[str]] = {}
    for file in (file for folder in folders for file in sorted(folder.glob("*.yaml"))):
        document = load_yaml(file.read_text(encoding="utf-8"), str(file))
        if isinstance(document, Mapping) and document.get("kind") == "WorkflowTemplate":
            for template in document["spec"]["templates"]:
                inputs = template.get("inputs", {}).get("parameters", [])
                key = (document["metadata"]["name"], template["name"])
                declared.setdefault(key, [item["name"] for item in inputs])
    return declared
