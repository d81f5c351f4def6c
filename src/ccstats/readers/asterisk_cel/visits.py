"""Visits to queues out of channel events that stand in the order of time.

Rows have ``at, kind, uid`` (the channel's uniqueid), ``linked`` (its linkedid then), ``call`` (the one that it ended with), ``name``
(of the channel), ``app, exten, queue, timeout, bridge, source`` (of a hang-up), ``target`` (of a transfer), ``customer, dnid``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ccstats.readers.accounting import Account

__all__ = ["visits_of"]

_GONE = ("HANGUP", "CHAN_END")
_TRANSFERS = ("BLINDTRANSFER", "ATTENDEDTRANSFER")
#: The application on the channels that Queue() dials.
_OFFERED = "appqueue"
#: What tells one channel of a device from another.
_SUFFIX = r"-[0-9a-fA-F]{8}(?:;\d)?$"
#: A caller who gave up is gone this soon after Queue() ended. [s]
_GONE_S = 2.0
#: A call whose end is not in the log waits still if the log ends within this time. [s]
_OPEN_S = 86_400.0


def visits_of(events: pd.DataFrame, last: pd.Timestamp, account: Account) -> pd.DataFrame:
    """Contacts, a row each visit to a queue, of the events of calls that visited one.

    ``last`` is when the log ends; what is not logged, and what was assumed for it, goes to the notes of ``account``.
    """
    events = events.assign(place=np.arange(len(events), dtype="float64"))
    logged = set(events["kind"])
    visits = _begun(events)
    visits = visits.join(_left(visits, events))
    visits = visits.join(_answers(visits, events, logged) if "BRIDGE_ENTER" in logged else _pick_ups(visits, events))
    visits = visits.join(_ends(visits, events)).join(_offers(visits, events, logged))
    outcome, wait = _outcomes(visits, events, last, logged)
    _say(visits, outcome, events, logged, account)

    answered = outcome == "answered"
    began = events[events["kind"] == "CHAN_START"].drop_duplicates("uid").set_index("uid").reindex(visits["uid"]).reset_index(drop=True)
    nothing = pd.Series(np.full(len(visits), np.nan))
    return pd.DataFrame(
        {
            "contact_id": visits["call"],
            "channel": pd.Series(["voice"] * len(visits), dtype="str"),
            "direction": pd.Series(["inbound"] * len(visits), dtype="str"),
            "queue": visits["queue"],
            "queued_at": visits["at"],
            "outcome": outcome,
            "raw_outcome": visits["left"].mask(answered, visits["taken_by"]),
            "wait_s": wait,
            "ring_s": (visits["answered_at"] - visits["rang_at"]).dt.total_seconds(),
            "talk_s": (visits["ended_at"] - visits["answered_at"]).dt.total_seconds(),
            "hold_s": nothing,
            "wrap_s": nothing,
            "agent": _device(visits["agent"]),
            "arrived_at": began["at"],
            "transferred_to": _device(visits["target"]),
            "ended_by": visits["ended_by"].mask(outcome == "abandoned", "customer"),
            "customer": visits["customer"],
            "dnis": visits["dnid"].fillna(began["exten"]),
            "ring_attempts": visits["attempts"],
            "ring_noanswer": visits["attempts"] - visits["rang_at"].notna().astype("Int64"),
        }
    )


def _device(name: pd.Series) -> pd.Series:
    return name.astype("str").str.replace(_SUFFIX, "", regex=True)


def _after(visits: pd.DataFrame, on: str, by: str, rows: pd.DataFrame, rows_on: str, rows_by: str, *, same: bool = False) -> pd.DataFrame:
    """Of each visit the first row that lies after its ``on`` (or there, with ``same``) and agrees in ``by``; missing where none does."""
    left = visits[[on, by]].dropna().sort_values(on, kind="stable")
    left = pd.DataFrame({"_on": left[on], "_by": left[by], "_visit": left.index})
    right = rows.assign(_on=rows[rows_on], _by=rows[rows_by]).sort_values("_on", kind="stable")
    found = pd.merge_asof(left, right, on="_on", by="_by", direction="forward", allow_exact_matches=same)
    return found.set_index("_visit").reindex(visits.index)


def _during(visits: pd.DataFrame, by: str, rows: pd.DataFrame, rows_by: str) -> pd.DataFrame:
    """The rows that lie within a visit (the last that had begun) and agree in ``by``, with its number in ``visit``, in time."""
    begun = pd.DataFrame({"_on": visits["place"], "_by": visits[by], "visit": visits.index, "_until": visits["until"]})
    found = rows.assign(_on=rows["place"], _by=rows[rows_by]).sort_values("_on")
    found = pd.merge_asof(found, begun, on="_on", by="_by", allow_exact_matches=False)
    return found[found["visit"].notna() & ~(found["place"] > found["_until"])]


def _begun(events: pd.DataFrame) -> pd.DataFrame:
    visits = events[(events["kind"] == "APP_START") & (events["app"] == "queue")].reset_index(drop=True)
    return visits[["at", "place", "uid", "linked", "call", "name", "queue", "timeout", "customer", "dnid"]]


def _elsewhere(events: pd.DataFrame) -> pd.Series:
    """Events that show a channel in another application, or in Queue() anew; what runs in ``h`` runs after the hang-up."""
    other = (events["app"] != "") & (events["app"] != "queue") & (events["kind"] != "APP_END") & (events["exten"] != "h")
    return other | ((events["app"] == "queue") & (events["kind"] == "APP_START"))


def _left(visits: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """``until, left_at, left``: the event that shows that the channel is in this queue no more, and whether the caller ``gave_up``."""
    kind, elsewhere = events["kind"], _elsewhere(events)
    shows = elsewhere | kind.isin(_GONE) | ((events["app"] == "queue") & (kind == "APP_END"))
    own = _after(visits, "place", "uid", events[shows], "place", "uid")
    # It counts for the linkedid that it names: the one of a channel that joined an older call ends while the call goes on.
    call = _after(visits, "place", "call", events[kind == "LINKEDID_END"], "place", "linked")
    first = own["place"].notna() & ~(own["place"] > call["place"])
    left = own.where(first, call)

    gone = _after(visits, "place", "uid", events[kind == ("HANGUP" if (kind == "HANGUP").any() else "CHAN_END")], "place", "uid")
    after = _after(visits, "place", "uid", events[elsewhere], "place", "uid")
    at_once = (gone["at"] - left["at"]).dt.total_seconds().le(_GONE_S) & ~(after["place"] < gone["place"])
    # A dialplan that hangs up says so: then the caller was there still when the queue gave him back.
    by_plan = gone["source"].fillna("").str.startswith("dialplan/")
    gave_up = (left["kind"].isin([*_GONE, "LINKEDID_END"]) | (left["kind"].eq("APP_END") & at_once)) & ~by_plan
    return pd.DataFrame(
        {"until": left["place"], "left_at": left["at"], "left": left["kind"], "gave_up": gave_up, "hung_up_by": gone["source"]}
    )


def _answers(visits: pd.DataFrame, events: pd.DataFrame, logged: set[str]) -> pd.DataFrame:
    """``answered_at, taken_by, agent, agent_uid``, and ``met`` (the bridge) and ``talked_until``, by who was in a bridge with whom."""
    moves = events[events["kind"].isin(["BRIDGE_ENTER", "BRIDGE_EXIT"])]
    moves = moves.assign(bridge=moves["bridge"].fillna(moves["call"]))
    entries = moves[moves["kind"] == "BRIDGE_ENTER"]
    # How many are in a bridge, at the most and in the end, at each instant: the order of two channels' events is not sure.
    moves = moves.assign(most=moves["kind"].map({"BRIDGE_ENTER": 1, "BRIDGE_EXIT": -1}).groupby(moves["bridge"]).cumsum())
    inside = moves.assign(final=moves["most"]).groupby(["bridge", "at"], as_index=False).agg(most=("most", "max"), final=("final", "last"))

    joined = _during(visits, "uid", entries, "uid").drop_duplicates("visit").set_index("visit").reindex(visits.index)
    here = visits.assign(met=joined["bridge"], joined_at=joined["at"])
    answered_at = _after(here, "joined_at", "met", inside[inside["most"] >= 2], "at", "bridge", same=True)["at"]
    here["answered_at"] = answered_at.where(~(answered_at > visits["left_at"]))
    there = here[["met", "uid", "answered_at"]].dropna().rename_axis("visit").reset_index()
    there = there.merge(entries, left_on="met", right_on="bridge", suffixes=("_of", ""))
    there = there[(there["uid"] != there["uid_of"]) & (there["at"] <= there["answered_at"])]
    # The channel that the queue dialled, if it is one of them; else the one that came last.
    there = there.assign(dialled=there["app"] == _OFFERED).sort_values(["dialled", "place"]).drop_duplicates("visit", keep="last")
    agent = there.set_index("visit").reindex(visits.index)
    here["answered_at"] = here["answered_at"].where(agent["uid"].notna())
    alone = _after(here, "answered_at", "met", inside[inside["final"] < 2], "at", "bridge", same=True)["at"]
    return pd.DataFrame(
        {
            "answered_at": here["answered_at"],
            "taken_by": agent["kind"],
            "agent": agent["name"],
            "agent_uid": agent["uid"],
            "met": here["met"],
            "talked_until": alone,
        }
    )


def _pick_ups(visits: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """The same where bridges are not logged: by the ANSWER of a channel that the queue dialled."""
    taken = events[(events["kind"] == "ANSWER") & (events["app"] == _OFFERED)]
    agent = _during(visits, "call", taken, "call").drop_duplicates("visit").set_index("visit").reindex(visits.index)
    return pd.DataFrame(
        {
            "answered_at": agent["at"],
            "taken_by": agent["kind"],
            "agent": agent["name"],
            "agent_uid": agent["uid"],
            "met": visits["call"],
            "talked_until": pd.Series(pd.NaT, index=visits.index, dtype=visits["at"].dtype),
        }
    )


def _ends(visits: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """``ended_at, target, ended_by`` of the answered: left alone in the bridge, or sent on, or else with the first channel that is gone."""
    kind = events["kind"]
    bridges = events["bridge"] if (kind == "BRIDGE_ENTER").any() else events["call"]
    sent = events.assign(bridge=bridges.fillna(events["call"]))[kind.isin(_TRANSFERS)]
    sent = _after(visits, "answered_at", "met", sent, "at", "bridge", same=True)
    agents = _after(visits, "answered_at", "agent_uid", events[kind.isin(_GONE)], "at", "uid", same=True)
    callers = visits["left_at"].where(visits["left_at"] >= visits["answered_at"])
    until = visits["talked_until"].fillna(pd.concat([agents["at"], callers], axis=1).min(axis=1))
    ended = pd.concat([until, sent["at"]], axis=1).min(axis=1)

    said = pd.Series([None] * len(visits), index=visits.index, dtype="str")
    for source in (agents["source"], visits["hung_up_by"]):
        said = said.mask(said.isna() & source.eq(visits["name"]), "customer").mask(said.isna() & source.eq(visits["agent"]), "agent")
    known = visits["answered_at"].notna()
    return pd.DataFrame({"ended_at": ended.where(known), "target": sent["target"], "ended_by": said.where(known & sent["at"].isna())})


def _offers(visits: pd.DataFrame, events: pd.DataFrame, logged: set[str]) -> pd.DataFrame:
    """``attempts`` and ``rang_at``: channels that began while the call waited, but for what local channels dial in their turn."""
    if "CHAN_START" not in logged:
        never = pd.Series(pd.NaT, index=visits.index, dtype=visits["at"].dtype)
        return pd.DataFrame({"attempts": pd.array([pd.NA] * len(visits), dtype="Int64"), "rang_at": never})
    inner = events["app"].str.startswith("appdial") | events["name"].str.endswith(";2")
    strange = pd.concat([visits["uid"], events.loc[inner, "uid"]])
    begun = events[(events["kind"] == "CHAN_START") & ~events["uid"].isin(strange)]
    # Of a call that meets an older one later, as in an attended transfer, they have the linkedid that it had when it joined.
    offers = pd.concat([_during(visits, name, begun, "linked") for name in ("linked", "call")])
    offers = offers.drop_duplicates("uid").set_index("visit", drop=False)
    until, taker = visits["answered_at"].reindex(offers.index), visits["agent_uid"].reindex(offers.index)
    offers = offers.assign(taken=offers["uid"] == taker)[~(offers["at"] > until)]
    attempts = offers.groupby(level=0).size().reindex(visits.index, fill_value=0).astype("Int64")
    return pd.DataFrame({"attempts": attempts, "rang_at": offers.loc[offers["taken"], "at"].reindex(visits.index)})


def _outcomes(visits: pd.DataFrame, events: pd.DataFrame, last: pd.Timestamp, logged: set[str]) -> tuple[pd.Series, pd.Series]:
    """What became of each visit, and how many seconds it waited."""
    wait = (visits["answered_at"].fillna(visits["left_at"]) - visits["at"]).dt.total_seconds()
    so_far = (last - visits["at"]).dt.total_seconds()
    inside = visits["left"].isna()
    outcome = pd.Series(["overflowed"] * len(visits), index=visits.index, dtype="str")
    outcome = outcome.mask((visits["timeout"] > 0) & (wait >= visits["timeout"] - 1), "timed_out").mask(visits["gave_up"], "abandoned")
    outcome = outcome.mask(inside, "open").mask(inside & (so_far > _OPEN_S), "failed" if logged & set(_GONE) else "unknown")
    if not logged & {"BRIDGE_ENTER", "ANSWER"}:
        outcome = outcome.mask(visits["attempts"].ne(0).fillna(True).astype(bool), "unknown")
    outcome = outcome.mask(visits["answered_at"].notna(), "answered")
    return outcome, wait.mask(outcome == "open", so_far)


def _say(visits: pd.DataFrame, outcome: pd.Series, events: pd.DataFrame, logged: set[str], account: Account) -> None:
    """Notes of what is not logged, and of what was assumed for it."""
    many, answered = len(visits), int((outcome == "answered").sum())
    entries = events[events["kind"] == "BRIDGE_ENTER"]
    account.note("BRIDGE_ENTER without bridge_id in extra: the channels of one call are taken to meet", int(entries["bridge"].isna().sum()))
    if not logged & {"BRIDGE_ENTER", "ANSWER"}:
        account.note("neither BRIDGE_ENTER nor ANSWER is logged: whether a call that was offered to an agent was answered is unknown", many)
    elif "BRIDGE_ENTER" not in logged:
        account.note("BRIDGE_ENTER is not logged: calls are answered by the ANSWER of an agent's channel", many)
    elif "BRIDGE_EXIT" not in logged:
        account.note("BRIDGE_EXIT is not logged: the talk ends with the first channel that is gone", answered)
    if not logged & set(_GONE):
        account.note("neither HANGUP nor CHAN_END is logged: who gave up is known by LINKEDID_END at best", many)
    if "APP_END" not in logged:
        account.note(
            "APP_END is not logged: a call that left the queue unanswered may look abandoned when it hangs up later", many - answered
        )
    if "CHAN_START" not in logged:
        account.note("CHAN_START is not logged: ring_s, ring_attempts and arrived_at are missing", many)
    account.note("left the queue without an agent and went on in the dialplan: why is not logged", int((outcome == "overflowed").sum()))
    lost = visits["left"].isna() & outcome.isin(["failed", "unknown"])
    account.note("the end of a waiting call is not in the log, which goes on for a day and more", int(lost.sum()))
