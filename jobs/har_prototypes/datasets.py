"""The data sets: UCI-HAR, others in its layout, and a made-up one for where there are no data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from jobs.har_prototypes import made
from seedbed import data
from seedbed.data import Files, data_roots, files_at, find, known_fingerprint, listed, reading
from seedbed.errors import BadData, InvalidConfig, did_you_mean
from seedbed.readers import uci_har
from seedbed.readers.windows import Windows

FOLDER: Final = "har"
"""Where other sets in UCI-HAR's layout lie, each as a folder or an archive `<Name>.npz`."""
OWN: Final = re.compile(r"[\w-]+")
NAMES: Final = ("uci_har", "made", "har/<Name>")


def check_name(name: str) -> None:
    """Raise InvalidConfig for a name that no data set can have; nothing is looked for."""
    if name in ("uci_har", "made"):
        return
    prefix, _, own = name.partition("/")
    if prefix != FOLDER:
        raise InvalidConfig(f"no data set is called {name!r}; {did_you_mean(name, NAMES)}")
    if not OWN.fullmatch(own):
        raise InvalidConfig(f"{name!r}: a set's name has letters, digits, - and _ only")


def fingerprint(name: str) -> str:
    """SHA-256 in hex that follows from the content of a set's files; raises BadData when they are not there."""
    if name == "made":
        return made.fingerprint()
    return known_fingerprint(name, lambda: data.fingerprint(_files(name)))


def files_of(name: str) -> Files | None:
    """The files of a set, for a store; None for what is no set's name there.

    Raises BadData when they are not here, InvalidConfig for a name with which no file goes.
    """
    if name == "made":
        raise InvalidConfig("data made: is made up where it is used; it needs no push")
    if name != "uci_har" and not name.startswith(f"{FOLDER}/"):
        return None
    check_name(name)
    return files_at(_files(name))


def load_windows(name: str) -> Windows:
    """All windows of a set; raises BadData for data that is absent or contradicts itself."""
    if name == "made":
        return made.windows()
    source = _source(name)
    return uci_har.load(source, _form(name, source), name)


def describe_sets() -> dict[str, str]:
    """The names that `load_windows` takes: what each set is, whether it is here, where a person can get it."""
    here, unlisted = _names_on_disk()
    told = {name: _describe(name) for name in ("uci_har", *here)}
    told["made"] = f"{made.CLASSES} classes, {made.CHANNELS} channels; made up where it is used"
    told |= unlisted
    return told | {
        f"{FOLDER}/<Name>": f"any set in UCI-HAR's layout, in {FOLDER}/<Name> or {FOLDER}/<Name>.npz"
    }


def _names_on_disk() -> tuple[list[str], dict[str, str]]:
    """The sets that lie in one of the data folders, and what is told of a folder that cannot be looked through."""
    names: set[str] = set()
    unlisted: dict[str, str] = {}
    for root in data_roots():
        try:
            names.update(_names_in(root / FOLDER))
        except BadData as error:
            unlisted[FOLDER] = f"cannot be used: {error}"
    return sorted(f"{FOLDER}/{name}" for name in names if OWN.fullmatch(name)), unlisted


def _names_in(folder: Path) -> set[str]:
    with reading(folder):
        there = [path for path in listed(folder) if path.is_dir() or path.suffix == ".npz"]
    return {path.name.removesuffix(".npz") for path in there}


def _source(name: str) -> Path:
    if name == "uci_har":
        return find(uci_har.ORIGINAL, uci_har.COMPACT, data=name, address=uci_har.ADDRESS)
    return find(name, f"{name}.npz", data=name, address="whoever recorded it")


def _form(name: str, source: Path) -> uci_har.Form:
    """What a set has to hold: UCI-HAR what was published, another what it holds."""
    return uci_har.UCI_HAR if name == "uci_har" else uci_har.found_form(source)


def _files(name: str) -> list[Path]:
    """The files that a set is made of; the names of its activities too, where they are its own."""
    source = _source(name)
    files = uci_har.source_files(source, _form(name, source))
    names = source / uci_har.ACTIVITIES
    return [*files, names] if name != "uci_har" and names.is_file() else files


def _describe(name: str) -> str:
    try:
        form = _form(name, _source(name))
        state = f"here, fingerprint {fingerprint(name)[:16]}"
    except BadData as error:
        return f"cannot be used: {error}"
    return f"{len(form.classes)} classes, {len(form.channels)} channels; {state}"
