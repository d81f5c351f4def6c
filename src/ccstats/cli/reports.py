"""What a client is sent: the service-level table of a log, and with an agreement the scorecard."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ccstats.cli.logs import (
    By,
    Clock,
    Format,
    Logs,
    Mapping,
    Period,
    Suppress,
    Threshold,
    columns_of,
    needed_zone,
    read_logs,
    thresholds_of,
)
from ccstats.cli.shell import Lang, Zone, app, console, error_console, print_table, progress_bar
from ccstats.cli.sources import files_of
from ccstats.errors import OptionError

if TYPE_CHECKING:
    from ccstats.agreement import Agreement
    from ccstats.readers.contract import Log
    from ccstats.report import ServiceReport
    from ccstats.report.material import Material
    from ccstats.report.scorecard_report import ScorecardReport

__all__ = ["report"]

_HELP = "With --agreement: "
Agreed = Annotated[Path | None, typer.Option("--agreement", "-a", help="TOML of what was agreed: adds the scorecard of its targets.")]
Surveys = Annotated[Path | None, typer.Option("--surveys", help=f"{_HELP}what customers answered.")]
Evaluations = Annotated[Path | None, typer.Option("--evaluations", help=f"{_HELP}contacts that were evaluated.")]
Complaints = Annotated[Path | None, typer.Option("--complaints", help=f"{_HELP}complaints.")]
Items = Annotated[Path | None, typer.Option("--items", help=f"{_HELP}written work.")]
Forecast = Annotated[Path | None, typer.Option("--forecast", help=f"{_HELP}what was forecast.")]
Staff = Annotated[Path | None, typer.Option("--staff", help=f"{_HELP}who joined and left.")]
Absences = Annotated[Path | None, typer.Option("--absences", help=f"{_HELP}scheduled and absent time.")]
Schedule = Annotated[
    Path | None, typer.Option("--schedule", help=f"{_HELP}what agents were meant to do when: adherence, conformance, shrinkage.")
]
Figures = Annotated[Path | None, typer.Option("--figures", help=f"{_HELP}figures that no log tells, such as cost.")]


@app.command()
def report(
    logs: Logs,
    format: Format = None,
    timezone: Zone = None,
    clock: Clock = None,
    mapping: Mapping = None,
    period: Period = "month",
    by: By = "queue",
    threshold: Threshold = [],  # noqa: B006 - Typer reads defaults as they stand
    short: Annotated[list[str], typer.Option("--short", "-s", help="Short-abandon threshold in seconds; repeat as QUEUE=SECONDS.")] = [],  # noqa: B006
    definition: Annotated[
        str | None, typer.Option("--definition", "-d", help="Which service level stands first, such as sl_excl_short.")
    ] = None,
    every: Annotated[str, typer.Option("--every", help="Length of the intervals beneath.")] = "30min",
    agreement: Agreed = None,
    surveys: Surveys = None,
    evaluations: Evaluations = None,
    complaints: Complaints = None,
    items: Items = None,
    forecast: Forecast = None,
    staff: Staff = None,
    absences: Absences = None,
    schedule: Schedule = None,
    figures: Figures = None,
    suppress: Suppress = 0,
    agent_names: Annotated[
        bool, typer.Option("--agent-names", help="With --by agent: names instead of numbers, for readers who may know them.")
    ] = False,
    out: Annotated[str | None, typer.Option("--out", "-o", help="Folder for the report and its tables; - prints the table as CSV.")] = None,
    lang: Lang = "en",
) -> None:
    """The service-level table of a log: by queue and month unless asked otherwise. With an agreement also its scorecard.

    Threshold (20 s), short-abandon rule and definition are those of the agreement where there is one.
    """
    from ccstats.labels import check_language
    from ccstats.privacy import key_of
    from ccstats.report import build_service_report
    from ccstats.report.files import csv_text, service_tables, write_texts
    from ccstats.report.material import Material
    from ccstats.report.scorecard_files import write_scorecard
    from ccstats.scorecard.building import SCORED

    agreed = _agreement(agreement)
    if agreed is not None and period not in SCORED:
        raise OptionError(f"--period {period}: with --agreement give one of {', '.join(SCORED)}, which a scorecard can have")
    zone, lang = needed_zone(timezone or (None if agreed is None else agreed.timezone)), check_language(lang)
    key = key_of(None)  # one for all files of a run, so that customers of complaints are those of the log
    records = {"surveys": surveys, "evaluations": evaluations, "complaints": complaints, "items": items}
    records |= {"forecast": forecast, "staff": staff, "absences": absences, "schedule": schedule, "figures": figures}
    if agreed is None and (named := [name for name, path in records.items() if path is not None]):
        raise OptionError(f"--{named[0]} is for the scorecard, which needs --agreement; see ccstats agreement new")
    log = read_logs(logs, format=format, timezone=zone, clock=clock, mapping=mapping, key=key)
    queues = [str(queue) for queue in log.contacts["queue"].cat.categories]
    limits, shorts = _thresholds(agreed, queues, threshold, short)
    meant = definition or (agreed.service_level.definition if agreed is not None else "service_level")
    with progress_bar("counting"):
        made = build_service_report(
            log,
            timezone=zone,
            period=None if period == "all" else period,
            by=columns_of(by),
            every=every,
            threshold_s=limits,
            short_s=shorts,
            definition=meant,
            lang=lang,
        )
    made = _protected(made, suppress, agent_names)
    if out == "-":
        sys.stdout.write(csv_text(made.groups))
        return
    _print_service(made, log, suppress)
    tables, rejected = _records(records, zone, key)
    scorecard = None
    if agreed is not None:
        scorecard = _scorecard(agreed, log, _files(logs, records), tables, period=period, suppress=suppress, lang=lang)
    if out is None:
        return
    for path in write_texts(Path(out), service_tables(made)):
        error_console.print(f"wrote {escape(str(path))}")
    if scorecard is not None:
        for path in write_scorecard(scorecard.kpis, out=out, agreement=agreed, trace=scorecard.trace, lang=lang):
            error_console.print(f"wrote {escape(str(path))}")
    options = {"--every": every, "--period": period, "--by": by, "--suppress-below": str(suppress)}
    material = Material(
        lang,
        zone,
        log,
        made,
        scorecard,
        tables,
        rejected,
        every=every,
        threshold_s=limits,
        short_s=shorts,
        definition=meant,
        suppress_below=suppress,
        agent_names=agent_names,
        inputs=_digests(logs),
        options=options,
    )
    _write_page(material, out)


def _agreement(path: Path | None) -> Agreement | None:
    if path is None:
        return None
    from ccstats.agreement import Agreement

    return Agreement.from_toml(path)


def _thresholds(agreed: Agreement | None, queues: list[str], threshold: list[str], short: list[str]) -> tuple[Any, Any]:
    """What was given, else what was agreed, else 20 s and no short-abandon rule."""
    from ccstats.report.service_report import agreed_thresholds

    limits: Any = thresholds_of(threshold or ["20"], "--threshold", queues)
    shorts: Any = thresholds_of(short, "--short", queues)
    if agreed is None:
        return limits, shorts
    ours = agreed_thresholds(agreed, queues)
    return limits if threshold else ours[0], shorts if short else ours[1]


def _protected(made: ServiceReport, suppress: int, agent_names: bool) -> ServiceReport:
    from ccstats.report.suppressed import suppress_report, without_names

    made = suppress_report(made, below=suppress)
    return made if agent_names else without_names(made)


def _print_service(made: ServiceReport, log: Log, suppress: int) -> None:
    from ccstats.labels import number_text, phrase
    from ccstats.metrics import METRICS
    from ccstats.report.cells import printable

    lang = made.lang
    title = phrase("service_level_of", lang, sources=", ".join(made.sources), zone=made.timezone)
    print_table(made.headline(), title=title, period=made.period, lang=lang)
    formula = METRICS[made.definition].formula
    said = phrase("definition_line", lang, definition=made.definition, formula=formula, threshold=made.threshold, short=made.short)
    console().print(escape(printable(said)), soft_wrap=True)
    if suppress:
        console().print(phrase("suppressed_rows", lang, count=suppress), soft_wrap=True)
    rejected, repaired = phrase("findings_rejected", lang), phrase("findings_repaired", lang)
    findings = {rejected: log.count("rejected"), repaired: int(log.notes["count"].sum())}
    if any(findings.values()):
        said = "; ".join(f"{what}: {number_text(number, lang=lang)}" for what, number in findings.items() if number)
        error_console.print(f"{said}. {phrase('findings_hint', lang, command='[bold]ccstats check[/]')}", soft_wrap=True)


def _scorecard(
    agreed: Agreement, log: Log, files: dict[str, Any], records: dict[str, Any], *, period: str, suppress: int, lang: str
) -> ScorecardReport:
    """Judge, and print the scorecard."""
    from ccstats.labels import phrase
    from ccstats.report.scorecard_files import summary_lines
    from ccstats.report.scorecard_report import ScorecardReport
    from ccstats.report.suppressed_scorecard import suppress_kpis, suppress_trace
    from ccstats.scorecard import build_scorecard, trace_scorecard

    tables = {"contacts": log.contacts, "agent_states": log.agent_states, **records}
    with progress_bar("judging"):
        kpis = suppress_kpis(build_scorecard(agreed, period=period, **tables), below=suppress)
        trace = suppress_trace(trace_scorecard(kpis, agreed, files=files, **tables), below=suppress)
    made = ScorecardReport(kpis, agreed, trace, lang)
    print_table(made.headline(), title=f"{phrase('scorecard', lang)}: {agreed.client}, {agreed.name}", lang=lang)
    for line in summary_lines(made):
        console().print(escape(line), soft_wrap=True)
    return made


def _files(logs: list[str], records: dict[str, Path | None]) -> dict[str, Any]:
    """The files that tables were read from, by table."""
    files: dict[str, Any] = {name: path for name, path in records.items() if path is not None}
    if read_from := [path for _, path in files_of(logs)]:
        files["contacts"] = files["agent_states"] = read_from
    return files


def _digests(logs: list[str]) -> dict[str, str]:
    """SHA-256 of the log's files, by their names."""
    from ccstats.scorecard.digests import digest_file

    return {name: digest_file(path) for name, path in files_of(logs)}


