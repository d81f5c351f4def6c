"""Change: published limits, tests beside those of SciPy and a count of all divisions, and coverage."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from survey_cases import surveys_of

import ccstats as cc


def compare(one, two, **arguments):
    options = {name: arguments.pop(name) for name in ("instrument", "scale") if name in arguments}
    return cc.compare_satisfaction(surveys_of(one, prefix="x", **options), surveys_of(two, prefix="y", **options), **arguments)


def test_newcombes_difference_of_shares():
    # Newcombe (1998), table II, method 10: 56/70 against 48/80: 0.2 with limits 0.0524 and 0.3339.
    row = compare([5] * 48 + [1] * 32, [5] * 56 + [1] * 14, statistics="csat_top2").loc[0]
    assert (row["change"], row["change_low"], row["change_high"]) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert row["p_value"] == pytest.approx(stats.chi2_contingency([[56, 14], [48, 32]], correction=False)[1])
    assert row["direction"] == "better"


def test_means_are_welchs():
    rng = np.random.default_rng(1)
    one, two = rng.integers(1, 6, 40), rng.integers(2, 6, 25)
    row = compare(one.tolist(), two.tolist(), statistics="csat_mean").loc[0]
    found = stats.ttest_ind(two, one, equal_var=False)
    assert row["p_value"] == pytest.approx(found.pvalue)
    assert (row["change_low"], row["change_high"]) == pytest.approx(tuple(found.confidence_interval(0.95)))


def test_the_permutation_test_counts_all_divisions():
    one, two = [10, 10, 0, 8], [0, 3, 7, 10, 2]
    row = compare(one, two, instrument="nps", scale=(0, 10), statistics="nps").loc[0]
    value = np.array([1, 1, -1, 0, -1, -1, 0, 1, -1])
    seen = abs(value[:4].mean() - value[4:].mean())
    strange = []
    for chosen in itertools.combinations(range(9), 4):
        inside = np.isin(np.arange(9), chosen)
        strange.append(abs(value[inside].mean() - value[~inside].mean()) >= seen - 1e-9)
    assert row["test"] == "permutation"
    assert row["p_value"] == pytest.approx(np.mean(strange))


def test_intervals_of_a_net_score_cover_its_change():
    rng = np.random.default_rng(8)
    held = []
    for _ in range(150):
        one = rng.choice([10, 8, 0], 60, p=[0.5, 0.3, 0.2]).tolist()
        two = rng.choice([10, 8, 0], 25, p=[0.7, 0.2, 0.1]).tolist()
        row = compare(one, two, instrument="nps", scale=(0, 10), statistics="nps").loc[0]
        held.append(row["change_low"] <= 30 <= row["change_high"])
    assert np.mean(held) >= 0.9


def test_few_cases_many_rows_and_one_side_missing():
    row = compare([5, 5, 5], [1, 1, 5], statistics="csat_top2").loc[0]
    assert row["test"] == "fisher"
    found = compare([5] * 30, [1] * 30)
    assert set(found["statistic"]) == {"csat_top2", "csat_mean"}
    assert (found["direction"].dropna() == "worse").all()
    assert found.loc[found["statistic"] == "csat_mean", "test"].tolist() == ["none"]
    one = compare([5, 4], [None, None], statistics="csat_top2").loc[0]
    assert np.isnan(one["change"])
    assert one["after_responses"] == 0
    assert pd.isna(one["direction"])
    assert len(compare([None], [None])) == 0


def test_holm_over_the_rows():
    frame = [surveys_of([5] * 30 + [1] * 10, prefix=f"{side}{queue}", queue=queue) for side in "xy" for queue in "abc"]
    before, after = (pd.concat(part, ignore_index=True).astype({"queue": "category"}) for part in (frame[:3], frame[3:]))
    after["score"] = np.where((after["queue"] == "a") & (after["score"] == 5) & (after.index % 2 == 0), 1.0, after["score"])
    found = cc.compare_satisfaction(before, after, by="queue", statistics="csat_top2")
    from statsmodels.stats.multitest import multipletests

    assert found["p_adjusted"].to_numpy() == pytest.approx(multipletests(found["p_value"], method="holm")[1])
    assert found["direction"].tolist() == ["worse", "steady", "steady"]


def test_what_cannot_be_compared():
    with pytest.raises(cc.CcstatsError, match="in both tables, first"):
        cc.compare_satisfaction(surveys_of([5]), surveys_of([4]))
    with pytest.raises(cc.CcstatsError, match=r"several scales \(1-10, 1-5\)"):
        cc.compare_satisfaction(surveys_of([5]), surveys_of([4], scale=(1, 10), prefix="y"))
    with pytest.raises(cc.CcstatsError, match="expected one of"):
        compare([5], [4], statistics="csat")


def test_adjusted_for_their_number_as_statsmodels_does():
    from statsmodels.stats.multitest import multipletests

    from ccstats.satisfaction._holm import holm

    p = np.random.default_rng(3).random(40) ** 3
    p[[4, 9]] = p[5]
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])
    np.testing.assert_allclose(holm(np.array([0.01, np.nan, 0.04])), [0.02, np.nan, 0.04])
