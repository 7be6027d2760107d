"""What it costs to tell Prometheus of 100,000 trials: the exporter's memory, and how long a look and a scrape take.

python -m tests.bench.exporter
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from seedbed.planning import PlannedTrial
from seedbed.run_records import Run, StageRecord, latest_folder
from seedbed.store import Store, open_store
from seedbed.sweep.language import TablePlan
from tests.bench._timing import Line, show, took, wall_seconds
from tests.bench.results import seaweed, trial_of

TRIALS = 100_000
SEEDBED = str(Path(sys.executable).with_name("seedbed"))
SCRAPES = 20
RESULT = {
    "status": "finished",
    "finished_at": "2026-01-01T00:00:00+00:00",
    "attempts": 1,
    "config": "x" * 2500,
}


def main() -> None:
    usual = {"first": (25_000, 25_000), "second": (50_000, 50_000), "third": (25_000, 5_000)}
    with tempfile.TemporaryDirectory() as folder:
        fill(open_store(folder), usual)
        show(f"{TRIALS:,} trials in a folder, two of three stages compacted", measured(folder))
    with tempfile.TemporaryDirectory() as folder:
        fill(open_store(folder), {"all": (TRIALS, 5_000)})
        show(f"{TRIALS:,} trials in a folder, in one stage that runs", measured(folder))
    with seaweed() as store:
        fill(store, usual)
        show(f"{TRIALS:,} trials in S3, two of three stages compacted", measured(store.url))


def fill(store: Store, stages: dict[str, tuple[int, int]]) -> None:
    """A run: by stage, its trials and how many of them have results; a hundred are at work where some are left."""
    run = Run("made-up", "Made up", "full", "made-up-abcde", "2026-01-01T00:00:00+00:00", "", list(stages))
    store.write(f"{run.folder}/sweep.json", json.dumps(asdict(run)).encode())
    first = 0
    for name, (count, done) in stages.items():
        trials = [trial_of(number) for number in range(first, first + count)]
        first += count
        plan = asdict(StageRecord(name, "made_up", True, TablePlan().model_dump(), [], trials, "", []))
        store.write(f"{run.folder}/{name}/plan.json", json.dumps(plan, indent=1).encode())
        if done == count:
            store.write(f"{run.folder}/{name}/results.parquet", compacted(trials))
        else:
            leave(store, trials, done)
    store.point(latest_folder(run.sweep, run.form), run.folder)


def compacted(trials: Sequence[PlannedTrial]) -> bytes:
    """A stage's results.parquet, as long as a real one."""
    rows = [
        {"trial": one.id, "family": one.family, "status": "finished", "config": json.dumps(one.config)}
        for one in trials
    ]
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    return bytes(buffer.getvalue())


def leave(store: Store, trials: Sequence[PlannedTrial], done: int) -> None:
    """Results of the first trials, and progress of the hundred after them."""
    now = datetime.now(UTC).isoformat()
    progress = {"attempt": "a", "step": 1, "total": 2, "metrics": {}, "at": now}

    def write(number: int) -> None:
        folder = trials[number].folder
        if number < done:
            store.write(f"{folder}/result.json", json.dumps(RESULT).encode())
        else:
            store.write(f"{folder}/attempts/a.json", b"{}")
            store.write(f"{folder}/progress.json", json.dumps(progress).encode())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(done + 100)))


def measured(url: str) -> Iterator[Line]:
    with exporting(url) as (process, address):
        seconds = [wall_seconds(lambda: scrape(address)) for _ in range(SCRAPES)]
        text = scrape(address)
        yield took("a scrape, the slowest of 20", max(seconds), at_most=0.1)
        yield took("the first look", look_seconds(text))
        while (again := look_seconds(scrape(address))) == look_seconds(text):
            time.sleep(1)
        yield took("a look after that", again)
        counted = sum(float(value) for value in re.findall(r"^seedbed_sweep_trials{.*} (\S+)", text, re.M))
        yield Line("trials told", f"{counted:,.0f}", f"= {TRIALS:,}", counted == TRIALS)
        yield Line("series", str(sum(not line.startswith("#") for line in text.splitlines())))
        memory = {name: kilobytes(process.pid, name) / 1024 for name in ("VmRSS", "VmHWM")}
        yield Line("memory", f"{memory['VmRSS']:.0f} MiB", "≤ 512 MiB", memory["VmRSS"] <= 512)
        yield Line("memory at its most", f"{memory['VmHWM']:.0f} MiB", "≤ 512 MiB", memory["VmHWM"] <= 512)


@contextmanager
def exporting(url: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [SEEDBED, "exporter", "--store", url, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    try:
        if process.stdout is None:
            raise RuntimeError("no output")
        yield process, process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def scrape(address: str) -> str:
    with urllib.request.urlopen(address) as answer:  # noqa: S310 - the exporter's own
        return str(answer.read().decode())


def look_seconds(text: str) -> float:
    found = re.search(r"^seedbed_look_duration_seconds (\S+)", text, re.M)
    if found is None:
        raise RuntimeError(f"not told: {text}")
    return float(found[1])


def kilobytes(process: int, name: str) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split(f"{name}:")[1].split()[0])


if __name__ == "__main__":
    main()
