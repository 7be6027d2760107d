"""State goes to bytes and back unchanged, and damaged bytes are noticed."""

from __future__ import annotations

import math
import struct
from collections import OrderedDict, defaultdict
from typing import Any, NamedTuple

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbed.codec import NATIVE, decode, encode, load_tensors, save_tensors, snapshot
from seedbed.errors import CheckpointCorrupt

OTHERS = {torch.complex128, torch.float8_e4m3fn, torch.float8_e5m2}
DTYPES = sorted(NATIVE | OTHERS, key=str)
ARRAY_DTYPES = ["?", "u1", "<i4", ">i8", "<f2", "<f4", ">f8", "<c8", "<c16", "S3", "<U2", "<M8[ns]", "<m8[s]"]


class Pair(NamedTuple):
    first: int
    second: int


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def same(one: Any, two: Any) -> bool:
    """Equal in every bit and type, where == is blind to 1 and True, 0.0 and -0.0, nan and nan."""
    if type(one) is not type(two):
        return False
    if isinstance(one, dict):
        return same(list(one.items()), list(two.items()))
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, float):
        return struct.pack("d", one) == struct.pack("d", two)
    if isinstance(one, np.ndarray):
        return layout(one) == layout(two) and one.tobytes() == two.tobytes()
    if isinstance(one, torch.Tensor):
        return (one.dtype, one.shape, one.stride(), bits(one)) == (
            two.dtype,
            two.shape,
            two.stride(),
            bits(two),
        )
    return bool(one == two)


def layout(array: np.ndarray[Any, Any]) -> tuple[Any, ...]:
    return array.dtype, array.shape, array.flags.c_contiguous, array.flags.f_contiguous


def back(state: Any) -> Any:
    return decode(encode(state), "test.ckpt")


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    """Any bits in any dense layout, of up to four dimensions, also of none and of length 0."""
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(st.lists(st.integers(0, 3), max_size=4))
    size = math.prod(shape) * dtype.itemsize
    data = draw(st.binary(min_size=size, max_size=size))
    if dtype is torch.bool:
        data = bytes(byte & 1 for byte in data)
    flat = torch.tensor(list(data), dtype=torch.uint8).view(dtype)
    return flat.reshape(shape).permute(draw(st.permutations(range(len(shape)))))


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray[Any, Any]:
    dtype = np.dtype(draw(st.sampled_from(ARRAY_DTYPES)))
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    size = math.prod(shape) * dtype.itemsize
    data = bytes(size) if dtype.kind in "bU" else draw(st.binary(min_size=size, max_size=size))
    return np.frombuffer(data, dtype).reshape(shape, order=draw(st.sampled_from("CF")))


keys = st.text(max_size=3) | st.integers()
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | tensors() | arrays()
)
states = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=200)
@given(states)
def test_any_state_comes_back_in_every_bit(state: Any) -> None:
    assert same(back(state), state)


@pytest.mark.parametrize(
    "state",
    [
        {"1": "text", 1: "int", -1: None},
        {"b": 1, "a": 2},
        [True, 1, 1.0, False, 0, 0.0, -0.0],
        [math.nan, -math.nan, math.inf, -math.inf, 5e-324, 1.7976931348623157e308],
        struct.unpack(">d", bytes.fromhex("7ff8dead0000beef"))[0],
        [(), [], {}, ("a", [("b",)])],
        ["\ud800", '"seedbed":"', "\0", "ü"],
        [b"", b'"seedbed":"' + b"0" * 64],
        2**200,
        {'"seedbed":"': torch.ones(2), "a']['b": torch.zeros(1), "a": {"b": torch.ones(1)}},
    ],
    ids=repr,
)
def test_what_json_would_blur_stays_apart(state: Any) -> None:
    assert same(back(state), state)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,), (5,), (2, 3)], ids=str)
