"""Targets that regulators and the market set, from data: each with its source, its date, and how sure we are."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ccstats.agreement.targets import Target
from ccstats.errors import OptionError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from ccstats.agreement.contract import Agreement

__all__ = ["CHECK", "load_preset", "preset_names", "tabulate_presets"]

#: What stands at the end of every note.
CHECK = "Not legal advice: check the current text."
_DATA_CLOCKS = ("queued", "arrived")


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(files("ccstats.agreement").joinpath("presets.toml").read_text(encoding="utf-8"))


def preset_names() -> tuple[str, ...]:
    """The presets there are.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> "std_80_20" in preset_names()
    True
    """
    return tuple(name for name in _data() if name != "sources")


def load_preset(
    preset: str,
    *,
    timezone: str,
    client: str,
    reading: str | None,
    clock: str | None,
    changes: Mapping[str, Mapping[str, Any]],
) -> Agreement:
    """An agreement made of a preset; see `Agreement.preset`.

    Parameters
    ----------
    preset, timezone, client, reading, clock, changes
        As for `Agreement.preset`.

    Returns
    -------
    Agreement

    Raises
    ------
    OptionError
        If one of them is not known or does not fit.

    Examples
    --------
    >>> load_preset("std_80_20", timezone="UTC", client="A", reading=None, clock=None, changes={}).name
    'std_80_20'
    """
    from ccstats.agreement.contract import Agreement

    if preset not in preset_names():
        hint = did_you_mean(preset, preset_names())
        raise OptionError(f"there is no preset {preset!r}; there are: {', '.join(preset_names())}.{hint}")
    if clock is not None and clock not in _DATA_CLOCKS:
        raise OptionError(f"clock={clock!r} is none that logs have; choose one of: {', '.join(_DATA_CLOCKS)}")
    data = _data()[preset]
    readings = list(data.get("readings", {}))
    if reading is not None and reading not in readings:
        there = ", ".join(readings) if readings else "only one, leave reading out"
        raise OptionError(f"reading={reading!r}: of {preset} there are: {there}.{did_you_mean(reading, readings)}")
    chosen = reading or (readings[0] if readings else None)
    rows = {each["name"]: each for each in data["targets"] if each.get("reading") in (None, chosen)}
    for name in changes:
        if name not in rows:
            raise OptionError(f"changes: {preset} has no target {name!r}; it has: {', '.join(rows)}.{did_you_mean(name, rows)}")
    try:
        targets = tuple(Target(**_fields(row, clock, changes.get(name, {}))) for name, row in rows.items())
        return Agreement(
            client=client,
            name=preset,
            timezone=timezone,
            note=_note(data, chosen),
            service_level=data.get("service_level", {}),
            **_working_days(data),
            targets=targets,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"])) or error.title
        raise OptionError(f"preset {preset}, {key}: {first['msg'].removeprefix('Value error, ')}") from None


def _working_days(data: Mapping[str, Any]) -> dict[str, Any]:
    if "holidays" not in data:
        return {}
    return {
        "working_days": "working_days",
        "calendars": {"working_days": {"hours": {"mon-fri": ["00:00-24:00"]}, "holidays": data["holidays"]}},
    }


def _note(data: Mapping[str, Any], reading: str | None) -> str:
    read = f" Read as: {data['readings'][reading]}." if reading else ""
    days = f" Working days are Monday to Friday without the national holidays of {data['holidays']}." if "holidays" in data else ""
    return f"{data['jurisdiction']}: {data['rule']}.{read}{days} {CHECK}"


def _fields(row: Mapping[str, Any], clock: str | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What a target is made of: the row with its sources spelled out, and the changes."""
    sources = _data()["sources"]
    fields = {key: value for key, value in row.items() if key not in ("sources", "reading")}
    fields["source"] = "; ".join(f"{sources[code]}" for code in row["sources"])
    note = f"{row['note']} " if "note" in row else ""
    if clock is not None and row.get("clock", clock) != clock:
        note += f"The rule's clock is {row['clock']!r}; {clock!r} was put in its place. "
        fields["clock"] = clock
    return {**fields, "note": f"{note}{CHECK}", **changes}


def _rows() -> Iterator[tuple[str, Mapping[str, Any], str, Target]]:
    for preset in preset_names():
        for row in _data()[preset]["targets"]:
            yield preset, _data()[preset], row.get("reading", ""), Target(**_fields(row, None, {}))


def tabulate_presets() -> pd.DataFrame:
    """Every target of every preset; see `Agreement.presets`.

    Returns
    -------
    pandas.DataFrame

    Examples
    --------
    >>> bool(tabulate_presets()["note"].str.endswith(CHECK).all())
    True
    """
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "id": preset,
                "jurisdiction": data["jurisdiction"],
                "reading": reading,
                "target": target.name,
                "metric": target.metric,
                "statistic": target.statistic,
                "threshold_s": math.nan if target.threshold_s is None else target.threshold_s,
                "op": target.op,
                "value": math.nan if target.value is None else target.value,
                "unit": target.unit,
                "period": target.period or "",
                "source": target.source,
                "as_of": str(target.as_of),
                "confidence": target.confidence,
                "note": target.note,
            }
            for preset, data, reading, target in _rows()
        ]
    )
