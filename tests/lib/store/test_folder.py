"""What a folder store does when the file system does not do as it is told."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from seedbed.errors import InvalidConfig, StoreUnavailable
from seedbed.store import open_store
from seedbed.store.folder import LOCK, FolderStore

CHANGES: dict[str, Callable[[FolderStore, bytes], object]] = {
    "write": lambda store, data: store.write("trial/state", data),
    "create": lambda store, data: store.create("trial/new", data),
    "swap": lambda store, data: store.swap("trial/state", data, str(store.etag("trial/state"))),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def store(root: Path) -> FolderStore:
    return FolderStore(root)


@contextmanager
def disk_full_after(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes: part of a write succeeds, the rest fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the privileges of root, for whom no permission is denied; nothing changes for others."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def locked_root() -> Iterator[Path]:
    """A root that everybody may read and nobody may write, with one key in it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        root = Path(folder) / "runs"
        FolderStore(root).write("state", b"old")
        root.chmod(0o555)
        yield root
        root.chmod(0o755)


def files_below(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()} - {LOCK}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_full_disk_is_told_in_one_line_and_the_old_bytes_stay(
    store: FolderStore, root: Path, change: Callable[[FolderStore, bytes], object]
) -> None:
    store.write("trial/state", b"old")
    with disk_full_after(4096), pytest.raises(StoreUnavailable) as raised:
        change(store, bytes(100_000))
    assert str(raised.value).startswith(f"{root}/trial/")
    assert str(raised.value).endswith("File too large; free some space and run the same command again")
    assert "\n" not in str(raised.value)
    assert store.read("trial/state") == b"old"
    assert files_below(root) == {"trial/state"}
    change(store, bytes(100_000))
    assert len(files_below(root)) in {1, 2}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_disk_that_fills_up_while_syncing_is_told_as_well(
    store: FolderStore,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[FolderStore, bytes], object],
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store.write("trial/state", b"old")
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StoreUnavailable, match="No space left on device; free some space and run"):
        change(store, b"new")
    assert store.read("trial/state") == b"old"
    assert files_below(root) == {"trial/state"}


def test_a_full_disk_is_no_reason_to_overlook_what_was_created_before(store: FolderStore) -> None:
    store.create("result.json", b"first")
    with disk_full_after(0):
        assert not store.create("result.json", b"second")


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "free some space and"),
        (errno.EDQUOT, "free some space and"),
        (errno.EROFS, "allow access or choose another folder and"),
        (errno.EIO, "put that right and"),
    ],
    ids=errno.errorcode.get,
)
def test_the_line_says_what_can_be_done(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch, code: int, advice: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "utime", refuse)
    with pytest.raises(StoreUnavailable, match=f"{os.strerror(code)}; {advice} run the same command again"):
        store.write("state", b"new")


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.write("state", b"new"),
        lambda store: store.create("new", b"new"),
        lambda store: store.create("folder/new", b"new"),
        lambda store: store.swap("state", b"new", str(store.etag("state"))),
        lambda store: store.delete("state"),
        lambda store: store.point("latest-full", "one"),
    ],
    ids=["write", "create", "create below", "swap", "delete", "point"],
)
def test_a_folder_that_may_not_be_written_is_told_and_stays_as_it_was(
    locked_root: Path, change: Callable[[FolderStore], object]
) -> None:
    store = FolderStore(locked_root)
    with as_nobody(), pytest.raises(StoreUnavailable, match="Permission denied; allow access or choose"):
        change(store)
    assert store.read("state") == b"old"
    assert files_below(locked_root) == {"state"}


def test_a_folder_that_may_not_be_read_is_no_empty_store(locked_root: Path) -> None:
    locked_root.chmod(0o000)
    store = FolderStore(locked_root)
    for use in (store.read, store.etag, store.list):
        with as_nobody(), pytest.raises(StoreUnavailable, match="Permission denied"):
            use("state")


def test_a_file_where_a_folder_is_needed_is_named(store: FolderStore, root: Path) -> None:
    store.write("a", b"file")
    with pytest.raises(StoreUnavailable, match=rf"{root}/a/b/c: 'a' is not a folder; put that right and"):
        store.write("a/b/c", b"data")
    assert store.read("a") == b"file"


def test_a_folder_where_a_file_or_pointer_is_to_stand_is_told(store: FolderStore) -> None:
    store.write("latest-a/b", b"data")
    with pytest.raises(StoreUnavailable, match="Is a directory"):
        store.write("latest-a", b"data")
    with pytest.raises(StoreUnavailable, match="Is a directory"):
        store.point("latest-a", "c")
    assert not store.create("latest-a", b"data")
    assert list(store.list("")) == ["latest-a/b"]


