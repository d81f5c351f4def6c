"""How many agents: what each number would achieve, how many every interval takes, and who works when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, OptionError
from ccstats.labels import moment_text, number_text, phrase
from ccstats.periods import check_timezone
from ccstats.plots.scales import title_of, value_axis, value_text, when_axis
from ccstats.plots.strip import strip_below
from ccstats.plots.style import Look, start
from ccstats.plots.tables import chosen, moments, numbers, places_of, read, texts, utc
from ccstats.plots.words import finish, key, legible, name_ends, note, say_no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["schedule_grid", "staffing_curve"]

#: What a number of agents achieves, with the colour of `Look` and the marker it is drawn with.
_ACHIEVED = {
    "expected_service_level": ("main", "o"),
    "expected_occupancy": ("second", "s"),
    "expected_abandonment_rate": ("bad", "^"),
    "expected_blocked_rate": ("good", "D"),
}
#: Agents by interval: what is needed, and what is there, by the names of a plan and of a schedule's coverage.
_NEEDED, _THERE = ("required_agents", "required"), ("agents", "covered")
#: A grid has no more rows than this.
_ROWS = 60
_HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "----", "++++")


def staffing_curve(
    table: Any,
    *,
    queue: str | None = None,
    timezone: str | None = None,
    title: str | None = None,
    lang: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """What each number of agents achieves; or, of a plan or a schedule's coverage, how many agents every interval takes and has.

    Parameters
    ----------
    table : pandas.DataFrame or Arrow table
        As `ccstats.tabulate_agents` makes it; or a `plan`, or ``coverage`` of `ccstats.schedule_shifts`.
    queue : str, optional
        Which, where the table has several.
    timezone : str, optional
        Whose time is shown; a plan is in UTC.
    title : str, optional
        Instead of *What each number of agents achieves*, or *Agents*.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Of a table of numbers of agents the fewest that meet the targets are marked. Of intervals, where fewer agents are there than
        needed the gap is filled and hatched; agents scheduled (paid) beyond those on the floor are a dotted line, and the contacts
        expected are bars in an inset below (``ax.child_axes``), where the table has ``scheduled_agents`` and ``expected_offered``.

    Raises
    ------
    OptionError
        If there are several queues and none was asked for, or the one asked for is not there.
    ColumnError, TableError, ZoneError
        If a column is missing or holds something else; if there is no such zone.

    See Also
    --------
    plan_against_actual : what came of the plan.

    Examples
    --------
    >>> import ccstats as cc
    >>> from matplotlib.figure import Figure
    >>> table = cc.tabulate_agents(10.0, aht_s=180, target_service_level=0.80, threshold_s=20)
    >>> ax = cc.plots.staffing_curve(table, ax=Figure().add_subplot())
    >>> ax.get_xlabel(), [text.get_text() for text in ax.texts if text.get_gid() == "answer"]
    ('Agents', ['14 agents'])
    """
    frame = read(table, what="table", needs=(), made_by="tabulate_agents")
    if "interval_start" in frame:
        return _by_interval(frame, queue, timezone, title, lang, ax)
    read(frame, what="table", needs=("agents", "expected_service_level", "meets_targets"), made_by="tabulate_agents")
    frame = frame.iloc[np.argsort(numbers(frame, "agents", "table"), kind="stable")]
    agents = numbers(frame, "agents", "table")
    ax, look = start(ax, (7.0, 4.4), lang)
    heading = legible(title, 200) or phrase("plot_each_number", lang)
    if not np.isfinite(agents).any():
        say_no_data(ax, look, lang)
        finish(ax, look, title=heading, subtitle=[])
        return ax
    shown = {name: numbers(frame, name, "table") for name in _ACHIEVED if name in frame}
    shown = {name: values for name, values in shown.items() if np.nan_to_num(values).any()}
    ends = {}
    for name, values in shown.items():
        colour, marker = getattr(look, _ACHIEVED[name][0]), _ACHIEVED[name][1]
        ax.plot(agents, values, marker + "-", color=colour, markersize=5, linewidth=1.5, label=name)
        ends[title_of(name.removeprefix("expected_"), lang)] = (values, colour)
    ax.set_ylim(-0.02, 1.04)
    name_ends(ax, ends)
    meets = frame["meets_targets"].fillna(False).to_numpy(dtype=bool)
    subtitle = [phrase("plot_expected", lang)]
    if meets.any():
        fewest = float(agents[meets][0])
        ax.axvline(fewest, color=look.muted, linewidth=1, linestyle=":", label="answer")
        said = phrase("plot_n_agents", lang, count=number_text(fewest, digits=0 if fewest.is_integer() else 1, lang=lang))
        note(ax, said, (fewest, 0.04), look.ink, gid="answer")
        subtitle.append(phrase("plot_fewest", lang))
    value_axis(ax, "y", "ratio", phrase("plot_share", lang), lang)
    value_axis(ax, "x", "count", phrase("agents", lang), lang)
    finish(ax, look, title=heading, subtitle=subtitle)
    return ax


def _by_interval(frame: pd.DataFrame, queue: str | None, timezone: str | None, title: str | None, lang: str, ax: Axes | None) -> Axes:
    frame, who = chosen(frame, "queue", queue, what="table")
    needed = next((name for name in _NEEDED if name in frame), None)
    there = next((name for name in _THERE if name in frame and not (name == "agents" and "covered" in frame)), None)
    if needed is None or there is None:
        raise ColumnError(
            f"table: expected required_agents and agents, as `plan_staffing` makes them, or required and covered, as `schedule_shifts` "
            f"does; it has: {', '.join(str(name)[:60] for name in list(frame.columns)[:40])}"
        )
    frame, places = places_of(frame, timezone, what="table", made_by="plan_staffing")
    need, have = numbers(frame, needed, "table"), numbers(frame, there, "table")
    ax, look = start(ax, (9.0, 4.2), lang)
    heading = legible(title, 200) or phrase("agents", lang) + (f", {legible(who)}" if who and who != "all" else "")
    if not np.isfinite(need).any():
        say_no_data(ax, look, lang)
        finish(ax, look, title=heading, subtitle=[])
        return ax
    offered = numbers(frame, "expected_offered", "table") if "expected_offered" in frame else np.zeros(len(need))
    paid = numbers(frame, "scheduled_agents", "table") if "scheduled_agents" in frame else have
    # the last interval ends too
    length = np.timedelta64(int(float(frame["interval_s"].iloc[-1])) if "interval_s" in frame else 1800, "s")
    at = np.r_[places.x, places.x[-1] + length]
    need, have, paid = (np.r_[each, each[-1]] for each in (need, have, paid))
    short = have < need - 1e-9
    ax.fill_between(at, have, color=look.main, alpha=0.22, step="post", linewidth=0, label="there")
    ax.fill_between(
        at, have, need, where=short, step="post", facecolor="none", edgecolor=look.bad, hatch="////", linewidth=0, label="short"
    )
    ax.plot(at, have, color=look.main, linewidth=1.2, drawstyle="steps-post", label=there)
    ax.plot(at, need, color=look.second, linewidth=1.4, linestyle="--", drawstyle="steps-post", label=needed)
    words = {phrase("plot_there", lang): ("-", look.main), phrase("plot_needed", lang): ("--", look.second)}
    extra = bool(np.nan_to_num(np.abs(paid - have)).any())
    if extra:
        ax.plot(at, paid, color=look.ink, linewidth=1.2, linestyle=":", drawstyle="steps-post", label="scheduled_agents", gid="scheduled")
        words[title_of("scheduled_agents", lang)] = (":", look.ink)
    ax.set_ylim(bottom=0)
    value_axis(ax, "y", "count", phrase("agents", lang), lang)
    if np.nan_to_num(offered).any():
        strip_below(ax, look, places, offered, lang, width=0.9 * length, align="edge")
    else:
        when_axis(ax, places.zone, lang)
    key(ax, words)
    gap = np.nansum(np.where(short, need - have, 0)[:-1])
    hours = gap * float(length / np.timedelta64(1, "s")) / 3600
    said = phrase("plot_short_hours", lang, hours=number_text(hours, digits=1, lang=lang))
    if np.nan_to_num(offered).any():
        said += " · " + phrase("plot_n_contacts", lang, count=number_text(np.nansum(offered), lang=lang))
    meant = f"{title_of('scheduled_agents', lang)}: {phrase('app_scheduled_means', lang)}" if extra else ""
    finish(ax, look, title=heading, subtitle=[meant, phrase("plot_hatched_short", lang) if short.any() or not extra else "", said])
    return ax


def schedule_grid(
    schedule: Any,
    *,
    day: Any = None,
    queue: str | None = None,
    timezone: str = "UTC",
    title: str | None = None,
    lang: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Who works when: a row an agent, or, of shifts without names, a row a shift with how many start it.

    Parameters
    ----------
    schedule : Schedule, Roster, PlacedBreaks, pandas.DataFrame or Arrow table
        What `ccstats.schedule_shifts`, `ccstats.build_roster` or `ccstats.place_breaks` made, or one of their tables:
        ``shift, started_at, ended_at`` with ``agent`` or ``agents``, and ``activity`` where breaks are placed.
    day : date-like, optional
        Only the shifts that start on this local day; by default all.
    queue : str, optional
        One of them; by default all.
    timezone : str
        Whose days and times.
    title : str, optional
        Instead of *Shifts*.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Kinds of shifts differ by colour and hatching; breaks are open. At most 60 rows are drawn, and the subtitle says how many there are.

    Raises
    ------
    OptionError
        If there is no such queue, or ``day`` is no day.
    ColumnError, TableError, ZoneError
        If a column is missing or holds something else; if there is no such zone.

    Examples
    --------
    >>> import pandas as pd
    >>> import ccstats as cc
    >>> from matplotlib.figure import Figure
    >>> day = pd.to_datetime(["2025-01-06 08:00", "2025-01-06 12:00"]).tz_localize("Europe/Istanbul")
    >>> shifts = pd.DataFrame({"agent": ["Ada", "Bo"], "shift": "day", "started_at": day, "ended_at": day + pd.Timedelta("8h")})
    >>> ax = cc.plots.schedule_grid(shifts, timezone="Europe/Istanbul", ax=Figure().add_subplot())
    >>> [label.get_text() for label in ax.get_yticklabels()], len(ax.patches)
    (['Ada', 'Bo'], 2)
    """
    table = next((getattr(schedule, name) for name in ("schedule", "roster", "shifts") if hasattr(schedule, name)), schedule)
    frame = read(table, what="schedule", needs=("shift", "started_at", "ended_at"), made_by="schedule_shifts")
    if "agent" not in frame and "agents" not in frame:
        raise ColumnError("schedule: no column 'agent' or 'agents'; expected a table that `schedule_shifts` or `build_roster` makes")
    zone = check_timezone(timezone)
    if queue is not None:
        frame, _ = chosen(frame, "queue", queue, what="schedule")
    frame = frame.assign(_at=moments(frame, "started_at", "schedule"), _end=moments(frame, "ended_at", "schedule")).dropna(
        subset=["_at", "_end"]
    )
    if day is not None:
        frame = frame[_days_of(frame, zone) == _day(day, zone)]
    rows, names = _rows_of(frame, zone)
    many = min(len(names), _ROWS)
    ax, look = start(ax, (9.5, max(2.4, 1.3 + 0.2 * many)), lang)
    heading = (legible(title, 200) or phrase("plot_shifts", lang)) + (f", {legible(queue)}" if queue is not None and not title else "")
    if day is not None and not title:
        heading += f", {moment_text(pd.Timestamp(_day(day, zone)), period='day', lang=lang)}"
    if frame.empty:
        say_no_data(ax, look, lang)
        finish(ax, look, title=heading, subtitle=[])
        return ax
    kinds = {kind: at for at, kind in enumerate(sorted(texts(frame["shift"]).unique()))}
    for row, at, end, kind, activity in zip(
        rows, utc(frame["_at"]), utc(frame["_end"]), texts(frame["shift"]), _activity(frame), strict=True
    ):
        if row < _ROWS:
            _bar(ax, look, row, at, end, kinds[kind], activity)
    ax.set_ylim(many - 0.4, -0.6)
    ax.set_yticks(range(many), names[:many], fontsize=8)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=look.faint, linewidth=0.6)
    ax.xaxis_date()
    ax.use_sticky_edges = False
    ax.margins(x=0.015)
    when_axis(ax, zone, lang)
    ax.autoscale_view(scaley=False)
    _legend(ax, look, kinds, "break" in set(_activity(frame)), lang)
    times = numbers(frame, "agents", "schedule") if "agents" in frame else 1.0
    worked = (frame["_end"] - frame["_at"]).dt.total_seconds().to_numpy() * times
    hours = float(np.nansum(worked) / 3600)
    parts = [phrase("plot_n_rows", lang, shown=number_text(many, lang=lang), count=number_text(len(names), lang=lang))]
    finish(ax, look, title=heading, subtitle=[" · ".join([*parts, phrase("plot_n_hours", lang, hours=value_text(hours, "h", lang))])])
    return ax


