"""Rows of the interval tables of CMS: when each began, and what it counts in our words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError
from ccstats.readers.clock import localise
from ccstats.readers.contract import Options
from ccstats.readers.product_tables import Rows, folded
from ccstats.readers.values import to_numbers
from ccstats.readers.words import coded, each_word

__all__ = ["AGENT", "AGENT_KEY", "SPLIT", "WHEN", "WHERE_LOGGED", "agent_rows", "dates_of", "split_rows", "ways_of_dates"]

WHEN = ("ROW_DATE", "STARTTIME", "INTRVL")
SPLIT = (*WHEN, "SPLIT", "CALLSOFFERED", "ACDCALLS", "ABNCALLS")
AGENT = (*WHEN, "LOGID", "TI_STAFFTIME")
#: What of the key is optional: one ACD goes without saying, and an agent may change splits, phones, places and levels within an interval.
AGENT_KEY = ("_acd", "LOGID", "SPLIT", "EXTENSION", "LOC_ID", "RSV_LEVEL")
#: Ways out of CALLSOFFERED beside answered and abandoned: OTHERCALLS is their sum.
_OUT = ("BUSYCALLS", "DISCCALLS", "OUTFLOWCALLS", "DEQUECALLS")
_TOTALS = {
    "total_wait_s": "ANSTIME",
    "total_abandon_wait_s": "ABNTIME",
    "total_talk_s": "ACDTIME",
    "total_hold_s": "HOLDTIME",
    "total_wrap_s": "ACWTIME",
    "max_wait_s": "MAXOCWTIME",
}
WHERE_LOGGED = {"held": "HOLDCALLS", "transferred": "TRANSFERRED", "ring_attempts": "RINGCALLS", "ring_noanswer": "NOANSREDIR"}
#: Time of agents, clipped to the interval, by state. TI_ items are kept once an agent, I_ items in each split: all are added over splits.
_STATES = {
    "available": ("TI_AVAILTIME",),
    "reserved": ("I_RINGTIME",),
    "on_contact": ("I_ACDTIME", "I_DA_ACDTIME"),
    "wrap": ("I_ACWTIME", "I_DA_ACWTIME"),
    "pause": ("TI_AUXTIME",),
    "other": ("TI_OTHERTIME",),
}
#: Direct agent calls: a centre without them need not export their columns.
_DIRECT = ("I_DA_ACDTIME", "I_DA_ACWTIME")
#: Time with an ACD call on hold, which CMS counts in the state named as well.
_HOLD = {"I_ACDAUX_OUTTIME": "pause", "I_ACDAUXINTIME": "pause", "I_ACDOTHERTIME": "other"}
_DATES = ("%Y-%m-%d", "%d.%m.%Y", "%Y/%m/%d")
_SLASHED = ("%m/%d/%Y", "%d/%m/%Y")
#: PERIOD1 to 9 are a setting of each split; a column for each of more bounds than this helps nobody.
_MOST_BOUNDS = 500


def dates_of(rows: Rows) -> pd.Series:
    r"""ROW_DATE as text without a time of midnight.

    Examples
    --------
    >>> from ccstats.readers.accounting import Account
    >>> from ccstats.readers.contract import Source
    >>> from ccstats.readers.tabular import Layout, read_grid
    >>> account = Account(Options())
    >>> dates_of(Rows(read_grid(Source("a", b"ROW_DATE,ACD\n2024-03-01 00:00:00,1\n"), Layout(), account), account, Options())).tolist()
    ['2024-03-01']
    """
    return each_word(rows.text("ROW_DATE"), lambda word: re.sub(r"[T ]0?0:00(:00(\.0+)?)?$", "", word))


def ways_of_dates(dates: pd.Series) -> tuple[str, ...]:
    """The ways the dates are written: month or day first is decided by all of them together.

    Raises
    ------
    OptionError
        If they do not tell.

    Examples
    --------
    >>> ways_of_dates(pd.Series(["03/01/2024", "03/31/2024"]))[-1]
    '%m/%d/%Y'
    """
    dates = dates.drop_duplicates()
    slashed = dates[dates.str.fullmatch(r"\d{1,2}/\d{1,2}/\d{4}", na=False)]
    read = [pd.to_datetime(slashed, format=each, errors="coerce") for each in _SLASHED]
    counts = [int(each.notna().sum()) for each in read]
    if counts[0] == counts[1] and (differ := (read[0] != read[1]) & read[0].notna() & read[1].notna()).any():
        raise OptionError(
            f"ROW_DATE {slashed[differ].iloc[0]!r} has its month or its day first, and no date of the source tells which; say "
            f"dates='{_SLASHED[0]}' or dates='{_SLASHED[1]}'"
        )
    return (*_DATES, _SLASHED[int(counts[1] > counts[0])])


def split_rows(rows: Rows, options: Options, written: tuple[str, ...]) -> pd.DataFrame:
    r"""Rows of ``hsplit`` in columns of `intervals`, with ``_start``, ``_length``, ``_acd`` and ``_split``.

    Examples
    --------
    >>> from ccstats.readers.accounting import Account
    >>> from ccstats.readers.contract import Source
    >>> from ccstats.readers.tabular import Layout, read_grid
    >>> account, options = Account(Options()), Options("Europe/Berlin")
    >>> text = b"ROW_DATE,STARTTIME,INTRVL,SPLIT,CALLSOFFERED,ACDCALLS,ABNCALLS\n2024-03-01,930,30,12,10,7,2\n"
    >>> rows = split_rows(Rows(read_grid(Source("a", text), Layout(), account), account, options), options, ("%Y-%m-%d",))
    >>> rows[["_split", "answered", "flowed_out"]].to_numpy().tolist()
    [['12', 7, 1]]
    """
    placed = _placed(rows, options, written)
    split = rows.text("SPLIT")
    rows.close(split.isna(), "SPLIT is blank")
    n = {name: _count(rows, name) for name in ("CALLSOFFERED", "ACDCALLS", "ABNCALLS", "ACCEPTABLE", "SLVLABNS", "SLVLOUTFLOWS", *_OUT)}
    offered, answered, abandoned = n["CALLSOFFERED"], n["ACDCALLS"], n["ABNCALLS"]
    for name in ("CALLSOFFERED", "ACDCALLS", "ABNCALLS"):
        rows.close(n[name].isna(), f"{name} is blank")
    rows.close(answered + abandoned > offered, "ACDCALLS and ABNCALLS are more than CALLSOFFERED")
    rows.close(n["ACCEPTABLE"] > answered, "ACCEPTABLE is more than ACDCALLS")
    rows.close(n["SLVLABNS"] > abandoned, "SLVLABNS is more than ABNCALLS")
    rest, told = offered - answered - abandoned, _sum(n[name] for name in _OUT)
    out = told.where(told < rest, rest)
    rows.note(told < rest, "CALLSOFFERED is more than the sum of its dispositions: those over are of outcome unknown")
    rows.note(told > rest, "CALLSOFFERED is less than the sum of its dispositions: taken as logged")

    level = rows.seconds("SERVICELEVEL")
    changed = _count(rows, "SVCLEVELCHG") == 1
    rows.note(changed, "SERVICELEVEL changed within the interval: counts within it are missing")
    # Only those that flowed out are counted within the level as well: with others on their way out it is not known who reached it.
    early = n["SLVLOUTFLOWS"].mask(rest == 0, 0).mask((rest > 0) & (rest != n["OUTFLOWCALLS"]))
    reached = offered - n["ACCEPTABLE"] - n["SLVLABNS"] - early
    rows.close(reached < 0, "more calls within SERVICELEVEL than CALLSOFFERED")
    within = {
        "answered_within": n["ACCEPTABLE"],
        "abandoned_within": n["SLVLABNS"],
        "callback_within": n["ACCEPTABLE"] * 0,
        "reached_threshold": reached,
    }
    seconds = {ours: rows.seconds(theirs) for ours, theirs in _TOTALS.items()}
    known = {f"{part}_known": answered.where(seconds[f"total_{part}_s"].notna(), 0) for part in ("talk", "hold", "wrap")}
    seconds["max_wait_s"] = seconds["max_wait_s"].where(offered > 0)
    nothing = pd.Series(np.zeros(len(rows)))
    dialled = _count(rows, "O_ACDCALLS").fillna(0) + _count(rows, "O_ABNCALLS").fillna(0)
    rows.note(dialled > 0, "intervals with calls of a dialler among ACDCALLS and ABNCALLS: they are counted too")
    counts = {
        "offered": offered,
        "answered": answered,
        "abandoned": abandoned,
        "flowed_out": out,
        "unknown": rest - out,
        **{name: nothing for name in ("abandoned_short", "callbacks", "lost", "open")},
        **{name: values.mask(changed) for name, values in within.items()},
        **known,
        **{ours: _count(rows, theirs) for ours, theirs in WHERE_LOGGED.items()},
    }
    return rows.frame(
        {
            **placed,
            "_split": split,
            "threshold_s": level.where(level > 0),
            **seconds,
            **{name: _whole(values) for name, values in counts.items()},
            **_histogram(rows, answered, abandoned, level, n["ACCEPTABLE"].mask(changed)),
        }
    )


def agent_rows(rows: Rows, options: Options, written: tuple[str, ...]) -> pd.DataFrame:
    r"""Rows of ``hagent`` in columns of `agent_intervals`, to be added over the splits; ``_direct`` says if direct agent calls are told.

    Examples
    --------
    >>> from ccstats.readers.accounting import Account
    >>> from ccstats.readers.contract import Source
    >>> from ccstats.readers.tabular import Layout, read_grid
    >>> account, options = Account(Options()), Options("Europe/Berlin")
    >>> text = b"ROW_DATE,STARTTIME,INTRVL,LOGID,TI_STAFFTIME,TI_AVAILTIME\n2024-03-01,930,30,7001,1800,600\n"
    >>> rows = agent_rows(Rows(read_grid(Source("a", text), Layout(), account), account, options), options, ("%Y-%m-%d",))
    >>> rows[["LOGID", "logged_in_s", "available_s", "pause_s"]].to_numpy().tolist()
    [['7001', 1800.0, 600.0, nan]]
    """
    placed = _placed(rows, options, written)
    rows.close(rows.text("LOGID").isna(), "LOGID is blank")
    staffed = rows.seconds("TI_STAFFTIME")
    rows.close(staffed.isna(), "TI_STAFFTIME is blank")
    items = {name: rows.seconds(name) for names in _STATES.values() for name in names} | {name: rows.seconds(name) for name in _HOLD}
    direct = pd.Series([all(rows.has(name) for name in _DIRECT)] * len(rows), dtype="bool")
    items |= {name: pd.Series(np.zeros(len(rows))) for name in _DIRECT if not rows.has(name)}
    states = {f"{state}_s": _sum(items[name] for name in names) for state, names in _STATES.items()}
    hold = _sum(items[name] for name in _HOLD)
    for name, state in _HOLD.items():
        states[f"{state}_s"] = states[f"{state}_s"] - items[name].where(hold.notna(), 0)
    keys = {name: rows.text(name) for name in AGENT_KEY[1:]}
    return rows.frame({**placed, **keys, "logged_in_s": staffed, **states, "hold_s": hold, "_direct": direct})


def _placed(rows: Rows, options: Options, written: tuple[str, ...]) -> dict[str, Any]:
    """When each row's interval began and how long it is, and of which ACD it is."""
    codes, words = coded(dates_of(rows))
    text = pd.Series(words, dtype="str")
    days = pd.Series(pd.NaT, index=text.index, dtype="datetime64[us]")
    for each in written:
        try:
            days = days.fillna(pd.to_datetime(text, format=each, errors="coerce").dt.tz_localize(None).astype("datetime64[us]"))
        except (ValueError, AttributeError) as error:
            raise OptionError(f"dates={each!r} is no way to write a date ({str(error)[:80]}); expected one such as '%d/%m/%Y'") from None
    days = days.where(days.between(pd.Timestamp("1970-01-02"), pd.Timestamp("2200-01-01"))).dt.normalize()
    day = pd.Series(np.append(days.to_numpy(), np.datetime64("NaT"))[codes])
    rows.close(day.isna(), "ROW_DATE is blank, no date, or outside 1970 to 2200")
    clock = each_word(rows.text("STARTTIME"), _clock).astype("float64")
    minutes = clock // 100 * 60 + clock % 100
    rows.close(minutes.isna() | (clock % 100 >= 60) | (clock >= 2400), "STARTTIME is no time of day written as HHMM, such as 930")
    length = _count(rows, "INTRVL")
    rows.close(~length.isin([15, 30, 60]), "INTRVL is not 15, 30 or 60 minutes")
    rows.close(minutes % length != 0, "STARTTIME is not where an interval of this INTRVL begins")
    at = localise(day + pd.to_timedelta(minutes.where(clock < 2400), unit="min"), str(options.timezone))
    rows.close(at.never, "STARTTIME is a time that the clock never showed on this day: is timezone= the zone of CMS?")
    rows.note(_count(rows, "INCOMPLETE") == 1, "intervals that CMS marks as incomplete: as logged")
    return {"_start": at.utc, "_later": at.later, "_twice": at.twice, "_length": length * 60, "_acd": rows.text("ACD")}