def test_a_crash_before_the_rename_leaves_the_old_bytes_and_nothing_that_is_listed(
    store: FolderStore, root: Path
) -> None:
    store.write("trial/state", b"old")
    crash = (
        "import os, pathlib, sys\n"
        "from seedbed.store.folder import FolderStore\n"
        "pathlib.Path.replace = lambda *_: os._exit(9)\n"
        "FolderStore(sys.argv[1]).write('trial/state', b'new')\n"
    )
    assert subprocess.run([sys.executable, "-c", crash, root], check=False).returncode == 9
    assert len(files_below(root)) == 2
    assert list(store.list("")) == ["trial/state"]
    assert store.read("trial/state") == b"old"
    store.write("trial/state", b"new")
    assert store.read("trial/state") == b"new"


def test_bytes_are_synced_before_they_get_their_name_and_the_name_after(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("trial/state", b"old")
    steps: list[str] = []
    fsync, replace, link = os.fsync, Path.replace, Path.hardlink_to

    def note_sync(descriptor: int) -> None:
        steps.append("sync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "sync file")
        fsync(descriptor)

    def note_replace(path: Path, target: Path) -> Path:
        steps.append("name")
        return replace(path, target)

    def note_link(path: Path, target: Path) -> None:
        steps.append("name")
        link(path, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_replace)
    monkeypatch.setattr(Path, "hardlink_to", note_link)
    for change in CHANGES.values():
        steps.clear()
        change(store, b"new")
        assert steps == ["sync file", "name", "sync folder"]
    steps.clear()
    store.write("other/deep/state", b"new")
    assert steps == ["sync folder", "sync folder", "sync file", "name", "sync folder"]


def test_an_etag_changes_with_every_write_also_of_the_same_bytes(store: FolderStore) -> None:
    etags = set()
    for _ in range(50):
        store.write("lease", b"same")
        etags.add(store.etag("lease"))
    assert len(etags) == 50


def test_an_etag_does_not_hang_on_the_ticks_of_the_kernel(
    store: FolderStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 1_700_000_000_123_456_789)
    store.write("lease", b"data")
    assert (root / "lease").stat().st_mtime_ns == 1_700_000_000_123_456_789


def test_a_process_forked_during_a_write_does_not_keep_the_lock(
    store: FolderStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock, inherited = fcntl.flock, []

    def flock_and_fork(file: IO[bytes], operation: int) -> None:
        flock(file, operation)
        inherited.append(os.dup(file.fileno()))

    monkeypatch.setattr(fcntl, "flock", flock_and_fork)
    store.write("state", b"data")
    with (root / LOCK).open("ab") as other:
        flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert inherited
    for descriptor in inherited:
        os.close(descriptor)


def test_a_pointer_is_a_relative_link_so_that_a_store_can_be_moved(store: FolderStore, root: Path) -> None:
    store.write("sweeps/kd/one/table.md", b"data")
    store.point("sweeps/kd/latest-full", "sweeps/kd/one")
    assert str((root / "sweeps/kd/latest-full").readlink()) == "one"
    moved = root.rename(root.with_name("elsewhere"))
    assert FolderStore(moved).read("sweeps/kd/latest-full/table.md") == b"data"


def test_files_are_as_readable_as_the_umask_says(store: FolderStore, root: Path) -> None:
    before = os.umask(0o027)
    try:
        store.write("state", b"data")
    finally:
        os.umask(before)
    assert stat.S_IMODE((root / "state").stat().st_mode) == 0o640


def test_nothing_is_made_before_the_first_write(store: FolderStore, root: Path) -> None:
    store.read("a")
    list(store.list(""))
    store.delete("a")
    store.swap("a", b"data", "etag")
    assert not root.exists()


def test_a_place_is_relative_inside_the_current_folder_and_absolute_elsewhere(
    store: FolderStore, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert store.place("sweeps/kd") == store.place("sweeps/kd/") == "runs/sweeps/kd"
    assert store.place("") == "runs"
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert store.place("sweeps/kd") == f"{root}/sweeps/kd"


def test_a_relative_root_stays_where_it_was_when_the_current_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store("runs/")
    store.write("a", b"data")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert store.url == str(tmp_path / "runs")
    assert store.read("a") == b"data"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("~nobody-of-that-name/x", "begins with the home of somebody who is not known here"),
        ("x" * 300, r"cannot be looked at \(File name too long\)"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(address: str, told: str) -> None:
    with pytest.raises(InvalidConfig, match=f"^store '{address}' {told}; give a folder's path"):
        open_store(address)


def test_an_address_below_a_folder_that_may_not_be_read_is_refused(locked_root: Path) -> None:
    locked_root.chmod(0o000)
    with as_nobody(), pytest.raises(InvalidConfig, match=r"cannot be looked at \(Permission denied\)"):
        open_store(str(locked_root / "below" / "runs"))


def test_an_address_at_which_a_file_stands_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs").write_bytes(b"")
    with pytest.raises(InvalidConfig, match="is not a folder"):
        open_store(str(tmp_path / "runs"))
    with pytest.raises(InvalidConfig, match="an empty address"):
        open_store("")
