"""How a workflow stands: what waits for what, what failed and why, in the words of its nodes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from seedbed.argo.cluster import SWEEP_LABEL, Workflow, nodes_of

STARTING = ("PodInitializing", "ContainerCreating")
"""What a pod says in its first seconds, when all is well."""

BAD = ("Failed", "Error")
ENDED = ("Succeeded", *BAD)
EXIT_CODE = re.compile(r"\(exit code (\d+)\)(?:: )?")


@dataclass(frozen=True)
class Note:
    """A node of which a person should know: its name and what it says."""

    node: str
    message: str
    exit_code: int | None = None


@dataclass(frozen=True)
class Standing:
    """A workflow at one moment."""

    name: str
    sweep: str
    phase: str
    """Pending, Running, Succeeded, Failed or Error."""

    started: str
    waiting: list[Note]
    """Pods that are not scheduled, and locks that somebody else holds."""

    failed: list[Note]
    """Nodes that ended badly, each once: the attempt that counts, not the stages above it."""

    message: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing of it will run any more."""
        return self.phase in ENDED


def standing_of(workflow: Workflow) -> Standing:
    """How a workflow stands."""
    status = workflow.get("status", {})
    nodes = nodes_of(workflow)
    return Standing(
        name=workflow["metadata"]["name"],
        sweep=workflow["metadata"]["labels"].get(SWEEP_LABEL, ""),
        phase=status.get("phase") or "Pending",
        started=str(workflow["metadata"]["creationTimestamp"]),
        waiting=list(_waiting(nodes)),
        failed=list(_failed(nodes)),
        message=status.get("message", ""),
    )


def folder_of(workflow: Workflow) -> str:
    """Where its run stands in the store."""
    return f"sweeps/{workflow['metadata']['labels'][SWEEP_LABEL]}/{workflow['metadata']['name']}"


def by_message(notes: Iterable[Note]) -> dict[str, list[str]]:
    """The nodes that say the same thing, by what they say: a hundred pods that wait for a GPU are one line."""
    found: dict[str, list[str]] = {}
    for note in notes:
        found.setdefault(note.message, []).append(note.node)
    return found


def _waiting(nodes: dict[str, dict[str, Any]]) -> Iterator[Note]:
    for node in nodes.values():
        message = " ".join(str(node.get("message", "")).split())
        if node["type"] == "Pod" and node["phase"] == "Pending" and message not in ("", *STARTING):
            yield Note(_name(node), message.split(". ")[0])


def _failed(nodes: dict[str, dict[str, Any]]) -> Iterator[Note]:
    """Each pod that ended badly, and of several attempts the last: the nodes above say only that it did."""
    last = dict.fromkeys(identity for identity, node in nodes.items() if node["type"] == "Pod")
    for node in nodes.values():
        if node["type"] == "Retry":
            attempts = [child for child in node.get("children", []) if child in last]
            for child in attempts[:-1] if node["phase"] in BAD else attempts:
                del last[child]
    for identity in last:
        node = nodes[identity]
        if node["phase"] in BAD:
            message = " ".join(str(node.get("message", "")).split()) or node["phase"].lower()
            code = EXIT_CODE.search(message)
            said = message[code.end() :] if code and code.end() < len(message) else message
            yield Note(_name(node), said, int(code[1]) if code else None)


def _name(node: dict[str, Any]) -> str:
    """`students alpha.gaf=0.1 seed=0` for a trial, `students.plan` for another node."""
    for parameter in node.get("inputs", {}).get("parameters", []):
        if parameter["name"] == "label" and "value" in parameter:
            return str(parameter["value"])
    _, _, rest = str(node["name"]).partition(".")
    return re.sub(r"\(\d+\)$", "", rest) or str(node["name"])
