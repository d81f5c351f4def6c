"""What holds for every chart: tables as they come out, errors that name what is wrong, no data, hostile names, languages, styles."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from chart_cases import CHARTS, ZONE, axes, draw, intervals, points, service, subtitle, words

import ccstats as cc
from ccstats.errors import CcstatsError, ColumnError, OptionError, TableError, ZoneError

HOSTILE = "cost $x^2$ \\frac{<script>alert(1)</script> \u202egnp\u202c שלום 😀\x1b[31m\n" + "q" * 10_000


def chart(name: str):
    return getattr(cc.plots, name)


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("style", ["light", "dark"])
def test_it_draws_on_the_axes_given_and_returns_them(name: str, style: str) -> None:
    table = CHARTS[name][0]()
    before = table.copy(deep=True)
    ax = axes(style)
    assert chart(name)(table, ax=ax) is ax
    draw(ax)
    pd.testing.assert_frame_equal(table, before)
    assert ax.get_title(loc="left")
    look = cc.plots.style.LOOKS[style]
    assert {text.get_color() for text in ax.texts if text.get_gid() == "subtitle"} == {look.muted}


@pytest.mark.parametrize("name", CHARTS)
def test_without_axes_it_makes_a_figure(name: str) -> None:
    import matplotlib.pyplot as plt

    with plt.rc_context({"backend": "Agg"}):
        before = plt.get_fignums()
        with cc.plots.plot_style("dark") as look:
            ax = chart(name)(CHARTS[name][0]())
        assert len(plt.get_fignums()) == len(before) + 1
        width, height = ax.figure.get_size_inches()
        assert 2 < width < 14
        assert 1.5 < height < 14
        assert ax.get_facecolor() == pytest.approx(plt.matplotlib.colors.to_rgba(look.paper))
        plt.close(ax.figure)


@pytest.mark.parametrize("name", CHARTS)
def test_any_arrow_table_does(name: str) -> None:
    import polars as pl
    import pyarrow as pa

    table = CHARTS[name][0]()
    drawn = []
    for each in (table, pa.Table.from_pandas(table, preserve_index=False), pl.from_pandas(table)):
        ax = axes()
        chart(name)(each, ax=ax)
        drawn.append((ax.get_title(loc="left"), len(ax.lines), len(ax.patches), len(ax.collections), sorted(words(ax))))
    assert drawn[0] == drawn[1] == drawn[2]


@pytest.mark.parametrize("name", CHARTS)
def test_an_empty_table_says_no_data(name: str) -> None:
    ax = axes()
    chart(name)(CHARTS[name][0]().iloc[:0], ax=ax)
    draw(ax)
    assert "no data" in words(ax)
    assert not ax.lines


@pytest.mark.parametrize("name", CHARTS)
def test_figures_that_are_all_missing_do_not_stop_it(name: str) -> None:
    table = CHARTS[name][0]()
    for column in table.select_dtypes("number").columns:
        table[column] = np.nan
    ax = axes()
    chart(name)(table, ax=ax)
    draw(ax)
    assert ax.get_title(loc="left")


@pytest.mark.parametrize("name", CHARTS)
def test_a_missing_column_is_named(name: str) -> None:
    make, needed, _ = CHARTS[name]
    with pytest.raises(ColumnError, match=needed):
        chart(name)(make().drop(columns=needed), ax=axes())


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("table", [None, 3, "points", [1, 2], {"value": [1]}])
def test_what_is_no_table_is_refused(name: str, table: object) -> None:
    with pytest.raises(TableError, match="expected a pandas frame"):
        chart(name)(table, ax=axes())


@pytest.mark.parametrize("name", [name for name, (_, _, several) in CHARTS.items() if several])
def test_several_queues_ask_for_one(name: str) -> None:
    table = CHARTS[name][0]()
    two = pd.concat([table, table.assign(queue="help")], ignore_index=True)
    with pytest.raises(OptionError, match=r"queue=: help, sales"):
        chart(name)(two, ax=axes())
    with pytest.raises(OptionError, match="Did you mean sales"):
        chart(name)(two, queue="sale", ax=axes())
    one, other = axes(), axes()
    chart(name)(two, queue="help", ax=one)
    chart(name)(table, ax=other)
    assert "help" in one.get_title(loc="left")
    assert len(one.lines) == len(other.lines)


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("lang", cc.labels.LANGUAGES)
def test_it_speaks_four_languages(name: str, lang: str) -> None:
    ax = axes()
    chart(name)(CHARTS[name][0](), lang=lang, ax=ax)
    draw(ax)
    if lang != "en":
        english = axes()
        chart(name)(CHARTS[name][0](), ax=english)
        assert len(set(words(ax)) - set(words(english))) > 1


@pytest.mark.parametrize("name", CHARTS)
def test_a_language_that_is_none_is_refused_before_a_figure_is_made(name: str) -> None:
    with pytest.raises(OptionError, match="no language"):
        chart(name)(CHARTS[name][0](), lang="fr", ax=axes())


@pytest.mark.parametrize("name", CHARTS)
def test_hostile_names_do_no_harm(name: str) -> None:
    table = CHARTS[name][0]()
    for column in ("queue", "agent", "shift", "driver", "level", "reference", "chart", "model", "metric", "definition"):
        if column in table and not (name == "control_chart" and column == "metric"):
            table[column] = [f"{HOSTILE}{at}" if column == "agent" else HOSTILE for at in range(len(table))]
    ax = axes()
    chart(name)(table, title=HOSTILE, ax=ax)
    file = io.BytesIO()
    ax.figure.savefig(file, format="svg")  # would fail on a formula, warn on a letter without a glyph
    drawn = file.getvalue().decode()
    assert "<script" not in drawn
    for text in words(ax):
        assert len(text) < 600
        assert "\u202e" not in text
        assert "\x1b" not in text
        assert text.count("$") == text.count(r"\$"), text


def test_a_title_of_ones_own() -> None:
    ax = axes()
    cc.plots.control_chart(points(), title="What we saw", ax=ax)
    assert ax.get_title(loc="left") == "What we saw"


@pytest.mark.parametrize("ax", ["ax", 3, np.array([1, 2])])
def test_what_is_no_axes_is_refused(ax: object) -> None:
    with pytest.raises(TableError, match="expected axes"):
        cc.plots.control_chart(points(), ax=ax)


def test_the_zone_is_that_asked_for_or_that_of_the_table() -> None:
    said = {}
    for zone in (None, "America/New_York"):
        ax = axes()
        cc.plots.control_chart(points(), timezone=zone, ax=ax)
        said[zone] = ax.get_xlabel()
    assert said == {None: f"Time of {ZONE}", "America/New_York": "Time of America/New_York"}
    ax = axes()
    cc.plots.service_by_interval(intervals(), ax=ax)  # in UTC, and the table names the zone it was cut in
    assert ax.get_xlabel() == f"Time of {ZONE}"
    with pytest.raises(ZoneError, match="Istanbul"):
        cc.plots.control_chart(points(), timezone="Istanbul", ax=axes())


def test_times_without_a_zone_are_refused() -> None:
    with pytest.raises(TableError, match="time zone"):
        cc.plots.control_chart(points(period_start=pd.date_range("2025-01-06", periods=5)), ax=axes())


def test_words_in_a_column_of_numbers_are_refused() -> None:
    with pytest.raises(TableError, match="'value' is"):
        cc.plots.control_chart(points(value=list("abcde")), ax=axes())
    with pytest.raises(TableError, match="'service_level' is"):
        cc.plots.service_by_interval(service(service_level=list("abc")), ax=axes())


def test_a_period_that_is_there_twice_is_refused() -> None:
    table = points().drop(columns="queue")
    with pytest.raises(TableError, match="more than once"):
        cc.plots.control_chart(pd.concat([table, table]), ax=axes())
    with pytest.raises(TableError, match="more than once"):
        cc.plots.service_by_interval(pd.concat([service().drop(columns="queue")] * 2), ax=axes())


def test_the_definition_stands_below_the_title() -> None:
    ax = axes()
    cc.plots.service_by_interval(service(), ax=ax)
    assert "service_level = answered_within / (offered - open)" in subtitle(ax)
    assert "20 s" in subtitle(ax)
    assert "30 contacts" in subtitle(ax)


def test_matplotlib_is_loaded_when_a_chart_is_drawn() -> None:
    code = "import sys, ccstats as cc; cc.plots.control_chart; print('matplotlib' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


@pytest.mark.parametrize("name", CHARTS)
def test_whatever_stands_in_a_column_the_error_is_ours(name: str) -> None:
    make = CHARTS[name][0]
    for column in make().columns:
        for thing in (object(), "a word", -1, True, None, [1, 2]):
            broken = make()
            broken[column] = pd.Series([thing] * len(broken), dtype="object")
            with contextlib.suppress(CcstatsError):
                chart(name)(broken, ax=axes())
