"""The planner's view: controls on one side; figures, the day's curve and tables on the other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from dash import html

from ccstats.app.centre import Centre
from ccstats.app.charts import Charts
from ccstats.app.parts import aria, card, choice, figure, grid, notes
from ccstats.app.planning import LIMITS, REPLICATIONS, Controls, plan_day
from ccstats.labels import metric_title, number_text, phrase, share_text
from ccstats.metrics import METRICS
from ccstats.report.cells import short_name

__all__ = ["CHOICES", "CONTROLS", "plan_controls", "planned"]

#: Names of the controls that are chosen from a list.
CHOICES = ("queue", "day", "formula", "outlook")
#: Names of all, in their order; they are the keys of `Controls.of`.
CONTROLS = ("queue", "day", "volume", "handle_time", "shrinkage", "target", "threshold", "patience", "formula", "outlook", "cost")
_COLUMNS = ("slot", "expected_offered", "expected_aht_s", "agents", "scheduled_agents")
_SERVICE = ("expected_service_level", "expected_asa_s", "expected_abandonment_rate", "expected_occupancy")


def plan_controls(centre: Centre, *, target: float, shrinkage: float, lang: str) -> html.Div:
    """The fields of the planner.

    Parameters
    ----------
    centre : Centre
        Its queues and days are offered.
    target, shrinkage : float
        What the fields begin with. [0-1]
    lang : str
        Language of the labels.

    Examples
    --------
    >>> plan_controls.__name__
    'plan_controls'
    """
    days = {key: _day(key, text, lang) for key, text in centre.days(lang).items()}
    formulas = {"erlang_a": phrase("app_erlang_a", lang), "erlang_c": phrase("app_erlang_c", lang)}
    if not any(math.isfinite(mean) for mean in centre.patience_s.values()):
        formulas = dict(reversed(formulas.items()))  # the first is what the page begins with
    outlooks = {
        "stationary": phrase("app_stationary", lang),
        "transient": phrase("app_transient", lang),
        "simulation": phrase("app_simulation", lang, count=REPLICATIONS),
    }
    fields = [
        choice("queue", phrase("queue", lang), {queue: queue for queue in centre.queues}),
        choice("day", phrase("app_day", lang), days),
        figure("volume", phrase("app_volume", lang), 100, LIMITS["volume"]),
        figure("handle_time", phrase("app_handle_time", lang), 100, LIMITS["handle_time"]),
        figure("shrinkage", phrase("app_shrinkage", lang), round(100 * shrinkage, 6), LIMITS["shrinkage"]),
        figure("target", phrase("app_target", lang), round(100 * target, 6), LIMITS["target"]),
        figure("threshold", phrase("app_threshold", lang), centre.threshold_s, LIMITS["threshold"]),
        figure("patience", phrase("app_patience", lang), None, LIMITS["patience"], hint=phrase("app_patience_own", lang)),
        choice("formula", phrase("app_formula", lang), formulas),
        choice("outlook", phrase("app_outlook", lang), outlooks),
        figure("cost", phrase("app_cost", lang), 30, LIMITS["cost"]),
    ]
    return html.Div(fields, className="controls", role="group", **aria(label=phrase("app_controls", lang)))


def planned(centre: Centre, charts: Charts, given: dict[str, Any], lang: str) -> list[Any]:
    """Everything that follows from the controls.

    Parameters
    ----------
    centre : Centre
        What is planned for.
    charts : Charts
        Where the day's curve is left to be drawn.
    given : dict
        The controls as the browser sent them.
    lang : str
        Language.

    Returns
    -------
    list
        Elements of the page.

    Raises
    ------
    CcstatsError
        If the controls cannot be.

    Examples
    --------
    >>> import ccstats as cc
    >>> from ccstats.app.centre import open_centre
    >>> centre = open_centre([cc.sample_file("forecast.csv")], timezone="Europe/Berlin")
    >>> given = {"queue": "sales", "day": "2025-03-10", "shrinkage": 30, "target": 80, "threshold": 20}
    >>> [type(part).__name__ for part in planned(centre, Charts(), given, "en") if part is not None]
    ['Dl', 'Picture', 'Figure', 'Figure', 'Ul']
    """
    asked = Controls.of(given)
    made = plan_day(centre, asked)
    plan, zone = made.intervals, centre.timezone
    mine = made.queues[made.queues["queue"] == asked.queue].iloc[0]
    day = _day(asked.day, centre.days(lang)[asked.day], lang)
    name = short_name(asked.queue)
    most = float(np.nanmax(plan["scheduled_agents"].to_numpy(dtype="float64"))) if len(plan) else math.nan

    def draw(ax: Any) -> None:
        from ccstats.plots import staffing_curve

        staffing_curve(plan, timezone=zone, lang=lang, ax=ax)

    alt = phrase("app_curve", lang, queue=name, day=day, count=_amount(most, lang))
    slots = pd.DatetimeIndex(plan["interval_start"]).tz_convert(zone).strftime("%H:%M")
    open_ = ~((plan["expected_offered"] == 0) & (plan["agents"] == 0))
    table = plan.assign(slot=slots)[open_][[*_COLUMNS, *_SERVICE, *(["note"] if (plan["note"] != "").any() else [])]]
    names = ["queue", "expected_offered", "agent_hours", "scheduled_hours", "cost", *_SERVICE]
    queues = made.queues[names]
    if len(queues) > 1:
        sums = {each: queues[each].sum() for each in ("expected_offered", "agent_hours", "scheduled_hours", "cost")}
        queues = pd.concat([queues, pd.DataFrame([{"queue": phrase("app_sum", lang), **sums}])], ignore_index=True)
    return [
        html.Dl(_cards(mine, most, asked, lang), className="cards", **aria(live="polite")),
        charts.picture(draw, alt=alt),
        grid(queues, caption=phrase("app_all_queues", lang, day=day), lang=lang),
        grid(table, caption=phrase("app_by_interval", lang, queue=name, day=day, zone=zone), lang=lang),
        notes([*([] if open_.all() else [phrase("app_closed", lang)]), *made.notes]),
    ]


def _day(key: str, text: str, lang: str) -> str:
    return phrase("app_typical", lang, day=text) if key.startswith("typical-") else text


def _cards(mine: Any, most: float, asked: Controls, lang: str) -> list[html.Div]:
    within = phrase("seconds", lang, number=number_text(asked.threshold_s, digits=0 if asked.threshold_s.is_integer() else 1, lang=lang))
    level = f"{METRICS['service_level'].formula}; {phrase('threshold', lang)}: {within}"
    return [
        card(phrase("app_scheduled", lang), _amount(most, lang), phrase("app_scheduled_means", lang), name="scheduled"),
        card(phrase("app_paid_hours", lang), _amount(mine["scheduled_hours"], lang, 1), phrase("app_paid_hours_means", lang), name="paid"),
        card(phrase("app_cost_of_day", lang), _amount(mine["cost"], lang), phrase("app_cost_means", lang), name="cost-of-day"),
        card(metric_title("service_level", lang), _share(mine["expected_service_level"], lang), level, name="service-level"),
        card(metric_title("asa_s", lang), _seconds(mine["expected_asa_s"], lang), METRICS["asa_s"].formula, name="asa"),
        card(
            metric_title("abandonment_rate", lang),
            _share(mine["expected_abandonment_rate"], lang),
            METRICS["abandonment_rate"].formula,
            name="abandonment",
        ),
        card(
            metric_title("occupancy", lang), _share(mine["expected_occupancy"], lang), phrase("app_occupancy_means", lang), name="occupancy"
        ),
        card(phrase("app_contacts", lang), _amount(mine["expected_offered"], lang), phrase("app_contacts_means", lang), name="contacts"),
    ]


def _amount(value: float, lang: str, digits: int = 0) -> str:
    return "∞" if math.isinf(value) else "–" if math.isnan(value) else number_text(value, digits=digits, lang=lang)


def _share(value: float, lang: str) -> str:
    return "–" if math.isnan(value) else share_text(value, lang=lang)


def _seconds(value: float, lang: str) -> str:
    return phrase("seconds", lang, number=_amount(value, lang, 1)) if math.isfinite(value) else _amount(value, lang)