def _histogram(rows: Rows, answered: pd.Series, abandoned: pd.Series, level: pd.Series, within: pd.Series) -> dict[str, pd.Series]:
    """Calls answered and abandoned up to each PERIOD, where the periods ascend and the increments add up."""
    columns: dict[tuple[float, str], np.ndarray] = {}
    bounds = [rows.seconds(f"PERIOD{k}").to_numpy() for k in range(1, 10)]
    if len(set().union(*(pd.unique(bound[~np.isnan(bound)]).tolist() for bound in bounds))) > _MOST_BOUNDS:
        rows.note(rows.open, f"more than {_MOST_BOUNDS} different bounds in PERIOD1 to PERIOD9: no wait histogram")
        return {}
    changed = _count(rows, "PERIODCHG") == 1
    rows.note(changed, "PERIOD1 to PERIOD9 changed within the interval: its wait histogram is missing")
    for what, theirs, whole in (("answered", "ACDCALLS", answered), ("abandoned", "ABNCALLS", abandoned)):
        parts = [_count(rows, f"{theirs}{k}") for k in range(1, 11)]
        wrong = (_sum(parts) - whole).abs() > 0
        rows.note(wrong, f"{theirs}1 to {theirs}10 do not add up to {theirs}: the wait histogram is missing")
        sound = rows.open & ~changed.to_numpy() & ~wrong.to_numpy()
        below = upto = np.zeros(len(rows))
        for bound, part in zip(bounds, map(pd.Series.to_numpy, parts), strict=False):
            sound = sound & (bound > below) & ~np.isnan(part)
            below, upto = bound, upto + part
            for second in pd.unique(bound[sound]).tolist():
                column = columns.setdefault((second, what), np.full(len(rows), np.nan))
                np.copyto(column, upto, where=sound & (bound == second))
            if what == "answered":
                rows.note(sound & (bound == level) & ((within - upto).abs() > 0), "ACCEPTABLE is not what ACDCALLS1 to 10 say: as logged")
    order = sorted(columns, key=lambda key: (key[0], key[1] == "abandoned"))
    return {f"{what}_within_{second:g}s": _whole(columns[second, what]) for second, what in order}


