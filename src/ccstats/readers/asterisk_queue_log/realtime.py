"""The realtime table: the same log in a database, turned into the lines that the file would have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.errors import ColumnError, ZoneError
from ccstats.readers.asterisk_queue_log.lines import NEVER, PIECE, Tails, lines_of, tails_of
from ccstats.readers.clock import localise
from ccstats.readers.parts import room

__all__ = ["RealtimeTable"]

#: Columns by their names in the schemas about: Asterisk, QueueMetrics, add-ons.
_COLUMNS = {
    "time": ("time", "time_id", "eventdate"),
    "callid": ("callid", "call_id"),
    "queue": ("queuename", "queue_name", "queue"),
    "agent": ("agent",),
    "event": ("event", "verb"),
}
_DATA = ("data", "data1", "data2", "data3", "data4", "data5")
_ORDER = ("id", "unique_row_count")
_HOUR = pd.Timedelta(hours=1)
_WORTH_THREADS = 2 * PIECE  # rows of a frame
_PACKED = pa.schema({"tail": pa.large_binary(), "time": pa.int64(), "kind": pa.int8(), "place": pa.float64()})
_CODEC, _GONE = pa.Codec("zstd"), (b"", 0)
_INSTANT, _LOCAL = 1, 2  # what the time of a row is; 0: none


class _Rows(NamedTuple):
    """What is kept of rows: their lines without the times, the times and what those are, and the places in the table's own order."""

    tails: Tails
    times: np.ndarray
    kinds: np.ndarray
    places: np.ndarray


