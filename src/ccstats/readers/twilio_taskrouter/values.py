"""What single fields of events say: times, numbers and texts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.readers.json_facts import BadRecord, instant_of
from ccstats.readers.json_records import clean_text

__all__ = ["EPOCH", "MICROSECOND", "NEVER", "are_milliseconds", "as_text", "micros_of", "number_of"]

#: Numbers of times from here on are milliseconds.
_MILLISECONDS = 1e11
MICROSECOND, _MILLISECOND = timedelta(microseconds=1), timedelta(milliseconds=1)
EPOCH, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
#: A time that is not known. [us]
NEVER = np.iinfo(np.int64).min


def are_milliseconds(text: pa.ChunkedArray) -> bool:
    """Whether all texts that are there are times of this century in milliseconds, in 13 digits of which the first is 1 to 6."""
    known = text.drop_null().combine_chunks()
    if not pc.all(pc.equal(pc.binary_length(known), 13)).as_py():
        return not len(known)
    begin = int(np.frombuffer(known.buffers()[1], dtype="int64")[known.offset])
    digits = np.frombuffer(known.buffers()[2], dtype="uint8")[begin : begin + 13 * len(known)].reshape(-1, 13) - ord("0")
    return bool((digits < 10).all() and (digits[:, 0] - 1 < 6).all())


def as_text(value: Any) -> str | None:
    """Text, also of a number or a yes."""
    return value if value is None else clean_text(value) if isinstance(value, str) else str(value).casefold()


def number_of(text: str, name: str) -> float:
    """A number, if it is one."""
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not abs(number) < 1e18:
        raise BadRecord(f"{name} is no number")
    return number


def micros_of(text: str, name: str) -> int:
    """Seconds or milliseconds since 1970, or ISO 8601."""
    if text.replace(".", "", 1).isdecimal():
        number = number_of(text, name)
        milliseconds = round(number if number >= _MILLISECONDS else number * 1000, 3)
        if not milliseconds < (_LAST - EPOCH) / _MILLISECOND:
            raise BadRecord(f"{name} is outside 1970 to 2200")
        return timedelta(milliseconds=milliseconds) // MICROSECOND
    at = instant_of({name: text}, name)
    return NEVER if at is None else (at - EPOCH) // MICROSECOND