def _day(day: Any, zone: str) -> Any:
    try:
        moment = pd.Timestamp(day)
        if moment is pd.NaT:
            raise ValueError
        return (moment.tz_convert(zone) if moment.tzinfo is not None else moment).date()
    except (TypeError, ValueError):
        raise OptionError(f"day={day!r} is no day; expected one such as '2025-01-06'") from None


def _days_of(frame: pd.DataFrame, zone: str) -> Any:
    """The local day that each row belongs to: that on which its agent's shift starts."""
    first = frame["_at"]
    if "activity" in frame:  # parts of one shift after midnight belong to it
        keys = [name for name in ("seat", "agent", "shift") if name in frame]
        ordered = frame.sort_values([*keys, "_at"])
        new = (ordered["_at"] != ordered.groupby(keys, observed=True)["_end"].shift()).cumsum()
        first = ordered.groupby(new)["_at"].transform("min").reindex(frame.index)
    return first.dt.tz_convert(zone).dt.date


def _activity(frame: pd.DataFrame) -> Any:
    return texts(frame["activity"]) if "activity" in frame else ["on_queue"] * len(frame)


def _rows_of(frame: pd.DataFrame, zone: str) -> tuple[Any, list[str]]:
    """The row of the grid that each shift stands in, and the rows' names: agents by their first start, or shifts."""
    if "agent" in frame:
        first = frame.groupby(texts(frame["agent"]), sort=False)["_at"].min().sort_values(kind="stable")
        place = {name: at for at, name in enumerate(first.index)}
        return [place[name] for name in texts(frame["agent"])], [legible(name, 24) for name in place]
    local = frame["_at"].dt.tz_convert(zone).dt.strftime("%H:%M")
    whole = local + " " + texts(frame["shift"])
    place = {name: at for at, name in enumerate(sorted(whole.unique()))}
    counted = pd.Series(numbers(frame, "agents", "schedule"), frame.index).groupby(whole).agg(["min", "max"])
    spans = {name: f"{low:g}" if low == high else f"{low:g}–{high:g}" for name, low, high in counted.itertuples()}
    return [place[name] for name in whole], [f"{legible(name, 24)}  × {spans[name]}" for name in place]


