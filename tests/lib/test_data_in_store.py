"""Data sets in a store: pushed once, whole or not at all, and fetched with every checksum verified."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from jobs.sensor_distillation.datasets import files_of, open_dataset
from seedbed import data
from seedbed.data import Files, MissingData
from seedbed.datasets import push, stored_sets
from seedbed.errors import BadData, InvalidConfig
from seedbed.store import Store, open_store
from tests.jobs.sensor_distillation.trials import planned
from tests.lib.command_line import Done, run_here
from tests.lib.trials import run

FILES = {"toy/Set A/one.txt": b"one", "toy/Set A/deep/two.txt": b"two" * 1000, "toy/Set A/three.txt": b""}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root with a set in it."""
    root = tmp_path / "home"
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    monkeypatch.setenv("SEEDBED_DATA", str(root))
    return root


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "runs"))


@pytest.fixture
def arrive(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """Go where no data are, as a pod does, and take what is needed from the store."""

    def arrive() -> Path:
        monkeypatch.setenv("SEEDBED_DATA", str(tmp_path / "pod"))
        monkeypatch.setenv("SEEDBED_DATA_FROM", "")  # so that it is restored
        monkeypatch.setattr(data, "_preferred", "")
        data.fetch_from(store.url)
        return tmp_path / "pod"

    return arrive


def toy(root: Path) -> Files:
    return data.files_at(root / name for name in FILES)


def look_for_toy() -> Path:
    return data.find("toy/Set A", data="toy", address="nowhere")


def test_what_is_pushed_is_named_by_its_fingerprint_and_listed_in_its_manifest(
    home: Path, store: Store
) -> None:
    stored, sent = push(store, "toy", toy(home))
    assert sent == 3
    assert stored.fingerprint == data.fingerprint(home / name for name in FILES)
    names = ["deep/two.txt", "manifest.json", "one.txt", "three.txt"]
    assert list(store.list("data")) == [f"data/toy/{stored.fingerprint}/{name}" for name in names]
    manifest = json.loads(store.read("data/toy/latest-version/manifest.json") or b"")
    assert manifest["folder"] == "toy/Set A"
    entries = [data.Entry(one["file"], one["size"], one["sha256"]) for one in manifest["files"]]
    assert data.fingerprint_of(entries) == stored.fingerprint
    assert list(stored_sets(store)) == [(stored, True)]


def test_a_set_is_pushed_once_and_another_version_beside_it(home: Path, store: Store) -> None:
    old, _ = push(store, "toy", toy(home))
    before = {key: store.etag(key) for key in store.list("data")}
    assert push(store, "toy", toy(home)) == (old, 0)
    (home / "toy/Set A/one.txt").write_bytes(b"another")
    new, sent = push(store, "toy", toy(home))
    assert sent == 3
    assert {key: store.etag(key) for key in before} == before
    assert sorted(stored_sets(store), key=lambda found: found[1]) == [(old, False), (new, True)]


def test_a_push_that_was_broken_off_is_not_there_and_goes_on(
    home: Path, store: Store, arrive: Callable[[], Path]
) -> None:
    files = toy(home)

    def break_off(name: str) -> bytes:
        if name == "three.txt":
            raise KeyboardInterrupt
        return files.read(name)

    with pytest.raises(KeyboardInterrupt):
        push(store, "toy", files._replace(read=break_off))
    assert list(stored_sets(store)) == []
    _, sent = push(store, "toy", files)
    assert sent == 1
    assert (arrive() / "toy").exists() is False
    assert look_for_toy().is_dir()


def test_a_file_that_changes_meanwhile_is_not_pushed_under_the_old_hash(home: Path, store: Store) -> None:
    files = toy(home)
    (home / "toy/Set A/one.txt").write_bytes(b"new")
    with pytest.raises(BadData, match=r"data toy: one.txt changed while"):
        push(store, "toy", files)
    assert list(stored_sets(store)) == []


def test_a_set_with_a_manifest_of_its_own_is_refused(home: Path, store: Store) -> None:
    (home / "toy/Set A/manifest.json").write_bytes(b"{}")
    with pytest.raises(BadData, match=r"has a file manifest.json of its own"):
        push(store, "toy", data.files_at((home / "toy/Set A").glob("*.*")))


def test_what_lies_under_no_root_is_fetched_and_is_then_there(
    home: Path, store: Store, arrive: Callable[[], Path]
) -> None:
    push(store, "toy", toy(home))
    pod = arrive()
    assert look_for_toy() == pod / "toy/Set A"
    found = {path.relative_to(pod).as_posix(): path.read_bytes() for path in pod.rglob("*") if path.is_file()}
    assert found == FILES
    for key in list(store.list("data")):
        store.delete(key)
    assert look_for_toy() == pod / "toy/Set A"


def test_files_are_put_beside_those_of_another_set_in_the_same_folder(
    home: Path, store: Store, arrive: Callable[[], Path]
) -> None:
    push(store, "toy", toy(home))
    pod = arrive()
    (pod / "toy/Set A").mkdir(parents=True)
    (pod / "toy/Set A/other.txt").write_bytes(b"other")
    assert data.find("toy/Set A/one.txt", data="toy", address="nowhere").read_bytes() == b"one"
    assert (pod / "toy/Set A/other.txt").read_bytes() == b"other"
    assert (pod / "toy/Set A/deep/two.txt").is_file()


def test_nothing_is_fetched_unless_it_was_switched_on(
    home: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(store, "toy", toy(home))
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path / "pod"))
    with pytest.raises(MissingData, match="data toy: expected 'toy/Set A' in"):
        look_for_toy()
    assert not (tmp_path / "pod").exists()


