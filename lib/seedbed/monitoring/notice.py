"""What is told to people when a sweep has ended: a headline and where its report is, to a webhook of theirs."""

from __future__ import annotations

import json
import logging
import time
import urllib.request
from collections import Counter

from seedbed.runs import read_stages, run_in
from seedbed.state import look_up
from seedbed.store import Store

log = logging.getLogger(__name__)

TRIES, PAUSE_SECONDS, TIMEOUT_SECONDS = 3, 5.0, 20.0


def notice(store: Store, folder: str, phase: str, pages: str = "") -> str:
    """In a few lines: how the run in a folder ended, its stages' trials, and its report.

    `pages` is where `seedbed pages` is reached; without it, the report's place in the store is said.
    """
    run = run_in(store, folder)
    if run is None:
        return f"{folder.rpartition('/')[2]}: {phase.lower()} before anything was planned"
    lines = [f"{run.run}: {phase.lower()}. {run.title}"]
    for record in read_stages(store, run):
        counts = Counter(state.status for state in look_up(store, record.trials).values())
        done = counts["done"] + counts["diverged"]
        diverged = f", {counts['diverged']} diverged" if counts["diverged"] else ""
        lines.append(f"{record.stage}: {done} of {len(record.trials)} trials have results{diverged}")
    report = f"{folder}/report.html"
    place = f"{pages.rstrip('/')}/{report}" if pages else store.place(report)
    return "\n".join([*lines, place] if store.etag(report) else lines)


def post(url: str, text: str) -> bool:
    """Send `{"text": ...}`, which Slack, Mattermost and others take; whether it arrived. Never raises for a network."""
    if not url.startswith(("https://", "http://")):
        log.warning("WEBHOOK_URL: expected https://..., so that nothing is sent")
        return False
    request = urllib.request.Request(  # noqa: S310 - its scheme is looked at above
        url, json.dumps({"text": text}).encode(), {"Content-Type": "application/json"}
    )
    for attempt in range(TRIES):
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
                return True
        except OSError as error:  # the address is a secret: it is not said
            log.warning("the webhook did not take it: %s", type(error).__name__)
            time.sleep(PAUSE_SECONDS if attempt < TRIES - 1 else 0)
    return False
