"""What the page takes from a trial's files for classes, and what it leaves alone."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from seedbed.report.files import Files

IDS = np.arange(4)
UNITS, PAIRS = np.array(["a", "a", "b", "b"]), np.array([["a", "b"]] * 4)
TARGETS = np.array([0, 1, 1, 0])
SCORES = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]])


def predicted(monkeypatch: pytest.MonkeyPatch, units: Any, targets: Any, outputs: Any) -> Any:
    """What is made of predictions like these."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, ids=IDS, units=units, targets=targets, outputs=outputs)
    monkeypatch.setattr(Files, "read", lambda *_: buffer.getvalue())
    result: Any = SimpleNamespace()
    return Files(store=result).predicted(result, "test", "best")


def test_a_classifier_s_outputs_are_its_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    found = predicted(monkeypatch, UNITS, TARGETS, SCORES)
    assert found is not None
    assert found.classes.tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("units", "targets", "outputs"),
    [
        (UNITS, TARGETS, np.array([[0, 1], [1, 0], [1, 1], [0, 0]])),
        (PAIRS, TARGETS, SCORES),
        (UNITS, TARGETS, SCORES[:, 0]),
        (UNITS, TARGETS / 2, SCORES),
        (UNITS, TARGETS + 1, SCORES),
    ],
    ids=["clusters of two runs", "pairs", "one score", "no classes", "a class without an output"],
)
def test_what_does_not_classify_has_no_guesses(
    units: Any, targets: Any, outputs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert predicted(monkeypatch, units, targets, outputs) is None
