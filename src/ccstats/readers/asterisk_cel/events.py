"""Channel events in the order of time, their words as numbers: numbers are compared, and texts are looked up for few rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pyarrow as pa

from ccstats.readers.categories import by_word
from ccstats.readers.words import coded, of_series, to_series

__all__ = ["Events"]

_ODD = (np.int64(0x1E3779B97F4A7C15), np.int64(0x42B2AE3D27D4EB4F))


class Events:
    """Events, each known by its place in time; a place, or the number of a word, is -1 where there is none.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows in any order: ``at``, ``row`` (the database's number, missing where there is none), ``uid`` (the channel's uniqueid),
        ``linked`` (its linkedid then), ``bridge``, ``kind``, ``app``, other texts, and what `Rows.frame` adds. Of those named here only
        row and bridge may be missing.

    Attributes
    ----------
    times : numpy.ndarray of int64
        In order. [us since 1970]
    uid, linked, bridge, call : numpy.ndarray of int32
        Numbers of words that they share. ``call`` is the linkedid that the channel ends with: where calls meet, the oldest one wins.

    Examples
    --------
    >>> rows = {"kind": ["HANGUP", "ANSWER"], "app": ["", ""], "uid": ["1.1", "1.1"], "linked": ["1.0", "1.1"], "bridge": [None, None]}
    >>> at = pd.to_datetime(["2024-03-01 09:00", "2024-03-01 08:00"], utc=True).as_unit("us")
    >>> events = Events(pd.DataFrame(rows, dtype="str").assign(at=at, row=np.nan))
    >>> events.text("kind", np.array([0, 1, -1])).tolist(), events.ids(events.call).tolist()
    (['ANSWER', 'HANGUP', nan], ['1.0', '1.0'])
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        at = frame["at"].astype("int64").to_numpy()
        self._rows = np.lexsort((frame["row"].to_numpy(), at))
        self.times = at[self._rows]
        ids, self._ids = _numbered(*(frame[name] for name in ("uid", "linked", "bridge")))
        self.uid, self.linked, self.bridge = (each[self._rows] for each in np.split(ids, 3))
        kind, self._kinds = coded(frame["kind"])
        app, self._apps = coded(frame["app"])
        self._kind, self._app = kind[self._rows], app[self._rows]
        last = np.empty(len(self._ids), dtype=self.linked.dtype)
        last[self.uid] = self.linked
        self.call = last[self.uid]

    def __len__(self) -> int:
        return len(self.times)

    @property
    def logged(self) -> set[str]:
        """Kinds of events that are there."""
        return {self._kinds[each] for each in np.unique(self._kind)}

    def kinds(self, *names: str) -> np.ndarray:
        """Which events are of these kinds."""
        return _each(self._kinds, names.__contains__)[self._kind]

    def apps(self, test: Callable[[str], bool]) -> np.ndarray:
        """Which events a channel had in an application whose name passes the test."""
        return _each(self._apps, test)[self._app]

    def texts(self, name: str, test: Callable[[pa.ChunkedArray], pa.ChunkedArray]) -> np.ndarray:
        """Which events have a text that passes the test; missing ones do not."""
        return _passed(self._frame[name], test)[self._rows]

    def text(self, name: str, places: np.ndarray) -> pd.Series:
        """Values of a column of these events."""
        rows = np.where(places < 0, -1, self._rows[places]) if len(self) else places
        return pd.Series(self._frame[name].array.take(rows, allow_fill=True))

    def ids(self, numbers: np.ndarray) -> pd.Series:
        """Words of uid, linked, bridge or call."""
        return to_series(self._ids.take(pa.array(numbers, mask=numbers < 0)))

    def among(self, ids: np.ndarray, those: np.ndarray) -> np.ndarray:
        """Which of all events have an id in common with one of ``those``."""
        there = np.zeros(len(self._ids) + 1, dtype=bool)
        there[ids[those]] = True
        there[-1] = False
        return there[ids]

    def first(self, those: np.ndarray, ids: np.ndarray, wanted: np.ndarray, since: np.ndarray) -> np.ndarray:
        """Of each wanted id the first event of ``those`` that has it and lies at place ``since`` or later."""
        places, many = np.flatnonzero(those), len(self) + 1
        keys = np.append(np.sort(ids[places].astype("int64") * many + places), -1)
        found = keys[np.searchsorted(keys[:-1], wanted.astype("int64") * many + since)]
        return np.where((wanted >= 0) & (since >= 0) & (found // many == wanted), found % many, -1)

    def since(self, places: np.ndarray) -> np.ndarray:
        """The first event of the same instant: the order of two channels' events within it is not sure."""
        return np.where(places < 0, -1, np.searchsorted(self.times, self.times[places])) if len(self) else places

    def keep(self, those: np.ndarray) -> None:
        """Leave the others out: ``those`` is a mask or places in order."""
        self._rows = self._rows[those]
        for name in ("times", "uid", "linked", "bridge", "call", "_kind", "_app"):
            setattr(self, name, getattr(self, name)[those])

    def lines(self, those: np.ndarray, mark: np.ndarray) -> Iterator[tuple[str, bool, int]]:
        """How many lines ``those`` are: of each source, those with the mark and those without, in the order in which they begin."""
        rows = self._frame[["_source", "_weight"]].iloc[self._rows[those]].assign(mark=mark[those])
        for source, marked, lines in rows.groupby(["_source", "mark"], sort=False, observed=True)["_weight"].sum().reset_index().to_numpy():
            yield str(source), bool(marked), int(lines)

    def lines_of(self) -> pd.DataFrame:
        """Where each event stands, and in ``event`` the place of the first one that is the same in all columns."""
        same = np.arange(len(self))
        mixed = ((self.times * _ODD[0]) ^ self.uid) * _ODD[1] + self._kind
        order = np.argsort(mixed)
        twin = mixed[order][1:] == mixed[order][:-1]
        # Few events agree in time, channel and kind: only those are looked at in full.
        few = np.sort(order[np.append(twin, False) | np.append(False, twin)]) if len(self) else same
        rows = self._frame.iloc[self._rows[few]]
        columns = [name for name in rows.columns if not name.startswith("_")]
        group = rows.groupby(columns, sort=False, dropna=False, observed=True).ngroup().to_numpy()
        same[few] = few[np.unique(group, return_index=True)[1][group]]
        where = [name for name in self._frame.columns if name.startswith("_")]
        return self._frame[where].iloc[self._rows].reset_index(drop=True).assign(event=same)


@by_word
def _passed(text: pd.Series, test: Callable[[pa.ChunkedArray], pa.ChunkedArray]) -> np.ndarray:
    return np.asarray(test(of_series(text)).fill_null(False).to_numpy())


def _numbered(*texts: pd.Series) -> tuple[np.ndarray, pa.Array]:
    """Words of columns that are one after the other as numbers, and the words."""
    whole = pa.chunked_array([chunk for text in texts for chunk in of_series(text).chunks], pa.large_string())
    found = whole.combine_chunks().dictionary_encode()
    return found.indices.fill_null(-1).to_numpy(zero_copy_only=False), found.dictionary


def _each(words: list[str], test: Callable[[str], bool]) -> np.ndarray:
    return np.array([*map(test, words), False], dtype=bool)
