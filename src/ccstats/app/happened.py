"""What happened: incidents, the intervals of one, the contacts of an interval. Each step is one function of the library."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ccstats.app.centre import Centre
from ccstats.errors import DataWarning, OptionError
from ccstats.report.deviation_report import DeviationReport, build_deviation_report
from ccstats.service.listing import list_contacts
from ccstats.service.ratios import measure_service

__all__ = ["METRICS_JUDGED", "Happened"]

#: What can be judged, the first by default.
METRICS_JUDGED = ("service_level", "abandonment_rate", "asa_s", "aht_s", "offered")
#: So many intervals before and after an incident are shown.
_AROUND = 3
_INTERVAL = ("interval_start", "offered", "answered", "abandoned", "service_level", "asa_s", "abandonment_rate", "aht_s")
#: Of contacts: no free text, no number that somebody was sent to.
_CONTACT = ("contact_id", "visit", "queued_at", "outcome", "wait_s", "ring_s", "talk_s", "hold_s", "wrap_s", "customer")


@dataclass(frozen=True)
class Judged:
    """One metric judged, with what the library warned of."""

    report: DeviationReport
    notes: tuple[str, ...]


class Happened:
    """Incidents of a centre, judged once a metric when they are asked for.

    Parameters
    ----------
    centre : Centre
        With intervals.
    agent_names : bool
        Show agents of contacts.

    Examples
    --------
    >>> import ccstats as cc
    >>> from ccstats.app.centre import open_centre
    >>> happened = Happened(open_centre([cc.sample_log()], timezone="Europe/Berlin"))
    >>> incident = happened.incident("service_level", happened.judge("service_level").report.incidents["incident"][0])
    >>> rows = happened.intervals(incident)
    >>> worst = rows.loc[rows["service_level"].idxmin()]
    >>> contacts = happened.contacts(incident["queue"], worst["interval_start"])
    >>> len(contacts) == worst["offered"], "agent" in contacts
    (np.True_, False)
    """

    def __init__(self, centre: Centre, *, agent_names: bool = False) -> None:
        self.centre, self._names = centre, agent_names
        self._judged: dict[str, Judged] = {}

    def judge(self, metric: str) -> Judged:
        """The deviations of one metric.

        Raises
        ------
        CcstatsError
            If it cannot be judged.

        Examples
        --------
        >>> Happened.judge.__name__
        'judge'
        """
        if metric not in METRICS_JUDGED or self.centre.intervals is None:
            raise OptionError(f"{str(metric)[:40]!r} is not judged here; choose one of: {', '.join(METRICS_JUDGED)}")
        if metric not in self._judged:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always", DataWarning)
                report = build_deviation_report(
                    self.centre.intervals, self.centre.agent_intervals, metric=metric, timezone=self.centre.timezone
                )
            notes = dict.fromkeys(str(each.message) for each in said if issubclass(each.category, DataWarning))
            self._judged[metric] = Judged(report, tuple(notes))
        return self._judged[metric]

    def incident(self, metric: str, number: Any) -> dict[str, Any]:
        """One incident, by its number.

        Raises
        ------
        OptionError
            If there is none of this number.

        Examples
        --------
        >>> Happened.incident.__name__
        'incident'
        """
        incidents = self.judge(metric).report.incidents
        found = incidents[incidents["incident"].astype("str") == str(number)]
        if not len(found):
            raise OptionError(f"there is no incident {str(number)[:40]!r} of {metric}")
        row: dict[str, Any] = {str(name): value for name, value in found.iloc[0].items()}
        return row | {"queue": str(row["queue"])}

    def points(self, incident: dict[str, Any]) -> pd.DataFrame:
        """The points of an incident's queue and metric, over its own day.

        Examples
        --------
        >>> Happened.points.__name__
        'points'
        """
        points = self.judge(str(incident["metric"])).report.points
        first, last = incident["started_at"].normalize(), incident["ended_at"]
        here = (points["queue"].astype("str") == incident["queue"]) & (points["period_start"] >= first)
        return points[here & (points["period_start"] < max(last, first + pd.DateOffset(days=1)))].reset_index(drop=True)

    def intervals(self, incident: dict[str, Any]) -> pd.DataFrame:
        """The intervals of an incident, with some before and after, and what was to be expected in each.

        Examples
        --------
        >>> Happened.intervals.__name__
        'intervals'
        """
        table: Any = self.centre.intervals
        mine = table[table["queue"].astype("str") == incident["queue"]].reset_index(drop=True)
        during = (mine["interval_start"] >= incident["started_at"]) & (mine["interval_start"] < incident["ended_at"])
        places = during.to_numpy().nonzero()[0]
        shown = mine.iloc[max(0, places[0] - _AROUND) : places[-1] + 1 + _AROUND] if len(places) else mine.iloc[:0]
        service = measure_service(shown, by="queue", period="interval", timezone=self.centre.timezone)
        service = service.rename(columns={"period_start": "interval_start"})
        service = service[[name for name in _INTERVAL if name in service]]
        usual = self.points(incident).set_index("period_start")[["baseline", "signal"]]
        return service.join(usual.rename(columns={"baseline": f"expected_{incident['metric']}"}), on="interval_start")

    def contacts(self, queue: str, start: Any) -> pd.DataFrame:
        """The contacts that one interval counted as offered.

        Raises
        ------
        OptionError
            If there are only counts, or no such moment.

        Examples
        --------
        >>> Happened.contacts.__name__
        'contacts'
        """
        contacts = self.centre.contacts
        if contacts is None:
            raise OptionError(f"{self.centre.title[:80]} holds counts of intervals, no single contacts")
        found = list_contacts(
            contacts,
            measure="offered",
            period="interval",
            timezone=self.centre.timezone,
            every=self.centre.every,
            threshold_s=self.centre.threshold_s,
            queue=queue,
            period_start=start,
        )
        names = [*_CONTACT, *(["agent"] if self._names else [])]
        shown = found[[name for name in names if name in found]]
        empty = [name for name in shown if shown[name].isna().all() and name not in ("contact_id", "outcome")]
        local = shown["queued_at"].dt.tz_convert(self.centre.timezone)
        return shown.assign(queued_at=local).drop(columns=empty).reset_index(drop=True)
