"""PAMAP2: prepared as a plain reading of the study prepares it, and refused in one line when it is not right."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.sensor_distillation.datasets import describe_sets, open_dataset, pamap2
from seedbed.errors import BadData, InvalidConfig
from tests.lib.locking import locked

LABELS = {24: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 12: 8, 13: 9, 16: 10, 17: 11}
BOUTS = {
    101: [(0, 40), (1, 420), (0, 31), (2, 400), (9, 17)],
    102: [(3, 430), (0, 5), (4, 390), (12, 90), (4, 380)],
    103: [(5, 401), (18, 3), (6, 402)],
    104: [(7, 500), (20, 1), (12, 444)],
    105: [(13, 450), (0, 10), (16, 460)],
    106: [(17, 470), (0, 2), (24, 380)],
    107: [(1, 400), (17, 405)],
    108: [(24, 410), (11, 9), (2, 395), (10, 2), (19, 2)],
    109: [(0, 70), (24, 433)],
}
"""What each subject does, and for how many rows."""


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data root, and a cache of the test's own."""
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@functools.cache
def recording(subject: int) -> str:
    """A file in the original format: a heart rate in every eleventh row, lost packets, blanks between."""
    rng = np.random.default_rng(subject)
    activities = [activity for activity, rows in BOUTS[subject] for _ in range(rows)]
    lines = []
    for row, activity in enumerate(activities):
        heart = str(rng.integers(60, 180)) if row % 11 == 5 else "NaN"
        units = [f"{value:.6g}" for value in rng.uniform(-80, 80, 51)]
        if row % 97 > 90:
            units[17:34] = ["NaN"] * 17  # a unit's packet was lost
        lines.append(" ".join([f"{row / 100:.2f}", str(activity), heart, *units]))
    return "\n".join(lines) + "\n"


def write_protocol(data: Path, folder: str = "pamap2/PAMAP2_Dataset/Protocol") -> Path:
    place = data / folder
    place.mkdir(parents=True)
    for subject in BOUTS:
        (place / f"subject{subject}.dat").write_text(recording(subject))
    return place


def refused(complaint: str) -> None:
    with pytest.raises(BadData) as raised:
        open_dataset("pamap2").load()
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)


def prepared(text: str) -> tuple[list[list[float]], list[int]]:
    """The study's series of one subject, a value at a time."""
    deleted = {*range(14, 18), *range(31, 35), *range(48, 52)}  # after time and label have gone
    samples, labels = [], []
    heart = math.nan
    for line in text.splitlines():
        cells = line.split(" ")
        if int(cells[1]) in LABELS:
            values = [float(cell) for index, cell in enumerate(cells[2:]) if index not in deleted]
            heart = heart if math.isnan(values[0]) else values[0]
            samples.append([0.0 if math.isnan(value) else value for value in [heart, *values[1:]]])
            labels.append(LABELS[int(cells[1])])
    return samples[::3], labels[::3]


def window_starts(labels: list[int]) -> list[int]:
    starts, j = [], 22
    while j + 99 < len(labels):
        if labels[j] == labels[j + 99]:
            starts.append(j)
        j += 22
    return starts


# What is read


def test_the_windows_are_those_of_a_plain_reading_of_the_study(data: Path) -> None:
    write_protocol(data)
    windows = open_dataset("pamap2").load()
    index = 0
    for subject in range(101, 110):
        samples, labels = prepared(recording(subject))
        for start in window_starts(labels):
            expected = np.array(samples[start : start + 100]).T.astype(np.float32)
            assert np.array_equal(windows.signals[index], expected)
            assert windows.labels[index] == labels[start]
            assert windows.units[index] == str(subject)
            assert windows.ids[index] == f"{subject}/{start}"
            index += 1
    assert index == len(windows.ids) == len(set(windows.ids)) == 31
    assert windows.signals.shape[1:] == (40, 100)
    assert windows.signals.dtype == np.float32
    assert windows.signals.flags.c_contiguous


def test_the_twelve_activities_are_named_by_their_numbers_in_the_files(data: Path) -> None:
    write_protocol(data)
    windows = open_dataset("pamap2").load()
    names = {101: {"lying", "sitting"}, 104: {"Nordic walking", "ascending stairs"}, 109: {"rope jumping"}}
    for subject, expected in names.items():
        labels = windows.labels[windows.units == str(subject)]
        assert {windows.classes[label] for label in labels} == expected
    assert windows.classes[10:] == ("vacuum cleaning", "ironing")
    assert set(windows.official) == {""}
    assert windows.unit_word == "subject"
    assert windows.rate_hz == 100 / 3


def test_what_is_known_before_reading_is_what_is_read(data: Path) -> None:
    about = open_dataset("pamap2").description
    write_protocol(data)
    windows = open_dataset("pamap2").load()
    assert (about.channels, about.window) == windows.signals.shape[1:]
    assert about.classes == len(windows.classes) == 12
    assert (about.rate_hz, about.unit_word) == (windows.rate_hz, windows.unit_word)


