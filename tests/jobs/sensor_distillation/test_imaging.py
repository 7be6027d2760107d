"""The images: equal to pyts's, and true to the formulas of Wang & Oates."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from jobs.sensor_distillation import imaging
from jobs.sensor_distillation.imaging import Encoding, image_batches, images
from seedbed.errors import InvalidConfig

Oracle = Callable[[Encoding, NDArray[np.float32], int, int], NDArray[np.float64]]

SHAPES = [(500, 64), (1000, 64), (100, 32), (128, 64), (60, 60), (17, 16), (7, 3), (5, 5), (3, 1), (2, 2)]
WHOLE_NUMBERS = st.integers(-1000, 1000).map(float)  # exact in float32, also after * 2 ** k


def series(length: int = 48, elements: st.SearchStrategy[float] = WHOLE_NUMBERS) -> Any:
    return hnp.arrays(np.float32, (length,), elements=elements).filter(lambda x: x.min() < x.max())


def image(x: NDArray[np.float32], encoding: Encoding, size: int, n_bins: int = 8) -> NDArray[np.float64]:
    """One image in float64."""
    out = np.empty((1, 1, size, size))
    images(x[None, None], encoding, size, n_bins, out=out)
    return out.reshape(size, size)


@pytest.fixture(scope="module")
def pyts() -> Oracle:
    """pyts as an oracle on (N, n) series."""
    njit: Any = numba.njit

    def when_called(*signature: Any, **options: Any) -> Any:
        """Compile a function when it is called: on import, as pyts would have it, all take half a minute."""
        return njit(*filter(callable, signature), **options)

    with warnings.catch_warnings(), patch.object(numba, "njit", when_called):
        warnings.simplefilter("ignore")
        from pyts.image import GramianAngularField, MarkovTransitionField

    def transform(encoding: Encoding, x: NDArray[np.float32], size: int, n_bins: int) -> NDArray[np.float64]:
        transformers: dict[Encoding, Any] = {
            "gasf": GramianAngularField(image_size=size, method="summation"),
            "gadf": GramianAngularField(image_size=size, method="difference"),
            "mtf": MarkovTransitionField(image_size=size, n_bins=n_bins),
        }
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Some quantiles are equal", UserWarning)
            result: NDArray[np.float64] = transformers[encoding].transform(x.astype(np.float64))
        return result

    return transform


def awkward(length: int) -> NDArray[np.float32]:
    """Series (N, length): a walk, ties as of a coarse sensor, two values, constants, a ramp, one outlier."""
    rng = np.random.default_rng(length)
    walk = rng.standard_normal(length).cumsum()
    outlier = np.zeros(length)
    outlier[length // 2] = 1
    rows = [
        walk,
        walk.round(1),
        walk.round(),
        rng.integers(0, 2, length),
        rng.standard_normal(length) * 1e-3 + 9.81,
        np.full(length, 0.1),
        np.zeros(length),
        np.arange(length),
        -np.arange(length),
        outlier,
    ]
    return np.array(rows, np.float32)


@pytest.mark.parametrize("encoding", ["gasf", "gadf"])
@pytest.mark.parametrize(("length", "size"), SHAPES)
def test_gramian_fields_are_those_of_pyts(pyts: Oracle, encoding: Encoding, length: int, size: int) -> None:
    x = awkward(length)
    ours = images(x[:, None], encoding, size)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours[:, 0], pyts(encoding, x, size, 8), rtol=0, atol=1e-6)


@pytest.mark.parametrize("n_bins", [2, 3, 8, 16])
@pytest.mark.parametrize(("length", "size"), SHAPES)
def test_transition_fields_are_those_of_pyts(pyts: Oracle, length: int, size: int, n_bins: int) -> None:
    x = awkward(length)
    ours = images(x[:, None], "mtf", size, n_bins, out=np.empty((len(x), 1, size, size)))
    expected = pyts("mtf", x, size, n_bins)
    np.testing.assert_allclose(ours[:, 0], expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(images(x[:, None], "mtf", size, n_bins)[:, 0], expected, rtol=0, atol=1e-6)


@settings(max_examples=200)
@given(
    hnp.arrays(np.float32, st.integers(2, 40), elements=st.integers(-4, 4).map(float)),
    st.integers(1, 40),
    st.integers(2, 12),
)
def test_transition_fields_with_many_ties_are_those_of_pyts(
    pyts: Oracle, x: NDArray[np.float32], size: int, n_bins: int
) -> None:
    size = min(size, len(x))
    np.testing.assert_allclose(
        image(x, "mtf", size, n_bins), pyts("mtf", x[None], size, n_bins)[0], rtol=0, atol=1e-12
    )


@given(st.integers(0, 2**32), st.integers(2, 60), st.integers(2, 12))
def test_bin_edges_are_the_percentiles_of_numpy_to_the_last_bit(seed: int, length: int, n_bins: int) -> None:
    ordered = np.sort(np.random.default_rng(seed).standard_normal(length).astype(np.float32))
    shares = np.linspace(0, 100, n_bins + 1)[1:-1]
    edges = np.empty(n_bins - 1)
    assert imaging._quantiles(ordered, shares / 100 * (length - 1), edges) == n_bins - 1
    assert np.array_equal(edges, np.percentile(ordered.astype(np.float64), shares))


@given(series())
def test_gasf_is_symmetric_with_the_doubled_angle_on_its_diagonal(x: NDArray[np.float32]) -> None:
    field = image(x, "gasf", 48)
    scaled = 2 * (x.astype(np.float64) - x.min()) / (x.max() - x.min()) - 1
    assert np.array_equal(field, field.T)
    np.testing.assert_allclose(np.diag(field), 2 * scaled**2 - 1, rtol=0, atol=1e-7)


@given(series())
def test_gadf_is_antisymmetric_with_a_diagonal_of_zeros(x: NDArray[np.float32]) -> None:
    field = image(x, "gadf", 48)
    assert np.array_equal(field, -field.T)
    assert not np.diag(field).any()


@given(series())
def test_the_fields_are_cosines_of_sums_and_sines_of_differences_of_angles(x: NDArray[np.float32]) -> None:
    angle = np.arccos(np.clip(2 * (x.astype(np.float64) - x.min()) / (x.max() - x.min()) - 1, -1, 1))
    np.testing.assert_allclose(image(x, "gasf", 48), np.cos(angle[:, None] + angle), rtol=0, atol=1e-7)
    np.testing.assert_allclose(image(x, "gadf", 48), np.sin(angle[:, None] - angle), rtol=0, atol=1e-7)


@given(series(), st.sampled_from([0.25, 1, 8]), st.integers(-1000, 1000))
def test_scale_and_offset_leave_every_image_as_it_is(
    x: NDArray[np.float32], scale: float, offset: int
) -> None:
    moved = (x * scale + offset).astype(np.float32)
    for encoding in ("gasf", "gadf", "mtf"):
        np.testing.assert_allclose(image(moved, encoding, 16), image(x, encoding, 16), rtol=0, atol=1e-6)


@given(series())
def test_upside_down_leaves_gasf_and_transposes_gadf(x: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(image(-x, "gasf", 16), image(x, "gasf", 16), rtol=0, atol=1e-6)
    np.testing.assert_allclose(image(-x, "gadf", 16), image(x, "gadf", 16).T, rtol=0, atol=1e-6)


@given(series())
def test_backwards_turns_gasf_round(x: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(
        image(x[::-1], "gasf", 16), np.rot90(image(x, "gasf", 16), 2), rtol=0, atol=1e-6
    )


@given(series(41, st.integers(-20, 20).map(float)))
def test_what_rises_with_the_series_has_the_same_transition_field(x: NDArray[np.float32]) -> None:
    # 41 samples and 4 bins: every quantile is a sample, so that no interpolation is bent
    np.testing.assert_array_equal(image(x**3 + x, "mtf", 8, 4), image(x, "mtf", 8, 4))


@given(series(), st.integers(2, 12))
def test_transition_fields_are_shares(x: NDArray[np.float32], n_bins: int) -> None:
    field = image(x, "mtf", 16, n_bins)
    assert field.min() >= 0
    assert field.max() <= 1 + 1e-12


def test_a_ramp_in_four_bins_stays_for_three_steps_of_four() -> None:
    field = image(np.arange(16, dtype=np.float32), "mtf", 16, 4)
    assert field[:, 0].tolist() == [0.75] * 4 + [0] * 12
    assert field[0].tolist() == [0.75] * 4 + [0.25] * 4 + [0] * 8


def test_a_constant_window_gives_ones_or_zeros_and_never_nan() -> None:
    still = np.full((1, 1, 50), 9.81, np.float32)
    assert (images(still, "gasf", 8) == 1).all()
    assert (images(still, "gadf", 8) == 0).all()
    assert (images(still, "mtf", 8) == 1).all()


@pytest.mark.parametrize("encoding", ["gasf", "gadf", "mtf"])
def test_channels_and_windows_are_imaged_each_by_itself(encoding: Encoding) -> None:
    signals = np.random.default_rng(0).standard_normal((4, 3, 50)).astype(np.float32)
    together = images(signals, encoding, 8)
    assert together.shape == (4, 3, 8, 8)
    for window in range(4):
        for channel in range(3):
            alone = images(signals[window : window + 1, channel : channel + 1], encoding, 8)
            assert np.array_equal(alone[0, 0], together[window, channel])


@pytest.mark.parametrize("encoding", ["gasf", "gadf", "mtf"])
def test_a_given_buffer_is_filled_and_returned(encoding: Encoding) -> None:
    signals = np.random.default_rng(0).standard_normal((2, 3, 50)).astype(np.float32)
    buffer = np.full((2, 3, 8, 8), np.nan, np.float32)
    assert images(signals, encoding, 8, out=buffer) is buffer
    assert np.array_equal(buffer, images(signals, encoding, 8))


@pytest.mark.parametrize("buffer", [np.empty((2, 3, 8, 9)), np.empty((2, 8, 8, 3)).transpose(0, 3, 1, 2)])
def test_a_buffer_that_does_not_fit_is_refused(buffer: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="expected C-contiguous"):
        images(np.zeros((2, 3, 50), np.float32), "gasf", 8, out=buffer)


def test_signals_that_lie_scattered_in_memory_are_read_right() -> None:
    signals = np.random.default_rng(0).standard_normal((4, 50, 6)).astype(np.float32)
    scattered = signals.transpose(0, 2, 1)[::2, ::2]
    assert np.array_equal(images(scattered, "mtf", 8), images(np.ascontiguousarray(scattered), "mtf", 8))


def test_batches_hold_the_images_of_all_windows_in_order() -> None:
    signals = np.random.default_rng(0).standard_normal((7, 2, 50)).astype(np.float32)
    batches = [batch.copy() for batch in image_batches(signals, "gadf", 8, batch=3)]
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert np.array_equal(np.concatenate(batches), images(signals, "gadf", 8))


def test_an_image_larger_than_the_window_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="image_size 64 exceeds the window of 60 samples"):
        images(np.zeros((1, 1, 60), np.float32), "gasf", 64)


@pytest.mark.parametrize(("size", "n_bins", "complaint"), [(0, 8, "image_size 0"), (8, 1, "n_bins 1")])
def test_sizes_that_make_no_image_are_refused(size: int, n_bins: int, complaint: str) -> None:
    with pytest.raises(InvalidConfig, match=complaint):
        images(np.zeros((1, 1, 60), np.float32), "mtf", size, n_bins)
