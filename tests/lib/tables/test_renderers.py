"""What a table looks like: golden text for each rendering, and what may not break it."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from typing import Any

import pytest

from seedbed.tables import (
    Baseline,
    Expected,
    Outcome,
    Scalar,
    Table,
    TableRequest,
    build_tables,
    latex,
    markdown,
    terminal,
)
from seedbed.tables import csv as as_csv
from seedbed.tables import json as as_json

METRIC = "test/accuracy@best"
DATA = "watch, test subjects 9, 10 (478 windows)"


def finished(axes: dict[str, Scalar], values: list[float]) -> list[Outcome]:
    return [Outcome(axes, seed, "finished", {METRIC: value}) for seed, value in enumerate(values)]


def tables(outcomes: list[Outcome], **asked: Any) -> list[Table]:
    return build_tables(
        TableRequest(**{"stage": "students", "metric": METRIC, "outcomes": outcomes, **asked})
    )


def students() -> list[Table]:
    """One column of students, one of them diverged, against students from scratch."""
    return tables(
        [
            *finished({"alpha.gaf": 0.1, "teacher": "wrn16-1"}, [0.732, 0.753, 0.744]),
            *finished({"alpha.gaf": 0.5, "teacher": "wrn16-1"}, [0.741, 0.749, 0.729]),
            *finished({"alpha.gaf": 0.9, "teacher": "wrn16-1"}, [0.709, 0.699]),
            Outcome(
                {"alpha.gaf": 0.9, "teacher": "wrn16-1"},
                2,
                "diverged",
                note="diverged at epoch 2 (loss not finite)",
            ),
        ],
        rows="alpha.gaf",
        columns="teacher",
        unit="%",
        baseline=Baseline("scratch", finished({}, [0.724, 0.731, 0.739])),
        trivial={"majority": 0.152},
    )


def by_teacher() -> list[Table]:
    """Two columns, of which one is short of a point and the other of a seed."""
    return tables(
        [
            *finished({"alpha.gaf": 0.1, "teacher": "wrn16-1"}, [0.732, 0.753, 0.744]),
            *finished({"alpha.gaf": 0.1, "teacher": "wrn28_3"}, [0.741, 0.749, 0.729]),
            *finished({"alpha.gaf": 0.9, "teacher": "wrn28_3"}, [0.0709, 0.0899]),
            Outcome(
                {"alpha.gaf": 0.9, "teacher": "wrn28_3"}, 2, "missing", note="killed (exit 137), 3 attempts"
            ),
        ],
        rows="alpha.gaf",
        columns="teacher",
        unit="%",
        baseline=Baseline("scratch", finished({}, [0.724, 0.731, 0.739])),
        trivial={"majority": 0.152},
    )


def test_the_terminal_shows_one_column_with_its_differences_and_notes_beside_it() -> None:
    assert terminal.render(students(), DATA) == (
        """\
test accuracy @best (%), mean ± sample sd over seeds      watch, test subjects 9, 10 (478 windows)
alpha.gaf   wrn16-1               minus scratch, over seeds
0.1         74.3 ± 1.1  (3/3) *   +1.2  [-0.9, +3.3]
0.5         74.0 ± 1.0  (3/3) ~   +0.8  [-1.3, +2.9]
0.9         70.4 ± 0.7  (2/3) d   -2.4  [-4.9, +0.2]   1 diverged at epoch 2 (loss not finite)
scratch     73.1 ± 0.8  (3/3) ~
majority    15.2
* best; ~ not distinguishable from the best over seeds (Tukey, 95%); d a seed diverged: cannot be
best
over seeds: 95% for another run on these test samples, by t on the pooled sd (5 df)

3 seeds: differences below 2.9 points are missed more than once in five (pooled sd 1.0, 5 df).
Comparisons have as few as 2 pairs: for those it is 3.5 points.
"""
    )


def test_the_terminal_shows_several_columns_with_differences_in_a_block_of_their_own() -> None:
    assert terminal.render(by_teacher(), DATA) == (
        """\
test accuracy @best (%), mean ± sample sd over seeds      watch, test subjects 9, 10 (478 windows)
alpha.gaf \\ teacher   wrn16-1               wrn28_3
0.1                   74.3 ± 1.1  (3/3) *   74.0 ± 1.0  (3/3) ~
0.9                                          8.0 ± 1.3  (2/3) m
scratch               73.1 ± 0.8  (3/3) ~   73.1 ± 0.8  (3/3) ~
majority              15.2                  15.2

