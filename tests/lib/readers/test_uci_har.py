"""UCI-HAR's layout with other subjects, sensors and activities; what is refused is tested where UCI-HAR is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seedbed.errors import BadData
from seedbed.readers.uci_har import CHANNELS, CLASSES, UCI_HAR, Form, found_form, load, source_fingerprint
from tests.lib.locking import locked

LABELS = {"train": [1, 2, 3, 1, 2, 3], "test": [3, 2, 1]}
SUBJECTS = {"train": [31, 31, 31, 40, 40, 40], "test": [57, 57, 57]}


def values(split: str, channel: str, window: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.random.default_rng([len(split), *channel.encode()]).standard_normal(
        (len(LABELS[split]), window)
    )


def write(folder: Path, channels: tuple[str, ...], window: int, activities: str | None) -> Path:
    for split in LABELS:
        (folder / split / "Inertial Signals").mkdir(parents=True)
        for name, column in (("y", LABELS), ("subject", SUBJECTS)):
            (folder / split / f"{name}_{split}.txt").write_text(
                "".join(f"{value}\n" for value in column[split])
            )
        for channel in channels:
            rows = ["".join(f"{value:16.7e}" for value in row) for row in values(split, channel, window)]
            file = folder / split / "Inertial Signals" / f"{channel}_{split}.txt"
            file.write_text("\r\n".join(rows) + "\r\n", newline="")
    if activities is not None:
        (folder / "activity_labels.txt").write_text(activities)
    return folder


def write_archive(file: Path, **changes: Any) -> None:
    arrays: dict[str, Any] = {
        "signal": np.arange(80, dtype=np.float32).reshape(40, 2),
        "start": np.arange(0, 40, 10),
        "y": np.array([1, 2, 1, 2]),
        "subject": np.array([1, 1, 2, 2]),
        "split": np.array([0, 0, 1, 1]),
        "channels": np.array(["wrist_y", "wrist_x"]),
        "window": np.array(10),
    }
    np.savez(file, allow_pickle=False, **(arrays | changes))


def refused(source: Path, complaint: str, form: Form | None = None) -> None:
    with pytest.raises(BadData) as raised:
        load(source, form or found_form(source), "har/Garden")
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of the test's own."""
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path / "cache"))


def test_another_set_in_the_layout_is_read_as_it_is(tmp_path: Path) -> None:
    folder = write(tmp_path, ("wrist_z", "wrist_x"), 20, "1 DIGGING\n2 MOWING THE LAWN\n3 RAKING\n")
    form = found_form(folder)
    assert form == Form(("wrist_x", "wrist_z"), ("DIGGING", "MOWING THE LAWN", "RAKING"), 20)
    windows = load(folder, form, "har/Garden")
    assert windows.signals.shape == (9, 2, 20)
    assert windows.labels.tolist() == [0, 1, 2, 0, 1, 2, 2, 1, 0]
    assert windows.units.tolist() == ["31"] * 3 + ["40"] * 3 + ["57"] * 3
    np.testing.assert_allclose(windows.signals[6:, 1], values("test", "wrist_z", 20), rtol=2e-7)
    assert source_fingerprint(folder, form) != source_fingerprint(
        folder, Form(("wrist_x",), form.classes, 20)
    )


def test_the_nine_signals_are_read_in_their_own_order_and_others_left_out(tmp_path: Path) -> None:
    folder = write(tmp_path, ("a_wrist_x", *sorted(CHANNELS)), 128, None)
    form = found_form(folder)
    assert form.channels == CHANNELS == UCI_HAR.channels
    assert form.classes == ("1", "2", "3"), "activities without names are numbered"


def test_an_archive_says_its_own_window_and_activities(tmp_path: Path) -> None:
    file = tmp_path / "Garden.npz"
    write_archive(file, activities=np.array(["DIG", "MOW"]))
    form = found_form(file)
    assert form == Form(("wrist_x", "wrist_y"), ("DIG", "MOW"), 10)
    windows = load(file, form, "har/Garden")
    assert windows.signals[1, 0].tolist() == [*range(21, 40, 2)]
    assert windows.ids.tolist() == ["train/1", "train/2", "test/1", "test/2"]


def test_six_activities_without_names_are_those_of_uci_har(tmp_path: Path) -> None:
    np.savez(tmp_path / "six.npz", allow_pickle=False, channels=np.array(CHANNELS), y=np.arange(6, 0, -1))
    assert found_form(tmp_path / "six.npz").classes == CLASSES


