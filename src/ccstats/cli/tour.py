"""The main job on a bundled log, from reading it to what deviates and how many agents it takes."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ccstats.cli.control import deviations
from ccstats.cli.logs import check, read_logs, stats
from ccstats.cli.reports import report
from ccstats.cli.shell import app, error_console
from ccstats.cli.staffing import staff

__all__ = ["demo"]


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report.")] = Path("ccstats-demo"),
) -> None:
    """The main job on a bundled log: a three-queue centre over two months, of our own making."""
    from ccstats.intervals import to_intervals
    from ccstats.readers.bundled import sample_file, sample_log
    from ccstats.report.files import write_tables

    log, zone = sample_log(), "Europe/Berlin"
    error_console.print(f"reading the bundled log {escape(log.name)}")
    with contextlib.suppress(typer.Exit):
        check([str(log)])
    records = {name: sample_file(f"{name}.csv") for name in ("surveys", "evaluations", "complaints", "forecast")}
    report(
        [str(log)],
        agreement=sample_file("agreement.toml"),
        surveys=records["surveys"],
        evaluations=records["evaluations"],
        complaints=records["complaints"],
        forecast=records["forecast"],
        out=str(out),
    )
    stats([str(log)], timezone=zone, out=out)
    intervals = to_intervals(read_logs([str(log)], format=None, timezone=zone, clock=None).contacts, timezone=zone, threshold_s=20)
    day = intervals["interval_start"].dt.tz_convert(zone).dt.normalize()
    week = intervals[day >= day.max() - timedelta(days=6)]
    expected = write_tables({"last_week": week}, out)[0]
    staff(str(expected), service_level="80/20", patience=120.0, shrinkage="30%", timezone=zone, out=str(out / "plan.xlsx"))
    last = str(day.max().date() - timedelta(days=6))
    with contextlib.suppress(typer.Exit):
        deviations([str(log)], timezone=zone, metric=["service_level", "offered"], holidays="DE", since=last, out=str(out))
    error_console.print("The same by hand:")
    beside = " ".join(f"--{name} {escape(str(path))}" for name, path in records.items())
    error_console.print(
        f"  ccstats report {escape(str(log))} --agreement {escape(str(sample_file('agreement.toml')))} {beside} --out {escape(str(out))}",
        soft_wrap=True,
    )
    error_console.print(
        f"  ccstats staff {escape(str(expected))} --service-level 80/20 --patience 120 --shrinkage 30% --timezone {zone} "
        f"--out {escape(str(out / 'plan.xlsx'))}",
        soft_wrap=True,
    )
    error_console.print(
        f"  ccstats deviations {escape(str(log))} --timezone {zone} --metric service_level --metric offered --holidays DE "
        f"--since {last} --out {escape(str(out))}",
        soft_wrap=True,
    )
    error_console.print(f"The report, which opens in any browser: {escape(str((out / 'report.html').resolve()))}", soft_wrap=True)
