"""How windows are divided, that no unit is on two sides, and the scale that training windows give."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from jobs.sensor_distillation.datasets.common import UnitWord, Windows
from jobs.sensor_distillation.windows import Normalisation, Split, split
from seedbed.errors import BadData, InvalidConfig


def windows_of(
    units: list[str], labels: list[int], official: list[str] | None = None, unit_word: UnitWord = "subject"
) -> Windows:
    count = len(units)
    return Windows(
        name="toy",
        signals=np.zeros((count, 1, 4), np.float32),
        labels=np.array(labels),
        units=np.array(units),
        ids=np.array([f"w{index:04}" for index in range(count)]),
        official=np.array(official or [""] * count),
        classes=tuple("abcdefgh"[: max(labels) + 1]),
        unit_word=unit_word,
        rate_hz=None,
    )


def ten_subjects() -> Windows:
    """Six windows of each of ten subjects, every subject with both classes."""
    return windows_of([str(1 + index // 6) for index in range(60)], [index % 2 for index in range(60)])


def samples(labels: list[int], test: int = 4) -> Windows:
    """Samples without subjects: those of TRAIN with `labels`, then `test` official test samples."""
    count = len(labels) + test
    official = ["train"] * len(labels) + ["test"] * test
    names = [f"s{index}" for index in range(count)]
    return windows_of(names, labels + [labels[0]] * test, official, "sample")


def subjects_in(windows: Windows, indices: NDArray[np.int64]) -> set[str]:
    return set(windows.units[indices].tolist())


def parts_of(divided: Split) -> list[NDArray[np.int64]]:
    return [divided.train, divided.validation, divided.test]


def test_of_ten_subjects_two_test_and_two_validate() -> None:
    windows = ten_subjects()
    counts = [len(subjects_in(windows, part)) for part in parts_of(split(windows, 0))]
    assert counts == [6, 2, 2]


def test_the_split_of_a_seed_stays_what_it_is() -> None:
    windows = ten_subjects()
    divided = split(windows, 0)
    assert subjects_in(windows, divided.test) == {"4", "6"}
    assert subjects_in(windows, divided.validation) == {"2", "7"}
    assert divided.hash == "f08ca6ca54c592c2"


@given(st.integers(0, 2**32))
def test_every_window_is_in_one_part_and_every_subject_too(seed: int) -> None:
    windows = ten_subjects()
    parts = parts_of(split(windows, seed))
    assert sorted(np.concatenate(parts).tolist()) == list(range(60))
    assert sum(len(subjects_in(windows, part)) for part in parts) == 10


def test_the_seed_decides_and_nothing_else_does() -> None:
    windows = ten_subjects()
    np.random.seed(1)
    first = split(windows, 3)
    np.random.seed(2)
    assert split(windows, 3).hash == first.hash
    assert len({split(windows, seed).hash for seed in range(20)}) > 10


def test_the_hash_follows_the_ids_and_not_their_order() -> None:
    windows = ten_subjects()
    order = np.random.default_rng(0).permutation(60)
    arrays = {
        name: getattr(windows, name)[order] for name in ("signals", "labels", "units", "ids", "official")
    }
    assert split(dataclasses.replace(windows, **arrays), 0).hash == split(windows, 0).hash


def test_official_test_subjects_test_and_a_fifth_of_the_others_validates() -> None:
    units = [str(1 + index // 2) for index in range(60)]
    official = ["test" if int(unit) > 21 else "train" for unit in units]
    windows = windows_of(units, [index % 2 for index in range(60)], official)
    for seed in range(5):
        train, validation, test = (subjects_in(windows, part) for part in parts_of(split(windows, seed)))
        assert test == {str(subject) for subject in range(22, 31)}
        assert len(validation) == 4
        assert len(train) == 17


def test_samples_validate_by_class_and_the_official_test_part_tests() -> None:
    windows = samples([0] * 10 + [1] * 20 + [2] * 5)
    divided = split(windows, 0)
    assert np.bincount(windows.labels[divided.validation]).tolist() == [2, 4, 1]
    assert np.bincount(windows.labels[divided.train]).tolist() == [8, 16, 4]
    assert (windows.official[divided.test] == "test").all()
    assert len(divided.test) == 4


@given(st.lists(st.integers(1, 12), min_size=1, max_size=8).filter(lambda sizes: max(sizes) > 1))
def test_each_class_keeps_a_training_sample_and_there_is_always_validation(sizes: list[int]) -> None:
    windows = samples([label for label, size in enumerate(sizes) for _ in range(size)])
    divided = split(windows, 0)
    assert np.bincount(windows.labels[divided.train], minlength=len(sizes)).min() >= 1
    assert len(divided.validation) >= 1


def test_too_few_samples_to_validate_are_refused() -> None:
    with pytest.raises(
        BadData, match="data toy, split_seed 0: validation has no window; 6 in all are too few"
    ):
        split(samples([0, 1]), 0)


@pytest.mark.parametrize(
    ("units", "official", "complaint"),
    [
        ("1122", None, "train has no window; 2 subjects, expected 3 or more"),
        ("1111", None, "train has no window; 1 subject, expected 3 or more"),
        (
            "1123",
            ["train"] * 2 + ["test"] * 2,
            "no window; 1 subject beside those that test, expected 2 or more",
        ),
    ],
)
def test_too_few_subjects_are_counted(units: str, official: list[str] | None, complaint: str) -> None:
    with pytest.raises(BadData, match=complaint):
        split(windows_of([*units], [0, 1, 0, 1], official), 0)


def test_a_subject_on_both_sides_is_refused_by_name() -> None:
    units = [str(1 + index // 6) for index in range(60)]
    official = ["test" if index > 40 else "train" for index in range(60)]  # cuts through subject 7
    with pytest.raises(BadData, match=r"subject 7 occurs in (train|validation) and test"):
        split(windows_of(units, [index % 2 for index in range(60)], official), 0)


def test_a_class_without_a_training_window_is_refused() -> None:
    labels = [1 if index // 6 == 3 else 0 for index in range(60)]  # subject 4 alone has class b, and tests
    with pytest.raises(BadData, match="split_seed 0: class 'b' has no training window"):
        split(windows_of([str(1 + index // 6) for index in range(60)], labels), 0)


def test_the_deviation_is_each_samples_own_averaged() -> None:
    signals = np.array([[[0, 2, 0, 2]], [[10, 16, 10, 16]]], np.float32)
    scale = Normalisation.over([signals])
    assert scale.mean == pytest.approx([7])
    assert scale.std == pytest.approx([2])  # (1 + 3) / 2; all eight values together deviate by 6.4


def test_applying_it_undoes_scale_and_offset_channel_by_channel() -> None:
    rng = np.random.default_rng(0)
    plain = rng.standard_normal((50, 2, 100))
    shifted = plain * np.array([3, 0.1])[:, None] + np.array([10, -5])[:, None]
    normal = Normalisation.over([shifted]).apply(shifted.astype(np.float32))
    assert normal.dtype == np.float32
    assert normal.mean(axis=(0, 2)) == pytest.approx([0, 0], abs=1e-5)
    assert normal.std(axis=2).mean(axis=0) == pytest.approx([1, 1], abs=1e-5)


@pytest.mark.parametrize("shape", [(37, 3, 50), (37, 3, 8, 8)])
def test_batches_of_any_size_give_the_same_to_the_last_bit(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    whole = Normalisation.over([values])
    for size in (1, 5, 36):
        scale = Normalisation.over(values[start : start + size] for start in range(0, 37, size))
        assert np.array_equal(scale.mean, whole.mean)
        assert np.array_equal(scale.std, whole.std)


def test_a_buffer_that_is_filled_again_may_be_handed_over() -> None:
    values = np.random.default_rng(0).standard_normal((4, 2, 5)).astype(np.float32)
    buffer = np.empty((1, 2, 5), np.float32)

    def batches() -> Iterator[NDArray[np.float32]]:
        for row in values:
            buffer[0] = row
            yield buffer

    assert np.array_equal(Normalisation.over(batches()).mean, Normalisation.over([values]).mean)


@pytest.mark.parametrize("value", [0.0, 0.1, -9.81, 1e4])
def test_a_flat_channel_becomes_zeros_and_nothing_is_magnified(value: float) -> None:
    signals = np.full((3, 1, 200), value, np.float32)
    signals[1, 0, 7] = np.nextafter(np.float32(value), np.float32(np.inf))
    scale = Normalisation.over([signals])
    assert np.abs(scale.apply(signals)).max() <= 1e-2


def test_images_can_be_scaled_in_place() -> None:
    images = np.random.default_rng(0).standard_normal((3, 2, 4, 4)).astype(np.float32)
    scale = Normalisation.over([images])
    expected = scale.apply(images.copy())
    assert scale.apply(images, out=images) is images
    assert np.array_equal(images, expected)


@pytest.mark.parametrize("batches", [[], [np.empty((0, 3, 8), np.float32)]])
def test_no_training_window_is_refused(batches: list[NDArray[np.float32]]) -> None:
    with pytest.raises(BadData, match="no training window"):
        Normalisation.over(batches)


def test_one_subject_can_be_left_out_to_test_on_whatever_the_official_split() -> None:
    units = [str(1 + index // 12) for index in range(60)]
    official = ["test" if unit == "5" else "train" for unit in units]
    windows = windows_of(units, [index % 2 for index in range(60)], official)
    for subject in "12345":
        parts = split(windows, 0, subject)
        assert set(windows.units[parts.test]) == {subject}
        assert len(set(windows.units[parts.validation])) == 1
        assert len(parts.train) + len(parts.validation) + len(parts.test) == 60


def test_a_subject_who_is_not_there_cannot_be_left_out() -> None:
    windows = windows_of([str(1 + index // 6) for index in range(60)], [index % 2 for index in range(60)])
    with pytest.raises(InvalidConfig, match=r"test_subject: data .* has no subject '11'; known: 1, 2, 3"):
        split(windows, 0, "11")
    with pytest.raises(InvalidConfig, match="has no subjects to leave out"):
        split(samples([0, 1, 0, 1, 0, 1]), 0, "1")
