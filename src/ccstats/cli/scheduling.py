"""The planner's commands after staffing: shifts for a plan, names for shifts, and whether they were kept."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ccstats.cli.logs import Clock, Format, Logs, Mapping, columns_of, needed_zone, read_logs
from ccstats.cli.shell import Zone, app, console, error_console, print_table, progress_bar
from ccstats.errors import DataWarning, OptionError

if TYPE_CHECKING:
    import pandas as pd

    from ccstats.periods import Calendar

__all__ = ["adherence", "roster", "schedule"]

_SCHEDULE_EXAMPLES = """[bold]Examples[/]

ccstats staff forecast.csv --service-level 80/20 --timezone Europe/Istanbul --out plan.csv

ccstats schedule plan.csv --shifts shifts.toml --timezone Europe/Istanbul --out schedule

ccstats schedule plan.csv --shifts shifts.csv --timezone Europe/Istanbul --days-off 2 --max-agents 60 --out schedule

ccstats schedule plan.csv --shifts shifts.csv --timezone Europe/Istanbul --agreement agreement.toml --out schedule"""

_ROSTER_EXAMPLES = """[bold]Examples[/]

ccstats roster schedule --people people.csv --timezone Europe/Istanbul --out roster

ccstats roster schedule --people people.toml --rules rules.toml --timezone Europe/Istanbul --calendars --out roster"""

_ADHERENCE_EXAMPLES = """[bold]Examples[/]

ccstats adherence roster queue_log --timezone Europe/Istanbul --out adherence

ccstats adherence roster queue_log --timezone Europe/Istanbul --by queue --period day --tolerance 60 --reason mittag=break"""

Out = Annotated[str | None, typer.Option("--out", "-o", help="Folder for the tables; - prints the first as CSV.")]
TimeLimit = Annotated[
    float, typer.Option("--time-limit", help="Seconds; the best found by then is taken, and how far it may be from the best.")
]
Show = Annotated[int, typer.Option("--show", min=0, help="How many rows of a list to print.")]


@app.command(epilog=_SCHEDULE_EXAMPLES)
def schedule(
    plan: Annotated[
        str,
        typer.Argument(metavar="PLAN", help="What [bold]ccstats staff --out[/] wrote: agents by queue and interval; - is standard input."),
    ],
    shifts: Annotated[Path, typer.Option("--shifts", help="Shift templates: TOML, or a table (CSV, Excel) with a row each.")],
    timezone: Zone = None,
    required: Annotated[
        str | None, typer.Option("--required", help="Column with the agents to cover: scheduled_agents where there is one, else agents.")
    ] = None,
    objective: Annotated[
        str, typer.Option("--objective", help="What is made least: cost, heads, paid, difference, or service_level (what is lost of it).")
    ] = "cost",
    short_cost: Annotated[
        float | None, typer.Option("--short-cost", help="Of an agent-hour short; so high that all is covered that can be, if left out.")
    ] = None,
    spare_cost: Annotated[float, typer.Option("--spare-cost", help="Of an agent-hour more than required.")] = 0.0,
    lost_contact_cost: Annotated[
        float, typer.Option("--lost-contact-cost", help="With --objective service_level: of a contact not served in time.")
    ] = 1.0,
    min_agents: Annotated[float, typer.Option("--min-agents", help="On the floor wherever a shift can be.")] = 0.0,
    max_agents: Annotated[float | None, typer.Option("--max-agents", help="Desks: no more in any interval.")] = None,
    max_heads: Annotated[int | None, typer.Option("--max-heads", help="No more shifts a day (with --days-off, people a week).")] = None,
    days_off: Annotated[int, typer.Option("--days-off", help="So many days off in a row for everyone in seven.")] = 0,
    agreement: Annotated[
        Path | None, typer.Option("--agreement", "-a", help="Opening hours of the queues: no shift outside them. Always open if left out.")
    ] = None,
    time_limit: TimeLimit = 30.0,
    gap: Annotated[float, typer.Option("--gap", help="Stop when proved to be so near the best.")] = 1e-4,
    calendar: Annotated[bool, typer.Option("--calendar", help="Write schedule.ics too.")] = False,
    show: Show = 10,
    out: Out = None,
) -> None:
    """Shifts for a plan: which to fill, how often, and where they leave gaps.

    --out writes shifts.csv, coverage.csv, plan.csv (with the agents that the shifts put on the floor) and templates.toml: what ccstats
    roster reads.
    """
    from ccstats.exports.folders import write_schedule_folder
    from ccstats.report.cells import printable
    from ccstats.report.files import csv_text
    from ccstats.report.schedule_report import schedule_lines, schedule_summary
    from ccstats.workforce.planner_files import read_plan
    from ccstats.workforce.scheduling import schedule_shifts
    from ccstats.workforce.shift_templates import read_shifts

    zone = needed_zone(timezone)
    check_folder(out)
    templates = read_shifts(shifts)
    asked = read_plan(sys.stdin.buffer if plan == "-" else plan, timezone=zone)
    with progress_bar("scheduling") as progress:
        made = schedule_shifts(
            asked,
            templates,
            timezone=zone,
            required=required,
            objective=objective,
            short_cost=short_cost,
            spare_cost=spare_cost,
            lost_contact_cost=lost_contact_cost,
            min_agents=min_agents,
            max_agents=max_agents,
            max_heads=max_heads,
            days_off=days_off,
            calendar=None if agreement is None else _opening_hours(agreement, asked, zone),
            time_limit_s=time_limit,
            gap=gap,
            progress=progress,
        )
    if out == "-":
        sys.stdout.write(csv_text(made.shifts))
        return
    print_table(schedule_summary(made), title=f"Shifts ({zone})")
    gaps = made.gaps()
    if len(gaps):
        head = gaps[["queue", "interval_start", "required", "covered", "gap"]].head(show)
        print_table(
            head.assign(interval_start=head["interval_start"].dt.tz_convert(zone)), title=f"Short of agents, the worst first ({zone})"
        )
    for line in schedule_lines(made):
        console().print(escape(printable(line)), soft_wrap=True)
    if out is not None:
        _wrote(write_schedule_folder(made, templates, out, calendar=calendar))


def _opening_hours(path: Path, plan: pd.DataFrame, zone: str) -> dict[str, Calendar]:
    """Those that were agreed for the plan's queues; without any a queue is always open."""
    from ccstats.agreement import Agreement

    agreed = Agreement.from_toml(path)
    if agreed.timezone != zone:
        raise OptionError(f"{path}: its hours are those of {agreed.timezone}, and --timezone says {zone}; give the same zone")
    hours = {str(queue): agreed.hours_of(str(queue)) for queue in plan["queue"].unique()}
    return {queue: given.calendar(zone) for queue, given in hours.items() if given is not None}


