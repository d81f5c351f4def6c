"""Spans of agents' states that follow each other: cut where the next one begins, or laid over each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from ccstats.readers.accounting import Account
from ccstats.schema import sortable, sorting

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
    whole = (spans["ended_at"] > spans["started_at"]).to_numpy()
    spans = spans if whole.all() else spans[whole]
    order = sorting([sortable(spans["agent"]), sortable(spans["started_at"])])
    spans = (spans if order is None else spans.take(order)).reset_index(drop=True)
    agent = sortable(spans["agent"])
    same = pc.fill_null(pc.equal(agent[:-1], agent[1:]), False).to_numpy(zero_copy_only=False)
    following = spans["started_at"].shift(-1)
    cut = (spans["ended_at"] > following).to_numpy(dtype=bool) & np.append(same, False)[: len(spans)]
    account.note("spans that ran into the agent's next one: cut where it begins", int(cut.sum()))
    if not cut.any():
        return spans
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
    kinds = {"started_at": "datetime64[us, UTC]", "ended_at": "datetime64[us, UTC]"}
    agents, *others = {layer["agent"].dtype for layer in layers}
    if others or not isinstance(agents, pd.CategoricalDtype) or not agents.categories.is_monotonic_increasing:
        kinds["agent"] = "str"
    layers = [whole_spans(layer.astype(kinds), account) for layer in layers]
    every = pd.concat(layers, ignore_index=True)
    # Agents and times are numbered in their order, and each place on an agent's line of time is one number.
    agent = pd.factorize(every["agent"], sort=True)[0]
    times, number = np.unique(pd.concat([every["started_at"], every["ended_at"]]).dt.tz_localize(None), return_inverse=True)
    begins, ends = agent * len(times) + number[: len(every)], agent * len(times) + number[len(every) :]
    places = np.sort(np.concatenate([begins, ends]))
    places = places[np.append(True, np.diff(places) > 0)[: len(places)]]
    span, first = np.full(len(places), -1), 0
    for layer in layers:
        rows = np.arange(first, first + len(layer))
        first += len(layer)
        if len(rows):
            latest = rows[np.maximum(np.searchsorted(begins[rows], places, side="right") - 1, 0)]
            span = np.where((begins[latest] <= places) & (places < ends[latest]), latest, span)
    # Neighbouring places of one span are one; the last place of an agent is in none.
    bounds = np.append(np.flatnonzero(np.diff(span, prepend=-1)), len(places))
    whole = span[bounds[:-1]] >= 0
    begin, end = bounds[:-1][whole], bounds[1:][whole]
    out = every.drop(columns=["started_at"]).rename(columns={"ended_at": "_end"}).iloc[span[begin]].reset_index(drop=True)
    for name, at in (("started_at", begin), ("ended_at", end)):
        out[name] = pd.DatetimeIndex(times[places[at] % len(times)]).tz_localize("UTC")
    if isinstance(out["agent"].dtype, pd.CategoricalDtype):
        out["agent"] = out["agent"].cat.remove_unused_categories()
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
