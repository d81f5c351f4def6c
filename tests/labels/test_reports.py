"""Reports in every language: the same figures, words of the language, and data that stays data."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import ccstats as cc
from ccstats.errors import OptionError
from ccstats.labels import LANGUAGES, metric_title
from ccstats.report import build_service_report
from ccstats.report.cells import heading, present
from ccstats.report.files import service_tables
from command_line import run

ZONE = "Europe/Berlin"


@pytest.fixture(scope="module")
def log() -> cc.Log:
    return cc.read(cc.sample_log())


def digits(text: str) -> list[str]:
    """The figures of a text, without what separates their thousands and decimals."""
    return [re.sub("[.,]", "", number) for number in re.findall(r"\d[\d.,]*", text)]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_report_has_the_same_figures_and_files_in_every_language(lang: str, log: cc.Log) -> None:
    english = build_service_report(log, timezone=ZONE)
    made = build_service_report(log, timezone=ZONE, lang=lang)
    shown = [present(report.headline(), period="month", lang=each) for report, each in ((english, "en"), (made, lang))]
    bodies = [[sorted(digits(" ".join(row))) for row in table.astype("str").to_numpy().tolist()] for table in shown]
    assert bodies[0] == bodies[1]
    assert len(bodies[0]) > 10
    assert service_tables(english) == service_tables(made)


def test_words_of_vocabularies_are_translated_and_names_are_not() -> None:
    table = pd.DataFrame(
        {
            "queue": ["open", "answered"],  # what a centre may call its queues
            "metric": ["service_level", "nps"],
            "verdict": pd.Categorical(["met", "not_decidable"]),
            "value": [1234.5, -0.25],
            "queued_at": pd.to_datetime(["2025-03-01 10:00", None]).tz_localize("UTC"),
            "signal": [True, False],
        }
    )
    assert present(table, lang="tr").to_numpy().tolist() == [
        ["open", metric_title("service_level", "tr"), "karşılandı", "1.234,5", "01.03.2025 10:00:00", "evet"],
        ["answered", metric_title("nps", "tr"), "karar verilemez", "-0,2", "–", "hayır"],
    ]
    assert present(table)["verdict"].tolist() == ["met", "not_decidable"]


def test_no_column_is_lost_where_two_have_one_heading() -> None:
    table = pd.DataFrame({"definition": ["a"], "Definition": ["b"], "state": ["c"], "status": ["d"]})
    for lang in LANGUAGES:
        shown = present(table, lang=lang)
        assert shown.to_numpy().tolist() == [["a", "b", "c", "d"]]
        assert len(set(shown.columns)) == 4


def test_seconds_carry_the_unit_of_the_language() -> None:
    assert [heading("wait_s", lang) for lang in LANGUAGES] == [
        "wait [s]",
        "Wartezeit [s]",
        "Tiempo de espera [s]",
        "Bekleme süresi [sn]",
    ]
    assert heading("answered_within_20s", "tr") == "20 sn içinde yanıtlanan"


def test_an_unknown_language_is_refused_before_anything_is_counted(log: cc.Log) -> None:
    with pytest.raises(OptionError, match="lang='xx'"):
        build_service_report(log, timezone=ZONE, lang="xx")
    with pytest.raises(OptionError, match="lang='xx'"):
        present(pd.DataFrame({"queue": ["a"]}), lang="xx")


def test_the_command_line_speaks_the_language_asked_for(tmp_path: Path) -> None:
    log = str(cc.sample_log())
    told = run("report", log, "-z", ZONE, "--lang", "tr", "--out", tmp_path)
    assert told.returncode == 0, told.stderr
    assert "Hizmet seviyesi" in told.stdout.decode()
    assert "%84,2" in told.stdout.decode()
    assert (tmp_path / "report.md").read_text(encoding="utf-8").startswith("# Hizmet seviyesi")
    assert (tmp_path / "service.csv").read_text(encoding="utf-8").startswith("queue,period_start,")
    stats = run("stats", log, "-z", ZONE, env={"CCSTATS_LANG": "de"})
    assert stats.returncode == 0, stats.stderr
    assert "Wartezeiten nach Warteschlange" in stats.stdout.decode()
    assert "weitergeleitet" in stats.stdout.decode()
    wrong = run("stats", log, "-z", ZONE, "--lang", "fr")
    assert wrong.returncode == 2
    assert "lang='fr' is no language of the labels; expected one of: en, de, es, tr" in wrong.stderr.decode()
