"""What was agreed with the client: service level bought, queues and their hours, targets, and what they are worth.

It is one file because the agreement is one class; two thirds of it are docstrings.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator, model_validator

from ccstats.agreement.hours import OpeningHours
from ccstats.agreement.targets import Target
from ccstats.agreement.terms import Index, QueueTerms, ServiceLevel
from ccstats.agreement.words import Model, Refusal
from ccstats.errors import OptionError, ZoneError, did_you_mean
from ccstats.periods import Calendar, check_timezone

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Agreement"]


class Agreement(Model):
    """An agreement with a client organisation (EN 15838, 7.2): read from TOML, checked, and asked by the scorecard.

    Parameters
    ----------
    client : str
        Whom it was made with.
    name : str
        Its own name.
    timezone : str
        Zone whose days and hours count, such as ``Europe/Berlin``.
    currency : str, optional
        Of bonus and malus, three letters; needed where there is any.
    valid_from, valid_until : date, optional
        First and last day.
    service_level : ServiceLevel
        Which of the nine was bought; by default 20 s, of all offered.
    queues : dict of str to QueueTerms
        By name as in the log; empty: all queues of the log, on the defaults.
    calendars : dict of str to OpeningHours
        Opening hours by name.
    hours : str, optional
        The calendar of queues without one of their own.
    working_days : str, optional
        The calendar whose days and holidays are meant by working days, of complaints for example; by default that of ``hours``.
    targets : list of Target
        What was promised; names are unique.
    index : Index
        How they are weighed into one figure.
    note : str
        Anything else that a reader must know.

    Raises
    ------
    pydantic.ValidationError
        If parts do not fit; `from_toml` raises `FormatError` with file, line and key instead.

    See Also
    --------
    Target : one promise.

    Examples
    --------
    >>> import ccstats as cc
    >>> target = cc.Target(name="80/20", metric="service_level", op=">=", value=0.8)
    >>> agreement = cc.Agreement(client="Example", name="Hotline 2026", timezone="Europe/Berlin", targets=[target])
    >>> agreement.threshold_of("sales"), agreement.definition_of(target)
    (20.0, 'service_level')
    """

    client: str = Field(min_length=1)
    name: str = Field(min_length=1)
    timezone: str
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    valid_from: dt.date | None = None
    valid_until: dt.date | None = None
    note: str = ""
    hours: str | None = None
    working_days: str | None = None
    service_level: ServiceLevel = ServiceLevel()
    queues: dict[str, QueueTerms] = {}
    calendars: dict[str, OpeningHours] = {}
    index: Index = Index()
    targets: tuple[Target, ...] = ()

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        try:
            return check_timezone(name)
        except ZoneError as error:
            raise Refusal(str(error)) from None

    @model_validator(mode="after")
    def _fits(self) -> Agreement:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise Refusal(f"it ends on {self.valid_until}, before it begins on {self.valid_from}", "valid_until")
        for queue, terms in self.queues.items():
            if isinstance(terms.hours, str):
                self._check_calendar(terms.hours, "queues", queue, "hours")
        for key, name in (("hours", self.hours), ("working_days", self.working_days)):
            if name is not None:
                self._check_calendar(name, key)
        seen: set[str] = set()
        for at, target in enumerate(self.targets):
            if target.name in seen:
                raise Refusal(
                    f"two targets are called {target.name!r}; names must be unique, the index weighs by them", "targets", at, "name"
                )
            seen.add(target.name)
            for place, queue in enumerate(target.queues):
                if self.queues and queue not in self.queues:
                    raise Refusal(
                        f"queue {queue!r} is not in the agreement.{did_you_mean(queue, self.queues)}", "targets", at, "queues", place
                    )
            self._check_working_days(target, at)
            if target.money and self.currency is None:
                raise Refusal("bonus or malus without a currency; give currency, such as 'EUR', at the top", "targets", at, "money")
        for name in self.index.weights:
            if name not in seen:
                raise Refusal(f"no target is called {name!r}.{did_you_mean(name, seen)}", "index", "weights", name)
        return self

    def _check_calendar(self, name: str, *path: str) -> None:
        if name not in self.calendars:
            known = f"there are: {', '.join(self.calendars)}" if self.calendars else f"there is none: describe it in [calendars.{name}]"
            raise Refusal(f"there is no calendar {name!r}; {known}.{did_you_mean(name, self.calendars)}", *path)

    def _check_working_days(self, target: Target, at: int) -> None:
        """Without a calendar every day would silently be a working day."""
        if self.hours or self.working_days:
            return
        said = "the agreement does not say which days and hours are worked: give working_days = the name of a calendar"
        if target.calendar != "elapsed":
            raise Refusal(f"{target.calendar}: {said}", "targets", at, "calendar")
        queues = self.queues_of(target)
        if not queues or any(self.queues[queue].hours is None for queue in queues if queue in self.queues):
            for place, rule in enumerate(target.threshold_rules):
                if rule.holiday_neighbours or rule.working_day_of_month is not None:
                    raise Refusal(f"a rule for holidays or working days: {said}", "targets", at, "threshold_rules", place)

    def _terms(self, queue: str) -> QueueTerms:
        if self.queues and queue not in self.queues:
            hint = did_you_mean(queue, self.queues)
            raise OptionError(f"queue {queue!r} is not in the agreement {self.name!r}; it has: {', '.join(self.queues)}.{hint}")
        return self.queues.get(queue, QueueTerms())

    def threshold_of(self, queue: str, target: Target | None = None) -> float:
        """The threshold of a queue, or of a target in it (before its rules for single days).

        Parameters
        ----------
        queue : str
            As in the log.
        target : Target, optional
            Whose own threshold goes first.

        Returns
        -------
        float
            [s]

        Raises
        ------
        OptionError
            If the agreement names queues, and not this one.

        Examples
        --------
        >>> Agreement.preset("std_80_20").threshold_of("any queue")
        20.0
        """
        own = self._terms(queue).threshold_s
        if target is not None and target.threshold_s is not None:
            return target.threshold_s
        return own if own is not None else self.service_level.threshold_s

    def short_of(self, queue: str) -> float | None:
        """Up to which wait an abandon in a queue is short; None: no such rule.

        Parameters
        ----------
        queue : str
            As in the log.

        Returns
        -------
        float or None
            [s]

        Raises
        ------
        OptionError
            If the agreement names queues, and not this one.

        Examples
        --------
        >>> Agreement.preset("std_80_20").short_of("any queue") is None
        True
        """
        own = self._terms(queue).short_s
        return own if own is not None else self.service_level.short_s

    def hours_of(self, queue: str | None = None) -> OpeningHours | None:
        """The opening hours of a queue, or of the agreement; None: always open.

        Parameters
        ----------
        queue : str, optional
            As in the log.

        Returns
        -------
        OpeningHours or None

        Raises
        ------
        OptionError
            If the agreement names queues, and not this one.

        Examples
        --------
        >>> Agreement.preset("std_80_20").hours_of() is None
        True
        """
        own = None if queue is None else self._terms(queue).hours
        name = own if own is not None else self.hours
        return self.calendars[name] if isinstance(name, str) else name

    def calendar(self, queue: str | None = None) -> Calendar:
        """The calendar of a queue's opening hours, or without one that of working days.

        Parameters
        ----------
        queue : str, optional
            As in the log. Its own hours go first, then those of the agreement, then the working days; without a queue the working days go
            first.

        Returns
        -------
        ccstats.periods.Calendar
            In the agreement's zone; always open where none of them was agreed.

        Raises
        ------
        OptionError
            If the agreement names queues, and not this one.

        Examples
        --------
        >>> import pandas as pd
        >>> spain = Agreement.preset("es_ley_10_2025", timezone="Europe/Madrid").calendar()
        >>> spain.is_open(pd.to_datetime(["2026-10-09", "2026-10-10", "2026-10-12"]).tz_localize("Europe/Madrid")).tolist()
        [True, False, False]
        """
        hours = self.hours_of(queue)
        if self.working_days is not None and (queue is None or hours is None):
            hours = self.calendars[self.working_days]
        return Calendar(timezone=self.timezone) if hours is None else hours.calendar(self.timezone)

    def definition_of(self, target: Target) -> str:
        """Which metric is computed for a target: of ``service_level``, the definition bought.

        Examples
        --------
        >>> agreement = Agreement.preset("std_80_20")
        >>> agreement.definition_of(agreement.targets[0])
        'service_level'
        """
        if target.metric != "service_level":
            return target.metric
        return target.formula or self.service_level.definition

    def clock_of(self, target: Target) -> str:
        """Where the wait of a target begins.

        Examples
        --------
        >>> agreement = Agreement.preset("std_80_20")
        >>> agreement.clock_of(agreement.targets[0])
        'queued'
        """
        return target.clock or self.service_level.clock

    def queues_of(self, target: Target) -> tuple[str, ...]:
        """The agreement's queues that a target is about; empty where the agreement names none and the target neither: all of the log.

        Examples
        --------
        >>> agreement = Agreement.preset("std_80_20")
        >>> agreement.queues_of(agreement.targets[0])
        ()
        """
        named = target.queues or tuple(self.queues)
        return tuple(queue for queue in named if not target.channels or self._terms(queue).channel in target.channels)

    def weight_of(self, target: Target) -> float:
        """The weight of a target in the index.

        Examples
        --------
        >>> agreement = Agreement.preset("std_80_20")
        >>> agreement.weight_of(agreement.targets[0])
        1.0
        """
        return self.index.weights.get(target.name, target.weight)

    def describe(self) -> str:
        """All of it in words: what was bought, when it is open, every target with its source, date and confidence.

        Returns
        -------
        str
            Several lines.

        Examples
        --------
        >>> "check the current text" in Agreement.preset("tr_btk_2012").describe()
        True
        """
        from ccstats.agreement.describing import describe_agreement

        return describe_agreement(self)

    @classmethod
    def from_toml(cls, source: str | Path) -> Agreement:
        """Read an agreement from a TOML file, or from a text that has several lines.

        Parameters
        ----------
        source : str or pathlib.Path
            Path of the file, or the text itself.

        Returns
        -------
        Agreement

        Raises
        ------
        SourceMissingError
            If there is no such file.
        FormatError
            If it is no TOML, or no agreement: every problem with file, line and key.

        Examples
        --------
        >>> import ccstats as cc
        >>> cc.Agreement.from_toml(cc.sample_file("agreement.toml")).client
        'Example client'
        """
        from ccstats.agreement.toml_files import read_agreement

        return read_agreement(source)

    def to_toml(self) -> str:
        """The agreement as TOML, from which `from_toml` makes an equal one; what is as usual is left out.

        Returns
        -------
        str

        Examples
        --------
        >>> agreement = Agreement.preset("it_arera_water", timezone="Europe/Rome")
        >>> Agreement.from_toml(agreement.to_toml()) == agreement
        True
        """
        from ccstats.agreement.toml_files import write_agreement

        return write_agreement(self)

    @classmethod
    def preset(
        cls,
        preset: str,
        *,
        timezone: str = "UTC",
        client: str = "(no client named)",
        reading: str | None = None,
        clock: str | None = None,
        changes: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Agreement:
        """An agreement with the targets of a regulator, or of the market, as far as our sources tell them.

        Parameters
        ----------
        preset : str
            An ``id`` of `presets`.
        timezone : str
            Zone whose days and hours count.
        client : str
            Whom the agreement is with.
        reading : str, optional
            Where a text can be read in several ways, or has variants, which; by default the first.
        clock : str, optional
            ``queued`` or ``arrived``: put it in place of clocks that start within the voice menu and that few logs have. Whoever gives it
            says that the two begin together.
        changes : mapping of str to mapping, optional
            By name of a target, fields to set: the ``value`` where each operator sets its own, ``queues``, ``limit``, …

        Returns
        -------
        Agreement
            Every target with source, date, confidence, and the note to check the current text.

        Raises
        ------
        OptionError
            If there is no such preset, reading, clock or target, or a change does not fit.

        Notes
        -----
        Nothing here is legal advice. No standard sets these values: EN 15838 and ISO 18295 say what to measure, not what to reach.

        Examples
        --------
        >>> import ccstats as cc
        >>> target = cc.Agreement.preset("tr_btk_2012", timezone="Europe/Istanbul").targets[0]
        >>> target.threshold_s, target.value, target.confidence, target.as_of.isoformat()
        (20.0, 0.8, 'C', '2013-11-27')
        """
        from ccstats.agreement.presets import load_preset

        return load_preset(preset, timezone=timezone, client=client, reading=reading, clock=clock, changes=changes or {})

    @staticmethod
    def presets() -> pd.DataFrame:
        """Every target of every preset.

        Returns
        -------
        pandas.DataFrame
            ``id, jurisdiction, reading`` (empty: the only one), ``target, metric, statistic, threshold_s, op, value`` (missing: each
            operator sets its own), ``unit, period, source, as_of, confidence, note``.

        Examples
        --------
        >>> table = Agreement.presets()
        >>> sorted(set(table["confidence"]))
        ['A', 'B', 'C']
        """
        from ccstats.agreement.presets import tabulate_presets

        return tabulate_presets()

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON Schema (draft 2020-12) of an agreement, for editors.

        Returns
        -------
        dict
            It knows keys, types and words; what parts must fit together, `from_toml` checks.

        Examples
        --------
        >>> Agreement.json_schema()["additionalProperties"]
        False
        """
        from ccstats.agreement.editor_schema import build_schema

        return build_schema(cls)
