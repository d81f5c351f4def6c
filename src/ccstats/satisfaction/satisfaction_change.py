"""Did satisfaction change? Two periods or groups compared, with an interval and a test for each figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from ccstats.errors import TableError
from ccstats.satisfaction._holm import holm
from ccstats.satisfaction.contact_facts import as_names, group_rows
from ccstats.satisfaction.scales import STATISTICS, check_surveys, one_scale, unit_scores
from ccstats.satisfaction.score_intervals import net_interval
from ccstats.satisfaction.surveys import describe, mean_limits, with_facts
from ccstats.spc.proportions import check_confidence, wilson_interval

__all__ = ["compare_satisfaction"]

Floats = NDArray[np.float64]

_DEFAULT = ("csat_top2", "csat_mean", "nps", "ces_easy", "ces_mean")
_FEW = 5
#: Up to this many answers on both sides together the test of a net score counts all divisions of them.
_EXACT_UP_TO = 400


def compare_satisfaction(
    before: Any,
    after: Any,
    *,
    statistics: str | Sequence[str] | None = None,
    by: str | Sequence[str] = (),
    contacts: Any = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Change of each figure between two tables of surveys, such as two months or two queues, with interval and test.

    Parameters
    ----------
    before, after : pandas.DataFrame or Arrow table
        Surveys, as for `measure_satisfaction`. No response may be in both.
    statistics : str or sequence of str, optional
        Figures to compare; by default ``csat_top2``, ``csat_mean``, ``nps``, ``ces_easy`` and ``ces_mean``, as far as there are answers.
    by : str or sequence of str
        Group columns of the surveys, or of ``contacts``.
    contacts : pandas.DataFrame or Arrow table, optional
        Lends its columns to ``by``.
    confidence : float
        Of the intervals; a change is called one where its adjusted p is below 1 − confidence.

    Returns
    -------
    pandas.DataFrame
        One row a group and figure with answers on at least one side: ``statistic``, ``before``, ``after``, ``change`` (after − before),
        ``change_low``, ``change_high``; ``before_responses``, ``after_responses``; ``test`` and ``p_value``; ``p_adjusted`` for the
        number of rows (Holm); ``direction``: ``better``, ``worse`` or ``steady`` (not told from chance). Without answers on a side the
        change is missing.

    Raises
    ------
    TableError
        As `measure_satisfaction` does, with both tables together: also if a scale changed, or a response is in both.
    OptionError, ColumnError
        If there is no such statistic, or a ``by`` column is not there.

    See Also
    --------
    measure_satisfaction : the figures of each side.
    explain_satisfaction : what drives them.

    Notes
    -----
    *Intervals* are made of the two sides' own ones, as Newcombe did for shares (his method 10) and Zou and Donner for anything: they
    keep the asymmetry near the ends of a scale. Means: Welch's.

    *Tests*: shares the score test of two proportions, Fisher's exact one where fewer than 5 are expected in a cell; net scores a
    permutation test that counts every division of the answers up to 400 of them, a z test beyond; means Welch's. Interval and test are of
    different make and can disagree at the edge.

    Many rows mean many chances to find something: ``p_adjusted`` and ``direction`` take that into account, the intervals do not. Answers
    of the two sides are taken as independent samples; a customer in both makes the test a little too cautious. A change in who answers
    is not a change in satisfaction: see `adjust_satisfaction`.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17, pp. 873-890. Zou and Donner (2008), Statistics in Medicine 27, pp. 1693-1702.
    Holm (1979), Scandinavian Journal of Statistics 6, pp. 65-70.

    Examples
    --------
    56 of 70 were satisfied, then 48 of 80 (Newcombe's example):

    >>> import pandas as pd
    >>> import ccstats as cc
    >>> from ccstats.schema import SURVEYS
    >>> def month(name, happy, asked):
    ...     ids = [f"{name}{number}" for number in range(asked)]
    ...     rows = pd.DataFrame({"response_id": ids, "contact_id": ids, "instrument": "csat", "scale_min": 1.0, "scale_max": 5.0})
    ...     rows = rows.assign(score=[5.0] * happy + [2.0] * (asked - happy), polarity="higher_is_better")
    ...     return SURVEYS.conform(rows.assign(invited_at=None, responded_at=None))
    >>> found = cc.compare_satisfaction(month("may", 56, 70), month("june", 48, 80), statistics="csat_top2").loc[0]
    >>> round(float(found["change_low"]), 4), round(float(found["change_high"]), 4), found["direction"]
    (-0.3339, -0.0524, 'worse')
    """
    confidence = check_confidence(confidence)
    asked = list(_DEFAULT) if statistics is None else as_names(statistics, what="statistics")
    sides = [check_surveys(before), check_surveys(after)]
    both = sides[0][["response_id", "instrument"]].merge(sides[1][["response_id", "instrument"]])
    if len(both):
        raise TableError(f"{len(both)} responses are in both tables, first {both.iloc[0].to_dict()}; give each side its own")
    names = as_names(by)
    frame = pd.concat(sides, ignore_index=True)
    for name in frame.columns:
        if all(name in side and isinstance(side[name].dtype, pd.CategoricalDtype) for side in sides):
            frame[name] = frame[name].astype("category")
    later = np.arange(len(frame)) >= len(sides[0])
    frame, _ = with_facts(frame, contacts, names, None)
    codes, keys = group_rows(frame, names, booked_at=frame["responded_at"], period=None, timezone=None, what="surveys")
    one_scale(frame, codes, lambda code: describe(keys, code))
    rows = []
    for name in asked:
        unit = unit_scores(frame, name)
        fits = ~np.isnan(unit)
        for group in np.unique(codes[fits]):
            here = fits & (codes == group)
            scale = frame.loc[here, ["scale_min", "scale_max"]].iloc[0]
            found = _compare(
                unit[here & ~later], unit[here & later], name, float(scale["scale_min"]), float(scale["scale_max"]), confidence
            )
            rows.append({"group": group, "statistic": name} | found)
    table = pd.DataFrame(rows, columns=_ROW).astype({name: "float64" for name in _ROW if name in _FLOATS})
    table = table.astype({"before_responses": "int64", "after_responses": "int64", "statistic": "str", "test": "str"})
    table = table.sort_values("group", kind="stable", ignore_index=True)
    table["p_adjusted"] = holm(table["p_value"].to_numpy())
    sure = table["p_adjusted"].to_numpy() < 1 - confidence
    words = pd.Series(np.where(~sure, "steady", np.where(table["change"] > 0, "better", "worse")))
    words = words.where(table["p_adjusted"].notna())
    table["direction"] = pd.Categorical(words, categories=["better", "worse", "steady"])
    return pd.concat([keys.iloc[table["group"].astype("int64")].reset_index(drop=True), table.drop(columns="group")], axis=1)


