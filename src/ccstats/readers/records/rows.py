"""The rows of one file of records on their way: found columns, typed values, and a reason for each row that is closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, ZoneError, did_you_mean
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Options
from ccstats.readers.instants import to_instants
from ccstats.readers.tabular import Grid, Layout
from ccstats.readers.values import Parsed, to_counts, to_numbers, to_seconds, to_text
from ccstats.schema import Table
from ccstats.schema.table import Column

__all__ = ["Asked", "Rows"]

#: Words of a yes and of a no, in the languages of our reports.
_YES = ("true", "yes", "y", "1", "ja", "j", "evet", "sí", "si")
_NO = ("false", "no", "n", "0", "nein", "hayır", "hayir")
#: A day or a month without a time: what is meant is its start, or for the last day of something its end.
_DATE, _MONTH = r"\d{4}-\d{2}-\d{2}", r"\d{4}-\d{2}"
#: Of a key in the account of rejected lines at most this much is shown. [characters]
_SHOWN = 60


@dataclass(frozen=True)
class Asked:
    """What the caller of a reader of records asked for, already checked.

    Examples
    --------
    >>> Asked().times
    'iso'
    """

    options: Options = field(default_factory=Options)
    columns: Mapping[str, str] = field(default_factory=dict)
    keep: tuple[str, ...] = ()
    times: str = "iso"
    layout: Layout = field(default_factory=Layout)
    scales: Mapping[str, tuple[float, float, str]] = field(default_factory=dict)


class Rows:
    """One file's rows; each is open until one reason closes it.

    Parameters
    ----------
    grid : Grid
        The file as it was found.
    table : Table
        What it is to become.
    asked : Asked
        How.
    account : Account
        Where closed rows are booked.
    besides : tuple of str
        Columns understood besides the table's own.

    Raises
    ------
    ColumnError
        If two columns of the file answer to one name, or ``columns`` and ``keep`` name what is not there.

    Examples
    --------
    >>> from ccstats.schema.records import COMPLAINTS
    >>> grid = Grid("a.csv", ["Complaint_ID"], {"Complaint_ID": pd.Series(["C1"])}, np.array([2]), np.array([1]))
    >>> Rows(grid, COMPLAINTS, Asked(), Account(Options(), keyed=True)).text("complaint_id").tolist()
    ['C1']
    """

    def __init__(self, grid: Grid, table: Table, asked: Asked, account: Account, besides: tuple[str, ...] = ()) -> None:
        self.grid, self.table, self.asked, self.account = grid, table, asked, account
        self.open = np.ones(len(grid.line), dtype=bool)
        self.theirs = self._found([*table.names(), *besides])
        self._keys: pd.Series | None = None

    def _found(self, ours: list[str]) -> dict[str, str]:
        """Their name of each of our columns that the file has."""
        grid, asked, problems = self.grid, self.asked, []
        folded: dict[str, list[str]] = {}
        for name in dict.fromkeys(grid.header):
            folded.setdefault(name.casefold(), []).append(name)
        theirs = {name: folded[name][0] for name in ours if name in folded}
        for name, named in asked.columns.items():
            if name not in ours:
                problems.append(f"columns: {self.table.name} has no column {name!r}; it has: {', '.join(ours)}.{did_you_mean(name, ours)}")
            elif named not in grid.columns:
                problems.append(f"columns: {grid.name} has no column {named!r}.{did_you_mean(named, grid.header)}")
            else:
                theirs = {each: where for each, where in theirs.items() if where != named} | {name: named}
        for name in asked.keep:
            if name not in grid.columns:
                problems.append(f"keep: {grid.name} has no column {name!r}.{did_you_mean(name, grid.header)}")
            elif name in ours:
                problems.append(f"keep: {name!r} is a column of {self.table.name} already")
        for name, where in theirs.items():
            if where in grid.repeated or (name not in asked.columns and len(folded[name]) > 1):
                problems.append(f"{grid.name} has several columns {where!r}; rename all but one, or say which by columns={{{name!r}: …}}")
        if problems:
            raise ColumnError(_together(f"the columns of {grid.name} do not fit", problems, grid.header))
        return theirs

    def need(self, *names: str) -> None:
        """Raise one `ColumnError` that lists all of these columns that are not there."""
        missing = [name for name in names if name not in self.theirs]
        if missing:
            near = {name: did_you_mean(name, self.grid.header) for name in missing}
            told = [f"no column {name!r} ({self.table[name].meaning}).{near[name]}" for name in missing]
            hint = f"{self.grid.name} lacks columns of {self.table.name}; if one is called otherwise, say columns={{{missing[0]!r}: …}}"
            raise ColumnError(_together(hint, told, self.grid.header))

    def close(self, mask: np.ndarray | pd.Series, reason: str) -> None:
        """Reject the open rows of ``mask``."""
        hit = np.asarray(mask, dtype=bool) & self.open
        if not hit.any():
            return
        texts = self.texts(np.flatnonzero(hit)) if self.account.keeps_text else ()
        weight = int(self.grid.weight[hit].sum())
        self.account.reject(self.grid.name, self.grid.line[hit], reason, texts=texts, weight=weight, keys=self.keys()[hit])
        self.open &= ~hit

    def ignore(self, mask: np.ndarray, rule: str) -> None:
        """Ignore the open rows of ``mask`` by a rule."""
        hit = mask & self.open
        self.account.count(self.grid.name, "ignored", rule, int(self.grid.weight[hit].sum()))
        self.open &= ~hit

    def keys(self) -> pd.Series:
        """The key of every row as it was written, for the account of rejected lines."""
        if self._keys is None:
            parts = [name + "=" + self.text(name).fillna("").str.slice(0, _SHOWN) for name in self.table.key if name in self.theirs]
            joined = parts[0] if parts else pd.Series([""] * len(self.open), dtype="str")
            for part in parts[1:]:
                joined = joined + ", " + part
            self._keys = joined.astype("str")
        return self._keys

    def texts(self, rows: np.ndarray) -> list[str]:
        """The rows' cells as one text each."""
        columns = [to_text(self.grid.columns[name].iloc[rows]).fillna("") for name in self.grid.columns]
        return [" | ".join(cells) for cells in zip(*columns, strict=True)]

    def text(self, ours: str) -> pd.Series:
        """A column as text; all missing where the file has no such column."""
        if ours not in self.theirs:
            return pd.Series([None] * len(self.open), dtype="str")
        return to_text(self.grid.columns[self.theirs[ours]], self.asked.layout.missing)

    def numbers(self, ours: str) -> pd.Series:
        """A column of finite numbers; rows with anything else are closed."""
        if ours not in self.theirs:
            return pd.Series(np.full(len(self.open), np.nan))
        layout = self.asked.layout
        parsed = to_numbers(
            self.grid.columns[self.theirs[ours]], missing=layout.missing, decimal=layout.decimal, thousands=layout.thousands
        )
        return self._sound(parsed, f"{ours} is no number")

    def flags(self, ours: str) -> pd.Series:
        """A column of yes and no, missing where blank; rows with anything else are closed."""
        text = self.text(ours).str.casefold()
        yes, no = text.isin(_YES), text.isin(_NO)
        self.close(text.notna() & ~yes & ~no, f"{ours} is neither yes nor no")
        return yes.astype("boolean").where(yes | no)

    def instants(self, ours: str, *, end: bool = False) -> pd.Series:
        """A column of instants in UTC; a bare date is the start of that day (with ``end=True`` its end), a bare month its first day."""
        asked, options = self.asked, self.asked.options
        if ours not in self.theirs:
            return pd.Series(pd.DatetimeIndex([None] * len(self.open), dtype="datetime64[us, UTC]"))
        column = self.grid.columns[self.theirs[ours]]
        if not isinstance(column.dtype, pd.DatetimeTZDtype) and not pd.api.types.is_datetime64_dtype(column.dtype):
            column = _with_times(to_text(column, asked.layout.missing), end)
        words = {"missing": asked.layout.missing, "decimal": asked.layout.decimal}
        at, bad = to_instants(column, asked.times, timezone=options.timezone or "UTC", **words)  # type: ignore[arg-type]
        self.close(bad, f"{ours} is no instant written as {asked.times}, or outside 1970 to 2200")
        if options.timezone is None:
            elsewhere, _ = to_instants(column, asked.times, timezone="Asia/Tokyo", **words)  # type: ignore[arg-type]
            naive = (at.utc != elsewhere.utc).to_numpy() & at.utc.notna().to_numpy()
            if naive.any() and naive.sum() == at.utc.notna().sum():
                raise ZoneError(
                    f"{self.grid.name}, line {self.grid.line[naive][0]}: the times of {ours} have no zone of their own; "
                    "say where the clock stood, for example timezone='Europe/Istanbul'"
                )
            self.close(naive, f"{ours} has no zone, and none was given by timezone=")
        self.account.note(f"{ours}: local time that the clock showed twice: the first is taken", int((at.twice & self.open).sum()))
        self.account.note(f"{ours}: local time that the clock never showed: moved on", int((at.never & self.open).sum()))
        return at.utc.astype("datetime64[us, UTC]")

    def words(self, ours: str, vocabulary: tuple[str, ...]) -> pd.Series:
        """A column of words; with a closed vocabulary, rows with others are closed."""
        text = self.text(ours)
        if not vocabulary:
            return text
        known = {word.casefold(): word for word in vocabulary}
        mapped = text.str.casefold().map(known).astype("str")
        self.close(text.notna() & mapped.isna(), f"{ours} is none of {', '.join(vocabulary)}")
        return mapped

    def column(self, column: Column) -> pd.Series:
        """A column by its kind; rows where it may not be missing but is are closed."""
        name, kind = column.name, column.kind
        if kind in ("instant", "period"):
            values = self.instants(name, end=name == "left_at")
        elif kind == "seconds":
            values = self._seconds(name)
        elif kind in ("count", "maybe_count"):
            known = name in self.theirs
            parsed = to_counts(self.grid.columns[self.theirs[name]], missing=self.asked.layout.missing) if known else None
            values = self._sound(parsed, f"{name} is no whole number") if parsed else pd.Series([None] * len(self.open), dtype="Int64")
        elif kind == "number":
            values = self.numbers(name)
        elif kind == "flag":
            values = self.flags(name)
        else:
            values = self.words(name, column.vocabulary)
        if not column.nullable:
            self.close(values.isna(), f"{name} is blank")
        return values

    def columns(self, skip: tuple[str, ...] = ()) -> dict[str, pd.Series]:
        """All of the table's columns that the file has or that must be there, and those kept besides."""
        out = {
            column.name: self.column(column)
            for column in self.table.columns
            if column.name not in skip and (column.required or column.name in self.theirs)
        }
        taken = {*self.theirs.values(), *self.asked.keep}
        for name in self.grid.columns:
            if name not in taken:
                self.account.note(f"column {name[:_SHOWN]!r} is none of {self.table.name}: left out", len(self.open))
        for name in self.asked.keep:
            out[name] = to_text(self.grid.columns[name], self.asked.layout.missing)
        return out

    def _seconds(self, name: str) -> pd.Series:
        layout = self.asked.layout
        if name not in self.theirs:
            return pd.Series(np.full(len(self.open), np.nan))
        parsed = to_seconds(
            self.grid.columns[self.theirs[name]], "s", missing=layout.missing, decimal=layout.decimal, thousands=layout.thousands
        )
        return self._sound(parsed, f"{name} is no number of seconds, or negative, or above a year")

    def _sound(self, parsed: Parsed, reason: str) -> pd.Series:
        self.close(parsed.bad, reason)
        return parsed.values


def _together(what: str, problems: list[str], header: list[str]) -> str:
    return f"{what}:\n  - " + "\n  - ".join(problems) + f"\nColumns found: {', '.join(map(repr, header))}"


def _with_times(text: pd.Series, end: bool) -> pd.Series:
    day, month = text.str.fullmatch(_DATE, na=False), text.str.fullmatch(_MONTH, na=False)
    text = text.mask(month, text + "-01 00:00")
    if end and day.any():
        following = pd.to_datetime(text.where(day), format="%Y-%m-%d", errors="coerce") + pd.Timedelta(days=1)
        return text.mask(day & following.notna(), following.dt.strftime("%Y-%m-%d") + " 00:00")
    return text.mask(day, text + " 00:00")
