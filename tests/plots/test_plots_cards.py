"""Cards of a scorecard whose verdict does not follow from value and target alone say what decided."""

from __future__ import annotations

from typing import Any

import pytest
from chart_cases import kpis
from matplotlib.figure import Figure

from ccstats import plots
from ccstats.labels import LANGUAGES, phrase
from ccstats.scorecard.judging import Bounds, judge, judge_k_of_n


def whys(reasons: list[str], verdicts: list[str], lang: str = "en") -> list[str]:
    ax: Any = Figure(figsize=(12, 2)).add_subplot()
    plots.kpi_cards(kpis(verdict_reason=reasons, verdict=verdicts), ax=ax, lang=lang)
    return [text.get_text() for text in ax.texts if text.get_gid() == "why"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_target_met_by_its_margin_of_error_says_so(lang: str) -> None:
    judged = judge(0.777, 0.71, 0.832, Bounds(0.78, float("inf")), margin_adjusted=True)
    assert judged.verdict == "met"
    assert whys([judged.reason, "", ""], [judged.verdict, "not_met", "not_decidable"], lang) == [phrase("within_margin", lang)]


def test_other_periods_that_decided_are_told_and_what_is_open_is_not() -> None:
    judged = judge_k_of_n([True, True, False], k=2, n=3)[-1]
    assert judged.verdict == "met"
    why = whys(["", judged.reason, "too few cases"], ["met", "met", "not_decidable"])
    assert [each[:37] for each in why] == ["met in 2 and missed in 1 of 3 periods"]


def test_titles_stay_in_their_cards() -> None:
    figure = Figure(figsize=(6, 2))
    ax: Any = figure.add_subplot()
    plots.kpi_cards(kpis(metric=["sl_excl_short", "fcr_window", "csat_top2"]), ax=ax, lang="de")
    figure.draw_without_rendering()
    cards = [box.get_window_extent() for box in ax.patches]
    for text in (each for each in ax.texts if each.get_transform() == ax.transData):
        left, right = text.get_window_extent().intervalx
        assert any(box.x0 <= left and right <= box.x1 + 1 for box in cards), text.get_text()
