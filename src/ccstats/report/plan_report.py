"""A plan for people: by day on the screen, whole in a file, with what must be known to read it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ccstats.errors import OptionError, did_you_mean
from ccstats.metrics import METRICS
from ccstats.report.cells import present
from ccstats.report.files import csv_text, write_bytes, write_text
from ccstats.report.workbooks import workbook_bytes
from ccstats.workforce.evaluation import compare_plans

__all__ = ["answer_line", "check_out", "definition_line", "plan_days", "plan_lines", "with_limits", "write_plan"]

_VIRTUAL = "share of offered waits, answered or not, within the threshold"


def definition_line(definition: str, threshold_s: float) -> str:
    """What a service level means, in one line.

    Examples
    --------
    >>> definition_line("sl_answered_only", 20)
    'sl_answered_only = answered_within / answered; threshold 20 s, inclusive'
    """
    formula = METRICS[definition].formula if definition in METRICS else _VIRTUAL
    return f"{definition} = {formula}; threshold {threshold_s:g} s, inclusive"


def plan_days(plan: pd.DataFrame, *, timezone: str) -> pd.DataFrame:
    r"""A `plan` by queue and local day: hours, and the service of the day's contacts together.

    Parameters
    ----------
    plan : pandas.DataFrame
        A `plan`.
    timezone : str
        Zone whose days count.

    Returns
    -------
    pandas.DataFrame
        One row per queue and day.

    Examples
    --------
    >>> import ccstats as cc
    >>> forecast = cc.read_forecast(b"start,calls,aht\n2026-03-02T08:00Z,100,180\n", every="30min")
    >>> plan_days(cc.plan_staffing(forecast, target_service_level=0.8, threshold_s=20), timezone="UTC")["agent_hours"].tolist()
    [7.0]
    """
    days = compare_plans({"plan": plan}, period="day", timezone=timezone)
    return days[[name for name in days.columns if name != "plan" and not str(name).endswith("_difference")]]


def plan_lines(plan: pd.DataFrame) -> list[str]:
    r"""What the reader of a `plan` must know: the definitions it was made by, and its notes with how often each is made.

    Examples
    --------
    >>> import ccstats as cc
    >>> forecast = cc.read_forecast(b"start,calls,aht\n2026-03-02T08:00Z,100,180\n", every="30min")
    >>> plan_lines(cc.plan_staffing(forecast, target_service_level=0.8, threshold_s=20))
    ['service_level = answered_within / (offered - open); threshold 20 s, inclusive']
    """
    plan = plan.assign(**{name: other for name, other in (("definition", "service_level"), ("note", "")) if name not in plan})
    kinds = plan[["definition", "threshold_s"]].dropna().drop_duplicates()
    lines = [definition_line(str(name), float(seconds)) for name, seconds in zip(kinds["definition"], kinds["threshold_s"], strict=True)]
    notes = plan["note"][plan["note"].fillna("") != ""].value_counts()
    return lines + [f"{count:,} interval{'s' if count > 1 else ''}: {note}" for note, count in notes.items()]


def with_limits(table: pd.DataFrame, *, period: str) -> pd.DataFrame:
    """What was simulated, each figure with its limits in one cell of text.

    Parameters
    ----------
    table : pandas.DataFrame
        As `ccstats.evaluate_staffing` makes it, with columns ``…_low`` and ``…_high``.
    period : str
        What its rows are, so that a day is shown as a day.

    Returns
    -------
    pandas.DataFrame
        Figures with limits as text; the others as they were.

    Examples
    --------
    >>> table = pd.DataFrame({"asa_s": [12.0], "asa_s_low": [11.5], "asa_s_high": [12.5]})
    >>> with_limits(table, period="day")["asa_s"].tolist()
    ['12.0 (11.5 – 12.5)']
    """
    shown = present(table, period=period).set_axis(table.columns, axis=1)
    out = {}
    for name in map(str, table.columns):
        low, high = f"{name}_low", f"{name}_high"
        if low in table and high in table:
            out[name] = shown[name] + " (" + shown[low].str.removesuffix(" %") + " – " + shown[high] + ")"
        elif not name.endswith(("_low", "_high")):
            out[name] = shown[name] if name == "period_start" else table[name]
    return pd.DataFrame(out)


def answer_line(table: pd.DataFrame, *, definition: str, threshold_s: float | None, patience_s: float) -> str:
    """The answer of `tabulate_agents` in words.

    Examples
    --------
    >>> from ccstats.workforce.calculator import tabulate_agents
    >>> table = tabulate_agents(10.0, aht_s=180, target_service_level=0.80, threshold_s=20)
    >>> answer_line(table, definition="service_level", threshold_s=20, patience_s=float("inf"))
    '14 agents (Erlang C); service_level = answered_within / (offered - open); threshold 20 s, inclusive'
    """
    answer = table[table["meets_targets"]].iloc[0]
    scheduled = f", {answer['scheduled_agents']:g} scheduled" if answer["scheduled_agents"] != answer["agents"] else ""
    model = f"Erlang A, patience {patience_s:g} s" if np.isfinite(patience_s) else "Erlang C"
    meant = "" if threshold_s is None else f"; {definition_line(definition, threshold_s)}"
    return f"{answer['agents']:g} agents{scheduled} ({model}){meant}"


def check_out(out: str, source: str) -> None:
    """Whether a plan can be written there, asked before it is made.

    Raises
    ------
    OptionError
        If the name ends in neither ``.csv`` nor ``.xlsx``, its folder is not there, or it is the forecast itself.

    Examples
    --------
    >>> check_out("plan.csv", "forecast.csv")
    """
    path = Path(out)
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise OptionError(f"out={out!r}: a plan is written as .csv or .xlsx.{did_you_mean(path.suffix, ['.csv', '.xlsx'])}")
    if not path.parent.is_dir():
        raise OptionError(f"out={out!r} cannot be written: there is no folder {str(path.parent)!r}")
    if path.exists() and Path(source).exists() and path.samefile(source):
        raise OptionError(f"out={out!r} is the forecast itself; name another file")


def write_plan(plan: pd.DataFrame, out: str | Path, *, timezone: str) -> Path:
    """Write a `plan` as CSV, or as a workbook with its days and its notes.

    Parameters
    ----------
    plan : pandas.DataFrame
        A `plan`.
    out : str or Path
        ``….csv`` or ``….xlsx``.
    timezone : str
        Zone of the workbook's times and days.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    OptionError
        If the name ends in anything else, or cannot be written.

    Examples
    --------
    >>> write_plan.__name__
    'write_plan'
    """
    path = Path(out)
    check_out(str(out), "")
    try:
        if path.suffix.lower() == ".csv":
            write_text(path, csv_text(plan))
        else:
            reading = pd.DataFrame({"to know": plan_lines(plan)}, dtype="str")
            write_bytes(
                path, workbook_bytes({"plan": plan, "days": plan_days(plan, timezone=timezone), "to know": reading}, timezone=timezone)
            )
    except OSError as error:
        raise OptionError(f"out={str(out)!r} cannot be written: {error.strerror}. Name a file in a folder you may write to.") from error
    return path
