"""The command line. Each command's module is small and loads what it needs when it runs, so that --help is quick."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

import typer

from seedbed.cli import (
    cluster,
    compare,
    cost,
    data,
    exporter,
    inspect,
    new_family,
    pages,
    report,
    run,
    selftest,
    stage,
    template,
    watch,
)
from seedbed.cli.ending import end
from seedbed.errors import SeedbedError

app = typer.Typer(
    name="seedbed",
    help="Run families of training experiments as seeded repeats and grids, and get tables to believe.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
COMMANDS: tuple[Callable[..., None], ...] = (
    run.submit,
    inspect.plan,
    inspect.status,
    watch.watch,
    inspect.logs,
    inspect.table,
    cost.cost,
    compare.compare,
    report.report,
    pages.pages,
    cluster.stop,
    cluster.resume,
    template.template,
    inspect.check,
    inspect.families,
    new_family.new_family,
    selftest.selftest,
)
for command in COMMANDS:
    app.command()(command)
app.command(hidden=True)(exporter.exporter)
app.add_typer(data.app, name="data")
app.add_typer(stage.app, name="stage", hidden=True)


def main() -> None:
    """Run the command line and leave with the exit code that the error tree says."""
    try:
        app()
    except SeedbedError as error:
        sys.exit(end(error.exit_code, str(error)))
    except BrokenPipeError:  # `seedbed … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # a bug, told in words after its traceback
        traceback.print_exc()
        sys.exit(end(os.EX_SOFTWARE, f"this is a bug: {type(error).__name__}: {error}"))
