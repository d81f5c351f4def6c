"""The analyst's view: what deviates, then the intervals of one incident, then the contacts of one interval."""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from ccstats.app.charts import Charts
from ccstats.app.happened import METRICS_JUDGED, Happened
from ccstats.app.parts import aria, choice, grid, notes, pressed
from ccstats.labels import metric_title, moment_text, number_text, phrase
from ccstats.metrics import METRICS
from ccstats.report.cells import short_name

__all__ = ["contacts_of", "happened_controls", "incidents_of", "intervals_of"]

#: So many rows of contacts, and incidents, are put on a page.
_MOST = 500


def happened_controls(lang: str) -> list[Any]:
    """What is judged, and the places where incidents, intervals and contacts go.

    Examples
    --------
    >>> [part.id for part in happened_controls("en")[1:]]
    ['judged', 'incident', 'incident-intervals', 'interval-contacts']
    """
    return [
        choice("metric", phrase("app_judged", lang), {name: metric_title(name, lang) for name in METRICS_JUDGED}),
        html.Div(id="judged"),
        dcc.Store(id="incident"),
        html.Div(id="incident-intervals"),
        html.Div(id="interval-contacts"),
    ]


def incidents_of(happened: Happened, metric: str, lang: str) -> list[Any]:
    """How a metric was judged, and its incidents to choose from.

    Examples
    --------
    >>> incidents_of.__name__
    'incidents_of'
    """
    judged = happened.judge(metric)
    incidents = judged.report.incidents.head(_MOST)
    items = []
    for number, said, why in zip(incidents["incident"], incidents["in_words"], incidents["why"], strict=True):
        words: list[Any] = [short_name(str(said), 400), *([html.Span(short_name(str(why), 400), className="why")] if why else [])]
        name = {"kind": "incident", "number": str(number)}
        items.append(html.Li(html.Button(words, id=name, type="button", **aria(pressed=pressed(False)))))
    title = phrase("app_incidents", lang) if items else phrase("app_no_incidents", lang)
    meaning = f"{metric_title(metric, lang)} = {METRICS[metric].formula}"
    return [html.H2(title), html.P(meaning, className="meaning"), notes(judged.notes), html.Ol(items, className="incidents")]


def intervals_of(happened: Happened, charts: Charts, metric: str, number: str, lang: str) -> list[Any]:
    """The intervals of an incident; each can be chosen.

    Examples
    --------
    >>> intervals_of.__name__
    'intervals_of'
    """
    incident = happened.incident(metric, number)
    table, points, queue = happened.intervals(incident), happened.points(incident), incident["queue"]

    def draw(ax: Any) -> None:
        from ccstats.plots import control_chart

        control_chart(points.assign(queue=points["queue"].astype("str")), timezone=happened.centre.timezone, lang=lang, ax=ax)

    starts = [moment_text(start, period="interval", lang=lang) for start in table["interval_start"]]
    buttons = [
        html.Button(start, id={"kind": "interval", "queue": queue, "start": moment.isoformat()}, type="button")
        for start, moment in zip(starts, table["interval_start"], strict=True)
    ]
    shown = table.assign(interval_start=starts, signal=table["signal"].fillna(False).astype("bool"))
    return [
        charts.picture(draw, alt=f"{metric_title(metric, lang)}: {short_name(str(incident['in_words']), 400)}"),
        grid(shown, caption=phrase("app_intervals", lang, queue=short_name(queue)), lang=lang, first=buttons),
    ]


def contacts_of(happened: Happened, queue: str, start: str, lang: str) -> list[Any]:
    """The contacts of one interval.

    Examples
    --------
    >>> contacts_of.__name__
    'contacts_of'
    """
    table = happened.contacts(queue, start)
    moment = start[:16].replace("T", " ")
    caption = phrase("app_contacts_of", lang, queue=short_name(queue), start=moment, count=number_text(len(table), digits=0, lang=lang))
    hidden = [] if "agent" in table else [phrase("names_left_out", lang)]
    more = [phrase("app_first_rows", lang, count=_MOST, all=len(table))] if len(table) > _MOST else []
    return [grid(table.head(_MOST), caption=caption, lang=lang), notes([*more, *hidden, phrase("app_pseudonyms", lang)])]
