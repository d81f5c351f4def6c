"""The mapping of a file's columns, units, clock and words to ours: read from TOML or a dict, and checked as a whole."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ccstats.errors import CcstatsError, FormatError, OptionError, SourceMissingError, did_you_mean
from ccstats.periods import check_timezone
from ccstats.readers.instants import TIMES
from ccstats.readers.tabular import Layout
from ccstats.readers.values import COLONS, SECONDS
from ccstats.schema import AGENT_STATES, CONTACTS, OUTCOMES, STATES, Table

__all__ = ["STEPS", "ColumnMapping", "parse_layout", "parse_mapping"]

#: Instants that are no column of ours, but from which durations of ours follow.
STEPS = {"contacts": ("answered_at", "left_at", "ended_at", "closed_at"), "agent_states": ("duration_s",)}

_TABLES: dict[str, Table] = {"contacts": CONTACTS, "agent_states": AGENT_STATES}
_SECTIONS = ("table", "source", "clock", "columns", "units", "outcomes", "states", "words", "constants", "ignore")
#: Columns that need a source: one of each group must be mapped or constant.
_NEEDED = {
    "contacts": (("queue",), ("queued_at", "arrived_at"), ("outcome",), ("channel",), ("direction",)),
    "agent_states": (("agent",), ("started_at",), ("ended_at", "duration_s"), ("state",)),
}
#: Columns that may be joined from several of theirs, and with what.
JOINED = {"contact_id": "|", "instant": " "}


@dataclass(frozen=True)
class ColumnMapping:
    """A checked mapping; see the page "mapped" for what each section says.

    Examples
    --------
    >>> ColumnMapping().table
    'contacts'
    """

    table: str = "contacts"
    layout: Layout = field(default_factory=Layout)
    timezone: str | None = None
    times: str = "iso"
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    ignore: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def kind(self, name: str) -> str:
        """The kind of one of our columns, or of a step towards one.

        Examples
        --------
        >>> ColumnMapping().kind("answered_at"), ColumnMapping().kind("wait_s")
        ('instant', 'seconds')
        """
        if name in STEPS[self.table]:
            return "seconds" if name.endswith("_s") else "instant"
        return _TABLES[self.table][name].kind


def parse_mapping(mapping: Any) -> tuple[ColumnMapping, list[str]]:
    """Read and check a mapping.

    Parameters
    ----------
    mapping : dict, path or str
        The mapping, a TOML file that holds it, or its TOML text (a text of several lines).

    Returns
    -------
    ColumnMapping
    list of str
        Everything that is wrong with it, one line each; empty when it is sound.

    Raises
    ------
    SourceMissingError
        If the file is not there.
    FormatError
        If it is no TOML.
    OptionError
        If it is neither of these.

    Examples
    --------
    >>> parse_mapping({"columns": {"quue": "Q"}})[1][0]
    "[columns] quue: table 'contacts' has no such column. Did you mean queue or queued_at?"
    """
    given = _load(mapping)
    found: list[str] = []
    for name in given:
        if name not in _SECTIONS:
            found.append(f"[{name}] is no section; sections are {', '.join(_SECTIONS)}.{did_you_mean(name, _SECTIONS)}")
    table = given.get("table", "contacts")
    if not isinstance(table, str) or table not in _TABLES:
        found.append(f"table = {table!r}: expected 'contacts' or 'agent_states'")
        table = "contacts"

    def section(name: str) -> dict[str, Any]:
        value = given.get(name, {})
        if isinstance(value, Mapping):
            return dict(value)
        found.append(f"[{name}]: expected a section of key = value, found {type(value).__name__}")
        return {}

    layout = parse_layout(section("source"), found)
    timezone, times = _clock(section("clock"), found)
    columns = _columns(section("columns"), table, found)
    made = ColumnMapping(table, layout, timezone, times, columns)
    units = _units(section("units"), made, found)
    constants = _constants(section("constants"), made, found)
    words = _words(section("words"), section("outcomes"), section("states"), made, found)
    ignore = {name: _texts(f"[ignore] {name}", value, found) for name, value in section("ignore").items()}
    for group in _NEEDED[table]:
        if not any(name in columns or name in constants for name in group):
            found.append(f"[columns] needs {' or '.join(group)}, or [constants] a value for it")
    return ColumnMapping(table, layout, timezone, times, columns, units, words, constants, ignore), found


def _load(mapping: Any) -> dict[str, Any]:
    if isinstance(mapping, Mapping):
        return dict(mapping)
    if not isinstance(mapping, str | os.PathLike):
        raise OptionError(f"mapping=: expected a dict, the path of a TOML file, or TOML text, found {type(mapping).__qualname__}")
    name = "the mapping" if isinstance(mapping, str) and "\n" in mapping else os.fspath(mapping)
    try:
        text = mapping if isinstance(mapping, str) and "\n" in mapping else Path(mapping).read_text(encoding="utf-8-sig")
        return tomllib.loads(str(text))
    except tomllib.TOMLDecodeError as error:
        raise FormatError(f"{name} is no TOML: {error}. Texts and names with blanks stand in quotes") from None
    except UnicodeDecodeError as error:
        raise FormatError(f"{name} is not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except FileNotFoundError:
        folder = Path(mapping).parent
        names = sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []
        raise SourceMissingError(f"there is no mapping {name}.{did_you_mean(Path(mapping).name, names)}") from None
    except (OSError, ValueError) as error:
        raise SourceMissingError(f"the mapping {name} cannot be opened: {getattr(error, 'strerror', None) or error}") from None


def _texts(where: str, value: Any, found: list[str]) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if isinstance(values, list | tuple) and values and all(isinstance(each, str) for each in values):
        return tuple(each.strip() for each in values)
    found.append(f"{where}: expected a text or a list of texts, found {value!r}")
    return ()


def parse_layout(given: Mapping[str, Any], found: list[str]) -> Layout:
    """How a file is laid out, from the section ``[source]``; what is wrong with it is added to ``found``.

    Examples
    --------
    >>> parse_layout({"delimiter": ";", "decimal": ","}, []).decimal
    ','
    """
    good: dict[str, Any] = {}
    single = ("delimiter", "decimal")
    for name, value in given.items():
        if name not in Layout.__dataclass_fields__:
            names = list(Layout.__dataclass_fields__)
            found.append(f"[source] {name}: not known; expected {', '.join(names)}.{did_you_mean(name, names)}")
        elif name == "missing":
            good[name] = _texts("[source] missing", value, found)
        elif name == "skip_rows":
            if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
                good[name] = value
            else:
                found.append(f"[source] skip_rows: expected a whole number of rows above the header, found {value!r}")
        elif name == "sheet" and isinstance(value, int) and not isinstance(value, bool):
            good[name] = value
        elif not isinstance(value, str):
            found.append(f"[source] {name}: expected a text, found {value!r}")
        elif (name in single and len(value) != 1) or (name in ("quote", "thousands") and len(value) > 1) or value in ("\n", "\r", "\0"):
            found.append(f"[source] {name}: expected one character, found {value!r}")
        else:
            good[name] = value
    layout = Layout(**good)
    if layout.decimal == layout.thousands or layout.decimal not in ".,":
        found.append(f"[source] decimal: expected '.' or ',', and another sign than thousands, found {layout.decimal!r}")
    if layout.delimiter is not None and layout.delimiter == layout.quote:
        found.append("[source] delimiter and quote are the same sign")
    return layout


def _clock(given: dict[str, Any], found: list[str]) -> tuple[str | None, str]:
    for name in given:
        if name not in ("timezone", "times"):
            found.append(f"[clock] {name}: not known; expected timezone, times.{did_you_mean(name, ('timezone', 'times'))}")
    timezone, times = given.get("timezone"), given.get("times", "iso")
    if timezone is not None:
        timezone = "UTC" if timezone == "utc" else timezone
        try:
            check_timezone(timezone)
        except CcstatsError as error:
            found.append(f"[clock] {error}")
            timezone = None
    if not _is_time(times):
        found.append(f"[clock] times: {_not_time(times)}")
        times = "iso"
    return timezone, times


def _is_time(written: Any) -> bool:
    return isinstance(written, str) and (written in TIMES or "%" in written)


def _not_time(written: Any) -> str:
    near = did_you_mean(str(written), TIMES)
    return f"expected {', '.join(TIMES)} or a strptime format such as '%d.%m.%Y %H:%M:%S', found {written!r}.{near}"


def _columns(given: dict[str, Any], table: str, found: list[str]) -> dict[str, tuple[str, ...]]:
    columns = {}
    ours = [*_TABLES[table].names(), *STEPS[table]]
    ours.remove("raw_outcome") if table == "contacts" else None
    for name, theirs in given.items():
        if name not in ours:
            found.append(f"[columns] {name}: table {table!r} has no such column.{did_you_mean(name, ours)}")
            continue
        texts = _texts(f"[columns] {name}", theirs, found)
        kind = ColumnMapping(table).kind(name)
        if len(texts) > 1 and name not in JOINED and kind not in JOINED:
            found.append(f"[columns] {name}: only contact_id and instants are joined from several columns, found {list(texts)}")
        elif texts:
            columns[name] = texts
    return columns


def _units(given: dict[str, Any], mapping: ColumnMapping, found: list[str]) -> dict[str, str]:
    units = {}
    for name, unit in given.items():
        if name not in mapping.columns:
            found.append(f"[units] {name}: not in [columns].{did_you_mean(name, mapping.columns)}")
        elif mapping.kind(name) == "instant":
            if _is_time(unit):
                units[name] = unit
            else:
                found.append(f"[units] {name}: {_not_time(unit)}")
        elif mapping.kind(name) != "seconds":
            found.append(f"[units] {name}: only durations and instants have a unit")
        elif isinstance(unit, str) and (unit in SECONDS or unit in COLONS):
            units[name] = unit
        else:
            known = [*SECONDS, *COLONS]
            found.append(f"[units] {name}: expected {', '.join(known)}, found {unit!r}.{did_you_mean(str(unit), known)}")
    return units


def _constants(given: dict[str, Any], mapping: ColumnMapping, found: list[str]) -> dict[str, str]:
    constants = {}
    table = _TABLES[mapping.table]
    ours = [column.name for column in table.columns if column.kind == "category" and column.name != "raw_outcome"]
    for name, value in given.items():
        if name not in ours:
            found.append(f"[constants] {name}: expected one of {', '.join(ours)}.{did_you_mean(name, ours)}")
        elif name in mapping.columns:
            found.append(f"[constants] {name}: it is in [columns] as well; keep one")
        elif not isinstance(value, str) or not value.strip():
            found.append(f"[constants] {name}: expected a text, found {value!r}")
        elif table[name].vocabulary and value not in table[name].vocabulary:
            words = table[name].vocabulary
            found.append(f"[constants] {name}: {value!r} is none of {', '.join(words)}.{did_you_mean(value, words)}")
        else:
            constants[name] = value
    return constants


def _words(
    words: dict[str, Any], outcomes: dict[str, Any], states: dict[str, Any], mapping: ColumnMapping, found: list[str]
) -> dict[str, dict[str, str]]:
    table = _TABLES[mapping.table]
    sections = {f"[words.{name}]": (name, given) for name, given in words.items()}
    sections |= {"[outcomes]": ("outcome", outcomes)} if outcomes else {}
    sections |= {"[states]": ("state", states)} if states else {}
    good = {}
    for where, (name, given) in sections.items():
        if where in ("[words.outcome]", "[words.state]"):
            found.append(f"{where}: write it as [{name}s]")
        elif name not in mapping.columns:
            found.append(f"{where}: {name} is not in [columns].{did_you_mean(name, mapping.columns)}")
        elif table[name].kind != "category" or not isinstance(given, Mapping):
            found.append(f'{where}: expected words of a column of words, as theirs = "ours"')
        else:
            allowed = tuple(OUTCOMES) if name == "outcome" else STATES if name == "state" else table[name].vocabulary
            for theirs, ours in given.items():
                if not isinstance(ours, str) or (allowed and ours not in allowed):
                    near = did_you_mean(str(ours), allowed)
                    expected = f"expected one of {', '.join(allowed)}" if allowed else "expected a text"
                    found.append(f"{where} {theirs!r} = {ours!r}: {expected}.{near}")
            good[name] = {str(theirs).strip(): str(ours) for theirs, ours in given.items()}
    return good
