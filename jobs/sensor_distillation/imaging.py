"""Series as images: Gramian angular fields and Markov transition fields, computed per batch and never stored.

Wang & Oates, "Encoding Time Series as Images for Visual Inspection and Classification Using Tiled
Convolutional Neural Networks", AAAI Workshop 2015 (Gramian Angular Field, Markov Transition Field), and
"Imaging Time-Series to Improve Classification and Imputation", IJCAI 2015 (its summation and difference
forms). The order of the steps is that of pyts, and so are the images: within 1e-6 (GASF, GADF), and
within 1e-12 in float64 (MTF).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from seedbed.errors import InvalidConfig

Encoding = Literal["gasf", "gadf", "mtf"]
Series = NDArray[np.float32]
Images = NDArray[np.float32] | NDArray[np.float64]
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

SAME_EDGE = 1e-8
"""Quantiles that differ by no more are one bin edge, as in pyts."""


def images(
    signals: Series, encoding: Encoding, size: int, n_bins: int = 8, out: Images | None = None
) -> Images:
    """One image for each channel of each window.

    `signals` are (B, C, n) and the images (B, C, size, size), float32 unless `out`, C-contiguous and
    float32 or float64, is given to be filled. Each series is scaled by itself, so that its amplitude
    and offset are lost; a constant one gives all ones (GASF, MTF) or all zeros (GADF).

    `gasf`, `gadf`: with c the series averaged piecewise to `size` values, then scaled to [-1, 1], and
    s = sqrt(1 - c²): cos(φ_i + φ_j) = c_i c_j - s_i s_j, and sin(φ_i - φ_j) = s_i c_j - c_i s_j.
    `mtf`: averages, over blocks of the same pieces, of the probability of going from the bin of x_i to
    the bin of x_j in one step; `n_bins` quantile bins.

    Raises InvalidConfig when the window has fewer than `size` samples, or for fewer than 2 bins;
    ValueError for an `out` that does not fit.
    """
    batch, channels, n = signals.shape
    if size < 1:
        raise InvalidConfig(f"image_size {size}: an image has at least 1 pixel a side")
    if size > n:
        raise InvalidConfig(f"image_size {size} exceeds the window of {n} samples")
    if n_bins < 2:
        raise InvalidConfig(f"n_bins {n_bins}: an MTF needs at least 2")
    if out is None:
        out = np.empty((batch, channels, size, size), np.float32)
    if out.shape != (batch, channels, size, size) or not out.flags.c_contiguous:
        raise ValueError(f"out {out.shape}, expected C-contiguous {(batch, channels, size, size)}")
    series = np.ascontiguousarray(signals, np.float32).reshape(-1, n)
    flat = out.reshape(-1, size, size)
    bounds = np.linspace(0, n, size + 1).astype(np.int64)
    if encoding == "mtf":
        _fill_mtf(series, n_bins, bounds, flat)
    else:
        _fill_gaf(series, bounds, encoding == "gadf", flat)
    return out


def image_batches(
    signals: Series, encoding: Encoding, size: int, n_bins: int = 8, batch: int = 64
) -> Iterator[Images]:
    """The images of all windows (N, C, n), `batch` windows at a time, each over the one before."""
    buffer = np.empty((min(batch, len(signals)), signals.shape[1], size, size), np.float32)
    for start in range(0, len(signals), batch):
        part = signals[start : start + batch]
        yield images(part, encoding, size, n_bins, out=buffer[: len(part)])


def _fill_mtf(series: Series, n_bins: int, bounds: NDArray[np.int64], out: Images) -> None:
    """H W Hᵀ, with W the transitions between bins and H the share of each bin in each piece.

    That is the block mean of the n × n field, without the field: the mean of W[q_i, q_j] over a block
    depends on how often each bin occurs in its rows and columns, and on nothing else.
    """
    positions = np.linspace(0, 100, n_bins + 1)[1:-1] / 100 * (series.shape[1] - 1)
    shares = np.zeros((len(series), n_bins, len(bounds) - 1), out.dtype)
    transitions = np.zeros((len(series), n_bins, n_bins), out.dtype)
    _count(series, np.sort(series, axis=1), positions, bounds, shares, transitions)
    shares /= np.diff(bounds).astype(out.dtype)
    np.matmul(shares.transpose(0, 2, 1) @ transitions, shares, out=out)


def _compiled(function: FunctionT) -> FunctionT:
    """Compile with numba, once a machine: strict IEEE arithmetic, so that images are equal to pyts's."""
    return cast(FunctionT, njit(cache=True, nogil=True, error_model="numpy")(function))


