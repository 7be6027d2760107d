"""The data sets: read right from their original formats, and refused in one line when they are not right."""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
import tarfile
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from jobs.sensor_distillation.datasets import (
    Windows,
    describe_sets,
    open_dataset,
    uci_har,
    ucr,
    ucr_files,
    watch,
)
from jobs.sensor_distillation.datasets.common import cached_arrays
from seedbed.errors import BadData, InvalidConfig
from tests.lib.locking import locked

HAR_SUBJECTS = {"train": [1, 3, 5], "test": [2, 4]}


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data root, and a cache of the test's own."""
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def refused(name: str, complaint: str) -> None:
    with pytest.raises(BadData) as raised:
        open_dataset(name).load()
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)


# Names


@pytest.mark.parametrize(
    ("name", "window", "complaint"),
    [
        ("wach", None, "no data set is called 'wach'; did you mean 'watch'?"),
        ("uci_har", 200, "window: 200 has no effect with data uci_har"),
        ("ucr/Coffee", 200, "window: 200 has no effect with data ucr/Coffee"),
        ("watch", 1, "window: 1 samples; data watch takes 2 to 947"),
        ("watch", 948, "window: 948 samples; data watch takes 2 to 947"),
        ("ucr/../uci_har", None, "a set's name has letters, digits, - and _ only"),
        ("ucr/", None, "a set's name has letters, digits, - and _ only"),
    ],
)
def test_what_cannot_be_opened_is_refused_before_anything_is_read(
    name: str, window: int | None, complaint: str
) -> None:
    with pytest.raises(InvalidConfig) as raised:
        open_dataset(name, window)
    assert complaint in str(raised.value)


@pytest.mark.parametrize("name", ["uci_har", "ucr/Toy"])
def test_absent_data_is_named_with_its_address(name: str, data: Path) -> None:
    dataset = open_dataset(name)
    for ask in (dataset.fingerprint, dataset.load):
        with pytest.raises(BadData) as raised:
            ask()
        assert str(raised.value).startswith(f"data {name}: expected ")
        assert dataset.description.address in str(raised.value)
        assert str(data) in str(raised.value)


# watch


def test_the_watch_set_is_cut_into_windows_of_one_recording_each() -> None:
    dataset = open_dataset("watch")
    windows = dataset.load()
    assert windows.signals.shape == (2229, dataset.description.channels, 200)
    assert windows.signals.dtype == np.float32
    assert windows.classes == ("PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW")
    assert np.bincount(windows.labels).tolist() == [234, 369, 376, 343, 346, 274, 287]
    assert set(windows.units) == {str(subject) for subject in range(1, 11)}
    assert len(set(windows.ids)) == 2229
    assert set(windows.official) == {""}

    first, second = windows.signals[:2]
    assert windows.ids[:2].tolist() == ["0/0", "0/100"]
    assert np.array_equal(first[:, 100:], second[:, :100]), "windows overlap by half"
    recordings = {identity.split("/")[0] for identity in windows.ids}
    assert len(recordings) == 140


def test_the_watch_set_is_the_published_one_sample_by_sample() -> None:
    package = importlib.util.find_spec("seglearn")
    assert package is not None
    assert package.origin is not None
    stored = np.load(Path(package.origin).parent / "data" / "watch_dataset.npy", allow_pickle=True).item()
    windows = open_dataset("watch", 300).load()
    for index in (0, 17, len(windows.ids) - 1):
        recording, start = map(int, windows.ids[index].split("/"))
        expected = stored["X"][recording][start : start + 300, :3].T.astype(np.float32)
        assert np.array_equal(windows.signals[index], expected)
        assert windows.units[index] == str(stored["subject"][recording])
        assert windows.labels[index] == stored["y"][recording]


def test_seglearn_is_not_imported_to_read_its_data() -> None:
    load = "from jobs.sensor_distillation.datasets import open_dataset; open_dataset('watch').load()"
    check = "import sys; sys.exit(bool({'seglearn', 'pandas'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", f"{load}; {check}"], check=False).returncode == 0


