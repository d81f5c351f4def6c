"""The command that says what deviates, and why."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.markup import escape

from ccstats.cli.logs import Clock, Format, Logs, Mapping, Threshold, columns_of, needed_zone, read_logs, thresholds_of
from ccstats.cli.shell import Zone, app, console, error_console, progress_bar
from ccstats.cli.staffing import share_of
from ccstats.errors import OptionError

__all__ = ["deviations"]

Metrics = Annotated[list[str], typer.Option("--metric", help="What is judged: service_level, offered, aht_s, …; repeat for several.")]


@app.command()
def deviations(
    logs: Logs,
    format: Format = None,
    timezone: Zone = None,
    clock: Clock = None,
    mapping: Mapping = None,
    metric: Metrics = ["service_level"],  # noqa: B006 - Typer reads defaults as they stand
    plan: Annotated[
        str | None,
        typer.Option("--plan", help="What was planned (ccstats staff --out): reasons are told against it, else against what was usual."),
    ] = None,
    period: Annotated[str, typer.Option("--period", "-p", help="interval, hour, day, week, month, quarter or year.")] = "interval",
    by: Annotated[str, typer.Option("--by", "-b", help="queue, or empty for all queues together.")] = "queue",
    threshold: Threshold = ["20"],  # noqa: B006
    every: Annotated[str, typer.Option("--every", help="Length of the intervals beneath.")] = "30min",
    since: Annotated[
        str | None, typer.Option("--since", help="Leave out incidents that ended before this day; the past is still learnt from.")
    ] = None,
    chart: Annotated[
        str,
        typer.Option(
            "--chart",
            help="auto, residual, expected (for the agents who were there), profile, p_prime, u_prime, i_prime, xmr, p, u or c.",
        ),
    ] = "auto",
    target: Annotated[
        str | None, typer.Option("--target", help="Service level asked for, such as 80%: shown, never a reason for a signal.")
    ] = None,
    holidays: Annotated[
        str | None, typer.Option("--holidays", help="Country whose public holidays are no ordinary days, such as TR or DE-BE.")
    ] = None,
    show: Annotated[int, typer.Option("--show", min=0, help="How many incidents to print.")] = 20,
    seed: Annotated[int, typer.Option("--seed", help="Of the simulations.")] = 0,
    out: Annotated[
        str | None, typer.Option("--out", "-o", help="Folder for deviations.md and CSV tables; - prints the points as CSV.")
    ] = None,
) -> None:
    """What is unusual and not noise, as incidents in words, the costliest first, and why. Exit status 1 if there are any."""
    from ccstats.intervals import to_intervals
    from ccstats.report.cells import printable
    from ccstats.report.deviation_report import build_deviation_report, write_deviations
    from ccstats.report.files import csv_text
    from ccstats.report.placing import count_agents
    from ccstats.workforce.demand import read_forecast

    zone = needed_zone(timezone)
    groups = columns_of(by)
    if groups not in ((), ("queue",)):
        raise OptionError(f"--by {by!r}: deviations are told by queue, or of all queues together (--by '')")
    log = read_logs(logs, format=format, timezone=zone, clock=clock, mapping=mapping)
    queues = [str(queue) for queue in log.contacts["queue"].cat.categories]
    with progress_bar("judging") as progress:
        intervals = to_intervals(log.contacts, every=every, timezone=zone, threshold_s=thresholds_of(threshold, "--threshold", queues))
        staffed = count_agents(log.agent_states, queues=len(queues), every=every, timezone=zone)
        progress("judging", 0.3)
        made = build_deviation_report(
            intervals,
            staffed,
            plan=None if plan is None else read_forecast(plan, timezone=zone),
            metric=metric,
            by=groups,
            timezone=zone,
            since=since,
            seed=seed,
            period=period,
            chart=chart,
            target=share_of(target, "--target"),
            holidays=holidays,
        )
    if out == "-":
        sys.stdout.write(csv_text(made.points))
    else:
        for said in made.sentences()[:show]:
            console().print(escape(printable(said)), soft_wrap=True)
        if len(made.incidents) > show:
            console().print(f"… and {len(made.incidents) - show:,} more (--show, --out)")
        if not len(made.incidents):
            judged, when = int(made.points["value"].notna().sum()), "" if since is None else f" since {since}"
            console().print(f"nothing deviates{when}: {judged:,} values of {', '.join(made.metrics)} lie within what was to be expected")
        for line in made.definitions():
            error_console.print(escape(printable(line)), soft_wrap=True)
        for line in made.charts()[:3]:
            error_console.print(f"judged by: {escape(printable(line))}", soft_wrap=True)
        if out is not None:
            for path in write_deviations(made, out):
                error_console.print(f"wrote {escape(str(path))}")
    if len(made.incidents):
        raise typer.Exit(1)