_FLOATS = ("before", "after", "change", "change_low", "change_high", "p_value")
_ROW = [
    "group",
    "statistic",
    "before",
    "after",
    "change",
    "change_low",
    "change_high",
    "before_responses",
    "after_responses",
    "test",
    "p_value",
]


def _compare(one: Floats, two: Floats, name: str, least: float, most: float, confidence: float) -> dict[str, Any]:
    """One figure of two samples of scores on 0-1."""
    kind = STATISTICS[name].kind
    start, width = {"share": (0.0, 1.0), "net": (-100.0, 200.0)}.get(kind, (least, most - least))
    out: dict[str, Any] = {"before_responses": len(one), "after_responses": len(two), "test": None, "p_value": np.nan}
    out |= {side: start + width * values.mean() if len(values) else np.nan for side, values in (("before", one), ("after", two))}
    if not len(one) or not len(two):
        return out
    difference = float(two.mean() - one.mean())
    if kind == "mean":
        low, high, out["test"], out["p_value"] = _welch(one, two, most - least, confidence)
    else:
        limits = [_limits(values, kind, confidence) for values in (one, two)]
        (low1, high1), (low2, high2) = limits
        low = difference - np.hypot(two.mean() - low2, high1 - one.mean())
        high = difference + np.hypot(high2 - two.mean(), one.mean() - low1)
        out["test"], out["p_value"] = _test_share(one, two) if kind == "share" else _test_net(one, two)
    return out | {"change": width * difference, "change_low": width * max(low, -1.0), "change_high": width * min(high, 1.0)}


