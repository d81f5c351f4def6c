"""Commands that read logs: the account of lines, statistics, formats and mappings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ccstats.cli.shell import Lang, Zone, app, console, error_console, print_table, progress_bar
from ccstats.cli.sources import asked_of, names_archive
from ccstats.errors import OptionError, ZoneError

if TYPE_CHECKING:
    from ccstats.readers.contract import IntervalLog, Log

__all__ = [
    *("By", "Clock", "Format", "Logs", "Mapping", "Period", "Suppress", "Threshold", "check"),
    *("columns_of", "draft", "formats", "needed_zone", "read_any_log", "read_logs", "stats", "thresholds_of"),
]

Logs = Annotated[
    list[str], typer.Argument(metavar="LOG…", help="Log files or globs (.gz, .bz2, .xz, .zst too), an archive, or - for standard input.")
]
Format = Annotated[
    str | None, typer.Option("--format", "-f", help="The log's format; see [bold]ccstats formats[/]. Recognised if left out.")
]
Clock = Annotated[str | None, typer.Option("--clock", help="Zone the log's own wall clock stood in, where it is another than --timezone.")]
Mapping = Annotated[
    Path | None, typer.Option("--mapping", "-m", help="TOML mapping for --format mapped; draft one with [bold]ccstats map[/].")
]
Period = Annotated[str, typer.Option("--period", "-p", help="interval, hour, day, week, month, quarter, year, weekday, slot, or all.")]
By = Annotated[str, typer.Option("--by", "-b", help="Columns to group by, comma separated; empty for totals only.")]
Threshold = Annotated[
    list[str], typer.Option("--threshold", "-t", help="Service-level threshold in seconds; repeat as QUEUE=SECONDS for single queues.")
]
Suppress = Annotated[
    int,
    typer.Option("--suppress-below", min=0, help="Blank rows on fewer contacts than this, and others by which they could be computed."),
]


def read_logs(
    logs: list[str], *, format: str | None, timezone: str | None, clock: str | None, mapping: Path | None = None, **options: Any
) -> Log:
    from ccstats.readers import read

    return _read_by(read, logs, format=format, timezone=timezone, clock=clock, mapping=mapping, **options)


def read_any_log(logs: list[str], *, format: str | None, timezone: str | None, clock: str | None, mapping: Path | None) -> Any:
    """A log of contacts, or of intervals where the platform counts by itself."""
    from ccstats.readers.either import read_either

    return _read_by(read_either, logs, format=format, timezone=timezone, clock=clock, mapping=mapping)


def _read_by(
    read: Any, logs: list[str], *, format: str | None, timezone: str | None, clock: str | None, mapping: Path | None, **options: Any
) -> Any:
    if names_archive(logs):
        from ccstats.engines.archive import read_archive

        return read_archive(logs[0])
    source, format, options = asked_of(logs, format, mapping, options)
    with progress_bar("reading") as progress:
        return read(source, format=format, timezone=clock or timezone, progress=progress, **options)


def needed_zone(timezone: str | None) -> str:
    if timezone is None:
        raise ZoneError("--timezone is missing: days and months need the zone of the centre, for example --timezone Europe/Istanbul")
    return timezone


def thresholds_of(given: list[str], option: str, queues: list[str]) -> float | dict[str, float] | None:
    """``20`` and ``sales=30`` in words of the library: one number, or a number per queue."""
    default: float | None = None
    single: dict[str, float] = {}
    for text in given:
        queue, equals, seconds = text.rpartition("=")
        try:
            value = float(seconds)
        except ValueError:
            raise OptionError(f"{option} {text!r}: expected seconds such as 20, or QUEUE=SECONDS such as sales=30") from None
        if equals:
            single[queue] = value
        else:
            default = value
    unknown = sorted(set(single) - set(queues))
    if unknown:
        raise OptionError(f"{option}: no queue {', '.join(unknown)} in the log; it has: {', '.join(queues)}")
    if not single:
        return default
    return {queue: single.get(queue, default) for queue in queues if queue in single or default is not None}  # type: ignore[misc]


def columns_of(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


@app.command()
def check(
    logs: Logs,
    format: Format = None,
    timezone: Zone = None,
    clock: Clock = None,
    mapping: Mapping = None,
    show: Annotated[int, typer.Option("--show", min=0, help="How many rejected lines to list.")] = 20,
    text: Annotated[bool, typer.Option("--text", help="Show the rejected lines themselves: they may hold personal data.")] = False,
) -> None:
    """What became of every line: used, ignored by rule, or rejected and why; sums and oddities. Exit status 1 if there are findings."""
    from ccstats.readers.contract import Log
    from ccstats.readers.either import read_either

    log = _read_by(read_either, logs, format=format, timezone=timezone, clock=clock, mapping=mapping, keep_text=text)
    print_table(log.summary(), title=f"Lines of {', '.join(dict.fromkeys(log.lines['source'].astype(str)))} (format {log.format})")
    console().print(
        f"{log.count():,} lines = {log.count('used'):,} used + {log.count('ignored'):,} ignored + {log.count('rejected'):,} rejected; "
        f"{_found(log)}"
    )
    sound = _print_contacts(log) if isinstance(log, Log) else _print_intervals(log)
    if len(log.notes):
        print_table(log.notes, title="Repaired or assumed")
    if len(log.rejected):
        print_table(log.rejected.head(show), title=f"Rejected ({min(show, len(log.rejected)):,} of {len(log.rejected):,})")
    if len(log.rejected) or not sound:
        raise typer.Exit(1)


def _found(log: Any) -> str:
    """How much of what was read."""
    if hasattr(log, "intervals"):
        queues, agents = log.intervals["queue"].nunique(), log.agent_intervals["agent"].nunique()
        return f"{len(log.intervals):,} intervals of {queues:,} queues, {len(log.agent_intervals):,} of {agents:,} agents"
    return f"{len(log.contacts):,} visits of {log.contacts['contact_id'].nunique():,} contacts, {len(log.agent_states):,} agent states"


def _print_contacts(log: Log) -> bool:
    """Outcomes and sums; whether these agree."""
    from ccstats.service.reconciliation import reconcile

    outcomes = log.contacts["outcome"].value_counts()
    print_table(outcomes[outcomes > 0].rename_axis("outcome").reset_index(name="visits"), title="Outcomes")
    checks = reconcile(log)
    print_table(checks, title="Sums")
    return bool(checks["ok"].all())


def _print_intervals(log: IntervalLog) -> bool:
    """What the platform counted; its parts were checked when they were read."""
    from ccstats.intervals import roll_up

    counts = ["offered", "answered", "abandoned", "flowed_out", "unknown"]
    print_table(roll_up(log.intervals, by="queue")[["queue", *counts, "attribute_by"]], title="Counted by the platform")
    return True


@app.command()
def stats(
    logs: Logs,
    format: Format = None,
    timezone: Zone = None,
    clock: Clock = None,
    mapping: Mapping = None,
    suppress: Suppress = 0,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the tables as CSV.")] = None,
    lang: Lang = "en",
) -> None:
    """Waits, agents, transfers, who hung up and why contacts went unanswered."""
    from ccstats.labels import check_language, phrase, table_title
    from ccstats.report.files import write_tables
    from ccstats.report.statistics import build_statistics

    zone, lang = needed_zone(timezone), check_language(lang)
    log = read_logs(logs, format=format, timezone=zone, clock=clock, mapping=mapping)
    with progress_bar("counting"):
        tables = build_statistics(log, timezone=zone, suppress_below=suppress)
    for name, table in tables.items():
        print_table(table, title=table_title(name, lang), lang=lang)
    if suppress:
        console().print(phrase("suppressed_below", lang, count=suppress), soft_wrap=True)
    if out is not None:
        for path in write_tables(tables, out):
            error_console.print(f"wrote {escape(str(path))}")


@app.command()
def formats() -> None:
    """The log formats that can be read, what they yield, and how sure we are."""
    from ccstats.readers import formats as known

    print_table(known())


@app.command(name="map")
def draft(
    file: Annotated[str, typer.Argument(help="A table: CSV, TSV, Excel or Parquet.")],
    timezone: Zone = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to write the draft; standard output if left out.")] = None,
) -> None:
    """Draft a mapping from a file's header and first rows, for you to finish."""
    from ccstats.readers.drafting import draft_mapping
    from ccstats.report.files import write_text

    text = draft_mapping(sys.stdin.buffer if file == "-" else file, timezone=timezone)
    if out is None:
        typer.echo(text, nl=not text.endswith("\n"))
    else:
        write_text(out, text)
        error_console.print(f"wrote {escape(str(out))}")
