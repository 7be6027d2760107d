"""Finished trials, as those that build on them see them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from seedbed.codec import decode, encode, load_tensors
from seedbed.config import Config
from seedbed.errors import BadData
from seedbed.family import load_family
from seedbed.identity import digest
from seedbed.planning import InputRef
from seedbed.results import Result, read_file, read_result
from seedbed.store import Store

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class FinishedTrial:
    """A finished trial: its result, its config, its weights, and what is computed from them once."""

    store: Store
    folder: str
    result: Result
    which: str
    """Which of its weights are used: best or last."""

    @classmethod
    def open(cls, store: Store, ref: InputRef) -> FinishedTrial:
        """The trial that a reference names; raises BadData when it has no usable result."""
        folder = f"trials/{ref.family}/{ref.trial}"
        result = read_result(store, folder)
        if result is None:
            raise BadData(f"{store.place(folder)}: has no result, and a trial builds on it")
        if result.status != "finished":
            raise BadData(f"{store.place(folder)}: {result.status}, so that nothing can build on it")
        return cls(store, folder, result, ref.weights)

    @property
    def id(self) -> str:
        """Its identity."""
        return self.result.trial

    @property
    def config(self) -> Config:
        """Its config, as its family reads it."""
        return load_family(self.result.family).read(self.result.config)

    def weights(self) -> dict[str, torch.Tensor]:
        """Its weights and buffers, on the CPU; raises BadData when the file is damaged."""
        name = f"weights/{self.which}.safetensors"
        return load_tensors(self.file(name), self.store.place(f"{self.folder}/{name}"))

    def units(self) -> Mapping[str, list[str]]:
        """The units in each of its splits."""
        split: Mapping[str, list[str]] = json.loads(self.file("split.json"))
        return split

    def file(self, name: str) -> bytes:
        """A file that it left, checked against the result's checksum; raises BadData."""
        return read_file(self.store, self.folder, self.result, name)

    def once(self, name: str, depends: Mapping[str, str], compute: Callable[[], Arrays]) -> Arrays:
        """Arrays computed from this trial once and kept beside it, such as its logits on a data set.

        `depends` is all that they depend on beside the trial and its weights: data,
        split, transform. Whoever comes first computes; everybody reads the same bits.
        """
        about = digest({"weights": self.which, "file": self.result.files, **depends})
        key = f"{self.folder}/artifacts/{name}-{about}.safetensors"
        data = self.store.read(key)
        if data is None:
            self.store.create(key, encode(compute()))
            data = self.store.read(key) or b""
        arrays: Arrays = decode(data, self.store.place(key))
        return arrays