def test_the_shortest_recording_has_as_many_windows_as_the_study_tested_on() -> None:
    samples = len(range(0, 6391, 3))  # subject 109 jumps rope for 63.91 s, and does nothing else
    assert len(pamap2._starts(np.zeros(samples, np.int64))) == 92


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(1, 260)), max_size=6))
def test_a_window_begins_at_every_step_where_one_activity_begins_and_ends_it(
    bouts: list[tuple[int, int]],
) -> None:
    labels = [label for label, samples in bouts for _ in range(samples)]
    assert pamap2._starts(np.array(labels, np.int64)).tolist() == window_starts(labels)


@given(st.lists(st.sampled_from([math.nan, 60.0, 61.5, 0.0, math.nan]), max_size=30))
def test_a_gap_keeps_the_value_before_it(values: list[float]) -> None:
    expected, held = [], math.nan
    for value in values:
        held = held if math.isnan(value) else value
        expected.append(held)
    np.testing.assert_array_equal(pamap2._hold(np.array(values)), expected)


def test_a_heart_rate_before_the_first_measurement_is_zero(data: Path) -> None:
    write_protocol(data)
    samples, _ = prepared(recording(104))
    assert samples[0][0] == 0
    assert samples[4][0] > 0
    series = pamap2._read_subject(data / pamap2.FOLDERS[0] / "subject104.dat")[0]
    assert series[:, 0].tolist() == [sample[0] for sample in samples]


def test_no_window_holds_samples_of_two_subjects(data: Path) -> None:
    write_protocol(data)
    windows = open_dataset("pamap2").load()
    for subject in BOUTS:
        last = windows.ids[windows.units == str(subject)][-1]
        assert int(last.split("/")[1]) + 100 <= len(prepared(recording(subject))[1])


@pytest.mark.parametrize("folder", pamap2.FOLDERS)
def test_the_files_may_lie_in_the_archives_folder_or_without_it(data: Path, folder: str) -> None:
    write_protocol(data, folder)
    assert set(open_dataset("pamap2").load().units) == {str(subject) for subject in BOUTS}


def test_what_stands_in_columns_that_are_left_out_changes_nothing(data: Path) -> None:
    place = write_protocol(data)
    expected = open_dataset("pamap2").load().signals
    file = place / "subject105.dat"
    lines = [line.split(" ") for line in file.read_text().splitlines()]
    for cells in lines:
        cells[0] = "7"
        for column in (16, 19, 33, 36, 50, 53):
            cells[column] = "NaN"
    file.write_text("".join(f"{' '.join(cells)}\n" for cells in lines))
    assert np.array_equal(open_dataset("pamap2").load().signals, expected)


def test_the_files_are_parsed_once(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = write_protocol(data)
    parsed: list[str] = []
    original = pamap2._rows

    def watched(file: Path) -> object:
        parsed.append(file.name)
        return original(file)

    monkeypatch.setattr(pamap2, "_rows", watched)
    first = open_dataset("pamap2").load()
    assert np.array_equal(open_dataset("pamap2").load().signals, first.signals)
    assert parsed == [f"subject{subject}.dat" for subject in BOUTS]
    file = place / "subject101.dat"
    file.write_text(file.read_text().replace("0.01 0", "0.01 24", 1))
    open_dataset("pamap2").load()
    assert len(parsed) == 18


def test_the_fingerprint_follows_every_file(data: Path) -> None:
    place = write_protocol(data)
    seen = {open_dataset("pamap2").fingerprint()}
    for file in place.iterdir():
        file.write_text(file.read_text() + "\n")
        seen.add(open_dataset("pamap2").fingerprint())
    assert len(seen) == 10


def test_files_are_held_against_the_published_ones(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [*pamap2.ABOUT.published] == [f"subject{subject}.dat" for subject in BOUTS]
    place = write_protocol(data)
    digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in place.iterdir()}
    assert "here, but differs from what was published in subject101.dat, " in describe_sets()["pamap2"]
    monkeypatch.setattr(pamap2, "ABOUT", dataclasses.replace(pamap2.ABOUT, published=digests))
    assert "40 channels; here as published, fingerprint " in describe_sets()["pamap2"]
    (place / "subject103.dat").write_text(recording(104))
    assert "here, but differs from what was published in subject103.dat, fing" in describe_sets()["pamap2"]


# What is refused


def test_a_window_length_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="window: 200 has no effect with data pamap2"):
        open_dataset("pamap2", 200)


def test_absent_data_is_named_with_its_address(data: Path) -> None:
    dataset = open_dataset("pamap2")
    for ask in (dataset.fingerprint, dataset.load):
        with pytest.raises(BadData) as raised:
            ask()
        expected = "data pamap2: expected 'pamap2/PAMAP2_Dataset/Protocol' or 'pamap2/Protocol' in "
        assert str(raised.value).startswith(expected)
        assert "https://archive.ics.uci.edu/dataset/231/" in str(raised.value)
        assert str(data) in str(raised.value)