def test_processes_that_are_started_later_fetch_too(
    home: Path, store: Store, arrive: Callable[[], Path]
) -> None:
    push(store, "toy", toy(home))
    pod = arrive()
    script = "from seedbed.data import find; print(find('toy/Set A', data='toy', address=''))"
    found = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == str(pod / "toy/Set A")


def test_a_set_that_is_neither_here_nor_there_is_one_line_that_says_how_to_push_it(
    store: Store, arrive: Callable[[], Path]
) -> None:
    pod = arrive()
    with pytest.raises(MissingData) as raised:
        look_for_toy()
    assert str(raised.value) == (
        f"data toy: expected 'toy/Set A' in {pod} (no such folder); it can be had from nowhere, and SEEDBED_DATA "
        f"may name the folder that holds it; nor is it in {store.place('data/toy')}, where "
        f"`seedbed data push toy --store {store.url}` puts it"
    )
    with pytest.raises(MissingData, match="nor is it in"):
        data.known_fingerprint("toy", lambda: str(look_for_toy()))


@pytest.mark.parametrize("damage", [b"on", b"two", None], ids=["cut short", "altered", "gone"])
def test_a_damaged_file_is_named_and_nothing_is_put_there(
    home: Path, store: Store, arrive: Callable[[], Path], damage: bytes | None
) -> None:
    stored, _ = push(store, "toy", toy(home))
    key = f"{stored.key}/one.txt"
    store.delete(key)
    if damage is not None:
        store.write(key, damage)
    pod = arrive()
    with pytest.raises(
        BadData, match=r"one\.txt: found .*, expected sha256 .*data push toy --store"
    ) as raised:
        look_for_toy()
    assert store.place(key) in str(raised.value)
    assert list(pod.iterdir()) == []


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"[]",
        b'{"name": "toy", "folder": "toy", "files": [{"file": "a"}]}',
        b'{"name": "toy", "folder": "../elsewhere", "files": []}',
        b'{"name": "toy", "folder": "toy", "files": [{"file": "../a", "size": 1, "sha256": ""}]}',
    ],
)
def test_a_damaged_manifest_is_named(
    home: Path, store: Store, arrive: Callable[[], Path], manifest: bytes
) -> None:
    stored, _ = push(store, "toy", toy(home))
    store.write(f"{stored.key}/manifest.json", manifest)
    arrive()
    for ask in (look_for_toy, lambda: data.known_fingerprint("toy", lambda: str(look_for_toy()))):
        with pytest.raises(BadData, match=r"manifest\.json: not a manifest as"):
            ask()


def test_a_folder_that_cannot_be_filled_is_told(home: Path, store: Store, arrive: Callable[[], Path]) -> None:
    push(store, "toy", toy(home))
    arrive().write_text("a file")
    with pytest.raises(BadData, match=r"data toy: cannot be put into .*pod: File exists"):
        look_for_toy()


def test_a_trial_gets_the_version_that_it_was_planned_with(
    home: Path, store: Store, arrive: Callable[[], Path]
) -> None:
    old, _ = push(store, "toy", toy(home))
    (home / "toy/Set A/one.txt").write_bytes(b"another")
    push(store, "toy", toy(home))
    arrive()
    data.prefer_version(old.fingerprint)
    assert (look_for_toy() / "one.txt").read_bytes() == b"one"


