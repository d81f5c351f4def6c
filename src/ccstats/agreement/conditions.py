"""When a promise differs or does not count: days with another threshold, and stretches of time left out."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from ccstats.agreement.words import Flag, Model, Number, Refusal, Whole

__all__ = ["Exclusion", "ThresholdRule"]


def _date_alone(given: Any) -> Any:
    """A text without a time is a date, which would else be read as its midnight."""
    return dt.date.fromisoformat(given) if isinstance(given, str) and _DATE.fullmatch(given) else given


_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
LocalTime = Annotated[dt.datetime | dt.date, Field(union_mode="smart"), BeforeValidator(_date_alone)]


class ThresholdRule(Model):
    """On which days another threshold holds: those that fit any of its conditions.

    Parameters
    ----------
    threshold_s : float
        The threshold on these days. [s]
    days : list of str
        Days of the week, ``mon`` to ``sun``.
    holiday_neighbours : bool
        The working days just before and just after a holiday.
    working_day_of_month : int, optional
        Such as 5: the fifth working day of each month.

    Raises
    ------
    pydantic.ValidationError
        If it has no condition.

    Examples
    --------
    >>> ThresholdRule(threshold_s=90, days=["mon"], working_day_of_month=5).threshold_s
    90.0
    """

    threshold_s: Number = Field(gt=0)
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ()
    holiday_neighbours: Flag = False
    working_day_of_month: Whole | None = Field(default=None, ge=1, le=31)

    @model_validator(mode="after")
    def _some_day(self) -> ThresholdRule:
        if not self.days and not self.holiday_neighbours and self.working_day_of_month is None:
            raise Refusal("on which days? Give days, holiday_neighbours = true or working_day_of_month")
        return self


class Exclusion(Model):
    """A stretch of time that does not count, such as abnormal operating conditions that both sides agreed on.

    Parameters
    ----------
    start, end : date or datetime
        Local time of the agreement. Of two dates both count whole; of two instants ``end`` no longer belongs to it.
    reason : str
        Why; it is shown beside the figure.

    Raises
    ------
    pydantic.ValidationError
        If it ends before it begins, mixes a date with an instant, or has a zone of its own.

    Examples
    --------
    >>> Exclusion(start="2026-03-02", end="2026-03-03", reason="storm").span()
    (datetime.datetime(2026, 3, 2, 0, 0), datetime.datetime(2026, 3, 4, 0, 0))
    """

    start: LocalTime
    end: LocalTime
    reason: str = Field(min_length=1)

    @model_validator(mode="after")
    def _in_order(self) -> Exclusion:
        for key, each in (("start", self.start), ("end", self.end)):
            if isinstance(each, dt.datetime) and each.tzinfo is not None:
                raise Refusal(f"{key} has a zone of its own; write local time, such as 2026-03-02T14:00:00", key)
        if isinstance(self.start, dt.datetime) != isinstance(self.end, dt.datetime):
            raise Refusal("start and end are either two dates, both whole, or two instants", "end")
        begin, end = self.span()
        if end <= begin:
            raise Refusal(f"it ends at {self.end} and begins at {self.start}", "end")
        return self

    def span(self) -> tuple[dt.datetime, dt.datetime]:
        """Begin and end on the local clock, the end not included.

        Returns
        -------
        (datetime.datetime, datetime.datetime)

        Examples
        --------
        >>> Exclusion(start="2026-03-02T08:00", end="2026-03-02T12:00", reason="power cut").span()[1].hour
        12
        """
        if isinstance(self.start, dt.datetime) and isinstance(self.end, dt.datetime):
            return self.start, self.end
        midnight = dt.time()
        return dt.datetime.combine(self.start, midnight), dt.datetime.combine(self.end, midnight) + dt.timedelta(days=1)
