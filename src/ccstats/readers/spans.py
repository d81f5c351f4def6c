"""Spans of agents' states that follow each other: cut where the next one begins, or laid over each other."""

from __future__ import annotations

import pandas as pd

from ccstats.readers.accounting import Account

__all__ = ["whole_spans"]


def whole_spans(spans: pd.DataFrame, account: Account) -> pd.DataFrame:
    """Spans of agents in time, each cut where the same agent's next begins, without empty ones.

    Examples
    --------
    >>> from ccstats.readers.contract import Options
    >>> times = pd.to_datetime(pd.Series(["2024-03-01 09:00", "2024-03-01 09:05"]), utc=True)
    >>> spans = pd.DataFrame({"agent": "7", "started_at": times, "ended_at": times + pd.Timedelta("6min"), "closed_by": "event"})
    >>> whole_spans(spans, Account(Options()))["closed_by"].tolist()
    ['next_event', 'event']
    """
    spans = spans[spans["ended_at"] > spans["started_at"]]
    spans = spans.sort_values(["agent", "started_at"], kind="stable", ignore_index=True)
    following = spans.groupby("agent", observed=True)["started_at"].shift(-1)
    cut = (spans["ended_at"] > following).to_numpy(dtype=bool)
    account.note("spans that ran into the agent's next one: cut where it begins", int(cut.sum()))
    spans = spans.assign(ended_at=spans["ended_at"].mask(cut, following), closed_by=spans["closed_by"].mask(cut, "next_event"))
    return spans[spans["ended_at"] > spans["started_at"]].reset_index(drop=True)