minus scratch, over seeds
alpha.gaf \\ teacher   wrn16-1              wrn28_3
0.1                   +1.2  [-0.6, +2.9]    +0.8  [ -0.9,  +2.6]
0.9                                        -64.7  [-66.8, -62.6]
0.9, wrn28_3: 1 missing: killed (exit 137), 3 attempts
* best; ~ not distinguishable from the best over seeds (Tukey, 95%); m a seed has no value: cannot
be best
over seeds: 95% for another run on these test samples, by t on the pooled sd (5 df)

3 seeds: differences below 2.3 points are missed more than once in five (pooled sd 0.8, 5 df).
Comparisons have as few as 2 pairs: for those it is 2.9 points.
"""
    )


def test_markdown_has_the_notes_in_a_column_or_a_list_and_shows_every_character_as_it_is() -> None:
    assert markdown.render(students(), "watch, 478 windows") == (
        r"""**test accuracy @best (%), mean ± sample sd over seeds** · watch, 478 windows

| alpha.gaf | wrn16-1 | minus scratch, over seeds | notes |
| --- | --- | --- | --- |
| 0.1 | 74.3 ± 1.1 (3/3) \* | +1.2 [-0.9, +3.3] |  |
| 0.5 | 74.0 ± 1.0 (3/3) \~ | +0.8 [-1.3, +2.9] |  |
| 0.9 | 70.4 ± 0.7 (2/3) d | -2.4 [-4.9, +0.2] | 1 diverged at epoch 2 (loss not finite) |
| scratch | 73.1 ± 0.8 (3/3) \~ |  |  |
| majority | 15.2 |  |  |

\* best; \~ not distinguishable from the best over seeds (Tukey, 95%); d a seed diverged: cannot be best

over seeds: 95% for another run on these test samples, by t on the pooled sd (5 df)

3 seeds: differences below 2.9 points are missed more than once in five (pooled sd 1.0, 5 df).  
Comparisons have as few as 2 pairs: for those it is 3.5 points.
"""  # noqa: W291
    )
    assert markdown.render(by_teacher()) == (
        r"""**test accuracy @best (%), mean ± sample sd over seeds**

| alpha.gaf \\ teacher | wrn16-1 | wrn28\_3 |
| --- | --- | --- |
| 0.1 | 74.3 ± 1.1 (3/3) \* | 74.0 ± 1.0 (3/3) \~ |
| 0.9 |  | 8.0 ± 1.3 (2/3) m |
| scratch | 73.1 ± 0.8 (3/3) \~ | 73.1 ± 0.8 (3/3) \~ |
| majority | 15.2 | 15.2 |

minus scratch, over seeds

| alpha.gaf \\ teacher | wrn16-1 | wrn28\_3 |
| --- | --- | --- |
| 0.1 | +1.2 [-0.6, +2.9] | +0.8 [-0.9, +2.6] |
| 0.9 |  | -64.7 [-66.8, -62.6] |

- 0.9, wrn28\_3: 1 missing: killed (exit 137), 3 attempts

\* best; \~ not distinguishable from the best over seeds (Tukey, 95%); m a seed has no value: cannot be best

over seeds: 95% for another run on these test samples, by t on the pooled sd (5 df)

3 seeds: differences below 2.3 points are missed more than once in five (pooled sd 0.8, 5 df).  
Comparisons have as few as 2 pairs: for those it is 2.9 points.
"""  # noqa: W291
    )


def test_latex_is_a_booktabs_table_with_its_notes_below() -> None:
    assert latex.render(students(), "watch, 478 windows") == (
        r"""\begin{table}
  \centering
  \caption{test accuracy @best (\%), mean $\pm$ sample sd over seeds. watch, 478 windows}
  \begin{tabular}{lrr}
    \toprule
    alpha.gaf & wrn16-1 & minus scratch, over seeds \\
    \midrule
    0.1 & $74.3 \pm 1.1$ (3/3)$^{*}$ & $+1.2$ $[-0.9, +3.3]$ \\
    0.5 & $74.0 \pm 1.0$ (3/3)$^{\sim}$ & $+0.8$ $[-1.3, +2.9]$ \\
    0.9 & $70.4 \pm 0.7$ (2/3)$^{d}$ & $-2.4$ $[-4.9, +0.2]$ \\
    scratch & $73.1 \pm 0.8$ (3/3)$^{\sim}$ &  \\
    majority & $15.2$ &  \\
    \bottomrule
  \end{tabular}
