"""Training state as bytes, exactly: no pickle, and no damage unnoticed.

A state is nested dicts (str or int keys, in their order), lists and tuples of None, bool, int, float, str,
bytes, tensors and numpy arrays. Its bytes are one safetensors file that any reader can open: tensors are
named by their path in the state (`state['model']['conv.weight']`), and the metadata entry `seedbed` holds a
sha256 of the whole file (taken with 64 zeros in its own place), followed by the rest of the state as JSON.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError

from seedbed.errors import CheckpointCorrupt

NATIVE = {
    torch.bool,
    *(torch.uint8, torch.uint16, torch.uint32, torch.uint64),
    *(torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64),
}
"""Tensor types that safetensors can both write and read; others are kept as their bytes."""

ENTRY = "seedbed"
MARK = f'"{ENTRY}":"'.encode()
"""What stands before the checksum. JSON escapes quotes in strings, so nothing before it looks like it."""

BLANK = b"0" * 64


@dataclass(frozen=True)
class Snapshot:
    """A copy of a state, out of reach of later changes to it; `encode` may run in another thread."""

    structure: Any
    """The state as JSON values; every tensor in it is a note, its content stands in `tensors`."""

    tensors: dict[str, torch.Tensor]
    """Path in the state -> a tensor on the CPU that shares no memory with another."""

    def encode(self) -> bytes:
        """The state as bytes for `decode`."""
        structure = json.dumps(self.structure, separators=(",", ":"), allow_nan=False)
        data = save_tensors(self.tensors, {ENTRY: BLANK.decode() + structure})
        start = data.index(MARK) + len(MARK)
        view = memoryview(data)
        return b"".join((view[:start], _checksum(view, start), view[start + len(BLANK) :]))


def snapshot(state: Any) -> Snapshot:
    """Copy a state. Raises TypeError, with the path inside the state, for what `encode` cannot keep."""
    tensors: dict[str, torch.Tensor] = {}
    return Snapshot(_describe(state, "state", tensors), tensors)


def encode(state: Any) -> bytes:
    """A state as bytes. Raises TypeError, with the path inside the state, for what cannot be kept.

    Ordered dicts come back as dicts, parameters as tensors without gradient, all tensors on the CPU.
    """
    return snapshot(state).encode()


def decode(data: bytes, place: str) -> Any:
    """The state that `encode` made these bytes of: bit for bit, with the strides of every dense tensor.

    Raises `CheckpointCorrupt`, naming `place`, when any bit of them is missing or altered.
    """
    start = data.find(MARK) + len(MARK)
    if start < len(MARK):
        raise CheckpointCorrupt(f"{place} is no checkpoint, or its beginning is lost")
    found, noted = _checksum(memoryview(data), start), data[start : start + len(BLANK)]
    if found != noted:
        raise CheckpointCorrupt(
            f"{place} is truncated or altered: its sha256 is {found[:12].decode()}…, "
            f"noted is {noted[:12].decode(errors='replace')}…"
        )
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    structure = json.loads(header["__metadata__"][ENTRY][len(BLANK) :])
    return _restore(structure, "state", load_tensors(data, place))


def save_tensors(tensors: Mapping[str, torch.Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """Tensors as a plain safetensors file; unlike the library's `save`, of any layout and with shared memory.

    Raises TypeError for a type that safetensors cannot read back.
    """
    for name, tensor in tensors.items():
        if tensor.dtype not in NATIVE:
            raise TypeError(f"{name} is of {tensor.dtype}, which a safetensors file cannot hold")
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return safetensors.torch.save(_unshared(plain), metadata)


def load_tensors(data: bytes, place: str) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file, on the CPU and contiguous.

    Raises `CheckpointCorrupt`, naming `place`, when the file is truncated or none. Altered values go
    unnoticed: plain files have no checksum of their own.
    """
    try:
        return safetensors.torch.load(data)
    except SafetensorError as error:
        raise CheckpointCorrupt(f"{place} cannot be read as safetensors: {error}") from error