@pytest.mark.parametrize(
    ("file", "line", "found", "labels"),
    [
        ("train/y_train.txt", 1, "20240131", 4),
        ("test/y_test.txt", 2, "5", 4),
        ("train/y_train.txt", 3, "0", 4),
        ("train/y_train.txt", 2, "-7", 4),
    ],
)
def test_labels_without_names_run_from_1_without_a_gap(
    tmp_path: Path, file: str, line: int, found: str, labels: int
) -> None:
    folder = write(tmp_path, ("wrist_x",), 20, None)
    lines = (folder / file).read_text().splitlines()
    lines[line - 1] = found
    (folder / file).write_text("\n".join(lines) + "\n")
    with pytest.raises(BadData, match=rf"{file}:{line}: label {found}, expected 1 to {labels} as there are"):
        found_form(folder)


def test_labels_of_an_archive_without_names_run_from_1_without_a_gap(tmp_path: Path) -> None:
    write_archive(tmp_path / "set.npz", y=np.array([1, 2, 20240131, 2]))
    with pytest.raises(BadData, match=r"set\.npz: y\[2\]: label 20240131, expected 1 to 3 as there are 3"):
        found_form(tmp_path / "set.npz")


@pytest.mark.parametrize("number", ["inf", "nan", "-1e300", "12345678901234567", "9007199254740993"])
def test_a_number_that_a_float_cannot_tell_from_others_is_refused(tmp_path: Path, number: str) -> None:
    folder = write(tmp_path, ("wrist_x",), 20, None)
    file = folder / "train" / "subject_train.txt"
    file.write_text(file.read_text().replace("40", number, 1))
    refused(folder, f"subject_train.txt:4: {float(number)}, expected a whole number within ±2^53")


@pytest.mark.parametrize("activities", ["WALKING\n", "1 WALKING\n3 SITTING\n", "\n"])
def test_activities_that_are_not_numbered_are_refused(tmp_path: Path, activities: str) -> None:
    folder = write(tmp_path, ("wrist_x",), 20, activities)
    with pytest.raises(
        BadData, match=r"activity_labels.txt: expected lines such as `1 WALKING`, numbered from 1"
    ):
        found_form(folder)


def test_a_folder_without_signals_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"Inertial Signals: expected <signal>_train.txt, found none"):
        found_form(write(tmp_path, (), 20, None))


@pytest.mark.parametrize("place", ["Garden", "Garden/train", "Garden/train/Inertial Signals", "Garden/test"])
def test_a_folder_that_may_not_be_entered_is_named(tmp_path: Path, place: str) -> None:
    folder = write(tmp_path / "Garden", ("wrist_x",), 20, None)
    for mode in (0o000, 0o444):
        with locked(tmp_path / place, mode):
            refused(folder, f"{tmp_path / place}: Permission denied")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set.npz").write_text("no archive")
    with pytest.raises(BadData, match=r"set.npz: not the compact form of uci_har"):
        found_form(tmp_path / "set.npz")