"""
        r"  \par\smallskip\footnotesize 0.9: 1 diverged at epoch 2 (loss not finite). {*} best; "
        r"\textasciitilde{} not distinguishable from the best over seeds (Tukey, 95\%); d a seed "
        r"diverged: cannot be best. over seeds: 95\% for another run on these test samples, by t on the "
        r"pooled sd (5 df). "
        r"3 seeds: differences below 2.9 points are missed more than once in five (pooled sd 1.0, 5 df). "
        r"Comparisons have as few as 2 pairs: for those it is 3.5 points."
        "\n\\end{table}\n"
    )


def test_latex_has_a_tabular_for_figures_and_one_for_differences_and_escapes_what_it_would_read() -> None:
    rendered = latex.render(by_teacher())
    assert rendered.count(r"\begin{tabular}{lrr}") == rendered.count(r"\end{tabular}") == 2
    assert r"\par\medskip minus scratch, over seeds\par\smallskip" in rendered
    assert r"alpha.gaf \textbackslash{} teacher & wrn16-1 & wrn28\_3 \\" in rendered

    awkward = latex.render(tables(finished({"label": "[a]*^~#$&{x}"}, [0.5]), rows="label"))
    assert r"{[}a]{*}\textasciicircum{}\textasciitilde{}\#\$\&\{x\} & $0.500$ (1/1) \\" in awkward


SOURCE = "Wang & Oates 2015, Table 1, GASF-GADF-MTF"
ONE_COLUMN = [
    *finished({"data": "ucr/Coffee"}, [1.0, 0.964, 1.0]),
    *finished({"data": "ucr/GunPoint"}, [0.927, 0.933, 0.94]),
    *finished({"data": "ucr/Beef"}, [0.7, 0.733, 0.767]),
]


def beside_published(**asked: Any) -> list[Table]:
    """One column, of which one value was published alone, one with its spread, and one not at all."""
    expected = [
        Expected({"data": "ucr/Coffee"}, 1.0),
        Expected({"data": "ucr/GunPoint"}, 0.92, 0.01, 3),
    ]
    return tables(ONE_COLUMN, rows="data", unit="%", expected=expected, source=SOURCE, **asked)


def published_by_modality() -> list[Table]:
    outcomes = [
        outcome
        for modality, gain in {"signal": 0.0, "gaf": 0.01}.items()
        for data, value in {"ucr/Coffee": 0.95, "ucr/Beef": 0.7}.items()
        for outcome in finished({"data": data, "modality": modality}, [value + gain, value, value + 2 * gain])
    ]
    expected = [
        Expected({"data": "ucr/Coffee", "modality": "gaf"}, 1.0),
        Expected({"data": "ucr/Beef", "modality": "gaf"}, 0.767, 0.01, 5),
    ]
    return tables(outcomes, rows="data", columns="modality", unit="%", expected=expected, source=SOURCE)


def test_the_terminal_shows_published_values_beside_one_column() -> None:
    assert terminal.render(beside_published()) == (
        """\
test accuracy @best (%), mean ± sample sd over seeds
data           test accuracy @best   published (minus)
ucr/Coffee     98.8 ± 2.1  (3/3) *   100.0        -1.2
ucr/GunPoint   93.3 ± 0.7  (3/3) ~    92.0 ± 1.0  +1.3  [-0.7, +3.4]
ucr/Beef       73.3 ± 3.4  (3/3)
* best; ~ not distinguishable from the best over seeds (Tukey, 95%)
published: Wang & Oates 2015, Table 1, GASF-GADF-MTF (minus: ours less it, Welch 95%)

3 seeds: differences below 6.5 points are missed more than once in five (pooled sd 2.1, 4 df).
"""
    )


def test_the_terminal_shows_published_values_of_several_columns_in_a_block_of_their_own() -> None:
    assert terminal.render(published_by_modality()) == (
        """\
