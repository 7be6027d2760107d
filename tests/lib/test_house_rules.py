"""House rules over the whole repository, on every file that git has or would take."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
DEFINITION = re.compile(r"^\s*\[[^\]]+\]:\s*<?([^\s>]+)>?", re.MULTILINE)
HTML = re.compile(r"<(?:img|a|source|picture)\b[^>]*?\b(?:src|href|srcset)=\"([^\"\s]+)", re.IGNORECASE)
CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
ONE_MACHINE = tuple(f"/{folder}/" for folder in ("work", "root"))
"""Folders of the machine on which this was written."""


@cache
def files() -> list[Path]:
    """What git tracks, and what it would if it were added."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found = [ROOT / name for name in listed.split("\0") if name]
    return sorted(path for path in set(found) if path.is_file())


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def modules() -> list[Path]:
    return [path for folder in ("lib", "jobs") for path in sorted((ROOT / folder).rglob("*.py"))]


def pages() -> list[Path]:
    return [path for path in files() if path.suffix == ".md"]


def links(text: str) -> list[str]:
    """Where a page leads, code aside."""
    prose = CODE.sub("", text)
    return [target for pattern in (LINK, DEFINITION, HTML) for target in pattern.findall(prose)]


def anchors(text: str) -> set[str]:
    """The names that GitHub gives to a page's headings."""
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)|`", r"\1", heading) for heading in HEADING.findall(text)]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def dead_links(page: Path) -> list[str]:
    """The links of a page that lead nowhere in the repository, or out of it."""
    dead = []
    for target in links(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z][a-z0-9+.-]*:", target, re.IGNORECASE):
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / unquote(name)).resolve() if name else page
        if not (there.exists() and there.is_relative_to(ROOT)) or (
            anchor and there.suffix == ".md" and anchor not in anchors(there.read_text(encoding="utf-8"))
        ):
            dead.append(target)
    return dead


def test_the_repository_is_looked_at_whole() -> None:
    assert {"pyproject.toml", "Makefile", ".gitignore", "lib/seedbed/__init__.py"} <= set(
        map(relative, files())
    )
    assert len(modules()) > 40
    assert not [path for path in files() if ".venv" in path.parts or path.suffix == ".pyc"]


@pytest.mark.parametrize("path", modules(), ids=relative)
def test_every_module_says_what_it_is(path: Path) -> None:
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    first = said.split("\n\n")[0].strip()
    assert first, f"{relative(path)} has no docstring"
    assert first[-1] in ".:", f"{relative(path)}: its docstring begins with no sentence: {first!r}"


@pytest.mark.parametrize("page", pages(), ids=relative)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    assert dead_links(page) == []


def test_a_dead_link_would_be_found() -> None:
    text = """
# A heading, with `code`

[there](README.md), [not there](gone.md "title"), ![picture](docs/gone.png), <img src="gone.svg">, [ref]
[heading](#a-heading-with-code), [no heading](#nowhere), [outside](https://example.org), `[code](gone.txt)`

```
[more](code.txt)
```

[ref]: gone/too.md
"""
    assert links(text) == [
        "README.md", "gone.md", "docs/gone.png", "#a-heading-with-code", "#nowhere", "https://example.org",
        "gone/too.md", "gone.svg",
    ]  # fmt: skip
    assert anchors(text) == {"a-heading-with-code"}


@pytest.mark.parametrize("path", [path for path in files() if "requirements" not in path.parts], ids=relative)
def test_no_file_knows_one_persons_machine(path: Path) -> None:
    data = path.read_bytes()
    assert not [folder for folder in ONE_MACHINE if folder.encode() in data], (
        f"{relative(path)} names a folder"
    )


@pytest.mark.parametrize("path", [path for path in files() if path.suffix == ".py"], ids=relative)
def test_no_test_is_skipped_or_expected_to_fail(path: Path) -> None:
    marks = [
        f"{path.name}:{node.lineno}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("skip", "skipif", "xfail", "importorskip")
    ]
    assert marks == []
