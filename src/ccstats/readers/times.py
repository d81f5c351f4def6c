"""Times in a format of digits and English names, such as ``%d.%m.%Y %H:%M``: whole columns in compiled code."""

from __future__ import annotations

import re
from itertools import pairwise

import numba
import numpy as np
import pyarrow as pa

__all__ = ["formatted", "instructions"]

_NAT = np.iinfo(np.int64).min
_DAY = 86_400_000_000
_YEAR, _MONTH, _DATE, _HOUR, _MINUTE, _SECOND, _MONTH_NAME, _DAY_NAME = range(-8, 0)
_CODES = {
    "%Y": _YEAR, "%m": _MONTH, "%d": _DATE, "%H": _HOUR, "%M": _MINUTE, "%S": _SECOND, "%b": _MONTH_NAME, "%a": _DAY_NAME,
}  # fmt: skip
_NEEDED = {"%Y", "%d", "%H", "%M"}
_MONTHS = np.frombuffer(b"janfebmaraprmayjunjulaugsepoctnovdec", dtype="uint8").reshape(-1, 3)
_DAYS = np.frombuffer(b"montuewedthufrisatsun", dtype="uint8").reshape(-1, 3)

_compiled = numba.njit(cache=True, nogil=True)


def formatted(text: pa.Array, written: str) -> np.ndarray | None:
    """Times on the wall in microseconds; missing where they are not written so, and None for a format that is not known here.

    Days, months and hours may have one digit where a sign parts them from the next number. What is not understood here may still be a time
    in this format to pandas, which knows more ways.

    Parameters
    ----------
    text : pyarrow.Array of large_string
        The times.
    written : str
        A strptime format.

    Examples
    --------
    >>> formatted(pa.array(["01.03.2024 9:05", "noon"], pa.large_string()), "%d.%m.%Y %H:%M").astype(str).tolist()
    ['2024-03-01T09:05:00.000000', 'NaT']
    >>> formatted(pa.array(["3/1/24"], pa.large_string()), "%m/%d/%y") is None
    True
    """
    steps = instructions(written)
    if steps is None:
        return None
    found = np.full(len(text), _NAT)
    if len(text):
        octets = np.frombuffer(text.buffers()[2] or b"", dtype="uint8")
        ends = np.frombuffer(text.buffers()[1], dtype="int64")[text.offset : text.offset + len(text) + 1]
        _read(octets, ends, text.is_valid().to_numpy(zero_copy_only=False), *steps, found)
    return found.view("M8[us]")


def instructions(written: str) -> tuple[np.ndarray, np.ndarray] | None:
    """What stands in a time in this format, a sign or (below zero) a field each, and the fewest digits of each; None for another format.

    Examples
    --------
    >>> instructions("%d.%m.%Y %H:%M")[1].tolist()
    [1, 0, 1, 0, 4, 0, 1, 0, 2]
    >>> instructions("%H:%M") is None
    True
    """
    parts = re.findall("%.|[^%]+", written)
    fields = [part for part in parts if part[0] == "%"]
    month = {"%m", "%b"} & set(fields)
    once = len(set(fields)) == len(fields) and len(month) == 1 and set(_CODES) >= set(fields) >= _NEEDED
    if not once or "".join(parts) != written or re.search("[0-9]", written):
        return None
    # Two numbers with nothing between them are told apart by their digits only.
    apart = not any(one[0] == other[0] == "%" for one, other in pairwise(parts))
    steps, fewest = list[int](), list[int]()
    for part in parts:
        signs = [_CODES[part]] if part in _CODES else list(part.encode())
        steps += signs
        fewest += [4 if part == "%Y" else 1 if apart and part in ("%d", "%m", "%H") else 2 if part in _CODES else 0] * len(signs)
    return np.array(steps, dtype="int16"), np.array(fewest, dtype="int8")


@_compiled
def _named(octets, at, names):
    """Which of these names of three letters stands here, from 1; 0 if none does."""
    for name in range(len(names)):
        if (octets[at] | 32) == names[name, 0] and (octets[at + 1] | 32) == names[name, 1] and (octets[at + 2] | 32) == names[name, 2]:
            return name + 1
    return 0


@_compiled
def _read(octets, ends, there, steps, fewest, out):
    """Each time, as the steps tell; those that do not fit stay as they are."""
    fields = np.empty(6, np.int64)  # year, month, day, hour, minute, second
    for row in range(len(out)):
        if not there[row]:
            continue
        at, end = ends[row], ends[row + 1]
        fields[5] = 0
        fits = True
        for place in range(len(steps)):
            step = steps[place]
            if step >= 0:
                fits = at < end and octets[at] == step
                at += 1
            elif step >= _MONTH_NAME:
                name = 0
                if at + 3 <= end:
                    name = _named(octets, at, _MONTHS if step == _MONTH_NAME else _DAYS)
                    if step == _MONTH_NAME:
                        fields[1] = name
                fits = name > 0
                at += 3
            else:
                first, value = at, 0
                while at < end and at - first < (4 if step == _YEAR else 2) and 48 <= octets[at] <= 57:
                    value = value * 10 + octets[at] - 48
                    at += 1
                fields[step - _YEAR] = value
                fits = at - first >= fewest[place]
            if not fits:
                break
        if fits and at == end and _is_time(fields):
            days = _days(fields[0], fields[1], fields[2])
            out[row] = days * _DAY + ((fields[3] * 60 + fields[4]) * 60 + fields[5]) * 1_000_000


@_compiled
def _is_time(fields):
    year, month, day = fields[0], fields[1], fields[2]
    if year < 1 or not 1 <= month <= 12 or day < 1 or fields[3] > 23 or fields[4] > 59 or fields[5] > 59:
        return False
    if month == 2:
        return day <= (29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28)
    return day <= (30 if month in (4, 6, 9, 11) else 31)


@_compiled
def _days(year, month, day):
    """Days since 1970 of the Gregorian calendar, in years that begin in March, so that a leap day is the last one."""
    years, months = (year, month - 3) if month > 2 else (year - 1, month + 9)
    return years * 365 + years // 4 - years // 100 + years // 400 + (153 * months + 2) // 5 + day - 719_469
