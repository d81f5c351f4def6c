"""Spans of agents' states that follow each other: cut where the next one begins, or laid over each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from ccstats.readers.accounting import Account

__all__ = ["laid_over", "told_apart", "whole_spans"]


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


def laid_over(layers: list[pd.DataFrame], account: Account) -> pd.DataFrame:
    """Spans of several layers as one sequence an agent: where layers overlap, the later one in the list is what the agent did.

    Examples
    --------
    >>> from ccstats.readers.contract import Options
    >>> at = pd.to_datetime(pd.Series(["2024-03-01 09:00", "2024-03-01 10:00", "2024-03-01 11:00", "2024-03-01 12:00"]), utc=True)
    >>> session = pd.DataFrame({"agent": ["7"], "started_at": at[[0]], "ended_at": at[3], "state": "other", "closed_by": "event"})
    >>> lunch = pd.DataFrame({"agent": ["7"], "started_at": at[1], "ended_at": at[2], "state": "pause", "closed_by": "event"})
    >>> laid_over([session, lunch], Account(Options()))[["state", "closed_by"]].to_numpy().tolist()
    [['other', 'next_event'], ['pause', 'event'], ['other', 'event']]
    """
    kinds = {"agent": "str", "started_at": "datetime64[us, UTC]", "ended_at": "datetime64[us, UTC]"}
    layers = [whole_spans(layer.astype(kinds), account) for layer in layers]
    every = pd.concat(layers, ignore_index=True)
    ends = pd.concat([every[["agent", each]].set_axis(["agent", "started_at"], axis=1) for each in ("started_at", "ended_at")])
    cells = ends.drop_duplicates().sort_values(["started_at", "agent"], ignore_index=True)
    cells["_until"] = cells.groupby("agent")["started_at"].shift(-1)
    cells["_span"] = pd.Series([pd.NA] * len(cells), dtype="Int64")
    first = 0
    for layer in layers:
        spans = layer[["agent", "started_at", "ended_at"]].assign(_of=range(first, first + len(layer))).sort_values("started_at")
        first += len(layer)
        if len(spans):
            found = pd.merge_asof(cells[["agent", "started_at"]], spans, on="started_at", by="agent")
            inside = (found["ended_at"] > cells["started_at"]).to_numpy(dtype=bool)
            cells["_span"] = cells["_span"].mask(inside, found["_of"].astype("Int64"))
    cells = cells.dropna(subset=["_until", "_span"]).sort_values(["agent", "started_at"], kind="stable", ignore_index=True)
    # Neighbouring cells of one span are one.
    same = cells["_span"].eq(cells["_span"].shift()) & cells["started_at"].eq(cells["_until"].shift())
    runs = cells.groupby((~same.fillna(False)).cumsum(), sort=False)
    whole = pd.DataFrame({"started_at": runs["started_at"].first(), "ended_at": runs["_until"].last(), "_span": runs["_span"].first()})
    out = every.drop(columns=["started_at"]).rename(columns={"ended_at": "_end"}).iloc[whole["_span"].astype("int64")]
    out = out.reset_index(drop=True).assign(started_at=whole["started_at"].to_numpy(), ended_at=whole["ended_at"].to_numpy())
    for name in ("started_at", "ended_at"):
        out[name] = pd.to_datetime(out[name], utc=True)
    cut = out["ended_at"] < out["_end"]
    return out.assign(closed_by=out["closed_by"].mask(cut, "next_event")).drop(columns="_end")


def told_apart(names: Mapping[str, str]) -> dict[str, str]:
    """Names of agents by their ids, where two of one name are told apart by the end of the id.

    Examples
    --------
    >>> told_apart({"a/1": "Anna", "a/2": "Anna", "a/3": "Zoë"})
    {'a/1': 'Anna (1)', 'a/2': 'Anna (2)', 'a/3': 'Zoë'}
    """
    many = Counter(names.values())
    short = {key: name if many[name] == 1 else f"{name} ({key.rsplit('/', 1)[-1]})" for key, name in names.items()}
    many = Counter(short.values())
    return {key: name if many[name] == 1 else f"{names[key]} ({key})" for key, name in short.items()}
