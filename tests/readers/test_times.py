"""Times in a format, read in compiled code: against a pattern for each format, and against what pandas reads."""

from __future__ import annotations

import random
import re
from datetime import datetime
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ccstats.readers import instants
from ccstats.readers.times import formatted

_FORMATS = [
    "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%Y%m%d %H:%M:%S", "%d.%m.%Y um %H Uhr %M", "%d%m%Y%H%M", "%d.%m.%Yé%H:%M",
    "%a, %d %b %Y %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%d-%b-%Y %H:%M",
]  # fmt: skip
_DIGITS = {"%Y": 4, "%m": 2, "%d": 2, "%H": 2, "%M": 2, "%S": 2}
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def _by_pattern(written: str, text: str | None) -> datetime | None:
    """What a time in this format is, by a pattern made of it."""
    parts = re.findall("%.|[^%]+", written)
    apart = not any(one[0] == other[0] == "%" for one, other in pairwise(parts))
    pattern = ""
    for part in parts:
        least = 1 if apart and part in ("%d", "%m", "%H") else _DIGITS.get(part)
        names = {"%b": f"(?i:{'|'.join(_MONTHS)})", "%a": "(?i:mon|tue|wed|thu|fri|sat|sun)"}.get(part)
        inner = names or (f"[0-9]{{{least},{_DIGITS[part]}}}" if part in _DIGITS else None)
        pattern += f"(?P<{part[1]}>{inner})" if inner else re.escape(part)
    found = None if text is None else re.fullmatch(pattern, text)
    if found is None:
        return None
    each = found.groupdict()
    month = int(each["m"]) if "m" in each else _MONTHS.index(each["b"].lower()) + 1
    try:
        return datetime(int(each["Y"]), month, *(int(each.get(name, 0)) for name in "dHMS"))  # noqa: DTZ001
    except ValueError:
        return None


def _texts(written: str, rng: random.Random, many: int) -> list[str | None]:
    texts: list[str | None] = [None, ""]
    for _ in range(many):
        at = pd.Timestamp("1971-01-01") + pd.Timedelta(rng.randrange(7 * 10**9), "s")
        form = written
        for part, value in (("%d", at.day), ("%m", at.month), ("%H", at.hour)):
            form = form.replace(part, str(value)) if rng.random() < 0.3 else form
        text = at.strftime(form)
        text = text.upper() if rng.random() < 0.1 else text
        texts.append(text.replace(rng.choice(text), rng.choice("0139.: xé"), 1) if rng.random() < 0.3 else text)
    return texts


@pytest.mark.parametrize("written", _FORMATS)
def test_formatted_against_a_pattern(written: str) -> None:
    rng = random.Random(5)
    for _ in range(40):
        array = pa.array(_texts(written, rng, rng.choice([0, 1, 30])), pa.large_string())[rng.choice([0, 1, 2]) :]
        found = formatted(array, written)
        assert found is not None
        wanted = [_by_pattern(written, text) for text in array.to_pylist()]
        assert pd.Series(found).equals(pd.Series(np.array(wanted, dtype="M8[us]")))


@pytest.mark.parametrize("written", _FORMATS)
def test_many_times_as_few(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled code takes nothing that pandas reads otherwise, and leaves to it what it does not know."""
    column = pd.Series(
        [*_texts(written, random.Random(8), 400), "2024-03-01 09:00:00", "2024-03-01T09:00:00+02:00", "31.02.2024 09:00"], dtype="str"
    )
    few = instants.to_instants(column, written, timezone="Europe/Berlin")
    monkeypatch.setattr(instants, "_MANY", 1)
    many = instants.to_instants(column, written, timezone="Europe/Berlin")
    assert many[0].utc.notna().sum() > 200
    pd.testing.assert_series_equal(few[0].utc, many[0].utc)
    assert (few[0].twice == many[0].twice).all()
    assert (few[0].never == many[0].never).all()
    assert (few[1] == many[1]).all()


@pytest.mark.parametrize(
    "written",
    ["%H:%M", "%d.%m.%y %H:%M", "%d.%m.%Y %I:%M %p", "%d.%m.%Y %d %H:%M", "%m %b %d %Y %H:%M", "Q1 %d.%m.%Y %H:%M", "%d.%m.%Y %H:%M%", ""],
)
def test_formats_that_are_left_to_pandas(written: str) -> None:
    assert formatted(pa.array(["01.03.2024 09:00"], pa.large_string()), written) is None


def test_every_day_of_four_centuries() -> None:
    days = pd.date_range("1800-01-01", "2210-01-01", freq="D")
    found = formatted(pa.array(days.strftime("%d.%m.%Y 23:59:58").tolist(), pa.large_string()), "%d.%m.%Y %H:%M:%S")
    assert found is not None
    assert (found == (days + pd.Timedelta("23h59min58s")).to_numpy().astype("M8[us]")).all()
    none = [f"{day:02d}.{month:02d}.{year}" for year in (1900, 2023, 2024) for month in range(1, 13) for day in range(32)]
    there = [text for text in none if _by_pattern("%d.%m.%Y %H:%M", f"{text} 10:00") is not None]
    read = formatted(pa.array([f"{text} 10:00" for text in none], pa.large_string()), "%d.%m.%Y %H:%M")
    assert (~np.isnat(read)).sum() == len(there) == 365 + 365 + 366