class RealtimeTable:
    r"""Rows of a realtime table, taken up in chunks and given back as lines of the file form.

    What is kept of a row is its line, its time and its number, as nobody knows their order before the last is there: by time and,
    within one time, by ``id``. Rows that come in one frame are at hand in any case; of a table that comes in several, nobody knows how many
    there will be, and they are packed.

    Parameters
    ----------
    name : str
        Name of the source, for errors.
    timezone : str or None
        Zone of the server; needed where ``time`` is a local time without a zone.
    blank : tuple of str
        Words that stand for no value.

    Examples
    --------
    >>> row = {"id": 1, "time": "1266833905", "callid": "1.2", "queuename": "q", "agent": "NONE", "event": "ENTERQUEUE"}
    >>> table = RealtimeTable("queue_log", None)
    >>> table.add(pd.DataFrame([row | {"data1": "", "data2": "5551", "data3": None}]))
    >>> notes = table.finish()
    >>> [(write().tobytes(), rows.tolist()) for write, rows in table.lines()]
    [(b'1266833905.000000|1.2|q|NONE|ENTERQUEUE||5551\n', [1])]
    """

    def __init__(self, name: str, timezone: str | None, blank: tuple[str, ...] = ()) -> None:
        self.name, self._timezone, self._blank = name, timezone, blank
        self._chunks: list[_Rows | tuple[bytes, int]] = []
        self._begins = [0]
        self._size = 0
        self._moments = np.empty(0, dtype="int64")
        self._order: np.ndarray | None = None  # as they came

    def add(self, frame: pd.DataFrame) -> None:
        """Take up rows that follow those taken before: ``id, time, callid, queuename, agent, event``, ``data`` or ``data1`` … ``data5``.

        Raises
        ------
        ColumnError
            If a column is missing, or call ids were read as numbers.
        """
        lower = {str(column).lower(): column for column in frame.columns}
        found = {}
        for what, choices in _COLUMNS.items():
            column = next((lower[choice] for choice in choices if choice in lower), None)
            if column is None:
                raise ColumnError(
                    f"{self.name}: no column {' or '.join(map(repr, choices))} in the table; it has: {', '.join(map(str, frame.columns))}. "
                    "A realtime queue_log has id, time, callid, queuename, agent, event and data or data1 to data5."
                )
            found[what] = frame[column]
        if pd.api.types.is_float_dtype(found["callid"].dtype) and found["callid"].notna().any():
            raise ColumnError(
                f"{self.name}: column 'callid' was read as numbers, and 1266833905.2 and 1266833905.20 are different calls; read it as text"
            )
        data = [frame[lower[column]] for column in _DATA if column in lower]
        texts = [_texts(column) for column in (*(found[what] for what in ("callid", "queue", "agent", "event")), *data)]
        numbers = next((frame[lower[column]] for column in _ORDER if column in lower), None)
        if not len(frame):
            return
        with ThreadPoolExecutor(pa.cpu_count()) if len(frame) > _WORTH_THREADS else nullcontext() as pool:
            serial = _started(pool, self._places, len(frame), numbers)
            times = _started(pool, _times, found["time"])
            tails, (moments, kinds) = tails_of(texts, self._blank, pool), times()
            rows = _Rows(tails, moments, kinds, serial())
        self._size += int((rows.tails.ends - rows.tails.begins).sum())
        if self.at_hand and self._chunks:
            first, self._chunks, self._begins = self._chunks[0], [], [0]
            assert isinstance(first, _Rows)
            self._pack(first)
        if self._chunks:
            self._pack(rows)
        else:
            self._chunks.append(rows)
            self._begins.append(len(frame))

    def _places(self, rows: int, numbers: pd.Series | None) -> np.ndarray:
        """Numbers that the rows are ordered by, or else where they stand."""
        if numbers is None:
            return np.arange(len(self), len(self) + rows, dtype="float64")
        return _numbers(numbers, np.inf)

    def _pack(self, rows: _Rows) -> None:
        # As many together as lines are made of at a time, so that no row is unpacked again and again.
        for first in range(0, len(rows.times), PIECE):
            part = slice(first, first + PIECE)
            self._chunks.append(_packed(rows, part))
            self._begins.append(self._begins[-1] + len(rows.times[part]))

    @property
    def at_hand(self) -> bool:
        """Whether all rows came in one frame, or none came."""
        return all(isinstance(chunk, _Rows) for chunk in self._chunks)

    def __len__(self) -> int:
        return self._begins[-1]

    @property
    def size(self) -> int:
        """How many bytes the lines will have, about."""
        return self._size + 10 * self._begins[-1]

    def finish(self) -> dict[str, int]:
        """Bring the rows into their order and return what has to be noted.

        Raises
        ------
        ZoneError
            If the times are local and no zone is given.
        """
        times, kinds, places = (room(len(self), kind) for kind in ("int64", "int8", "float64"))
        for begin, end, packed in zip(self._begins, self._begins[1:], self._chunks, strict=False):
            _, times[begin:end], kinds[begin:end], places[begin:end] = _unpacked(packed)
        self._order = _sorted(places, None)
        local = np.flatnonzero(kinds == _LOCAL)
        if len(local) and self._order is not None:
            local = self._order[kinds[self._order] == _LOCAL]
        notes: dict[str, int] = {}
        if len(local) and self._timezone is None and (kinds == _INSTANT).any():
            times[local] = -1  # a broken row among instants
        elif len(local):
            times[local], notes = _of_local(self.name, times[local], self._timezone)
        times[times < 0] = NEVER
        self._order, self._moments = _sorted(times, self._order), times
        return notes

    @property
    def span(self) -> tuple[int, int]:
        """First and last second that there is a line of, -1 where there is none; once it is finished."""
        known = self._moments[self._moments < NEVER]
        return (int(known.min() // 1_000_000), int(known.max() // 1_000_000)) if len(known) else (-1, -1)

    def lines(self) -> Iterator[tuple[Callable[[], np.ndarray], np.ndarray]]:
        """What writes the lines in their order, piece by piece, and the row (from 1) of each; once, as memory is given back."""
        begins = np.arange(0, len(self), PIECE)
        # The first row that is needed from each piece on: what stands before it can go.
        needed = begins if self._order is None else np.minimum.accumulate(self._order[::-1])[::-1][begins]
        gone, unpacked = 0, dict[int, Tails]()
        for begin, first_row in zip(begins.tolist(), needed.tolist(), strict=True):
            end = min(begin + PIECE, len(self))
            rows = np.arange(begin, end) if self._order is None else self._order[begin:end]
            kept, first, last = (int(np.searchsorted(self._begins, each, side="right")) - 1 for each in (first_row, rows.min(), rows.max()))
            self._chunks[gone:kept], gone = [_GONE] * (kept - gone), kept
            unpacked = {at: unpacked[at] if at in unpacked else _unpacked(self._chunks[at]).tails for at in range(first, last + 1)}
            yield partial(lines_of, list(unpacked.values()), rows - self._begins[first], self._moments[rows]), rows + 1


def _started(pool: ThreadPoolExecutor | None, work: Callable[..., Any], *of: Any) -> Callable[[], Any]:
    """What gives the result of work that is done in the pool, if there is one, or else now."""
    if pool is not None:
        return pool.submit(work, *of).result
    done = work(*of)
    return lambda: done


def _sorted(values: np.ndarray, order: np.ndarray | None) -> np.ndarray | None:
    """The order of rows in that of these values, and where they are alike in the one before; None where they are in order as they came."""
    if order is None:
        return None if bool((values[1:] >= values[:-1]).all()) else np.argsort(values, kind="stable")
    found: np.ndarray = order[np.argsort(values[order], kind="stable")]
    return found


def _texts(column: pd.Series) -> Any:
    """PyArrow's large text in chunks."""
    if isinstance(column.dtype, pd.StringDtype):
        texts = pa.array(column, type=pa.large_string())
    elif pd.api.types.is_integer_dtype(column.dtype):
        texts = pa.array(column).cast(pa.large_string())
    else:
        blank = column.isna().to_numpy()
        values = column.astype(object).to_numpy()
        texts = pa.array(
            ["" if none else str(value).encode("utf-8", "replace").decode() for value, none in zip(values, blank, strict=True)],
            pa.large_string(),
        )
    return texts if isinstance(texts, pa.ChunkedArray) else pa.chunked_array([texts])


def _numbers(column: pd.Series, missing: float) -> np.ndarray:
    """Numbers, and a value where there is none."""
    if isinstance(column.dtype, pd.StringDtype):
        try:
            return np.asarray(pc.fill_null(pa.array(column, pa.large_string()).cast("float64"), missing).to_numpy())
        except pa.ArrowInvalid:
            pass  # what is no number has none
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype="float64", na_value=missing)


def _packed(rows: _Rows, part: slice) -> tuple[bytes, int]:
    """These rows, which were written together, in few bytes, and how many those have unpacked."""
    (data, begins, ends), times, kinds, places = rows.tails, rows.times, rows.kinds, rows.places
    first = begins[part][0]
    bounds = np.append(begins[part], ends[part][-1]) - first
    tails = pa.Array.from_buffers(
        pa.large_binary(), len(bounds) - 1, [None, pa.py_buffer(bounds), pa.py_buffer(data[first : first + bounds[-1]])]
    )
    plain = pa.record_batch([tails, *(pa.array(each[part]) for each in (times, kinds, places))], schema=_PACKED).serialize()
    return _CODEC.compress(plain, asbytes=True), plain.size


def _unpacked(chunk: _Rows | tuple[bytes, int]) -> _Rows:
    if isinstance(chunk, _Rows):
        return chunk
    batch = pa.ipc.read_record_batch(_CODEC.decompress(*chunk), _PACKED)
    _, offsets, data = batch["tail"].buffers()
    bounds = np.frombuffer(offsets, dtype="int64")[: len(batch) + 1]
    return _Rows(
        Tails(np.frombuffer(data, dtype="uint8"), bounds[:-1], bounds[1:]), *(batch[name].to_numpy() for name in _PACKED.names[1:])
    )


def _times(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Microseconds since 1970, of UTC or of the clock on the wall, and which it is; -1 where there is no time."""
    micros, kinds = np.full(len(column), -1, dtype="int64"), np.zeros(len(column), dtype="int8")

    def put(where: np.ndarray, values: pd.Series, kind: int) -> None:
        there = values.notna().to_numpy()
        at = where[there]
        micros[at], kinds[at] = values[there].dt.as_unit("us").astype("int64").to_numpy(), kind

    every = np.arange(len(column))
    column = column.reset_index(drop=True)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        put(every, column.dt.tz_convert("UTC"), _INSTANT)
        return micros, kinds
    if pd.api.types.is_datetime64_dtype(column.dtype):
        put(every, column, _LOCAL)
        return micros, kinds
    numbers = _numbers(column, np.nan)
    epochs = ~np.isnan(numbers)
    known = np.clip(np.where(np.isinf(numbers[epochs]), -1, numbers[epochs]), -1, 9e12)
    seconds = np.floor(known)
    exact = seconds * 1_000_000 + np.round((known - seconds) * 1_000_000)
    micros[epochs], kinds[epochs] = np.clip(exact, -1, 9e18).astype("int64"), _INSTANT
    left = np.flatnonzero(~epochs & column.notna().to_numpy())
    if len(left):
        texts = column.iloc[left].astype("str").reset_index(drop=True)
        zoned = texts.str.contains(r"(?:[+-]\d\d:?\d\d|Z)$", na=False).to_numpy(dtype=bool)
        for these, kind in ((zoned, _INSTANT), (~zoned, _LOCAL)):
            put(left[these], pd.to_datetime(texts[these], errors="coerce", format="ISO8601", utc=kind == _INSTANT), kind)
    return micros, kinds


def _of_local(name: str, micros: np.ndarray, timezone: str | None) -> tuple[np.ndarray, dict[str, int]]:
    """Instants of local times, which stand in the order in which they were written."""
    if timezone is None:
        raise ZoneError(
            f"{name}: column 'time' holds local times without a zone; say where the server's clock stood, "
            "for example timezone='Europe/Istanbul' (or timezone='UTC' with queue_log_realtime_use_gmt=yes)"
        )
    wall = pd.Series(micros.view("M8[us]"))
    instants = localise(wall, timezone)
    utc = instants.utc
    if instants.twice.any():
        again = instants.twice & _second_time(wall, instants.twice)
        utc = utc.mask(again, utc + instants.later)
    return utc.dt.as_unit("us").astype("int64").to_numpy(), {
        "local time that the clock showed twice: the hour told by the order of the rows": int(instants.twice.sum()),
        "local time that the clock never showed: moved to the end of the gap": int(instants.never.sum()),
    }


def _second_time(wall: pd.Series, twice: np.ndarray) -> np.ndarray:
    """Which rows of an hour shown twice stand after the clock was set back: those after a step back of the clock within it."""
    values = wall.to_numpy()
    second = np.zeros(len(values), dtype=bool)
    set_back, last = False, None
    for at in np.flatnonzero(twice):
        if last is not None and values[at] - last > 2 * _HOUR.to_timedelta64():
            set_back = False  # another year's hour
        elif last is not None and last - values[at] > _HOUR.to_timedelta64() / 4:
            set_back = True
        second[at] = set_back
        last = values[at]
    return second
