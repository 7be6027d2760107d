"""What all tests share: a family of their own, sweeps made on the spot, and nothing of the developer's shell."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import settings

FAMILIES = Path(__file__).parent / "families"

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is loaded
sys.path.insert(0, str(FAMILIES))  # `jobs` is a namespace: its packages come from every folder on the path

# The same examples everywhere, however slow the machine is.
settings.register_profile("steady", derandomize=True, database=None, deadline=None, print_blob=True)
settings.register_profile("explore", settings.get_profile("steady"), derandomize=False, max_examples=1000)
settings.load_profile("steady")  # pytest --hypothesis-profile=explore draws others each time


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the tests that wait, some in each process, so that none is left for the end.

    Each of xdist's processes starts on a share of this order of its own; `--dist worksteal` makes the shares so long.
    """
    processes = getattr(config, "workerinput", {"workercount": 1})["workercount"]
    waiting = [item for item in items if item.get_closest_marker("waits")]
    others = [item for item in items if not item.get_closest_marker("waits")]
    left = len(items)
    items.clear()
    for process in range(processes):
        share = left // (processes - process)
        first = waiting[process::processes]
        rest = max(0, share - len(first))
        items += [*first, *others[:rest]]
        del others[:rest]
        left -= share
    items += others


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("SEEDBED_") or name == "FULL":
            monkeypatch.delenv(name)
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(FAMILIES))


Stages = dict[str, dict[str, Any]]
MakeSweep = Callable[..., Path]


@pytest.fixture
def make_sweep(tmp_path: Path) -> MakeSweep:
    """Write a sweep file: `stages` maps each name to its plan, and to `depends` and `family` if they matter."""

    def make(
        stages: Stages, name: str = "toy-sweep", laptop: Any = None, family: str = "toy", seeds: str = "0-2"
    ) -> Path:
        tasks = []
        for stage, plan in stages.items():
            plan = dict(plan)
            task: dict[str, Any] = {"name": stage, "templateRef": {"name": "stage", "template": "stage"}}
            if "depends" in plan:
                task["depends"] = plan.pop("depends")
            task["arguments"] = {
                "parameters": [
                    {"name": "family", "value": plan.pop("family", family)},
                    {"name": "plan", "value": yaml.safe_dump(plan, sort_keys=False)},
                ]
            }
            tasks.append(task)
        annotations = {"workflows.argoproj.io/title": "Which toy is best?"}
        if laptop is not None:
            annotations["seedbed/laptop"] = yaml.safe_dump(laptop)
        document = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {
                "generateName": f"{name}-",
                "labels": {"seedbed/sweep": name},
                "annotations": annotations,
            },
            "spec": {
                "entrypoint": "sweep",
                "arguments": {
                    "parameters": [{"name": "seeds", "value": seeds}, {"name": "form", "value": "full"}]
                },
                "podGC": {"strategy": "OnPodSuccess"},
                "ttlStrategy": {"secondsAfterCompletion": 60},
                "templates": [{"name": "sweep", "dag": {"tasks": tasks}}],
            },
        }
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return path

    return make
