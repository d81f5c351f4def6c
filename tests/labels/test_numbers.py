"""Numbers, shares and moments in every language, read back by hand."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccstats.errors import OptionError
from ccstats.labels import LANGUAGES, moment_text, number_text, share_text

SIGNS = {"en": (",", "."), "de": (".", ","), "es": (".", ","), "tr": (".", ",")}
finite = st.floats(min_value=-1e12, max_value=1e12, allow_nan=False)


def read_back(text: str, lang: str) -> float:
    """The number again, one character at a time."""
    group, decimal = SIGNS[lang]
    plain = ""
    for sign in text:
        if sign == group:
            continue
        plain += "." if sign == decimal else sign
    return float(plain)


@given(finite, st.integers(0, 4), st.sampled_from(LANGUAGES))
def test_a_number_reads_back_as_the_rounded_number(value: float, digits: int, lang: str) -> None:
    text = number_text(value, digits=digits, lang=lang)
    assert read_back(text, lang) == float(f"{value:.{digits}f}")
    group, decimal = map(re.escape, SIGNS[lang])
    places = rf"{decimal}\d{{{digits}}}" if digits else ""
    assert re.fullmatch(rf"-?\d{{1,3}}({group}\d{{3}})*{places}", text)


@given(st.floats(min_value=-100, max_value=100), st.sampled_from(LANGUAGES))
def test_a_share_is_its_percentage_with_the_sign_where_it_belongs(value: float, lang: str) -> None:
    text = share_text(value, lang=lang)
    assert text.count("%") == 1
    assert re.fullmatch(r"-?%[\d.,]+" if lang == "tr" else r"-?[\d.,]+ %", text)
    assert read_back(text.replace("%", "").strip(), lang) == float(f"{100 * value:.1f}")


def test_numbers_by_hand() -> None:
    assert [share_text(0.8, lang=lang) for lang in LANGUAGES] == ["80.0 %", "80,0 %", "80,0 %", "%80,0"]
    assert share_text(-0.052, lang="tr") == "-%5,2"
    assert share_text(0.95, digits=0, lang="tr") == "%95"
    assert [number_text(1234567.891, digits=2, lang=lang) for lang in ("en", "de", "es", "tr")] == ["1,234,567.89"] + ["1.234.567,89"] * 3
    assert {number_text(math.nan, lang=lang) for lang in LANGUAGES} == {share_text(math.nan, lang=lang) for lang in LANGUAGES} == {"–"}
    assert [number_text(-math.inf, digits=1, lang=lang) for lang in LANGUAGES] == ["-inf", "-∞", "-∞", "-∞"]


def test_moments_by_hand() -> None:
    at = datetime(2025, 3, 9, 14, 5, 6, tzinfo=UTC)
    assert [moment_text(at, period="day", lang=lang) for lang in LANGUAGES] == ["2025-03-09", "09.03.2025", "09/03/2025", "09.03.2025"]
    assert moment_text(at, lang="tr") == "09.03.2025 14:05:06"
    assert moment_text(at, period="interval", lang="es") == "09/03/2025 14:05"
    for lang in LANGUAGES:
        assert [moment_text(at, period=period, lang=lang) for period in ("week", "month", "quarter", "year")] == [
            "2025-W10",
            "2025-03",
            "2025-03",
            "2025",
        ]
        local = pd.Timestamp(at).tz_convert("Europe/Istanbul")
        assert "17" in moment_text(local, period="hour", lang=lang)
        # A word of the formats that is no period is none.
        assert moment_text(at, period="decimal", lang=lang) == moment_text(at, lang=lang)


@pytest.mark.parametrize("write", [number_text, share_text])
def test_an_unknown_language_is_refused(write) -> None:
    with pytest.raises(OptionError, match="lang='xx'"):
        write(0.5, lang="xx")
