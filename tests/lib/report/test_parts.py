"""The parts that a page is made of, alone: scales, thinning, choice of points, shapes, words, colours."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from importlib import resources
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbed.collect import StageTables
from seedbed.planning import PlannedTrial
from seedbed.report.answer import answer, confirmed
from seedbed.report.charts import differences, main_figure, shape_of
from seedbed.report.curves import MOST_STEPS, thinned
from seedbed.report.drawing import Plot, Scale, round_ticks
from seedbed.report.points import Point, TableView, TrialOf, chosen
from seedbed.report.scrub import scrubbed
from seedbed.report.ternary import ternary
from seedbed.state import TrialState
from seedbed.statistics import Difference
from seedbed.tables import Baseline, Outcome, TableRequest, build_tables
from seedbed.tables.chain import Chain, Confirmed

finite = st.floats(-1e6, 1e6, allow_nan=False)


def outcomes(axes: dict[str, Any], *values: float) -> list[Outcome]:
    return [Outcome(axes, seed, "finished", {"test/f1@best": value}) for seed, value in enumerate(values)]


def view(found: list[Outcome], **request: Any) -> TableView:
    (table,) = build_tables(TableRequest(stage="s", outcomes=found, metric="test/f1@best", **request))
    rows = [
        (row, column, cell)
        for row in table.rows
        for column, cell in zip(table.columns, row.cells, strict=True)
    ]
    points = [
        Point(
            f"a{at}",
            f"point {at}" if row.source == "s" else row.label,
            row.label,
            column,
            cell,
            [],
            own=row.source == "s",
        )
        for at, (row, column, cell) in enumerate(rows)
        if cell
    ]
    stage: Any = StageTables.__new__(StageTables)
    return TableView("table-0", stage, table, points)


def grid(*sides: list[Any]) -> list[Outcome]:
    rows, columns = sides
    return [
        one
        for at, row in enumerate(rows)
        for across, column in enumerate(columns)
        for one in outcomes({"r": row, "c": column}, 0.5 + at / 50 + across / 90, 0.51 + at / 40)
    ]


@pytest.mark.parametrize(
    ("rows", "columns", "shape"),
    [
        ([0.1, 0.3, 0.5], ["a"], "curve"),
        ([0.1, 0.3, 0.5], ["a", "b", "c"], "curve"),
        ([0.1, 0.3, 0.5], [1, 2, 3], "shaded"),
        (["x", "y", "z"], ["a", "b"], "dots"),
        ([True, False, True], ["a"], "dots"),
        ([0.1, 0.3], ["a"], "dots"),
        (["x", "y"], list("abcdef"), "shaded"),
    ],
    ids=str,
)
def test_a_figure_follows_the_shape_of_its_table(rows: list[Any], columns: list[Any], shape: str) -> None:
    seen = view(grid(list(dict.fromkeys(rows)), columns), rows="r", columns="c")
    assert shape_of(seen.table) == shape
    assert (main_figure(seen) is None) is (shape == "shaded")


def inside(plot: Plot) -> bool:
    lines = [tuple(map(float, place.split(","))) for line in plot.lines for place in line.points.split()]
    places = [*lines, *((dot.x, dot.y) for dot in plot.dots)]
    return all(
        plot.left - 1 <= x <= plot.right + 1 and plot.top - 1 <= y <= plot.bottom + 1 for x, y in places
    )


@settings(max_examples=25)  # Tukey's range takes a tenth of a second at each new size
@given(st.lists(st.lists(finite, min_size=2, max_size=3), min_size=3, max_size=6), st.booleans())
def test_all_that_is_drawn_stands_in_its_frame(values: list[list[float]], named: bool) -> None:
    found = [
        one for at, seeds in enumerate(values) for one in outcomes({"r": f"n{at}" if named else at}, *seeds)
    ]
    seen = view(found, rows="r", baseline=Baseline("other", outcomes({}, 0.2, 0.4, 0.3)))
    for figure in (main_figure(seen), differences(seen)):
        assert figure is None or inside(figure.plot)


def test_bars_of_points_are_not_to_be_read_as_those_of_differences() -> None:
    found = [one for at in range(3) for one in outcomes({"r": at}, 0.1 * at, 0.2 + 0.11 * at)]
    warned = "bars that overlap say nothing of a paired difference"
    for baseline, told in ((Baseline("other", outcomes({}, 0.2, 0.4)), True), (None, False)):
        figure = main_figure(view(found, rows="r", baseline=baseline))
        assert figure is not None
        assert (warned in figure.caption) is told


def test_three_weights_that_sum_to_one_are_drawn_in_a_triangle() -> None:
    shares = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.5, 0.25, 0.25)]
    seen = view([one for at in range(4) for one in outcomes({"r": f"n{at}"}, 0.5 + at / 10)], rows="r")
    for total, drawn in ((1.0, True), (0.9, False)):
        points = []
        for point, share in zip(seen.points, shares, strict=True):
            config = {
                "rate": 1.0,
                "alpha": {name: part * total for name, part in zip("abc", share, strict=True)},
            }
            planned = PlannedTrial("i", "toy", "leader", 1, config, 0, {}, "d")
            points.append(replace(point, trials=[TrialOf("0", planned, TrialState(planned, "done"))]))
        figure = ternary(replace(seen, points=points))
        assert (figure is not None) is drawn
        if figure is not None:
            left, right, top, middle = [(dot.x, dot.y) for dot in figure.plot.dots]
            sides = [math.dist(left, right), math.dist(right, top), math.dist(top, left)]
            assert sides == pytest.approx([sides[0]] * 3)
            centre = [left[axis] / 2 + right[axis] / 4 + top[axis] / 4 for axis in (0, 1)]
            assert middle == pytest.approx(centre)
            assert [dot.radius for dot in figure.plot.dots] == sorted(dot.radius for dot in figure.plot.dots)
            assert inside(figure.plot)


def test_a_curve_runs_along_its_axis_in_whatever_order_the_values_stand() -> None:
    found = [one for rate in (0.3, 0.1, 0.5) for one in outcomes({"r": rate}, rate, rate + 0.1)]
    figure = main_figure(view(found, rows="r"))
    assert figure is not None
    (curve,) = [line for line in figure.plot.lines if line.style == "curve c0"]
    along = [float(place.partition(",")[0]) for place in curve.points.split()]
    assert len(along) == 3
    assert along == sorted(along)


@given(finite, finite)
def test_ticks_are_round_evenly_spaced_and_in_range(one: float, other: float) -> None:
    low, high = sorted((one, other))
    if high - low < 1e-3:
        return
    ticks = round_ticks(low, high)
    step = (ticks[-1] - ticks[0]) / max(len(ticks) - 1, 1)
    assert 2 <= len(ticks) <= 8
    assert all(low - 1e-6 * step <= tick <= high + 1e-6 * step for tick in ticks)
    assert all(after - before == pytest.approx(step) for before, after in pairwise(ticks))


def test_a_logarithmic_scale_puts_equal_ratios_equally_far_apart() -> None:
    scale = Scale(0.001, 1, 0, 300, log=True)
    assert [scale(value) for value in (0.001, 0.01, 0.1, 1)] == pytest.approx([0, 100, 200, 300])


@given(st.integers(1, 2000), st.data())
def test_thinning_keeps_the_first_the_best_and_the_last(length: int, data: st.DataObject) -> None:
    best = data.draw(st.integers(0, length - 1))
    log = [{"step": float(step)} for step in range(length)]
    kept = thinned(log, best)
    steps = [entry["step"] for entry in kept]
    assert {0, best, length - 1} <= set(steps)
    assert steps == sorted(steps)
    assert len(kept) <= MOST_STEPS + 2
    assert length > MOST_STEPS or kept == log


@settings(max_examples=30)
@given(st.integers(1, 80), st.integers(1, 30), st.data())
def test_chosen_points_keep_their_order_and_hold_the_best(
    count: int, limit: int, data: st.DataObject
) -> None:
    best = data.draw(st.integers(0, count - 1))
    points = list(view([one for at in range(count) for one in outcomes({"r": at}, 0.5)], rows="r").points)
    points[best] = replace(points[best], cell=replace(points[best].cell, mark="best"))
    kept = chosen(points, limit)
    places = [points.index(point) for point in kept]
    assert len(kept) == min(limit, count)
    assert places == sorted(set(places))
    assert best in places
    assert {0, count - 1} <= set(places) or limit < 3


def test_the_answer_says_what_is_best_by_how_much_and_what_cannot_be_told_apart() -> None:
    found = [
        *outcomes({"r": 1}, 0.80, 0.82, 0.81),
        *outcomes({"r": 2}, 0.81, 0.82, 0.82),
        *outcomes({"r": 3}, 0.5, 0.52, 0.5),
    ]
    said = answer(
        view(found, rows="r", unit="%", baseline=Baseline("scratch", outcomes({}, 0.60, 0.62, 0.61)))
    )
    assert (
        said[0]
        == "Best of 4, but not told from 1 of the 3 others: point 1, 81.7 ± 0.6 % (3/3) test f1 @best."
    )
    assert said[1].startswith(
        "Minus scratch: of 3 points, point 1 does best, at +20.7 points, 95% interval over seeds [+"
    )
    assert said[2] == "One by one against scratch, by the intervals over seeds: 2 better, 1 worse."
    assert said[3].startswith("The one that does best was picked")
    assert said[4] == "Over all pairs at once, not distinguishable from the best (Tukey, 95%): point 0."
    assert said[5].startswith("3 seeds: differences below")


def test_the_answer_is_given_for_each_data_set_by_itself() -> None:
    found = [
        one
        for data, kind, values in [
            ("easy", "a", (0.9, 0.92)),
            ("easy", "b", (0.8, 0.83)),
            ("hard", "a", (0.1, 0.11)),
        ]
        for one in outcomes({"data": data, "kind": kind}, *values)
    ]
    said = answer(view(found, rows="data", columns="kind", over=["data"]))
    assert said[0].startswith("data=easy: Best of 2")
    assert not [line for line in said if "of 3" in line]


def test_points_without_a_whole_seed_are_said_not_to_be_compared() -> None:
    found = [
        one for r in (1, 2) for fold in (0, 1) for one in outcomes({"r": r, "fold": fold}, 0.4 * r, 0.41 * r)
    ]
    cut = [*found, *outcomes({"r": 3, "fold": 0}, 0.5, 0.51)]
    cut += [Outcome({"r": 3, "fold": 1}, seed, "missing", note="not run") for seed in (0, 1)]
    said = answer(view(cut, rows="r", replicates=["fold"], over=["fold"]))
    assert said[0].startswith("Best of 3: ")
    assert "Not told from the best or from others, as no seed has all of its fold: point 2." in said


@pytest.mark.parametrize(
    ("guess", "higher", "told"), [(0.9, True, True), (0.1, True, False), (0.1, False, True)]
)
def test_what_a_trivial_baseline_reaches_too_is_said_in_the_headline(
    guess: float, higher: bool, told: bool
) -> None:
    found = [*outcomes({"r": 1}, 0.5, 0.52), *outcomes({"r": 2}, 0.6, 0.61)]
    said = answer(view(found, rows="r", higher_is_better=higher, trivial={"majority": guess}))
    lead = f"None of 2 does better than a trivial baseline (majority {guess:.3f}): the best is point "
    assert said[0].startswith(lead) is told
    alone = answer(view(found[:2], rows="r", higher_is_better=higher, trivial={"majority": guess}))
    assert alone[0].endswith(f", no better than a trivial baseline (majority {guess:.3f}).") is told


@pytest.mark.parametrize(
    ("means", "lead"),
    [
        ([0.5, 0.505], "Best of 2, but not told from the other: point 1"),
        ([0.5, 0.501, 0.502], "Best of 3, but not told from any of the 2 others: point 2"),
        ([0.1, 0.5, 0.501], "Best of 3, but not told from 1 of the 2 others: point 2"),
        ([0.1, 0.5, 0.9], "Best of 3: point 2"),
    ],
    ids=str,
)
def test_the_headline_says_when_the_best_cannot_be_told_from_others(means: list[float], lead: str) -> None:
    found = [
        one
        for at, mean in enumerate(means)
        for one in outcomes({"r": at}, mean, mean + 0.01, mean - (at % 2) / 100)
    ]
    assert answer(view(found, rows="r"))[0].startswith(f"{lead}, 0.")


CHAIN = Chain(
    links=[],
    metrics=["val/f1@best", "test/accuracy@best"],
    scales=[100.0, 100.0],
    seeds="0-2",
    fresh_seeds="7-8",
    confirmed_in="test/f1@best",
    confirmed_scale=100.0,
)


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (-0.04, 0.086, " points, 95% interval over seeds [-4.00, +8.60], not told from zero."),
        (0.004, 0.042, " points, 95% interval over seeds [+0.40, +4.20]."),
        (None, None, " points, without an interval."),
    ],
)
def test_the_confirmed_gain_says_whether_it_is_told_from_zero(
    low: float | None, high: float | None, told: str
) -> None:
    gain = Difference(0.023, low, high, 2, None)
    (said,) = confirmed(replace(CHAIN, confirmed=[Confirmed("the whole chain", gain)]))
    assert said.startswith(
        "Confirmed on seeds 7-8, which selected nothing, in test f1 @best, better being +: "
    )
    assert said.endswith(f": the whole chain +2.30{told}")


def test_the_confirmed_gain_is_in_the_metric_of_what_confirms() -> None:
    gain = Difference(0.0001, -0.0047, 0.005, 3, None)
    loss = replace(CHAIN, confirmed_in="test/loss@best", confirmed_scale=1.0)
    (said,) = confirmed(replace(loss, confirmed=[Confirmed("the whole chain", gain)]))
    assert "in test loss @best, better being +: the whole chain +0.0001, 95% interval" in said
    assert said.endswith("[-0.0047, +0.0050], not told from zero.")


def test_without_a_confirmed_gain_that_is_said_first() -> None:
    assert confirmed(CHAIN)[0].endswith("no step was kept, so that there is no gain.")
    assert confirmed(replace(CHAIN, fresh_seeds=""))[0].startswith("No gain is confirmed")
    assert confirmed(replace(CHAIN, confirmed=[Confirmed("the whole chain", None)]))[0].endswith(
        ": the whole chain, not known yet."
    )


def test_lower_can_be_better_and_a_baseline_can_win() -> None:
    found = [*outcomes({"r": 1}, 0.5, 0.6, 0.55), *outcomes({"r": 2}, 0.6, 0.72, 0.65)]
    against = Baseline("scratch", outcomes({}, 0.1, 0.2, 0.16))
    said = answer(view(found, rows="r", higher_is_better=False, baseline=against))
    assert said[0] == "Nothing here does better than scratch: 0.153 ± 0.050 (3/3) test f1 @best, best of 3."
    assert "of 2 points, point 0 does best, at +0.397, 95%" in said[1]
    assert said[2].endswith(": 2 worse.")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("/home/me/runs/trials/x/log.jsonl: gone", "…/log.jsonl: gone"),
        ("open('/var/lib/a b.txt')", "open('…/a b.txt')"),
        ("~/runs/here", "…/here"),
        ("s3://key:secret@host/bucket/trials", "s3://host/bucket/trials"),
        ("aws_secret_access_key=abc123 region=eu", "aws_secret_access_key=… region=eu"),
        ("train/loss and val/f1@best", "train/loss and val/f1@best"),
        ("0.1 / 0.2 and 3/3", "0.1 / 0.2 and 3/3"),
    ],
)
def test_folders_and_secrets_do_not_leave_the_machine(text: str, kept: str) -> None:
    assert scrubbed(text) == kept


def test_text_is_readable_in_light_and_in_dark() -> None:
    css = (resources.files("seedbed.report") / "style.css").read_text()
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    for scheme in (light, dark):
        colours = dict(re.findall(r"--([\w]+): (#[0-9a-f]{3,6});", scheme))
        for name in ("ink", "soft", "warn", "c0", "c1", "c2", "c3", "c4"):
            assert contrast(colours[name], colours["paper"]) >= 4.5, name


def test_charts_shrink_with_the_page() -> None:
    css = (resources.files("seedbed.report") / "style.css").read_text()
    rules = re.findall(r"([^{}]*\.plot[^{}]*)\{([^{}]*)\}", css)
    assert rules
    assert [selector for selector, rule in rules if "min-width" in rule] == []


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio of two colours."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
