"""Records of a JSON text, one at a time: JSON lines, arrays, objects written one after the other, or a list wrapped in an object."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ccstats.errors import FormatError
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Source

__all__ = ["MAX_RECORD", "JsonRecords", "JsonShape", "Record", "clean_text", "starts_as_json"]

#: A record is not longer than this; a longer one is rejected. [characters]
MAX_RECORD = 8 * 2**20
#: Text that may be scanned in vain besides twice the text itself, before a source is given up. [characters]
MAX_WASTE = 64 * 2**20

# A window is small, because every error of the parser counts the lines before it.
_CHUNK = 2**16
_HEAD = 2**14
_SHOWN = 1000
_BETWEEN = r"[\s,\x1e\[\]]*"
_BLANK = re.compile(r"[ \t\n\r]*")
_ENDING = re.compile(r"[\w+.\\-]{0,6}\s*")
_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonShape(NamedTuple):
    """What a format's records look like from outside.

    ``keys`` are keys that a record may begin with and nothing inside a record does: after a broken record, reading goes on where an
    object begins with one of them. ``within`` are keys of objects that wrap a list of records.

    Examples
    --------
    >>> JsonShape(("id",), ("records",)).within
    ('records',)
    """

    keys: tuple[str, ...]
    within: tuple[str, ...] = ()

    @property
    def start(self) -> re.Pattern[str]:
        """Where a record begins."""
        return re.compile(r'\{\s{0,200}"(?:' + "|".join(map(re.escape, self.keys)) + r')"\s{0,200}:')


class Record(NamedTuple):
    """One record: its number in the source from 1, its content, and its text where the caller keeps it.

    Examples
    --------
    >>> Record(1, {"id": "7"}, "").number
    1
    """

    number: int
    value: dict[str, Any]
    text: str


class _Broken(Exception):
    """No record stands here."""


def clean_text(text: str) -> str:
    r"""Text without lone surrogates: bytes that were not UTF-8 are read as Windows-1252, half characters become a replacement mark.

    Examples
    --------
    >>> clean_text(b"Ren\xe9e".decode("utf-8", "surrogateescape"))
    'Renée'
    """
    if text.isascii():
        return text
    return _SURROGATE.sub(
        lambda hit: bytes([ord(hit[0]) - 0xDC00]).decode("cp1252", "replace") if "\udc80" <= hit[0] <= "\udcff" else "�", text
    )


def starts_as_json(head: bytes) -> bool:
    """Whether a text begins with an object or an array.

    Examples
    --------
    >>> starts_as_json(b' [{"id": 7}]'), starts_as_json(b"id,name")
    (True, False)
    """
    return head.lstrip(b" \t\r\n\x1e")[:1] in (b"{", b"[")


class JsonRecords:
    """The records of one source in order; what is no record is rejected on the way, each piece up to where the next record begins.

    The text is read in pieces, so that memory is bounded by the longest record and not by the file. Rejections are booked when all
    records were given out.

    Parameters
    ----------
    source : Source
        A JSON text in UTF-8.
    shape : JsonShape
        How records begin and what wraps them.
    account : Account
        Where rejected records are booked.

    Raises
    ------
    FormatError
        If the source is a frame, or, on the way, so broken that reading it would take too long.

    Examples
    --------
    >>> from ccstats.readers.contract import Options
    >>> account = Account(Options())
    >>> found = JsonRecords(Source("a.json", b'{"id": 1}{"id": 2}{"id": '), JsonShape(("id",)), account)
    >>> [record.value["id"] for record in found]
    [1, 2]
    >>> account.tables()[0]["reason"].tolist()
    ['cut: the text ends before the record does']
    """

    # The window: ``text`` from ``at`` is not yet read; ``taken`` bytes of the source went into it.

    def __init__(self, source: Source, shape: JsonShape, account: Account) -> None:
        if source.frame is not None:
            raise FormatError(f"{source.name}: JSON records are read from files; read a frame with format='mapped' and a mapping")
        self.name, self.data, self.shape, self.account = source.name, memoryview(source.data), shape, account
        self.start = shape.start
        self.following = re.compile(f"({_BETWEEN})({self.start.pattern})?")
        self.decoder = json.JSONDecoder(parse_constant=_refuse)
        self.bytes = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.taken = self.at = self.number = self.wasted = 0
        self.arrays = self.wrappers = 0
        self.text = ""
        self.bad: dict[str, tuple[list[int], list[str]]] = {}

    def reject(self, record: Record, reason: str) -> None:
        """Set aside a record that was given out."""
        self._reject(record.number, reason, record.text)

    def _reject(self, number: int, reason: str, text: str) -> None:
        numbers, texts = self.bad.setdefault(reason, ([], []))
        numbers.append(number)
        if self.account.keeps_text:
            texts.append(text)

    @property
    def _whole(self) -> bool:
        """Whether the window reaches the end."""
        return self.taken >= len(self.data)

    def _grow(self, ahead: int) -> None:
        """Have ``ahead`` characters before us, if there are so many."""
        if len(self.text) - self.at >= ahead or self._whole:
            return
        parts = [self.text[self.at :]]
        there = len(parts[0])
        while there < ahead and not self._whole:
            upto = min(len(self.data), self.taken + _CHUNK)
            parts.append(self.bytes.decode(bytes(self.data[self.taken : upto]), final=upto == len(self.data)))
            there, self.taken = there + len(parts[-1]), upto
        self.text, self.at = "".join(parts), 0

    def __iter__(self) -> Iterator[Record]:
        while self._to_content():
            self.number += 1
            try:
                value, text = self._value()
            except _Broken as problem:
                self._break_off(str(problem))
            else:
                yield Record(self.number, value, text)
        if self.arrays > 0 or self.wrappers > 0:
            self.account.note("the text ends inside a list: it may be cut", 1)
        for reason, (numbers, texts) in self.bad.items():
            self.account.reject(self.name, numbers, reason, texts=texts)

    def _to_content(self) -> bool:
        """Go over what stands between records; whether there is anything behind it."""
        while True:
            if len(self.text) - self.at < _HEAD:
                self._grow(_HEAD)
            between, begins = self.following.match(self.text, self.at).groups()  # type: ignore[union-attr]
            if not between.isspace():
                self.arrays = max(0, self.arrays + between.count("[") - between.count("]"))
            self.at += len(between)
            if begins is not None:
                return True
            sign = self.text[self.at : self.at + 1]
            if not sign:
                if self._whole:
                    return False
            elif sign == "}" and self.wrappers > 0:
                self.wrappers, self.at = self.wrappers - 1, self.at + 1
            elif sign == "{" and self.shape.within and (inside := self._inside(self.at + 1)):
                self.wrappers, self.arrays, self.at = self.wrappers + 1, self.arrays + 1, inside
            elif sign == '"' and self.wrappers > 0 and (after := self._pair(self.at)):
                self.at = after
            else:
                return True

    def _inside(self, at: int) -> int:
        """Where the list of records begins in an object that wraps one; 0 if this is none."""
        while True:
            at = _skip(self.text, at)
            try:
                key, at = self.decoder.raw_decode(self.text, at)
            except (ValueError, RecursionError):
                return 0
            at = _skip(self.text, at)
            if not isinstance(key, str) or self.text[at : at + 1] != ":":
                return 0
            at = _skip(self.text, at + 1)
            if key in self.shape.within and self.text[at : at + 1] == "[":
                return at + 1
            after = self._skip_value(at)
            if not after or self.text[after : after + 1] != ",":
                return 0
            at = after + 1

    def _pair(self, at: int) -> int:
        """Where a key and its value end that follow the list in a wrapping object; 0 if there is none."""
        try:
            _, at = self.decoder.raw_decode(self.text, at)
        except (ValueError, RecursionError):
            return 0
        at = _skip(self.text, at)
        if self.text[at : at + 1] != ":":
            return 0
        at = _skip(self.text, at + 1)
        if self.text[at : at + 1] == "[" and self.start.match(self.text, _skip(self.text, at + 1)):
            self.arrays += 1
            return at + 1
        return self._skip_value(at)

    def _skip_value(self, at: int) -> int:
        try:
            _, after = self.decoder.raw_decode(self.text, at)
        except (ValueError, RecursionError):
            self._waste(len(self.text) - at)
            return 0
        return _skip(self.text, after)

    def _value(self) -> tuple[dict[str, Any], str]:
        """The object that begins here, and its text where it is kept; the window grows as long as its end may lie behind it."""
        if self.text[self.at] != "{":
            raise _Broken("no JSON object")
        ahead = _CHUNK
        while True:
            try:
                value, end = self.decoder.raw_decode(self.text, self.at)
            except RecursionError:
                self._waste(_HEAD)
                raise _Broken("nested too deeply") from None
            except ValueError as error:
                ahead = self._ahead_after(error, ahead)
                self._grow(ahead)
                continue
            if end - self.at > MAX_RECORD:
                raise _Broken(f"longer than {MAX_RECORD:,} characters")
            start, self.at = self.at, end
            return value, clean_text(self.text[start:end]) if self.account.keeps_text else ""

    def _ahead_after(self, error: ValueError, ahead: int) -> int:
        """How much to look ahead after a failure that the end of the window may have caused; otherwise the record is broken."""
        there = len(self.text)
        if not isinstance(error, json.JSONDecodeError):
            raise _Broken("a number that JSON does not have, or one too long")
        at_end = error.pos >= there - 16 or error.msg.startswith("Unterminated string")
        self._waste(max(_SHOWN // 4, (there if at_end else error.pos) - self.at))
        if at_end and there - self.at > MAX_RECORD:
            raise _Broken(f"longer than {MAX_RECORD:,} characters")
        if at_end and self._whole and (error.msg.startswith("Unterminated") or _ENDING.fullmatch(self.text, error.pos)):
            raise _Broken("cut: the text ends before the record does")
        if not at_end or self._whole:
            raise _Broken("broken JSON")
        return max(ahead, min(2 * (there - self.at), MAX_RECORD + _CHUNK))

    def _waste(self, characters: int) -> None:
        self.wasted += characters
        if self.wasted > MAX_WASTE + 2 * len(self.data):
            raise FormatError(f"{self.name} holds too much broken JSON to be read ({self.number:,} records so far); export it again")

    def _break_off(self, problem: str) -> None:
        """Reject what stands here, up to where the next record begins."""
        shown = self.text[self.at : self.at + _SHOWN]
        self.at += 1
        while True:
            found = self.start.search(self.text, self.at)
            if found:
                self.at = found.start()
                break
            if self._whole:
                self.at = len(self.text)
                break
            # the beginning of a record may stand half in the window
            self.at = max(self.at, len(self.text) - 2 * _SHOWN)
            self._grow(len(self.text) - self.at + _CHUNK)
        self._reject(self.number, problem, clean_text(shown) if self.account.keeps_text else "")


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _refuse(word: str) -> None:
    raise ValueError(word)
