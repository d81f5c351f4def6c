"""How the service was: day by day with limits and incidents, by weekday and time of day, and how long people waited."""

from __future__ import annotations

import pandas as pd

from ccstats.deviations.charts import find_deviations
from ccstats.deviations.incidents import list_incidents
from ccstats.labels import number_text, phrase, vocabulary_word
from ccstats.privacy import suppress_cells
from ccstats.report.cells import short_name, unit_of
from ccstats.report.material import Material
from ccstats.report.parts import Chart, Grid, Items, Part, SheetChart, Text
from ccstats.report.scorecard_report import figure_text
from ccstats.report.sections._wording import extremes, incident_line, safe_names, titled
from ccstats.report.statistics import split_waits
from ccstats.service.ratios import measure_service

__all__ = ["days", "intraday", "waits"]

_DAYS = ("period_start", "value", "count", "baseline", "lower", "upper", "direction")
#: So many queues have a chart of their own, those with most contacts.
_QUEUES = 4
_WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def days(material: Material) -> list[Part] | str:
    """Service level by day with its limits, and incidents named.

    Examples
    --------
    >>> days.__name__
    'days'
    """
    from ccstats import plots

    lang, metric = material.lang, material.definition
    unit = unit_of(metric)
    points = find_deviations(material.intervals, metric=metric, by=(), period="day", timezone=material.timezone)
    incidents = list_incidents(points, intervals=material.intervals)
    least = material.suppress_below
    if least:
        points = suppress_cells(
            points.assign(count=points["count"].fillna(0).astype("int64")), count="count", by="period_start", at_least=least, margins=False
        )
        incidents = incidents[incidents["contacts"] >= least]
    said = [incident_line(row, metric, pd.DataFrame(), lang) for row in incidents.to_dict("records")]
    alt = f"{_extremes(points, metric, lang)} {phrase('page_signals', lang, count=number_text(points['signal'].sum(), lang=lang))}"
    parts: list[Part] = [
        Text(phrase("page_days", lang)),
        Chart("days", phrase("all_queues", lang), alt, lambda ax: plots.control_chart(points, ax=ax, lang=lang)),
    ]
    if not least:
        for queue in material.busiest(_QUEUES) if len(material.busiest(2)) > 1 else []:
            name, own = short_name(queue), material.days.points
            own = own[own["queue"].astype("str") == queue].reset_index(drop=True)
            drawn = safe_names(own)
            parts.append(
                Chart(
                    f"days-{len(parts)}",
                    name,
                    f"{name}. {_extremes(own, metric, lang)}",
                    lambda ax, drawn=drawn: plots.control_chart(drawn, ax=ax, lang=lang),  # type: ignore[misc]
                    (9.0, 2.8),
                )
            )
        parts += material.not_all(_QUEUES)
        causes, found = material.days.causes, material.days.incidents
        for row in found.to_dict("records"):
            said.append(incident_line(row, metric, causes[causes["incident"] == row["incident"]], lang))
        listed = Grid.of(
            "incidents",
            found,
            show=("queue", "started_at", "ended_at", "direction", "value", "baseline", "difference", "contacts"),
            lang=lang,
            period="day",
            units=dict.fromkeys(("value", "baseline", "difference"), unit),
            folded=True,
        )
    parts.append(Items(tuple(said)) if said else Text(phrase("page_no_incidents", lang)))
    parts.append(Text(phrase("page_limits", lang), note=True))
    table = _as_metric(points, metric)
    shown = [metric if name == "value" else name for name in _DAYS]
    title = phrase("page_by_day", lang)
    chart = SheetChart("line", "period_start", (metric, "baseline", "lower", "upper"))
    units = dict.fromkeys(("baseline", "lower", "upper"), unit)
    parts.append(Grid.of("service_by_day", table, show=shown, lang=lang, period="day", title=title, units=units, folded=True, chart=chart))
    if not least and len(found):
        parts.append(listed)
    return parts


def _as_metric(points: pd.DataFrame, metric: str) -> pd.DataFrame:
    return points.rename(columns={"value": metric}).drop(columns=["metric"])


def _extremes(points: pd.DataFrame, metric: str, lang: str) -> str:
    return extremes(_as_metric(points, metric), metric, over="period_start", period="day", lang=lang)


