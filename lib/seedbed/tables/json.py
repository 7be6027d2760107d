"""Tables as JSON: everything in them, unrounded and in the metric's own scale, in a fixed order."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from seedbed.tables.model import Table


def render(tables: Sequence[Table], description: str = "") -> str:
    """The fields of `Table`, by their names; what is not known is null."""
    content = {"description": description, "tables": [asdict(table) for table in tables]}
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
