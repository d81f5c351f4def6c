"""Small tables for scorecards, with figures that can be counted by hand, and the agreements to judge them by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

import ccstats as cc
from ccstats.schema import ABSENCES, AGENT_STATES, COMPLAINTS, CONTACTS, EVALUATIONS, FIGURES, ITEMS, STAFF, SURVEYS

ZONE = "Europe/Berlin"
INF, NAN = float("inf"), float("nan")


def instant(text: str | None, zone: str = ZONE) -> Any:
    """A local time."""
    return pd.NaT if text is None else pd.Timestamp(text).tz_localize(zone).tz_convert("UTC")


def _table(schema: Any, rows: Iterable[dict[str, Any]], instants: tuple[str, ...], zone: str) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows))
    for name in instants:
        if name in frame:
            frame[name] = pd.Series(
                [instant(each, zone) if isinstance(each, str) else pd.NaT for each in frame[name]], dtype="datetime64[us, UTC]"
            )
    return schema.conform(frame)


def contacts(rows: Iterable[dict[str, Any]], zone: str = ZONE) -> pd.DataFrame:
    """One visit a row; what it does not say is as usual: answered after 10 s, 100 s of talk, Ada, sales, a customer of its own."""
    usual = {"visit": 1, "channel": "voice", "direction": "inbound", "queue": "sales", "outcome": "answered", "wait_s": 10.0, "ring_s": NAN}
    usual |= {"talk_s": 100.0, "hold_s": 0.0, "wrap_s": 0.0, "agent": "Ada", "raw_outcome": ""}
    made = [{"contact_id": f"c{at:05d}", "customer": f"k{at:05d}", **usual, **row} for at, row in enumerate(rows)]
    known = ("queued_at", "arrived_at", "human_option_at", "promised_at", "attempted_at")
    return _table(CONTACTS, made, known, zone)


def days(first: str, last: str, zone: str = ZONE) -> list[str]:
    """Local days at noon."""
    return [f"{day:%Y-%m-%d} 12:00" for day in pd.date_range(first, last)]


def month(
    good: int, bad: int = 0, *, first: str = "2026-03-01", last: str = "2026-03-31", usual: Any = (), worse: Any = ()
) -> list[dict[str, Any]]:
    """On every day so many usual and so many worse contacts, a minute after each other."""
    rows = []
    for day in days(first, last):
        at = pd.Timestamp(day)
        kinds = [dict(usual)] * good + [dict(worse)] * bad
        rows += [{"queued_at": str(at + pd.Timedelta(minutes=number)), **kind} for number, kind in enumerate(kinds)]
    return rows


def surveys(
    scores: Iterable[float | None], *, instrument: str = "csat", at: str = "2026-03-10 12:00", zone: str = ZONE, **more: Any
) -> pd.DataFrame:
    """Questions put to one customer each; None: no answer."""
    low, high = {"csat": (1, 5), "nps": (0, 10), "enps": (0, 10), "ces": (1, 7)}.get(instrument, (0, 1))
    rows = [
        {"response_id": f"{instrument}{number}", "contact_id": None, "instrument": instrument, "score": score, "scale_min": low}
        | {"scale_max": high, "polarity": "higher_is_better", "invited_at": at, "responded_at": None if score is None else at}
        | more
        for number, score in enumerate(scores)
    ]
    frame = pd.DataFrame(rows)
    frame["score"] = frame["score"].astype("float64")
    return _table(SURVEYS, frame.to_dict("records"), ("invited_at", "responded_at"), zone)


def complaints(rows: Iterable[dict[str, Any]], zone: str = ZONE) -> pd.DataFrame:
    usual = {
        "contact_id": None,
        "customer": "k",
        "acknowledged_at": None,
        "resolved_at": None,
        "reason": "bill",
        "status": "open",
        "reminders": 0,
    }
    made = [{"complaint_id": f"p{at}", **usual, **row} for at, row in enumerate(rows)]
    return _table(COMPLAINTS, made, ("received_at", "acknowledged_at", "resolved_at"), zone)


def items(rows: Iterable[dict[str, Any]], zone: str = ZONE) -> pd.DataFrame:
    usual = {"queue": "post", "channel": "email", "first_response_at": None, "closed_at": None}
    made = [{"item_id": f"i{at}", **usual, **row} for at, row in enumerate(rows)]
    return _table(ITEMS, made, ("opened_at", "first_response_at", "closed_at"), zone)


def evaluations(points: Iterable[float], *, at: str = "2026-03-10 12:00", zone: str = ZONE, **more: Any) -> pd.DataFrame:
    """Forms of one item of 10 points."""
    rows = [
        {"evaluation_id": f"e{number}", "contact_id": f"c{number:05d}", "agent": "Ada", "assessor": "Q", "evaluated_at": at, "item": "all"}
        | {"weight": 1.0, "points": point, "max_points": 10.0, "critical_error": False, "auto_fail": False}
        | more
        for number, point in enumerate(points)
    ]
    return _table(EVALUATIONS, rows, ("evaluated_at",), zone)


def figures(rows: Iterable[dict[str, Any]], zone: str = ZONE) -> pd.DataFrame:
    return _table(FIGURES, [{"queue": None, "denominator": 1.0, **row} for row in rows], ("period_start",), zone)


def staff(rows: Iterable[dict[str, Any]], zone: str = ZONE) -> pd.DataFrame:
    return _table(STAFF, [{"left_at": None, **row} for row in rows], ("joined_at", "left_at"), zone)


def absences(rows: Iterable[dict[str, Any]], zone: str = ZONE) -> pd.DataFrame:
    return _table(ABSENCES, [{"scheduled_s": 28_800.0, "absent_s": 0.0, **row} for row in rows], ("started_at",), zone)


def states(rows: Iterable[dict[str, Any]], zone: str = ZONE) -> pd.DataFrame:
    usual = {"agent": "Ada", "reason": None, "queue": None, "contact_id": None, "closed_by": "event"}
    return _table(AGENT_STATES, [{**usual, **row} for row in rows], ("started_at", "ended_at"), zone)


def agreement(*targets: dict[str, Any], zone: str = ZONE, **more: Any) -> cc.Agreement:
    """With these targets; what a target does not say: called ``t``, at least 0."""
    made = [
        cc.Target(**{"name": "t" if len(targets) == 1 else f"t{at}", "op": ">=", "value": 0, **each}) for at, each in enumerate(targets)
    ]
    return cc.Agreement(client="Client", name="Agreement", timezone=zone, targets=made, **more)


def judged(asked: cc.Agreement | dict[str, Any], **given: Any) -> pd.DataFrame:
    """The scorecard of an agreement, or of one target."""
    return cc.build_scorecard(asked if isinstance(asked, cc.Agreement) else agreement(asked), **given)


def only(asked: cc.Agreement | dict[str, Any], **given: Any) -> Any:
    """Its one row."""
    found = judged(asked, **given)
    assert len(found) == 1, found[["queue", "period_start", "target", "verdict", "verdict_reason"]].to_string()
    return found.iloc[0]
