"""What came against what was forecast, who was there against who was needed, and why the service level was missed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from ccstats.deviations.accuracy import measure_forecast_accuracy
from ccstats.deviations.causes import explain_service_level
from ccstats.labels import number_text, phrase, share_text, vocabulary_word
from ccstats.report.cells import short_name
from ccstats.report.material import Material
from ccstats.report.parts import Chart, Grid, Items, Part, SheetChart, Text
from ccstats.report.scorecard_report import figure_text
from ccstats.report.sections._wording import extremes, incident_line, points_text, safe_names

__all__ = ["demand", "misses", "staffing"]

#: So many queues have a chart of their own, those with most contacts; tables have them all.
_QUEUES = 4
_HOURS = ("required_hours", "agent_hours", "missing_hours", "spare_hours")

_ACCURACY = ("queue", "metric", "days", "expected", "actual", "forecast_bias", "wape", "noise_wape", "day_wape", "naive_wape")
_VOLUME = ("period_start", "planned_offered", "offered", "planned_aht_s", "aht_s", "planned_workload_hours", "workload_hours")
_STAFF = (
    *("planned_required_hours", "required_hours", "agent_hours", "missing_hours", "spare_hours"),
    *("understaffed_intervals", "overstaffed_intervals", "late_understaffed"),
)


def demand(material: Material) -> list[Part] | str:
    """Volume and handle time against the forecast.

    Examples
    --------
    >>> demand.__name__
    'demand'
    """
    lang, forecast = material.lang, material.records_of("forecast")
    if forecast is None:
        return phrase("page_not_given", lang, table="forecast")
    if material.suppress_below:
        return phrase("page_too_fine", lang)
    accuracy = measure_forecast_accuracy(forecast, material.intervals, timezone=material.timezone)
    parts: list[Part] = [Text(phrase("page_demand", lang))]
    volume = accuracy[accuracy["metric"].astype("str") == "offered"]
    off = [_off(row, lang) for row in volume.to_dict("records")]
    if material.plan is not None:
        compared = material.compared("day", together=True)
        for key, title, column in (("volume", "page_volume", "offered"), ("handle-time", "page_handle_time", "aht_s")):
            told = extremes(compared, column, over="period_start", period="day", lang=lang)
            alt = f"{told} {' '.join(off)}" if column == "offered" else told
            parts.append(Chart(key, phrase(title, lang), alt, _against(compared, column, lang)))
        chart = SheetChart("line", "period_start", ("planned_offered", "offered"))
        title = phrase("page_volume", lang)
        parts.append(Grid.of("volume_by_day", compared, show=_VOLUME, lang=lang, period="day", title=title, folded=True, chart=chart))
    parts.append(Items(tuple(off)))
    parts.append(Grid.of("forecast_accuracy", accuracy, show=_ACCURACY, lang=lang, title=phrase("page_accuracy", lang)))
    parts.append(Text(phrase("page_accuracy_note", lang), note=True))
    return parts


def _against(compared: pd.DataFrame, metric: str, lang: str) -> Callable[[Any], Any]:
    from ccstats import plots

    return lambda ax: plots.plan_against_actual(compared, metric=metric, ax=ax, lang=lang)


def _off(row: dict[Any, Any], lang: str) -> str:
    queue = str(row.get("queue", phrase("all_queues", lang)))
    error, chance = (share_text(float(row[name]), lang=lang) for name in ("wape", "noise_wape"))
    bias = points_text(float(row["forecast_bias"]), lang)
    return phrase("page_forecast_off", lang, queue=queue, wape=error, noise=chance, bias=bias)


def staffing(material: Material) -> list[Part] | str:
    """Agents who were there against those that the demand that came required.

    Examples
    --------
    >>> staffing.__name__
    'staffing'
    """
    lang = material.lang
    if material.target is None:
        return phrase("page_no_level_agreed", lang)
    if material.agent_intervals is None:
        return phrase("page_no_agents", lang)
    if material.suppress_below:
        return phrase("page_too_fine", lang)
    slots, by_day, sums = (material.compared(period) for period in ("slot", "day", None))
    parts: list[Part] = [Text(phrase("page_staffing", lang))]
    for row in sums.to_dict("records"):
        queue = str(row.get("queue", ""))
        name = short_name(queue) if queue else phrase("all_queues", lang)
        hours = {each: number_text(float(row[each]), lang=lang) for each in _HOURS}
        said = phrase("page_staffing_sums", lang, queue=name, target=share_text(float(row["target_service_level"]), lang=lang), **hours)
        parts.append(Text(said))
        if not queue or queue in material.busiest(_QUEUES):
            own = slots[slots["queue"].astype("str") == queue] if queue else slots
            drawn = safe_names(own.reset_index(drop=True))
            parts.append(Chart(f"staffing-{len(parts)}", name, said, _against(drawn, "agent_hours", lang), (9.0, 3.0)))
    parts += material.not_all(_QUEUES)
    title, by_slot = phrase("page_staffing_day", lang), phrase("page_staffing_slot", lang)
    parts += [
        Grid.of("staffing_by_slot", slots, show=("queue", "slot", *_STAFF), lang=lang, title=by_slot, folded=True),
        Grid.of("staffing_by_day", by_day, show=("queue", "period_start", *_STAFF), lang=lang, period="day", title=title, folded=True),
    ]
    return parts


def misses(material: Material) -> list[Part] | str:
    """Why the service level was not what the plan, or the usual, would have given.

    Examples
    --------
    >>> misses.__name__
    'misses'
    """
    from ccstats import plots

    lang, log = material.lang, material.log
    if material.agent_intervals is None or log is None:
        return phrase("page_no_agents", lang)
    if material.suppress_below:
        return phrase("page_too_fine", lang)
    usual = material.usual
    if usual is None:
        return phrase("page_no_usual", lang)
    worst = material.days.incidents
    worst = worst[worst["direction"].astype("str") == "worse"]
    causes = material.days.causes
    parts: list[Part] = [Text(phrase("page_misses", lang))]
    told = [
        incident_line(row, material.definition, causes[causes["incident"] == row["incident"]], lang) for row in worst.to_dict("records")
    ]
    for row in worst.head(3).to_dict("records"):
        own = causes[causes["incident"] == row["incident"]]
        if len(own):
            said = incident_line(row, material.definition, own, lang)
            drawn = safe_names(own)
            parts.append(
                Chart(
                    f"waterfall-{len(parts)}",
                    said.partition(":")[0],
                    said,
                    lambda ax, drawn=drawn: plots.service_level_waterfall(drawn, ax=ax, lang=lang),  # type: ignore[misc]
                    (9.0, 3.0),
                )
            )
    parts.append(Items(tuple(told)) if told else Text(phrase("page_no_incidents", lang)))
    whole = explain_service_level(
        usual,
        material.intervals,
        material.agent_intervals,
        by=material.by,
        timezone=material.timezone,
        replications=50,
        definition=material.definition,
    )
    parts.append(_causes(whole, phrase("page_causes", lang), lang))
    return parts


def _causes(causes: pd.DataFrame, title: str, lang: str) -> Grid:
    """Drivers with what each did, every value in its own unit."""
    shown = []
    for row in causes.to_dict("records"):
        unit = "ratio" if str(row["unit"]) == "0-1" else str(row["unit"])
        cells = [str(row["queue"])] if "queue" in row else []
        cells += [vocabulary_word(str(row["driver"]), "driver", lang), points_text(row["contribution"], lang)]
        shown.append([*cells, *(figure_text(row[name], unit, lang) for name in ("planned", "actual"))])
    heads = [phrase("queue", lang)] if "queue" in causes else []
    heads += [phrase(key, lang) for key in ("page_driver", "page_points", "page_usual", "page_actual")]
    columns = [name for name in ("queue", "driver", "contribution", "planned", "actual") if name in causes]
    return Grid(
        "causes",
        title,
        causes,
        pd.DataFrame(shown, columns=heads, dtype="str"),
        tuple(columns),
        folded=True,
        units={"contribution": "ratio"},
    )
