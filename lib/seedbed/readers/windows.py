"""Windows of sensor signals, in the form in which readers hand them on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from seedbed.errors import BadData

FEW: Final = 5
"""Of the classes that an error names."""

UnitWord = Literal["subject", "sample"]
"""What a window belongs to: a subject, or nothing but itself."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Labelled windows of sensor signals: N windows of C channels and L samples.

    Raises BadData when a value is not finite or a class has no window at all.
    """

    name: str
    signals: NDArray[np.float32]
    """(N, C, L), in the data set's own units."""
    labels: NDArray[np.int64]
    """(N,), 0 … classes - 1."""
    units: NDArray[np.str_]
    """(N,), the subject; a sample's own id where there are no subjects."""
    ids: NDArray[np.str_]
    """(N,), unique and the same on every machine."""
    official: NDArray[np.str_]
    """(N,), 'train' or 'test' where the data set comes split, else ''."""
    classes: tuple[str, ...]
    unit_word: UnitWord
    rate_hz: float | None

    def __post_init__(self) -> None:
        finite = np.isfinite(self.signals).all(axis=(1, 2))
        if not finite.all():
            raise BadData(
                f"data {self.name}: window {self.ids[np.argmin(finite)]} has a value that is not finite"
            )
        absent = [name for label, name in enumerate(self.classes) if not (self.labels == label).any()]
        if absent:
            found = len(self.classes) - len(absent)
            named = ", ".join(absent[:FEW]) + (
                f" and {len(absent) - FEW} others" if len(absent) > FEW else ""
            )
            raise BadData(f"data {self.name}: {found} classes of {len(self.classes)}, no window of {named}")
