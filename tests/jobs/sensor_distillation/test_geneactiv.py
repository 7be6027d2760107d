"""GENEActiv: windows out of made MATLAB files, and one line about the file that is not right."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import savemat
from scipy.sparse import csc_array

from jobs.sensor_distillation.datasets import Windows, geneactiv, open_dataset
from jobs.sensor_distillation.windows import split
from seedbed.errors import BadData, InvalidConfig
from seedbed.family import load_family
from seedbed.identity import trial_id
from seedbed.planning import PlannedTrial
from seedbed.store import open_store
from tests.lib.locking import locked
from tests.lib.trials import run

SUBJECTS = (9, 102, 103, 117)
ONE = "ID-102_CLASS-3_Window-0001.mat"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data root, and a cache of the test's own."""
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def samples(subject: int, activity: int, number: int, length: int = 500) -> NDArray[np.float64]:
    return np.random.default_rng([subject, activity, number]).standard_normal((3, length))


def write_windows(
    data: Path, classes: int = 7, length: int = 500, first: int = 0, below: str = "GENE_example/Life_log"
) -> Path:
    """A window of each class for each subject, axes first and samples first in turns; two of class 3."""
    folder = data / "geneactiv" / str(classes) / below / f"Window-size-{length}"
    folder.mkdir(parents=True)
    for subject in SUBJECTS:
        for activity in range(first, first + classes):
            for number in (2, 10) if activity == 3 else (1,):
                xw = samples(subject, activity, number, length)
                name = f"ID-{subject}_CLASS-{activity}_Window-{number:04}.mat"
                savemat(folder / name, {"xw": xw if activity % 2 else xw.T})
    return folder


def write_one(folder: Path, xw: Any, **options: Any) -> Path:
    savemat(folder / ONE, {"xw": xw}, **options)
    return folder / ONE


def refused(name: str, complaint: str) -> None:
    with pytest.raises(BadData) as raised:
        open_dataset(name).load()
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)


def check(windows: Windows, first: int = 0, length: int = 500) -> None:
    """Every file is a window, in the order of the numbers in the names."""
    expected = [
        (subject, activity, number)
        for subject in SUBJECTS
        for activity in range(first, first + len(windows.classes))
        for number in ((2, 10) if activity == 3 else (1,))
    ]
    assert windows.units.tolist() == [str(subject) for subject, _, _ in expected]
    assert windows.labels.tolist() == [activity - first for _, activity, _ in expected]
    assert windows.ids.tolist() == [f"ID-{s}_CLASS-{a}_Window-{n:04}" for s, a, n in expected]
    signals = np.stack([samples(*name, length) for name in expected])
    assert np.array_equal(windows.signals, signals.astype(np.float32))
    assert windows.signals.dtype == np.float32


# What is read


@pytest.mark.parametrize("classes", [7, 14])
@pytest.mark.parametrize("first", [0, 1])
def test_every_file_is_a_window_of_three_axes(data: Path, classes: int, first: int) -> None:
    write_windows(data, classes, first=first)
    dataset = open_dataset(f"geneactiv{classes}")
    check(dataset.load(), first)
    check(dataset.load(), first)  # out of the cache


def test_what_is_known_before_reading_is_what_is_read(data: Path) -> None:
    write_windows(data, 14)
    dataset = open_dataset("geneactiv14")
    about, windows = dataset.description, dataset.load()
    assert (about.channels, about.window) == windows.signals.shape[1:] == (3, 500)
    assert about.classes == len(windows.classes) == 14
    assert about.rate_hz == windows.rate_hz == 100
    assert about.unit_word == windows.unit_word == "subject"
    assert set(windows.official) == {""}


def test_the_fourteen_classes_have_the_names_of_the_study(data: Path) -> None:
    write_windows(data, 14)
    names = open_dataset("geneactiv14").load().classes
    assert (names[0], names[9], names[13]) == ("treadmill 2 mph 0%", "drive car", "stairs down")


@pytest.mark.parametrize("first", [0, 1])
def test_the_seven_classes_are_called_by_the_numbers_in_the_names(data: Path, first: int) -> None:
    write_windows(data, 7, first=first)
    names = open_dataset("geneactiv7").load().classes
    assert names == tuple(f"class-{number}" for number in range(first, first + 7))


