"""The page: both views under one roof, and what follows when a control changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx, html, no_update

from ccstats import __version__
from ccstats.app.centre import Centre
from ccstats.app.charts import Charts
from ccstats.app.happened import Happened
from ccstats.app.happened_view import contacts_of, happened_controls, incidents_of, intervals_of
from ccstats.app.parts import alert, aria, notes, pressed
from ccstats.app.plan_view import CHOICES, CONTROLS, plan_controls, planned
from ccstats.errors import CcstatsError
from ccstats.labels import check_language, phrase
from ccstats.report.cells import short_name

__all__ = ["build_page"]

_FRAME = """<!DOCTYPE html>
<html lang="{lang}">
<head>
{{%metas%}}
<meta name="color-scheme" content="light dark">
<title>{{%title%}}</title>
{{%favicon%}}
{{%css%}}
</head>
<body>
{{%app_entry%}}
<footer>{{%config%}}{{%scripts%}}{{%renderer%}}</footer>
</body>
</html>"""


def build_page(centre: Centre, *, target: float = 0.8, shrinkage: float = 0.3, agent_names: bool = False, lang: str = "en") -> Dash:
    """The page of a centre, as an application that any server can run.

    Parameters
    ----------
    centre : Centre
        What `open_centre` read.
    target, shrinkage : float
        What the fields begin with. [0-1]
    agent_names : bool
        Show the agents of contacts.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.

    Returns
    -------
    dash.Dash

    Raises
    ------
    OptionError
        If there is no such language.

    Notes
    -----
    Nothing is loaded from elsewhere, nothing is told to anybody. One change is worked out at a time.

    Examples
    --------
    >>> import ccstats as cc
    >>> from ccstats.app.centre import open_centre
    >>> page = build_page(open_centre([cc.sample_file("forecast.csv")], timezone="Europe/Berlin"))
    >>> page.server.test_client().get("/").status_code
    200
    """
    check_language(lang)
    page = Dash(
        "ccstats.app",
        assets_folder=str(Path(__file__).parent / "assets"),
        title=f"ccstats: {short_name(centre.title)}",
        update_title="",
        index_string=_FRAME.format(lang=lang),
        serve_locally=True,
        enable_mcp=False,
        suppress_callback_exceptions=True,  # buttons of intervals come and go
        add_log_handler=False,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    charts, happened, lock = Charts(), Happened(centre, agent_names=agent_names), threading.Lock()
    charts.register(page.server)
    page.layout = _layout(centre, target, shrinkage, lang)

    def told(make: Callable[[], Any]) -> Any:
        with lock:  # what Python remembers of warnings is shared by all threads
            try:
                return make()
            except CcstatsError as error:
                return [alert(str(error))]

    @page.callback(Output("planned", "children"), {name: Input(name, "data" if name in CHOICES else "value") for name in CONTROLS})
    def plan(**given: Any) -> Any:
        return told(lambda: planned(centre, charts, given, lang))

    @page.callback(
        Output("view-plan", "hidden"),
        Output("view-happened", "hidden"),
        Output("show-plan", "aria-pressed"),
        Output("show-happened", "aria-pressed"),
        Input("show-plan", "n_clicks"),
        Input("show-happened", "n_clicks"),
    )
    def show(*_: Any) -> tuple[bool, bool, str, str]:
        other = ctx.triggered_id == "show-happened"
        return other, not other, pressed(not other), pressed(other)

    if centre.intervals is not None:
        _follow(page, happened, charts, told, lang)
    return page


def _follow(page: Dash, happened: Happened, charts: Charts, told: Callable[[Callable[[], Any]], Any], lang: str) -> None:
    """From a metric to its incidents, to the intervals of one, to the contacts of an interval."""
    incident, interval = {"kind": "incident", "number": ALL}, {"kind": "interval", "queue": ALL, "start": ALL}

    @page.callback(Output("judged", "children"), Input("show-happened", "n_clicks"), Input("metric", "data"), prevent_initial_call=True)
    def judge(clicks: int | None, metric: str) -> Any:
        return told(lambda: incidents_of(happened, metric, lang)) if clicks else no_update

    @page.callback(Output("incident", "data"), Input(incident, "n_clicks"), Input("metric", "data"), prevent_initial_call=True)
    def choose(clicks: list[int | None], _: str) -> Any:
        if isinstance(ctx.triggered_id, dict):
            return ctx.triggered_id["number"] if any(clicks) else no_update
        return None

    @page.callback(Output(incident, "aria-pressed"), Input("incident", "data"), State(incident, "id"), prevent_initial_call=True)
    def mark(chosen: str | None, names: list[dict[str, str]]) -> list[str]:
        return [pressed(name["number"] == chosen) for name in names]

    @page.callback(Output("incident-intervals", "children"), Input("incident", "data"), State("metric", "data"), prevent_initial_call=True)
    def look(chosen: str | None, metric: str) -> Any:
        return [] if chosen is None else told(lambda: intervals_of(happened, charts, metric, chosen, lang))

    @page.callback(
        Output("interval-contacts", "children"), Input("incident", "data"), Input(interval, "n_clicks"), prevent_initial_call=True
    )
    def list_them(_: str | None, clicks: list[int | None]) -> Any:
        chosen = ctx.triggered_id
        if not isinstance(chosen, dict):
            return []  # another incident
        if not any(clicks):
            return no_update  # buttons that have only come
        return told(lambda: contacts_of(happened, str(chosen["queue"]), str(chosen["start"]), lang))


def _layout(centre: Centre, target: float, shrinkage: float, lang: str) -> html.Div:
    head = [
        html.H1("ccstats"),
        html.P(phrase("app_read_from", lang, title=short_name(centre.title, 200), zone=centre.timezone)),
    ]
    plan = html.Div([plan_controls(centre, target=target, shrinkage=shrinkage, lang=lang), html.Div(id="planned")], className="plan")
    what = happened_controls(lang) if centre.intervals is not None else [html.P(phrase("app_nothing_happened", lang))]
    names = {"plan": phrase("app_plan", lang), "happened": phrase("app_happened", lang)}
    buttons = [html.Button(name, id=f"show-{view}", type="button", **aria(pressed=pressed(view == "plan"))) for view, name in names.items()]
    main = [
        html.Nav(buttons, className="views"),
        html.Section(plan, id="view-plan", **aria(label=names["plan"])),
        html.Section(what, id="view-happened", className="happened", hidden=True, **aria(label=names["happened"])),
    ]
    foot = html.Footer([notes(centre.notes), html.P(phrase("made_with", lang, version=__version__))])
    return html.Div([html.Header(head), html.Main(main), foot], className="page")