def _unshared(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copies for those that share memory with one before: tied weights are written once a name."""
    seen: set[int] = set()
    alone = {}
    for name, tensor in tensors.items():
        memory = tensor.untyped_storage().data_ptr()
        alone[name] = tensor.clone() if memory in seen else tensor
        seen.add(memory)
    return alone


def _checksum(data: memoryview, start: int) -> bytes:
    """The sha256 (64 hex) of a file whose own checksum, at `start`, is counted as zeros."""
    digest = hashlib.sha256(data[:start])
    digest.update(BLANK)
    digest.update(data[start + len(BLANK) :])
    return digest.hexdigest().encode()


def _describe(value: Any, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    """The JSON note of a value; copies of its tensors are added to `tensors`.

    Values whose JSON is unmistakable stand for themselves, others are {kind: what the kind needs}.
    """
    kind = type(value)
    if value is None or kind in (bool, int, str) or (kind is float and math.isfinite(value)):
        return value
    if kind is float:
        return {"float": struct.pack(">d", value).hex()}
    if kind in (list, tuple):
        items = [_describe(item, f"{path}[{index}]", tensors) for index, item in enumerate(value)]
        return items if kind is list else {"tuple": items}
    if kind in (dict, OrderedDict):
        return {"dict": [_describe_item(key, item, path, tensors) for key, item in value.items()]}
    if kind is bytes:
        tensors[path] = _bytes_tensor(value)
        return {"bytes": {}}
    if kind is np.ndarray and value.dtype.kind in "biufcSUmM":
        return {"array": _describe_array(value, path, tensors)}
    if kind in (torch.Tensor, torch.nn.Parameter):
        return {"tensor": _describe_tensor(value, path, tensors)}
    raise TypeError(f"{path} is a {_kind_name(value)}, which a checkpoint cannot keep")


def _describe_item(key: Any, item: Any, path: str, tensors: dict[str, torch.Tensor]) -> list[Any]:
    if type(key) not in (str, int):
        raise TypeError(f"{path} has the key {key!r}, a {type(key).__name__}; a checkpoint keeps str and int")
    return [key, _describe(item, f"{path}[{key!r}]", tensors)]


def _describe_array(
    array: np.ndarray[Any, Any], path: str, tensors: dict[str, torch.Tensor]
) -> dict[str, Any]:
    order: Literal["C", "F"] = "F" if array.flags.fnc else "C"
    tensors[path] = _bytes_tensor(array.tobytes(order))
    return {"dtype": array.dtype.str, "shape": array.shape, "order": order}


def _describe_tensor(tensor: torch.Tensor, path: str, tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta:
        raise TypeError(f"{path} is a {_kind_name(tensor)}, which a checkpoint cannot keep")
    copy = tensor.detach().to("cpu", copy=True)
    note: dict[str, Any] = {"strides": copy.stride()}
    if copy.dtype not in NATIVE:
        note["raw"] = [str(copy.dtype).removeprefix("torch."), copy.shape]
        copy = copy.contiguous().reshape(-1).view(torch.uint8)
    tensors[path] = copy
    return note


def _restore(note: Any, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    """The value that `_describe` noted."""
    if isinstance(note, list):
        return [_restore(item, f"{path}[{index}]", tensors) for index, item in enumerate(note)]
    if not isinstance(note, dict):
        return note
    ((kind, content),) = note.items()
    if kind == "float":
        return struct.unpack(">d", bytes.fromhex(content))[0]
    if kind == "tuple":
        return tuple(_restore(content, path, tensors))
    if kind == "dict":
        return {key: _restore(item, f"{path}[{key!r}]", tensors) for key, item in content}
    if kind == "bytes":
        return tensors[path].numpy().tobytes()
    if kind == "array":
        flat = np.frombuffer(tensors[path].numpy().tobytes(), content["dtype"])
        return flat.reshape(content["shape"], order=content["order"]).copy(content["order"])
    return _restore_tensor(tensors[path], **content)


def _restore_tensor(
    stored: torch.Tensor, strides: list[int], raw: tuple[str, list[int]] | None = None
) -> torch.Tensor:
    if raw is not None:
        dtype, shape = raw
        stored = stored.view(getattr(torch, dtype)).reshape(shape)
    # Memory of torch's own, aligned as it was: on other alignments some kernels round differently.
    fresh = torch.empty_strided(stored.shape, strides, dtype=stored.dtype)
    return fresh.copy_(stored)


def _bytes_tensor(data: bytes) -> torch.Tensor:
    return torch.from_numpy(np.frombuffer(data, np.uint8).copy())


def _kind_name(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"{type(value).__name__} of {value.layout} on {value.device.type}"
    if isinstance(value, np.ndarray):
        return f"numpy {type(value).__name__} of {value.dtype}"
    return f"{type(value).__module__}.{type(value).__name__}"
