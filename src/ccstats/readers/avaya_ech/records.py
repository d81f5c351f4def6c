"""Records of call history: the layouts, and how a binary or a text file is cut into columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from ccstats.errors import FormatError
from ccstats.readers.accounting import Account

__all__ = ["LENGTHS", "Segments", "looks_like", "read_binary", "read_text"]

_HEADER = 8
_FLAGS = ("assist", "audiodifficulty", "conference", "daqueued", "holdabn", "malicious", "observingcall", "transferred")
_BYTES = (
    "agentreleased", "acdnum", "calldisp", "disppriority", "holds", "segment", "ansreason", "origreason", "dispsklevel",
    *(f"events{at}" for at in range(9)),
)  # fmt: skip
_STAMPS = ("segstart", "segstart_utc", "segstop", "segstop_utc")


def _layout(*, times: Sequence[str], vdns: int, wide: bool = False, tail: Sequence[str] = ()) -> dict[str, str]:
    """Fields of a record in their order, with NumPy's word for each; ``flags`` is a byte of eight flags, the first in the lowest bit."""
    number, login, party = (16, 16, 25) if wide else (8, 10, 13)
    shorts = ["dispivector", "dispsplit", "firstivector", "split1", "split2", "split3", "trunkgroup"]
    shorts += ["tklocid", "origlocid", "answerlocid", "obslocid", *(["uuilen"] if "queuetime" in times else [])]
    texts = {"ucid": 21, "dispvdn": number, "eqloc": 10, "firstvdn": number, "origlogid": login, "anslogid": login, "lastobserver": login}
    texts |= {"dialednumber": 25, "callingparty": party, "collectdigits": 17, "cwcdigits": 17, "callingII": 3}
    texts |= {f"cwcs{at}": 17 for at in range(5)} | {f"vdn{at}": number for at in range(2, vdns)} | ({"asaiuui": 97} if vdns else {})
    return (
        {name: "<i4" for name in ("callid", "acwtime", "onholdtime", "consulttime", "disptime", "duration", *times)}
        | {name: "<i2" for name in shorts}
        | {"flags": "u1"}
        | {name: "u1" for name in _BYTES}
        | {name: f"S{length}" for name, length in texts.items()}
        | {name: "u1" for name in tail}
    )


_OLD = ("segstart", "segstop", "talktime", "netintime", "origholdtime")
_NEW = (*_STAMPS, *_OLD[2:], "queuetime", "ringtime")
_SKILLS = ("interruptdel", "agentsurplus", "agentskilllevel", "prefskilllevel")
_ICR = ("icrresent", "icrpullreason")
#: Layouts by the version that the header names; the standard record of releases 12 to 14 is that of 11.
_LAYOUTS = {
    11: _layout(times=_OLD, vdns=0),
    12: _layout(times=(*_OLD, "queuetime", "ringtime"), vdns=10),
    16: _layout(times=_NEW, vdns=10, wide=True, tail=_SKILLS),
    163: _layout(times=_NEW, vdns=10, wide=True, tail=(*_SKILLS, *_ICR)),
    170: _layout(times=(*_NEW, "orig_attrib", "ans_attrib", "obs_attrib"), vdns=10, wide=True, tail=(*_SKILLS, *_ICR)),
}
_TYPES = {version: np.dtype(list(layout.items())) for version, layout in _LAYOUTS.items()}
#: Columns of the text form: the same fields, each flag on its own.
_COLUMNS = {
    version: tuple(each for name in layout for each in (_FLAGS if name == "flags" else (name,))) for version, layout in _LAYOUTS.items()
}
_BY_WIDTH = {len(columns): version for version, columns in _COLUMNS.items()}
LENGTHS = ("acwtime", "onholdtime", "disptime", "duration", "talktime", "queuetime", "ringtime")
_NUMBERS = ("callid", *LENGTHS, *_STAMPS, "dispsplit", "split1", "acdnum", "calldisp", "segment", "agentreleased", "daqueued")
_TEXTS = ("ucid", "dispvdn", "firstvdn", "anslogid", "dialednumber", "callingparty")
_STAMP = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}"


