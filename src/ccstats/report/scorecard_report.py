"""The scorecard for people: what stands in its tables, in their language, and what it was made with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from ccstats.agreement import Agreement
from ccstats.labels import check_language, metric_title, moment_text, number_text, phrase, share_text, translate, vocabulary_word
from ccstats.metrics import METRICS
from ccstats.scorecard.index import measure_index

__all__ = ["ScorecardReport", "figure_text", "target_text"]


@dataclass(frozen=True)
class ScorecardReport:
    """A scorecard with all that stands beside it in a report.

    Attributes
    ----------
    kpis : pandas.DataFrame
        As `ccstats.build_scorecard` makes it.
    agreement : Agreement, optional
        The one it was made with.
    trace : pandas.DataFrame, optional
        As `ccstats.trace_scorecard` makes it.
    lang : str
        Language of what people read.

    Examples
    --------
    >>> ScorecardReport.__dataclass_params__.frozen
    True
    """

    kpis: pd.DataFrame
    agreement: Agreement | None = None
    trace: pd.DataFrame | None = None
    lang: str = "en"

    def __post_init__(self) -> None:
        check_language(self.lang)

    @property
    def index(self) -> pd.DataFrame:
        """The weighted index of each period, as `ccstats.measure_index` makes it.

        Examples
        --------
        >>> ScorecardReport.index.fget.__name__
        'index'
        """
        return measure_index(self.kpis)

    def headline(self) -> pd.DataFrame:
        """The rows for people, as text: period, queue, target, value with interval and count, what was asked for, verdict, trend, money.

        Examples
        --------
        >>> ScorecardReport.headline.__name__
        'headline'
        """
        lang, rows = self.lang, []
        for record in self.kpis.to_dict("records"):
            row: Any = SimpleNamespace(**{str(name): value for name, value in record.items()})
            unit = str(row.unit)
            ends = [figure_text(each, unit, lang) for each in (row.value_low, row.value_high)]
            rows.append(
                {
                    phrase("period", lang): moment_text(row.period_start, period=str(row.period), lang=lang),
                    phrase("queue", lang): phrase("all_queues", lang) if row.queue == "all" else str(row.queue),
                    phrase("target", lang): str(row.target),
                    phrase("metric", lang): _title(str(row.metric), lang),
                    phrase("value", lang): figure_text(row.value, unit, lang),
                    phrase("interval", lang): "" if np.isnan(row.value_low) else " – ".join(ends),
                    phrase("count", lang): figure_text(row.count, "count", lang),
                    phrase("asked_for", lang): target_text(row.target_low, row.target_high, unit, lang),
                    phrase("verdict", lang): vocabulary_word(str(row.verdict), "verdict", lang),
                    phrase("reason", lang): translate(str(row.verdict_reason), lang),
                    phrase("previous", lang): figure_text(row.previous, unit, lang),
                    phrase("trend", lang): "" if pd.isna(row.trend) else vocabulary_word(str(row.trend), "trend", lang),
                    phrase("unusual", lang): vocabulary_word(str(row.unusual), "unusual", lang),
                    phrase("money", lang): "" if np.isnan(row.money) else figure_text(row.money, "currency", lang),
                }
            )
        return pd.DataFrame(rows, dtype="str")

    def definitions(self) -> pd.DataFrame:
        """How each figure is made: ``target, metric, title, definition, unit, clause, inputs``, and where its target comes from.

        Examples
        --------
        >>> ScorecardReport.definitions.__name__
        'definitions'
        """
        kept = self.kpis.drop_duplicates(["target", "metric", "definition"])
        made = kept[["target", "metric", "definition", "unit", "clause", "inputs"]].astype("str").reset_index(drop=True)
        made.insert(2, "title", [_title(name, self.lang) for name in made["metric"]])
        said = {} if self.agreement is None else {target.name: target for target in self.agreement.targets}
        found = [said.get(name) for name in made["target"]]
        made["source"] = ["" if each is None else each.source for each in found]
        made["as_of"] = ["" if each is None or each.as_of is None else each.as_of.isoformat() for each in found]
        made["confidence"] = ["" if each is None or each.confidence is None else each.confidence for each in found]
        made["note"] = ["" if each is None else each.note for each in found]
        return made

    def money(self) -> pd.DataFrame:
        """Bonus and malus by period, with the total; empty where no target has any: ``period_start, target, queue, money``.

        Examples
        --------
        >>> ScorecardReport.money.__name__
        'money'
        """
        due = self.kpis[self.kpis["money"].notna() & (self.kpis["money"] != 0)]
        return due[["period_start", "target", "queue", "money"]].reset_index(drop=True)


def _title(metric: str, lang: str) -> str:
    """What a metric is called; one that is not offered has its name only."""
    return metric_title(metric, lang) if metric in METRICS else metric


def figure_text(value: float, unit: str, lang: str = "en") -> str:
    """A figure as people write it, with its unit.

    Parameters
    ----------
    value : float
        The figure; missing: a dash.
    unit : str
        As in the registry.
    lang : str
        Language.

    Returns
    -------
    str

    Examples
    --------
    >>> figure_text(0.8113, "ratio"), figure_text(12.34, "s"), figure_text(41.0, "points", "de"), figure_text(float("nan"), "s")
    ('81.1 %', '12.3 s', '41,0', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    if unit == "ratio":
        return share_text(value, lang=lang)
    if unit in ("count", "currency") and float(value).is_integer():
        return number_text(value, lang=lang)
    text = number_text(value, digits=2 if unit in ("score", "currency", "per 1000") else 1, lang=lang)
    return phrase("seconds", lang, number=text) if unit == "s" else text


def target_text(low: float, high: float, unit: str, lang: str = "en") -> str:
    """What was asked for, in words.

    Examples
    --------
    >>> target_text(0.8, float("nan"), "ratio"), target_text(float("nan"), 20.0, "s", "de")
    ('at least 80.0 %', 'höchstens 20,0 s')
    """
    if math.isnan(low) and math.isnan(high):
        return phrase("no_target", lang)
    if math.isnan(high):
        return phrase("at_least", lang, value=figure_text(low, unit, lang))
    if math.isnan(low):
        return phrase("at_most", lang, value=figure_text(high, unit, lang))
    return phrase("between", lang, low=figure_text(low, unit, lang), high=figure_text(high, unit, lang))
