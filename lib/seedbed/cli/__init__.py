"""The command line. Each command's module is small and loads what it needs when it runs, so that --help is quick."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable
from io import TextIOWrapper
from typing import TextIO

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
    _prepare_output()
    streams = (sys.stdout, sys.stderr)  # click puts others in their place when a pipe breaks
    try:
        code = _command()
    except SeedbedError as error:
        code = end(error.exit_code, str(error))
    except Exception as error:
        if isinstance(error, OSError) and any(_why_lost(stream, "\n") for stream in streams):
            code = _after_loss(error)
        else:  # a bug, told in words after its traceback
            traceback.print_exc()
            code = end(os.EX_SOFTWARE, f"this is a bug: {type(error).__name__}: {error}")
    for stream in streams:
        if (why := _why_lost(stream)) and not code:
            code = _after_loss(why)
    sys.exit(code)


def _command() -> str | int | None:
    """Run a command; returns its exit code, and raises also what click hides behind one of its own."""
    try:
        app()
    except SystemExit as left:
        hidden = getattr(left.__context__, "__cause__", None) or left.__context__
        if isinstance(hidden, BrokenPipeError | EOFError):
            raise hidden from None
        return left.code
    return os.EX_OK


def _prepare_output() -> None:
    """What is closed leads nowhere; a letter that the output's encoding lacks is printed as a question mark."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(_nowhere(), "w", encoding="utf-8"))
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _why_lost(stream: TextIO, text: str = "") -> OSError | None:
    """Why what is printed to a stream, such as this text, is lost: it leads nowhere then; None when it is not."""
    try:
        print(end=text, file=stream, flush=True)
    except OSError as why:
        os.dup2(_nowhere(), stream.fileno())  # for the interpreter's own last flush
        return why
    return None


def _nowhere() -> int:
    """Where what nobody can read goes, for as long as the process lasts."""
    return os.open(os.devnull, os.O_WRONLY)


def _after_loss(why: OSError) -> int:
    """The exit code of a command that cannot print."""
    if why.errno == errno.EPIPE:  # `seedbed … | head`
        return os.EX_OK
    return end(os.EX_TEMPFAIL, f"the output cannot be written: {why.strerror}; put that right")