test accuracy @best (%), mean ± sample sd over seeds
data \\ modality   signal                gaf
ucr/Coffee        95.0 ± 0.0  (3/3) ~   96.0 ± 1.0  (3/3) *
ucr/Beef          70.0 ± 0.0  (3/3)     71.0 ± 1.0  (3/3)

published (minus)
data \\ modality   signal   gaf
ucr/Coffee                 100.0        -4.0
ucr/Beef                    76.7 ± 1.0  -5.7  [-7.7, -3.7]
* best; ~ not distinguishable from the best over seeds (Tukey, 95%)
published: Wang & Oates 2015, Table 1, GASF-GADF-MTF (minus: ours less it, Welch 95%)

3 seeds: differences below 1.6 points are missed more than once in five (pooled sd 0.6, 6 df).
"""
    )


def test_published_values_stand_behind_the_differences_from_the_baseline() -> None:
    built = beside_published(baseline=Baseline("scratch", finished({}, [0.8, 0.81, 0.83])))
    (_, header, *_) = terminal.render(built).splitlines()
    assert re.split(" {3,}", header)[2:] == ["minus scratch, over seeds", "published (minus)"]


def test_markdown_and_latex_show_published_values_with_ours_less_it_in_brackets() -> None:
    shown = markdown.render(beside_published())
    for line in (
        r"| data | test accuracy @best | published (minus) |",
        r"| ucr/Coffee | 98.8 ± 2.1 (3/3) \* | 100.0 (-1.2) |",
        r"| ucr/GunPoint | 93.3 ± 0.7 (3/3) \~ | 92.0 ± 1.0 (+1.3 [-0.7, +3.4]) |",
        r"| ucr/Beef | 73.3 ± 3.4 (3/3) |  |",
        r"published: Wang & Oates 2015, Table 1, GASF-GADF-MTF (minus: ours less it, Welch 95%)",
    ):
        assert line in shown.splitlines()
    shown = latex.render(beside_published())
    for line in (
        r"data & test accuracy @best & published (minus) \\",
        r"ucr/Coffee & $98.8 \pm 2.1$ (3/3)$^{*}$ & $100.0$ ($-1.2$) \\",
        r"ucr/GunPoint & $93.3 \pm 0.7$ (3/3)$^{\sim}$ & $92.0 \pm 1.0$ ($+1.3$ $[-0.7, +3.4]$) \\",
        r"ucr/Beef & $73.3 \pm 3.4$ (3/3) &  \\",
    ):
        assert f"    {line}" in shown.splitlines()
    assert (
        r"published: Wang \& Oates 2015, Table 1, GASF-GADF-MTF (minus: ours less it, Welch 95\%)." in shown
    )


def test_csv_has_columns_for_published_values_where_a_stage_expects_any() -> None:
    assert "published" not in as_csv.render(students())
    header, *lines = csv.reader(io.StringIO(as_csv.render(beside_published())))
    assert header[-7:] == [
        *("published", "published_std", "published_n"),
        *("minus_published", "minus_published_low", "minus_published_high", "published_in"),
    ]
    coffee, gun_point, beef = (line[-7:] for line in lines)
    assert coffee == ["1.0", "", "", coffee[3], "", "", SOURCE]
    assert gun_point[:3] == ["0.92", "0.01", "3"]
    minus = [float(figure) for figure in (coffee[3], *gun_point[3:6])]
    assert minus == pytest.approx([-0.012000, 0.013333, -0.007095, 0.033761], abs=1e-6)
    assert beef == [""] * 7


def test_json_holds_published_values_and_their_source() -> None:
    (table,) = json.loads(as_json.render(beside_published()))["tables"]
    assert table["source"] == SOURCE
    coffee, _, beef = (row["cells"][0]["published"] for row in table["rows"])
    assert coffee["minus"].keys() == {"mean", "low", "high"}
    assert (coffee["mean"], coffee["std"], coffee["n"], coffee["minus"]["low"]) == (1.0, None, None, None)
    assert beef is None


def test_a_published_value_stands_alone_while_we_have_none() -> None:
    built = tables([Outcome({}, 0, "missing")], unit="%", expected=[Expected({}, 0.92)], source="A table")
    assert re.search(r"^students .*\(0/1\) m +92\.0 +1 missing$", terminal.render(built), re.MULTILINE)
    assert "| – (0/1) m | 92.0 | 1 missing |" in markdown.render(built)
    assert r"– (0/1)$^{m}$ & $92.0$ \\" in latex.render(built)
    assert "\npublished: A table (minus: ours less it)\n" in terminal.render(built)


def test_a_table_without_published_values_does_not_name_their_source() -> None:
    outcomes = [*finished({"augment": True}, [0.5]), *finished({"augment": False}, [0.7])]
    shown = terminal.render(tables(outcomes, expected=[Expected({"augment": True}, 0.5)], source="A table"))
    assert shown.count("published: A table") == 1


def test_csv_has_a_line_for_each_point_unrounded_and_a_baseline_once() -> None:
    header, *lines = csv.reader(io.StringIO(as_csv.render(by_teacher())))
    assert header == [
        *(
            "source",
            "metric",
            "alpha.gaf",
            "teacher",
            "n",
            "N",
            "mean",
            "std_sample",
            "seed_0",
            "seed_1",
            "seed_2",
        ),
        *as_csv.FIGURES,
    ]
    assert [line[:6] for line in lines] == [
        ["students", METRIC, "0.1", "wrn16-1", "3", "3"],
        ["students", METRIC, "0.1", "wrn28_3", "3", "3"],
        ["students", METRIC, "0.9", "wrn28_3", "2", "3"],
        ["scratch", METRIC, "", "", "3", "3"],
    ]
    first = lines[0]
    assert first[8:11] == ["0.732", "0.753", "0.744"]
    named = [dict(zip(header, line, strict=True)) for line in lines]
    over_seeds = ["difference", "low", "high", "pairs", "correlation"]
    figures = [float(named[0][name]) for name in ("mean", "std_sample", *over_seeds)]
    assert figures == pytest.approx(
        [0.743, 0.0105357, 0.0116667, -0.0055826, 0.0289160, 3, 0.5374582], abs=1e-6
    )
    assert named[2]["seed_2"] == named[2]["correlation"] == named[0]["p"] == named[0]["over_units"] == ""
    told = [named[2][name] for name in ("mark", "flags", "note")]
    assert told == ["", "missing", "1 missing: killed (exit 137), 3 attempts"]
    assert (named[3]["mark"], named[3]["difference"]) == ("alike", "")


def test_csv_of_several_tables_has_one_header_and_every_axis() -> None:
    outcomes = [
        *finished({"alpha": 0.1, "augment": True}, [0.5]),
        *finished({"alpha": 0.1, "augment": False}, [0.6]),
    ]
    several = tables(
        outcomes, rows="alpha", std="population", baseline=Baseline("scratch", finished({}, [0.25]))
    )
    header, *lines = csv.reader(io.StringIO(as_csv.render(several)))
    assert header[:8] == ["source", "metric", "augment", "alpha", "n", "N", "mean", "std_population"]
    assert [line[:7] for line in lines] == [
        ["students", METRIC, "true", "0.1", "1", "1", "0.5"],
        ["scratch", METRIC, "", "", "1", "1", "0.25"],
        ["students", METRIC, "false", "0.1", "1", "1", "0.6"],
    ]
    at = header.index("difference")
    assert [line[at : at + 4] for line in lines] == [["0.25", "", "", "1"], [""] * 4, ["0.35", "", "", "1"]]


def test_json_holds_every_field_of_the_tables_in_their_order() -> None:
    rendered = as_json.render(students(), DATA)
    content = json.loads(rendered)
    assert content["description"] == DATA
    (table,) = content["tables"]
    assert list(table) == list(Table.__dataclass_fields__)
    assert table["facts"]["pooled"]["df"] == 5
    diverged = table["rows"][2]["cells"][0]
    assert diverged["values"] == {"0": 0.709, "1": 0.699}
    assert diverged["failures"] == {"2": "diverged at epoch 2 (loss not finite)"}
    assert diverged["mean"] == pytest.approx(0.704)
    assert diverged["difference"]["n"] == 2
    assert rendered == as_json.render(students(), DATA)


def test_json_refuses_what_json_cannot_say() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_json.render(tables(finished({}, [0.5]), trivial={"majority": math.nan}))


@pytest.mark.parametrize(
    ("outcomes", "last"),
    [
        (finished({}, [0.5]), "1 seed: no spread, no interval over seeds."),
        (finished({}, [0.5, 0.6, 0.7]), "3 seeds and 0 df: no pooled spread, no interval over seeds."),
        ([Outcome({}, 0, "missing")], "No trial has a value yet."),
    ],
)
def test_what_cannot_be_said_is_said_to_be_so(outcomes: list[Outcome], last: str) -> None:
    assert terminal.render(tables(outcomes)).splitlines()[-1] == last


def test_differences_that_are_the_same_in_every_seed_have_no_interval_and_nothing_is_best() -> None:
    other = Baseline("scratch", finished({}, [0.6, 0.8]))
    alike = tables(finished({}, [0.7, 0.9]), unit="%", baseline=other)
    assert terminal.render(alike) == (
        """\
