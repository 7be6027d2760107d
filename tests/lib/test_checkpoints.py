"""Checkpoints are written beside the training, and the newest good one is found again."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from seedbed.checkpoints import Checkpoints
from seedbed.errors import StoreUnavailable
from seedbed.store.folder import FolderStore

PREFIX = "trials/mnist/0f3a/checkpoint"
FIRST, SECOND = "20260101T000000-aa", "20260101T000000-aa-b"


class SlowStore(FolderStore):
    """A store whose writes wait until the gate is opened."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.gate = threading.Event()

    def write(self, key: str, data: bytes) -> None:
        assert self.gate.wait(10)
        super().write(key, data)


class FullStore(FolderStore):
    """A store without space while `full`."""

    full = True

    def write(self, key: str, data: bytes) -> None:
        if self.full:
            raise StoreUnavailable("no space left")
        super().write(key, data)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def key(step: int, attempt: str = FIRST) -> str:
    return f"{PREFIX}/{step:012d}-{attempt}.ckpt"


def save(store: FolderStore, *steps: int, attempt: str = FIRST) -> None:
    with Checkpoints(store, PREFIX, attempt) as checkpoints:
        for step in steps:
            checkpoints.save(step, {"step": step, "attempt": attempt})


def latest(store: FolderStore, **given: Any) -> Any:
    with Checkpoints(store, PREFIX, "20260102T000000-zz") as checkpoints:
        return checkpoints.latest(**given)


def test_without_checkpoints_there_is_no_latest(store: FolderStore) -> None:
    assert latest(store) is None


def test_the_highest_step_wins_and_among_equal_steps_the_newest_attempt(store: FolderStore) -> None:
    save(store, 9, 10)
    assert latest(store) == (10, {"step": 10, "attempt": FIRST})
    save(store, 10, attempt=SECOND)
    assert latest(store) == (10, {"step": 10, "attempt": SECOND})
    save(store, 8, attempt="20260103T000000-cc")
    assert latest(store) == (10, {"step": 10, "attempt": SECOND})


def test_checkpoints_lie_under_step_and_attempt(store: FolderStore) -> None:
    save(store, 7, 1_000_000_000_000)
    assert set(store.list("")) == {key(7), f"{PREFIX}/1000000000000-{FIRST}.ckpt"}
    assert latest(store)[0] == 1_000_000_000_000


@pytest.mark.parametrize(
    "name",
    ["notes.txt", "9-a.ckpt", "000000000009-.ckpt", "000000000009-a.ckpt.old", "000000000009-a/b.ckpt"],
)
def test_other_things_beside_checkpoints_are_left_alone(
    store: FolderStore, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    store.write(f"{PREFIX}/{name}", b"")
    assert latest(store) is None
    assert not caplog.records


def test_what_is_saved_is_the_state_at_that_moment(tmp_path: Path) -> None:
    store = SlowStore(tmp_path)
    weight = torch.zeros(3)
    with Checkpoints(store, PREFIX, FIRST) as checkpoints:
        checkpoints.save(1, {"weight": weight})
        weight += 1
        store.gate.set()
        found = checkpoints.latest()
    assert found is not None
    assert found[1]["weight"].tolist() == [0, 0, 0]


def test_saving_does_not_wait_for_the_store_but_the_next_saving_does(tmp_path: Path) -> None:
    store = SlowStore(tmp_path)
    with Checkpoints(store, PREFIX, FIRST) as checkpoints:
        checkpoints.save(1, {})
        second = threading.Thread(target=checkpoints.save, args=(2, {}))
        second.start()
        second.join(0.03)
        assert second.is_alive()
        assert not list(store.list(""))
        store.gate.set()
        second.join()
    assert list(store.list("")) == [key(1), key(2)]


def test_close_waits_for_what_is_being_written(tmp_path: Path) -> None:
    store = SlowStore(tmp_path)
    checkpoints = Checkpoints(store, PREFIX, FIRST)
    checkpoints.save(1, {})
    threading.Timer(0.02, store.gate.set).start()
    checkpoints.close()
    assert list(store.list("")) == [key(1)]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("checkpoint")]


