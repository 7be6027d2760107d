"""Who trains, validates and tests; what is drawn for an epoch; and a data set that is always there."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.har_prototypes import draws, family, made
from jobs.har_prototypes.config import Prototypes
from jobs.har_prototypes.contrasts import Warp
from jobs.har_prototypes.data import PARTS, Data, load_data, split
from jobs.har_prototypes.datasets import describe_sets, fingerprint, load_windows
from seedbed.data import data_roots
from seedbed.datasets import push
from seedbed.errors import BadData, InvalidConfig
from seedbed.readers.uci_har import CHANNELS, COMPACT, ORIGINAL
from seedbed.readers.windows import Windows
from seedbed.store import open_store
from seedbed.streams import stream_key
from tests.lib.locking import locked

TEST_SUBJECTS = {"2", "4", "9", "10", "12", "13", "18", "20", "24"}


class Streams:
    """The part of a trial that draws."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def generator(self, name: str) -> torch.Generator:
        return torch.Generator().manual_seed(stream_key(self.seed, "network", name))


def config(**settings: Any) -> Prototypes:
    return Prototypes(**{"data": "made", **settings})


# The made-up set


def test_the_made_up_set_is_the_same_everywhere() -> None:
    windows = load_windows("made")
    assert windows.signals.shape == (432, 9, 128)
    assert np.bincount(windows.labels).tolist() == [72] * 6
    assert len(set(windows.units)) == made.SUBJECTS
    assert float(windows.signals.astype(np.float64).sum()) == pytest.approx(707.8426, abs=1e-3)
    assert made.fingerprint() == fingerprint("made")
    first, second = windows.signals[:2]
    assert np.array_equal(first[:, 64:], second[:, :64]), "windows overlap by half, as in UCI-HAR"


# Protocols


@pytest.mark.parametrize("seed", range(5))
def test_by_subject_nobody_is_in_two_parts(seed: int) -> None:
    windows = load_windows("made")
    divided = split(windows, config(split_seed=seed))
    people = [set(windows.units[divided.parts[name]]) for name in PARTS]
    assert [len(part) for part in people] == [6, 2, 4]
    assert len(set.union(*people)) == sum(map(len, people)), "nobody is in two parts"
    assert np.array_equal(divided.units, windows.units)
    assert (windows.official[divided.parts["test"]] == "test").all()


def test_as_noted_a_fifth_of_the_windows_validates_and_they_are_their_own_units() -> None:
    windows = load_windows("made")
    divided = split(windows, config(protocol="notes"))
    train, validation, test = (divided.parts[name] for name in PARTS)
    assert [len(part) for part in (train, validation, test)] == [230, 58, 144]
    assert set(windows.units[train]) == set(windows.units[validation]), "the same people"
    assert divided.units[train].tolist() == windows.ids[train].tolist()
    assert set(divided.units[test]) == {"9", "10", "11", "12"}


def test_merged_all_windows_are_mixed() -> None:
    windows = load_windows("made")
    divided = split(windows, config(protocol="merged"))
    assert [len(divided.parts[name]) for name in PARTS] == [276, 69, 87]
    assert set(divided.units) == set(windows.ids)
    assert {"train", "test"} == set(windows.official[divided.parts["test"]])


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), protocol=st.sampled_from(["subject", "notes", "merged"]))
def test_parts_are_disjoint_and_units_too(seed: int, protocol: Any) -> None:
    divided = split(load_windows("made"), config(protocol=protocol, split_seed=seed))
    members = [divided.parts[name] for name in PARTS]
    assert len(np.unique(np.concatenate(members))) == sum(map(len, members)) == 432
    units = [set(divided.units[part]) for part in members]
    assert len(set.union(*units)) == sum(map(len, units))


def test_the_split_seed_decides_and_nothing_else() -> None:
    windows = load_windows("made")
    one, other = (split(windows, config(split_seed=seed)).parts["validation"] for seed in (0, 1))
    assert not np.array_equal(one, other)
    again = split(windows, config(split_seed=0, batch_size=8, normalize="zscore")).parts["validation"]
    assert np.array_equal(one, again)
    assert family.split_settings == ("data", "protocol", "split_seed", "windows")


def test_fewer_windows_are_spread_over_people_and_things() -> None:
    windows = load_windows("made")
    full = split(windows, config()).parts
    few = split(windows, config(windows=72)).parts
    for name in PARTS:
        assert len(few[name]) == min(72, len(full[name]))
        assert set(few[name]) <= set(full[name])
        assert set(windows.units[few[name]]) == set(windows.units[full[name]])
        assert set(windows.labels[few[name]]) == set(range(6))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"official": np.full(432, "train")}, "comes without a division into train and test"),
        ({"units": np.where(np.arange(432) < 288, "1", "2")}, "one subject to train on"),
        ({"labels": np.where(np.arange(432) < 288, 0, 1)}, "has no training window"),
    ],
)
def test_what_cannot_be_divided_is_refused(change: dict[str, Any], complaint: str) -> None:
    classes: dict[str, Any] = {"classes": ("a", "b")} if "labels" in change else {}
    windows: Windows = dataclasses.replace(load_windows("made"), **change, **classes)
    with pytest.raises(BadData, match=complaint):
        split(windows, config())


