"""A report as files: page, workbook, Markdown and tables, all made before the first is written, each whole or not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from ccstats.agreement import Agreement
from ccstats.errors import OptionError
from ccstats.labels import check_language, moment_text
from ccstats.readers.contract import Log
from ccstats.report.files import csv_text, write_whole
from ccstats.report.html_page import html_page
from ccstats.report.markdown_page import markdown_page
from ccstats.report.material import Material
from ccstats.report.page import build_page
from ccstats.report.parts import Page
from ccstats.report.scorecard_files import write_scorecard
from ccstats.report.scorecard_report import ScorecardReport
from ccstats.report.service_report import agreed_thresholds, build_service_report
from ccstats.report.suppressed import suppress_report
from ccstats.report.suppressed_scorecard import suppress_kpis, suppress_trace
from ccstats.report.workbook_page import workbook_page
from ccstats.schema import as_frame

__all__ = ["write_material", "write_page", "write_report"]

#: Share of the time after which sections are made, the page with its charts is drawn, and the workbook is.
_MADE, _DRAWN, _BOUND = 0.4, 0.85, 0.98


def write_page(page: Page, out: str | Path, *, progress: Callable[[str, float], None] | None = None) -> list[Path]:
    """Write ``report.html``, ``report.xlsx``, ``report.md`` and ``tables/*.csv`` into a folder, made if it is not there.

    Parameters
    ----------
    page : Page
        As `build_page` makes it.
    out : str or Path
        The folder.
    progress : callable, optional
        Called with what is being made and the share done, which begins where the sections are made.

    Returns
    -------
    list of Path
        The files written, the page first.

    Raises
    ------
    OptionError
        If the folder cannot be made or written to; then nothing of an older report is gone.

    Examples
    --------
    >>> import tempfile
    >>> [path.name for path in write_page(Page("Report", "", "en", "UTC", ()), tempfile.mkdtemp())]
    ['report.html', 'report.xlsx', 'report.md']
    """
    now = pd.Timestamp(datetime.now(UTC)).tz_convert(page.timezone)
    made_at = f"{moment_text(now, period='interval', lang=page.lang)} ({page.timezone})"
    ways: dict[str, tuple[float, Callable[[], bytes]]] = {
        "report.html": (_MADE, lambda: html_page(page, made_at=made_at).encode()),
        "report.xlsx": (_DRAWN, lambda: workbook_page(page)),
        "report.md": (_BOUND, lambda: markdown_page(page).encode()),
    }
    files = {}
    for name, (done, make) in ways.items():
        if progress is not None:
            progress(name, done)
        files[name] = make()
    return write_whole(Path(out), files | {f"tables/{key}.csv": csv_text(grid.data).encode() for key, grid in page.grids().items()})


def write_material(material: Material, out: str | Path, *, progress: Callable[[str, float], None] | None = None) -> list[Path]:
    """Make the page of what a report is made from, and write it with `write_page`.

    Examples
    --------
    >>> import tempfile
    >>> told = []
    >>> paths = write_material(Material("en", "UTC"), tempfile.mkdtemp(), progress=lambda what, share: told.append((what, share)))
    >>> paths[0].name, told[0], told[-1]
    ('report.html', ('Verdict', 0.0), ('report.md', 0.98))
    """
    building = None if progress is None else lambda what, share: progress(what, _MADE * share)
    return write_page(build_page(material, progress=building), out, progress=progress)


def write_report(
    kpis: Any = None,
    *,
    out: str | Path,
    agreement: Agreement | None = None,
    trace: pd.DataFrame | None = None,
    log: Log | None = None,
    surveys: Any = None,
    evaluations: Any = None,
    complaints: Any = None,
    forecast: Any = None,
    timezone: str | None = None,
    period: str = "month",
    threshold_s: float | Mapping[str, float] | None = None,
    suppress_below: int = 0,
    agent_names: bool = False,
    lang: str = "en",
    progress: Callable[[str, float], None] | None = None,
) -> list[Path]:
    """Write a report into a folder, made if it is not there: one page that opens anywhere, a workbook, Markdown, CSV and JSON.

    Parameters
    ----------
    kpis : pandas.DataFrame or Arrow table, optional
        As `build_scorecard` makes it; without it the report has no verdict.
    out : str or Path
        The folder.
    agreement : Agreement, optional
        The one it was made with: time zone, thresholds, definition, and the sources and notes beside the figures.
    trace : pandas.DataFrame, optional
        As `trace_scorecard` makes it.
    log : Log, optional
        What `read` gave: adds days, the week, waits, queues, agents, staffing, causes, and what became of every line.
    surveys, evaluations, complaints, forecast : table, optional
        As the functions ``read_surveys`` and so on give them: adds their sections.
    timezone : str, optional
        Whose days count; by default the agreement's.
    period : str
        How queues are cut: ``day``, ``week``, ``month``, ``quarter`` or ``year``.
    threshold_s : float or mapping, optional
        Of the service level, for all queues or by queue; by default the agreement's, without one 20. [s]
    suppress_below : int
        Figures on fewer contacts than this are blank, those that would give them away too, and finer tables left out. [contacts]
    agent_names : bool
        Names of agents instead of numbers, for readers who may know them.
    lang : str
        Language of what people read: ``en``, ``de``, ``es`` or ``tr``. CSV and JSON are data and the same in every language.
    progress : callable, optional
        Called with what is being made and the share done.

    Returns
    -------
    list of Path
        ``report.html``, ``report.xlsx``, ``report.md`` and ``tables/*.csv``; with ``kpis`` also ``scorecard.md``, ``scorecard.xlsx``,
        ``kpis.csv``, ``kpis.json``, ``index.csv``, with a trace ``trace.csv``, and ``provenance.json``. CSV and JSON carry no time:
        the same inputs give the same bytes. Versions, machine and time stand in ``provenance.json``. The page fetches nothing; what had
        no data is left out, and its section of data quality says so.

    Raises
    ------
    OptionError
        If the folder cannot be made or written to, there is no such language, or no time zone is known.

    Examples
    --------
    >>> import tempfile
    >>> import ccstats as cc
    >>> log = cc.read(cc.sample_log(), key="a secret")
    >>> agreement = cc.Agreement.from_toml(cc.sample_file("agreement.toml"))
    >>> kpis = cc.build_scorecard(agreement, contacts=log.contacts)
    >>> [path.name for path in write_report(kpis, out=tempfile.mkdtemp(), agreement=agreement)][:3]
    ['report.html', 'report.xlsx', 'report.md']
    """
    check_language(lang)
    frame = None if kpis is None else suppress_kpis(as_frame(kpis, what="kpis"), below=suppress_below)
    zone = timezone or (None if agreement is None else agreement.timezone) or (None if frame is None else str(frame["period_start"].dt.tz))
    if zone is None:
        raise OptionError("timezone= is missing: days and months need the zone of the centre, for example timezone='Europe/Istanbul'")
    scorecard, written = None, []
    if frame is not None:
        shown = None if trace is None else suppress_trace(trace, below=suppress_below)
        scorecard = ScorecardReport(frame, agreement, shown, lang)
        written = write_scorecard(frame, out=out, agreement=agreement, trace=shown, lang=lang)
    given = {"surveys": surveys, "evaluations": evaluations, "complaints": complaints, "forecast": forecast}
    material = Material(
        lang,
        zone,
        log,
        scorecard=scorecard,
        records={name: as_frame(table, what=name) for name, table in given.items() if table is not None},
        suppress_below=suppress_below,
        agent_names=agent_names,
    )
    if log is not None:
        material = _with_service(material, log, agreement, period=period, threshold_s=threshold_s)
    return [*write_material(material, out, progress=progress), *written]


def _with_service(
    material: Material, log: Log, agreement: Agreement | None, *, period: str, threshold_s: float | Mapping[str, float] | None
) -> Material:
    queues = [str(queue) for queue in log.contacts["queue"].cat.categories]
    agreed, shorts = (20.0, None) if agreement is None else agreed_thresholds(agreement, queues)
    limits = agreed if threshold_s is None else threshold_s
    definition = "service_level" if agreement is None else agreement.service_level.definition
    service = build_service_report(
        log,
        timezone=material.timezone,
        period=period,
        every=material.every,
        threshold_s=limits,
        short_s=shorts,
        definition=definition,
        lang=material.lang,
    )
    service = suppress_report(service, below=material.suppress_below)
    return replace(material, service=service, threshold_s=limits, short_s=shorts, definition=definition)
