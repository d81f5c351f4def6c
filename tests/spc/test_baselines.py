"""Frozen limits in files: what is read back, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ccstats as cc
from ccstats.errors import FormatError, OptionError, SourceMissingError
from ccstats.spc import Baseline
from ccstats.spc.options import CHARTS

KEPT = Baseline("xmr", (300.0, 310.5), (6.9, 7.25), (20, 12), {"width": 2.5, "clip": (0, None)})


@given(
    chart=st.sampled_from(["xmr", "ewma", "cusum", "i_prime", "xbar_s", "ma"]),
    numbers=st.lists(
        st.tuples(
            st.floats(allow_nan=False, allow_infinity=False), st.floats(0, exclude_min=True, allow_infinity=False), st.integers(0, 10**12)
        ),
        min_size=1,
        max_size=5,
    ),
)
@settings(max_examples=100, deadline=None)
def test_json_loses_nothing(chart: str, numbers: list[tuple[float, float, int]]) -> None:
    center, sigma, points = (tuple(each) for each in zip(*numbers, strict=True))
    kept = Baseline(chart, center, sigma, points)
    again = Baseline.from_json(kept.to_json())
    assert again == kept
    assert again.to_json() == kept.to_json()


@pytest.mark.parametrize("chart", CHARTS)
def test_every_parameter_is_kept(chart: str) -> None:
    kept = Baseline(chart, (0.5,), (1.5,), (9,))
    assert set(kept.parameters) == set(CHARTS[chart]) - {"center", "sigma"}
    assert Baseline.from_json(kept.to_json()) == kept


def test_a_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sales.json"
    KEPT.save(path)
    assert Baseline.load(str(path)) == KEPT
    assert [each.name for each in tmp_path.iterdir()] == ["sales.json"]

    def full(self: Baseline) -> str:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(Baseline, "to_json", full)
        with pytest.raises(OSError, match="no space left"):
            KEPT.save(path)
    assert [each.name for each in tmp_path.iterdir()] == ["sales.json"]
    assert Baseline.load(path) == KEPT
    with pytest.raises(SourceMissingError, match="there is no folder"):
        KEPT.save(tmp_path / "nowhere" / "sales.json")
    with pytest.raises(SourceMissingError, match="there is no baseline file"):
        Baseline.load(tmp_path)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_cut_or_damaged_text_is_refused_or_still_a_baseline(data: st.DataObject) -> None:
    text = KEPT.to_json()
    at = data.draw(st.integers(0, len(text) - 2))
    broken = text[:at] if data.draw(st.booleans()) else text[:at] + data.draw(st.characters(codec="utf-8")) + text[at + 1 :]
    try:
        found = Baseline.from_json(broken)
    except FormatError as error:
        assert "baseline" in str(error)  # noqa: PT017
    else:
        assert found.chart == "xmr"


def changed(**how: Any) -> str:
    return json.dumps({**json.loads(KEPT.to_json()), **how})


def phase(**how: Any) -> str:
    return changed(phases=[{"center": 300.0, "sigma": 6.9, "points": 20, **how}])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "broken or cut"),
        ("[]", "this is no baseline"),
        ("7", "this is no baseline"),
        ("[" * 100_000, "broken or cut|this is no baseline"),
        ('{"a":' * 100_000, "broken or cut"),
        ("1" * 10_000, "broken or cut"),
        (" " * 5_000_000, "more than the 4000000"),
        (changed(format="something else"), "this is no baseline"),
        (changed(version=2), "version 2, this ccstats reads version 1"),
        (changed(version=True), "version True"),
        (changed(version=None), "version None"),
        (changed(chart="pie"), "cannot be used: chart='pie' is not known"),
        (changed(chart=["xmr"]), "cannot be used"),
        (changed(chart={"xmr": 1}), "cannot be used"),
        (changed(chart="p"), "cannot be used"),
        (changed(phases=[]), "cannot be used"),
        (changed(phases={}), "not whole"),
        (changed(phases=[1]), "not whole"),
        (changed(parameters=[]), "not whole"),
        (changed(parameters={"width": "3"}), "width='3' is not allowed"),
        (changed(parameters={"width": {"a": 1}}), "is not allowed"),
        (changed(parameters={"clip": [1]}), "is not allowed"),
        (changed(parameters={"center": 4}), "its center and sigma stand for themselves"),
        (changed(parameters={"__class__": 4}), "has no parameter '__class__'"),
        (changed(more=1), "not whole"),
        (phase(center="300"), "must be numbers"),
        (phase(center=True), "must be numbers"),
        (phase(center=None), "must be numbers"),
        (phase(sigma=0), "is no number above 0"),
        (phase(sigma=-1), "is no number above 0"),
        (phase(points=1.5), "give a whole number"),
        (phase(points=-1), "give a whole number"),
        (phase(more=1), "not whole"),
        (phase(center=10**400), "cannot be used"),
        (KEPT.to_json().replace("300.0", "NaN"), "NaN is no number of JSON"),
        (KEPT.to_json().replace("6.9", "Infinity"), "Infinity is no number of JSON"),
        (KEPT.to_json().replace("6.9", "1e999"), "is no number above 0"),
    ],
)
def test_what_is_no_baseline_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=reason):
        Baseline.from_json(text)
    path = tmp_path / "broken.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FormatError, match=f"broken.json: .*({reason})"):
        Baseline.load(path)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "picture.json"
    path.write_bytes(b"\x89PNG\xff\xfe\x00")
    with pytest.raises(FormatError, match="picture.json: this is no baseline: it is no UTF-8 text"):
        Baseline.load(path)


def test_a_baseline_made_by_hand_is_checked() -> None:
    with pytest.raises(OptionError, match="one center, sigma and number of points for each phase, not 1, 2 and 1"):
        Baseline("xmr", (1.0,), (1.0, 2.0), (3,))
    with pytest.raises(OptionError, match="center=1.2 is no share"):
        Baseline("p", (1.2,), (1.0,), (3,))
    with pytest.raises(OptionError, match="center=0 is not above 0"):
        Baseline("u", (0.0,), (1.0,), (3,))
    assert Baseline("funnel", (0.5,), (0.0,), (3,), {"overdispersion": "additive"}).sigma == (0.0,)


def test_a_file_of_another_chart_is_refused(tmp_path: Path) -> None:
    KEPT.save(tmp_path / "kept.json")
    with pytest.raises(OptionError, match="this baseline is of chart 'xmr', not 'c'"):
        cc.spc.limits("c", [1, 2, 3], baseline=Baseline.load(tmp_path / "kept.json"))
