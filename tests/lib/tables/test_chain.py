"""The chain of a study as a person reads it."""

from __future__ import annotations

from dataclasses import replace

from seedbed.statistics import Difference
from seedbed.tables.chain import Chain, Change, Confirmed, Link, markdown, text
from seedbed.tables.wording import rounded

GAIN = Difference(0.0123, 0.002, 0.0226, 3, None)
KEPT = Link(
    "weight", "", "", "weight=0.3", [Change("weight", 0.2, 0.3)], [GAIN, None], "kept: beats the incumbent"
)
LOSS = [Change("loss.kind", "a|b", "triplet"), Change("loss.margin", None, 1.0)]
STAYED = replace(
    KEPT, stage="loss", origin="width=32 of width, named", changes=LOSS, verdict="not kept: the best mean"
)
CHOSEN = Link("size", "", "data=b", "size=9", (), [None, None], "chosen: the best mean")
CHAIN = Chain([KEPT, STAYED, CHOSEN], ["val/f1@best", "params@best"], [100, 1], "0-2")


def test_each_step_says_what_changed_what_that_gained_and_whether_it_was_kept() -> None:
    lines = text(CHAIN).splitlines()
    assert lines[0] == "the chain"
    header = ["step", "change", "gain in val/f1@best", "gain in params@best", "kept"]
    assert [part.strip() for part in lines[1].split("  ") if part.strip()] == header
    assert lines[2].split("  ")[0] == "weight"
    assert "weight: 0.2 -> 0.3" in lines[2]
    assert "+1.23 [+0.20, +2.26] points" in lines[2]
    assert "loss.kind: a|b -> triplet, loss.margin: – -> 1.0 (from width=32 of width, named)" in lines[3]
    assert lines[4].startswith("size data=b  size=9 ")
    assert lines[4].endswith("chosen: the best mean")
    assert lines[5].startswith("Gains on seeds 0-2, which selected: optimistic, and no headline.")
    assert lines[6].startswith("Nothing confirms this chain")


def test_only_what_was_confirmed_is_a_headline() -> None:
    whole = Difference(2.5, None, None, 1, None)
    lines = text(
        replace(
            CHAIN,
            fresh_seeds="7-9",
            confirmed=[Confirmed("the whole chain", whole)],
            confirmed_in="test/f1@best",
        )
    ).splitlines()
    assert lines[-2:] == [
        "Confirmed on seeds 7-9, which selected nothing, in test/f1@best, better being +:",
        "  the whole chain: +2.5000",
    ]
    assert "no step was kept, so that there is no gain" in text(replace(CHAIN, fresh_seeds="7-9"))
    assert "selected on test, as the notes did" in text(replace(CHAIN, on_test=True))


def test_markdown_keeps_its_columns() -> None:
    lines = markdown(CHAIN).splitlines()
    assert lines[2].startswith("| step | change | gain in val/f1@best |")
    assert "loss.kind: a\\|b -> triplet" in lines[5]
    assert {line.replace("\\|", "").count("|") for line in lines[2:7]} == {6}


def test_only_what_is_zero_is_printed_as_zero_and_has_no_sign() -> None:
    figures = [0.04, -0.04, 0.06, 0.0004, 1e-17, -1e-17, 0.0]
    shown = ["+0.04", "-0.04", "+0.1", "+0.0004", "0.0", "0.0", "0.0"]
    assert [rounded(value, 1, "+") for value in figures] == shown
