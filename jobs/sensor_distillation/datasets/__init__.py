"""The data sets of sensor_distillation, by name: those of SETS, and `ucr/<Name>`.

    data = open_dataset("watch", window=200)
    data.description   # what is known without reading anything
    data.fingerprint() # what the files hold; cheap, for planning
    data.load()        # the windows

A further set is a module with `open_set` and a line in SETS.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from jobs.sensor_distillation.datasets import geneactiv, pamap2, uci_har, ucr, ucr_files, watch
from jobs.sensor_distillation.datasets.common import Dataset, Description, Windows
from seedbed.data import Files
from seedbed.errors import BadData, InvalidConfig, did_you_mean

__all__ = ["Dataset", "Description", "Windows", "describe_sets", "files_of", "open_dataset", "window_here"]

SETS: Final[dict[str, Callable[[int | None], Dataset]]] = {
    "watch": watch.open_set,
    "uci_har": uci_har.open_set,
    "pamap2": pamap2.open_set,
    "geneactiv14": partial(geneactiv.open_set, 14),
    "geneactiv7": partial(geneactiv.open_set, 7),
}

FILES: Final[dict[str, Callable[[], Files]]] = {
    "uci_har": uci_har.files,
    "pamap2": pamap2.files,
    **{
        f"geneactiv{classes}-{window}": partial(geneactiv.files, classes, window)
        for classes in (14, 7)
        for window in geneactiv.WINDOWS
    },
}
"""What a store keeps, by the name that it has there; windows of another length are another set."""


def open_dataset(name: str, window: int | None = None) -> Dataset:
    """The data set called `name`; nothing is read before it is asked for.

    `window` is the length of a window in samples, for sets that are cut into windows here (None: the
    set's own default). Raises InvalidConfig for an unknown name, and for a window that the set
    cannot have.
    """
    if name.startswith("ucr/"):
        return ucr.open_set(name.removeprefix("ucr/"), window)
    if name not in SETS:
        raise InvalidConfig(f"no data set is called {name!r}; {did_you_mean(name, [*SETS, 'ucr/<Name>'])}")
    return SETS[name](window)


def window_here(name: str) -> int | None:
    """Samples in a window of a UCR set, by its files; None where they are not here, and for every other name."""
    family, _, own = name.partition("/")
    return ucr.window_here(own) if family == "ucr" and ucr_files.NAME.fullmatch(own) else None


def files_of(name: str) -> Files | None:
    """The files of a set, for a store; None for what is no set's name there.

    Raises BadData when they are not here, InvalidConfig for a name with which no file goes.
    """
    if name.startswith("ucr/"):
        return ucr.files(name.removeprefix("ucr/"))
    if name == "watch":
        raise InvalidConfig("data watch: comes with the package seglearn, in every image; it needs no push")
    if name in FILES or name not in SETS:
        return FILES[name]() if name in FILES else None
    forms = " or ".join(known for known in FILES if known.startswith(f"{name}-"))
    raise InvalidConfig(f"data {name}: is kept by the length of its windows; push {forms}")


def describe_sets() -> dict[str, str]:
    """The names that `open_dataset` takes: what each set is, whether it is here, where a person can get it."""
    here = [f"ucr/{name}" for name in ucr_files.names_on_disk()]
    told = {name: _describe(open_dataset(name)) for name in [*SETS, *here]}
    told |= {place: f"cannot be used: {error}" for place, error in ucr_files.unusable().items()}
    return told | {"ucr/<Name>": f"any set in the archive's .tsv, .txt or .ts format; {ucr.ADDRESS}"}


def _describe(dataset: Dataset) -> str:
    about = dataset.description
    try:
        state = f"here{_as_published(about)}, fingerprint {dataset.fingerprint()[:16]}"
    except BadData as error:
        state = f"cannot be used: {error}"
    classes = f"{about.classes} classes, " if about.classes else ""
    return f"{classes}{about.channels} channels; {state}"


def _as_published(about: Description) -> str:
    """Whether the files that are here are those that were published, where that can be told."""
    held = files_of(about.name) if about.published else None
    known = [entry for entry in held.entries if entry.name in about.published] if held else []
    if not known:
        return ""
    other = [entry.name for entry in known if entry.sha256 != about.published[entry.name]]
    return f", but differs from what was published in {', '.join(other)}" if other else " as published"
