"""Commands of the planner: staff a forecast, the pocket calculator, and a simulated centre."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ccstats.cli.shell import Zone, app, console, error_console, print_table, progress_bar
from ccstats.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["erlang", "simulate", "staff"]

Forecast = Annotated[
    str,
    typer.Argument(
        metavar="FORECAST",
        help="CSV, Excel or Parquet: start, contacts, handle time per interval (and queue); a table of intervals; the folder of "
        "[bold]ccstats forecast[/]; - is standard input.",
    ),
]
ServiceLevel = Annotated[
    str | None, typer.Option("--service-level", "-s", metavar="SHARE/SECONDS", help="Such as 80/20: 80 % answered within 20 seconds.")
]
MaxWait = Annotated[float | None, typer.Option("--max-wait", help="Longest mean wait of the answered, in seconds.")]
MaxAbandonment = Annotated[str | None, typer.Option("--max-abandonment", help="Largest abandonment rate, such as 5%.")]
MaxOccupancy = Annotated[str | None, typer.Option("--max-occupancy", help="Largest occupancy, such as 85%.")]
Patience = Annotated[
    float | None, typer.Option("--patience", help="Mean patience in seconds (Erlang A); nobody gives up if left out (Erlang C).")
]
Definition = Annotated[str, typer.Option("--definition", "-d", help="Which service level is meant, such as sl_answered_only.")]
Shrinkage = Annotated[str, typer.Option("--shrinkage", help="Share of paid time not on the floor, such as 30%.")]
Aht = Annotated[float | None, typer.Option("--aht", help="Handle time in seconds, where the file has none.")]
AhtUnit = Annotated[str, typer.Option("--aht-unit", help="How the file writes handle times: s, min, mm:ss, h:mm:ss.")]
Every = Annotated[str | None, typer.Option("--every", help="Length of the intervals, such as 30min; told from the file if left out.")]
TimeFormat = Annotated[str, typer.Option("--time-format", help="How the file writes times: iso, or such as '%d.%m.%Y %H:%M'.")]
Decimal = Annotated[str, typer.Option("--decimal", help="The sign in the file's numbers.")]


def share_of(text: str | None, option: str) -> float | None:
    """``80``, ``80%`` and ``0.8`` in words of the library."""
    if text is None:
        return None
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        raise OptionError(f"{option} {text!r}: expected a share such as 30% or 0.3") from None
    if value == 1 and not text.endswith("%"):
        raise OptionError(f"{option} {text!r} can mean 1 % or 100 %: write 1% or 100%")
    return value / 100 if text.endswith("%") or value > 1 else value


def _service_level(text: str | None) -> tuple[float | None, float | None]:
    if text is None:
        return None, None
    share, slash, seconds = text.partition("/")
    try:
        if not slash:
            raise ValueError
        return share_of(share, "--service-level"), float(seconds)
    except ValueError:
        raise OptionError(f"--service-level {text!r}: expected SHARE/SECONDS such as 80/20") from None


def _targets(service_level: str | None, max_wait: float | None, max_abandonment: str | None, max_occupancy: str | None) -> dict[str, Any]:
    share, seconds = _service_level(service_level)
    return {
        "target_service_level": share,
        "threshold_s": seconds,
        "max_mean_wait_s": max_wait,
        "max_abandonment_rate": share_of(max_abandonment, "--max-abandonment"),
        "max_occupancy": share_of(max_occupancy, "--max-occupancy"),
    }


def _patience(seconds: float | None) -> float:
    return float("inf") if seconds is None else seconds


def _read(forecast: str, **options: Any) -> pd.DataFrame:
    from ccstats.workforce.demand import read_forecast

    if Path(forecast).is_dir():  # of ccstats forecast
        forecast = str(Path(forecast) / "forecast.csv")
    return read_forecast(sys.stdin.buffer if forecast == "-" else forecast, **options)


@app.command()
def staff(
    forecast: Forecast,
    service_level: ServiceLevel = None,
    timezone: Zone = None,
    patience: Patience = None,
    shrinkage: Shrinkage = "0",
    scope: Annotated[
        str, typer.Option("--scope", help="What must meet the service level: each interval, or the day, week or month.")
    ] = "interval",
    floor: Annotated[
        str | None, typer.Option("--floor", help="Service level that no interval may fall below with a wider scope, such as 50%.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="erlang_c or erlang_a; by --patience if left out.")] = None,
    max_wait: MaxWait = None,
    max_abandonment: MaxAbandonment = None,
    max_occupancy: MaxOccupancy = None,
    definition: Definition = "service_level",
    min_agents: Annotated[int, typer.Option("--min-agents", min=0, help="Agents on the floor whatever comes.")] = 0,
    aht: Aht = None,
    aht_unit: AhtUnit = "s",
    every: Every = None,
    time_format: TimeFormat = "iso",
    decimal: Decimal = ".",
    out: Annotated[str | None, typer.Option("--out", "-o", help="plan.csv or plan.xlsx; - prints the plan as CSV.")] = None,
) -> None:
    """How many agents each interval of a forecast takes, and what they will achieve."""
    from ccstats.report.files import csv_text
    from ccstats.report.plan_report import check_out, plan_days, plan_lines, write_plan
    from ccstats.workforce.staffing import plan_staffing

    if out not in (None, "-"):
        check_out(str(out), forecast)
    expected = _read(forecast, timezone=timezone, every=every, aht_s=aht, aht_unit=aht_unit, time_format=time_format, decimal=decimal)
    with _solving(scope) as progress:
        plan = plan_staffing(
            expected,
            **_targets(service_level, max_wait, max_abandonment, max_occupancy),
            patience_s=_patience(patience),
            shrinkage=share_of(shrinkage, "--shrinkage"),
            scope=scope,
            floor=share_of(floor, "--floor"),
            model=model,
            definition=definition,
            min_agents=min_agents,
            timezone=timezone,
            progress=progress,
        )
    if out == "-":
        sys.stdout.write(csv_text(plan))
        return
    if out is not None:
        error_console.print(f"wrote {escape(str(write_plan(plan, out, timezone=timezone or 'UTC')))}")
    days = plan_days(plan, timezone=timezone or "UTC")
    print_table(days, title=f"Plan by day ({timezone or 'UTC'})", period="day")
    for line in plan_lines(plan):
        console().print(escape(line), soft_wrap=True)


def _solving(scope: str) -> Any:
    return progress_bar("staffing" if scope == "interval" else f"staffing by {scope}")


@app.command()
def erlang(
    contacts: Annotated[float, typer.Option("--contacts", "-c", help="Contacts expected in the interval.")],
    aht: Annotated[float, typer.Option("--aht", help="Handle time in seconds: talk, hold and wrap-up.")],
    interval: Annotated[str, typer.Option("--interval", "-i", help="Length of the interval, such as 30min.")] = "30min",
    service_level: ServiceLevel = None,
    patience: Patience = None,
    lines: Annotated[
        float | None, typer.Option("--lines", help="Contacts that fit in, served and waiting together; more are turned away.")
    ] = None,
    shrinkage: Shrinkage = "0",
    max_wait: MaxWait = None,
    max_abandonment: MaxAbandonment = None,
    max_occupancy: MaxOccupancy = None,
    definition: Definition = "service_level",
    around: Annotated[int, typer.Option("--around", min=0, help="Rows above and below the answer.")] = 4,
) -> None:
    """A pocket calculator: agents for a target (80/20 if none is given), and the table around the answer."""
    from ccstats.periods import seconds_of
    from ccstats.queueing.erlang import offered_load
    from ccstats.report.plan_report import answer_line
    from ccstats.workforce.calculator import tabulate_agents

    if service_level is None and max_wait is None and max_abandonment is None and max_occupancy is None:
        service_level = "80/20"
    load = float(offered_load(contacts, aht_s=aht, interval_s=seconds_of(interval)))
    table = tabulate_agents(
        load,
        aht_s=aht,
        **_targets(service_level, max_wait, max_abandonment, max_occupancy),
        patience_s=_patience(patience),
        lines=_patience(lines),
        definition=definition,
        shrinkage=share_of(shrinkage, "--shrinkage"),
        around=around,
    )
    print_table(table, title=f"{contacts:g} contacts in {interval}, handled in {aht:g} s: {load:.2f} Erlangs")
    said = answer_line(table, definition=definition, threshold_s=_service_level(service_level)[1], patience_s=_patience(patience))
    console().print(escape(said), soft_wrap=True)


@app.command()
def simulate(
    forecast: Forecast,
    service_level: ServiceLevel = None,
    agents: Annotated[
        int | None,
        typer.Option(
            "--agents",
            "-a",
            min=0,
            help="Agents on the floor throughout; otherwise the file's column agents, or staffed to --service-level.",
        ),
    ] = None,
    timezone: Zone = None,
    patience: Patience = None,
    period: Annotated[str, typer.Option("--period", "-p", help="interval, hour, day, week, month, quarter, year, or all.")] = "day",
    aht: Aht = None,
    aht_unit: AhtUnit = "s",
    every: Every = None,
    time_format: TimeFormat = "iso",
    decimal: Decimal = ".",
    replications: Annotated[int, typer.Option("--replications", "-n", min=2, help="How often the same days are lived through.")] = 100,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same contacts.")] = 1,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for one run's contacts and agent states as CSV.")] = None,
) -> None:
    """Live through the days of a plan again and again: service with its spread, and logs to practise on.

    A plan's own service level, definition and patience hold unless options say otherwise; without any, 80/20 and endless patience.
    """
    from ccstats.report.files import write_tables
    from ccstats.report.plan_report import plan_lines, with_limits
    from ccstats.synthetic import simulate_contacts
    from ccstats.workforce.evaluation import evaluate_staffing
    from ccstats.workforce.staffing import plan_staffing

    plan = _read(forecast, timezone=timezone, every=every, aht_s=aht, aht_unit=aht_unit, time_format=time_format, decimal=decimal)
    staffed = agents is not None or "agents" in plan
    asked: dict[str, Any] = {}
    if service_level is not None or not staffed or "threshold_s" not in plan:
        asked["target_service_level"], asked["threshold_s"] = _service_level(service_level or "80/20")
    if patience is not None or not staffed or "patience_s" not in plan:
        asked["patience_s"] = _patience(patience)
    if agents is not None:
        asked["agents"] = float(agents)
    if staffed:
        plan = plan.assign(**asked)
    else:
        plan = plan_staffing(plan, **asked)
        said = f"the file has no column agents and --agents is not given: each interval staffed to {service_level or '80/20'}"
        error_console.print(escape(said), soft_wrap=True)
    with progress_bar("simulating"):
        found = evaluate_staffing(
            plan,
            model="simulation",
            period=None if period == "all" else period,
            timezone=timezone or "UTC",
            replications=replications,
            seed=seed,
        )
    print_table(
        with_limits(found, period=period), title=f"Simulated service, {replications} replications, seed {seed} (95 % limits of the mean)"
    )
    for line in plan_lines(plan):
        console().print(escape(line), soft_wrap=True)
    if out is not None:
        run = simulate_contacts(plan, seed=seed)
        for path in write_tables({"contacts": run.contacts, "agent_states": run.agent_states}, out):
            error_console.print(f"wrote {escape(str(path))}")
