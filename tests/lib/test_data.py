"""Where data is looked for, what its fingerprint follows from, and a cache that never gets in the way."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seedbed import data
from seedbed.errors import BadData
from tests.lib.locking import locked


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("SEEDBED_CACHE", str(folder))
    return folder


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_the_variable_names_the_only_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path))
    assert data.data_roots() == [tmp_path]


def test_without_the_variable_data_lies_in_the_checkout_or_shared_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SEEDBED_DATA", raising=False)
    checkout = Path(data.__file__).resolve().parents[2]
    assert data.data_roots() == [checkout / "data", checkout.parent / "shared" / "data"]


def test_the_first_root_that_has_any_of_the_paths_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    monkeypatch.setattr(data, "data_roots", lambda: [first, second])
    write(second / "original", "")
    assert data.find("original", "compact", data="toy", address="https://example.org") == second / "original"
    write(first / "compact", "")
    assert data.find("original", "compact", data="toy", address="https://example.org") == first / "compact"


def test_missing_data_is_one_line_that_says_where_what_and_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(BadData) as raised:
        data.find("toy/a.txt", "toy/b.npz", data="toy", address="https://example.org/toy")
    assert str(raised.value) == (
        f"data toy: expected 'toy/a.txt' or 'toy/b.npz' in {tmp_path / 'nowhere'} (no such folder); "
        "it can be had from https://example.org/toy, and SEEDBED_DATA may name the folder that holds it"
    )


def test_the_fingerprint_follows_names_and_content_and_not_the_place(tmp_path: Path) -> None:
    here = [write(tmp_path / "here" / name, name) for name in ("a", "sub/b")]
    there = [write(tmp_path / "there" / name, name) for name in ("sub/b", "a")]
    same = data.fingerprint(here)
    assert same == data.fingerprint(there)
    assert len(same) == 64

    write(tmp_path / "there" / "a", "A")
    assert data.fingerprint(there) != same
    (tmp_path / "here" / "a").rename(tmp_path / "here" / "c")
    assert data.fingerprint([tmp_path / "here" / "c", here[1]]) != same


def test_the_manifest_says_name_size_and_hash_of_each_file(tmp_path: Path) -> None:
    files = [write(tmp_path / "sub" / "b", "xy"), write(tmp_path / "a", "")]
    empty, other = data.manifest(files)
    assert empty == ("a", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    assert other[:2] == ("sub/b", 2)


def test_a_file_is_hashed_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "file", "one")
    hashed: list[Path] = []
    original = data._hash

    def watched(path: Path) -> str:
        hashed.append(path)
        return original(path)

    monkeypatch.setattr(data, "_hash", watched)

    first = data.sha256(file)
    assert data.sha256(file) == first
    assert len(hashed) == 1

    write(file, "two")
    os.utime(file, ns=(1, 1))
    assert data.sha256(file) != first
    assert len(hashed) == 2


@pytest.mark.parametrize(
    "damage", ["", "{", "[1]", '{"KEY": 3}', '{"KEY": []}', '{"KEY": [3]}', '{"KEY": {}}']
)
def test_a_damaged_notebook_is_begun_again(tmp_path: Path, cache: Path, damage: str) -> None:
    file = write(tmp_path / "file", "one")
    expected = data.sha256(file)
    write(cache / "fingerprints.json", damage.replace("KEY", f"{file}|sha256"))
    assert data.sha256(file) == expected
    assert f"{file}|sha256" in (cache / "fingerprints.json").read_text()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="gone: No such file or directory"):
        data.fingerprint([tmp_path / "gone"])


@pytest.mark.parametrize("mode", [0o000, 0o444])
@pytest.mark.parametrize("place", ["root", "root/toy"])
def test_a_folder_that_may_not_be_entered_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, mode: int
) -> None:
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path / "root"))
    file = write(tmp_path / "root/toy/deep/a.txt", "")

    def find() -> str:
        return str(data.find("toy/deep/a.txt", data="toy", address="nowhere"))

    asked = (find, lambda: data.known_fingerprint("toy", find), lambda: data.sha256(file))
    with locked(tmp_path / place, mode):
        for ask in asked:
            with pytest.raises(BadData, match=rf"^{tmp_path / place}: Permission denied$"):
                ask()
    assert find() == str(file)


def test_a_folder_that_may_not_be_listed_is_named_and_one_that_is_absent_is_empty(tmp_path: Path) -> None:
    write(tmp_path / "toy/b", "")
    write(tmp_path / "toy/a", "")
    assert data.listed(tmp_path / "toy") == [tmp_path / "toy/a", tmp_path / "toy/b"]
    assert data.listed(tmp_path / "absent") == []
    with (
        locked(tmp_path / "toy", 0o111),
        pytest.raises(BadData, match=rf"^{tmp_path}/toy: Permission denied$"),
    ):
        data.listed(tmp_path / "toy")


def test_a_name_that_no_file_system_takes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path))
    with pytest.raises(BadData, match=r"FFF: File name too long$"):
        data.find("F" * 300, data="toy", address="nowhere")


def test_an_error_that_names_no_file_is_told_with_the_place() -> None:
    with pytest.raises(BadData, match=r"^data toy: Input/output error$"), data.reading("data toy"):
        raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"SEEDBED_CACHE": "own", "XDG_CACHE_HOME": "xdg", "HOME": "home"}, "own"),
        ({"XDG_CACHE_HOME": "xdg", "HOME": "home"}, "xdg/seedbed"),
        ({"HOME": "home"}, "home/.cache/seedbed"),
    ],
)
def test_the_cache_lies_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name in ("SEEDBED_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, folder in variables.items():
        monkeypatch.setenv(name, str(tmp_path / folder))
    assert data.cache_dir() == tmp_path / expected
    assert data.cache_dir().is_dir()


def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = write(tmp_path / "a file, not a folder", "")
    monkeypatch.setenv("SEEDBED_CACHE", str(blocked / "cache"))
    file = write(tmp_path / "file", "one")
    assert data.sha256(file) == data.sha256(file)
    assert data.cache_dir().is_dir()


def test_a_user_without_a_home_gets_a_temporary_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("SEEDBED_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    assert data.cache_dir().is_dir()


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = write(tmp_path / "file", "old")

    def fail(beside: Path) -> None:
        beside.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        data.write_atomically(file, fail)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert file.read_text() == "old"


def test_planning_can_ask_for_data_without_numpy_or_torch() -> None:
    check = "import sys, seedbed.data; assert not {'numpy', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
