"""What the interval tables of CMS say, row by row in plain Python: for golden tables and against the reader."""

from __future__ import annotations

import csv
import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

SUMS = {
    "total_wait_s": "anstime", "total_abandon_wait_s": "abntime", "total_talk_s": "acdtime", "total_hold_s": "holdtime",
    "total_wrap_s": "acwtime",
}  # fmt: skip
OUT = ("busycalls", "disccalls", "outflowcalls", "dequecalls")
OPTIONAL = {"held": "holdcalls", "transferred": "transferred", "ring_attempts": "ringcalls", "ring_noanswer": "noansredir"}
STATES = {
    "available_s": ["ti_availtime"], "reserved_s": ["i_ringtime"], "on_contact_s": ["i_acdtime", "i_da_acdtime"],
    "wrap_s": ["i_acwtime", "i_da_acwtime"],
}  # fmt: skip


def rows_of(data: bytes) -> list[dict[str, Any]]:
    """The rows that have all fields, their names in small letters, blanks as None, whole numbers as int."""
    lines = [line for line in data.decode().splitlines() if line.strip()]
    sign = max(",;\t", key=lines[0].count)
    header, *rest = csv.reader(lines, delimiter=sign)
    found = []
    for cells in rest:
        if len(cells) == len(header):
            found.append({name.lower(): (int(cell) if cell.isdigit() else cell or None) for name, cell in zip(header, cells, strict=True)})
    return found


def start_of(row: dict[str, Any], zone: str, fold: int = 0) -> dt.datetime | None:
    text = str(row["row_date"]).split(" ")[0]
    for way in ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y"):
        try:
            day = dt.datetime.strptime(text, way)  # noqa: DTZ007 - its zone comes below
        except ValueError:
            continue
        clock = str(row["starttime"]).replace(":", "")
        if not clock.isdigit() or row["intrvl"] not in (15, 30, 60):
            return None
        hour, minute = divmod(int(clock), 100)
        if (hour * 60 + minute) % row["intrvl"]:
            return None
        return day.replace(hour=hour, minute=minute, tzinfo=ZoneInfo(zone), fold=fold).astimezone(dt.UTC)
    return None


def placed(rows: list[dict[str, Any]], zone: str, key: tuple[str, ...]) -> list[dict[str, Any]]:
    """The rows with their start; a row that comes again at the same start is the second hour's, if there is one and it differs."""
    taken: dict[Any, dict[str, Any]] = {}
    for row in rows:
        for fold in (0, 1):
            start = start_of(row, zone, fold)
            who = (start, *(row.get(name) for name in key))
            if start is None or taken.get(who) == row:
                break
            if who not in taken:
                taken[who] = row
                break
    return [{**row, "start": who[0]} for who, row in taken.items()]


def intervals_of(data: bytes, zone: str, dictionary: dict[str, str], *, acds: bool) -> list[dict[str, Any]]:
    sound = []
    for row in rows_of(data):
        counts = [row["callsoffered"], row["acdcalls"], row["abncalls"]]
        if None not in counts and counts[1] + counts[2] <= counts[0]:
            sound.append(row)
    out = []
    for row in placed(sound, zone, ("acd", "split")):
        offered, answered, abandoned = row["callsoffered"], row["acdcalls"], row["abncalls"]
        number = f"{row['acd']}/{row['split']}" if acds else str(row["split"])
        rest = offered - answered - abandoned
        left = (
            min(rest, sum(row[name] for name in ("busycalls", "disccalls", "outflowcalls", "dequecalls"))) if "busycalls" in row else rest
        )
        level = row.get("servicelevel") or None
        made: dict[str, Any] = {
            "queue": dictionary.get(number, number),
            "interval_start": row["start"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "interval_s": row["intrvl"] * 60,
            "timezone": zone,
            "threshold_s": level,
            "short_s": None,
            "attribute_by": "ended",
            "offered": offered,
            "answered": answered,
            "abandoned": abandoned,
            "abandoned_short": 0,
            **dict.fromkeys(("answered_within", "abandoned_within", "callback_within", "reached_threshold")),
            "flowed_out": left,
            **dict.fromkeys(("callbacks", "lost", "open"), 0),
            "unknown": rest - left,
            **dict.fromkeys(("blocked", "ivr_abandoned")),
            **{ours: row.get(theirs) for ours, theirs in SUMS.items()},
            **{
                f"{part}_known": answered if name in row else 0
                for part, name in (("talk", "acdtime"), ("hold", "holdtime"), ("wrap", "acwtime"))
            },
            "max_wait_s": row.get("maxocwtime") if offered else None,
            **{ours: row[theirs] for ours, theirs in OPTIONAL.items() if theirs in row},
        }
        if level and not row["svclevelchg"]:
            made |= {"answered_within": row["acceptable"], "abandoned_within": row["slvlabns"], "callback_within": 0}
            if rest == row["outflowcalls"]:
                made["reached_threshold"] = offered - row["acceptable"] - row["slvlabns"] - row["slvloutflows"]
        if "period1" in row:
            for what, name, whole in (("answered", "acdcalls", answered), ("abandoned", "abncalls", abandoned)):
                parts = [row[f"{name}{k}"] for k in range(1, 11)]
                for k in range(9):
                    bound = row[f"period{k + 1}"]
                    made.setdefault(f"{what}_within_{bound}s", None)
                    if bound and not row["periodchg"] and sum(parts) == whole:
                        made[f"{what}_within_{bound}s"] = sum(parts[: k + 1])
            for name in ("answered_within_0s", "abandoned_within_0s"):
                made.pop(name, None)
        out.append(made)
    return sorted(out, key=lambda made: (made["queue"], made["interval_start"]))


def agents_of(data: bytes, zone: str, dictionary: dict[str, str], *, acds: bool) -> list[dict[str, Any]]:
    sound = [row for row in rows_of(data) if row["logid"] is not None]
    agents: dict[Any, list[dict[str, Any]]] = {}
    for row in placed(sound, zone, ("acd", "split", "logid", "extension")):
        agents.setdefault((row["acd"], row["logid"], row["start"]), []).append(row)
    out = []
    for (acd, logid, start), rows in agents.items():
        number = f"{acd}/{logid}" if acds else str(logid)

        def total(*names: str, rows: list[dict[str, Any]] = rows) -> int:
            return sum(row[name] for row in rows for name in names)

        aux, other = total("i_acdaux_outtime", "i_acdauxintime"), total("i_acdothertime")
        pause, rest = total("ti_auxtime") - aux, total("ti_othertime") - other
        out.append(
            {
                "agent": dictionary.get(number, number),
                "interval_start": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "interval_s": rows[0]["intrvl"] * 60,
                "timezone": zone,
                "logged_in_s": total("ti_stafftime"),
                **{ours: total(*theirs) for ours, theirs in STATES.items() if ours != "wrap_s"},
                "hold_s": aux + other,
                "wrap_s": total(*STATES["wrap_s"]),
                "pause_s": pause if pause >= 0 else None,
                "other_s": rest if rest >= 0 else None,
                "handled": None,
            }
        )
    return sorted(out, key=lambda made: (made["agent"], made["interval_start"]))
