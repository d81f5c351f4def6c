"""Tables in a notebook: percent, seconds, dashes, local times and definitions, read back from the HTML; nothing of the data's own in it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from lxml import html

import ccstats as cc
from ccstats.errors import OptionError, TableError, ZoneError


def cells(shown) -> tuple[list[str], list[list[str]], str]:
    """Headings, cells and the text below, as a browser reads them."""
    page = html.fromstring(shown.to_html())
    heads = [each.text_content().strip() for each in page.iterfind(".//thead//th")]
    rows = [[each.text_content().strip() for each in row.iterfind("td")] for row in page.iterfind(".//tbody/tr")]
    captions = [each.text_content() for each in page.iterfind(".//caption")]
    return heads, rows, captions[0] if captions else ""


def service() -> pd.DataFrame:
    start = pd.to_datetime(["2025-03-01", "2025-04-01"]).tz_localize("Europe/Istanbul")
    table = {"queue": ["sales", None], "period_start": start, "threshold_s": 20.0, "offered": [1200, 3], "service_level": [0.8113, np.nan]}
    return pd.DataFrame(table | {"asa_s": [12.345, np.inf], "urgent": [True, False]})


def test_shares_are_percent_and_seconds_have_a_unit() -> None:
    heads, rows, below = cells(cc.show(service(), period="month"))
    assert heads == ["queue", "period start", "threshold [s]", "offered", "service level", "ASA [s]", "urgent"]
    assert rows[0] == ["sales", "2025-03", "20.0", "1,200", "81.1 %", "12.3", "yes"]
    assert rows[1] == ["–", "2025-04", "20.0", "3", "–", "inf", "no"]
    assert "service level: service_level = answered_within / (offered - open)" in below
    assert "ASA: asa_s = total_wait_s / answered" in below
    assert "threshold: 20 s" in below.lower()
    assert "Times are those of Europe/Istanbul." in below


@pytest.mark.parametrize(
    ("lang", "share", "head"), [("de", "81,1 %", "Servicelevel"), ("es", "81,1 %", "Nivel de servicio"), ("tr", "%81,1", "Hizmet")]
)
def test_it_speaks_the_language(lang: str, share: str, head: str) -> None:
    heads, rows, _ = cells(cc.show(service(), lang=lang))
    assert rows[0][4] == share
    assert heads[4].startswith(head)


def test_numbers_stand_right_and_words_left() -> None:
    page = cc.show(service()).to_html()
    aligned = {}
    for rule in page.partition("</style>")[0].split("}"):
        selectors, _, body = rule.partition("{")
        for selector in selectors.split(","):
            if "_row0_col" in selector:
                aligned[int(selector.rpartition("col")[2])] = body.partition("text-align:")[2].strip(" ;\n")
    assert [aligned[column] for column in range(7)] == ["left", "left", "right", "right", "right", "right", "left"]


def test_nothing_of_the_data_is_markup_or_a_formula() -> None:
    name = "<script>alert('x')</script> & $x^2$ \u202eabc\x1b[31m"
    table = pd.DataFrame({"queue": [name, "😀 שלום", "q" * 10_000], name: ["<b>", "</td>", "&amp;"], "service_level": 0.5})
    shown = cc.show(table)
    text = shown.to_html()
    assert "<script" not in text
    assert "<b>" not in text
    heads, rows, _ = cells(shown)
    assert rows[0][0].startswith("<script>alert('x')</script> & $x^2$")  # as text
    assert [row[1] for row in rows] == ["<b>", "</td>", "&amp;"]
    assert "<script>" in heads[1]
    assert len(rows[2][0]) == 200
    assert "\u202e" not in text
    assert "\x1b" not in text
    page = html.fromstring(text)
    (drawn,) = page.iter("table")
    assert {"tex2jax_ignore", "mathjax_ignore"} <= set(drawn.get("class").split())  # a notebook would typeset $…$


def test_any_column_can_be_shown() -> None:
    things = {
        "lists": [[1, 2], None],
        "dates": [dt.date(2025, 1, 6), None],
        "spans": [pd.Timedelta("90s"), pd.NaT],
        "numbers": pd.array([1, None], dtype="Int64"),
        "truths": pd.array([True, None], dtype="boolean"),
        "exact": [Decimal("1.5"), None],
        "periods": pd.PeriodIndex(["2025-01", None], freq="M"),
        "complex": [1 + 2j, 3 + 0j],
        "bytes": [b"a", None],
        "naive": pd.to_datetime(["2025-01-06 10:00", None]),
        3: [1.0, np.nan],
    }
    heads, rows, _ = cells(cc.show(pd.DataFrame(things)))
    assert len(heads) == len(things)
    shown = dict(zip(map(str, things), zip(*rows, strict=True), strict=True))
    assert shown["lists"] == ("[1, 2]", "–")
    assert shown["dates"] == ("2025-01-06", "–")
    assert shown["numbers"] == ("1", "–")
    assert shown["exact"] == ("1.5", "–")
    assert shown["3"] == ("1", "–")


def test_times_are_moved_to_the_zone_asked_for() -> None:
    table = pd.DataFrame({"queued_at": pd.to_datetime(["2025-01-06T06:00Z"])})
    _, rows, below = cells(cc.show(table, timezone="Europe/Istanbul"))
    assert rows == [["2025-01-06 09:00:00"]]
    assert "Europe/Istanbul" in below
    with pytest.raises(ZoneError):
        cc.show(table, timezone="Istanbul")


def test_long_tables_are_cut_and_say_so() -> None:
    _, rows, below = cells(cc.show(pd.DataFrame({"offered": range(1000)}), rows=5))
    assert [row[0] for row in rows] == list("01234")
    assert "5 of 1,000 rows" in below
    _, rows, below = cells(cc.show(pd.DataFrame({"offered": range(5)}), rows=5))
    assert (len(rows), below) == (5, "")


def test_polars_and_arrow_tables_are_shown_alike() -> None:
    import polars as pl
    import pyarrow as pa

    table = service().drop(columns="period_start")
    frames = (table, pa.Table.from_pandas(table, preserve_index=False), pl.from_pandas(table))
    assert len({str(cells(cc.show(each))) for each in frames}) == 1


def test_an_empty_table_has_its_headings() -> None:
    heads, rows, _ = cells(cc.show(service().iloc[:0]))
    assert len(heads) == 7
    assert rows == []


def test_the_table_is_not_changed_and_two_of_them_share_no_identifier() -> None:
    table = service()
    before = table.copy(deep=True)
    one, other = (html.fromstring(cc.show(table).to_html()) for _ in range(2))
    pd.testing.assert_frame_equal(table, before)
    ids = [{each.get("id") for each in page.iterfind(".//*[@id]")} for page in (one, other)]
    assert not ids[0] & ids[1]


@pytest.mark.parametrize("rows", [0, -1, 1.5, True, "all"])
def test_rows_are_a_number_of_rows(rows: object) -> None:
    with pytest.raises(OptionError, match="rows="):
        cc.show(service(), rows=rows)


def test_what_cannot_be_shown_is_refused() -> None:
    with pytest.raises(TableError, match="expected a pandas frame"):
        cc.show([1, 2])
    with pytest.raises(TableError, match="more than once"):
        cc.show(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(OptionError, match="no language"):
        cc.show(service(), lang="fr")