@dataclass
class Segments:
    """Records of one source, by column; ``raw`` gives the text of some rows.

    Examples
    --------
    >>> Segments({}, {}, np.array([1]), lambda rows: []).line.tolist()
    [1]
    """

    numbers: dict[str, np.ndarray]
    texts: dict[str, pd.Series]
    line: np.ndarray
    raw: Callable[[np.ndarray], list[str]]


def looks_like(head: bytes) -> bool:
    r"""Whether the first record makes sense in one of the layouts, binary or text.

    Examples
    --------
    >>> looks_like(b"9001,13,0,0,35,120,2024-03-01 08:01:00,2024-03-01 08:03:13,85" + b",0" * 57)
    False
    >>> looks_like(b"9001,13,0,0,35,120,2024-03-01 08:01:00,2024-03-01 08:03:13,85" + b",0" * 56)
    True
    """
    if b"\0" in head[:64]:
        if not 0 < int.from_bytes(head[:4], "little") < 1000:
            return False
        version, right = _guess(head)
        return right > 0 and bool(_right(_records(head, version)[:1]).all())
    first = head.lstrip(b"\r\n").split(b"\n", 1)[0].rstrip(b"\r").decode("latin-1")
    fields = first.split(",")
    if len(fields) - (fields[-1] == "") not in _BY_WIDTH and len(fields) not in _BY_WIDTH:
        return False
    return re.match(rf"(-?[0-9]+,){{6}}({_STAMP},){{2}}", first) is not None


