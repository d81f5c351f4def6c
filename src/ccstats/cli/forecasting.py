"""The planner's first command: what will come."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from ccstats.cli.logs import Clock, Format, Logs, Mapping, columns_of, needed_zone, read_any_log
from ccstats.cli.scheduling import check_folder
from ccstats.cli.shell import Zone, app, console, error_console, print_table, progress_bar
from ccstats.errors import OptionError

__all__ = ["forecast"]

_EXAMPLES = """[bold]Examples[/]

ccstats forecast queue_log* --timezone Europe/Istanbul --holidays TR --horizon 28D --out forecast

ccstats forecast history.csv --timezone Europe/Berlin --holidays DE-BE --events events.csv --backtest --out forecast

ccstats staff forecast --service-level 80/20 --timezone Europe/Istanbul --out plan.csv"""


@app.command(epilog=_EXAMPLES)
def forecast(
    logs: Logs,
    format: Format = None,
    timezone: Zone = None,
    clock: Clock = None,
    mapping: Mapping = None,
    horizon: Annotated[str, typer.Option("--horizon", help="How many days ahead, such as 28D.")] = "28D",
    by: Annotated[str, typer.Option("--by", "-b", help="queue, with further columns; empty for all queues together.")] = "queue",
    period: Annotated[str, typer.Option("--period", "-p", help="interval, or day with limits of days.")] = "interval",
    every: Annotated[str, typer.Option("--every", help="Length of the intervals.")] = "30min",
    method: Annotated[
        str, typer.Option("--method", help="auto (what would have forecast the last weeks best), profile, ets, mstl, naive.")
    ] = "auto",
    holidays: Annotated[
        str | None, typer.Option("--holidays", help="Country whose public holidays are no ordinary days, such as TR or DE-BE.")
    ] = None,
    events: Annotated[
        Path | None, typer.Option("--events", help="Table of planned events: name, start, end, and where known factor, queue.")
    ] = None,
    overrides: Annotated[
        Path | None, typer.Option("--overrides", help="Table of your own figures: start, end, queue, and factor, offered or aht_s.")
    ] = None,
    exclude: Annotated[
        list[str], typer.Option("--exclude", metavar="START/END", help="A span not to learn from; repeat for several.")
    ] = [],  # noqa: B006 - Typer reads defaults as they stand
    aht: Annotated[float | None, typer.Option("--aht", help="Handle time in seconds, where a table of intervals has none.")] = None,
    backtest: Annotated[bool, typer.Option("--backtest", help="Say too how far forecasts of this history would have been off.")] = False,
    out: Annotated[str | None, typer.Option("--out", "-o", help="Folder for the tables; - prints the forecast as CSV.")] = None,
) -> None:
    """What will come: contacts and handle time of each queue and interval, with limits.

    LOG is a log, or a table of counted intervals: when they begin, contacts, handle time, queue. --out writes forecast.csv, which
    ccstats staff reads.
    """
    from ccstats.report.cells import printable
    from ccstats.report.files import csv_text, write_tables
    from ccstats.report.forecast_report import forecast_days, forecast_lines
    from ccstats.workforce.counted_files import read_spans_table
    from ccstats.workforce.forecast_backtest import backtest_forecast
    from ccstats.workforce.forecast_overrides import override_forecast
    from ccstats.workforce.forecast_trials import part_of
    from ccstats.workforce.forecasting import forecast_contacts

    zone = needed_zone(timezone)
    check_folder(out)
    asked: dict[str, Any] = {
        "horizon": horizon,
        "by": columns_of(by),
        "timezone": zone,
        "holidays": holidays,
        "events": None if events is None else read_spans_table(events),
        "exclude": _spans(exclude),
    }
    own = None if overrides is None else read_spans_table(overrides)
    history = _history(logs, format=format, zone=zone, clock=clock, mapping=mapping, every=every, aht=aht, by=columns_of(by))
    with progress_bar("forecasting") as progress:
        looking = backtest and out != "-"
        first = part_of(progress, 0.0, 0.1 if looking else 1.0)  # looking back makes thirty forecasts
        made = forecast_contacts(history, period=period, method=method, progress=first, **asked)
        made = made if own is None else override_forecast(made, own, timezone=zone)
        if looking:
            scores = backtest_forecast(history, progress=part_of(progress, 0.1, 1.0), **asked)
    if out == "-":
        sys.stdout.write(csv_text(made))
        return
    print_table(forecast_days(made, timezone=zone), title=f"Forecast by day ({zone})", period="day")
    if backtest:
        print_table(scores, title="How far forecasts of this history would have been off")
    for line in forecast_lines(made):
        console().print(escape(printable(line)), soft_wrap=True)
    if out is not None:
        for path in write_tables({"forecast": made, **({"backtest": scores} if backtest else {})}, out):
            error_console.print(f"wrote {escape(str(path))}")


def _history(
    logs: list[str],
    *,
    format: str | None,
    zone: str,
    clock: str | None,
    mapping: Path | None,
    every: str,
    aht: float | None,
    by: tuple[str, ...],
) -> Any:
    from ccstats.intervals import to_intervals
    from ccstats.workforce.counted_files import is_counted, read_counted

    if format is None and mapping is None and len(logs) == 1 and logs[0] != "-" and is_counted(logs[0]):
        return read_counted(logs[0], timezone=clock or zone, every=None, aht_s=aht)
    log = read_any_log(logs, format=format, timezone=zone, clock=clock, mapping=mapping)
    if hasattr(log, "intervals"):
        return log.intervals
    with progress_bar("counting"):
        return to_intervals(log.contacts, every=every, timezone=zone, by=tuple(name for name in by if name != "queue"))


def _spans(given: list[str]) -> list[tuple[str, str]] | None:
    pairs = [text.partition("/") for text in given]
    bad = [text for text, (start, _, end) in zip(given, pairs, strict=True) if not start or not end]
    if bad:
        raise OptionError(f"--exclude {bad[0]!r}: expected START/END such as 2026-03-02/2026-03-04")
    return [(start, end) for start, _, end in pairs] or None
