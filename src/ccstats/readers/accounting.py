"""The account of lines: every line is used, ignored by a rule, or rejected with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ccstats.readers.contract import Options

__all__ = ["Account"]


class Account:
    """Collects what became of each line while a reader reads, and makes the tables of a `Log` out of it.

    Parameters
    ----------
    options : Options
        Says whether the first bad line stops the reading and whether its text is kept.
    keyed : bool
        Whether rejected lines are told by their key as well, in a column ``key`` (missing where it could not be read).
    unit : str
        What is counted where it is not lines, for error texts.

    Examples
    --------
    >>> account = Account(Options())
    >>> account.count("a.log", "used", "line", 2)
    >>> account.reject("a.log", [3], "no date")
    >>> account.tables()[1].to_dict("list")
    {'source': ['a.log', 'a.log'], 'fate': ['used', 'rejected'], 'rule': ['line', 'no date'], 'lines': [2, 1]}
    """

    def __init__(self, options: Options, *, keyed: bool = False, unit: str = "line") -> None:
        self._options, self._keyed, self.unit = options, keyed, unit
        self.keeps_text = options.keep_text
        self._lines: dict[tuple[str, str, str], int] = {}
        self._rejected: list[pd.DataFrame] = []
        self._notes: dict[str, int] = {}
        self._keeps_zeros = False

    def of_piece(self) -> Account:
        """An account like this one for a piece of a table, that may be kept beside those of other pieces until they are taken up.

        Examples
        --------
        >>> account = Account(Options())
        >>> pieces = [account.of_piece(), account.of_piece()]
        >>> pieces[1].note("late", 2)
        >>> account.take_up(pieces)
        >>> account.tables()[2].to_dict("list")
        {'note': ['late'], 'count': [2]}
        """
        piece = Account(self._options, keyed=self._keyed, unit=self.unit)
        piece._keeps_zeros = True
        return piece

    def take_up(self, pieces: Sequence[Account]) -> None:
        """Book what the accounts of a table's pieces hold, in the order in which it would have come without pieces."""
        for piece in pieces:
            self._rejected += piece._rejected
        for source, fate, rule in dict.fromkeys(key for piece in pieces for key in piece._lines):
            self.count(source, fate, rule, sum(piece._lines.get((source, fate, rule), 0) for piece in pieces))
        for note in dict.fromkeys(note for piece in pieces for note in piece._notes):
            self.note(note, sum(piece._notes.get(note, 0) for piece in pieces))

    def count(self, source: str, fate: str, rule: str, lines: int) -> None:
        """Book lines as ``used`` or ``ignored``; zero lines leave no row."""
        if lines or self._keeps_zeros:
            key = (source, fate, rule)
            self._lines[key] = self._lines.get(key, 0) + int(lines)

    def reject(
        self,
        source: str,
        lines: Sequence[int] | np.ndarray,
        reason: str,
        *,
        texts: Iterable[str] = (),
        weight: int | None = None,
        keys: Iterable[str] | None = None,
    ) -> None:
        """Book lines as rejected for one reason; ``weight`` is how many lines they stand for where that is not one each."""
        if len(lines) == 0:
            self.count(source, "rejected", reason, 0)
            return
        rows = pd.DataFrame({"source": source, "line": np.asarray(lines, dtype="int64"), "reason": reason})
        if self._keyed:
            rows.insert(2, "key", pd.Series([None] * len(rows) if keys is None else list(keys), dtype="str"))
        if self._options.keep_text:
            rows["text"] = pd.Series(list(texts), dtype="str")
        self._rejected.append(rows)
        self.count(source, "rejected", reason, len(rows) if weight is None else weight)

    def note(self, note: str, count: int) -> None:
        """Count something repaired or assumed; zero leaves no row."""
        if count or self._keeps_zeros:
            self._notes[note] = self._notes.get(note, 0) + int(count)

    def tables(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """``rejected``, ``lines`` and ``notes`` of a `Log`; with ``on_error="raise"`` the first rejected line raises instead."""
        columns = {"source": "str", "line": "int64", **({"key": "str"} if self._keyed else {}), "reason": "str"}
        columns |= {"text": "str"} if self._options.keep_text else {}
        rejected = pd.DataFrame({name: pd.Series([], dtype=dtype) for name, dtype in columns.items()})
        if self._rejected:
            rejected = pd.concat(self._rejected, ignore_index=True).astype(columns)
            place = {name: at for at, name in enumerate(dict.fromkeys(rejected["source"]))}
            rejected = rejected.sort_values(["source", "line"], key=lambda s: s.map(place) if s.name == "source" else s, ignore_index=True)
            first = rejected.iloc[0]
            key = f" ({first['key']})" if self._keyed and pd.notna(first["key"]) else ""
            self._options.reject(first["source"], int(first["line"]), f"{first['reason']}{key}", unit=self.unit)
        lines = _table(("source", "fate", "rule"), self._lines, "lines")
        return rejected, lines, _table(("note",), {(note,): count for note, count in self._notes.items()}, "count")


def _table(words: tuple[str, ...], counts: Mapping[Any, int], named: str) -> pd.DataFrame:
    """What is counted under these words."""
    columns = {name: pd.Series([key[at] for key in counts], dtype="str") for at, name in enumerate(words)}
    return pd.DataFrame({**columns, named: np.fromiter(counts.values(), dtype="int64")})
