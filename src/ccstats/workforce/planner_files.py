"""The files that planners keep by hand: people and rules as TOML or as tables, shift templates as tables."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, FormatError, OptionError, SourceMissingError
from ccstats.periods import WEEKDAYS
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Options
from ccstats.readers.files import open_sources
from ccstats.readers.tabular import Layout, read_grid
from ccstats.readers.values import to_text
from ccstats.workforce.demand import read_forecast
from ccstats.workforce.people import Person, RosterRules, check_people, read_rules
from ccstats.workforce.shift_templates import Break, Shift, check_shifts

__all__ = ["read_people", "read_plan", "read_roster_rules", "read_shift_table"]

_DAYS = {name.casefold() for day in WEEKDAYS for name in (day, day[:3])}
_CLOCK = r"\d+(?:\.\d+)?(?::[0-5]\d)?"
_BREAK = re.compile(rf"({_CLOCK})\s*\+\s*({_CLOCK})(?:\s+within\s+({_CLOCK})\s*-\s*({_CLOCK}))?(\s+paid)?", re.IGNORECASE)


def read_people(path: str | Path) -> tuple[Person, ...]:
    r"""The people of a roster: of a TOML file with one ``[[person]]`` each, or of a table (CSV, Excel, Parquet) with a row each.

    Parameters
    ----------
    path : str or Path
        The file. As TOML::

            [[person]]
            agent = "Ada"
            skills = ["sales", "help"]
            hours_per_week = 40
            available = ["mon", "tue", "wed", "thu", "fri"]
            away = [2024-03-08]
            wishes = [{ weekday = "fri", work = false }, { shift = "early", work = true, weight = 2 }]

        A table has the same columns, with commas or semicolons between several words in a cell. A wish is written ``off fri``,
        ``off 2024-03-08``, ``early`` or ``mon early``; semicolons stand between several. An empty cell says nothing.

    Returns
    -------
    tuple of Person

    Raises
    ------
    SourceMissingError
        If there is no such file.
    FormatError
        If it is no TOML, or a line does not fit the header.
    ColumnError
        If a table has no column ``agent``.
    OptionError
        If a value is wrong; its line, or of TOML the person's place, is named.

    See Also
    --------
    build_roster : takes them.

    Examples
    --------
    >>> import tempfile
    >>> import ccstats as cc
    >>> path = Path(tempfile.mkdtemp()) / "people.csv"
    >>> _ = path.write_text('agent,skills,hours_per_week,wishes\nAda,"sales, help",20,off fri\n')
    >>> cc.read_people(path)[0].skills, cc.read_people(path)[0].wishes[0].weekday
    (('sales', 'help'), 'fri')
    """
    if Path(path).suffix.casefold() == ".toml":
        content = _toml(path)
        listed = content.get("person")
        if set(content) != {"person"} or not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            raise FormatError(f"{str(path)!r}: expected one [[person]] each and nothing else, found {', '.join(content) or 'nothing'}")
        try:
            return check_people(listed)
        except OptionError as error:
            number = re.match(r"people, row (\d+)", str(error))
            said = str(error) if number is None else f"[[person]] {int(number[1]) + 1}{str(error)[number.end() :]}"
            raise OptionError(f"{str(path)!r}: {said}") from None
    name, rows, lines = _table(path, "agent", "people")
    try:
        return check_people([_person(row, at) for at, row in enumerate(rows)])
    except OptionError as error:
        number = re.match(r"people, row (\d+)", str(error))
        said = f": {error}" if number is None else f", line {lines[int(number[1])]}{str(error)[number.end() :]}"
        raise OptionError(f"{name}{said}") from None


def read_plan(source: Any, *, timezone: str | None = None) -> pd.DataFrame:
    r"""A plan as ``ccstats staff`` writes it: what is expected, the agents for it, and what they were sized by.

    Parameters
    ----------
    source : path, bytes, open file or frame
        CSV or the workbook.
    timezone : str, optional
        Zone of times without an offset.

    Returns
    -------
    pandas.DataFrame
        As `read_forecast` reads it, with ``model``: Erlang A where patience is finite, else Erlang C.

    Raises
    ------
    ColumnError
        If it has no agents.
    SourceMissingError, FormatError, OptionError, ZoneError
        As for `read_forecast`.

    Examples
    --------
    >>> read_plan(b"start,calls,aht\n2024-03-04T09:00Z,10,180\n2024-03-04T09:30Z,10,180\n")
    Traceback (most recent call last):
    ccstats.errors.ColumnError: the plan has no column agents or scheduled_agents: it is a forecast; ccstats staff makes a plan of it
    """
    plan = read_forecast(source, timezone=timezone)
    if "agents" not in plan and "scheduled_agents" not in plan:
        raise ColumnError("the plan has no column agents or scheduled_agents: it is a forecast; ccstats staff makes a plan of it")
    if "patience_s" in plan:
        plan = plan.assign(model=pd.Categorical(np.where(np.isfinite(plan["patience_s"]), "erlang_a", "erlang_c")))
    return plan


def read_roster_rules(path: str | Path) -> RosterRules:
    r"""The rules of a roster, of a TOML file.

    Parameters
    ----------
    path : str or Path
        A file with fields of `RosterRules`, such as ``min_rest_h = 11``, one a line.

    Returns
    -------
    RosterRules

    Raises
    ------
    SourceMissingError
        If there is no such file.
    FormatError
        If it is no TOML.
    OptionError
        If there is no such rule, or its value is wrong.

    See Also
    --------
    build_roster : takes them.

    Examples
    --------
    >>> import tempfile
    >>> import ccstats as cc
    >>> path = Path(tempfile.mkdtemp()) / "rules.toml"
    >>> _ = path.write_text("min_rest_h = 12\nmax_weekends = 2\n")
    >>> cc.read_roster_rules(path).min_rest_h
    12
    """
    content = _toml(path)
    try:
        return read_rules(content)
    except OptionError as error:
        raise OptionError(f"{str(path)!r}: {error}") from None


def read_shift_table(path: str | Path) -> tuple[Shift, ...]:
    r"""Shift templates of a table (CSV, Excel, Parquet) with a row each.

    Parameters
    ----------
    path : str or Path
        The file, with columns ``shift, first_start, length_s`` and, where wanted, ``last_start, start_step_s, breaks, cost, days``. Lengths
        are seconds, or hours and minutes with a colon. A break is ``4:00+0:30``: its place after the start and its length, with
        ``within 3:30-5:00`` where it may be moved and ``paid`` where it is; semicolons stand between several.

    Returns
    -------
    tuple of Shift

    Raises
    ------
    SourceMissingError, ColumnError, FormatError, OptionError
        As for `read_people`.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "shifts.csv"
    >>> _ = path.write_text("shift,first_start,last_start,length_s,breaks\nearly,07:00,09:00,8:30,4:00+0:30; 6:00+0:15 paid\n")
    >>> read_shift_table(path)[0].paid_s / 3600
    8.0
    """
    name, rows, lines = _table(path, "shift", "shifts")
    templates: list[Shift] = []
    for row, line in zip(rows, lines, strict=True):
        try:
            templates.extend(check_shifts([_template(row)]))
        except OptionError as error:
            raise OptionError(f"{name}, line {line}: {error}") from None
    try:
        return check_shifts(templates)
    except OptionError as error:
        raise OptionError(f"{name}: {error}") from None


def _toml(path: str | Path) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SourceMissingError(f"no file {str(path)!r}") from None
    except (OSError, UnicodeError) as error:
        raise FormatError(f"{str(path)!r} cannot be read as text: {error}") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise FormatError(f"{str(path)!r} is no TOML: {str(error)[:200]}") from None


def _table(path: str | Path, key: str, what: str) -> tuple[str, list[dict[str, str]], np.ndarray]:
    """The table's name, its rows without empty cells, and their lines."""
    account = Account(Options())
    grid = read_grid(open_sources(path)[0], Layout(), account)
    rejected = account.tables()[0]
    if len(rejected):
        raise FormatError(f"{grid.name}, line {rejected.iloc[0]['line']}: {rejected.iloc[0]['reason']}; correct or remove it")
    if key not in grid.columns:
        found = f"found {', '.join(map(repr, grid.header[:20]))}" if grid.header else "it is empty"
        raise ColumnError(f"{grid.name}: {what} need a column {key}; {found}")
    columns = {name: to_text(values) for name, values in grid.columns.items()}
    rows = [{name: str(values.iloc[at]) for name, values in columns.items() if pd.notna(values.iloc[at])} for at in range(len(grid.line))]
    return grid.name, rows, grid.line


