"""House rules of the families' image, on the files that it is made of; its own test is `seedbed selftest`."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from seedbed.local.pool import ALLOCATOR, ONE_THREAD

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "images" / "family.Dockerfile"
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
FAMILIES = sorted(path.parent.name for path in ROOT.glob("jobs/*/__init__.py"))
LOCKS = ["core", *(name for name in FAMILIES if name in EXTRAS)]


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile and what it says, comments aside and lines joined."""
    text = "\n".join(line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#"))
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines if line.strip()]


def said(instruction: str) -> list[str]:
    return [text for name, text in instructions() if name == instruction]


def environment() -> dict[str, str]:
    pairs = [pair for text in said("ENV") for pair in re.findall(r"(\S+?)=(\S+)", text)]
    return dict(pairs)


def locked(name: str) -> dict[str, str]:
    """The packages of a lock: name and marker, and everything else that is said of it."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text().replace("\\\n", "")
    found = {}
    for line in text.splitlines():
        pinned, *hashes = line.split("--hash=")
        found[pinned.strip()] = " ".join(sorted(entry.strip() for entry in hashes))
    return found


def launcher() -> ModuleType:
    spec = importlib.util.spec_from_file_location("launcher", ROOT / "images" / "seedbed.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# The Dockerfile


def test_it_stands_on_a_base_by_digest_and_on_nothing_else() -> None:
    (base,) = [text for text in said("ARG") if text.startswith("BASE_IMAGE")]
    assert re.fullmatch(r"BASE_IMAGE=\S+:\S+@sha256:[0-9a-f]{64}", base)
    stages = {"${BASE_IMAGE}"}
    for text in said("FROM"):
        origin, *name = text.split(" AS ")
        assert origin in stages
        stages.update(name)
    outside = [text for text in [*said("COPY"), *said("ADD")] if "://" in text or "--from=" in text]
    assert outside == []


def test_it_runs_as_nobody_in_particular() -> None:
    assert said("USER")[-1] == "8737:8737"
    assert not [text for text in said("RUN") if re.search(r"\bsudo\b|chmod [0-7]*[4-7][0-7]{3}\b", text)]


def test_it_holds_no_secret() -> None:
    names = [pair.split("=")[0] for text in [*said("ENV"), *said("ARG")] for pair in text.split()]
    assert not [name for name in names if re.search("KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", name.upper())]


def test_whatever_is_installed_is_locked_and_hashed() -> None:
    installing = [text for text in said("RUN") if "pip install" in text]
    assert len(installing) == 3
    for text in installing:
        assert text.count("pip install") == text.count("--require-hashes") == text.count("--requirement")


def test_it_says_which_revision_it_is() -> None:
    assert environment()["SEEDBED_REVISION"] == "${REVISION}"
    assert any("org.opencontainers.image.revision=${REVISION}" in text for text in said("LABEL"))


def test_a_trial_computes_in_it_as_in_a_worker() -> None:
    there = environment()
    assert {name: there.get(name) for name in ALLOCATOR | ONE_THREAD} == ALLOCATOR | ONE_THREAD


def test_everything_that_is_written_is_written_below_tmp() -> None:
    there = environment()
    assert there["HOME"] == "/tmp"  # noqa: S108
    for name in ("SEEDBED_CACHE", "NUMBA_CACHE_DIR", "MPLCONFIGDIR"):
        assert there[name].startswith("/tmp/cache")  # noqa: S108


def test_only_the_familys_code_goes_in() -> None:
    assert said("COPY")[-3:] == [
        "lib /opt/seedbed/lib",
        "jobs/${FAMILY} /opt/seedbed/jobs/${FAMILY}",
        "--chmod=0755 images/seedbed.py /usr/local/bin/seedbed",
    ]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == {
        "images/seedbed.py", "jobs", "lib", "requirements",
    }  # fmt: skip


# What is installed


@pytest.mark.parametrize("name", LOCKS)
def test_an_image_holds_the_versions_that_the_tests_ran_with(name: str) -> None:
    every, own = locked("all"), locked(name)
    assert {pinned: every.get(pinned) for pinned in own} == own, "make lock-images"
    assert len(own) > 40
    names = {pinned.split("==")[0] for pinned in own}
    assert {"torch", "boto3", "obstore", "pydantic"} <= names
    assert not {"kubernetes", "argo-workflows", "pytest", "hera", "uv"} & names, "images do without"


def test_an_image_brings_no_other_familys_packages() -> None:
    assert set(LOCKS) | {"all", "uv"} == {path.stem for path in (ROOT / "requirements").glob("*.txt")}
    core = set(locked("core"))
    for name in LOCKS[1:]:
        assert core < set(locked(name)), f"the layer that images share is part of {name}.txt"
    assert not [pinned for pinned in core if pinned.startswith(("numba==", "pytorch-metric-learning=="))]


# How `seedbed` starts in it


def test_the_caches_that_the_build_filled_are_put_where_they_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = launcher()
    built, cache = tmp_path / "built", tmp_path / "tmp" / "cache"
    (built / "numba").mkdir(parents=True)
    (built / "numba" / "kernel").write_text("compiled")
    cache.parent.mkdir()
    monkeypatch.setattr(module, "BUILT", built)
    monkeypatch.setenv("SEEDBED_CACHE", str(cache))

    module.take_over_caches()
    assert (cache / "numba" / "kernel").read_text() == "compiled"

    (cache / "numba" / "kernel").write_text("newer")
    module.take_over_caches()
    assert (cache / "numba" / "kernel").read_text() == "newer"
