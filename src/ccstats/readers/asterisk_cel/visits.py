"""Visits to queues out of channel events: how each ended, by whom it was answered, and what is not known where events are not logged.

Events are told by their places in time, -1 where there is none.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from ccstats.readers.accounting import Account
from ccstats.readers.asterisk_cel.events import Events
from ccstats.readers.categories import chosen, constant_category
from ccstats.readers.words import filled, of_series, to_series, without

__all__ = ["visits_of"]

_GONE = ("HANGUP", "CHAN_END")
_TRANSFERS = ("BLINDTRANSFER", "ATTENDEDTRANSFER")
#: The application on the channels that Queue() dials.
_OFFERED = "appqueue"
#: What tells one channel of a device from another.
_SUFFIX = r"-[0-9a-fA-F]{8}(?:;\d)?$"
#: A caller who gave up is gone this soon after Queue() ended. [us]
_GONE_US = 2_000_000
#: A call whose end is not in the log waits still if the log ends within this time. [s]
_OPEN_S = 86_400.0
_NEVER = np.iinfo("int64").max  # the time of what did not happen
_NAT = np.iinfo("int64").min


class _Visits:
    """Arrays of all visits: the event each begins with, its channel and calls, and the events found for it."""

    def __init__(self, events: Events) -> None:
        self.place = np.flatnonzero(starts_of(events))
        self.uid, self.linked, self.call = (each[self.place] for each in (events.uid, events.linked, events.call))
        nobody = np.full(len(self.place), -1)
        # Shows that the channel is in this queue no more; the channel's end.
        self.left = self.gone = nobody
        # The answer, the agent's event before it, the bridge, and the first instant at which one of them is alone there.
        self.answer = self.agent = self.met = self.alone = nobody


def starts_of(events: Events) -> np.ndarray:
    """Which events begin a visit: those that start Queue()."""
    return events.kinds("APP_START") & events.apps("queue".__eq__)


def visits_of(events: Events, last: int, account: Account) -> pd.DataFrame:
    """Contacts, a row each visit to a queue, of the events of calls that visited one.

    ``last`` is when the log ends [us]; what is not logged, and what was assumed for it, goes to the notes of ``account``.
    """
    logged = events.logged
    visits = _Visits(events)
    gave_up = _leave(visits, events, logged)
    if "BRIDGE_ENTER" in logged:
        _meet(visits, events)
    else:
        _pick_up(visits, events)
    ended, sent, ended_by = _ends(visits, events, logged)
    attempts, rang = _offers(visits, events, logged)

    began, answer, left = (_times(events, each) for each in (visits.place, visits.answer, visits.left))
    wait = _seconds(began, np.where(visits.answer < 0, left, answer))
    so_far = (last - began) / 1e6
    outcome = _outcomes(visits, events, wait, so_far, gave_up, attempts, logged)
    _say(visits, outcome, events, logged, account)
    arrived = events.first(events.kinds("CHAN_START"), events.uid, visits.uid, np.zeros(len(began), dtype="int64"))
    answered = (outcome == "answered").to_numpy()
    many = len(began)
    return pd.DataFrame(
        {
            "contact_id": events.ids(visits.call),
            "channel": constant_category("voice", many),
            "direction": constant_category("inbound", many),
            "queue": events.text("queue", visits.place),
            "queued_at": _instants(began),
            "outcome": outcome,
            "raw_outcome": to_series(of_series(events.text("kind", np.where(answered, visits.agent, visits.left)))),
            "wait_s": np.where(outcome == "open", so_far, wait),
            "ring_s": _seconds(_times(events, rang), answer),
            "talk_s": _seconds(answer, ended),
            "hold_s": np.nan,
            "wrap_s": np.nan,
            "agent": without(events.text("name", visits.agent), _SUFFIX),
            "arrived_at": _instants(_times(events, arrived)),
            "transferred_to": without(events.text("target", sent), _SUFFIX),
            "ended_by": ended_by.mask(outcome == "abandoned", "customer"),
            "customer": events.text("customer", visits.place),
            "dnis": filled(events.text("dnid", visits.place), events.text("exten", arrived)),
            "ring_attempts": attempts,
            "ring_noanswer": attempts - (rang >= 0),
        }
    )


def _times(events: Events, places: np.ndarray) -> np.ndarray:
    return np.where(places < 0, _NEVER, events.times[places])


def _seconds(begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    known = (begin < _NEVER) & (end < _NEVER)
    return np.where(known, (np.where(known, end, 0) - np.where(known, begin, 0)) / 1e6, np.nan)


def _instants(times: np.ndarray) -> pd.Series:
    return pd.Series(np.where(times == _NEVER, _NAT, times).view("M8[us]")).dt.tz_localize("UTC")


def _leave(visits: _Visits, events: Events, logged: set[str]) -> np.ndarray:
    """Find what shows that the channel left the queue, and its end; return which callers gave up."""
    ends, in_queue = events.kinds("APP_END"), events.apps("queue".__eq__)
    # A channel in another application, or in Queue() anew; what runs in ``h`` runs after the hang-up.
    elsewhere = ~in_queue & ~events.apps("".__eq__) & ~ends & ~events.texts("exten", lambda text: pc.equal(text, "h"))
    elsewhere |= starts_of(events)
    after = visits.place + 1
    own = events.first(elsewhere | events.kinds(*_GONE) | (in_queue & ends), events.uid, visits.uid, after)
    # It counts for the linkedid that it names: the one of a channel that joined an older call ends while the call goes on.
    call = events.first(events.kinds("LINKEDID_END"), events.linked, visits.call, after)
    visits.left = np.where((own >= 0) & ((call < 0) | (own <= call)), own, call)

    visits.gone = events.first(events.kinds(next((each for each in _GONE if each in logged), "HANGUP")), events.uid, visits.uid, after)
    again = events.first(elsewhere, events.uid, visits.uid, after)
    at_once = (visits.gone >= 0) & (visits.left >= 0) & ((again < 0) | (again >= visits.gone))
    at_once &= events.times[visits.gone] - events.times[visits.left] <= _GONE_US
    # A dialplan that hangs up says so: then the caller was there still when the queue gave him back.
    by_plan = pc.starts_with(of_series(events.text("source", visits.gone)), "dialplan/").fill_null(False).to_numpy()
    is_end, is_app_end = events.kinds(*_GONE, "LINKEDID_END")[visits.left], ends[visits.left]
    gave_up: np.ndarray = (visits.left >= 0) & (is_end | (is_app_end & at_once)) & ~by_plan
    return gave_up


def _meet(visits: _Visits, events: Events) -> None:
    """Find the answer by who was in a bridge with whom."""
    enters = events.kinds("BRIDGE_ENTER")
    bridge = np.where(events.bridge < 0, events.call, events.bridge)
    joined = events.first(enters, events.uid, visits.uid, visits.place + 1)
    joined = np.where((visits.left >= 0) & (joined > visits.left), -1, joined)
    visits.met = np.where(joined < 0, -1, bridge[joined])

    # How many are in a bridge after each event, and at the end of each instant.
    moves = np.flatnonzero(enters | events.kinds("BRIDGE_EXIT"))
    moves = moves[np.argsort(bridge[moves], kind="stable")]
    inside = np.cumsum(np.where(enters[moves], 1, -1))
    begins = np.flatnonzero(np.diff(bridge[moves], prepend=-2))
    before = np.append(0, inside)[begins]
    inside -= np.repeat(before, np.diff(np.append(begins, len(moves))))
    final = np.append(np.diff(bridge[moves]) | np.diff(events.times[moves]), 1) != 0
    both, alone = np.zeros((2, len(events)), dtype=bool)
    both[moves], alone[moves] = inside >= 2, final[: len(moves)] & (inside < 2)

    visits.answer = events.first(both, bridge, visits.met, events.since(joined))
    late = _times(events, visits.answer) > _times(events, visits.left)
    visits.answer = np.where((visits.answer >= 0) & late, -1, visits.answer)
    # The channel that the queue dialled, if it is one of them; else the one that came last.
    dialled = _others(visits, events, enters & events.apps(_OFFERED.__eq__), bridge)
    visits.agent = np.where(dialled < 0, _others(visits, events, enters, bridge), dialled)
    visits.answer = np.where(visits.agent < 0, -1, visits.answer)
    visits.alone = events.first(alone, bridge, visits.met, events.since(visits.answer))


def _others(visits: _Visits, events: Events, entries: np.ndarray, bridge: np.ndarray) -> np.ndarray:
    """Of each answer the last of these entries into its bridge, until its instant is over, by another channel than the caller's."""
    places, many = np.flatnonzero(entries), len(events) + 1
    places = places[np.argsort(bridge[places], kind="stable")]
    keys, uid = bridge[places].astype("int64") * many + places, events.uid[places]
    over = np.searchsorted(events.times, _times(events, visits.answer), side="right")
    at = np.searchsorted(keys, visits.met.astype("int64") * many + over) - 1
    # Where that is the caller's own, the one before those that he made in a row.
    news = np.diff(uid, prepend=-1) != 0
    row = np.maximum.accumulate(np.where(news, np.arange(len(uid)), 0))
    own = (at >= 0) & (np.append(uid, -1)[at] == visits.uid)
    at = np.where(own, np.append(row, 0)[at] - 1, at)
    found = np.append(places, -1)[at]
    return np.where((visits.answer >= 0) & (at >= 0) & (bridge[found] == visits.met), found, -1)