def test_a_tensor_of_every_type_and_shape_comes_back(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    tensor = torch.arange(math.prod(shape)).to(dtype).reshape(shape)
    assert same(back(tensor), tensor)


def test_the_payload_of_a_nan_is_kept() -> None:
    for dtype, whole in (
        (torch.float32, torch.int32),
        (torch.bfloat16, torch.int16),
        (torch.float64, torch.int64),
    ):
        tensor = torch.tensor([-1, -2, -3], dtype=whole).view(dtype)
        assert tensor.isnan().all()
        assert back(tensor).view(whole).tolist() == [-1, -2, -3]


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        torch.randn(2, 1, 4, 5).to(memory_format=torch.channels_last),
        torch.randn(1, 3, 1, 1).to(memory_format=torch.channels_last),
        torch.randn(2, 3, 4, 5, 6).to(memory_format=torch.channels_last_3d),
        torch.randn(4, 5).t(),
        torch.randn(2, 3, 4).permute(2, 0, 1),
        torch.randn(2, 3, dtype=torch.complex128).t(),
    ],
    ids=lambda tensor: f"{tuple(tensor.shape)} {tensor.stride()}",
)
def test_dense_layouts_keep_their_strides(tensor: torch.Tensor) -> None:
    assert back(tensor).stride() == tensor.stride()
    assert torch.equal(back(tensor), tensor)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.arange(10)[3:7],
        torch.arange(10)[::2],
        torch.arange(3).expand(4, 3),
        torch.arange(12).reshape(3, 4)[:, 1:3],
        torch.complex(torch.ones(2), torch.ones(2)).conj(),
        torch.complex(torch.ones(2), torch.ones(2)).conj().imag,
    ],
    ids=["slice", "step", "expanded", "columns", "conjugate", "negative"],
)
def test_a_view_keeps_its_values_without_the_rest_of_its_memory(tensor: torch.Tensor) -> None:
    assert torch.equal(back(tensor), tensor)
    assert len(encode({"a": torch.zeros(100_000)[:1]})) < 1000


def test_a_decoded_tensor_can_be_written_and_is_aligned_like_any_other() -> None:
    state = back({"a": b"x", "b": torch.ones(3, dtype=torch.uint8), "c": torch.ones(1000), "d": np.ones(3)})
    state["c"] += 1
    state["d"] += 1
    assert state["c"].data_ptr() % 64 == 0
    assert not state["c"].requires_grad


def test_tied_tensors_are_each_kept() -> None:
    weight = torch.randn(3)
    state = {"encoder": weight, "decoder": weight, "part": weight[1:]}
    assert same(back(state), state)


def test_the_state_of_a_training_comes_back_and_fits_its_model() -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    model.to(memory_format=torch.channels_last)
    moments = {
        index: {"step": torch.tensor(3.0), "exp_avg": torch.randn_like(weight)}
        for index, weight in enumerate(model.parameters())
    }
    group = {"lr": 1e-3, "betas": (0.9, 0.999), "foreach": None, "amsgrad": False, "params": [0, 1, 2, 3]}
    state = {
        "model": dict(model.state_dict()),
        "optimizer": {"state": moments, "param_groups": [group]},
        "rng": torch.get_rng_state(),
        "best": {"epoch": 3, "val/loss": math.inf},
    }
    found = back(state)
    assert same(found, state)
    resumed = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    resumed.load_state_dict(found["model"])
    assert all(map(torch.equal, resumed.parameters(), model.parameters()))


def test_a_numpy_generator_goes_on_exactly_as_before() -> None:
    generator = np.random.Generator(np.random.MT19937(3))
    resumed = np.random.Generator(np.random.MT19937(4))
    resumed.bit_generator.state = back(generator.bit_generator.state)
    assert resumed.normal(size=5).tobytes() == generator.normal(size=5).tobytes()


