"""A data set that is quick to train on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seedbed.data import DATA_VARIABLE


@pytest.fixture
def waves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two kinds of waves in noise, told apart by their shape."""
    rng, time = np.random.default_rng(0), np.linspace(0, 6 * np.pi, 40)
    folder = tmp_path / "data" / "ucr" / "Waves"
    folder.mkdir(parents=True)
    for part, count in (("TRAIN", 24), ("TEST", 20)):
        rows = []
        for index in range(count):
            wave = np.sin(time + rng.uniform(0, 6))
            values = (wave if index % 2 else np.sign(wave)) + rng.normal(0, 0.05, len(time))
            rows.append("\t".join([str(index % 2 + 1), *(f"{value:.5f}" for value in values)]))
        (folder / f"Waves_{part}.tsv").write_text("\n".join(rows) + "\n")
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "data"))
    return "ucr/Waves"
