"""Spans of agents' states that follow each other: cut where the next one begins, or laid over each other."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from ccstats.readers.accounting import Account
from ccstats.readers.categories import category_of
from ccstats.readers.words import coded, of_series, to_series
from ccstats.schema import AGENT_STATES

__all__ = ["laid_over", "told_apart", "whole_spans"]

_NEXT = "next_event"
_TIMES = ("started_at", "ended_at")


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
    began, ended = (_naive(spans[name]).to_numpy() for name in _TIMES)
    rows, ended, cut = _whole(_numbered([spans["agent"]])[0], began, ended, account)
    if len(rows) < len(spans) or (rows[1:] < rows[:-1]).any():
        spans = spans.take(rows)
    spans = spans.reset_index(drop=True)
    if not cut.any():
        return spans
    until = pd.Series(ended).dt.tz_localize("UTC").astype(spans["ended_at"].dtype)
    return spans.assign(ended_at=until, closed_by=spans["closed_by"].mask(cut, _NEXT))


def laid_over(layers: Sequence[pd.DataFrame], account: Account) -> pd.DataFrame:
    """Spans of several layers as one sequence an agent: where layers overlap, the later one in the list is what the agent did.

    All columns but times are of text or of categories; those that agents' states have as categories become so.

    Examples
    --------
    >>> from ccstats.readers.contract import Options
    >>> at = pd.to_datetime(pd.Series(["2024-03-01 09:00", "2024-03-01 10:00", "2024-03-01 11:00", "2024-03-01 12:00"]), utc=True)
    >>> session = pd.DataFrame({"agent": ["7"], "started_at": at[[0]], "ended_at": at[3], "state": "other", "closed_by": "event"})
    >>> lunch = pd.DataFrame({"agent": ["7"], "started_at": at[1], "ended_at": at[2], "state": "pause", "closed_by": "event"})
    >>> laid_over([session, lunch], Account(Options()))[["state", "closed_by"]].to_numpy().tolist()
    [['other', 'next_event'], ['pause', 'event'], ['other', 'event']]
    """
    columns = {name: [layer[name] for layer in layers] for name in layers[0].columns}
    agent, agents = _numbered(columns.pop("agent"))
    began, ended = (np.concatenate([_naive(each).to_numpy("datetime64[us]") for each in columns.pop(name)]) for name in _TIMES)
    laid, first = _Laid(*np.empty((4, 0), dtype="int64")), 0
    for layer in layers:
        these = slice(first, first + len(layer))
        rows, until, _ = _whole(agent[these], began[these], ended[these], account)
        rows += first
        first += len(layer)
        laid = _Laid(*_compiled()(laid, _Laid(rows, agent[rows].astype("int64"), began[rows].view("int64"), until.view("int64"))))
    row = laid.row
    closed_by, words = _numbered([*columns.pop("closed_by"), pd.Series([_NEXT], dtype="str")])
    cut = laid.end < ended.view("int64")[row]
    out = {
        "agent": category_of(agent[row], agents),
        **{name: pd.Series(pd.DatetimeIndex(at.view("M8[us]")).tz_localize("UTC")) for name, at in zip(_TIMES, laid[2:], strict=True)},
        "closed_by": category_of(np.where(cut, closed_by[-1], closed_by[row]), words),
    }
    for name, parts in columns.items():
        if name in AGENT_STATES and AGENT_STATES[name].kind == "category":
            codes, words = _numbered(parts)
            out[name] = category_of(codes[row], words)
        else:
            out[name] = to_series(pa.concat_arrays([of_series(part).combine_chunks() for part in parts]).take(pa.array(row)))
    return pd.DataFrame(out, copy=False)


class _Laid(NamedTuple):
    """Spans in order, none of which runs into the agent's next one; times are microseconds."""

    row: np.ndarray
    agent: np.ndarray
    begin: np.ndarray
    end: np.ndarray


def _whole(agent: np.ndarray, began: np.ndarray, ended: np.ndarray, account: Account) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where spans that are not empty stand, by agent and time, when each ends, and whether the agent's next one cuts it."""
    rows = np.flatnonzero(ended > began)
    step, later = np.diff(agent[rows].astype("int64")), began[rows][1:] >= began[rows][:-1]
    if not ((step > 0) | (step == 0) & later).all():
        rows = rows[np.lexsort((began[rows], agent[rows]))]
    agent, began, ended = agent[rows], began[rows], ended[rows]
    cut = np.append((agent[1:] == agent[:-1]) & (ended[:-1] > began[1:]), False)[: len(rows)]
    account.note("spans that ran into the agent's next one: cut where it begins", int(cut.sum()))
    ended = np.where(cut, np.roll(began, -1), ended)
    left = ended > began
    return rows[left], ended[left], cut[left]


@functools.cache
def _compiled() -> Callable[..., np.ndarray]:
    """`_over` as machine code, for those who need it: the compiler takes 65 MB of memory."""
    import numba

    compiled: Callable[..., np.ndarray] = numba.njit(cache=True, nogil=True)(_over)
    return compiled


def _over(under, top):
    """What is seen of spans with others on top of them, in order."""
    row, agent, begin, end = under
    out = np.empty((4, len(row) + 2 * len(top[0])), np.int64)
    count = j = 0
    for i in range(len(row)):
        at = begin[i]
        while j < len(top[0]) and (top[1][j] < agent[i] or (top[1][j] == agent[i] and top[2][j] < end[i])):
            if top[1][j] == agent[i]:
                if top[2][j] > at:
                    out[0, count], out[1, count], out[2, count], out[3, count] = row[i], agent[i], at, top[2][j]
                    count += 1
                at = max(at, top[3][j])
                if at > end[i]:
                    break
            for of in range(4):
                out[of, count] = top[of][j]
            count, j = count + 1, j + 1
        if at < end[i]:
            out[0, count], out[1, count], out[2, count], out[3, count] = row[i], agent[i], at, end[i]
            count += 1
    while j < len(top[0]):
        for of in range(4):
            out[of, count] = top[of][j]
        count, j = count + 1, j + 1
    return out[:, :count]


def _naive(times: pd.Series) -> pd.Series:
    return times.dt.tz_convert("UTC").dt.tz_localize(None)


def _numbered(columns: Sequence[pd.Series]) -> tuple[np.ndarray, list[str]]:
    """Words of columns one after the other as places in a list of all words in order; -1 where there is none."""
    found = [coded(column) for column in columns]
    words = sorted({word for _, own in found for word in own})
    place, kind = {word: at for at, word in enumerate(words)}, np.min_scalar_type(-len(words) - 1)
    return np.concatenate([np.array([*(place[word] for word in own), -1], dtype=kind)[codes] for codes, own in found]), words


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
