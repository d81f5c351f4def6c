"""Queues and agents beside each other, the agents without names unless they are asked for."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from ccstats.labels import phrase
from ccstats.metrics import METRICS
from ccstats.privacy import anonymise_agents
from ccstats.report.material import Material
from ccstats.report.parts import Grid, Part, SheetChart, Text

__all__ = ["agents", "queues"]

_AGENTS = (
    *("agent", "answered", "handled", "att_s", "mean_hold_s", "mean_wrap_s", "aht_s", "contacts_per_hour", "occupancy"),
    *("utilisation_logged", "transfer_rate", "rona_rate", "sessions"),
)
_UNANSWERED = ("queue", "outcome", "raw_outcome", "contacts", "share", "share_of_offered", "counted_in")


def queues(material: Material) -> list[Part] | str:
    """Groups by period as the report was cut, and why contacts went unanswered.

    Examples
    --------
    >>> queues.__name__
    'queues'
    """
    lang, service = material.lang, material.service
    if service is None:
        return phrase("no_data", lang)
    head, data = service.headline(), replace(service, lang="en").headline()
    said = phrase(
        "definition_line",
        lang,
        definition=service.definition,
        formula=METRICS[service.definition].formula,
        threshold=service.threshold,
        short=service.short,
    )
    chart = SheetChart("column", "queue", (service.definition,), _last(head)) if "queue" in head else None
    parts: list[Part] = [
        Text(f"{said}. {phrase('booked_where_queued', lang)}"),
        replace(
            Grid.of("service", head, show=[str(name) for name in head.columns], lang=lang, period=service.period, chart=chart), data=data
        ),
    ]
    for name, show in (("unanswered", _UNANSWERED), ("ended_by", None), ("transfers", None)):
        table = material.statistics.get(name)
        if table is not None and len(table):
            parts.append(Grid.of(name, table, show=show or [str(column) for column in table.columns], lang=lang, folded=True))
    return parts


def _last(head: pd.DataFrame) -> tuple[int, int]:
    """The rows of the last period."""
    if "period_start" not in head or not len(head):
        return 0, len(head)
    return int((head["period_start"] == head["period_start"].iloc[-1]).to_numpy().argmax()), len(head)


def agents(material: Material) -> list[Part] | str:
    """Agents beside each other, as far as the agreement and the readers' rights allow.

    Examples
    --------
    >>> agents.__name__
    'agents'
    """
    lang, table = material.lang, material.statistics.get("agents")
    if table is None or not len(table):
        return phrase("page_no_agents", lang)
    said = [phrase("page_agents", lang)]
    if not material.agent_names:
        table = anonymise_agents(table, key=material.agent_key)
        said.append(phrase("names_left_out", lang))
    if material.suppress_below:
        said.append(phrase("suppressed_below", lang, count=material.suppress_below))
    table = table.sort_values("agent", kind="stable", ignore_index=True)
    chart = SheetChart("column", "agent", ("occupancy",)) if "occupancy" in table and len(table) <= 60 else None
    return [Text(" ".join(said)), Grid.of("agents", table, show=_AGENTS, lang=lang, chart=chart)]