def _person(row: dict[str, str], at: int) -> dict[str, Any]:
    values: dict[str, Any] = dict(row)
    if "hours_per_week" in values:
        values["hours_per_week"] = _plain(values["hours_per_week"])
    if "wishes" in values:
        values["wishes"] = [_wish(each.strip(), at, row.get("agent", "")) for each in values["wishes"].split(";") if each.strip()]
    return values


def _wish(text: str, at: int, agent: str) -> dict[str, Any]:
    words = text.split()
    wish: dict[str, Any] = {"work": words[0].casefold() not in ("off", "not")}
    words = words if wish["work"] else words[1:]
    if words and words[0].casefold() in _DAYS:
        wish["weekday"] = words.pop(0)
    elif words and re.fullmatch(r"\d{4}-\d\d-\d\d", words[0]):
        wish["date"] = words.pop(0)
    if words:
        wish["shift"] = " ".join(words)
    if len(wish) == 1:
        raise OptionError(f"people, row {at} ({agent}): wish {text!r}; expected such as 'off fri', 'off 2024-03-08' or 'mon early'")
    return wish


def _template(row: dict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = dict(row)
    for name in ("length_s", "start_step_s", "cost"):
        if name in values:
            values[name] = _number(values[name])
    if "breaks" in values:
        values["breaks"] = [_break(each.strip()) for each in values["breaks"].split(";") if each.strip()]
    return values


def _break(text: str) -> Break:
    found = _BREAK.fullmatch(text)
    if found is None:
        raise OptionError(f"break {text!r}; expected such as '4:00+0:30', '14400+1800 paid' or '4:00+0:30 within 3:30-5:00'")
    offset, length, first, last, paid = found.groups()
    window = (None, None) if first is None else (_number(first), _number(last))
    return Break(_number(offset), _number(length), paid is not None, *window)


def _number(text: str) -> Any:
    """Seconds, or hours and minutes as seconds; the text itself where it is neither, for the check to name."""
    if re.fullmatch(r"\d{1,3}:[0-5]\d", text):
        hours, minutes = text.split(":")
        return float(int(hours) * 3600 + int(minutes) * 60)
    return _plain(text)


def _plain(text: str) -> Any:
    return float(text) if re.fullmatch(r"[+-]?\d{1,15}(?:\.\d{1,15})?", text) else text