def _pick_up(visits: _Visits, events: Events) -> None:
    """Find the answer where bridges are not logged: by the ANSWER of a channel that the queue dialled."""
    places = np.flatnonzero(events.kinds("ANSWER") & events.apps(_OFFERED.__eq__))
    visit = _during(visits, visits.call, places, events.call)
    places, visit = places[visit >= 0], visit[visit >= 0]
    answer = np.full(len(visits.place), -1)
    answer[visit[::-1]] = places[::-1]  # the first one stays
    visits.answer = visits.agent = answer
    visits.met = visits.call


def _during(visits: _Visits, ids: np.ndarray, places: np.ndarray, of_events: np.ndarray) -> np.ndarray:
    """Of these events the visit within which each lies, the last that had begun, by an id of both; -1 where there is none."""
    many = len(of_events) + 1
    keys = ids.astype("int64") * many + visits.place
    order = np.append(np.argsort(keys), -1)
    at = np.searchsorted(keys[order[:-1]], of_events[places].astype("int64") * many + places) - 1
    visit = order[at]
    inside = (visit >= 0) & (ids[visit] == of_events[places]) & ((visits.left[visit] < 0) | (places <= visits.left[visit]))
    return np.where(inside, visit, -1)


def _ends(visits: _Visits, events: Events, logged: set[str]) -> tuple[np.ndarray, np.ndarray, pd.Series]:
    """When the talk ended: left alone in the bridge, or sent on, or else with the first channel that is gone; the transfer; by whom."""
    bridge = np.where(events.bridge < 0, events.call, events.bridge) if "BRIDGE_ENTER" in logged else events.call
    since = events.since(visits.answer)
    sent = events.first(events.kinds(*_TRANSFERS), bridge, visits.met, since)
    uid = np.where(visits.agent < 0, -1, events.uid[visits.agent])
    gone = events.first(events.kinds(*_GONE), events.uid, uid, since)
    left = _times(events, visits.left)
    first_gone = np.minimum(_times(events, gone), np.where(left >= _times(events, visits.answer), left, _NEVER))
    until = np.where(visits.alone < 0, first_gone, _times(events, visits.alone))
    ended = np.minimum(until, _times(events, sent))

    caller, agent = (of_series(events.text("name", each)) for each in (visits.place, visits.agent))
    choices: list[tuple[np.ndarray, str]] = []
    # The agent's channel is asked first: what comes later in the list stands.
    for source in (of_series(events.text("source", each)) for each in (visits.gone, gone)):
        for name, who in ((caller, "customer"), (agent, "agent")):
            choices.append((pc.equal(source, name).fill_null(False).to_numpy(), who))
    said = chosen(None, *choices)
    return ended, sent, said.where((visits.answer >= 0) & (sent < 0))