def _bar(ax: Axes, look: Look, row: int, at: Any, end: Any, kind: int, activity: str) -> None:
    from matplotlib.dates import date2num

    begin, until = date2num(at), date2num(end)
    colour = look.series[kind % len(look.series)]
    off = activity == "break"
    bars = ax.barh(row, until - begin, left=begin, height=0.72, color=look.paper if off else colour, edgecolor=colour, linewidth=0.6)
    if not off and kind:
        bars[0].set(hatch=_HATCHES[kind % len(_HATCHES)], edgecolor=look.paper)
    bars[0].set_gid("break" if off else "shift")


def _legend(ax: Axes, look: Look, kinds: dict[str, int], breaks: bool, lang: str) -> None:
    from matplotlib.patches import Patch

    handles = []
    for word, kind in list(kinds.items())[:7]:
        face: dict[str, Any] = {
            "facecolor": look.series[kind % len(look.series)],
            "edgecolor": look.paper,
            "hatch": _HATCHES[kind % len(_HATCHES)],
        }
        handles.append(Patch(label=legible(word, 20), linewidth=0, **face))
    if breaks:
        handles.append(Patch(label=phrase("plot_break", lang), facecolor=look.paper, edgecolor=look.muted))
    legend = ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8.5, handlelength=1.6)
    for text in legend.get_texts():
        text.set_color(look.ink)
