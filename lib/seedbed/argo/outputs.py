"""What a pod hands to Argo: one file for each output parameter."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path("/tmp/outputs")  # noqa: S108  # a volume of the pod's own; the stage template names it


def put_out(**parameters: str) -> None:
    """Put output parameters where the stage template reads them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, value in parameters.items():
        (FOLDER / name).write_text(value, encoding="utf-8")
