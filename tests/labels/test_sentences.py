"""Reasons told again in another language: every one that a scorecard can give, with its figures, and nothing left out."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ccstats as cc
from ccstats.errors import OptionError
from ccstats.labels import LANGUAGES, metric_title, translate
from ccstats.labels.words import book_of

OTHERS = [lang for lang in LANGUAGES if lang != "en"]


@pytest.mark.parametrize("lang", OTHERS)
def test_every_template_is_found_again_and_filled(lang: str) -> None:
    for key, text in book_of("en")["reasons"].items():
        names = [name for _, name, _, _ in string.Formatter().parse(text) if name]
        values = {name: f"value{at}" for at, name in enumerate(names)}
        assert translate(text.format(**values), lang) == book_of(lang)["reasons"][key].format(**values), key


def test_figures_are_written_as_in_the_language_and_metrics_have_their_titles() -> None:
    interval = "the interval 0.72 to 1234.5 holds the target: too few cases to tell"
    said = f"met in 9 and missed in 2 of 12 periods; 10 are asked for; this period: {interval}"
    told = translate(said, "de")
    assert told.startswith(
        "erreicht in 9 und verfehlt in 2 von 12 Zeiträumen; verlangt sind 10; dieser Zeitraum: das Intervall 0,72 bis 1.234,5 "
    )
    assert metric_title("nps", "tr") in translate("no log tells nps; give it with figures=", "tr")
    said = "sl_answered_only = answered_within / answered; threshold 20 s; wait from arrived; over the shortest 95%"
    assert (
        translate(said, "tr")
        == "sl_answered_only = answered_within / answered; eşik 20 sn; bekleme gelişten itibaren; en kısa %95 üzerinden"
    )
    assert translate("not given: surveys", "es") == "no se dieron datos de: Encuestas"
    assert translate("the data cover 3 of 31 days; something new; there is nothing to measure", "de") == (
        "die Daten decken 3 von 31 Tagen ab; something new; es gibt nichts zu messen"
    )


@pytest.mark.parametrize("lang", OTHERS)
def test_what_a_target_lacks_can_be_told(lang: str) -> None:
    asked = (
        {"metric": "asa_s", "op": "<="},
        {"metric": "asa_s", "op": "<=", "value": 20, "applies_to": "sales lines"},
        {"metric": "complaint_on_time_rate", "op": ">=", "value": 0.9},
    )
    for each in asked:
        lacks = cc.Target(name="own", **each).lacks
        assert lacks
        assert translate(lacks, lang) not in ("", lacks)
    assert metric_title("asa_s", lang) in translate("no log tells asa_s; give it with figures=", lang)


@given(st.text(alphabet="abc; :{}0.", max_size=40), st.sampled_from(LANGUAGES))
def test_what_is_not_ours_is_left_as_it_is(text: str, lang: str) -> None:
    assert translate(text, lang) == text
    assert translate(text, "en") == text


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(OptionError, match="lang='xx'"):
        translate("there is nothing to measure", "xx")