def _records(data: Any, version: int) -> np.ndarray:
    """The whole records, where they lie."""
    kind = _TYPES[version]
    return np.frombuffer(data, kind, count=max(len(data) - _HEADER, 0) // kind.itemsize, offset=min(_HEADER, len(data)))


def _right(records: np.ndarray) -> np.ndarray:
    """Whether times, disposition and UCID of each record are as they should be."""
    start, stop, disposition = records["segstart"], records["segstop"], records["calldisp"]
    ucid = np.ascontiguousarray(records["ucid"]).view("u1").reshape(len(records), 21)
    digits = ((ucid >= ord("0")) & (ucid <= ord("9"))).sum(axis=1)
    whole = ((digits == 20) | (digits == 0)) & (digits + (ucid == 0).sum(axis=1) == 21)
    return (start > 0) & (start <= stop) & (disposition >= 1) & (disposition <= 7) & whole


def _guess(data: Any) -> tuple[int, int]:
    """The layout that makes sense of most of the first 200 records, and of how many; the header's where none does.

    Where several are as good, it is the one whose records fill the file, then the longest.
    """
    found = {version: int(_right(_records(data, version)[:200]).sum()) for version in _LAYOUTS}
    ranks = {version: (right, (len(data) - _HEADER) % _TYPES[version].itemsize == 0, version) for version, right in found.items()}
    best = max(ranks, key=ranks.__getitem__)
    named = int.from_bytes(bytes(data[:4]), "little")
    return (best, found[best]) if found[best] else (named if named in _LAYOUTS else 0, 0)


def read_binary(name: str, data: Any, account: Account) -> Segments:
    r"""Segments of a binary file; a record that is cut is rejected.

    The layout is the one that makes sense of most records, whatever version the header names.

    Examples
    --------
    >>> from ccstats.readers.contract import Options
    >>> len(read_binary("chr0001", b"\x0c\0\0\0\x01\0\0\0", Account(Options())).line)
    0
    """
    version, _ = _guess(data)
    if len(data) < _HEADER or (not version and len(data) > _HEADER):
        raise FormatError(
            f"{name} is no call history that is known here: no record makes sense at a length of "
            f"{', '.join(str(kind.itemsize) for kind in _TYPES.values())} bytes; copy the file again in binary mode, or export it as text"
        )
    version = version or max(_LAYOUTS)
    records, size = _records(data, version), _TYPES[version].itemsize
    rest = (len(data) - _HEADER) % size
    if rest:
        account.note("the file ends within a record: it is cut", 1)
        cut = bytes(data[len(data) - rest :]).hex()
        account.reject(name, [len(records) + 1], f"record is cut: {rest} of {size} bytes", texts=[cut] if account.keeps_text else ())
    layout = _LAYOUTS[version]
    numbers = {each: records[each].astype("int64") for each in _NUMBERS if each in layout}
    numbers["daqueued"] = (records["flags"] >> _FLAGS.index("daqueued") & 1).astype("int64")
    texts = {each: _strings(records[each]) for each in _TEXTS}
    return Segments(numbers, texts, np.arange(1, len(records) + 1), lambda rows: [records[row].tobytes().hex() for row in rows])


def _strings(values: np.ndarray) -> pd.Series:
    """Text up to the first zero byte."""
    found = pa.array(np.ascontiguousarray(values)).cast(pa.large_binary())
    try:
        text = found.cast(pa.large_string())
    except pa.ArrowInvalid:  # not UTF-8
        text = pa.array([_decode(value) for value in found.to_pylist()], pa.large_string())
    return pc.utf8_trim_whitespace(text).to_pandas().astype("str")


def _decode(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def read_text(name: str, data: Any, account: Account) -> Segments:
    r"""Segments of a text file; lines of another width than most are rejected.

    Examples
    --------
    >>> from ccstats.readers.contract import Options
    >>> line = b"1,13,0,0,35,120,2024-03-01 08:01:00,2024-03-01 08:03:13,85" + b",0" * 23 + b",2" + b",0" * 32
    >>> segments = read_text("chr", line + b"\n", Account(Options()))
    >>> int(segments.numbers["calldisp"][0]), int(segments.numbers["segstart"][0])
    (2, 1709280060)
    """
    lines, line, raw = _lines(name, data, account)
    width = np.asarray(pc.count_substring(lines, ",")) + 1
    # A line may end with a comma, which is no field.
    comma = np.asarray(pc.ends_with(lines, ",")) & np.isin(width - 1, list(_BY_WIDTH))
    lines, width = pc.if_else(pa.array(comma), pc.utf8_slice_codeunits(lines, 0, -1), lines), width - comma
    known = width[np.isin(width, list(_BY_WIDTH))]
    most = int(np.bincount(known).argmax()) if len(known) else max(_BY_WIDTH)
    for many in np.unique(width[width != most]):
        rows = line[width == many]
        account.reject(name, rows, f"{many} fields instead of {most}", texts=raw(rows) if account.keeps_text else ())
    rows = line[width == most]
    fields = _fields(lines.filter(pa.array(width == most)), most, _COLUMNS[_BY_WIDTH[most]])
    columns = {each: pc.utf8_trim_whitespace(values) for each, values in fields.items()}
    numbers = {each: _whole(columns[each], each in _STAMPS) for each in _NUMBERS if each in columns}
    open_ = np.ones(len(rows), dtype=bool)
    for each, values in numbers.items():
        bad = open_ & np.isnan(values)
        reason = f"{each} is no {'time' if each in _STAMPS else 'whole number'}"
        account.reject(name, rows[bad], reason, texts=raw(rows[bad]) if account.keeps_text else ())
        open_ &= ~bad
    numbers = {each: values[open_].astype("int64") for each, values in numbers.items()}
    texts = {each: columns[each].filter(pa.array(open_)).to_pandas().astype("str") for each in _TEXTS}
    kept = rows[open_]
    return Segments(numbers, texts, kept, lambda rows: raw(kept[rows]))


def _lines(name: str, data: Any, account: Account) -> tuple[pa.Array, np.ndarray, Callable[[np.ndarray], list[str]]]:
    """Lines that are not blank, without their ends; their numbers; and a way to the text of some numbers."""
    buffer = np.frombuffer(data, dtype="u1")

    def array(offsets: np.ndarray) -> pa.Array:
        parts = [None, pa.py_buffer(offsets), pa.py_buffer(buffer)]
        return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(offsets) - 1, parts)

    try:
        array(np.array([0, len(buffer)])).cast(pa.large_string())
    except pa.ArrowInvalid:
        account.note("text is not UTF-8: read as Latin-1", 1)
        buffer = np.frombuffer(buffer.tobytes().decode("latin-1").encode(), dtype="u1")
    offsets = np.concatenate([[0], np.flatnonzero(buffer == ord("\n")) + 1])
    if offsets[-1] != len(buffer):
        account.note("the last line has no line end: it may be cut", 1)
        offsets = np.append(offsets, len(buffer))
    first, length = buffer[offsets[:-1]], np.diff(offsets)
    line = np.flatnonzero((length > 2) | ((first != ord("\r")) & (first != ord("\n"))))
    lines = pc.utf8_rtrim(array(offsets).take(pa.array(line)).cast(pa.large_string()), characters="\r\n")
    full = np.asarray(pc.not_equal(pc.utf8_trim_whitespace(lines), "")).astype(bool)
    lines, line = lines.filter(pa.array(full)), line[full]
    account.count(name, "ignored", "blank", len(offsets) - 1 - len(line))

    def raw(numbers: np.ndarray) -> list[str]:
        return [buffer[offsets[at - 1] : offsets[at]].tobytes().decode().rstrip("\r\n") for at in numbers]

    return lines, line + 1, raw


def _fields(lines: pa.Array, many: int, names: Sequence[str]) -> dict[str, pa.Array]:
    """The columns that are used, of lines that all have so many fields."""
    place = {each: at for at, each in enumerate(names) if each in _NUMBERS or each in _TEXTS}
    end, nothing = (pa.scalar(each, pa.large_string()) for each in ("\n", ""))
    buffer = pc.binary_join_element_wise(lines, end, nothing).buffers()[2]
    if len(lines) and b"\r" not in memoryview(buffer).tobytes():
        wanted = [str(at) for at in place.values()]
        try:
            table = csv.read_csv(
                pa.BufferReader(buffer),
                read_options=csv.ReadOptions(column_names=[str(at) for at in range(many)]),
                parse_options=csv.ParseOptions(quote_char=False),
                convert_options=csv.ConvertOptions(
                    include_columns=wanted, column_types=dict.fromkeys(wanted, pa.large_string()), strings_can_be_null=False
                ),
            )
        except pa.ArrowInvalid:  # a line that is too long for it
            pass
        else:
            return {each: table[str(at)].combine_chunks() for each, at in place.items()}
    fields = pc.split_pattern(lines, ",").flatten()
    return {each: fields[at::many] for each, at in place.items()}


def _whole(values: pa.Array, stamp: bool) -> np.ndarray:
    """Whole numbers; times as seconds since 1970 on the clock they are written in."""
    found = _at_once(values, stamp)
    if found is not None:
        return found
    fits = pc.match_substring_regex(values, f"^{_STAMP}$" if stamp else "^-?[0-9]{1,10}$")
    kept = pc.if_else(fits, values, None)
    if not stamp:
        return kept.cast("float64").to_numpy(zero_copy_only=False)
    at = pd.to_datetime(kept.to_pandas(), format="%Y-%m-%d %H:%M:%S", errors="coerce").astype("datetime64[s]")
    return np.where(at.isna(), np.nan, at.to_numpy().astype("int64").astype("float64"))


def _at_once(values: pa.Array, stamp: bool) -> np.ndarray | None:
    """The same by PyArrow, if it reads all of them: it takes hexadecimal numbers too, longer ones, and other ways to write a time."""
    shortest, longest = pc.min_max(pc.binary_length(values)).as_py().values()
    if longest is None or longest > (19 if stamp else 10) or (stamp and shortest < 19):
        return None
    if any(sign in (values.buffers()[2] or pa.py_buffer(b"")).to_pybytes() for sign in b"TtXx"):
        return None
    try:
        whole = (values.cast(pa.timestamp("s")) if stamp else values).cast("int64").cast("float64").to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    return whole if not stamp or whole.min() >= 0 else None