def test_absent_subjects_are_listed(data: Path) -> None:
    place = write_protocol(data)
    for subject in (102, 109):
        (place / f"subject{subject}.dat").unlink()
    refused("Protocol: has no subject102.dat, subject109.dat; expected a file of each of 9 subjects")
    with pytest.raises(BadData, match=r"has no subject102.dat, subject109.dat"):
        open_dataset("pamap2").fingerprint()


@pytest.mark.parametrize("place", ["pamap2", "pamap2/Protocol"])
def test_a_folder_that_may_not_be_entered_is_named(data: Path, place: str) -> None:
    write_protocol(data, "pamap2/Protocol")
    for mode in (0o000, 0o444):
        with locked(data / place, mode):
            refused(f"{data / place}: Permission denied")
            assert describe_sets()["pamap2"].endswith(f"cannot be used: {data / place}: Permission denied")


def edit(line: int, change: Callable[[list[str]], object]) -> Callable[[str], str]:
    """A change to the cells of one line, counted from 1."""

    def apply(text: str) -> str:
        lines = text.splitlines()
        cells = lines[line - 1].split(" ")
        change(cells)
        lines[line - 1] = " ".join(cells)
        return "\n".join(lines) + "\n"

    return apply


def set_cell(line: int, column: int, value: str) -> Callable[[str], str]:
    return edit(line, lambda cells: cells.__setitem__(column, value))


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (
            lambda text: text[: text.rindex(" ")],
            "subject103.dat:806: 53 values, expected 54 as in the first row",
        ),
        (
            edit(9, lambda cells: cells.append("1")),
            "subject103.dat:9: 55 values, expected 54 as in the first row",
        ),
        (lambda text: text.replace("\n", " 1\n"), "subject103.dat:1: 55 values, expected 54"),
        (lambda text: "1 2\n", "subject103.dat:1: 2 values, expected 54"),
        (set_cell(700, 30, "1.2.3"), "subject103.dat:700: could not convert string to float: '1.2.3'"),
        (
            edit(2, lambda cells: cells.append("#")),
            "subject103.dat:2: could not convert string to float: '#'",
        ),
        (
            set_cell(7, 1, "8"),
            "subject103.dat:7: activity 8, known: 0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13,",
        ),
        (set_cell(7, 1, "4.5"), "subject103.dat:7: activity 4.5, known: "),
        (set_cell(7, 1, "-1"), "subject103.dat:7: activity -1, known: "),
        (set_cell(806, 1, "NaN"), "subject103.dat:806: activity nan, known: "),
        (set_cell(33, 5, "inf"), "subject103.dat:33: has a value that is not finite"),
        (set_cell(34, 5, "-1e39"), "subject103.dat:34: has a value that is not finite"),
        (lambda text: "\n\n" + set_cell(7, 1, "25")(text), "subject103.dat:9: activity 25, known: "),
        (set_cell(9, 0, "0.05"), "subject103.dat:9: time 0.05 after 0.07, expected one no earlier"),
        (lambda text: recording(101), "subject103.dat: is the same as subject101.dat, expected another"),
        (lambda text: "", "subject103.dat: is empty"),
        (lambda text: "\n", "subject103.dat: is empty"),
        (
            lambda text: "\n".join([*text.splitlines()[:363], ""]),
            "subject103.dat: 121 samples of the activities, not enough for a window of 100",
        ),
        (
            lambda text: text.replace(" 5 ", " 0 ").replace(" 6 ", " 0 "),
            "subject103.dat: 0 samples of the activities",
        ),
    ],
)
def test_damaged_files_are_refused_by_file_and_line(
    data: Path, damage: Callable[[str], str], complaint: str
) -> None:
    place = write_protocol(data)
    (place / "subject103.dat").write_text(damage(recording(103)))
    refused(complaint)


def test_the_published_files_are_right_whatever_they_hold(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_protocol(data) / "subject103.dat"
    file.write_text(set_cell(9, 0, "0.05")(recording(103)).rstrip("\n"))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    monkeypatch.setitem(pamap2.PUBLISHED, file.name, digest)
    open_dataset("pamap2").load()


def test_a_recording_without_any_signal_is_refused(data: Path) -> None:
    place = write_protocol(data)
    rows = [line.split() for line in recording(103).splitlines()]
    silent = "".join(f"{' '.join([*row[:2], *['NaN'] * (len(row) - 2)])}\n" for row in rows)
    (place / "subject103.dat").write_text(silent)
    refused("subject103.dat: has no value of any signal during the activities")


def test_a_file_that_is_not_text_is_refused(data: Path) -> None:
    place = write_protocol(data)
    (place / "subject103.dat").write_bytes(b"\xff\xfe" + recording(103).encode())
    refused("subject103.dat: is not text: 'utf-8' codec can't decode")


def test_a_set_without_one_of_its_activities_is_refused(data: Path) -> None:
    place = write_protocol(data)
    for file in place.iterdir():
        file.write_text(file.read_text().replace(" 13 ", " 16 ", 1000).replace(" 6 ", " 5 "))
    refused("data pamap2: 10 classes of 12, no window of cycling, descending stairs")