test accuracy @best (%), mean ± sample sd over seeds
           test accuracy @best   minus scratch, over seeds
students   80.0 ± 14.1  (2/2)    +10.0
scratch    70.0 ± 14.1  (2/2)

2 seeds, every difference the same in each: no interval over seeds.
"""
    )


def test_one_seed_shows_differences_without_spread_or_interval() -> None:
    one = tables(finished({}, [0.5]), unit="%", baseline=Baseline("scratch", finished({}, [0.45])))
    assert terminal.render(one) == (
        """\
test accuracy @best (%)
           test accuracy @best   minus scratch, over seeds
students   50.0  (1/1)           +5.0
scratch    45.0  (1/1)

1 seed: no spread, no interval over seeds.
"""
    )


def test_a_point_without_any_value_is_a_dash_with_its_reasons() -> None:
    failed = [
        Outcome({}, 0, "missing", note="killed (exit 137)"),
        Outcome({}, 1, "diverged"),
        Outcome({}, 2, "diverged"),
    ]
    assert "students   –  (0/3) d m   1 missing: killed (exit 137); 2 diverged\n" in terminal.render(
        tables(failed)
    )
    assert "| students | – (0/3) d m | 1 missing: killed (exit 137); 2 diverged |" in markdown.render(
        tables(failed)
    )
    assert r"students & – (0/3)$^{d,m}$ \\" in latex.render(tables(failed))


def test_a_difference_from_fewer_pairs_than_the_point_has_seeds_says_so() -> None:
    scratch = Baseline("scratch", [*finished({}, [0.4, 0.5]), Outcome({}, 2, "missing")])
    built = tables(finished({}, [0.5, 0.75, 0.5]), unit="%", baseline=scratch)
    assert re.search(r"^students .*\+17\.5  \[.*\]  2 pairs$", terminal.render(built), re.MULTILINE)
    assert "] 2 pairs |" in markdown.render(built)
    assert r"]$ 2 pairs \\" in latex.render(built)


def test_the_direction_and_the_convention_are_in_the_caption() -> None:
    (first, *_) = terminal.render(
        tables(finished({}, [0.1, 0.2]), unit="%", higher_is_better=False, std="population")
    ).splitlines()
    assert first == "test accuracy @best (%, lower is better), mean ± population sd over seeds"


def test_replicates_are_named_where_seeds_are() -> None:
    outcomes = [
        Outcome({"fold": fold}, seed, "finished", {METRIC: fold / 2 + seed / 8})
        for fold in (0, 1)
        for seed in (0, 1)
    ]
    scratch = Baseline("scratch", [Outcome({"fold": fold}, 0, "finished", {METRIC: 0.5}) for fold in (0, 1)])
    rendered = terminal.render(tables(outcomes, replicates=["fold"], baseline=scratch))
    assert "mean ± sample sd over seed × fold\n" in rendered
    assert "minus scratch, over seeds\n" in rendered
    assert "\n2 seeds, each a mean over fold and 0 df: no pooled spread" in rendered


def test_tables_apart_say_what_sets_them_apart_and_share_their_last_line() -> None:
    outcomes = [*finished({"augment": True}, [0.5, 0.6]), *finished({"augment": False}, [0.7, 0.9])]
    rendered = terminal.render(tables(outcomes))
    assert re.findall(r"^augment=.*$", rendered, re.MULTILINE) == ["augment=true", "augment=false"]
    assert rendered.count("are missed more than once in five") == 1
    assert r"· augment=true" in markdown.render(tables(outcomes))
    assert r"sd over seeds. augment=true}" in latex.render(tables(outcomes))


def test_a_point_that_the_pooled_spread_does_not_fit_is_told_last() -> None:
    values = [0.1, -0.2, 0.0, 0.3, -0.1, 0.2, -0.3]
    outcomes = [
        outcome
        for point in range(6)
        for outcome in finished(
            {"alpha": point}, [values[(point * 3 + seed * seed) % 7] for seed in range(4)]
        )
    ]
    rendered = terminal.render(
        tables([*outcomes, *finished({"alpha": 99}, [10, -10, 10, -10])], rows="alpha")
    )
    told = " ".join(rendered.split("\n\n")[-1].split())
    assert re.search(
        r"df\)\. students alpha=99: seed effects aside, its sd is 10\.\d+ and the others' 0\.\d+; "
        r"the pooled sd does not speak for it\.$",
        told,
    )


def test_many_columns_are_continued_below_so_that_no_line_is_wider_than_the_page() -> None:
    outcomes = [
        outcome
        for column in range(12)
        for row in (0.1, 0.9)
        for outcome in finished({"alpha": row, "width": column}, [0.5 + column / 100, 0.55, 0.6 - row / 10])
    ]
    outcomes[0] = Outcome(outcomes[0].axes, 0, "missing", note="a long reason, " * 12)
    scratch = Baseline("scratch", finished({}, [0.5, 0.51, 0.52]))
    rendered = terminal.render(
        tables(outcomes, rows="alpha", columns="width", unit="%", baseline=scratch), DATA
    )
    assert max(map(len, rendered.splitlines())) <= terminal.WIDTH
    headers = [line for line in rendered.splitlines() if line.startswith("alpha \\ width")]
    shown = [column for line in headers for column in line.split()[3:]]
    assert shown == [str(column) for column in range(12)] * 2


def test_a_long_note_beside_a_single_column_goes_below() -> None:
    outcomes = [
        *finished({"alpha": 0.1}, [0.5]),
        Outcome({"alpha": 0.1}, 1, "missing", note="many words " * 12),
    ]
    lines = terminal.render(tables(outcomes, rows="alpha")).splitlines()
    assert "0.1     0.500  (1/2) m" in lines
    assert lines[lines.index("0.1     0.500  (1/2) m") + 1].startswith(
        "0.1: 1 missing: many words many words"
    )


def test_a_baseline_of_which_nothing_finished_leaves_out_the_differences_and_not_itself() -> None:
    rendered = terminal.render(
        tables(finished({}, [0.5]), baseline=Baseline("scratch", [Outcome({}, 0, "missing")]))
    )
    assert "minus scratch," not in rendered
    assert "minus scratch: not known, as no seed has a value in both" in rendered
    assert "scratch        –  (0/1) m   1 missing\n" in rendered


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.7425, "74.2"),
        (0.7435, "74.4"),
        (0.7445, "74.4"),
        (-0.0004, "-0.04"),
        (-1e-9, "0.0"),
        (1e30, "1" + "0" * 32 + ".0"),
    ],
)
def test_figures_are_rounded_half_to_even_as_the_reader_would(value: float, shown: str) -> None:
    assert f"students   {shown}  (1/1)" in terminal.render(tables(finished({}, [value]), unit="%"))


@pytest.mark.parametrize(
    "render", [terminal.render, markdown.render, latex.render, as_csv.render, as_json.render]
)
def test_no_tables_render_without_complaint(render: Any) -> None:
    assert render([], DATA).endswith("\n")


def test_a_single_column_whose_value_is_no_word_names_its_axis() -> None:
    assert "alpha=0.1" in terminal.render(tables(finished({"alpha": 0.1}, [0.5]), columns="alpha"))
    assert "   wrn16-1\n" in terminal.render(
        tables(finished({"teacher": "wrn16-1"}, [0.5]), columns="teacher")
    )


def test_markdown_keeps_a_label_with_a_bar_in_its_cell() -> None:
    assert r"| a\|b\<c | 0.500 (1/1) |" in markdown.render(tables(finished({"x": "a|b<c"}, [0.5]), rows="x"))
