"""What customers said: satisfaction and what drives it, quality, first contact resolution, and complaints."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ccstats.labels import phrase, vocabulary_word
from ccstats.privacy import suppress_small
from ccstats.report.cells import short_name
from ccstats.report.material import Material
from ccstats.report.parts import Chart, Grid, Part, SheetChart, Text
from ccstats.report.scorecard_report import figure_text
from ccstats.report.sections._wording import points_text, safe_names, titled
from ccstats.satisfaction.complaint_lists import list_backlog, list_complaint_reasons
from ccstats.satisfaction.complaints import measure_complaints
from ccstats.satisfaction.drivers import explain_satisfaction
from ccstats.satisfaction.quality import measure_quality
from ccstats.satisfaction.resolution import measure_resolution
from ccstats.satisfaction.surveys import measure_satisfaction

__all__ = ["complaints", "satisfaction"]

_SCORES = (
    *("csat_top2", "csat_top2_low", "csat_top2_high", "nps", "nps_ci_low", "nps_ci_high"),
    *("ces_mean", "ces_mean_low", "ces_mean_high", "enps", "enps_ci_low", "enps_ci_high"),
)
_SATISFACTION = ("queue", "period_start", "instrument", "responses", "response_rate", *_SCORES)
_QUALITY = (
    "period_start",
    "evaluations",
    "qm_score",
    "qm_score_low",
    "qm_score_high",
    "critical_accuracy",
    "auto_fail_rate",
    "qm_coverage",
)
_RESOLUTION = ("queue", "issues", "fcr_window", "fcr_window_low", "fcr_window_high", "repeat_rate", "repeat_rate_low", "repeat_rate_high")
_COMPLAINTS = (
    *("period_start", "complaints", "complaints_per_1000", "complaints_per_1000_low", "complaints_per_1000_high", "open"),
    *("complaint_ack_p50_s", "complaint_resolution_p50_s", "complaint_first_resolution"),
)
_REASONS = ("reason", "complaints", "share", "share_low", "share_high", "cumulative_share", "open", "complaint_resolution_p50_s")
_PERIODS = ("day", "week", "month", "quarter", "year")


def _period(material: Material) -> str:
    wanted = None if material.service is None else material.service.period
    return wanted if wanted in _PERIODS else "month"


def _shown(table: pd.DataFrame, count: str, material: Material) -> pd.DataFrame:
    return suppress_small(table, count=count, at_least=material.suppress_below) if material.suppress_below else table


def satisfaction(material: Material) -> list[Part] | str:
    """Satisfaction with its drivers, quality and resolution.

    Examples
    --------
    >>> satisfaction.__name__
    'satisfaction'
    """
    lang, zone, period, log = material.lang, material.timezone, _period(material), material.log
    surveys, evaluations = material.records_of("surveys"), material.records_of("evaluations")
    contacts = None if log is None else log.contacts
    parts: list[Part] = []
    if surveys is not None and len(surveys):
        parts.append(Text(phrase("page_satisfaction", lang)))
        by_period = _shown(measure_satisfaction(surveys, contacts=contacts, period=period, timezone=zone), "responses", material)
        asked = by_period["instrument"].astype("str").eq("csat").to_numpy().nonzero()[0]
        rows = (int(asked[0]), int(asked[-1]) + 1) if len(asked) else None
        chart = SheetChart("column", "period_start", ("csat_top2",), rows) if rows else None
        parts.append(Grid.of("satisfaction", by_period, show=_SATISFACTION, lang=lang, period=period, chart=chart))
        if contacts is not None and not material.suppress_below:
            parts += _drivers(surveys, contacts, material)
        if "queue" in surveys:
            by_queue = _shown(measure_satisfaction(surveys, by="queue", timezone=zone), "responses", material)
            title = f"{phrase('satisfaction', lang)}, {phrase('queues', lang)}"
            parts.append(Grid.of("satisfaction_by_queue", by_queue, show=_SATISFACTION, lang=lang, title=title, folded=True))
    if evaluations is not None and len(evaluations):
        quality = measure_quality(evaluations, contacts=contacts, by=(), period=period, timezone=zone)
        parts.append(Grid.of("quality", _shown(quality, "evaluations", material), show=_QUALITY, lang=lang, period=period))
    if contacts is not None and "customer" in contacts and contacts["customer"].notna().any() and not material.suppress_below:
        resolution = measure_resolution(contacts, key="customer", by="queue")
        parts.append(Grid.of("resolution", resolution, show=_RESOLUTION, lang=lang))
    return parts or phrase("page_not_given", lang, table="surveys, evaluations")


def _drivers(surveys: pd.DataFrame, contacts: pd.DataFrame, material: Material) -> list[Part]:
    """What moves satisfaction, of what the log tells; agents only where they may be named."""
    from ccstats import plots
    from ccstats.errors import CcstatsError

    lang = material.lang
    known = {"wait_s": True, "transferred_to": "transferred_to" in contacts, "repeat": "customer" in contacts}
    known |= {"agent": material.agent_names, "reason": "reason" in contacts}
    asked = [name for name, there in known.items() if there]
    try:
        found = explain_satisfaction(surveys, contacts, drivers=asked, timezone=material.timezone)
    except CcstatsError as error:
        return [Text(f"{phrase('page_no_drivers', lang)} {str(error).splitlines()[0]}", note=True)]
    said = [_effect(row, lang) for row in found[found["effect"].notna()].to_dict("records")]
    drawn = safe_names(found)
    alt = f"{phrase('page_drivers', lang)} {'; '.join(said)}."
    shown = pd.DataFrame(
        {
            phrase("page_driver", lang): [
                f"{_called(row['driver'], lang)}: {short_name(str(row['level']), 40)}" for row in found.to_dict("records")
            ],
            phrase("page_answers", lang): [figure_text(value, "count", lang) for value in found["responses"].astype("float64")],
            phrase("page_points", lang): [_points(value, lang) for value in found["effect"]],
            phrase("interval", lang): [
                f"{_points(low, lang)} – {_points(high, lang)}" for low, high in zip(found["effect_low"], found["effect_high"], strict=True)
            ],
        },
        dtype="str",
    )
    grid = Grid(
        "satisfaction_drivers", phrase("page_drivers", lang), found, shown, ("driver", "responses", "effect", "effect_low"), folded=True
    )
    return [Chart("drivers", phrase("page_drivers", lang), alt, lambda ax: plots.driver_chart(drawn, ax=ax, lang=lang)), grid]


def _points(value: float, lang: str) -> str:
    return "–" if pd.isna(value) else points_text(value / 100, lang)


def _called(driver: Any, lang: str) -> str:
    return vocabulary_word(str(driver), "driver", lang) if str(driver) in ("repeat",) else titled(str(driver), lang)


def _effect(row: dict[Any, Any], lang: str) -> str:
    return f"{_called(row['driver'], lang)}, {short_name(str(row['level']), 24)}: {_points(row['effect'], lang)}"


def complaints(material: Material) -> list[Part] | str:
    """Complaints: how many, what about, and what is still open.

    Examples
    --------
    >>> complaints.__name__
    'complaints'
    """
    lang, table, log = material.lang, material.records_of("complaints"), material.log
    if table is None or not len(table):
        return phrase("page_not_given", lang, table="complaints")
    period = _period(material)
    contacts = None if log is None else log.contacts
    by_period = _shown(measure_complaints(table, contacts=contacts, period=period, timezone=material.timezone), "complaints", material)
    chart = SheetChart("column", "period_start", ("complaints",))
    parts: list[Part] = [
        Text(phrase("page_complaints", lang)),
        Grid.of("complaints", by_period, show=_COMPLAINTS, lang=lang, period=period, chart=chart),
    ]
    if "reason" in table:
        reasons = _shown(list_complaint_reasons(table), "complaints", material)
        bars = SheetChart("bar", "reason", ("complaints",))
        parts.append(Grid.of("complaint_reasons", reasons, show=_REASONS, lang=lang, title=phrase("page_reasons", lang), chart=bars))
    if not material.suppress_below:
        received = table["received_at"].max() if contacts is None or not len(contacts) else contacts["queued_at"].max()
        backlog = list_backlog(table, as_of=received)
        parts.append(Grid.of("complaint_backlog", backlog, lang=lang, title=phrase("page_backlog", lang), folded=True))
    return parts
