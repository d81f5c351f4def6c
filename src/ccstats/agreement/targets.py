"""What was promised: one figure, how it is measured, the value it must reach, and where that comes from."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any, Literal

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from ccstats.agreement.conditions import Exclusion, ThresholdRule
from ccstats.agreement.money import Step, check_steps, money_of
from ccstats.agreement.words import DAYS, Clock, Flag, Model, Number, Refusal, Whole, check_metric, unit_of
from ccstats.metrics import METRICS, NOT_OFFERED, SERVICE_LEVELS
from ccstats.periods import Calendar, weekday_of

__all__ = ["Target"]

#: Shares by name that are quotients of other things, and can be far above 1.
_UNBOUNDED = {"concurrency"}
#: Quotients that can be above 1, but not by as much as a percentage would be; some below 0.
_LOOSE = {"mape", "wape", "forecast_bias", "agent_turnover", "conformance", "occupancy_planned", "staffing_variance"}
_LOOSE_LIMIT = 2.0
#: Metrics that are nothing without a time limit.
_LIMITED = {"complaint_on_time_rate", "response_sl"}
_POINTS = {"points": 100.0, "0..100": 100.0}


def _leave_out_what_is_filled(schema: dict[str, Any]) -> None:
    schema["required"] = [key for key in schema["required"] if key not in ("statistic", "unit")]


class Target(Model):
    """One promise: a metric, how it is measured, and the value it must reach.

    Parameters
    ----------
    name : str
        What the agreement calls it; each name once.
    metric : str
        A name of `ccstats.metrics.METRICS`. With ``service_level`` the definition of ``formula`` or of the agreement is meant, whichever of
        the nine that is; another service level means itself.
    statistic : str
        ``share_within`` (of a service level: the share within the threshold), ``ratio``, ``mean``, ``max``, ``quantile`` or ``count``; by
        default what the metric is.
    probability : float, optional
        Of a quantile; of a mean, the share of contacts with the shortest times that it is taken over. [0-1]
    threshold_s : float, optional
        Of a service level; by default that of the queue. [s]
    threshold_rules : list of ThresholdRule
        Days with another threshold; the first rule that fits a day holds.
    op : str
        ``>=``, ``>``, ``<=``, ``<`` or ``between`` (both ends included).
    value : float or (float, float), optional
        What it must reach; shares as 0-1. Missing where each operator sets its own: then the target is not decidable. [unit]
    unit : str
        Unit of ``value``, by default that of the metric.
    clock : str, optional
        Where the wait begins: ``queued``, ``arrived``, ``human_option``, ``first_ring``; by default that of the agreement.
    formula : str, optional
        One of the nine service levels, by default that of the agreement.
    queues, channels : list of str
        Empty: all.
    applies_to : str
        In words, the contacts that are meant where not all are, such as ``emergency calls``; not decidable until ``queues`` names theirs.
    by_queue : bool
        Whether each queue is judged apart, or all of them together.
    period : str, optional
        ``interval``, ``day``, ``week``, ``month``, ``quarter`` or ``year``: what the value is taken over; by default that of the scorecard.
    k, n : int, optional
        Kept if at least ``k`` of ``n`` consecutive periods meet it.
    exclude : list of Exclusion
        Time that does not count.
    margin_adjusted : bool
        Met unless the confidence limit misses it too.
    confidence_level : float
        Of that limit. [0-1]
    calendar : str
        How ``limit`` is counted: ``elapsed``, ``working_hours`` or ``working_days``.
    limit : float, optional
        The time limit behind an on-time share. [s; with ``working_days`` working days]
    source, as_of, confidence
        Who says so, as of which day, and how sure that is: ``A`` official text, ``B`` several who agree, ``C`` one or the press.
    weight : float
        In the index.
    money : list of Step
        Bonus and malus, for each period and queue that is judged.
    note : str
        Anything else that a reader must know.

    Raises
    ------
    pydantic.ValidationError
        If the metric is not known, a value is out of range (80 for 0.80), or parts do not fit together.

    Examples
    --------
    >>> import ccstats as cc
    >>> target = cc.Target(name="80/20", metric="service_level", threshold_s=20, op=">=", value=0.80)
    >>> target.statistic, target.is_met(0.81), target.is_met(0.79)
    ('share_within', True, False)
    """

    model_config = ConfigDict(json_schema_extra=_leave_out_what_is_filled)

    name: str = Field(min_length=1)
    metric: str
    statistic: Literal["share_within", "mean", "max", "quantile", "ratio", "count"]
    op: Literal[">=", "<=", ">", "<", "between"]
    value: Number | tuple[Number, Number] | None = None
    unit: str
    probability: Number | None = Field(default=None, gt=0, lt=1)
    threshold_s: Number | None = Field(default=None, gt=0)
    threshold_rules: tuple[ThresholdRule, ...] = ()
    clock: Clock | None = None
    formula: str | None = None
    queues: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    applies_to: str = ""
    by_queue: Flag = True
    period: Literal["interval", "day", "week", "month", "quarter", "year"] | None = None
    k: Whole | None = Field(default=None, ge=1)
    n: Whole | None = Field(default=None, ge=1)
    exclude: tuple[Exclusion, ...] = ()
    margin_adjusted: Flag = False
    confidence_level: Number = Field(default=0.95, gt=0, lt=1)
    calendar: Literal["elapsed", "working_days", "working_hours"] = "elapsed"
    limit: Number | None = Field(default=None, gt=0)
    source: str = ""
    as_of: dt.date | None = None
    confidence: Literal["A", "B", "C"] | None = None
    weight: Number = Field(default=1.0, ge=0)
    money: tuple[Step, ...] = ()
    note: str = ""

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any) -> Any:
        """What follows from the metric is filled in, so that the finished agreement says it."""
        if not isinstance(data, dict) or not isinstance(data.get("metric"), str):
            return data
        name = data["metric"].strip()
        try:
            check_metric(name)
        except Refusal as error:
            raise Refusal(str(error), "metric") from None
        filled = {"statistic": _statistic(name), "unit": unit_of(name), **data}
        if filled["statistic"] == "quantile" and name in METRICS and METRICS[name].probability is not None:
            filled.setdefault("probability", METRICS[name].probability)
        return filled

    @model_validator(mode="after")
    def _fits(self) -> Target:
        self._check_statistic()
        self._check_value()
        if (self.k is None) != (self.n is None):
            raise Refusal("k of n periods: give both, such as k = 10, n = 12", "k" if self.n is None else "n")
        if self.k is not None and self.n is not None and self.k > self.n:
            raise Refusal(f"k = {self.k} of n = {self.n} periods can never be; give k <= n, such as k = 10, n = 12", "k")
        if self.calendar == "working_days" and self.limit is not None and self.limit != int(self.limit):
            raise Refusal(f"limit = {self.limit:g}: working days are whole", "limit")
        # Frozen means that nobody else may; the steps are only filled in.
        object.__setattr__(self, "money", check_steps(self.money, op=self.op))
        return self

    def _check_statistic(self) -> None:
        if self.unit != unit_of(self.metric):
            text = "shares are written as 0-1" if unit_of(self.metric) == "ratio" else "leave the key out"
            raise Refusal(f"unit = {self.unit!r}, but {self.metric} is measured in {unit_of(self.metric)!r}: {text}", "unit")
        level = self.metric in SERVICE_LEVELS
        if self.statistic == "share_within" and not level:
            raise Refusal(f"share_within is the statistic of a service level, and {self.metric} is none; leave statistic out", "statistic")
        if level and self.statistic not in ("share_within", "ratio"):
            raise Refusal(f"a service level is a share_within, not a {self.statistic}", "statistic")
        if self.unit == "ratio" and self.statistic not in ("share_within", "ratio", "mean"):
            raise Refusal(f"{self.metric} is a ratio; it has no {self.statistic}", "statistic")
        kind = METRICS[self.metric].kind if self.metric in METRICS else ""
        if kind in ("max", "quantile") and self.statistic != kind:
            raise Refusal(f"{self.metric} is a {kind}, not a {self.statistic}; leave statistic out", "statistic")
        if self.unit == "s" and self.statistic not in ("mean", "max", "quantile"):
            raise Refusal(f"{self.metric} is a time: a mean, max or quantile, not a {self.statistic}", "statistic")
        if kind == "quantile" and self.probability != METRICS[self.metric].probability:
            raise Refusal(f"{self.metric} is the quantile at {METRICS[self.metric].probability}; leave probability out", "probability")
        if self.statistic == "quantile" and self.probability is None:
            raise Refusal("which quantile? Give probability, such as 0.9", "statistic")
        if self.probability is not None and self.statistic not in ("quantile", "mean"):
            raise Refusal(f"probability belongs to a quantile or a mean, not to {self.statistic}", "probability")
        for key, given in (("threshold_s", self.threshold_s), ("threshold_rules", self.threshold_rules), ("formula", self.formula)):
            if given and not level:
                raise Refusal(f"{key} belongs to a service level, and {self.metric} is none", key)
        if self.formula is not None:
            if self.formula not in SERVICE_LEVELS:
                raise Refusal(f"formula = {self.formula!r} is none of the nine service levels: {', '.join(SERVICE_LEVELS)}", "formula")
            if self.metric not in ("service_level", self.formula):
                raise Refusal(f"metric {self.metric} is a definition of its own; formula = {self.formula!r} contradicts it", "formula")

    def _check_value(self) -> None:
        if self.value is None:
            if self.money:
                raise Refusal("money without a value to reach; give value", "money")
            return
        pair = isinstance(self.value, tuple)
        if pair != (self.op == "between"):
            raise Refusal(
                "'between' takes two values, such as [0.05, 0.08]" if not pair else f"{self.op} takes one value, not two", "value"
            )
        ends = self.value if isinstance(self.value, tuple) else (self.value,)
        if ends[0] > ends[-1]:
            raise Refusal(f"between {ends[0]:g} and {ends[-1]:g} there is nothing; the lower end stands first", "value")
        for each in (*ends, *(step.edge for step in self.money)):
            self._check_range(each)

    def _check_range(self, each: float) -> None:
        if self.unit == "ratio" and self.metric not in _UNBOUNDED:
            loose = self.metric in _LOOSE
            low, high = (-_LOOSE_LIMIT, _LOOSE_LIMIT) if loose else (0.0, 1.0)
            if not low <= each <= high:
                hint = f"; write {each / 100:g} for {each:g} %" if 0 < each <= 100 else ""
                raise Refusal(f"{each:g} is out of range: {self.metric} is a share, 0-1{hint}", "value")
        elif self.unit in _POINTS:
            low = -_POINTS[self.unit] if self.unit == "points" else 0.0
            if not low <= each <= _POINTS[self.unit]:
                raise Refusal(f"{each:g} is out of range: {self.metric} runs from {low:g} to {_POINTS[self.unit]:g}", "value")
        elif each < 0 and self.unit in ("s", "h", "d", "count", "per 1000", "currency"):
            raise Refusal(f"{each:g} is out of range: {self.metric} is never negative", "value")

    @property
    def lacks(self) -> str:
        """Why it cannot be decided as it is written, whatever the data say; empty where it can.

        Examples
        --------
        >>> Target(name="own", metric="asa_s", op="<=").lacks
        'no value is agreed: give value'
        """
        if self.value is None:
            return "no value is agreed: give value"
        if self.applies_to and not self.queues:
            return f"it is about {self.applies_to}: name their queues in queues"
        if self.metric in _LIMITED and self.limit is None:
            return "no time limit is agreed: give limit"
        if self.metric in NOT_OFFERED:
            return f"{self.metric} is not offered: it needs {NOT_OFFERED[self.metric]}"
        return ""

    def bounds(self) -> tuple[float, float]:
        """Lowest and highest value that meets it.

        Returns
        -------
        (float, float)
            NaN: open on that side, or no value agreed. Of ``>`` and ``<`` the end itself does not meet it. [unit]

        Examples
        --------
        >>> Target(name="wait", metric="asa_s", op="<=", value=60).bounds()
        (nan, 60.0)
        """
        if self.value is None:
            return math.nan, math.nan
        if isinstance(self.value, tuple):
            return self.value
        return (self.value, math.nan) if self.op in (">=", ">") else (math.nan, self.value)

    def is_met(self, value: float, *, low: float = math.nan, high: float = math.nan) -> bool | None:
        """Whether a measured value meets it.

        Parameters
        ----------
        value : float
            What was measured. [unit]
        low, high : float
            Its confidence limits; looked at where the target is margin adjusted. Without them the value itself counts. [unit]

        Returns
        -------
        bool or None
            None where nothing was measured, or the target has no value.

        Examples
        --------
        >>> target = Target(name="hold", metric="asa_s", op="<=", value=120, margin_adjusted=True)
        >>> target.is_met(125.0, low=118.0, high=132.0), target.is_met(125.0, low=121.0, high=129.0)
        (True, False)
        """
        if self.value is None or math.isnan(value):
            return None
        best_low = low if self.margin_adjusted and not math.isnan(low) else value
        best_high = high if self.margin_adjusted and not math.isnan(high) else value
        if isinstance(self.value, tuple):
            return best_high >= self.value[0] and best_low <= self.value[1]
        return {
            ">=": best_high >= self.value,
            ">": best_high > self.value,
            "<=": best_low <= self.value,
            "<": best_low < self.value,
        }[self.op]

    def money_for(self, value: float) -> float:
        """Bonus (positive) or malus (negative) for one measured value.

        Parameters
        ----------
        value : float
            What was measured in one period. [unit]

        Returns
        -------
        float
            0 where no step applies; NaN without any step, or where nothing was measured. [currency of the agreement]

        Examples
        --------
        >>> malus = {"per": 0.01, "from": 0.80, "amount": -100, "cap": -1000}
        >>> target = Target(name="80/20", metric="service_level", op=">=", value=0.80, money=[malus])
        >>> target.money_for(0.775), target.money_for(0.80), target.money_for(0.50)
        (-200.0, 0.0, -1000.0)
        """
        return money_of(self.money, value)

    def thresholds_at(self, instants: Any, *, calendar: Calendar, threshold_s: float) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The threshold on the day of each instant, by the rules.

        Parameters
        ----------
        instants : pandas.Series, pandas.DatetimeIndex or array
            With a time zone.
        calendar : Calendar
            Whose working days and holidays count, and whose zone.
        threshold_s : float
            Where no rule fits and the target has no threshold of its own. [s]

        Returns
        -------
        numpy.ndarray
            [s]

        Examples
        --------
        >>> import pandas as pd
        >>> rules = [{"threshold_s": 90, "days": ["mon"]}]
        >>> target = Target(name="wait", metric="service_level", op=">=", value=1, threshold_s=45, threshold_rules=rules)
        >>> days = pd.to_datetime(["2026-06-07 12:00", "2026-06-08 12:00"], utc=True)
        >>> target.thresholds_at(days, calendar=Calendar(), threshold_s=20)
        array([45., 90.])
        """
        day = weekday_of(instants, timezone=calendar.timezone).codes
        found = np.full(len(day), self.threshold_s if self.threshold_s is not None else threshold_s, dtype="float64")
        for rule in reversed(self.threshold_rules):
            fits = np.isin(day, [DAYS.index(each) for each in rule.days])
            if rule.holiday_neighbours:
                fits |= calendar.is_holiday_neighbour(instants)
            if rule.working_day_of_month is not None:
                fits |= calendar.working_day_of_month(instants) == rule.working_day_of_month
            found[fits] = rule.threshold_s
        return found


def _statistic(metric: str) -> str:
    """What a metric is by itself."""
    if metric in SERVICE_LEVELS:
        return "share_within"
    kind = METRICS[metric].kind if metric in METRICS else "ratio"
    if kind == "computed":
        unit = unit_of(metric)
        return "mean" if unit in ("s", "score") else "count" if unit == "count" else "ratio"
    return {"sum": "count"}.get(kind, kind)
