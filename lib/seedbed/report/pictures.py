"""The family's own figures: pictures that need several trials, embedded with the data behind them."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seedbed.collect import StageTables
from seedbed.family import load_family
from seedbed.report.files import Files

MOST_ROWS = 200


@dataclass(frozen=True)
class Picture:
    """A picture as an SVG in a data address, and its data as columns."""

    name: str
    stage: str
    address: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    trouble: str = ""
    """Why there is none."""


def family_pictures(stage: StageTables, files: Files) -> Iterator[Picture]:
    """What `Family.figures` draw of a stage: each function takes the stage's tables and the trials' files, and
    gives a matplotlib figure, or None where it has nothing to show, and its data as columns of equal length.

    A figure that fails is told on the page: it must not cost the report.
    """
    record = stage.record
    for name, draw in load_family(record.family).figures.items():
        try:
            figure, data = draw(stage, files)
            if figure is not None:
                yield Picture(name, record.stage, _address(figure), list(data), _rows(data))
        except Exception as error:
            yield Picture(name, record.stage, "", [], [], f"{type(error).__name__}: {error}")


def _address(figure: Any) -> str:
    import matplotlib

    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "seedbed"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
    return f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _rows(data: Mapping[str, Sequence[Any]]) -> list[list[str]]:
    columns = [list(column)[:MOST_ROWS] for column in data.values()]
    return [
        [f"{value:.6g}" if isinstance(value, float) else str(value) for value in row]
        for row in zip(*columns, strict=True)
    ]