@app.command(epilog=_ROSTER_EXAMPLES)
def roster(
    schedule: Annotated[
        str, typer.Argument(metavar="SCHEDULE", help="The folder that [bold]ccstats schedule --out[/] wrote, or a table of shifts.")
    ],
    people: Annotated[
        Path, typer.Option("--people", help="Who there is, TOML or a table: agent, skills, hours_per_week, available, away, wishes.")
    ],
    rules: Annotated[
        Path | None, typer.Option("--rules", help="TOML of the rules, such as min_rest_h = 11; usual ones if left out.")
    ] = None,
    timezone: Zone = None,
    fixed: Annotated[
        Path | None, typer.Option("--fixed", help="Assignments that are given: a table with agent, shift, started_at, ended_at.")
    ] = None,
    coverage: Annotated[
        str, typer.Option("--coverage", help="soft: shifts may stay unfilled; hard: all must be filled, or the rules in the way are named.")
    ] = "soft",
    time_limit: TimeLimit = 60.0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the solver.")] = 0,
    calendars: Annotated[bool, typer.Option("--calendars", help="Write a calendar (.ics) for each agent too.")] = False,
    show: Show = 20,
    out: Out = None,
) -> None:
    """Names for shifts, by the rules; what stays unfilled, and how fair it is.

    --out writes roster.csv, activities.csv (with breaks, where the schedule knows them), unfilled.csv, fairness.csv and roster.xlsx, the
    planner's grid: what ccstats adherence reads. It holds the agents' names.
    """
    from ccstats.exports.folders import read_schedule_folder, write_roster_folder
    from ccstats.exports.schedules import read_roster
    from ccstats.report.cells import printable
    from ccstats.report.files import csv_text
    from ccstats.report.schedule_report import roster_lines
    from ccstats.workforce.planner_files import read_people, read_roster_rules
    from ccstats.workforce.rostering import build_roster

    zone = needed_zone(timezone)
    check_folder(out, schedule)
    filled = read_schedule_folder(schedule, timezone=zone)
    persons = read_people(people)
    kept = None if rules is None else read_roster_rules(rules)
    given = None if fixed is None else read_roster(str(fixed), timezone=zone)
    with progress_bar("rostering") as progress:
        made = build_roster(
            filled.shifts, persons, timezone=zone, rules=kept, fixed=given, coverage=coverage, time_limit_s=time_limit, seed=seed,
            progress=progress,
        )  # fmt: skip
    if out == "-":
        sys.stdout.write(csv_text(made.roster))
        return
    print_table(made.fairness.head(show), title=f"Roster of {len(made.fairness):,} people ({zone})")
    if len(made.fairness) > show:
        console().print(f"… and {len(made.fairness) - show:,} more (--show, --out)")
    if len(made.unfilled):
        rows = made.unfilled.head(show)
        local = {name: rows[name].dt.tz_convert(zone) for name in ("started_at", "ended_at")}
        print_table(rows.assign(**local), title=f"Unfilled ({zone})")
    for line in roster_lines(made):
        console().print(escape(printable(line)), soft_wrap=True)
    if out is not None:
        notes = [f"shifts: {schedule}", f"people: {people}", f"rules: {'the usual ones' if rules is None else rules}", *roster_lines(made)]
        _wrote(write_roster_folder(made, filled, out, timezone=zone, calendars=calendars, notes=notes))