def _limits(unit: Floats, kind: str, confidence: float) -> tuple[float, float]:
    if kind == "share":
        low, high = wilson_interval(unit.sum(), len(unit), confidence=confidence)
        return float(low), float(high)
    limits = net_interval((unit == 1).sum(), (unit == 0).sum(), len(unit), confidence=confidence)[:2]
    return float(limits[0][0] + 100) / 200, float(limits[1][0] + 100) / 200


def _welch(one: Floats, two: Floats, steps: float, confidence: float) -> tuple[float, float, str, float]:
    if min(len(one), len(two)) < 2 or (np.ptp(one) == 0 and np.ptp(two) == 0):
        # No spread to judge by: the sides' own limits, which know of answers that were not seen, and no test.
        sides = [mean_limits(np.zeros(len(side), dtype="int64"), side, np.array([steps]), confidence) for side in (one, two)]
        (low1, high1), (low2, high2) = ((float(low[0]), float(high[0])) for low, high in sides)
        return low2 - high1, high2 - low1, "none", float("nan")
    found = stats.ttest_ind(two, one, equal_var=False)
    interval = found.confidence_interval(confidence)
    return float(interval.low), float(interval.high), "welch", float(found.pvalue)


def _test_share(one: Floats, two: Floats) -> tuple[str, float]:
    yes, count = np.array([one.sum(), two.sum()]), np.array([len(one), len(two)])
    pooled = yes.sum() / count.sum()
    if min(count) * min(pooled, 1 - pooled) < _FEW:
        return "fisher", float(stats.fisher_exact([yes.round().astype(int), (count - yes).round().astype(int)])[1])
    z = (yes[1] / count[1] - yes[0] / count[0]) / np.sqrt(pooled * (1 - pooled) * (1 / count).sum())
    return "score", float(2 * special.ndtr(-abs(z)))


def _test_net(one: Floats, two: Floats) -> tuple[str, float]:
    """Two-sided: as far from what no change lets expect, or further."""
    m, n = len(one), len(two)
    both = np.concatenate([one, two])
    up, down = int((both == 1).sum()), int((both == 0).sum())
    if m + n > _EXACT_UP_TO:
        variance = sum(values.var() / len(values) for values in (one, two))
        if variance == 0:
            return "z", 1.0 if one.mean() == two.mean() else 0.0
        return "z", float(2 * special.ndtr(-abs(two.mean() - one.mean()) / np.sqrt(variance)))
    p, d = np.meshgrid(np.arange(min(up, m) + 1), np.arange(min(down, m) + 1), indexing="ij")
    rest = m + n - up - down
    free = m - p - d
    possible = (free >= 0) & (free <= rest)
    p, d, free = p[possible], d[possible], free[possible]
    log = _log_choose(up, p) + _log_choose(down, d) + _log_choose(rest, free) - _log_choose(m + n, np.array(m))
    # The first side's net score, given all answers, is as strange as it is far from its share of them.
    far = np.abs((p - d) - m * (up - down) / (m + n))
    seen = abs((one == 1).sum() - (one == 0).sum() - m * (up - down) / (m + n))
    return "permutation", float(min(np.exp(log[far >= seen - 1e-9]).sum(), 1.0))


def _log_choose(n: int, k: NDArray[Any]) -> Floats:
    out: Floats = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return out