def intraday(material: Material) -> list[Part] | str:
    """Weekday by time of day: service level and contacts.

    Examples
    --------
    >>> intraday.__name__
    'intraday'
    """
    from ccstats import plots

    lang, metric = material.lang, material.definition
    if material.suppress_below:
        return phrase("page_too_fine", lang)
    local = material.intervals["interval_start"].dt.tz_convert(material.timezone)
    weekdays = pd.Categorical(local.dt.day_name(), categories=_WEEK, ordered=True)
    cells = measure_service(material.intervals.assign(weekday=weekdays), by="weekday", period="slot", timezone=material.timezone)
    cells = cells[cells["weekday"].notna()]
    slots = measure_service(material.intervals, period="slot", timezone=material.timezone)
    parts: list[Part] = [
        Text(phrase("page_intraday", lang)),
        Chart(
            "heatmap",
            phrase("page_heatmap", lang),
            _busy(cells, metric, lang),
            lambda ax: plots.heatmap(material.intervals, metric=metric, ax=ax, lang=lang),
            (9.0, 4.0),
        ),
        Chart(
            "slots",
            phrase("page_slots", lang),
            f"{extremes(slots, metric, over='slot', lang=lang)} {extremes(slots, 'offered', over='slot', lang=lang)}",
            lambda ax: plots.service_by_interval(slots, metric=metric, target=material.target, ax=ax, lang=lang),
        ),
    ]
    for name in (metric, "offered"):
        wide = cells.set_index(["slot", "weekday"])[name].unstack().reindex(columns=list(_WEEK))  # noqa: PD010 - nothing is aggregated
        parts.append(_crossed(f"{name}_by_weekday", wide, name, lang))
    return parts


def _busy(cells: pd.DataFrame, metric: str, lang: str) -> str:
    named = cells.assign(
        place=[f"{vocabulary_word(str(day), 'weekday', lang)} {slot}" for day, slot in zip(cells["weekday"], cells["slot"], strict=True)]
    )
    return extremes(named[named["offered"] >= 10], metric, over="place", lang=lang)


def _crossed(key: str, wide: pd.DataFrame, name: str, lang: str) -> Grid:
    """Times of day down, weekdays across."""
    unit = unit_of(name)
    data = wide.rename_axis(columns=None).reset_index()
    data.columns = pd.Index(["slot", *_WEEK])
    shown = pd.DataFrame(
        {
            phrase("page_slot", lang): data["slot"].astype("str"),
            **{
                vocabulary_word(day, "weekday", lang): [figure_text(value, unit, lang) for value in data[day].astype("float64")]
                for day in _WEEK
            },
        },
        dtype="str",
    )
    title = f"{titled(name, lang)}, {phrase('page_heatmap', lang)}"
    return Grid(key, title, data, shown, ("slot", *_WEEK), folded=True, units=dict.fromkeys(_WEEK, unit))


def waits(material: Material) -> list[Part] | str:
    """How long people waited, answered or not, and how long they are willing to.

    Examples
    --------
    >>> waits.__name__
    'waits'
    """
    from ccstats import plots

    lang, service, log = material.lang, material.service, material.log
    if service is None or log is None or not len(service.waits):
        return phrase("page_too_fine", lang)
    period = service.period
    quantiles, within = split_waits(service.waits)
    parts: list[Part] = [Text(phrase("waits_note", lang))]
    contacts = log.contacts
    limit = material.threshold_s if isinstance(material.threshold_s, int | float) else None
    patience = material.patience
    told = patience.groups.iloc[0]
    if not material.suppress_below:
        parts.append(
            Chart(
                "wait-distribution",
                phrase("page_wait_distribution", lang),
                phrase(
                    "page_waits_alt",
                    lang,
                    answered=number_text(told["answered"], lang=lang),
                    longest=_seconds(told["longest_wait_s"], lang),
                ),
                lambda ax: plots.wait_distribution(contacts, threshold_s=limit, ax=ax, lang=lang),
            )
        )
        if told["abandoned"] > 0:
            mean = phrase(
                "page_patience",
                lang,
                mean=_seconds(patience.mean_s, lang),
                low=_seconds(patience.mean_low_s, lang),
                high=_seconds(patience.mean_high_s, lang),
            )
            parts += [
                Text(mean),
                Chart("patience", phrase("page_patience_title", lang), mean, lambda ax: plots.patience_curve(patience, ax=ax, lang=lang)),
            ]
    parts.append(Grid.of("waits", quantiles, show=[str(name) for name in quantiles.columns], lang=lang, period=period))
    parts.append(
        Grid.of(
            "waits_within",
            within,
            show=[str(name) for name in within.columns],
            lang=lang,
            period=period,
            title=_title_within(lang),
            folded=True,
        )
    )
    return parts


def _title_within(lang: str) -> str:
    return phrase("page_within", lang)


def _seconds(value: float, lang: str) -> str:
    return figure_text(float(value), "s", lang)
