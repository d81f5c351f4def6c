"""The scorecard as files: what people see is what was measured, bytes are steady, names do no harm, and small groups stay hidden."""

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scorecard_cases import agreement, contacts, judged, month, surveys

import ccstats as cc
from ccstats.report.scorecard_files import json_text, scorecard_markdown, steady
from ccstats.report.scorecard_files import write_scorecard as write_report
from ccstats.report.scorecard_report import ScorecardReport, figure_text, target_text
from ccstats.report.suppressed_scorecard import suppress_kpis, suppress_trace

EVIL = '=HYPERLINK("http://x";"y")|<script>alert(1)</script>[a](b)\x1b[2J'
SLOW = {"wait_s": 100.0}


def build(queue: str = "sales", client: str = "Client") -> tuple[cc.Agreement, dict[str, Any], pd.DataFrame]:
    malus = [{"when": "below", "value": 0.9, "amount": -500.0}]
    targets = {"metric": "service_level", "value": 0.9, "money": malus}, {"metric": "csat_top2", "value": 0.1, "by_queue": False}
    deal = agreement(*targets, {"metric": "nps"}, currency="EUR").model_copy(update={"client": client})
    given = {"contacts": contacts(month(4, 1, usual={"queue": queue}, worse={**SLOW, "queue": queue})), "surveys": surveys([5] * 40)}
    return deal, given, judged(deal, **given)


def test_files_hold_the_figures(tmp_path: Path) -> None:
    deal, given, kpis = build()
    trace = cc.trace_scorecard(kpis, deal, **given)
    paths = write_report(kpis, out=tmp_path, agreement=deal, trace=trace)
    assert {path.name for path in paths} == {
        *("scorecard.md", "scorecard.xlsx", "kpis.csv", "kpis.json", "index.csv", "trace.csv", "provenance.json")
    }
    back = pd.read_csv(tmp_path / "kpis.csv")
    assert back["value"].to_numpy() == pytest.approx(kpis["value"].to_numpy(), nan_ok=True, rel=1e-9)
    told = json.loads((tmp_path / "kpis.json").read_text())
    assert [row["verdict"] for row in told["kpis"]] == kpis["verdict"].tolist()
    assert told["kpis"][0]["period_start"].startswith("2026-03-01T00:00:00+01:00")
    assert [row["value"] for row in told["kpis"] if row["metric"] == "nps"] == [None]
    book = openpyxl.load_workbook(tmp_path / "scorecard.xlsx")
    assert book.sheetnames == ["scorecard", "index", "definitions", "kpis"]
    sheet = list(book["kpis"].values)
    heads = [str(each) for each in sheet[0]]
    found = dict(zip([row[heads.index("target")] for row in sheet[1:]], sheet[1:], strict=True))
    for row in kpis.itertuples():
        value = found[row.target][heads.index("value")]
        assert value == pytest.approx(row.value) if not np.isnan(row.value) else value is None
        assert found[row.target][heads.index("verdict")] == row.verdict
    text = (tmp_path / "scorecard.md").read_text()
    for said in ("80.0 %", "at least 90.0 %", "not met", "not decidable", "-500", "1 of 3 targets met, 1 not decidable", "EUR"):
        assert said in text, said


@pytest.mark.parametrize("lang", ["en", "de", "es", "tr"])
def test_data_are_the_same_in_every_language(tmp_path: Path, lang: str) -> None:
    deal, _, kpis = build()
    write_report(kpis, out=tmp_path / lang, agreement=deal, lang=lang)
    write_report(kpis, out=tmp_path / "en", agreement=deal)
    for name in ("kpis.csv", "kpis.json", "index.csv"):
        assert (tmp_path / lang / name).read_bytes() == (tmp_path / "en" / name).read_bytes()
    text = (tmp_path / lang / "scorecard.md").read_text()
    assert {"en": "not given: surveys", "de": "80,0 %", "es": "80,0 %", "tr": "%80,0"}[lang].replace("not given: surveys", "80.0 %") in text