def test_what_was_read_in_one_form_is_checked_again_in_another(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", ("wrist_x",), 20, "1 DIGGING\n2 MOWING\n3 RAKING\n")
    load(folder, found_form(folder), "har/Garden")
    refused(folder, "wrist_x_train.txt:1: 20 values, expected 64", Form(("wrist_x",), ("1", "2", "3"), 64))
    (folder / "activity_labels.txt").write_text("1 DIGGING\n2 MOWING\n")
    refused(folder, "y_train.txt:3: label 3, expected 1 to 2")


@pytest.mark.parametrize(("lacking", "other"), [("train", "test"), ("test", "train")])
def test_a_signal_of_one_part_only_is_refused(tmp_path: Path, lacking: str, other: str) -> None:
    folder = write(tmp_path, ("wrist_x", "wrist_z"), 20, None)
    (folder / lacking / "Inertial Signals" / f"wrist_z_{lacking}.txt").unlink()
    refused(folder, f"Signals: expected wrist_z_{lacking}.txt, as {other} has wrist_z_{other}.txt")


def test_what_a_file_system_leaves_beside_the_signals_is_none(tmp_path: Path) -> None:
    folder = write(tmp_path, ("wrist_x",), 20, None)
    (folder / "train" / "Inertial Signals" / "._wrist_x_train.txt").write_bytes(b"\x00\x05\x16\x07" * 20)
    assert found_form(folder).channels == ("wrist_x",)


def test_a_signal_that_was_cut_short_is_blamed_though_it_is_the_first(tmp_path: Path) -> None:
    folder = write(tmp_path, ("wrist_x", "wrist_z"), 20, None)
    file = folder / "train" / "Inertial Signals" / "wrist_x_train.txt"
    file.write_text("".join(f"{line[: 19 * 16]}\n" for line in file.read_text().splitlines()))
    refused(folder, "wrist_x_train.txt:1: 19 values, expected 20")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"start": np.array([0, 10, -10, 20])}, "set.npz: start[2] is -10, expected a sample, from 0"),
        (
            {"subject": np.array([1, 1, np.inf, 2])},
            "set.npz: subject[2] is inf, expected a whole number within",
        ),
        (
            {"split": np.array([0, 0, 1, 2.0**53])},
            "set.npz: split[3] is 9007199254740992.0, expected a whole",
        ),
        ({"y": np.array([1, 2, 1 + 1j, 2])}, "set.npz: y has complex numbers, expected whole ones"),
        (
            {"y": np.array(["dig", "mow", "dig", "mow"])},
            "set.npz: not the compact form of uci_har: could not",
        ),
        ({"y": np.array([], int)}, "set.npz: y is without numbers, expected whole ones"),
        ({"signal": np.ones((40, 2), complex)}, "set.npz: signal has complex numbers, expected real ones"),
        ({"y": np.array([1, 2, 1.4, 2])}, "set.npz: y[2] is 1.4, expected a whole number"),
        ({"subject": np.array([1, 1.5, 2, 2])}, "set.npz: subject[1] is 1.5, expected a whole number"),
        ({"channels": np.array(["wrist_x", "wrist_x"])}, "set.npz: channels has wrist_x twice"),
        (
            {"channels": np.array(["wrist_x"])},
            "set.npz: channels has shape (1,) and signal (40, 2), expected",
        ),
        ({"window": np.array(0)}, "set.npz: window is 0, expected a number of samples, 1 or more"),
        ({"window": np.array(-3)}, "set.npz: window is -3, expected a number of samples, 1 or more"),
        ({"window": np.array(np.nan)}, "set.npz: window is nan, expected a number of samples, 1 or more"),
        ({"window": np.array(9.5)}, "set.npz: window is 9.5, expected a number of samples, 1 or more"),
    ],
)
def test_an_archive_that_contradicts_itself_is_refused(
    tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    write_archive(tmp_path / "set.npz", **changes)
    refused(tmp_path / "set.npz", complaint)


def test_subjects_in_whole_numbers_of_an_archive_are_told_apart_however_large(tmp_path: Path) -> None:
    people = np.array([12345678901234567, 12345678901234568, 3, 3])
    write_archive(tmp_path / "set.npz", subject=people)
    windows = load(tmp_path / "set.npz", found_form(tmp_path / "set.npz"), "har/Garden")
    assert windows.units.tolist() == [str(person) for person in people]


def test_of_many_classes_without_a_window_a_few_are_named(tmp_path: Path) -> None:
    names = "".join(f"{number} activity {number}\n" for number in range(1, 100))
    folder = write(tmp_path, ("wrist_x",), 20, names)
    refused(folder, "no window of activity 4, activity 5, activity 6, activity 7, activity 8 and 91 others")


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    folder = write(tmp_path, ("wrist_x",), 20, "1 DIGGING\n2 MOWING\n3 RAKING\n")
    plain = load(folder, found_form(folder), "har/Garden")
    for file in folder.rglob("*.txt"):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    marked = load(folder, found_form(folder), "har/Garden")
    assert np.array_equal(marked.signals, plain.signals)
    assert marked.classes == ("DIGGING", "MOWING", "RAKING")


def test_two_activities_of_one_name_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", ("wrist_x",), 20, "1 DIGGING\n2 MOWING\n3 DIGGING\n")
    with pytest.raises(BadData, match=r"activity_labels\.txt: has DIGGING twice, expected a name for each"):
        found_form(folder)
    write_archive(tmp_path / "set.npz", activities=np.array(["DIG", "DIG"]))
    with pytest.raises(BadData, match=r"set\.npz: activities has DIG twice, expected a name for each"):
        found_form(tmp_path / "set.npz")