def _offers(visits: _Visits, events: Events, logged: set[str]) -> tuple[pd.Series, np.ndarray]:
    """How many channels began while the call waited, but for what local channels dial in their turn, and the one that got it."""
    many = len(visits.place)
    rang = np.full(many, -1)
    if "CHAN_START" not in logged:
        return pd.Series(pd.array([pd.NA] * many, dtype="Int64")), rang
    inner = events.apps(lambda app: app.startswith("appdial")) | events.texts("name", lambda name: pc.ends_with(name, ";2"))
    strange = events.among(events.uid, inner)
    strange |= events.among(events.uid, starts_of(events))
    begun = np.flatnonzero(events.kinds("CHAN_START") & ~strange)
    # Of a call that meets an older one later, as in an attended transfer, they have the linkedid that it had when it joined.
    visit = np.concatenate([_during(visits, ids, begun, events.linked) for ids in (visits.linked, visits.call)])
    begun = np.concatenate([begun, begun])[visit >= 0]
    visit = visit[visit >= 0]
    once = np.unique(events.uid[begun], return_index=True)[1]
    begun, visit = begun[once], visit[once]
    intime = _times(events, begun) <= _times(events, visits.answer[visit])
    begun, visit = begun[intime], visit[intime]
    taken = (visits.agent[visit] >= 0) & (events.uid[begun] == events.uid[visits.agent[visit]])
    rang[visit[taken]] = begun[taken]
    return pd.Series(np.bincount(visit, minlength=many)).astype("Int64"), rang


def _outcomes(
    visits: _Visits, events: Events, wait: np.ndarray, so_far: np.ndarray, gave_up: np.ndarray, attempts: pd.Series, logged: set[str]
) -> pd.Series:
    """What became of each visit."""
    timeout = events.text("timeout", visits.place).to_numpy()
    inside = visits.left < 0
    choices = [
        ((timeout > 0) & (wait >= timeout - 1), "timed_out"),
        (gave_up, "abandoned"),
        (inside, "open"),
        (inside & (so_far > _OPEN_S), "failed" if logged & set(_GONE) else "unknown"),
    ]
    if not logged & {"BRIDGE_ENTER", "ANSWER"}:
        choices.append((attempts.ne(0).fillna(True).to_numpy(dtype=bool), "unknown"))
    return chosen("overflowed", *choices, (visits.answer >= 0, "answered"))


def _say(visits: _Visits, outcome: pd.Series, events: Events, logged: set[str], account: Account) -> None:
    """Notes of what is not logged, and of what was assumed for it."""
    many, answered = len(visits.place), int((outcome == "answered").sum())
    unnamed = int((events.kinds("BRIDGE_ENTER") & (events.bridge < 0)).sum())
    account.note("BRIDGE_ENTER without bridge_id in extra: the channels of one call are taken to meet", unnamed)
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
    lost = (visits.left < 0) & outcome.isin(["failed", "unknown"]).to_numpy()
    account.note("the end of a waiting call is not in the log, which goes on for a day and more", int(lost.sum()))
