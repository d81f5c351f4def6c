"""Scorecards without small groups: which rows are blanked, so that no count of few cases is printed or left over between others."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ccstats.labels import reason
from ccstats.metrics import METRICS
from ccstats.scorecard.sources import ALL, period_end

__all__ = ["suppress_kpis", "suppress_trace"]


def suppress_kpis(kpis: pd.DataFrame, *, below: int) -> pd.DataFrame:
    """The scorecard without the figures of rows that rest on fewer cases, and of those that would give them away.

    Parameters
    ----------
    kpis : pandas.DataFrame
        As `ccstats.build_scorecard` makes it.
    below : int
        Rows of 1 to ``below`` - 1 cases are blanked; 0 blanks none. [cases]

    Returns
    -------
    pandas.DataFrame
        Rows count the same cases where their metrics are divided by the same. Where one queue is blanked, all rows of its time that count
        the same cases of that queue, or of all queues together, are blanked, too, of months and quarters alike: with the others they would
        give the queue back. So is a row of all queues that differs by so few cases from another, or from the queues that are printed. A
        blanked row has no figures, is not decidable and says why; how far its target is fulfilled would be a figure.

    Examples
    --------
    >>> import ccstats as cc
    >>> log = cc.read(cc.sample_log(), key="a secret")
    >>> kpis = cc.build_scorecard(cc.Agreement.from_toml(cc.sample_file("agreement.toml")), contacts=log.contacts, period="day")
    >>> bool((suppress_kpis(kpis, below=5)["count"].dropna().replace(0, 5) >= 5).all())
    True
    """
    if below <= 0:
        return kpis
    if not len(kpis):
        return kpis.copy()
    gone = _gone(kpis, below)
    made = kpis.copy()
    figures = ["value", "value_low", "value_high", "count", "previous", "indicator", "money"]
    made[figures] = made[figures].mask(gone)
    # The value of a small row also stands beside the next period.
    follows = gone.groupby([kpis["queue"].astype("str"), kpis["target"].astype("str")]).shift(fill_value=False).to_numpy(dtype=bool)
    made["previous"] = made["previous"].mask(follows)
    made["trend"] = made["trend"].mask(gone | follows)
    made["unusual"] = made["unusual"].mask(gone, "unknown")
    made["verdict"] = made["verdict"].mask(gone, "not_decidable")
    made["verdict_reason"] = made["verdict_reason"].mask(gone, reason("suppressed", count=below))
    return made


def suppress_trace(trace: pd.DataFrame, *, below: int) -> pd.DataFrame:
    """The trace without its numbers of rows, which would give small groups away; 0 leaves it as it is.

    Examples
    --------
    >>> suppress_trace(pd.DataFrame({"input": ["contacts"], "rows": [3]}), below=5)["rows"].isna().all()
    np.True_
    """
    return trace if below <= 0 else trace.assign(rows=pd.array([pd.NA] * len(trace), dtype="Int64"))


def _gone(kpis: pd.DataFrame, below: int) -> pd.Series[Any]:
    """The rows whose figures nobody is shown."""
    facts = pd.DataFrame(
        {"count": kpis["count"], "queue": kpis["queue"].astype("str"), "cases": [_cases(str(each)) for each in kpis["metric"]]}
    )
    facts["start"], facts["end"] = kpis["period_start"], _ends(kpis)
    gone = facts["count"].between(0, below, inclusive="neither")
    for _, rows in facts.groupby("cases", sort=False):
        found = gone[rows.index]
        for (start, end), here in rows[rows["queue"] == ALL].groupby(["start", "end"]):
            within = rows[(rows["queue"] != ALL) & (rows["start"] == start) & (rows["end"] == end)]
            others = [float(within.drop_duplicates(["queue", "count"])["count"].sum()), *here["count"]]
            found |= rows.index.isin([at for at, count in here["count"].items() if any(0 < abs(count - each) < below for each in others)])
        for at in rows.index[found]:
            row = rows.loc[at]
            found |= (rows["start"] < row["end"]) & (rows["end"] > row["start"]) & rows["queue"].isin([ALL, row["queue"]])
        gone[rows.index] = found
    return gone


def _cases(metric: str) -> str:
    """What a metric counts its cases by: metrics that are divided by the same can be subtracted from each other."""
    known = METRICS.get(metric)
    if known is None:
        return metric
    if known.kind == "computed":
        return f"{known.table} {known.function}"
    if known.kind in ("max", "quantile", "count"):
        return {"max": "offered", "quantile": "answered"}.get(known.kind, metric)
    terms = METRICS[known.parts[0]].denominator if known.parts else known.denominator
    return " ".join(f"{sign:+d}{name}" for sign, name in terms).removeprefix("+1")


def _ends(kpis: pd.DataFrame) -> pd.Series[Any]:
    """The end of each row's period."""
    ends = kpis["period_start"].copy()
    for period, rows in kpis.groupby("period", observed=True):
        starts = pd.DatetimeIndex(rows["period_start"])
        ends[rows.index] = starts + pd.Timedelta("30min") if period == "interval" else period_end(starts, period=str(period))
    return ends