@pytest.mark.parametrize("name", [EVIL, "q" * 5000, "+1", "名前", "a\nb"])
def test_names_do_no_harm(tmp_path: Path, name: str) -> None:
    deal, given, kpis = build(queue=name, client=name)
    paths = write_report(kpis, out=tmp_path, agreement=deal, trace=cc.trace_scorecard(kpis, deal, **given))
    text = (tmp_path / "scorecard.md").read_text()
    assert "<script>" not in text
    assert "\x1b" not in text
    assert "[a](b)" not in text
    widths = {line.replace(r"\|", "").count("|") for line in text.splitlines() if line.startswith("| 2026-03")}
    assert len(widths) <= 1
    for path in paths:
        if path.suffix == ".csv":
            for cell in pd.read_csv(path, dtype="str", keep_default_na=False).to_numpy().ravel():
                assert not cell.startswith(("=", "@", "\t", "\r", "+1"))
    for sheet in openpyxl.load_workbook(tmp_path / "scorecard.xlsx"):
        for cell in itertools.chain.from_iterable(sheet.iter_rows()):
            assert cell.data_type != "f"
            assert cell.hyperlink is None


def test_numbers_have_ten_digits_and_nothing_is_missing_as_a_word() -> None:
    table = steady(pd.DataFrame({"value": [1 / 3, -0.0, np.nan, 1e300, 123456789.123456], "name": list("abcde")}))
    assert table["value"].tolist() == pytest.approx([0.3333333333, 0.0, np.nan, 1e300, 123456789.1], nan_ok=True, rel=1e-15)
    assert not np.signbit(table["value"][1])
    content = {"b": pd.NA, "a": [pd.NaT, float("inf"), np.int64(3), np.True_, None, 2 / 3], "at": pd.Timestamp("2026-03-01", tz="UTC")}
    text = json_text(content)
    assert json.loads(text) == {"a": [None, None, 3, True, None, 0.6666666667], "at": "2026-03-01T00:00:00+00:00", "b": None}
    assert text.index('"a"') < text.index('"at"') < text.index('"b"')


def test_figures_and_targets_in_words() -> None:
    assert [figure_text(0.5, unit) for unit in ("ratio", "s", "count", "points", "currency")] == ["50.0 %", "0.5 s", "0.5", "0.5", "0.50"]
    assert figure_text(float("nan"), "ratio") == "–"
    assert target_text(0.1, 0.2, "ratio") == "10.0 % to 20.0 %" or "between" in target_text(0.1, 0.2, "ratio")
    assert "–" not in target_text(float("nan"), float("nan"), "s")


def test_a_metric_that_is_not_offered_is_shown_by_its_name() -> None:
    deal = agreement({"metric": "staffing_variance", "value": 0.9})
    report = ScorecardReport(judged(deal, contacts=contacts(month(1))), deal)
    assert r"staffing\_variance is not offered" in scorecard_markdown(report)


# ---- small groups

PERIODS = {"day": 1, "month": 31}
TARGETS = [("service_level", "queue"), ("service_level", "all"), ("abandonment_rate", "all"), ("asa_s", "queue"), ("asa_s", "all")]


def printed(counts: dict[str, list[int]]) -> pd.DataFrame:
    """A scorecard of queues with so many contacts on each of three days, all of them answered: days, their queues, and the month."""
    rows = []
    starts = pd.date_range("2026-03-01", periods=3, tz="Europe/Berlin")
    for metric, grain in TARGETS:
        for queue, of_days in {**counts, "all": [sum(day) for day in zip(*counts.values(), strict=True)]}.items():
            if (queue == "all") != (grain == "all"):
                continue
            base = {"queue": queue, "metric": metric, "target": f"{metric} {grain}", "value": 0.5, "verdict": "met"}
            rows += [
                {**base, "period": "day", "period_start": start, "count": float(count)}
                for start, count in zip(starts, of_days, strict=True)
            ]
            rows.append(
                {**base, "target": base["target"] + " month", "period": "month", "period_start": starts[0], "count": float(sum(of_days))}
            )
    frame = pd.DataFrame(rows)
    for name in ("value_low", "value_high", "previous", "indicator", "money"):
        frame[name] = 0.5
    return frame.assign(trend="steady", unusual="no", verdict_reason="").sort_values(["period_start", "queue", "target"], ignore_index=True)


