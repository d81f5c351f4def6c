"""The verdict on one screen: figures against what was agreed, with their intervals and their trend; without an agreement, the figures."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ccstats.labels import metric_title, moment_text, number_text, phrase, reason, share_text, vocabulary_word
from ccstats.metrics import METRICS
from ccstats.report.cells import short_name
from ccstats.report.material import Material
from ccstats.report.parts import Grid, Part, Text, Tile, Tiles
from ccstats.report.scorecard_files import summary_lines
from ccstats.report.scorecard_report import ScorecardReport, figure_text, target_text
from ccstats.service.ratios import measure_service

__all__ = ["verdict"]

#: Figures of the whole log, besides the service level that is meant.
_FIGURES = ("offered", "answer_rate", "abandonment_rate", "asa_s", "aht_s")
#: Columns of `kpis` behind those that people are shown.
_BEHIND = (
    *("period_start", "queue", "target", "metric", "value", "value_low", "count", "target_low", "verdict", "verdict_reason"),
    *("previous", "trend", "unusual", "money"),
)
_ARROWS = {"better": "▲", "worse": "▼", "steady": "▶"}


def verdict(material: Material) -> list[Part]:
    """How it stands: targets met of the latest period that can be decided, each target and queue, and the figures of the whole log.

    Examples
    --------
    >>> verdict.__name__
    'verdict'
    """
    parts: list[Part] = []
    scorecard, lang = material.scorecard, material.lang
    if scorecard is not None and len(scorecard.kpis):
        parts += _against_targets(scorecard)
    if material.log is not None and len(material.log.contacts):
        parts.append(Text(phrase("page_whole_log", lang), note=True))
        parts.append(Tiles(tuple(_figures(material))))
    if scorecard is not None and len(scorecard.kpis):
        parts.append(_every_target(scorecard))
    return parts


def _figures(material: Material) -> list[Tile]:
    """The log as a whole; nothing of it is small where a report is made of it."""
    row = measure_service(material.intervals, definition=material.definition).iloc[0]
    if material.suppress_below and row["offered"] < material.suppress_below:
        return []
    lang = material.lang
    made = []
    for name in (material.definition, *_FIGURES):
        metric = METRICS[name]
        if name in row and pd.notna(row[name]):
            made.append(Tile(metric_title(name, lang), figure_text(float(row[name]), metric.unit, lang), explanation=metric.formula))
    return made


def _latest(kpis: pd.DataFrame) -> pd.DataFrame:
    """The rows of the latest period of which anything can be decided, or of the latest at all."""
    decided = kpis[kpis["verdict"].astype("str").isin(["met", "not_met"])]
    last = (decided if len(decided) else kpis)["period_start"].max()
    return kpis[kpis["period_start"] == last]


def _against_targets(scorecard: ScorecardReport) -> list[Part]:
    lang, kpis = scorecard.lang, _latest(scorecard.kpis)
    index = scorecard.index
    index = index[index["period_start"] == kpis["period_start"].iloc[0]].iloc[0]
    when = moment_text(kpis["period_start"].iloc[0], period=str(kpis["period"].iloc[0]), lang=lang)
    tiles = [
        Tile(phrase("met", lang), number_text(index["met"], lang=lang), when, "met"),
        Tile(phrase("not_met", lang), number_text(index["not_met"], lang=lang), when, "not_met"),
        Tile(phrase("not_decidable", lang), number_text(index["not_decidable"], lang=lang), when, "not_decidable"),
    ]
    if pd.notna(index["kpi_index"]):
        low, high = (number_text(index[name], digits=1, lang=lang) for name in ("index_low", "index_high"))
        covered = share_text(index["coverage"], digits=0, lang=lang)
        value = number_text(index["kpi_index"], digits=1, lang=lang)
        tiles.append(Tile(phrase("index", lang), value, f"{low} – {high}; {phrase('coverage', lang)} {covered}"))
    matrix = _matrix(kpis, scorecard, when)
    note = Text(phrase("page_matrix_note", lang), note=True)
    return [Tiles(tuple(tiles)), *(Text(line) for line in _said(scorecard)), matrix, note]


def _said(scorecard: ScorecardReport) -> list[str]:
    """A sentence for each of the last periods of which anything can be said, and one for the others."""
    index, lang = scorecard.index, scorecard.lang
    known = (index["met"] + index["not_met"] > 0).tolist()
    said = [line for line, some in zip(summary_lines(scorecard), known, strict=True) if some]
    length = str(scorecard.kpis["period"].iloc[0])
    others = [moment_text(start, period=length, lang=lang) for start, some in zip(index["period_start"], known, strict=True) if not some]
    return [*said[-3:], *([phrase("page_nothing_said", lang, periods=_listed(others))] if others else [])]


def _listed(periods: list[str]) -> str:
    """All of a few; of many the first and the last, with a sign that there are more."""
    return ", ".join(periods if len(periods) <= 6 else [*periods[:2], "…", *periods[-2:]])


def _matrix(kpis: pd.DataFrame, scorecard: ScorecardReport, when: str) -> Grid:
    """Targets by queues: value, interval, verdict and trend in a cell."""
    lang = scorecard.lang
    queues = list(dict.fromkeys(kpis["queue"].astype("str").sort_values(key=lambda each: each.ne("all"), kind="stable")))
    titles = {queue: phrase("all_queues", lang) if queue == "all" else short_name(queue, 40) for queue in queues}
    rows, marks = [], []
    for target, group in _in_order(kpis, scorecard):
        first: Any = group.iloc[0]
        asked = target_text(first["target_low"], first["target_high"], str(first["unit"]), lang)
        name = str(first["metric"])
        title = metric_title(name, lang) if name in METRICS else name
        cells = {str(row["queue"]): _cell(row, lang) for row in group.to_dict("records")}
        verdicts = {str(row["queue"]): str(row["verdict"]) for row in group.to_dict("records")}
        rows.append([f"{title}\n{short_name(str(target), 40)}", asked, *(cells.get(queue, "") for queue in queues)])
        marks.append(["", "", *(verdicts.get(queue, "") for queue in queues)])
    heads = [phrase("target", lang), phrase("asked_for", lang), *titles.values()]
    unique = [f"{head} ({at})" if head in heads[:at] else head for at, head in enumerate(heads)]
    shown = pd.DataFrame(rows, columns=unique, dtype="str")
    data = kpis[["queue", "target", "metric", "value", "value_low", "value_high", "target_low", "target_high", "verdict", "trend", "unit"]]
    columns = ("target", "target_low", *("value" for _ in queues))
    title = f"{phrase('verdict', lang)}, {when}"
    return Grid("verdict", title, data.reset_index(drop=True), shown, columns, marks=tuple(map(tuple, marks)))


def _in_order(kpis: pd.DataFrame, scorecard: ScorecardReport) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each target, in the order of the agreement."""
    agreed = [] if scorecard.agreement is None else [target.name for target in scorecard.agreement.targets]
    names = kpis["target"].astype("str")
    order = [*(each for each in agreed if each in set(names)), *sorted(set(names) - set(agreed))]
    return [(name, kpis[names == name]) for name in order]


def _cell(row: dict[Any, Any], lang: str) -> str:
    unit, verdict = str(row["unit"]), str(row["verdict"])
    value = figure_text(row["value"], unit, lang)
    interval = ""
    if pd.notna(row["value_low"]):
        interval = f"\n{figure_text(row['value_low'], unit, lang)} – {figure_text(row['value_high'], unit, lang)}"
    within = f"\n{phrase('within_margin', lang)}" if row["verdict_reason"] == reason("misses_within_margin") else ""
    arrow = "" if pd.isna(row["trend"]) else f" {_ARROWS[str(row['trend'])]} {vocabulary_word(str(row['trend']), 'trend', lang)}"
    return f"{value} · {vocabulary_word(verdict, 'verdict', lang)}{arrow}{interval}{within}"


def _every_target(scorecard: ScorecardReport) -> Grid:
    lang, shown = scorecard.lang, scorecard.headline()
    marks = tuple(tuple(str(verdict) if at == 8 else "" for at in range(shown.shape[1])) for verdict in scorecard.kpis["verdict"])
    title = phrase("page_every_target", lang)
    return Grid("kpis", title, scorecard.kpis, shown, _BEHIND, folded=True, marks=marks)
