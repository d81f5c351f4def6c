"""CSAT, NPS and CES: published vectors, a plain loop, scales of every kind, and surveys that cannot be counted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from survey_cases import BASE, contacts_of, surveys_of

import ccstats as cc


def test_the_published_net_promoter_score():
    table = pd.read_csv("tests/reference/satisfaction.csv")
    for row in table.itertuples():
        up, down, count = row.positive / row.answers, row.negative / row.answers, row.answers
        if float(row.positive).is_integer() and float(row.negative).is_integer():
            scores = [10] * int(row.positive) + [0] * int(row.negative) + [8] * int(count - row.positive - row.negative)
            found = cc.measure_satisfaction(surveys_of(scores, instrument="nps", scale=(0, 10))).loc[0]
            got = {"nps": found["nps"], "nps_se": found["nps_se"], "variance": (found["nps_se"] / 100) ** 2 * count}[row.quantity]
        else:
            from ccstats.satisfaction.score_intervals import net_standard_error

            got = float(net_standard_error(up * count, down * count, count))
        assert got == pytest.approx(row.expected, abs=row.tolerance), row


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["csat", "nps", "ces"]), st.one_of(st.none(), st.integers(0, 10))),
        min_size=1,
        max_size=40,
    )
)
def test_a_plain_loop_agrees(rows):
    scales = {"csat": (1, 5), "nps": (0, 10), "ces": (1, 7)}
    parts = []
    for number, (queue, instrument, score) in enumerate(rows):
        low, high = scales[instrument]
        answer = None if score is None else min(max(score, low), high)
        parts.append(surveys_of([answer], instrument=instrument, scale=(low, high), prefix=f"{number}-", queue=queue))
    frame = pd.concat(parts, ignore_index=True)
    frame["queue"], frame["instrument"] = frame["queue"].astype("category"), frame["instrument"].astype("category")
    found = cc.measure_satisfaction(frame, by="queue").set_index(["queue", "instrument"])
    for (queue, instrument), row in found.iterrows():
        asked = [s for s in frame.to_dict("records") if s["queue"] == queue and s["instrument"] == instrument]
        said = [s["score"] for s in asked if s["score"] == s["score"]]
        assert (row["responses"], row["invitations"]) == (len(said), len(asked))
        assert row["response_rate"] == pytest.approx(len(said) / len(asked))
        if not said:
            assert row[["csat_top2", "nps", "ces_mean"]].isna().all()
        elif instrument == "csat":
            assert row["csat_top2"] == pytest.approx(sum(s >= 4 for s in said) / len(said))
            assert row["csat_top1"] == pytest.approx(sum(s == 5 for s in said) / len(said))
            assert row["csat_mean"] == pytest.approx(sum(said) / len(said))
            assert row["csat_mean_low"] - 1e-9 <= row["csat_mean"] <= row["csat_mean_high"] + 1e-9
        elif instrument == "nps":
            p, d = (sum(s >= 9 for s in said) / len(said), sum(s <= 6 for s in said) / len(said))
            assert row["nps"] == pytest.approx(100 * (p - d))
            assert row["nps_se"] == pytest.approx(100 * np.sqrt(max(p + d - (p - d) ** 2, 0) / len(said)), abs=1e-6)
            assert -100 <= row["nps_ci_low"] <= row["nps"] <= row["nps_ci_high"] <= 100
        else:
            assert row["ces_easy"] == pytest.approx(sum(s >= 5 for s in said) / len(said))
            assert row["ces_net"] == pytest.approx(100 * (sum(s >= 6 for s in said) - sum(s <= 3 for s in said)) / len(said))


@pytest.mark.parametrize(
    ("scale", "scores", "top2", "rescaled"),
    [
        ((1, 5), [5, 4, 3, 1], 0.5, (4 + 3 + 2 + 0) / 16),
        ((1, 10), [10, 9, 8, 1], 0.5, (9 + 8 + 7 + 0) / 36),
        ((0, 10), [10, 9, 8, 0], 0.5, 2.7 / 4),
        ((1, 3), [3, 2, 1, 1], 0.5, (2 + 1) / 8),
        ((1, 2), [2, 1, 1, 1], np.nan, 0.25),  # two points have no top two
        ((0, 100), [100, 99, 50, 1], np.nan, 0.625),  # and a hundred have no boxes
        ((1, 5), [5, 4.5, 3, 1], np.nan, (4 + 3.5 + 2 + 0) / 16),  # nor have halves
    ],
)
def test_scales_of_every_kind(scale, scores, top2, rescaled):
    found = cc.measure_satisfaction(surveys_of(scores, scale=scale)).loc[0]
    assert found["csat_top2"] == pytest.approx(top2, nan_ok=True)
    assert found["csat_mean_rescaled"] == pytest.approx(rescaled)
    assert found["csat_mean"] == pytest.approx(np.mean(scores))
    assert found["csat_mean_low"] < found["csat_mean"] < found["csat_mean_high"]


@pytest.mark.parametrize(("instrument", "scale"), [("csat", (1, 5)), ("ces", (1, 7)), ("ces", (1, 5)), ("nps", (0, 10)), ("other", (0, 3))])
def test_a_scale_turned_over_says_the_same(instrument, scale):
    scores = [scale[0], scale[1], scale[1], scale[1] - 1, scale[0] + 1]
    turned = [sum(scale) - score for score in scores]
    one = cc.measure_satisfaction(surveys_of(scores, instrument=instrument, scale=scale))
    two = cc.measure_satisfaction(surveys_of(turned, instrument=instrument, scale=scale, polarity="lower_is_better"))
    pd.testing.assert_frame_equal(one, two)


def test_effort_of_version_one_is_easy_at_one_and_two():
    found = cc.measure_satisfaction(surveys_of([1, 2, 3, 4, 5], instrument="ces", polarity="lower_is_better")).loc[0]
    assert found["ces_easy"] == pytest.approx(0.4)
    assert found["ces_mean"] == pytest.approx(3.0)
    assert np.isnan(found["ces_net"])


def test_surveys_are_booked_when_sent_else_when_the_contact_queued_else_when_answered():
    frame = surveys_of([5, 4, 3])
    frame["invited_at"] = pd.DatetimeIndex([pd.Timestamp("2024-01-31T23:30Z"), pd.NaT, pd.NaT]).as_unit("us")
    frame["responded_at"] = pd.DatetimeIndex([pd.Timestamp("2024-05-01T00:00Z")] * 3).as_unit("us")
    calls = contacts_of(2)
    found = cc.measure_satisfaction(frame, contacts=calls, period="month", timezone="Europe/Berlin")
    assert found["period_start"].dt.month.tolist() == [2, 3, 5]  # half past eleven in London is February in Berlin
    assert found["csat_mean"].tolist() == [5.0, 4.0, 3.0]
    with pytest.raises(cc.CcstatsError, match="zone"):
        cc.measure_satisfaction(frame, period="month")


def test_columns_of_the_contacts_are_groups():
    found = cc.measure_satisfaction(surveys_of([5, 4, 1]), contacts=contacts_of(3, reason=["bill", "bill", "move"]), by="reason")
    assert found["csat_mean"].tolist() == [4.5, 1.0]
    with pytest.raises(KeyError, match="no column 'weather'"):
        cc.measure_satisfaction(surveys_of([5]), by="weather")
    with pytest.raises(ValueError, match="leave it out of by="):
        cc.measure_satisfaction(surveys_of([5]), by="instrument")


def test_answers_only_have_no_response_rate():
    frame = surveys_of([5, 4])
    frame["invited_at"] = pd.Series([pd.NaT, pd.NaT], dtype="datetime64[us, UTC]")
    with pytest.warns(cc.DataWarning, match="answers only"):
        found = cc.measure_satisfaction(frame).loc[0]
    assert found["responses"] == 2
    assert pd.isna(found["invitations"])
    assert np.isnan(found["response_rate"])


def test_nothing_gives_nothing_and_inputs_stay_as_they_are():
    frame = surveys_of([5, None])
    copy = frame.copy(deep=True)
    cc.measure_satisfaction(frame)
    pd.testing.assert_frame_equal(frame, copy)
    assert len(cc.measure_satisfaction(frame.iloc[:0])) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"score": 6.0},
            r"score off its scale \(row 1; 1 in all; first: response_id=r1, instrument=csat, score=6, scale_min=1, scale_max=5\)",
        ),
        ({"score": np.inf}, "score off its scale"),
        ({"response_id": "r0"}, r"same response more than once; keep one \(rows 0, 1; 2 in all; first: response_id=r0"),
        ({"responded_at": BASE - pd.Timedelta("1s")}, r"answered before being asked \(row 1; 1 in all; first: response_id=r1"),
        ({"scale_max": 1.0, "score": np.nan}, "scale_min is not below scale_max"),
        ({"instrument": "nps"}, "recommendation is asked on 0-10"),
        ({"instrument": "nps", "scale_min": 0.0, "scale_max": 10.0, "score": 9.5}, "whole points"),
        ({"scale_max": 10.0}, r"csat is on several scales \(1-10, 1-5\)"),
    ],
)
def test_surveys_that_cannot_be_counted(change, message):
    frame = surveys_of([5, 4, 3])
    for name, value in change.items():
        column = frame[name].astype("object")
        column[1] = value
        frame[name] = column.astype(frame[name].dtype)
    with pytest.raises(cc.CcstatsError, match=message):
        cc.measure_satisfaction(frame)


def test_two_scales_are_fine_in_two_groups():
    frame = pd.concat([surveys_of([5, 4], queue="a"), surveys_of([10, 1], scale=(1, 10), prefix="s", queue="b")], ignore_index=True)
    frame["queue"] = frame["queue"].astype("category")
    assert cc.measure_satisfaction(frame, by="queue")["csat_mean"].tolist() == [4.5, 5.5]


def test_other_frames_are_welcome():
    import polars as pl

    frame = surveys_of([5, 4, None])
    told = pl.from_pandas(frame)
    pd.testing.assert_frame_equal(cc.measure_satisfaction(told), cc.measure_satisfaction(frame), check_dtype=False, check_categorical=False)
