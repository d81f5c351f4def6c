"""Agreement of assessors against published examples: Cohen 1960, Fleiss 1971, Shrout and Fleiss 1979."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_cases import START, forms, random_forms

import ccstats as cc
from ccstats.errors import OptionError, TableError
from ccstats.satisfaction.rater_agreement import _unbalanced, cohen_kappa, fleiss_kappa, intraclass_correlation

#: Shrout and Fleiss (1979), Psychological Bulletin 86, table 2: six targets, four judges.
SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)

#: Fleiss (1971), Psychological Bulletin 76, table 1: 30 patients, six diagnoses each: depression, personality disorder, schizophrenia,
#: neurosis, other.
FLEISS = np.array(
    [
        [int(digit) for digit in str(row).zfill(5)]
        for row in (
            *(60, 3003, 1401, 6, 3030, 20400, 402, 20310, 20040, 6, 10050, 11040, 3300, 10050, 2031),
            *(501, 30012, 51000, 2040, 10203, 6, 1050, 2013, 20040, 10041, 5010, 40002, 2040, 10500, 6),
        )
    ]
)

#: Cohen (1960), Educational and Psychological Measurement 20, table 2: 200 cases, two judges, three categories.
COHEN = np.array([[88, 14, 18], [10, 40, 10], [2, 6, 12]])


@pytest.mark.parametrize(
    ("model", "published", "limits"), [("one_way", 0.17, (-0.13, 0.72)), ("two_way", 0.29, (0.02, 0.76)), ("fixed", 0.71, (0.34, 0.95))]
)
def test_shrout_and_fleiss(model, published, limits) -> None:
    """Values from their table 4; limits as the R package psych prints them for this table."""
    found = intraclass_correlation(SHROUT_FLEISS, model=model)
    assert round(found.value, 2) == published
    assert (round(found.low, 2), round(found.high, 2)) == limits
    # Henderson's variances of a complete table are those of the analysis of variance.
    assert _unbalanced(SHROUT_FLEISS, model) == pytest.approx(found.value)


def test_fleiss() -> None:
    assert FLEISS.sum(axis=1).tolist() == [6] * 30
    assert (FLEISS.sum(axis=0) / 180).round(3).tolist() == [0.144, 0.144, 0.167, 0.306, 0.239]
    found = fleiss_kappa(FLEISS)
    assert round(found.value, 3) == 0.430
    each = [round(fleiss_kappa(np.column_stack([FLEISS[:, j], 6 - FLEISS[:, j]])).value, 3) for j in range(5)]
    assert each == [0.245, 0.245, 0.520, 0.471, 0.566]
    assert 0.3 < found.low < 0.430 < found.high < 0.56


def test_cohen() -> None:
    one, other = (np.repeat(np.indices((3, 3))[axis].ravel(), COHEN.ravel()) for axis in (0, 1))
    found = cohen_kappa(one, other)
    assert round(found.value, 3) == 0.492
    from statsmodels.stats.inter_rater import cohens_kappa

    peer = cohens_kappa(COHEN)
    assert (found.low, found.high) == pytest.approx((peer.kappa_low, peer.kappa_upp))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), contacts=st.integers(2, 12), assessors=st.integers(2, 5))
def test_agreement_by_definition(seed, contacts, assessors) -> None:
    """Pairs counted one by one; scores moved or stretched change no correlation; strictness changes no consistency."""
    rng = np.random.default_rng(seed)
    given = rng.integers(0, 3, (contacts, assessors))
    counts = np.array([[np.sum(row == word) for word in range(3)] for row in given])
    pairs = [np.mean([row[i] == row[j] for i in range(assessors) for j in range(assessors) if i != j]) for row in given]
    chance = sum((np.mean(given == word)) ** 2 for word in range(3))
    found = fleiss_kappa(counts)
    if chance < 1:
        assert found.value == pytest.approx((np.mean(pairs) - chance) / (1 - chance))
    else:
        assert math.isnan(found.value)
    scores = rng.normal(size=(contacts, assessors))
    for model in ("one_way", "two_way", "fixed"):
        plain = intraclass_correlation(scores, model=model)
        assert intraclass_correlation(3 * scores + 7, model=model).value == pytest.approx(plain.value)
        assert plain.low <= plain.value <= plain.high
        shuffled = scores[rng.permutation(contacts)][:, rng.permutation(assessors)]
        assert intraclass_correlation(shuffled, model=model).value == pytest.approx(plain.value)
    strict = scores + np.arange(assessors)
    assert intraclass_correlation(strict, model="fixed").value == pytest.approx(intraclass_correlation(scores, model="fixed").value)


def test_incomplete_tables_find_the_variances_they_were_made_of() -> None:
    """400 contacts by two of five assessors: variances 4, 1 and 1, so ICC(2,1) is 4/6 and ICC(3,1) 4/5."""
    rng = np.random.default_rng(4)
    # five assessors are few: their strictness is set so that its variance is exactly 1
    strict = np.array([-2, -1, 0, 1, 2]) / np.sqrt(2.5)
    scores = rng.normal(scale=2, size=(400, 1)) + strict + rng.normal(size=(400, 5))
    for row in scores:
        row[rng.permutation(5)[2:]] = np.nan
    two, fixed = (intraclass_correlation(scores, model=model) for model in ("two_way", "fixed"))
    assert two.low < 4 / 6 < two.high
    assert fixed.low < 4 / 5 < fixed.high
    assert two.high - two.low < 0.15


def test_edges_of_agreement() -> None:
    assert math.isnan(cohen_kappa([], []).value)
    assert math.isnan(cohen_kappa(["a", "a"], ["a", "a"]).value)
    assert cohen_kappa(["a", "b"], ["a", "b"]).value == 1.0
    assert math.isnan(fleiss_kappa([[1, 0], [0, 1]]).value)
    assert fleiss_kappa([[2, 0], [0, 2]]).value == 1.0
    assert math.isnan(intraclass_correlation([[1.0, 2.0]]).value)
    assert math.isnan(intraclass_correlation([[1.0, 1.0], [1.0, 1.0]]).value)
    assert intraclass_correlation([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]], model="fixed").value == 1.0
    for bad in ([1, 2], [[1.5, 0.5]], [[-1, 3]]):
        with pytest.raises(OptionError, match="whole numbers"):
            fleiss_kappa(bad)
    with pytest.raises(OptionError, match="model"):
        intraclass_correlation(SHROUT_FLEISS, model="three")
    with pytest.raises(OptionError, match="same contacts"):
        cohen_kappa([1], [1, 2])


def session() -> pd.DataFrame:
    """The table of Shrout and Fleiss as a calibration session: six contacts, four assessors, and one contact that only one heard."""
    rows = [
        {"evaluation_id": f"{contact}{name}", "contact_id": f"c{contact}", "assessor": name, "points": points}
        for contact, row in enumerate(SHROUT_FLEISS)
        for name, points in zip("ABCD", row, strict=True)
    ]
    return forms([*rows, {"evaluation_id": "alone", "contact_id": "alone", "points": 1.0, "assessor": "A"}])


def test_a_calibration_session() -> None:
    found = cc.measure_calibration(session()).iloc[0]
    assert (found["contacts"], found["assessors"], found["evaluations"]) == (6, 4, 24)
    assert [round(found[name], 2) for name in ("icc_one_way", "icc", "icc_consistency")] == [0.17, 0.29, 0.71]
    # WMS of their table 3 is 6.26; scores are tenths of points
    assert round((10 * found["calibration_sd"]) ** 2, 2) == 6.26
    assert found["calibration_sd_low"] < found["calibration_sd"] < found["calibration_sd_high"]
    assert found["mean_range"] == pytest.approx((SHROUT_FLEISS.max(axis=1) - SHROUT_FLEISS.min(axis=1)).mean() / 10)


def test_bias_is_against_the_others() -> None:
    found = cc.measure_assessors(session()).set_index("assessor")
    for place, name in enumerate("ABCD"):
        away = (SHROUT_FLEISS[:, place] - np.delete(SHROUT_FLEISS, place, axis=1).mean(axis=1)) / 10
        assert found.loc[name, "bias"] == pytest.approx(away.mean())
        assert found.loc[name, "spread"] == pytest.approx(away.std(ddof=1))
    assert found["bias_high"]["B"] < 0 < found["bias_low"]["A"]


def test_items_with_two_assessors_are_cohens_and_with_more_fleiss() -> None:
    words = np.repeat(np.indices((3, 3)).reshape(2, 9).T, COHEN.ravel(), axis=0)
    rows = [
        {"evaluation_id": f"{number}{name}", "contact_id": f"c{number}", "assessor": name, "points": float(points), "max_points": 2.0}
        for number, pair in enumerate(words)
        for name, points in zip("AB", pair, strict=True)
    ]
    found = cc.measure_item_agreement(forms(rows)).iloc[0]
    assert (round(found["kappa"], 3), found["method"], found["contacts"], found["judgements"]) == (0.492, "cohen", 200, 400)
    assert found["agreement"] == pytest.approx(0.70)
    patients = [
        {
            "evaluation_id": f"{number}-{place}",
            "contact_id": f"c{number}",
            "assessor": f"Q{place}",
            "points": float(word) if word else np.nan,
        }
        for number, row in enumerate(FLEISS)
        for place, word in enumerate(np.repeat(np.arange(5), row))
    ]
    many = cc.measure_item_agreement(forms(patients)).iloc[0]
    assert (round(many["kappa"], 3), many["method"]) == (0.430, "fleiss")  # that an item does not apply is a category
    passes = cc.measure_item_agreement(forms(rows), categories="pass").iloc[0]
    assert passes["agreement"] == pytest.approx(1 - (18 + 10 + 2 + 6) / 200)


def test_nothing_to_compare_and_bad_input() -> None:
    alone = forms([{"evaluation_id": "1", "points": 5.0}])
    found = cc.measure_calibration(alone).iloc[0]
    assert found["contacts"] == 0
    assert math.isnan(found["calibration_sd"])
    assert math.isnan(found["icc"])
    assert len(cc.measure_assessors(alone)) == 0
    assert len(cc.measure_item_agreement(alone)) == 0
    again = forms(
        [{"evaluation_id": "1", "points": 5.0}, {"evaluation_id": "2", "points": 9.0, "evaluated_at": START + pd.Timedelta(days=1)}]
    )
    assert cc.measure_calibration(again)["contacts"][0] == 0  # the same assessor twice
    with pytest.raises(TableError, match="'assessor'"):
        cc.measure_calibration(alone.drop(columns="assessor"))
    with pytest.raises(OptionError, match="categories"):
        cc.measure_item_agreement(alone, categories="grade")
    frame = random_forms(1, 30)
    assert cc.measure_calibration(frame, auto_fail=False)["contacts"][0] > 0
