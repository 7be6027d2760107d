"""Parts of the plan language from their plain values, and what is said of one that is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from seedbed.config import path_in
from seedbed.errors import InvalidSweep, did_you_mean
from seedbed.sweep.language import (
    BaselinePlan,
    ExpectPlan,
    InputPlan,
    Label,
    PublishedValue,
    SeedPick,
    TablePlan,
)
from seedbed.sweep.ordered import Bounds, NamedPoint, SelectPlan

_EXPECTED = {
    "dict_type": "settings by name",
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "list_type": "a list",
}
"""What is said instead of pydantic's own words, by the type of its error."""

_SCALARS = [(kind,) for kind in ("str", "int", "float", "bool")]
"""How pydantic names the kinds of value that can stand in a table's margin, at the end of an error's place."""

_SCALAR = "a number, text, true or false"
_LABEL = "{<axis>: {<label>: {config: {<setting>: <value>}}}}"

PartT = TypeVar("PartT", bound=BaseModel)


def read_part(part: type[PartT], value: Any, place: str) -> PartT:
    """A part of the language from its plain value; raises InvalidSweep naming the path under `place`."""
    if not isinstance(value, Mapping):
        raise InvalidSweep(f"{place}: expected settings by name, found {value!r}")
    try:
        return part.model_validate(value)
    except ValidationError as error:
        raise InvalidSweep(f"{place}{_complaint(error, value, part)}") from None


def _complaint(error: ValidationError, value: Any, part: type[BaseModel]) -> str:
    first = max(  # of a union, the nearest; a misspelt key rather than the one that it leaves missing
        error.errors(include_url=False),
        key=lambda found: (len(found["loc"]), found["type"] == "extra_forbidden"),
    )
    of_scalar = first["type"] != "missing" and first["loc"][-1:] in _SCALARS
    location = path_in(first["loc"][:-1] if of_scalar else first["loc"], value)
    path = "".join(f".{step}" for step in location)
    if first["type"] == "extra_forbidden":
        known = _fields_at(part, first["loc"][:-1])
        return f"{path}: no such key; {did_you_mean(location[-1], known)}"
    if first["type"] == "missing":
        return f"{path}: is required and not set"
    if first["type"] == "value_error":
        told = str(first["ctx"]["error"])  # some begin with the key that is wrong: `seeds: confirm needs …`
        return f"{path}.{told}" if re.match(r"[^ ]+: ", told) else f"{path}: {told}"
    return f"{path}: found {first['input']!r}, expected {_expected(first, location, of_scalar, part)}"


def _expected(first: ErrorDetails, location: Sequence[str], of_scalar: bool, part: type[BaseModel]) -> str:
    """What belongs where something of another kind was found."""
    if location[-1:] == ("seeds",):
        return 'seeds as text, such as "0-2" or "0,3"'
    if of_scalar and location[0] in ("grid", "over"):
        return f"{_SCALAR}; several settings at once need a label: {_LABEL}"
    if of_scalar:
        return _SCALAR
    if first["type"] == "model_type":
        return f"settings by name: {', '.join(_fields_at(part, first['loc']))}"
    if first["type"] == "dict_type" and location in (("grid",), ("over",)):
        return "axes by name: {<axis>: [<value>, ...]}"
    return _EXPECTED.get(first["type"]) or first["msg"].removeprefix("Input should be ").lower()


def _fields_at(part: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys known at a place inside a part: those of the innermost part that its path names."""
    parts: dict[str, type[BaseModel]] = {"inputs": InputPlan, "baseline": BaselinePlan, "table": TablePlan}
    parts |= {"grid": Label, "over": Label, "pick": SeedPick, "expect": ExpectPlan, "values": PublishedValue}
    parts |= {"inherit": NamedPoint, "select": SelectPlan, "require": Bounds}
    model = next((parts[str(step)] for step in reversed(location) if step in parts), part)
    return [field.alias or name for name, field in model.model_fields.items()]