def test_the_length_chooses_the_folder(data: Path) -> None:
    write_windows(data, length=500)
    write_windows(data, length=1000)
    check(open_dataset("geneactiv7").load())
    check(open_dataset("geneactiv7", 500).load())
    check(open_dataset("geneactiv7", 1000).load(), length=1000)
    fingerprints = {open_dataset("geneactiv7", window).fingerprint() for window in (500, 1000)}
    assert len(fingerprints) == 2


def test_short_windows_in_the_folder_of_long_ones_are_refused(data: Path) -> None:
    short = write_windows(data)
    shutil.copytree(short, short.with_name("Window-size-1000"))
    check(open_dataset("geneactiv7").load())
    with pytest.raises(BadData, match=r"Window-size-1000/.* xw has shape \(500, 3\), expected \(3, 1000\)"):
        open_dataset("geneactiv7", 1000).load()


@pytest.mark.parametrize("below", ["", "a/b/c"])
def test_the_folder_may_lie_at_any_depth(data: Path, below: str) -> None:
    write_windows(data, below=below)
    check(open_dataset("geneactiv7").load())


def test_other_files_are_let_alone(data: Path) -> None:
    folder = write_windows(data)
    (folder / "README.txt").write_text("windows")
    (folder / f"._{ONE}").write_bytes(b"\x00\x05\x16\x07")
    (folder.parent / "Window-size.mat").write_text("not a folder of windows")
    check(open_dataset("geneactiv7").load())


def test_the_suffix_may_be_in_capitals(data: Path) -> None:
    for file in list(write_windows(data).iterdir()):
        file.rename(file.with_suffix(".MAT"))
    check(open_dataset("geneactiv7").load())


def test_whole_numbers_are_read_as_well(data: Path) -> None:
    folder = write_windows(data)
    xw = np.arange(1500, dtype=np.int16).reshape(3, 500)
    write_one(folder, xw, do_compression=True)
    windows = open_dataset("geneactiv7").load()
    assert np.array_equal(windows.signals[windows.ids == ONE.removesuffix(".mat")][0], xw)


def test_no_subject_is_on_two_sides_of_the_split(data: Path) -> None:
    write_windows(data)
    windows = open_dataset("geneactiv7").load()
    parts = split(windows, 0)
    units = [set(windows.units[part]) for part in (parts.train, parts.validation, parts.test)]
    assert [len(part) for part in units] == [2, 1, 1]
    assert set.union(*units) == {str(subject) for subject in SUBJECTS}


def test_the_files_are_parsed_once(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_windows(data)
    parsed: list[str] = []
    original = geneactiv._read_window

    def watched(file: Path, out: NDArray[np.float32]) -> None:
        parsed.append(file.name)
        original(file, out)

    monkeypatch.setattr(geneactiv, "_read_window", watched)
    before = open_dataset("geneactiv7").load()
    open_dataset("geneactiv7").load()
    assert len(parsed) == len(set(parsed)) == 32
    write_one(folder, samples(1, 1, 1))
    after = open_dataset("geneactiv7").load()
    assert len(parsed) == 32 + 33
    assert len(after.ids) == 33
    assert np.array_equal(
        np.delete(after.signals, after.ids.tolist().index(ONE[:-4]), axis=0), before.signals
    )


# The fingerprint


def test_the_fingerprint_follows_the_content_and_the_name_of_every_file(data: Path) -> None:
    folder = write_windows(data)
    seen = {open_dataset("geneactiv7").fingerprint()}
    for file in folder.iterdir():
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
        seen.add(open_dataset("geneactiv7").fingerprint())
    (folder / "ID-103_CLASS-0_Window-0001.mat").rename(folder / "ID-103_CLASS-0_Window-0002.mat")
    seen.add(open_dataset("geneactiv7").fingerprint())
    assert len(seen) == 1 + 32 + 1


def test_the_fingerprint_does_not_follow_place_or_time(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_windows(data)
    expected = open_dataset("geneactiv7").fingerprint()
    for file in folder.iterdir():
        os.utime(file, ns=(1, 1))
    assert open_dataset("geneactiv7").fingerprint() == expected
    elsewhere = tmp_path / "elsewhere" / "geneactiv" / "7" / "Window-size-500"
    elsewhere.parent.mkdir(parents=True)
    folder.rename(elsewhere)
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path / "elsewhere"))
    assert open_dataset("geneactiv7").fingerprint() == expected


