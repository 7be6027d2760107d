"""`seedbed new-family`: what it writes runs, and is held to what every family is held to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from seedbed.errors import InvalidConfig
from seedbed.skeleton import FILES, NAME, new_family

pytestmark = pytest.mark.waits

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
KNOWN_TYPES = ROOT / ".mypy_cache"
"""What `make lint` has left, if it ran: torch's types alone take a minute."""

ADDED = "speech_commands"
COPIED = (
    "pyproject.toml",
    "tests/conftest.py",
    "tests/lib/trials.py",
    "tests/jobs/test_families.py",
    "tests/families",
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As much of the repository as a family needs, and a new family in it."""
    root = tmp_path_factory.mktemp("repository")
    for name in COPIED:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, root / name)
    (root / "lib").symlink_to(ROOT / "lib")
    told = run(root, "seedbed", "new-family", ADDED, "--root", str(root))
    written = [place.format(name=ADDED) for place in FILES.values()]
    assert told.splitlines()[: len(written)] == written
    assert all((root / place).read_text(encoding="utf-8").count(NAME) == 0 for place in written)
    return root


def run(root: Path, tool: str, *arguments: str, **variables: str) -> str:
    path = os.pathsep.join([str(root), str(root / "tests" / "families")])
    done = subprocess.run(
        [str(BIN / tool), *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": path, **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_new_family_passes_its_own_tests_and_what_every_family_has_to(repository: Path) -> None:
    every = ("pytest", "-rp", "tests/jobs/test_families.py", "-k", ADDED)
    run(repository, *every, UPDATE_GOLDEN="1", CI="")
    passed = run(repository, *every, f"tests/jobs/{ADDED}")
    assert passed.count(f"PASSED tests/jobs/{ADDED}/") == 4
    assert passed.count("PASSED tests/jobs/test_families.py::") > 8
    run(repository, "pytest", "tests/jobs/test_families.py", "-k", "knows_no_family and skeleton")


def test_a_new_family_is_formatted_linted_and_typed(repository: Path) -> None:
    if KNOWN_TYPES.is_dir():
        shutil.copytree(KNOWN_TYPES, repository / ".mypy_cache")
    places = (f"jobs/{ADDED}", f"tests/jobs/{ADDED}")
    run(repository, "ruff", "format", "--check", *places)
    run(repository, "ruff", "check", *places)
    run(repository, "mypy", *places)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("speech-commands", "expected a Python name in small letters"),
        ("2nd", "expected a Python name in small letters"),
        ("class", "expected a Python name in small letters"),
        ("Speech", "expected a Python name in small letters"),
        ("_speech", "expected a Python name in small letters"),
        ("speech_", "expected a Python name in small letters"),
        ("speech___commands", "expected a Python name in small letters"),
        ("seedbed", "'seedbed': is taken: the library is called so"),
        ("core", "'core': is taken: requirements/core.txt is there already"),
        ("argo", "'argo': is taken: an extra of the library is called so"),
        ("likeness", "'likeness': is taken: tests/families/jobs/likeness is there already"),
        ("toy", "'toy': is taken: jobs/toy is there already"),
        ("done", "'done': is taken: tests/golden/done.json is there already"),
    ],
)
def test_a_name_that_cannot_be_is_refused_and_nothing_is_written(
    tmp_path: Path, name: str, complaint: str
) -> None:
    there = ["tests/golden/done.json", "requirements/core.txt", "tests/families/jobs/likeness/__init__.py"]
    for place in there:
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).touch()
    with pytest.raises(InvalidConfig) as raised:
        new_family(tmp_path, name, ["toy"])
    assert complaint in str(raised.value)
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == set(there)
