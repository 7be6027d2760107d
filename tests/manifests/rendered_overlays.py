"""What each overlay renders to, held against the copy in tests/golden/manifests.

A difference is either a mistake or a change to review: `make golden-manifests` writes the new copies, and their diff
belongs in the same commit. It needs kubectl, and so is part of `make test-cluster`: pytest takes up this file only
where it is named.
"""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "manifests"
OVERLAYS = sorted(path.parent.name for path in ROOT.glob("manifests/overlays/*/kustomization.yaml"))
WRITING = bool(os.environ.get("UPDATE_GOLDEN")) and not os.environ.get("CI")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The manifests, with keys and images that are always the same where `make deploy` makes its own."""
    for folder in ("manifests", "workflows/templates"):
        made = shutil.ignore_patterns("secrets", "images.env")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=made)
    local = tmp_path / "manifests/overlays/local"
    (local / "secrets").mkdir()
    for name in ("admin", "collect", "reader", "trial"):
        text = f"AWS_ACCESS_KEY_ID={name}\nAWS_SECRET_ACCESS_KEY=not-a-secret\n"
        (local / "secrets" / f"{name}.env").write_text(text)
    (local / "secrets/identities.json").write_text("{}\n")
    image = "localhost/seedbed/a_family:a-revision"
    (local / "images.env").write_text(f"registry=localhost/seedbed\ntag=a-revision\nany={image}\n")
    return tmp_path


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_renders_as_recorded(overlay: str, tree: Path) -> None:
    command = ["kubectl", "kustomize", f"manifests/overlays/{overlay}"]
    rendered = subprocess.run(command, cwd=tree, check=True, capture_output=True, text=True).stdout
    golden = GOLDEN / f"{overlay}.yaml"
    if WRITING:
        golden.write_text(rendered, encoding="utf-8")
    recorded = golden.read_text(encoding="utf-8")
    difference = difflib.unified_diff(
        recorded.splitlines(), rendered.splitlines(), golden.name, "rendered", lineterm=""
    )
    assert rendered == recorded, "\n".join(["run `make golden-manifests` if this is meant:", *difference])


def test_every_golden_file_has_its_overlay() -> None:
    assert sorted(path.stem for path in GOLDEN.iterdir()) == OVERLAYS