def test_the_files_are_hashed_once_until_one_changes(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_windows(data)
    hashed: list[str] = []
    original = geneactiv._entry

    def watched(file: Path) -> object:
        hashed.append(file.name)
        return original(file)

    monkeypatch.setattr(geneactiv, "_entry", watched)
    first = open_dataset("geneactiv7").fingerprint()
    assert open_dataset("geneactiv7").fingerprint() == first
    assert len(hashed) == 32

    file = folder / "ID-9_CLASS-0_Window-0001.mat"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)  # as long as it was, and its folder has not changed
    os.utime(file, ns=(1, 1))
    second = open_dataset("geneactiv7").fingerprint()
    file.write_bytes(content + bytes(8))
    os.utime(file, ns=(1, 1))
    assert len({first, second, open_dataset("geneactiv7").fingerprint()}) == 3
    assert len(hashed) == 3 * 32


# What is refused


@pytest.mark.parametrize("window", [499, 100, 2000])
def test_another_length_is_refused(window: int) -> None:
    with pytest.raises(InvalidConfig, match=f"window: {window} samples; data geneactiv14 takes 500 or 1000"):
        open_dataset("geneactiv14", window)


def test_absent_data_are_said_not_to_be_public_and_their_layout_is_told(data: Path) -> None:
    dataset = open_dataset("geneactiv14", 1000)
    for ask in (dataset.fingerprint, dataset.load):
        with pytest.raises(BadData) as raised:
            ask()
        assert str(raised.value) == (
            "data geneactiv14: expected 'geneactiv/14/…/Window-size-1000/ID-102_CLASS-13_Window-0001.mat' "
            f"and so on, each with an array xw of 3 axes and 1000 samples, in {data} (no such folder); it "
            "can be had from its owners only, as it is not public, and SEEDBED_DATA may name the folder "
            "that holds it"
        )


def test_windows_of_another_length_are_pointed_to(data: Path) -> None:
    write_windows(data, length=1000)
    refused("geneactiv7", "Window-0001.mat' (there is Window-size-1000) and so on")
    refused("geneactiv14", "Window-0001.mat' and so on")


def test_two_folders_of_one_length_are_refused(data: Path) -> None:
    write_windows(data, below="a")
    write_windows(data, below="b")
    refused("geneactiv7", "7/b/Window-size-500: expected only one folder Window-size-500")
    refused("geneactiv7", "7/a/Window-size-500 and ")


@pytest.mark.parametrize("place", ["geneactiv/7", "geneactiv/7/Data", "geneactiv/7/Data/Window-size-500"])
def test_a_folder_that_may_not_be_entered_is_named(data: Path, place: str) -> None:
    write_windows(data, below="Data/")
    for mode in (0o000, 0o444):
        with locked(data / place, mode):
            refused("geneactiv7", f"{data / place}: Permission denied")


def test_one_window_of_two_subjects_is_refused_and_stillness_is_none(data: Path) -> None:
    folder = write_windows(data)
    for subject in SUBJECTS[:2]:
        savemat(folder / f"ID-{subject}_CLASS-3_Window-0002.mat", {"xw": np.ones((3, 500))})
    open_dataset("geneactiv7").load()
    first, second = (f"ID-{subject}_CLASS-4_Window-0001.mat" for subject in SUBJECTS[:2])
    shutil.copy(folder / first, folder / second)
    refused("geneactiv7", f"{second}: is the same as {first}, expected another subject's window")