@app.command(epilog=_ADHERENCE_EXAMPLES)
def adherence(
    roster: Annotated[
        str,
        typer.Argument(
            metavar="ROSTER", help="The folder that [bold]ccstats roster --out[/] wrote, or a table: agent, started_at, ended_at, activity."
        ),
    ],
    logs: Logs,
    format: Format = None,
    timezone: Zone = None,
    clock: Clock = None,
    mapping: Mapping = None,
    by: Annotated[str, typer.Option("--by", "-b", help="agent, or columns of the roster such as team; empty for all together.")] = "agent",
    period: Annotated[str, typer.Option("--period", "-p", help="interval, hour, day, week, month, quarter, year, or all.")] = "all",
    every: Annotated[str, typer.Option("--every", help="Length of the intervals of --period interval.")] = "30min",
    match: Annotated[
        str, typer.Option("--match", help="time: on queue when that was planned; activity: and doing just what was planned.")
    ] = "time",
    tolerance: Annotated[float, typer.Option("--tolerance", help="Exceptions of no more seconds are forgiven.")] = 0.0,
    outside: Annotated[
        str, typer.Option("--outside", help="Time on queue outside the roster: ignore, or exception, which lengthens what is judged.")
    ] = "ignore",
    reason: Annotated[
        list[str], typer.Option("--reason", help="What the log calls an activity, as REASON=ACTIVITY (mittag=break); repeat for several.")
    ] = [],  # noqa: B006 - Typer reads defaults as they stand
    show: Show = 20,
    out: Out = None,
) -> None:
    """Was the roster kept: adherence and conformance, every exception, and what became of paid time.

    --out writes adherence.csv, exceptions.csv, shrinkage.csv and paid_time.csv. They hold the agents' names.
    """
    from ccstats.exports.folders import read_planned
    from ccstats.report.files import csv_text, write_tables
    from ccstats.workforce.adherence import list_exceptions, measure_adherence
    from ccstats.workforce.shrinkage import measure_shrinkage, split_paid_time

    zone = needed_zone(timezone)
    check_folder(out, roster)
    planned = read_planned(roster, timezone=zone)
    log = read_logs(logs, format=format, timezone=zone, clock=clock, mapping=mapping)
    alike: dict[str, Any] = {"reasons": _reasons(reason), "match": match, "tolerance_s": tolerance}
    groups: dict[str, Any] = {"by": columns_of(by), "period": None if period == "all" else period, "timezone": zone, "every": every}
    with progress_bar("judging"):
        kept = measure_adherence(planned, log.agent_states, outside=outside, **alike, **groups)
        if out == "-":
            sys.stdout.write(csv_text(kept))
            return
        with warnings.catch_warnings():  # they were said once
            warnings.simplefilter("ignore", DataWarning)
            total = measure_adherence(planned, log.agent_states, outside=outside, **alike, by=())
            exceptions = list_exceptions(planned, log.agent_states, **alike)
            shrinkage = measure_shrinkage(planned, log.agent_states, **groups)
            paid = split_paid_time(planned, log.agent_states)
    print_table(kept.head(show), title=f"Adherence ({zone})", period=None if period == "all" else period)
    if len(kept) > show:
        console().print(f"… and {len(kept) - show:,} more (--show, --out)")
    if groups["by"]:
        print_table(total, title="All together")
    local = {name: exceptions[name].dt.tz_convert(zone) for name in ("started_at", "ended_at")}
    print_table(
        exceptions.assign(**local).head(show),
        title=f"Exceptions, the longest first ({min(show, len(exceptions)):,} of {len(exceptions):,})",
    )
    print_table(paid, title="Paid time")
    console().print("adherence = in_adherence_s / scheduled_s; conformance = worked_on_queue_s / scheduled_on_queue_s", soft_wrap=True)
    if out is not None:
        _wrote(write_tables({"adherence": kept, "exceptions": exceptions, "shrinkage": shrinkage, "paid_time": paid}, out))


def check_folder(out: str | None, source: str = "") -> None:
    """Whether a folder can be made there, asked before the work is done."""
    if out in (None, "-"):
        return
    path = Path(str(out))
    if path.exists() and not path.is_dir():
        raise OptionError(f"--out {out!r} is a file; name a folder")
    if source and path.is_dir() and Path(source).exists() and path.samefile(source):
        raise OptionError(f"--out {out!r} is what is read; name another folder")


def _reasons(given: list[str]) -> dict[str, str] | None:
    pairs = [text.rpartition("=") for text in given]
    bad = [text for text, (reason, _, activity) in zip(given, pairs, strict=True) if not reason or not activity]
    if bad:
        raise OptionError(f"--reason {bad[0]!r}: expected REASON=ACTIVITY such as mittag=break")
    return {reason: activity for reason, _, activity in pairs} or None


def _wrote(paths: list[Path]) -> None:
    for path in paths[:12]:
        error_console.print(f"wrote {escape(str(path))}")
    if len(paths) > 12:
        error_console.print(f"wrote {len(paths) - 12} more files beside them")
