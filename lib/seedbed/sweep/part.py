"""What every part of the plan language is made of."""

from __future__ import annotations

from pydantic import ConfigDict

Scalar = str | int | float | bool
"""A value that can stand in a table's margin."""


STRICT = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)
"""Every part: frozen, nothing extra, no conversions."""


def same(one: Scalar | None, other: Scalar | None) -> bool:
    """Equal as settings: 1 and 1.0 are, 1 and true are not."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)
