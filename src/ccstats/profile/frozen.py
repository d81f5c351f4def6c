"""A profile that is kept: levels and spread by weekday and slot, saved as JSON and used again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import FormatError, OptionError, SourceMissingError
from ccstats.periods import WEEKDAYS
from ccstats.profile.loops import FAMILIES
from ccstats.profile.rows import Rows

__all__ = ["FITTED", "Profile", "tabulate_levels"]

#: What a fit says of a row, in the order of the arrays that `ccstats.profile.loops.fit_jobs` fills.
FITTED = ("level", "level_variance", "day_variance", "floor", "dispersion", "between", "among_days")
_VERSION = 1


@dataclass(frozen=True)
class Profile:
    """Levels and spread by weekday and time of day, as `freeze_profile` makes them: a baseline that no longer moves.

    Parameters
    ----------
    by : tuple of str
        Group columns.
    timezone : str
        Whose weekdays and times of day.
    family : str
        ``count``, ``share``, ``mean`` or ``number``.
    cells : pandas.DataFrame
        The ``by`` columns, ``weekday``, ``slot`` (``"HH:MM"``), ``level`` (missing where never seen), its variance ``level_variance``,
        ``day_variance`` (of what a whole day has in common, relative), ``floor``, ``dispersion``, ``between`` and ``among_days`` (see
        `fit_profile`), ``points`` and ``kind``.

    Examples
    --------
    >>> import ccstats as cc
    >>> from ccstats.profile import freeze_profile
    >>> half_hours = cc.to_intervals(cc.synthesize_contacts(seed=1).contacts, timezone="Europe/Istanbul")
    >>> kept = freeze_profile(half_hours, value="offered", start="interval_start")
    >>> kept.cells.groupby("queue", observed=True).size().tolist()
    [336, 336, 336]
    """

    by: tuple[str, ...]
    timezone: str
    family: str
    cells: pd.DataFrame

    def save(self, path: str | Path) -> None:
        """Write the profile as JSON.

        Examples
        --------
        >>> import tempfile
        >>> import ccstats as cc
        >>> from ccstats.profile import Profile, freeze_profile
        >>> half_hours = cc.to_intervals(cc.synthesize_contacts(seed=1).contacts, timezone="Europe/Istanbul")
        >>> kept = freeze_profile(half_hours, value="offered", start="interval_start")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     kept.save(f"{folder}/profile.json")
        ...     Profile.load(f"{folder}/profile.json").cells["level"].equals(kept.cells["level"])
        True
        """
        cells = {
            str(name): [None if each is None or each != each else each for each in column.astype(object).tolist()]
            for name, column in self.cells.items()
        }
        kept = {"ccstats_profile": _VERSION, "by": list(self.by), "timezone": self.timezone, "family": self.family, "cells": cells}
        if not Path(path).parent.is_dir():
            raise SourceMissingError(f"there is no folder {str(Path(path).parent)!r} to save a profile in; make it first")
        Path(path).write_text(json.dumps(kept, ensure_ascii=False, allow_nan=False), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Profile:
        """Read a profile that `save` wrote.

        Raises
        ------
        SourceMissingError
            If there is no such file.
        FormatError
            If it is no profile.

        Examples
        --------
        >>> from ccstats.profile import Profile
        >>> Profile.load("nowhere.json")
        Traceback (most recent call last):
        ...
        ccstats.errors.SourceMissingError: no file 'nowhere.json'; a profile is written with Profile.save
        """
        try:
            kept = json.loads(Path(path).read_text(encoding="utf-8"))
            if kept["ccstats_profile"] != _VERSION:
                found = kept["ccstats_profile"]
                raise FormatError(f"{str(path)!r} holds a profile of version {found}; this is version {_VERSION}: freeze it anew")
            cells = pd.DataFrame(kept["cells"])
            cells = cells.astype({**dict.fromkeys(FITTED, "float64"), "points": "int64", "kind": "str", "slot": "str"})
            cells["weekday"] = pd.Categorical(cells["weekday"], categories=list(WEEKDAYS), ordered=True)
            return cls(tuple(kept["by"]), kept["timezone"], kept["family"], cells)
        except (FileNotFoundError, IsADirectoryError):
            raise SourceMissingError(f"no file {str(path)!r}; a profile is written with Profile.save") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FormatError(f"{str(path)!r} is no profile as Profile.save writes it ({type(error).__name__}: {error})") from None

    def look_up(self, rows: Rows) -> np.ndarray:
        """Position in ``cells`` of each row, -1 where it has none.

        Raises
        ------
        OptionError
            If the profile is of other groups, another zone or another kind of value than the rows.
        """
        for what, kept, given in (
            ("by", self.by, rows.by),
            ("timezone", self.timezone, rows.timezone),
            ("family", self.family, FAMILIES[rows.family]),
        ):
            if kept != given:
                raise OptionError(f"the profile was made with {what}={kept!r}, the rows have {given!r}; say {what}= or freeze it anew")
        places: dict[tuple[Any, ...], int] = {}
        keys = [self.cells[name].astype(object).tolist() for name in self.by]
        for at, key in enumerate(zip(*keys, self.cells["weekday"].cat.codes.tolist(), self.cells["slot"].tolist(), strict=True)):
            places[key] = at
        names = _clock(rows.minutes)
        groups = [tuple(each) for each in rows.keys.astype(object).itertuples(index=False, name=None)] if rows.by else [()]
        table = np.array(
            [[[places.get((*group, weekday, name), -1) for name in names] for weekday in range(7)] for group in groups], dtype=np.int64
        )
        day = rows.day_of
        found: np.ndarray = table[rows.day_group[day], rows.day_weekday[day], rows.slot]
        return found


def tabulate_levels(rows: Rows, fitted: dict[str, np.ndarray], points: np.ndarray, kinds: np.ndarray) -> Profile:
    """The profile of what was fitted for each group, weekday and slot, in this order."""
    groups, slots = len(rows.keys), rows.slots
    cells = rows.keys.iloc[np.repeat(np.arange(groups), 7 * slots)].reset_index(drop=True)
    weekday = np.tile(np.repeat(np.arange(7), slots), groups)
    cells = cells.assign(
        weekday=pd.Categorical.from_codes(weekday, dtype=pd.CategoricalDtype(list(WEEKDAYS), ordered=True)),
        slot=pd.array(_clock(rows.minutes) * (7 * groups), dtype="str"),
        **fitted,
        points=points,
        kind=pd.array(kinds.tolist(), dtype="str"),
    )
    return Profile(rows.by, rows.timezone, FAMILIES[rows.family], cells)


def _clock(minutes: np.ndarray) -> list[str]:
    return [f"{each // 60:02d}:{each % 60:02d}" for each in minutes.tolist()]
