"""A family to start from: what `seedbed new-family` copies, under another name."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from seedbed.errors import InvalidConfig

NAME = "new_family"
"""The name that stands in the templates."""

FILES = {
    "family.__init__.py.txt": "jobs/{name}/__init__.py",
    "family.config.py.txt": "jobs/{name}/config.py",
    "family.data.py.txt": "jobs/{name}/data.py",
    "family.train.py.txt": "jobs/{name}/train.py",
    "family.README.md.txt": "jobs/{name}/README.md",
    "tests.test_train.py.txt": "tests/jobs/{name}/test_train.py",
    "golden.json.txt": "tests/golden/{name}.json",
}
"""Where each template goes, from the repository's root."""


PATTERN = re.compile("[a-z][a-z0-9]*(__?[a-z0-9]+)*")
"""What a name may be: a Python name that an image can have too."""

RESERVED = {"seedbed": "the library", "argo": "an extra of the library"}
"""Names that would be mistaken for something else, and for what."""


def new_family(root: Path, name: str, taken: list[str]) -> list[Path]:
    """Write a family that runs, with its tests; the files that were written.

    Raises InvalidConfig for a name that is no identifier in small letters, or that something has already.
    """
    if not PATTERN.fullmatch(name) or keyword.iskeyword(name):
        raise InvalidConfig(
            f"{name!r}: expected a Python name in small letters, its words joined by underscores"
        )
    if name in RESERVED:
        raise InvalidConfig(f"{name!r}: is taken: {RESERVED[name]} is called so")
    paths = {template: root / place.format(name=name) for template, place in FILES.items()}
    places = (f"jobs/{name}", f"requirements/{name}.txt", f"tests/families/jobs/{name}")
    there = [path for path in (*paths.values(), *(root / place for place in places)) if path.exists()]
    if name in taken or there:
        where = there[0].relative_to(root) if there else f"jobs/{name}"
        raise InvalidConfig(f"{name!r}: is taken: {where} is there already")
    for template, path in paths.items():
        text = (Path(__file__).parent / template).read_text(encoding="utf-8")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(NAME, name), encoding="utf-8")
    return list(paths.values())
