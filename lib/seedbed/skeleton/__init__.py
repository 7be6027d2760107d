"""A family to start from: what `seedbed new-family` copies, under another name."""

from __future__ import annotations

import keyword
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


def new_family(root: Path, name: str, taken: list[str]) -> list[Path]:
    """Write a family that runs, with its tests; the files that were written.

    Raises InvalidConfig for a name that is no identifier in small letters, or that something has already.
    """
    if not name.isidentifier() or keyword.iskeyword(name) or name != name.lower() or not name.isascii():
        raise InvalidConfig(f"{name!r}: expected a Python name in small letters, such as speech_commands")
    paths = {template: root / place.format(name=name) for template, place in FILES.items()}
    there = [path for path in (*paths.values(), root / "jobs" / name) if path.exists()]
    if name in taken or there:
        where = there[0].relative_to(root) if there else f"jobs/{name}"
        raise InvalidConfig(f"{name!r}: is taken: {where} is there already")
    for template, path in paths.items():
        text = (Path(__file__).parent / template).read_text(encoding="utf-8")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(NAME, name), encoding="utf-8")
    return list(paths.values())
