"""Cards of a scorecard whose verdict does not follow from value and target alone say what decided."""

from __future__ import annotations

from typing import Any

import pytest
from matplotlib.figure import Figure

from ccstats import plots
from ccstats.labels import LANGUAGES, phrase
from ccstats.scorecard.judging import Bounds, judge, judge_k_of_n
from chart_cases import kpis


def whys(reasons: list[str], verdicts: list[str], lang: str = "en") -> list[str]:
    ax: Any = Figure(figsize=(8, 2)).add_subplot()
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
    assert why == ["met in 2 and missed in 1 of 3 periods…"]