@pytest.mark.parametrize(
    ("state", "complaint"),
    [
        ({"a": [1, {2}]}, r"state\['a'\]\[1\] is a builtins.set"),
        ({"best": np.float64(0.5)}, r"state\['best'\] is a numpy.float64"),
        ({"f": len}, r"state\['f'\] is a builtins.builtin_function_or_method"),
        ({1: {(2, 3): 4}}, r"state\[1\] has the key \(2, 3\), a tuple"),
        ({"a": {True: 1}}, r"state\['a'\] has the key True, a bool"),
        ([Pair(1, 2)], r"state\[0\] is a .*Pair"),
        ([defaultdict(list)], r"state\[0\] is a collections.defaultdict"),
        ([torch.float32], r"state\[0\] is a torch.dtype"),
        ([torch.eye(2).to_sparse()], r"state\[0\] is a Tensor of torch.sparse_coo on cpu"),
        ([torch.empty(2, device="meta")], r"state\[0\] is a Tensor of torch.strided on meta"),
        ([np.array([None])], r"state\[0\] is a numpy ndarray of object"),
        ([np.ma.array([1])], r"state\[0\] is a numpy MaskedArray of int64"),
    ],
    ids=str,
)
def test_what_cannot_be_kept_is_named_by_its_path(state: Any, complaint: str) -> None:
    with pytest.raises(TypeError, match=f"{complaint}.*a checkpoint"):
        snapshot(state)


def test_ordered_dicts_and_parameters_come_back_plain() -> None:
    state = OrderedDict(weight=torch.nn.Parameter(torch.ones(2)))
    assert same(back(state), {"weight": torch.ones(2)})


def test_a_snapshot_does_not_see_later_changes() -> None:
    tensor, transposed, array, items = torch.zeros(2), torch.zeros(2, 2).t(), np.zeros(2), [1]
    copy = snapshot([tensor, transposed, array, items])
    tensor += 1
    transposed += 1
    array += 1
    items.append(2)
    expected = [torch.zeros(2), torch.zeros(2, 2).t(), np.zeros(2), [1]]
    assert same(decode(copy.encode(), "test.ckpt"), expected)


def test_a_flip_of_any_bit_is_noticed() -> None:
    data = encode({"step": 3, "weight": torch.tensor([1.0, 2.0]), "text": b"x", "nan": math.nan})
    for place in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[place] ^= 1 << bit
            with pytest.raises(CheckpointCorrupt, match=r"^trials/a/3\.ckpt is "):
                decode(bytes(damaged), "trials/a/3.ckpt")


def test_a_truncation_or_extension_of_any_length_is_noticed() -> None:
    data = encode({"step": 3, "weight": torch.tensor([1.0, 2.0])})
    for damaged in [*(data[:length] for length in range(len(data))), data + b"\0", data + data]:
        with pytest.raises(CheckpointCorrupt, match=r"^trials/a/3\.ckpt is "):
            decode(damaged, "trials/a/3.ckpt")


def test_one_state_has_one_encoding() -> None:
    def state() -> dict[str, Any]:
        return {name: torch.ones(index) for index, name in enumerate("hgfedcba")}

    assert len({encode(state()) for _ in range(10)}) == 1


def test_an_encoded_state_is_a_safetensors_file_that_names_tensors_by_their_path() -> None:
    data = encode({"model": {"conv.weight": torch.ones(2, 3).t()}})
    (name, tensor), *rest = safetensors.torch.load(data).items()
    assert name == "state['model']['conv.weight']"
    assert torch.equal(tensor, torch.ones(3, 2))
    assert not rest


def test_saved_tensors_are_read_by_any_safetensors_reader() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2), torch.nn.Linear(2, 2))
    model[2].weight = model[0].weight
    model.to(memory_format=torch.channels_last)
    weights = {**model.state_dict(), "image": torch.randn(1, 2, 3, 3).to(memory_format=torch.channels_last)}
    data = save_tensors(weights)
    read = safetensors.torch.load(data)
    assert read.keys() == weights.keys()
    assert all(torch.equal(read[name], weights[name]) for name in weights)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in load_tensors(data, "best").items())


def test_tensors_that_could_not_be_read_back_are_not_saved() -> None:
    with pytest.raises(TypeError, match=r"weight is of torch\.complex128"):
        save_tensors({"weight": torch.ones(2, dtype=torch.complex128)})


def test_truncated_tensors_are_noticed_and_named() -> None:
    data = save_tensors({"weight": torch.ones(20)})
    for length in (0, 7, 30, len(data) - 1):
        with pytest.raises(CheckpointCorrupt, match=r"^weights/best cannot be read as safetensors"):
            load_tensors(data[:length], "weights/best")
