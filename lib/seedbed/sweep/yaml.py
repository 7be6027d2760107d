"""YAML read safely and strictly: a key given twice is an error, not a silent overwrite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode

from seedbed.errors import InvalidSweep


class _StrictLoader(yaml.SafeLoader):
    """yaml.SafeLoader that refuses duplicate keys."""

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise ConstructorError(None, None, f"the key {key!r} is not text", key_node.start_mark)
            if key in seen:
                raise ConstructorError(None, None, f"{key} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def load_yaml(text: str, place: str) -> Any:
    """The plain value that a YAML text holds; raises InvalidSweep naming place, line and column."""
    try:
        return yaml.load(text, _StrictLoader)  # noqa: S506  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise InvalidSweep(f"{place}{where}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise InvalidSweep(f"{place}: {' '.join(str(error).split())}") from None


def without_empty(value: Any) -> Any:
    """Argo writes a template's empty fields out; a sweep file does not have them."""
    if isinstance(value, Mapping):
        return {key: without_empty(one) for key, one in value.items() if one not in ({}, [])}
    return [without_empty(one) for one in value] if isinstance(value, list) else value
