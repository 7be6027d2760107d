"""The arguments and options that commands share, and how they are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from seedbed.store import Store
    from seedbed.sweep import Form, Sweep

DEFAULT_STORE = "runs"

WORKFLOWS = Path(__file__).parents[3] / "workflows"


def sweep_names(incomplete: str = "") -> list[str]:
    """The sweeps in workflows/, for tab completion and error messages."""
    return [path.stem for path in sorted(WORKFLOWS.glob("*.yaml")) if path.stem.startswith(incomplete)]


SweepArgument = Annotated[
    str, typer.Argument(help="A sweep: its name in workflows/, or a file.", autocompletion=sweep_names)
]
StoreOption = Annotated[
    str,
    typer.Option("--store", envvar="SEEDBED_STORE", help="Where results are kept: a folder or s3://bucket."),
]
OnOption = Annotated[
    Literal["local", "argo"],
    typer.Option("--on", envvar="SEEDBED_ON", help="Here, or on the cluster that KUBECONFIG names."),
]
FullOption = Annotated[
    bool, typer.Option("--full", envvar="FULL", help="The full form, not the one cut down for a laptop.")
]
SeedsOption = Annotated[
    str | None, typer.Option("--seeds", help="Seeds instead of the sweep's own, such as 0-4 or 0,3,7.")
]

KeepOption = Annotated[
    bool,
    typer.Option(
        "--keep-winners",
        help="Stay with the recorded winners, whatever new seeds say of the stages they won.",
    ),
]


def sweep_file(sweep: str) -> Path:
    """The file of a sweep given by name or path; raises InvalidSweep with the nearest name."""
    from seedbed.errors import InvalidSweep, did_you_mean

    if sweep.endswith((".yaml", ".yml")) or "/" in sweep:
        path = Path(sweep)
        if _is_file(path):
            return path
        raise InvalidSweep(f"{path}: no such file; {did_you_mean(path.stem, sweep_names())}")
    path = WORKFLOWS / f"{sweep}.yaml"
    if _is_file(path):
        return _nearest_spelling(path)
    raise InvalidSweep(f"no sweep is called {sweep!r}; {did_you_mean(sweep, sweep_names())}")


def open_sweep(sweep: str, full: bool, seeds: str | None) -> tuple[Sweep, Form]:
    """The sweep in the form that is asked for: the laptop form, where the file has one, unless `full`."""
    from seedbed.sweep.laptop import in_form, with_seeds
    from seedbed.sweep.workflow import read_sweep

    read = read_sweep(sweep_file(sweep))
    read = read if seeds is None else with_seeds(read, seeds)
    form: Form = "full" if full or not read.laptop else "laptop"
    return in_form(read, form), form


def store_at(url: str, on: str = "local") -> Store:
    """The store of a command; on a cluster its own, unless another one is named."""
    from seedbed.store import open_store

    if on == "argo" and url == DEFAULT_STORE:
        from seedbed.argo.access import cluster_store

        url = cluster_store()
    return open_store(url)


def _is_file(path: Path) -> bool:
    """Whether a file stands there; raises InvalidSweep where the system does not let one look."""
    from seedbed.errors import InvalidSweep

    try:
        return path.is_file()
    except OSError as error:
        raise InvalidSweep(f"{path}: {error.strerror}; expected a sweep's file or its name") from None


def _nearest_spelling(path: Path) -> Path:
    """The path from here, where that is shorter to read."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
