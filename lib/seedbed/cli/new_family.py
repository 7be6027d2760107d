"""The command that starts a family."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).parents[3]
"""The repository: where jobs/ and tests/ stand."""


def new_family(
    name: Annotated[str, typer.Argument(help="Its name: a Python name, that of its folder in jobs/.")],
    root: Annotated[Path, typer.Option(help="The repository to write to.", hidden=True)] = ROOT,
) -> None:
    """Start a family: a small one that trains, with its tests, to be changed file by file."""
    from seedbed.family import family_names
    from seedbed.skeleton import new_family as write

    for path in write(root, name, family_names()):
        print(path.relative_to(root))
    print('\n"make golden" pins its defaults and first numbers; then change what you need, file by file.')