def test_normalisation_takes_its_scale_from_training_windows() -> None:
    plain, scaled = load_data(config()), load_data(config(normalize="zscore"))
    assert np.array_equal(plain.inputs, plain.windows.signals)
    train = scaled.inputs[scaled.train]
    np.testing.assert_allclose(train.mean((0, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(train.std((0, 2)), 1, atol=1e-5)
    np.testing.assert_allclose(plain.deviation, plain.inputs[plain.train].std((0, 2)), rtol=1e-5)
    test = scaled.split.parts["test"]
    assert abs(scaled.inputs[test].mean()) > 1e-4


# UCI-HAR and others


def test_uci_har_is_the_published_one_where_it_is_here() -> None:
    if not any((root / place).exists() for root in data_roots() for place in (ORIGINAL, COMPACT)):
        with pytest.raises(BadData, match=r"archive\.ics\.uci\.edu"):
            load_windows("uci_har")
        return
    windows = load_windows("uci_har")
    official = windows.official == "train"
    assert np.bincount(windows.labels[official]).tolist() == [1226, 1073, 986, 1286, 1374, 1407]
    assert np.bincount(windows.labels[~official]).tolist() == [496, 471, 420, 491, 532, 537]
    assert set(windows.units[~official]) == TEST_SUBJECTS
    noted = split(windows, Prototypes(protocol="notes")).parts
    assert [len(noted[name]) for name in PARTS] == [5881, 1471, 2947]
    by_subject = split(windows, Prototypes()).parts
    people = [set(windows.units[by_subject[name]]) for name in PARTS]
    assert [len(part) for part in people] == [16, 5, 9]
    assert not people[0] & people[1]


def test_absent_data_are_named_with_where_they_can_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path))
    with pytest.raises(BadData, match=r"data uci_har: expected .*archive.ics.uci.edu"):
        fingerprint("uci_har")
    with pytest.raises(BadData, match=r"data har/Garden: expected 'har/Garden' or 'har/Garden.npz'"):
        load_windows("har/Garden")
    told = describe_sets()
    assert told["uci_har"].startswith("cannot be used: data uci_har")
    assert told["made"].startswith("6 classes, 9 channels")


def test_a_set_of_other_people_and_sensors_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "har").mkdir()
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "har" / "Garden.npz",
        allow_pickle=False,
        signal=rng.standard_normal((24 * 20, 3)).astype(np.float32),
        start=np.arange(0, 24 * 20, 20),
        y=np.tile([1, 2], 12),
        subject=np.repeat([31, 40, 57], 8),
        split=np.repeat([0, 0, 1], 8),
        channels=np.array(["wrist_x", "wrist_y", "wrist_z"]),
        window=np.array(20),
    )
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path))
    assert describe_sets()["har/Garden"].startswith("2 classes, 3 channels; here, fingerprint ")
    data = load_data(Prototypes(data="har/Garden"))
    assert data.inputs.shape == (24, 3, 20)
    assert family.units(Prototypes(data="har/Garden"))["test"] == {"57"}


def write_set(
    folder: Path, window: int = 20, channels: tuple[str, ...] = ("wrist_x",), classes: int = 2
) -> None:
    for split_, subjects in (("train", [31] * 2 * classes), ("test", [57] * 2 * classes)):
        signals = folder / split_ / "Inertial Signals"
        signals.mkdir(parents=True)
        labels = [1 + row % classes for row in range(len(subjects))]
        for name, column in (("y", labels), ("subject", subjects)):
            text = "".join(f"{value}\n" for value in column)
            (folder / split_ / f"{name}_{split_}.txt").write_text(text)
        for channel in channels:
            (signals / f"{channel}_{split_}.txt").write_text(f"{'0.5 ' * window}\n" * len(subjects))


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({"window": 64}, "body_acc_x_train.txt:1: 64 values, expected 128"),
        ({"channels": CHANNELS[:8]}, "total_acc_z_test.txt: No such file"),
        ({"classes": 5}, "5 classes of 6, no window of LAYING"),
    ],
)
def test_uci_har_is_held_to_what_was_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: dict[str, Any], complaint: str
) -> None:
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path))
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path / "cache"))
    write_set(tmp_path / ORIGINAL, **{"window": 128, "channels": CHANNELS, "classes": 6, **form})
    with pytest.raises(BadData, match=complaint):
        load_windows("uci_har")


def test_a_set_of_ones_own_is_pushed_with_the_names_of_its_activities_and_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path / "home"))
    write_set(tmp_path / "home/har/Garden")
    unnamed = fingerprint("har/Garden")
    (tmp_path / "home/har/Garden/activity_labels.txt").write_text("1 DIGGING\n2 MOWING\n")
    at_home = fingerprint("har/Garden")
    assert at_home != unnamed
    store = open_store(str(tmp_path / "runs"))
    files = family.files("har/Garden")
    assert files is not None
    assert push(store, "har/Garden", files)[0].fingerprint == at_home
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path / "pod"))
    monkeypatch.setenv("SEEDBED_DATA_FROM", store.url)
    assert fingerprint("har/Garden") == at_home
    assert not (tmp_path / "pod").exists(), "a fingerprint needs no file"
    assert load_windows("har/Garden").classes == ("DIGGING", "MOWING")


