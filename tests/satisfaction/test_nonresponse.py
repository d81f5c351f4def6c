"""Who answered: the comparison with all contacts, post-stratified figures by hand, and what cannot be adjusted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from survey_cases import contacts_of, surveys_of, world

import ccstats as cc
from ccstats.satisfaction.propensity import Answers, estimate_all


def test_shares_and_the_test_by_hand():
    calls = contacts_of(200, queue=["a"] * 100 + ["b"] * 100)
    frame = surveys_of([5.0 if number % 100 < (40 if number < 100 else 10) else None for number in range(200)])
    found = cc.check_nonresponse(frame, calls, variables="queue")
    assert found["level"].tolist() == ["a", "b"]
    assert found["contact_share"].tolist() == [0.5, 0.5]
    assert found["response_share"].tolist() == [0.8, 0.2]
    assert found["response_rate"].tolist() == [0.4, 0.1]
    assert found["standardized_difference"].tolist() == pytest.approx([0.6, -0.6])
    assert found["p_value"][0] == pytest.approx(stats.chi2_contingency([[40, 10], [60, 90]], correction=False)[1])
    assert found["differs"].all()


def test_what_differs_is_named_and_the_rest_is_not():
    surveys, calls, _ = world(3)
    found = cc.check_nonresponse(surveys, calls, variables=["wait_s", "queue", "hour", "weekday"])
    differs = found.groupby("variable")["differs"].all()
    assert differs[["wait_s", "queue"]].all()
    assert not differs["weekday"]
    assert found.groupby("variable")["contacts"].sum().eq(len(calls)).all()
    assert (found["p_adjusted"] >= found["p_value"]).all()


def test_poststratified_by_hand():
    # In queue a 40 of 100 answered, 30 of them happy; in b 10 of 300, 2 of them.
    said = [5.0] * 30 + [1.0] * 10 + [None] * 60 + [5.0] * 2 + [1.0] * 8 + [None] * 290
    calls = contacts_of(400, queue=["a"] * 100 + ["b"] * 300)
    row = cc.adjust_satisfaction(surveys_of(said), calls, variables="queue").loc[0]
    assert row["observed"] == pytest.approx(32 / 50)
    assert row["poststratified"] == pytest.approx((100 * 0.75 + 300 * 0.2) / 400)
    assert row["adjusted"] == pytest.approx(row["poststratified"], abs=0.03)  # the same but for the weak prior
    assert row["poststratified_low"] < row["poststratified"] < row["poststratified_high"]


def test_the_sensitivity_range_by_hand():
    # No variable that says anything: 300 of 1,000 answered, 60 % of them happy. Silent odds of happy: 1.5 x 2 and 1.5 / 2.
    said = [5.0] * 180 + [1.0] * 120 + [None] * 700
    calls = contacts_of(1000, reason=["x", "y"] * 500)
    row = cc.adjust_satisfaction(surveys_of(said), calls, variables="reason").loc[0]
    assert row["sensitivity_most"] == pytest.approx(0.3 * 0.6 + 0.7 * 3 / 4, abs=0.003)
    assert row["sensitivity_least"] == pytest.approx(0.3 * 0.6 + 0.7 * 0.75 / 1.75, abs=0.003)
    assert row["sensitivity_low"] < row["sensitivity_least"] < row["adjusted_low"]
    # Everybody answered: nothing is left to be sensitive to.
    row = cc.adjust_satisfaction(surveys_of([5.0, 1.0] * 100), contacts_of(200), variables="queue", response_odds=(0.1, 10)).loc[0]
    assert row["sensitivity_least"] == pytest.approx(row["sensitivity_most"], abs=0.01)


@pytest.mark.parametrize("statistic", ["csat_mean", "csat_top1", "csat_top2"])
def test_every_statistic_on_its_own_scale(statistic):
    surveys, calls, _ = world(11)
    found = cc.adjust_satisfaction(surveys, calls, statistic=statistic, by="queue")
    assert found["queue"].tolist() == ["a", "b", "c"]
    top = 5 if statistic == "csat_mean" else 1
    columns = ["sensitivity_low", "sensitivity_least", "adjusted", "sensitivity_most", "sensitivity_high"]
    assert (np.diff(found[columns].to_numpy(dtype="float64"), axis=1) > 0).all()
    assert found[columns].le(top).all(axis=None)
    measured = cc.measure_satisfaction(surveys, contacts=calls, by="queue")
    assert found["observed"].to_numpy() == pytest.approx(measured[statistic].to_numpy())


def test_periods_have_models_of_their_own_and_too_few_answers_none():
    surveys, calls, _ = world(5, count=1500)
    found = cc.adjust_satisfaction(surveys, calls, period="week", timezone="UTC")
    assert len(found) == 4
    assert found["contacts"].sum() == 1500
    few = cc.adjust_satisfaction(surveys_of([5.0, 1.0, None]), contacts_of(3)).loc[0]
    assert few["observed"] == 0.5
    assert np.isnan(few["adjusted"])
    assert few["note"].startswith("not adjusted: only 2 answers")
    alike = cc.adjust_satisfaction(surveys_of([5.0] * 40 + [None] * 40), contacts_of(80)).loc[0]
    assert alike["note"].startswith("not adjusted: all answers alike")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"statistic": "csat_top3"}, "Did you mean csat_top"),
        ({"population": "everybody"}, "expected answered, all, invited"),
        ({"variables": "weather"}, "'weather' is not known of the contacts"),
        ({"response_odds": (2, 0.5)}, "0 < low <= 1 <= high"),
        ({"response_odds": 2}, "expected two numbers"),
        ({"confidence": 95}, "confidence=95"),
    ],
)
def test_arguments_without_such_a_value(arguments, message):
    with pytest.raises(cc.CcstatsError, match=message):
        cc.adjust_satisfaction(surveys_of([5.0, 1.0]), contacts_of(2), **arguments)


def test_surveys_of_other_contacts_are_refused():
    with pytest.raises(cc.CcstatsError, match="contact_id is a name of the same contact in both tables"):
        cc.check_nonresponse(surveys_of([5.0], prefix="other"), contacts_of(5))


@pytest.mark.parametrize("odds", [1.0, 0.5, 2.0])
def test_the_estimator_is_the_one_of_the_books(odds):
    """A plain loop over contacts: what is expected of each, and for those who answered the weighted error of that."""
    rng = np.random.default_rng(2)
    answered = rng.random(400) < 0.4
    unit = np.where(answered, rng.choice([0.0, 1.0], 400), np.nan)
    answers = Answers(answered, unit, np.column_stack([np.ones(400), rng.normal(size=400), rng.normal(size=400)]))
    every, noise, chance = estimate_all(answers, odds)
    for i in range(400):
        said, p = answers.said[i], chance[i]
        silent = odds * said / (1 - said + odds * said)
        slope = odds / (1 - said + odds * said) ** 2
        silent -= odds * (1 - odds) / (1 - said + odds * said) ** 3 * answers.variance[i]
        expected = unit[i] + (1 - p) / p * slope * (unit[i] - said) if answered[i] else silent
        assert every[i] == pytest.approx(expected, abs=0.01)  # the slope is taken at a value that the curvature has moved a little
        if odds == 1.0 and answered[i]:
            assert every[i] == pytest.approx(said + (unit[i] - said) / p)
            assert abs(noise[i]) >= abs(unit[i] - said) / p
    assert odds != 1.0 or np.allclose(noise[~answered], 0)


@pytest.mark.parametrize("odds", [0.5, 1.0, 2.0])
def test_scores_in_between_are_tilted_too(odds):
    """Promoters, passives and detractors who answer with odds^(1 - score): the estimator with these odds is not off."""
    off = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=3000)
        happy = 1 / (1 + np.exp(-0.5 - x))
        u = rng.random(3000)
        unit = np.where(u < 0.5 * (1 - happy), 0.0, np.where(u < 1 - 0.7 * happy, 0.5, 1.0))
        truth = (0.7 * happy + 0.5 * (1 - 0.5 * (1 - happy) - 0.7 * happy)).mean()
        answered = rng.random(3000) < 1 / (1 + np.exp(1 - 0.5 * x - np.log(odds) * (1 - unit)))
        answers = Answers(answered, np.where(answered, unit, np.nan), np.column_stack([np.ones(3000), x, x**2]))
        every, noise, _ = estimate_all(answers, odds)
        off.append((every.mean() - truth) / (np.sqrt((noise**2).sum()) / 3000))
    assert abs(np.mean(off)) < 4 / np.sqrt(12)
    assert 0.5 < np.std(off) < 1.7
