"""The data sets: UCI-HAR, others in its layout, and a made-up one for where there are no data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from jobs.har_prototypes import made
from seedbed.data import data_roots, find
from seedbed.errors import BadData, InvalidConfig, did_you_mean
from seedbed.readers import uci_har
from seedbed.readers.windows import Windows

FOLDER: Final = "har"
"""Where other sets in UCI-HAR's layout lie, each as a folder or an archive `<Name>.npz`."""
NAMES: Final = ("uci_har", "made", "har/<Name>")


def check_name(name: str) -> None:
    """Raise InvalidConfig for a name that no data set can have; nothing is looked for."""
    if name in ("uci_har", "made"):
        return
    prefix, _, own = name.partition("/")
    if prefix != FOLDER:
        raise InvalidConfig(f"no data set is called {name!r}; {did_you_mean(name, NAMES)}")
    if not re.fullmatch(r"[\w-]+", own):
        raise InvalidConfig(f"{name!r}: a set's name has letters, digits, - and _ only")


def fingerprint(name: str) -> str:
    """SHA-256 in hex that follows from the content of a set's files; raises BadData when they are not there."""
    if name == "made":
        return made.fingerprint()
    source = _source(name)
    return uci_har.source_fingerprint(source, uci_har.found_form(source))


def load_windows(name: str) -> Windows:
    """All windows of a set; raises BadData for data that is absent or contradicts itself."""
    if name == "made":
        return made.windows()
    source = _source(name)
    return uci_har.load(source, uci_har.found_form(source), name)


def describe_sets() -> dict[str, str]:
    """The names that `load_windows` takes: what each set is, whether it is here, where a person can get it."""
    here = sorted({f"{FOLDER}/{path.stem}" for root in data_roots() for path in (root / FOLDER).glob("*")})
    told = {name: _describe(name) for name in ("uci_har", *here)}
    told["made"] = f"{made.CLASSES} classes, {made.CHANNELS} channels; made up where it is used"
    return told | {
        f"{FOLDER}/<Name>": f"any set in UCI-HAR's layout, in {FOLDER}/<Name> or {FOLDER}/<Name>.npz"
    }


def _source(name: str) -> Path:
    if name == "uci_har":
        return find(uci_har.ORIGINAL, uci_har.COMPACT, data=name, address=uci_har.ADDRESS)
    return find(name, f"{name}.npz", data=name, address="whoever recorded it")


def _describe(name: str) -> str:
    try:
        form = uci_har.found_form(_source(name))
        state = f"here, fingerprint {fingerprint(name)[:16]}"
    except BadData as error:
        return f"cannot be used: {error}"
    return f"{len(form.classes)} classes, {len(form.channels)} channels; {state}"
