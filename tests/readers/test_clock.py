"""Wall clocks become instants, on both nights the clocks change, in zones with odd offsets."""

from __future__ import annotations

import os
import random
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccstats.readers.clock import as_iso, localise

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
ZONES = ["Europe/London", "Australia/Lord_Howe", "America/New_York", "Africa/Cairo", "Pacific/Apia", "Asia/Jerusalem"]


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=max(30, int(1500 * EXAM)), deadline=None)
@given(seconds=st.lists(st.integers(1_262_304_000, 1_767_225_600), min_size=1, max_size=30))
def test_localise_reverses_the_wall_clock(zone, seconds):
    """Wall times made from instants come back as those instants, or as the other one of an hour that happened twice."""
    instants = pd.Series(pd.to_datetime(seconds, unit="s", utc=True)).dt.as_unit("us")
    wall = instants.dt.tz_convert(zone).dt.tz_localize(None)
    found = localise(wall, zone)
    assert not found.never.any()
    assert (found.utc.dt.tz_convert(zone).dt.tz_localize(None) == wall).all()
    unsure = wall.dt.tz_localize(zone, ambiguous="NaT").isna().to_numpy()
    assert (found.twice == unsure).all()
    assert (found.utc[~unsure] == instants[~unsure]).all()
    second = found.utc + found.later.where(found.twice, pd.Timedelta(0))
    assert ((found.utc == instants) | (second == instants)).all()


def test_an_hour_that_happened_twice_is_the_first_and_says_how_much_later_the_second_is():
    wall = pd.Series(pd.to_datetime(["2026-10-25 00:59", "2026-10-25 01:00", "2026-10-25 01:59", "2026-10-25 02:00"]))
    found = localise(wall, "Europe/London")
    assert found.twice.tolist() == [False, True, True, False]
    assert found.utc.dt.strftime("%H:%M").tolist() == ["23:59", "00:00", "00:59", "02:00"]
    assert found.later[found.twice].tolist() == [pd.Timedelta(hours=1)] * 2


def test_an_hour_that_never_happened_becomes_the_moment_the_clocks_went_forward():
    wall = pd.Series(pd.to_datetime(["2026-03-29 00:59:59", "2026-03-29 01:00:00", "2026-03-29 01:59:00", "2026-03-29 02:00:00"]))
    found = localise(wall, "Europe/London")
    assert found.never.tolist() == [False, True, True, False]
    assert found.utc.dt.strftime("%H:%M:%S").tolist() == ["00:59:59", "01:00:00", "01:00:00", "01:00:00"]


def test_a_day_that_never_happened_and_missing_times():
    found = localise(pd.Series(pd.to_datetime(["2011-12-30 15:00", None])), "Pacific/Apia")
    assert found.utc[0] == pd.Timestamp("2011-12-30 10:00", tz="UTC")
    assert found.utc.isna().tolist() == [False, True]
    assert np.array_equal(found.never, [True, False])


@pytest.mark.parametrize(
    "written", ["%d.%m.%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%Y%m%d %H:%M:%S", "%d.%m.%Y um %H Uhr %M", "%d%m%Y%H%M", "%d.%m.%Yé%H:%M"]
)
def test_times_rewritten_as_iso_against_a_pattern_for_each(written: str) -> None:
    digits = {"%Y": 4, "%m": 2, "%d": 2, "%H": 2, "%M": 2, "%S": 2}
    parts = re.findall("%.|[^%]+", written)
    apart = not any(one in digits and other in digits for one, other in pairwise(parts))
    pattern = ""
    for part in parts:
        least = 1 if apart and part in ("%d", "%m", "%H") else digits.get(part)
        pattern += f"(?P<{part[1]}>[0-9]{{{least},{digits[part]}}})" if part in digits else re.escape(part)

    def rewritten(text: str | None) -> str | None:
        found = None if text is None else re.fullmatch(pattern, text)
        if found is None:
            return text
        each = {name: value.zfill(2) for name, value in found.groupdict().items()}
        return "{Y}-{m}-{d} {H}:{M}".format(**each) + (f":{each['S']}" if "S" in each else "")

    rng = random.Random(5)
    for _ in range(60):
        texts: list[str | None] = [None, ""]
        for _ in range(rng.choice([0, 1, 20])):
            at = pd.Timestamp("2024-01-01") + pd.Timedelta(rng.randrange(10**8), "s")
            form = written
            for part, value in (("%d", at.day), ("%m", at.month), ("%H", at.hour)):
                form = form.replace(part, str(value)) if rng.random() < 0.3 else form
            text = at.strftime(form)
            texts.append(text.replace(rng.choice(text), rng.choice("019.: xé"), 1) if rng.random() < 0.2 else text)
        array = pa.array(texts, pa.large_string())[rng.choice([0, 1, 2]) :]
        found = as_iso(pa.chunked_array([array]), written)
        assert found is not None
        assert found.to_pylist() == [rewritten(text) for text in array.to_pylist()]