def test_a_trial_whose_version_is_gone_is_not_trained_on_the_newest_one(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrive: Callable[[], Path]
) -> None:
    make_set(tmp_path / "home", "ucr/Toy")
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path / "home"))
    trial = planned({"role": "student", "data": "ucr/Toy"})
    (tmp_path / "home/ucr/Toy_TEST.tsv").write_text("2\t0.5\t1.5\n1\t2.5\t4\n")
    files = files_of("ucr/Toy")
    assert files is not None
    push(store, "ucr/Toy", files)
    pod = arrive()
    with pytest.raises(BadData, match=rf"^data ucr/Toy: changed since .*, expected {trial.data[:16]}$"):
        run(store, trial)
    assert not pod.exists()
    assert not list(store.list(trial.folder))


@pytest.mark.parametrize("name", ["uci_har", "ucr/Toy"])
def test_the_fingerprint_of_a_real_set_is_its_manifests_and_needs_no_file(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrive: Callable[[], Path], name: str
) -> None:
    make_set(tmp_path / "home", name)
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path / "home"))
    at_home = open_dataset(name).fingerprint()
    files = files_of(name)
    assert files is not None
    stored, _ = push(store, name, files)
    assert stored.fingerprint == at_home
    pod = arrive()
    assert open_dataset(name).fingerprint() == at_home
    assert not pod.exists()
    again = files_of(name)
    assert again is not None
    assert pod.is_dir()
    assert (again.folder, sorted(again.entries)) == (files.folder, sorted(files.entries))
    assert open_dataset(name).fingerprint() == at_home


@pytest.mark.parametrize("window", [500, 1000])
def test_windows_of_another_length_are_another_set(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrive: Callable[[], Path], window: int
) -> None:
    for length in (500, 1000):
        folder = tmp_path / f"home/geneactiv/7/Data/Window-size-{length}"
        folder.mkdir(parents=True)
        for activity in range(7):
            (folder / f"ID-1_CLASS-{activity}_Window-0001.mat").write_text(f"{length} {activity}")
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path / "home"))
    at_home = {length: open_dataset("geneactiv7", length).fingerprint() for length in (500, 1000)}
    for length in (500, 1000):
        files = files_of(f"geneactiv7-{length}")
        assert files is not None
        push(store, f"geneactiv7-{length}", files)
    pod = arrive()
    assert open_dataset("geneactiv7", window).fingerprint() == at_home[window]
    assert not pod.exists()
    files = files_of(f"geneactiv7-{window}")
    assert files is not None
    assert [path.name for path in pod.glob("geneactiv/7/Data/*")] == [f"Window-size-{window}"]


def test_sets_without_files_of_their_own_say_so() -> None:
    with pytest.raises(InvalidConfig, match=r"watch: comes with the package seglearn.*needs no push"):
        files_of("watch")
    with pytest.raises(InvalidConfig, match="push geneactiv14-500 or geneactiv14-1000"):
        files_of("geneactiv14")
    assert files_of("no-such-set") is None


def test_the_command_pushes_lists_and_says_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_set(tmp_path / "home", "ucr/Toy")
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path / "home"))
    monkeypatch.setenv("SEEDBED_STORE", str(tmp_path / "runs"))

    def types(*arguments: str) -> Done:
        return run_here(tmp_path / "home", "data", *arguments)

    assert "nothing; `seedbed data push NAME` puts a data set there" in types().stdout
    assert "ucr/Toy: 2 files put there" in types("push", "ucr/Toy").stdout
    assert "ucr/Toy: is there already" in types("push", "ucr/Toy").stdout
    elsewhere = types("--store", str(tmp_path / "other"), "push", "ucr/Toy")
    assert "2 files put there" in elsewhere.stdout
    assert str(tmp_path / "other") in elsewhere.stdout
    assert "  ucr/Toy  " in types().stdout
    wrong = types("push", "uci_hr")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (78, 1)
    assert "did you mean 'uci_har'?" in wrong.stderr
    assert types("push", "xyz").stderr.rstrip().endswith("; known: uci_har, pamap2, ucr/Toy")


def make_set(root: Path, name: str) -> None:
    """A set's files as they lie here, made up where what is in them does not matter."""
    if name == "uci_har":
        (root / "uci_har").mkdir(parents=True)
        with (root / "uci_har/ucihar_segments.npz").open("wb") as file:
            np.savez(file, signal=np.arange(10))
        return
    (root / "ucr").mkdir(parents=True)
    for part in ("TRAIN", "TEST"):
        (root / f"ucr/Toy_{part}.tsv").write_text(f"1\t0.5\t1.5\n2\t2.5\t{len(part)}\n")