def test_windows_in_a_folder_of_their_own_are_refused(data: Path) -> None:
    folder = write_windows(data)
    (folder / "notes").mkdir()
    (folder / "notes/read.me").write_text("")
    check(open_dataset("geneactiv7").load())
    (folder / "notes/deep").mkdir()
    name = "ID-102_CLASS-4_Window-0001.mat"
    (folder / name).rename(folder / "notes/deep" / name)
    refused("geneactiv7", f"Window-size-500/notes/deep: has {name}, expected all windows in Window-size-500")


def test_what_a_macintosh_leaves_in_an_archive_is_let_alone(data: Path) -> None:
    folder = write_windows(data, below="Data")
    shutil.copytree(folder, data / "geneactiv/7/__MACOSX/Data/Window-size-500")
    check(open_dataset("geneactiv7").load())


def test_an_empty_folder_is_refused(data: Path) -> None:
    (data / "geneactiv/7/Window-size-500").mkdir(parents=True)
    refused("geneactiv7", "Window-size-500: has no .mat file")


def remove_class(folder: Path, activity: int) -> None:
    for file in folder.glob(f"*_CLASS-{activity}_*"):
        file.unlink()


def rename(name: str, other: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).rename(folder / other)


FIRST = "ID-9_CLASS-0_Window-0001.mat"


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (rename(FIRST, "window1.mat"), "/window1.mat: expected a name like ID-102_CLASS-13_Window-0001.mat"),
        (rename(FIRST, "ID-9_CLASS-0_Window-0001 2.mat"), "Window-0001 2.mat: expected a name like"),
        (rename(FIRST, f"{FIRST}.mat"), "Window-0001.mat.mat: expected a name like"),
        (rename(FIRST, "ID-A9_CLASS-0_Window-0001.mat"), "/ID-A9_CLASS-0_Window-0001.mat: expected a name"),
        (
            rename("ID-9_CLASS-1_Window-0001.mat", "ID-009_CLASS-0_Window-1.mat"),
            "ID-009_CLASS-0_Window-1.mat and ID-9_CLASS-0_Window-0001.mat are called the same window",
        ),
        (lambda folder: remove_class(folder, 4), "500: has no window of CLASS-4, yet of CLASS-5"),
        (
            lambda folder: remove_class(folder, 6),
            "500: has CLASS-0 to CLASS-5, expected 7 classes counted from",
        ),
        (
            lambda folder: remove_class(folder, 0),
            "500: has CLASS-1 to CLASS-6, expected 7 classes counted from",
        ),
        (
            rename(FIRST, "ID-9_CLASS-7_Window-1.mat"),
            "500: has CLASS-0 to CLASS-7, expected 7 classes counted",
        ),
        (
            rename(FIRST, "ID-9_CLASS-99999999999_Window-1.mat"),
            "no window of CLASS-7, yet of CLASS-99999999999",
        ),
        (lambda folder: (folder / ONE).symlink_to("gone"), f"/{ONE}: No such file or directory"),
        (lambda folder: (folder / ONE).mkdir(), f"/{ONE}: Is a directory"),
    ],
)
def test_a_folder_that_contradicts_itself_is_refused_when_planned(
    data: Path, damage: Callable[[Path], object], complaint: str
) -> None:
    damage(write_windows(data))
    refused("geneactiv7", complaint)
    with pytest.raises(BadData):
        open_dataset("geneactiv7").fingerprint()


def test_classes_that_count_from_two_are_refused(data: Path) -> None:
    write_windows(data, first=2)
    refused("geneactiv7", "has CLASS-2 to CLASS-8, expected 7 classes counted from 0 or 1")


def test_the_folder_of_fourteen_classes_is_not_one_of_seven(data: Path) -> None:
    write_windows(data, 14).parents[2].rename(data / "geneactiv" / "7")
    refused("geneactiv7", "has CLASS-0 to CLASS-13, expected 7 classes")


def with_value(value: float) -> NDArray[np.float64]:
    xw = samples(1, 1, 1)
    xw[1, 77] = value
    return xw


