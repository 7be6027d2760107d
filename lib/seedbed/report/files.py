"""What finished trials left in the store, checked against their results; what cannot be used is told, not raised."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seedbed.errors import BadData
from seedbed.results import Result, read_file
from seedbed.store import Store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Predicted:
    """A trial's outputs on a split: class by sample (where it classifies), with ids, units and targets."""

    ids: NDArray[Any]
    units: NDArray[Any]
    targets: NDArray[np.int64]
    classes: NDArray[np.int64]
    count: int
    """How many classes the outputs tell apart."""


@dataclass(frozen=True)
class Files:
    """The files of trials in a store; `complaints` gathers what was wrong with them."""

    store: Store
    complaints: list[str] = field(default_factory=list)

    def read(self, result: Result, name: str) -> bytes | None:
        """A file as its trial left it; None when it left none, or when it was altered since."""
        if name not in result.files:
            return None
        try:
            return read_file(self.store, f"trials/{result.family}/{result.trial}", result, name)
        except BadData as error:
            if (told := f"Left out: {error}") not in self.complaints:
                self.complaints.append(told)
            return None

    def log(self, result: Result) -> list[dict[str, float]]:
        """What a trial logged, step by step."""
        lines = (self.read(result, "log.jsonl") or b"").splitlines()
        return [json.loads(line) for line in lines]

    def predicted(self, result: Result, split: str, when: str) -> Predicted | None:
        """A trial's classes on a split at its best or last step; None where it does not classify.

        A classifier's outputs are (N, C) with C of 2 or more, its targets whole numbers below C. Whole numbers as
        outputs are the clusters of several runs.
        """
        import numpy as np

        data = self.read(result, f"predictions/{split}@{when}.npz")
        if data is None:
            return None
        with np.load(io.BytesIO(data), allow_pickle=False) as saved:
            ids, units, targets, outputs = (saved[name] for name in ("ids", "units", "targets", "outputs"))
        if outputs.ndim != 2 or outputs.shape[1] < 2 or outputs.dtype.kind in "iu" or units.ndim != 1:
            return None
        if targets.ndim != 1 or targets.dtype.kind not in "iu":
            return None
        if len(targets) == 0 or targets.min() < 0 or targets.max() >= outputs.shape[1]:
            return None
        return Predicted(ids, units, targets.astype(np.int64), outputs.argmax(1), outputs.shape[1])

    def parameters(self, result: Result, when: str) -> int | None:
        """How many numbers a trial's weights are, running statistics aside; None where it left none."""
        data = self.read(result, f"weights/{when}.safetensors")
        if data is None:
            return None
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        return sum(
            _product(entry["shape"])
            for name, entry in header.items()
            if name != "__metadata__" and not name.endswith(_BUFFERS)
        )


_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")
"""Batch norm's buffers: kept with the weights, not learned."""


def _product(shape: list[int]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size
