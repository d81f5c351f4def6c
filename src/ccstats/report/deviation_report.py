"""Deviations for people: incidents in words, each with what it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from ccstats.deviations.causes import explain_service_level
from ccstats.deviations.charts import find_deviations
from ccstats.deviations.incidents import list_incidents
from ccstats.deviations.usual import plan_as_usual
from ccstats.deviations.wording import describe_causes
from ccstats.errors import CcstatsError
from ccstats.metrics import METRICS, SERVICE_LEVELS
from ccstats.report.cells import escape_markdown
from ccstats.report.files import csv_text
from ccstats.report.markdown import markdown_table

__all__ = ["DeviationReport", "build_deviation_report", "deviation_files"]

#: The columns of an incident that are shown beside its sentence.
_SHOWN = ("queue", "metric", "started_at", "ended_at", "direction", "value", "baseline", "excess", "severity")


@dataclass(frozen=True)
class DeviationReport:
    """Points, incidents and reasons of one table of intervals.

    Attributes
    ----------
    points : pandas.DataFrame
        Every period with its limits and signals.
    incidents : pandas.DataFrame
        Signals joined, worst first, with ``in_words`` and ``why``.
    causes : pandas.DataFrame
        The attribution of each incident that was explained, under its ``incident``.
    planned : bool
        Whether incidents are explained against a plan; otherwise against what was usual.
    lines : tuple of str
        What the reader must know: how it was judged, and what could not be explained.

    Examples
    --------
    >>> DeviationReport.__dataclass_params__.frozen
    True
    """

    points: pd.DataFrame
    incidents: pd.DataFrame
    causes: pd.DataFrame
    planned: bool
    lines: tuple[str, ...]