def _write_page(material: Material, out: str) -> None:
    """Page, workbook, Markdown and tables; the last line names what opens."""
    from ccstats.report.writing import write_material

    with progress_bar("reporting") as progress:
        paths = write_material(material, out, progress=progress)
    beside = [path for path in paths if path.parent == Path(out)]
    tables = len(paths) - len(beside)
    error_console.print(f"wrote {escape(str(Path(out) / 'tables'))}: {tables} tables as CSV", soft_wrap=True)
    for path in reversed(beside):
        error_console.print(f"wrote {escape(str(path))}", soft_wrap=True)


def _records(paths: dict[str, Path | None], zone: str, key: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tables beside the log, and the rows of them that were rejected, which is said."""
    import ccstats

    tables, rejected = {}, {}
    for name, path in paths.items():
        if path is None:
            continue
        if name in ("forecast", "schedule"):
            read = ccstats.read_forecast if name == "forecast" else ccstats.read_roster
            tables[name] = read(str(path), timezone=zone)
            continue
        found = getattr(ccstats, f"read_{name}")(path, timezone=zone, key=key)
        tables[name], rejected[name] = found.table, found.rejected
        if len(found.rejected):
            first = found.rejected.iloc[0]
            error_console.print(
                f"[bold yellow]note:[/] {escape(str(path))}: {len(found.rejected):,} rows rejected, first in line {first['line']}: "
                f"{escape(str(first['reason']))}",
                soft_wrap=True,
            )
    return tables, rejected