def test_a_watch_file_with_another_checksum_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    altered = tmp_path / "seglearn" / "data" / "watch_dataset.npy"
    altered.parent.mkdir(parents=True)
    np.save(altered, np.array({"X": []}, dtype=object), allow_pickle=True)
    origin = str(tmp_path / "seglearn" / "__init__.py")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: ModuleSpec(name, None, origin=origin))

    def unpickle(*arguments: object, **options: object) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr(watch, "_unpickle", unpickle)
    refused("watch", "expected eb122f23cdf06ef6…; not opened")


def test_without_seglearn_the_watch_set_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    refused("watch", "comes with the package seglearn, which is not installed")


def test_the_pickle_is_opened_once_and_a_damaged_cache_is_rebuilt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    unpickle = watch._unpickle

    def watched(path: Path) -> dict[str, NDArray[np.generic]]:
        opened.append(path)
        return unpickle(path)

    monkeypatch.setattr(watch, "_unpickle", watched)
    expected = watch.load().signals
    assert np.array_equal(watch.load().signals, expected)
    assert len(opened) == 1

    (cache,) = (tmp_path / "cache").glob("*.npz")
    content = bytearray(cache.read_bytes())
    content[len(content) // 2] ^= 1
    cache.write_bytes(content)
    assert np.array_equal(watch.load().signals, expected)
    assert len(opened) == 2


def test_a_cache_damaged_anywhere_never_gives_other_arrays(tmp_path: Path) -> None:
    arrays = {"a": np.arange(6.0), "b": np.array(["x", "yz"])}
    cached_arrays("toy", arrays, lambda: arrays)
    cache = tmp_path / "cache" / "toy.npz"
    content = cache.read_bytes()
    for place in range(len(content)):
        cache.write_bytes(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :])
        found = cached_arrays("toy", arrays, lambda: arrays)
        assert all(np.array_equal(found[name], array) for name, array in arrays.items()), place
    assert b"(6,)" in content
    for damaged in (content.replace(b"(6,)", b"(5,)"), content[: len(content) // 2], b""):
        cache.write_bytes(damaged)
        assert np.array_equal(cached_arrays("toy", arrays, lambda: arrays)["a"], arrays["a"])


# uci_har


def har_values(split: str, channel: int, rows: int) -> NDArray[np.float64]:
    rng = np.random.default_rng([len(split), channel])
    return rng.standard_normal((rows, 128))


def write_har(data: Path) -> Path:
    """The original folder in small: for each subject one window of each class, CRLF and fixed columns."""
    folder = data / uci_har.ORIGINAL
    for split, subjects in HAR_SUBJECTS.items():
        (folder / split / "Inertial Signals").mkdir(parents=True)
        rows = 6 * len(subjects)
        (folder / split / f"y_{split}.txt").write_text("".join(f"{1 + row % 6}\n" for row in range(rows)))
        (folder / split / f"subject_{split}.txt").write_text(
            "".join(f"{subjects[row // 6]}\n" for row in range(rows))
        )
        for index, channel in enumerate(uci_har.CHANNELS):
            lines = ["".join(f"{value:16.7e}" for value in row) for row in har_values(split, index, rows)]
            har_file(data, split, channel).write_text("\r\n".join(lines) + "\r\n", newline="")
    return folder


def har_file(data: Path, split: str, channel: str) -> Path:
    return data / uci_har.ORIGINAL / split / "Inertial Signals" / f"{channel}_{split}.txt"


def write_compact_har(data: Path, **changes: NDArray[np.generic]) -> None:
    """The same windows as `write_har` writes, one after the other and their channels the other way round."""
    channels = range(len(uci_har.CHANNELS))
    parts = [
        np.stack([har_values(split, channel, 6 * len(subjects)) for channel in channels], axis=-1)
        for split, subjects in HAR_SUBJECTS.items()
    ]
    windows = np.concatenate(parts)
    everyone = [*HAR_SUBJECTS["train"], *HAR_SUBJECTS["test"]]
    arrays: dict[str, NDArray[np.generic]] = {
        "signal": windows.reshape(-1, 9)[:, ::-1].astype(np.float32),
        "start": np.arange(0, 128 * len(windows), 128, dtype=np.int32),
        "y": np.tile(np.arange(1, 7, dtype=np.uint8), len(everyone)),
        "subject": np.repeat(np.array(everyone, np.uint8), 6),
        "split": np.repeat(np.array([0, 1], np.uint8), [18, 12]),
        "channels": np.array(uci_har.CHANNELS[::-1]),
    }
    (data / "uci_har").mkdir(parents=True, exist_ok=True)
    np.savez(data / uci_har.COMPACT, allow_pickle=False, **(arrays | changes))


def check_har(windows: Windows) -> None:
    assert windows.signals.shape == (30, 9, 128)
    for channel in range(9):
        expected = np.concatenate([har_values("train", channel, 18), har_values("test", channel, 12)])
        np.testing.assert_allclose(windows.signals[:, channel], expected, rtol=2e-7, atol=0)
    assert windows.labels.tolist() == [0, 1, 2, 3, 4, 5] * 5
    assert windows.classes[0] == "WALKING"
    assert windows.units[::6].tolist() == ["1", "3", "5", "2", "4"]
    assert windows.official.tolist() == ["train"] * 18 + ["test"] * 12
    assert windows.ids[[0, 17, 18]].tolist() == ["train/1", "train/18", "test/1"]


def test_the_original_folder_of_uci_har_is_read(data: Path) -> None:
    write_har(data)
    check_har(open_dataset("uci_har").load())
    check_har(open_dataset("uci_har").load())  # out of the cache


def test_the_compact_form_of_uci_har_is_read_where_the_original_is_absent(data: Path) -> None:
    write_compact_har(data)
    compact = open_dataset("uci_har")
    check_har(compact.load())
    fingerprint = compact.fingerprint()
    write_har(data)
    assert open_dataset("uci_har").fingerprint() != fingerprint, "the original goes first"


def test_the_fingerprint_of_uci_har_follows_every_file(data: Path) -> None:
    folder = write_har(data)
    seen = {open_dataset("uci_har").fingerprint()}
    files = sorted(folder.rglob("*.txt"))
    assert len(files) == 22
    for file in files:
        file.write_text(file.read_text() + "1\n")
        seen.add(open_dataset("uci_har").fingerprint())
    assert len(seen) == 23


def edit(change: Callable[[list[str]], object]) -> Callable[[Path], object]:
    """A change to the lines of a file."""

    def apply(file: Path) -> None:
        lines = file.read_text().splitlines(keepends=True)
        change(lines)
        file.write_text("".join(lines))

    return apply


def set_line(number: int, text: str) -> Callable[[Path], object]:
    return edit(lambda lines: lines.__setitem__(number - 1, text))


@pytest.mark.parametrize(
    ("file", "damage", "complaint"),
    [
        ("test/y_test.txt", set_line(3, "7\n"), "y_test.txt:3: label 7, expected 1 to 6"),
        ("train/y_train.txt", set_line(1, "0\n"), "y_train.txt:1: label 0, expected 1 to 6"),
        ("train/y_train.txt", set_line(2, "1.5\n"), "y_train.txt:2: 1.5, expected a whole number"),
        (
            "train/y_train.txt",
            set_line(2, "one\n"),
            "y_train.txt:2: could not convert string to float: 'one'",
        ),
        ("train/y_train.txt", edit(lambda lines: lines.clear()), "y_train.txt: is empty"),
        ("test/y_test.txt", Path.unlink, "y_test.txt"),
        (
            "test/subject_test.txt",
            set_line(8, "3\n"),
            "subject_test.txt:8: subject 3 is also in subject_train.txt:7",
        ),
        (
            "train/subject_train.txt",
            edit(lambda lines: lines.pop()),
            "subject_train.txt: 17 rows, expected 18 as in y_train.txt",
        ),
        (
            "test/Inertial Signals/total_acc_z_test.txt",
            edit(lambda lines: lines.pop()),
            "total_acc_z_test.txt: 11 rows, expected 12 as in y_test.txt",
        ),
        (
            "test/Inertial Signals/body_acc_x_test.txt",
            set_line(5, " 1.0e+00\n"),
            "body_acc_x_test.txt:5: 1 values, expected 128 as in the first row",
        ),
        (
            "test/Inertial Signals/body_acc_x_test.txt",
            edit(lambda lines: lines.__setitem__(slice(None), ["1 2 3\n"] * 12)),
            "body_acc_x_test.txt:1: 3 values, expected 128",
        ),
        (
            "test/Inertial Signals/body_acc_x_test.txt",
            edit(lambda lines: lines.__setitem__(-1, lines[-1].rstrip()[:-1])),
            "body_acc_x_test.txt:12: the last line has no end; the file has been cut short",
        ),
        (
            "test/Inertial Signals/body_acc_x_test.txt",
            edit(lambda lines: lines.__setitem__(2, lines[2].replace(lines[2].split()[9], "1e39"))),
            "body_acc_x_test.txt:3: has a value that is not finite in float32",
        ),
        (
            "train/y_train.txt",
            set_line(1, "\n"),
            "y_train.txt:1: is empty, expected numbers separated by blanks",
        ),
        (
            "train/Inertial Signals/body_gyro_y_train.txt",
            edit(lambda lines: lines.__setitem__(3, lines[3].replace(lines[3].split()[9], "NaN"))),
            "body_gyro_y_train.txt:4: has a value that is not finite",
        ),
    ],
)
def test_damaged_uci_har_files_are_refused_by_file_and_line(
    data: Path, file: str, damage: Callable[[Path], object], complaint: str
) -> None:
    folder = write_har(data)
    damage(folder / file)
    refused("uci_har", complaint)


def test_uci_har_without_one_of_its_classes_is_refused(data: Path) -> None:
    folder = write_har(data)
    for split, subjects in HAR_SUBJECTS.items():
        (folder / split / f"y_{split}.txt").write_text("1\n2\n3\n4\n5\n5\n" * len(subjects))
    refused("uci_har", "data uci_har: 5 classes of 6, no window of LAYING")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"y": np.arange(30)}, "labels 0 to 29, expected 1 to 6"),
        ({"split": np.zeros(30)[::-1] + 2}, "split has to be 0 for train, then 1 for test"),
        ({"subject": np.full(30, 4)}, "subject 4 is in train and in test"),
        ({"start": np.full(30, 10**6)}, "not the compact form of uci_har: index"),
        ({"channels": np.array(["x"] * 9)}, "not the compact form of uci_har: 'body_acc_x'"),
        ({"y": np.ones(29)}, "y has shape (29,), expected (30,) as start has"),
    ],
)
def test_a_compact_uci_har_that_contradicts_itself_is_refused(
    data: Path, changes: dict[str, NDArray[np.generic]], complaint: str
) -> None:
    write_compact_har(data, **changes)
    refused("uci_har", complaint)


