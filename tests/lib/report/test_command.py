"""`seedbed report`, and that a page lies beside the tables of what was submitted."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner, Result

from seedbed.cli import app
from seedbed.errors import Incomplete, InvalidConfig, InvalidSweep
from seedbed.store import Store
from tests.lib.report.conftest import MakeRun
from tests.lib.report.reading import read

STAGES = {"s": {"config": {"role": "leader", "steps": 2}}}


def typed(store: Store, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["report", *arguments, "--store", store.url])


def test_it_is_written_beside_the_tables_and_says_where(make_run: MakeRun, store: Store) -> None:
    made = make_run(STAGES)
    done = typed(store, "toy-sweep")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [f"report  {store.place('sweeps/toy-sweep/latest-full/report.html')}"]
    page = read((store.read(f"{made.run.folder}/report.html") or b"").decode())
    assert page.one("h1").text == "Which toy is best?"


def test_it_can_be_put_into_a_file(make_run: MakeRun, store: Store, tmp_path: Path) -> None:
    made = make_run(STAGES)
    done = typed(store, "toy-sweep", "--output", str(tmp_path / "page.html"))
    assert done.exit_code == 0, done.output
    assert (tmp_path / "page.html").read_text() == made.html()
    nowhere = typed(store, "toy-sweep", "--output", str(tmp_path / "no/x.html")).exception
    assert isinstance(nowhere, InvalidConfig)
    assert str(nowhere) == f"--output {tmp_path}/no/x.html: there is no folder {tmp_path}/no"


def test_a_page_with_gaps_is_written_and_the_command_ends_as_incomplete(
    make_run: MakeRun, store: Store
) -> None:
    made = make_run(STAGES, wanted=lambda trial: trial.seed > 0)
    done = typed(store, "toy-sweep")
    assert isinstance(done.exception, Incomplete)
    assert store.read(f"{made.run.folder}/report.html")


def test_a_sweep_that_was_not_submitted_is_refused_with_the_nearest_name(
    make_run: MakeRun, store: Store
) -> None:
    make_run(STAGES)
    done = typed(store, "toy-swep")
    assert isinstance(done.exception, InvalidSweep)
    assert "did you mean 'toy-sweep'" in str(done.exception)