@settings(max_examples=40, deadline=None)
@given(
    counts=st.dictionaries(st.sampled_from("abcd"), st.lists(st.sampled_from([0, 1, 3, 4, 5, 9, 40]), min_size=3, max_size=3), min_size=1)
)
def test_no_count_of_one_to_four_is_printed_or_left_over(counts: dict[str, list[int]]) -> None:
    kpis = printed(counts)
    shown = suppress_kpis(kpis, below=5)
    left = shown[shown["count"].notna()]
    assert not left["count"].between(1, 4).any()
    # Every count is a sum of atoms, the contacts of one queue on one day; a sum that those printed determine is no secret.
    atoms = [(queue, start) for queue in counts for start in sorted(set(kpis["period_start"]))]

    def parts(row: Any) -> list[float]:
        return [float(row.queue in ("all", queue) and (row.period == "month" or row.period_start == start)) for queue, start in atoms]

    known = np.array([parts(row) for row in left.itertuples()]).reshape(-1, len(atoms))
    rank = np.linalg.matrix_rank(known) if len(known) else 0
    for row in kpis[kpis["count"].between(1, 4)].itertuples():
        assert np.linalg.matrix_rank(np.vstack([known, parts(row)])) > rank, (row.queue, row.period, row.count)
    blank = shown[shown["count"].isna()]
    assert blank[["value", "value_low", "value_high", "indicator", "money"]].isna().all(axis=None)
    assert (blank["verdict"] == "not_decidable").all()
    assert (blank["verdict_reason"] == "fewer than 5 cases: suppressed").all()
    assert (blank["unusual"] == "unknown").all()
    after = shown.sort_values("period_start").groupby(["target", "queue"])["count"].shift()
    first = shown.sort_values("period_start").groupby(["target", "queue"]).cumcount() == 0
    assert shown.loc[(after.isna() & ~first).reindex(shown.index), "previous"].isna().all()


def test_two_figures_of_all_queues_do_not_differ_by_a_few() -> None:
    kpis = printed({"a": [40, 40, 40]})
    other = kpis[(kpis["target"] == "service_level all month")].assign(target="other", count=123.0)
    shown = suppress_kpis(pd.concat([kpis, other], ignore_index=True), below=5)
    month_rows = shown[(shown["period"] == "month") & shown["metric"].isin(["service_level", "abandonment_rate"])]
    assert month_rows.loc[month_rows["queue"] == "all", "count"].isna().all()


def test_without_small_groups_nothing_changes() -> None:
    kpis = printed({"a": [40, 0, 40], "b": [50, 6, 70]})
    pd.testing.assert_frame_equal(suppress_kpis(kpis, below=5), kpis)
    assert suppress_kpis(kpis.head(0), below=5).empty
    assert suppress_kpis(kpis, below=0) is kpis
    trace = pd.DataFrame({"input": ["contacts"], "rows": [3]})
    assert suppress_trace(trace, below=0)["rows"].tolist() == [3]
    assert suppress_trace(trace, below=5)["rows"].isna().all()


def test_a_suppressed_workbook_can_be_opened(tmp_path: Path) -> None:
    deal, _, kpis = build()
    write_report(suppress_kpis(kpis, below=1000), out=tmp_path, agreement=deal)
    book = openpyxl.load_workbook(io.BytesIO((tmp_path / "scorecard.xlsx").read_bytes()))
    assert "80.0 %" not in {str(cell.value) for row in book["scorecard"].iter_rows() for cell in row}