def test_a_compact_uci_har_that_is_no_archive_is_refused(data: Path) -> None:
    write_compact_har(data)
    (data / uci_har.COMPACT).write_text("not found")
    refused("uci_har", "ucihar_segments.npz: not the compact form of uci_har")


# ucr

TRAIN = "1\t0.5\t1\t-2e-1\n-1\t0\t0\t3\n1\t1\t2\t3\n"
TEST = "-1\t4\t5\t6\n1\t7\t8\t9\n"


def write_ucr(folder: Path, train: str = TRAIN, test: str = TEST, name: str = "Toy") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}_TRAIN.tsv").write_text(train)
    (folder / f"{name}_TEST.tsv").write_text(test)


def pack_ucr(data: Path, prefix: str = "") -> Path:
    archive = data / "ucr" / "sets.tar.xz"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:xz") as packed:
        for part, text in (("TRAIN", TRAIN), ("TEST", TEST)):
            member = tarfile.TarInfo(f"{prefix}Toy_{part}.tsv")
            member.size = len(text)
            packed.addfile(member, io.BytesIO(text.encode()))
    return archive


def check_ucr(windows: Windows) -> None:
    expected = [[0.5, 1, -0.2], [0, 0, 3], [1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert np.array_equal(windows.signals[:, 0], np.array(expected, np.float32))
    assert windows.classes == ("-1", "1")
    assert windows.labels.tolist() == [1, 0, 1, 0, 1]
    assert windows.ids.tolist() == ["train/1", "train/2", "train/3", "test/1", "test/2"]
    assert windows.units.tolist() == windows.ids.tolist()
    assert windows.official.tolist() == ["train"] * 3 + ["test"] * 2
    assert windows.unit_word == "sample"


@pytest.mark.parametrize("folder", ["ucr", "ucr/Toy"])
def test_ucr_files_are_read_from_the_sets_folder_or_the_archives(data: Path, folder: str) -> None:
    write_ucr(data / folder)
    check_ucr(open_dataset("ucr/Toy").load())


@pytest.mark.parametrize("prefix", ["", "UCRArchive_2018/Toy/"])
def test_ucr_files_are_read_out_of_a_packed_archive(data: Path, prefix: str) -> None:
    pack_ucr(data, prefix)
    check_ucr(open_dataset("ucr/Toy").load())
    assert [path.name for path in data.rglob("*") if path.is_file()] == ["sets.tar.xz"], "nothing is unpacked"


@pytest.mark.parametrize("suffix", ["", ".txt"])
@pytest.mark.parametrize("separator", [",", "  "])
def test_ucr_files_of_other_distributions_are_read(data: Path, suffix: str, separator: str) -> None:
    for part, text in (("TRAIN", TRAIN), ("TEST", TEST)):
        lines = [separator.lstrip(",") + line for line in text.replace("\t", separator).splitlines()]
        (data / "ucr").mkdir(parents=True, exist_ok=True)
        (data / "ucr" / f"Toy_{part}{suffix}").write_text("\n".join(lines) + "\n")
    check_ucr(open_dataset("ucr/Toy").load())
    assert "ucr/Toy" in describe_sets()


def test_ucr_files_may_begin_with_a_mark_and_end_their_lines_with_a_tab(data: Path) -> None:
    write_ucr(data / "ucr", f"\ufeff{TRAIN}".replace("\n", "\t\n"), TEST.replace("\n", "\t\n"))
    check_ucr(open_dataset("ucr/Toy").load())


def test_the_archive_is_read_as_it_is_unpacked(data: Path) -> None:
    write_ucr(data / "ucr" / "UCRArchive_2018" / "Toy")
    check_ucr(open_dataset("ucr/Toy").load())
    filled = data / "ucr" / "UCRArchive_2018" / ucr_files.FILLED / "Toy"
    write_ucr(filled, TEST, TEST)
    check_ucr(open_dataset("ucr/Toy").load())
    write_ucr(data / "ucr" / "Toy", TRAIN, TRAIN + TEST)
    assert len(open_dataset("ucr/Toy").load().ids) == 8, "a folder of its own goes first"


def test_a_tsv_goes_before_the_text_of_another_distribution(data: Path) -> None:
    pack_ucr(data)
    for part in ("TRAIN", "TEST"):
        (data / "ucr" / f"Toy_{part}.txt").write_text("1 2\n")
    check_ucr(open_dataset("ucr/Toy").load())


@pytest.mark.parametrize(("here", "lacking"), [("TRAIN", "TEST"), ("TEST", "TRAIN")])
def test_the_part_of_a_ucr_set_that_is_absent_is_named(data: Path, here: str, lacking: str) -> None:
    write_ucr(data / "ucr" / "Deep" / "Toy")
    (data / "ucr" / "Deep" / "Toy" / f"Toy_{lacking}.tsv").unlink()
    refused(
        "ucr/Toy", f"data ucr/Toy: expected Toy_{lacking}.tsv beside {data}/ucr/Deep/Toy/Toy_{here}.tsv in "
    )
    assert f"cannot be used: data ucr/Toy: expected Toy_{lacking}.tsv" in describe_sets()["ucr/Toy"]


def test_a_ucr_set_in_a_format_that_is_not_read_says_which_is(data: Path) -> None:
    (data / "ucr" / "Toy").mkdir(parents=True)
    (data / "ucr" / "Toy" / "Toy_TRAIN.arff").write_text("@data\n")
    refused("ucr/Toy", "expected Toy_TRAIN and Toy_TEST as .tsv, .txt or .ts, not .arff as ")
    (data / "ucr" / "Toy" / "Toy_TRAIN.txt").write_text("1 2\n")
    refused("ucr/Toy", "expected Toy_TEST.txt beside ")


def test_odd_files_beside_ucr_sets_hide_none(data: Path) -> None:
    write_ucr(data / "ucr")
    for name in ("._Toy_TRAIN.tsv", "Copy of Toy_TRAIN.tsv", "._sets.tar.xz", "notes_TRAIN.md"):
        (data / "ucr" / name).write_bytes(b"\x00\x05\x16\x07")
    (data / "ucr" / "x.tar.xz").write_bytes(b"\xfd7zXZ")
    told = describe_sets()
    assert [name for name in told if name.startswith("ucr/")] == ["ucr/Toy", "ucr/x.tar.xz", "ucr/<Name>"]
    assert "channels; here, fingerprint " in told["ucr/Toy"]
    assert told["ucr/x.tar.xz"].startswith(f"cannot be used: {data}/ucr/x.tar.xz: cannot be unpacked: ")


TS_HEADER = "#About it\n@problemName Toy\n@univariate true\n@missing false\n@classLabel true -1 1\n@data\n"


def write_ts(data: Path, header: str = TS_HEADER, test: str = TEST) -> None:
    (data / "ucr").mkdir(parents=True)
    for part, text in (("TRAIN", TRAIN), ("TEST", test)):
        rows = [line.split("\t") for line in text.splitlines()]
        lines = "".join(f"{','.join(values)}:{label}\n" for label, *values in rows)
        (data / f"ucr/Toy_{part}.ts").write_text(header + lines + "\n")


def test_ucr_files_of_the_ts_form_are_read(data: Path) -> None:
    write_ts(data)
    check_ucr(open_dataset("ucr/Toy").load())
    assert "here, fingerprint" in describe_sets()["ucr/Toy"]
    write_ucr(data / "ucr", test="1\t4\t5\t6\n1\t7\t8\t9\n")
    assert open_dataset("ucr/Toy").load().labels.tolist() == [1, 0, 1, 1, 1], "a .tsv goes first"


@pytest.mark.parametrize(
    ("header", "test", "complaint"),
    [
        (
            TS_HEADER.replace("@univariate true", "@univariate FALSE"),
            TEST,
            "@univariate is false, expected true",
        ),
        (TS_HEADER.replace("@missing false", "@missing true"), TEST, "@missing is true, expected false"),
        (TS_HEADER.replace("true -1 1", "false"), TEST, "Toy_TRAIN.ts: @classlabel is false, expected true"),
        (f"@equalLength false\n{TS_HEADER}", TEST, "Toy_TRAIN.ts: @equallength is false, expected true"),
        (f"@timeStamps true\n{TS_HEADER}", TEST, "Toy_TRAIN.ts: @timestamps is true, expected false"),
        (TS_HEADER.replace("@data\n", ""), TEST, "Toy_TRAIN.ts: has no line @data"),
        (TS_HEADER, "1\t4\t?\t6\n", "Toy_TEST.ts after @data:1: could not convert string to float: '?'"),
        (TS_HEADER, "1\t4\t5:5\t6\n", "after @data:1: could not convert string to float: '5:5'"),
        (TS_HEADER, "1\t4\t5\t6\n1\t4\t5\n", "after @data:2: 3 values, expected 4 as in the first row"),
        (TS_HEADER, "1\t4\t5\t6\n2\t4\t5\t7\n", "after @data:2: label 2 does not occur in TRAIN"),
        (TS_HEADER, "\t4\t5\t6\n", "after @data:1: could not convert string to float: ''"),
    ],
)
def test_other_series_of_the_ts_form_are_refused(data: Path, header: str, test: str, complaint: str) -> None:
    write_ts(data, header, test)
    refused("ucr/Toy", complaint)


def test_a_series_of_the_ts_form_without_a_label_is_refused(data: Path) -> None:
    write_ts(data)
    (data / "ucr/Toy_TEST.ts").write_text(f"{TS_HEADER}4,5,6:1\n7,8,9\n")
    refused("ucr/Toy", "Toy_TEST.ts after @data:2: expected values with commas, a colon and the label")


def test_a_ucr_set_has_one_fingerprint_however_it_is_packed(data: Path) -> None:
    archive = pack_ucr(data)
    packed = open_dataset("ucr/Toy").fingerprint()
    archive.unlink()
    write_ucr(data / "ucr" / "Toy")
    assert open_dataset("ucr/Toy").fingerprint() == packed
    write_ucr(data / "ucr" / "Toy", test=TEST + TEST)
    assert open_dataset("ucr/Toy").fingerprint() != packed


@pytest.mark.parametrize("mode", [0o000, 0o444])
@pytest.mark.parametrize("place", ["", "ucr", "ucr/Toy"])
def test_a_folder_of_ucr_sets_that_may_not_be_entered_is_named(data: Path, place: str, mode: int) -> None:
    write_ucr(data / "ucr/Toy")
    with locked(data / place, mode):
        refused("ucr/Toy", f"{data / place}: Permission denied")
        told = describe_sets()
    assert f"cannot be used: {data / place}: Permission denied" in "\n".join(told.values())


def test_a_folder_that_cannot_be_listed_hides_no_other_set(data: Path) -> None:
    write_ucr(data / "ucr/Deep/Wafer", name="Wafer")
    write_ucr(data / "ucr/Shelf/Toy")
    with locked(data / "ucr/Shelf"):
        told = describe_sets()
        refused("ucr/Toy", f"({data}/ucr/Shelf: Permission denied) in {data}")
        open_dataset("ucr/Wafer").load()
    assert "here, fingerprint " in told["ucr/Wafer"]
    assert told["ucr/Shelf"] == f"cannot be used: {data}/ucr/Shelf: Permission denied"


def test_a_ucr_name_that_no_file_system_takes_is_refused(data: Path) -> None:
    write_ucr(data / "ucr")
    refused(f"ucr/{'F' * 300}", ".tsv: File name too long")


@pytest.mark.parametrize(
    ("train", "test", "complaint"),
    [
        (TRAIN, "2\t1\t1\t1\n", "Toy_TEST.tsv:1: label 2 does not occur in TRAIN"),
        (TRAIN, "1\t1\t1\n", "Toy_TEST.tsv: windows of 2 samples, expected 3 as in TRAIN"),
        ("1\t1\t2\n1\t1\n", TEST, "Toy_TRAIN.tsv:2: 2 values, expected 3 as in the first row"),
        ("1\t1\tx\n", TEST, "Toy_TRAIN.tsv:1: could not convert string to float: 'x', expected numbers"),
        ("1\t1\t\t2\n", TEST, "Toy_TRAIN.tsv:1: could not convert string to float: ''"),
        ("1,1,2\n", TEST, "float: '1,1,2', expected numbers separated by tabs"),
        (f"1{',0.25' * 99}\n", TEST, f"float: '1{',0.25' * 8},0.…, expected numbers separated by tabs"),
        (
            "1\t1\t2\t3\n1\t4\t5\t6\n",
            TEST,
            "Toy_TRAIN.tsv: has the label 1 only, expected two classes or more",
        ),
        (TRAIN, "1\t1\t2\t1e300\n", "Toy_TEST.tsv:1: has a value that float32 cannot hold"),
        ("1\n2\n", TEST, "Toy_TRAIN.tsv:1: a label and no values, or not separated by tabs"),
        ("", TEST, "Toy_TRAIN.tsv: is empty"),
        (
            TRAIN,
            "1\t1\t2\t3\n1\t1\tNaN\tNaN\n",
            "Toy_TEST.tsv:2: has missing values; series with gaps or of different",
        ),
        (
            TRAIN,
            "1\tNaN\t2\t3\n",
            "folder Missing_value_and_variable_length_datasets_adjusted has them filled",
        ),
        (TRAIN, TRAIN, "Toy_TEST.tsv: holds the 3 samples of TRAIN once more, expected others"),
        ("1\t1\tNaN\t3\n", TEST, "Toy_TRAIN.tsv:1: has missing values"),
    ],
)
def test_damaged_ucr_files_are_refused_by_file_and_line(
    data: Path, train: str, test: str, complaint: str
) -> None:
    write_ucr(data / "ucr", train, test)
    refused("ucr/Toy", complaint)


def test_a_ucr_file_that_is_not_text_is_refused(data: Path) -> None:
    write_ucr(data / "ucr")
    (data / "ucr" / "Toy_TEST.tsv").write_bytes(b"\xff\xfe1\t2")
    refused("ucr/Toy", "Toy_TEST.tsv: is not text")


def test_a_damaged_packed_archive_is_refused(data: Path) -> None:
    archive = pack_ucr(data)
    archive.write_bytes(archive.read_bytes()[:100])
    refused("ucr/Toy", "sets.tar.xz: cannot be unpacked")
    write_ucr(data / "ucr" / "Deep")
    check_ucr(open_dataset("ucr/Toy").load())


def test_an_unknown_ucr_set_is_answered_with_the_nearest_one_there(data: Path) -> None:
    write_ucr(data / "ucr" / "Wafer", name="Wafer")
    pack_ucr(data.parent / "elsewhere").rename(data / "ucr" / "sets.tar.xz")
    refused("ucr/Wafre", "did you mean 'Wafer'?")
    refused("ucr/Toi", "did you mean 'Toy'?")
    refused("ucr/Zzz", "known: Toy, Wafer")


def test_another_edition_under_a_known_name_is_refused(data: Path) -> None:
    write_ucr(data / "ucr", name="Coffee")
    dataset = open_dataset("ucr/Coffee")
    with pytest.raises(
        BadData, match=r"Coffee_TRAIN.tsv: differs from the 2018 archive: values with .* expected 4bcfe37e"
    ):
        dataset.fingerprint()
    refused("ucr/Coffee", "another edition needs another name")


@pytest.mark.parametrize(
    ("suffix", "written"),
    [
        (".tsv", str),
        (".tsv", lambda text: text.replace("\n", "\r\n")),
        (".tsv", lambda text: "\ufeff" + text.replace("-2e-1", "-0.20").replace("\t0\t", "\t-0.0\t")),
        (".txt", lambda text: text.replace("\t", "   ").replace("-1 ", "-1.0000000e+00 ")),
        ("", lambda text: text.replace("\t", ",")),
    ],
)
def test_a_known_set_is_known_by_its_values_however_they_are_written(
    data: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, written: Callable[[str], str]
) -> None:
    monkeypatch.setitem(ucr.KNOWN, "Toy", ucr.Known(3, 2, "67869cd01b314946", "7c99935aa947e31a"))
    (data / "ucr").mkdir(parents=True)
    for part, text in (("TRAIN", TRAIN), ("TEST", TEST)):
        (data / f"ucr/Toy_{part}{suffix}").write_text(written(text), newline="")
    check_ucr(open_dataset("ucr/Toy").load())
    other = written(TEST.replace("9", "9.00001"))
    (data / f"ucr/Toy_TEST{suffix}").write_text(other, newline="")
    refused("ucr/Toy", f"Toy_TEST{suffix}: differs from the 2018 archive: values with sha256 ")


def test_a_set_under_a_known_name_that_cannot_be_read_is_refused_by_file_and_line(data: Path) -> None:
    write_ucr(data / "ucr", train="1\t1\n2\tx\n", name="Coffee")
    refused("ucr/Coffee", "Coffee_TRAIN.tsv:2: could not convert string to float: 'x'")


def test_known_sets_say_their_sizes_before_they_are_read() -> None:
    description = open_dataset("ucr/SyntheticControl").description
    assert (description.window, description.classes, description.channels) == (60, 6, 1)
    assert open_dataset("ucr/Toy").description.window is None
    assert all(len(known.train) == len(known.test) == 16 for known in ucr.KNOWN.values())