def test_an_error_of_the_writer_is_raised_by_flush_once(tmp_path: Path) -> None:
    with Checkpoints(FullStore(tmp_path), PREFIX, FIRST) as checkpoints:
        checkpoints.save(1, {})
        with pytest.raises(StoreUnavailable, match="no space left"):
            checkpoints.flush()
        checkpoints.flush()


def test_an_error_of_the_writer_is_raised_by_the_next_save_and_saving_can_go_on(tmp_path: Path) -> None:
    store = FullStore(tmp_path)
    with Checkpoints(store, PREFIX, FIRST) as checkpoints:
        checkpoints.save(1, {})
        with pytest.raises(StoreUnavailable, match="no space left"):
            checkpoints.save(2, {})
        store.full = False
        checkpoints.save(3, {})
    assert list(store.list("")) == [key(3)]


def test_an_error_of_the_writer_is_raised_by_close_which_ends_the_thread_all_the_same(tmp_path: Path) -> None:
    checkpoints = Checkpoints(FullStore(tmp_path), PREFIX, FIRST)
    checkpoints.save(1, {})
    with pytest.raises(StoreUnavailable, match="no space left"):
        checkpoints.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("checkpoint")]


def test_a_state_that_cannot_be_kept_is_refused_where_it_is_saved(store: FolderStore) -> None:
    with Checkpoints(store, PREFIX, FIRST) as checkpoints:
        with pytest.raises(TypeError, match=r"state\['lambda'\]"):
            checkpoints.save(1, {"lambda": len})
        with pytest.raises(ValueError, match="step -1"):
            checkpoints.save(-1, {})


@pytest.mark.parametrize("damage", ["truncated", "altered", "empty"])
def test_a_damaged_checkpoint_is_passed_over_with_a_warning_that_names_it(
    store: FolderStore, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    save(store, 1, 2, 3)
    for step in (2, 3):
        data = store.read(key(step)) or b""
        damaged = {"truncated": data[:-1], "altered": data[:-1] + bytes([data[-1] ^ 1]), "empty": b""}
        store.write(key(step), damaged[damage])
    with caplog.at_level(logging.WARNING):
        assert latest(store) == (1, {"step": 1, "attempt": FIRST})
    warnings = [record.getMessage() for record in caplog.records]
    assert [store.place(key(step)) in warning for step, warning in zip((3, 2), warnings, strict=True)] == [
        True,
        True,
    ]


def test_a_checkpoint_that_does_not_suit_is_passed_over(store: FolderStore) -> None:
    save(store, 1, 2, 3)
    assert latest(store, suits=lambda state: state["step"] < 3)[0] == 2
    assert latest(store, suits=lambda state: False) is None


def test_a_checkpoint_deleted_between_listing_and_reading_is_passed_over(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(store, 1, 2)
    listed = list(store.list(PREFIX))
    store.delete(key(2))
    monkeypatch.setattr(store, "list", lambda prefix: iter(listed))
    assert latest(store)[0] == 1


def test_an_attempt_is_one_segment_of_a_key(store: FolderStore) -> None:
    for attempt in ("a/b", "", ".."):
        with pytest.raises(ValueError, match=r"slash|not a key"):
            Checkpoints(store, PREFIX, attempt)


def test_no_thread_runs_before_the_first_save_and_the_last_save_outlives_the_script(
    store: FolderStore,
) -> None:
    # The codec is stood in for, as loading torch once more would take longer than all other tests.
    script = (
        "import sys, threading, time, types\n"
        "slow = types.SimpleNamespace(encode=lambda: time.sleep(0.02) or b'state')\n"
        "codec = types.SimpleNamespace(Snapshot=None, decode=None, snapshot=lambda state: slow)\n"
        "sys.modules['seedbed.codec'] = codec\n"
        "from seedbed.checkpoints import Checkpoints\n"
        "from seedbed.store.folder import FolderStore\n"
        "checkpoints = Checkpoints(FolderStore(sys.argv[1]), sys.argv[2], sys.argv[3])\n"
        "assert threading.active_count() == 1\n"
        "checkpoints.save(5, {})\n"
    )
    subprocess.run([sys.executable, "-c", script, store.url, PREFIX, FIRST], check=True)
    assert store.read(key(5)) == b"state"