@_compiled
def _fill_gaf(series: Series, bounds: NDArray[np.int64], difference: bool, out: Images) -> None:
    size = len(bounds) - 1
    pieces = np.empty((len(series), size))
    # All series before the first image: in turns with the images, it takes a tenth longer.
    for index in range(len(series)):
        _scaled_pieces(series[index], bounds, pieces[index])
    cos = np.empty(size, out.dtype)
    sin = np.empty(size, out.dtype)
    first, second = (sin, cos) if difference else (cos, sin)
    for index in range(len(series)):
        for i in range(size):
            cos[i] = pieces[index, i]
            # In float64: near 1, one rounding of float32 under the root would be 5e-4 after it.
            sin[i] = np.sqrt(min(max(1 - pieces[index, i] * pieces[index, i], 0.0), 1.0))
        for i in range(size):
            for j in range(size):
                out[index, i, j] = first[i] * cos[j] - second[i] * sin[j]


@_compiled
def _scaled_pieces(values: Series, bounds: NDArray[np.int64], out: NDArray[np.float64]) -> None:
    """Piecewise means, scaled to [-1, 1] in the order of scikit-learn's MinMaxScaler."""
    low, high = np.inf, -np.inf
    for piece in range(len(out)):
        total = 0.0
        # Unsigned, here and below: an index that may be negative costs a third more.
        for t in range(np.uint64(bounds[piece]), np.uint64(bounds[piece + 1])):
            total += values[t]
        out[piece] = total / (bounds[piece + 1] - bounds[piece])
        low, high = min(low, out[piece]), max(high, out[piece])
    scale = 2.0 / (high - low) if high - low >= 10 * np.finfo(np.float64).eps else 2.0
    offset = -1.0 - low * scale
    for piece in range(len(out)):
        out[piece] = out[piece] * scale + offset


@_compiled
def _count(
    series: Series,
    ordered: Series,
    positions: NDArray[np.float64],
    bounds: NDArray[np.int64],
    in_piece: Images,
    steps: Images,
) -> None:
    """Into zeros: a piece's values in each bin (B, bins, size), shares of steps a to b (B, bins, bins)."""
    n = series.shape[1]
    edges = np.empty(len(positions))
    bins = np.empty(n, np.uint32)
    for index in range(len(series)):
        count = _quantiles(ordered[index], positions, edges)
        bins[:] = 0
        for k in range(count):
            # The same values lie above the next float32 below the edge, and are compared twice as fast.
            edge = np.float32(edges[k])
            if edge > edges[k]:
                edge = np.nextafter(edge, np.float32(-np.inf))
            for t in range(n):
                bins[t] += series[index, t] > edge
        values, transitions = in_piece[index], steps[index]
        for piece in range(len(bounds) - 1):
            for t in range(np.uint64(bounds[piece]), np.uint64(bounds[piece + 1])):
                values[bins[t], piece] += 1
        for t in range(np.uint64(1), np.uint64(n)):
            transitions[bins[t - np.uint64(1)], bins[t]] += 1
        for k in range(len(transitions)):
            transitions[k] /= max(transitions[k].sum(), 1)  # a bin never left keeps zeros


@_compiled
def _quantiles(ordered: Series, positions: NDArray[np.float64], edges: NDArray[np.float64]) -> int:
    """Fill `edges` with the quantiles at `positions`, equal ones once; return how many there are.

    The interpolation is np.percentile's to the last bit, as a value may lie right on an edge.
    """
    count = 0
    for position in positions:
        below = int(position)
        # Not float(): numba leaves a float32 as it is.
        low, high = np.float64(ordered[below]), np.float64(ordered[min(below + 1, len(ordered) - 1)])
        weight = position - below
        edge = high - (high - low) * (1 - weight) if weight >= 0.5 else low + (high - low) * weight
        if count > 0 and abs(edge - edges[count - 1]) <= SAME_EDGE:
            count -= 1  # the later one stays: as in pyts, each is compared with the one computed before it
        edges[count] = edge
        count += 1
    return count
