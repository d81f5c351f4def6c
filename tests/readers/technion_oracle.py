"""What a call of the technion_bank format means, said again as a plain loop over lines (`formats.md` 9.1)."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2}):([0-9]{2})")
NAMES = [
    "contact_id", "visit", "channel", "direction", "queue", "queued_at", "outcome", "raw_outcome", "wait_s", "ring_s", "talk_s", "hold_s",
    "wrap_s", "agent", "arrived_at", "ivr_s", "customer",
]  # fmt: skip


def clock(text):
    found = CLOCK.fullmatch(text)
    if not found:
        return None
    h, m, s = map(int, found.groups())
    return h * 3600 + m * 60 + s if h < 24 and m < 60 and s < 60 else None


def whole(text):
    return int(text) if re.fullmatch(r"-?[0-9]{1,7}", text) else None


def utc(wall, zone):
    """The first of two, and the end of a gap."""
    there = wall.replace(tzinfo=zone).astimezone(dt.UTC)
    if there.astimezone(zone).replace(tzinfo=None) == wall:
        return there
    while there.astimezone(zone).replace(tzinfo=None) != wall:  # no such time: go on second by second to the end of the gap
        wall += dt.timedelta(seconds=1)
        there = wall.replace(tzinfo=zone).astimezone(dt.UTC)
    return there


def read(data: bytes, timezone: str):
    """Return ``contacts`` (dicts by id), ``ignored`` (line: rule) and ``rejected`` (line numbers)."""
    zone = ZoneInfo(timezone)
    contacts, ignored, rejected = {}, {}, set()
    lines = data.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    for number, raw in enumerate(lines, 1):
        line = raw.removesuffix(b"\r")
        if not line:
            ignored[number] = "blank"
            continue
        f = [field.strip() for field in line.decode().split("\t")]
        if len(f) != 17:
            rejected.add(number)
            continue
        if f[0] == "vru+line":
            ignored[number] = "header"
            continue
        if f[12] == "PHANTOM":
            ignored[number] = "PHANTOM"
            continue
        vru, call, customer, _, kind, date, entry, leave, vru_time, q_start, q_exit, q_time, outcome, s_start, s_exit, s_time, server = f
        times = [clock(each) for each in (entry, leave, q_start, q_exit, s_start, s_exit)]
        spans = [whole(each) for each in (vru_time, q_time, s_time)]
        try:
            day = dt.datetime.strptime(date, "%y%m%d") if len(date) == 6 else None  # noqa: DTZ007
        except ValueError:
            day = None
        if None in times or None in spans or day is None or not (vru and call and kind):
            rejected.add(number)
            continue
        menu, wait, talk = (span + 86400 if span < -43200 else span for span in spans)
        key = f"{vru}|{call}|{date}"
        if wait < 0 or talk < 0 or key in contacts:
            rejected.add(number)
            continue
        begin, left, start, end = times[:4]
        queued = start != 0 or end != 0 or wait != 0
        joined = start if queued else left
        gap = joined - begin
        if gap < -43200:
            gap += 86400
        elif gap >= 43200:
            gap -= 86400
        wall = day + dt.timedelta(seconds=begin)
        row = dict.fromkeys(NAMES)
        row |= {"contact_id": key, "visit": 1, "channel": "voice", "direction": "inbound", "queue": kind, "raw_outcome": outcome or None}
        row |= {"arrived_at": utc(wall, zone), "ivr_s": menu if menu >= 0 else None}
        row |= {"customer": None if customer in ("", "0") else customer}
        row |= {"queued_at": utc(wall + dt.timedelta(seconds=gap), zone), "wait_s": wait}
        if outcome == "AGENT":
            row["outcome"] = "answered"
            if server != "NO_SERVER":
                row |= {"talk_s": talk, "agent": server or None}
        elif outcome == "HANG" and queued:
            row["outcome"] = "abandoned"
        elif outcome == "HANG":
            row |= {"outcome": "ivr_abandoned", "queued_at": None, "wait_s": None}
        else:
            row["outcome"] = "unknown"
        contacts[key] = row
    return contacts, ignored, rejected