def test_names_of_sets_are_told_from_others_when_one_is_pushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path))
    assert family.files("pamap2") is None
    with pytest.raises(InvalidConfig, match="data made: is made up where it is used; it needs no push"):
        family.files("made")
    with pytest.raises(InvalidConfig, match="letters, digits, - and _ only"):
        family.files("har/<Name>")
    with pytest.raises(BadData, match="data har/Garden: expected"):
        family.files("har/Garden")


def test_what_cannot_be_a_set_is_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path))
    write_set(tmp_path / "har/Garden")
    write_set(tmp_path / "har/My.Set")
    for name in ("readme.txt", "Garden.zip", "._Shed.npz", ".DS_Store"):
        (tmp_path / "har" / name).write_text("no set")
    assert [name for name in describe_sets() if name.startswith("har/")] == ["har/Garden", "har/<Name>"]


def test_a_folder_that_may_not_be_entered_is_named_and_hides_no_other_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path))
    for name in ("Garden", "Shed"):
        write_set(tmp_path / "har" / name)
    for mode in (0o000, 0o444):
        with locked(tmp_path / "har/Garden", mode):
            told = describe_sets()
            assert told["har/Garden"] == f"cannot be used: {tmp_path}/har/Garden: Permission denied"
            assert "here, fingerprint" in told["har/Shed"]
        with locked(tmp_path / "har", mode):
            assert describe_sets()["har"] == f"cannot be used: {tmp_path}/har: Permission denied"
            with pytest.raises(BadData, match=rf"^{tmp_path}/har: Permission denied$"):
                fingerprint("har/Shed")


# What is drawn for an epoch


def data_of(**settings: Any) -> Data:
    return load_data(config(windows=48, **settings))


def test_a_warp_follows_from_seed_epoch_view_and_window_alone() -> None:
    data, trial = data_of(), Streams()
    warp = Warp(mask=0.25)
    whole = draws.warped(trial, 3, "a", warp, data, data.train)  # type: ignore[arg-type]
    part = draws.warped(trial, 3, "a", warp, data, data.train[[5, 2]])  # type: ignore[arg-type]
    assert torch.equal(part, whole[[5, 2]])
    for other in (
        draws.warped(trial, 4, "a", warp, data, data.train),  # type: ignore[arg-type]
        draws.warped(trial, 3, "b", warp, data, data.train),  # type: ignore[arg-type]
        draws.warped(Streams(1), 3, "a", warp, data, data.train),  # type: ignore[arg-type]
    ):
        assert not torch.equal(other, whole)


def test_a_warp_does_what_it_is_told() -> None:
    data, trial = data_of(), Streams()
    inputs = torch.from_numpy(data.inputs[data.train])

    def copies(**knobs: float) -> torch.Tensor:
        warp = Warp(**{"jitter": 0.0, "scaling": 0.0, **knobs})
        return draws.warped(trial, 0, "a", warp, data, data.train)  # type: ignore[arg-type]

    noise = (copies(jitter=0.5) - inputs) / torch.from_numpy(data.deviation)[:, None]
    assert float(noise.std()) == pytest.approx(0.5, rel=0.02)
    factors = copies(scaling=0.1) / inputs
    assert torch.allclose(factors, factors[:, :, :1].expand_as(factors), atol=1e-4)
    assert float(factors[:, :, 0].std()) == pytest.approx(0.1, rel=0.1)
    masked = copies(mask=0.25) == 0
    assert (masked.sum(2) == 32).all()
    assert (masked == masked[:, :1]).all(), "in all channels alike"
    assert (masked[:, 0].int().diff(dim=1).abs().sum(1) <= 2).all(), "in one piece"


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), classes=st.integers(2, 7))
def test_the_other_class_is_never_the_own_one(seed: int, classes: int) -> None:
    labels = torch.arange(200) % classes
    trial: Any = Streams(seed)
    epochs = torch.stack([draws.other_classes(trial, epoch, labels, classes) for epoch in range(20)])
    assert (epochs != labels).all()
    assert 0 <= int(epochs.min()) <= int(epochs.max()) < classes
    # Each of six classes comes up among 560 draws or more, but in one of 10^43 cases.
    assert set(epochs[:, labels == 0].flatten().tolist()) == set(range(1, classes))


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), labels=st.lists(st.integers(0, 4), min_size=1, max_size=60))
def test_a_partner_is_another_window_of_the_class_and_everybody_is_one_once(
    seed: int, labels: list[int]
) -> None:
    known = np.array(labels)
    found = draws.partners(Streams(seed), 0, known)  # type: ignore[arg-type]
    assert sorted(found) == list(range(len(known)))
    assert (known[found] == known).all()
    for label in set(labels):
        members = np.flatnonzero(known == label)
        assert (found[members] != members).all() or len(members) == 1
