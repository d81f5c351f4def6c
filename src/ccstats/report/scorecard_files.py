"""A scorecard as files: a page of Markdown, a workbook, and CSV and JSON whose bytes are the same whenever the inputs are."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ccstats import __version__
from ccstats.agreement import Agreement
from ccstats.labels import moment_text, number_text, phrase, share_text, translate
from ccstats.report.cells import escape_markdown
from ccstats.report.files import csv_text, write_bytes, write_texts
from ccstats.report.markdown import markdown_table
from ccstats.report.scorecard_report import ScorecardReport, figure_text
from ccstats.report.workbooks import workbook_bytes
from ccstats.schema import as_frame

__all__ = ["json_text", "scorecard_markdown", "steady", "summary_lines", "write_scorecard"]

#: More digits than any figure of a scorecard deserves, and fewer than the last ones in which machines differ.
_DIGITS = 10
#: What figures are made with; their versions are told, and not compared.
_PACKAGES = ("pandas", "numpy", "scipy", "numba", "pyarrow", "statsmodels", "pydantic", "holidays")


def write_scorecard(
    kpis: Any, *, out: str | Path, agreement: Agreement | None = None, trace: pd.DataFrame | None = None, lang: str = "en"
) -> list[Path]:
    """Write a scorecard into a folder, made if it is not there.

    Parameters
    ----------
    kpis : pandas.DataFrame or Arrow table
        As `build_scorecard` makes it.
    out : str or Path
        The folder.
    agreement : Agreement, optional
        The one it was made with: its sources and notes are shown beside the figures.
    trace : pandas.DataFrame, optional
        As `trace_scorecard` makes it.
    lang : str
        Language of the page and the workbook: ``en``, ``de``, ``es`` or ``tr``. CSV and JSON are data and the same in every language.

    Returns
    -------
    list of Path
        ``scorecard.md``, ``scorecard.xlsx``, ``kpis.csv``, ``kpis.json``, ``index.csv``, with a trace ``trace.csv``, and
        ``provenance.json``. CSV and JSON carry 10 significant digits, sorted keys and no time of making: the same inputs give the same
        bytes. Versions, machine and time stand in ``provenance.json``.

    Raises
    ------
    OptionError
        If the folder cannot be made or written to, or there is no such language.

    Examples
    --------
    >>> import tempfile
    >>> import ccstats as cc
    >>> log = cc.read(cc.sample_log(), key="a secret")
    >>> agreement = cc.Agreement.from_toml(cc.sample_file("agreement.toml"))
    >>> kpis = cc.build_scorecard(agreement, contacts=log.contacts)
    >>> [path.name for path in write_scorecard(kpis, out=tempfile.mkdtemp(), agreement=agreement)]
    ['scorecard.md', 'kpis.csv', 'kpis.json', 'index.csv', 'provenance.json', 'scorecard.xlsx']
    """
    report = ScorecardReport(as_frame(kpis, what="kpis"), agreement, trace, lang)
    texts = {
        "scorecard.md": scorecard_markdown(report),
        "kpis.csv": csv_text(steady(report.kpis)),
        "kpis.json": json_text({"agreement": _named(agreement), "kpis": report.kpis, "index": report.index}),
        "index.csv": csv_text(steady(report.index)),
        "provenance.json": json_text(_provenance()),
    }
    if trace is not None:
        texts["trace.csv"] = csv_text(steady(trace))
    folder = Path(out)
    written = write_texts(folder, texts)
    zone = str(report.kpis["period_start"].dt.tz)
    sheets = {"scorecard": report.headline(), "index": report.index, "definitions": report.definitions(), "kpis": report.kpis}
    write_bytes(folder / "scorecard.xlsx", workbook_bytes(sheets, timezone=zone, lang=lang))
    return [*written, folder / "scorecard.xlsx"]


def steady(table: pd.DataFrame) -> pd.DataFrame:
    """A table with its numbers at 10 significant digits, so that the last bits of a machine do not show.

    Examples
    --------
    >>> steady(pd.DataFrame({"value": [1 / 3]}))["value"].tolist()
    [0.3333333333]
    """
    made = table.copy()
    for name, dtype in table.dtypes.items():
        if pd.api.types.is_float_dtype(dtype):
            made[name] = [_digits(value) for value in table[name].to_numpy("float64", na_value=np.nan)]
    return made


def _digits(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}") + 0.0


def json_text(content: Any) -> str:
    """JSON with sorted keys, 10 significant digits and missing values as null; tables are lists of rows.

    Examples
    --------
    >>> print(json_text({"b": pd.DataFrame({"value": [float("nan")]}), "a": 1 / 3}), end="")
    {
     "a": 0.3333333333,
     "b": [
      {
       "value": null
      }
     ]
    }
    """
    return json.dumps(_plain(content), sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _plain(content: Any) -> Any:
    if isinstance(content, pd.DataFrame):
        return [_plain(row) for row in content.to_dict("records")]
    if isinstance(content, dict):
        return {str(key): _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    if content is None or content is pd.NaT or content is pd.NA:
        return None
    if isinstance(content, pd.Timestamp):
        return content.isoformat()
    if isinstance(content, bool | np.bool_):
        return bool(content)
    if isinstance(content, int | np.integer):
        return int(content)
    if isinstance(content, float | np.floating):
        return _digits(float(content)) if np.isfinite(content) else None
    return str(content)


def _named(agreement: Agreement | None) -> dict[str, Any] | None:
    return None if agreement is None else {"client": agreement.client, "name": agreement.name, "timezone": agreement.timezone}


def _provenance() -> dict[str, Any]:
    return {
        "ccstats": __version__,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def scorecard_markdown(report: ScorecardReport) -> str:
    """The scorecard as Markdown: the index first, then every target, money, and how each figure is made.

    Parameters
    ----------
    report : ScorecardReport
        What it holds, and its language.

    Returns
    -------
    str

    Examples
    --------
    >>> scorecard_markdown.__name__
    'scorecard_markdown'
    """
    lang, agreement = report.lang, report.agreement
    parts = [f"# {phrase('scorecard', lang)}"]
    if agreement is not None:
        client = f"{phrase('client', lang)}: {escape_markdown(agreement.client)}"
        parts.append(f"{client} · {phrase('agreement', lang)}: {escape_markdown(agreement.name)} · {escape_markdown(agreement.timezone)}")
    for row in report.index.to_dict("records"):
        parts.append(f"## {moment_text(row['period_start'], period=str(row['period']), lang=lang)}")
        parts += _of_period(report, row)
    due = report.money()
    if len(due) and agreement is not None:
        parts.append(f"## {phrase('bonus_malus', lang)} [{agreement.currency}]")
        total = figure_text(float(due["money"].sum()), "currency", lang)
        lengths = report.kpis["period"].astype("str").unique()
        table = markdown_table(due, period=lengths[0] if len(lengths) == 1 else None, lang=lang)
        parts += [table, f"{phrase('total', lang)}: {total} {agreement.currency}"]
    parts += [f"## {phrase('definitions', lang)}", *_definitions(report)]
    if report.trace is not None:
        parts += [f"## {phrase('trace', lang)}", phrase("trace_note", lang), _inputs(report.trace, lang)]
    parts.append(f"{phrase('made_with', lang, version=__version__)} {phrase('standard_no_targets', lang)}")
    return "\n\n".join(parts) + "\n"


def _of_period(report: ScorecardReport, row: Mapping[Any, Any]) -> list[str]:
    here = (report.kpis["period_start"] == row["period_start"]) & (report.kpis["period"] == row["period"])
    return [escape_markdown(_summary(report, row)), markdown_table(report.headline()[here.to_numpy()].iloc[:, 1:])]


def summary_lines(report: ScorecardReport) -> list[str]:
    """A sentence for each period: targets met, the index with what it covers and how far it hangs on its weights.

    Examples
    --------
    >>> summary_lines.__name__
    'summary_lines'
    """
    said = []
    for row in report.index.to_dict("records"):
        said.append(f"{moment_text(row['period_start'], period=str(row['period']), lang=report.lang)}: {_summary(report, row)}")
    return said


def _summary(report: ScorecardReport, row: Mapping[Any, Any]) -> str:
    lang = report.lang
    number = {name: number_text(row[name], lang=lang) for name in ("met", "not_met", "not_decidable")}
    every = number_text(row["met"] + row["not_met"] + row["not_decidable"], lang=lang)
    said = [phrase("targets_met", lang, met=number["met"], all=every, undecided=number["not_decidable"])]
    if not np.isnan(row["kpi_index"]):
        value = number_text(row["kpi_index"], digits=1, lang=lang)
        said.append(phrase("index_value", lang, value=value, coverage=share_text(row["coverage"], digits=0, lang=lang)))
        low, high = (number_text(row[name], digits=1, lang=lang) for name in ("index_low", "index_high"))
        said.append(phrase("index_range_factor", lang, low=low, high=high))
    if row["small_samples"]:
        said.append(phrase("small_samples", lang, names=row["small_samples"]))
    return "; ".join(said) + "."


def _definitions(report: ScorecardReport) -> list[str]:
    lang = report.lang
    lines = []
    for row in report.definitions().to_dict("records"):
        source = ""
        if row["source"]:
            source = " " + phrase("preset_line", lang, source=row["source"], date=row["as_of"] or "–", confidence=row["confidence"] or "–")
        note = f" {row['note']}" if row["note"] else ""
        title, made = escape_markdown(row["title"]), escape_markdown(translate(row["definition"], lang))
        text = f"**{escape_markdown(row['target'])}**, {title}: {made}"
        clause = f"{phrase('clause', lang)} {row['clause']}; {escape_markdown(row['inputs'])}"
        lines.append(f"* {text} ({clause}).{escape_markdown(source + note)}")
    return ["\n".join(lines)]


def _inputs(trace: pd.DataFrame, lang: str) -> str:
    kept = trace.drop_duplicates(["input", "sha256"])[["input", "sha256"]]
    return markdown_table(kept.reset_index(drop=True), lang=lang)