@pytest.mark.parametrize(
    ("xw", "complaint"),
    [
        (samples(1, 1, 1, 499), "xw has shape (3, 499), expected (3, 500) or (500, 3)"),
        (samples(1, 1, 1, 1000).T, "xw has shape (1000, 3), expected (3, 500) or (500, 3)"),
        (np.zeros((4, 500)), "xw has shape (4, 500), expected (3, 500) or (500, 3)"),
        (np.zeros((3, 500, 2)), "xw has shape (3, 500, 2), expected (3, 500) or (500, 3)"),
        (np.zeros(1500), "xw has shape (1, 1500), expected (3, 500) or (500, 3)"),
        (with_value(np.nan), "xw has a value that is not finite"),
        (with_value(-np.inf), "xw has a value that is not finite"),
        (with_value(1e39), "xw has a value that is not finite"),
        (samples(1, 1, 1) * 1j, "xw is no array of real numbers"),
        (csc_array(samples(1, 1, 1)), "xw is no array of real numbers"),
        ({"x": samples(1, 1, 1)}, "xw is no array of real numbers"),
        ("window", "xw is no array of real numbers"),
    ],
)
def test_an_array_that_is_no_window_is_refused_by_its_file(data: Path, xw: Any, complaint: str) -> None:
    write_one(write_windows(data), xw)
    refused("geneactiv7", f"{ONE}: {complaint}")


def test_a_file_without_the_array_is_refused_with_what_it_holds(data: Path) -> None:
    folder = write_windows(data)
    savemat(folder / ONE, {"x": samples(1, 1, 1), "rate": 100})
    refused("geneactiv7", f"{ONE}: expected an array xw, found x, rate")
    savemat(folder / ONE, {})
    refused("geneactiv7", f"{ONE}: expected an array xw, found none")


def test_matlabs_newer_format_is_refused_with_what_to_do(data: Path) -> None:
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + bytes(8) + b"\x00\x02IM"
    (write_windows(data) / ONE).write_bytes(header.ljust(512, b"\0") + b"\x89HDF\r\n\x1a\n")
    refused(
        "geneactiv7",
        f"{ONE}: is in MATLAB's format 7.3 (HDF5), expected one of -v7 or before; save it with -v7",
    )


@pytest.mark.parametrize("content", [b"", b"no", b"MATLAB 5.0 MAT-file".ljust(400), bytes(200)])
def test_what_is_no_matlab_file_is_refused(data: Path, content: bytes) -> None:
    (write_windows(data) / ONE).write_bytes(content)
    refused("geneactiv7", f"{ONE}: ")


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_cut_short_anywhere_is_refused_or_whole_all_the_same(tmp_path: Path, compressed: bool) -> None:
    xw = samples(1, 1, 1)
    file = write_one(tmp_path, xw, do_compression=compressed)
    content = file.read_bytes()
    whole = 0
    for length in [*range(0, len(content), 61), *range(len(content) - 12, len(content))]:
        file.write_bytes(content[:length])
        out = np.zeros((3, 500), np.float32)
        try:
            geneactiv._read_window(file, out)
        except BadData as error:
            assert str(error).startswith(f"{file}: ")  # noqa: PT017
        else:
            whole += 1
            assert np.array_equal(out, xw.astype(np.float32))
    assert whole <= 12


# A whole trial


def test_a_teacher_can_be_trained_on_it(data: Path, tmp_path: Path) -> None:
    write_windows(data)
    family = load_family("sensor_distillation")
    settings = {"role": "teacher", "modality": "gaf", "data": "geneactiv7", "network": "wrn10-1", "epochs": 1}
    config = family.plan({**settings, "image_size": 8}, {})
    fingerprint = family.fingerprint(config)
    identity = trial_id(
        family=family.name, role="teacher", revision=1, config=config, seed=0, data=fingerprint, inputs={}
    )
    plain = config.model_dump(mode="json")
    planned = PlannedTrial(identity, family.name, "teacher", 1, plain, 0, {}, fingerprint)
    result = run(open_store(str(tmp_path / "runs")), planned)
    assert result.status == "finished"
    assert result.description.startswith("geneactiv7, test subjects ")
    assert result.description.endswith(" (8 windows)")
    assert result.metrics["test/accuracy@best"] in {correct / 8 for correct in range(9)}
    assert result.data == open_dataset("geneactiv7").fingerprint()