def _count(rows: Rows, name: str) -> pd.Series:
    """Whole numbers, as floats; rows where it is none are rejected, and all are missing where there is no such column."""
    if not rows.has(name):
        return pd.Series(np.full(len(rows), np.nan))
    parsed = to_numbers(rows.columns[folded(name)], missing=rows.missing)
    wrong = (parsed.values < 0) | (parsed.values >= 2**31) | (np.floor(parsed.values) < parsed.values)
    rows.close(parsed.bad | wrong.to_numpy(), f"{name} is no count")
    return parsed.values.mask(wrong) if wrong.any() else parsed.values


def _whole(values: pd.Series | np.ndarray) -> pd.Series:
    """Floats that are whole numbers, or missing, as such."""
    floats = np.asarray(values)
    unknown = np.isnan(floats)
    return pd.Series(pd.arrays.IntegerArray(np.where(unknown, 1, floats).astype("int64"), unknown))


def _clock(word: str) -> str | None:
    """A time of day as HHMM; it may have colons."""
    plain = re.sub(r"^([0-9]{1,2}):([0-9]{2})(:00)?$", r"\1\2", word)
    return plain if re.fullmatch("[0-9]{1,4}", plain) else None


def _sum(parts: Iterable[pd.Series]) -> pd.Series:
    """Missing where a part is."""
    return reduce(add, parts)
