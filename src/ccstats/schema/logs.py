"""Tables that are made of logs, and what is expected of them: contacts, states, intervals, service, forecast, plan, points.

It is longer than other files because it is a list.
"""

from __future__ import annotations

from ccstats.schema.table import Table
from ccstats.schema.table import column as _c

__all__ = [
    "AGENT_INTERVALS",
    "AGENT_STATES",
    "CONTACTS",
    "FORECAST",
    "INTERVALS",
    "OUTCOMES",
    "PLAN",
    "POINTS",
    "SERVICE",
    "STATES",
]

#: Every outcome a visit can have, and the count of ``intervals`` it is booked in (``None``: nowhere).
OUTCOMES: dict[str, str | None] = {
    "answered": "answered",
    "abandoned": "abandoned",
    "timed_out": "flowed_out",
    "exited_key": "flowed_out",
    "left_empty": "flowed_out",
    "overflowed": "flowed_out",
    "voicemail": "flowed_out",
    "callback": "callbacks",
    "withdrawn": "lost",
    "agent_dropped": "lost",
    "failed": "lost",
    "open": "open",
    "unknown": "unknown",
    "ivr_abandoned": "ivr_abandoned",
    "blocked_full": "blocked",
    "blocked_empty": "blocked",
    "blocked_closed": "blocked",
    "ignored": None,
}

#: Outcomes that never joined a queue: booked at ``arrived_at``, outside ``offered``.
NOT_QUEUED = ("ivr_abandoned", "blocked_full", "blocked_empty", "blocked_closed", "ignored")

#: What an agent can be doing.
STATES = ("available", "reserved", "on_contact", "hold", "wrap", "pause", "other")

#: What can end a span of an agent's state.
CLOSED_BY = ("event", "next_event", "restart", "end_of_file", "assumed")

CONTACTS = Table(
    "contacts",
    "one visit of one contact to one queue",
    ("contact_id", "visit"),
    (
        _c("contact_id", "id", "the customer's whole interaction", nullable=False),
        _c("visit", "count", "1, 2, … in time within the contact", nullable=False),
        _c("channel", "category", "voice, chat, email, callback, task, …", nullable=False),
        _c("direction", "category", "inbound, outbound or internal", nullable=False, words=("inbound", "outbound", "internal")),
        _c("queue", "category", "the queue visited", nullable=False),
        _c("queued_at", "instant", "joined this queue; missing where it never did"),
        _c("outcome", "category", "what became of the visit", nullable=False, words=tuple(OUTCOMES)),
        _c("raw_outcome", "category", "the source's own word, untouched"),
        _c("wait_s", "seconds", "from joining the queue to the answer or to leaving, ringing included"),
        _c("ring_s", "seconds", "the last part of the wait, while the answering agent's phone rang"),
        _c("talk_s", "seconds", "talk, hold excluded where hold is logged"),
        _c("hold_s", "seconds", "on hold"),
        _c("wrap_s", "seconds", "after-contact work"),
        _c("agent", "category", "who answered"),
        _c("arrived_at", "instant", "entered the platform", required=False),
        _c("ivr_s", "seconds", "in the voice menu before the queue", required=False),
        _c("transferred_to", "category", "where the agent sent the contact on", required=False),
        _c("ended_by", "category", "who hung up", required=False, words=("customer", "agent", "system", "unknown")),
        _c("customer", "id", "keyed pseudonym of the customer", required=False),
        _c("dnis", "category", "number dialled", required=False),
        _c("reason", "category", "why the customer got in touch", required=False),
        _c("disposition", "category", "the result the agent chose", required=False),
        _c("ring_attempts", "maybe_count", "times the visit was offered to an agent", required=False),
        _c("ring_noanswer", "maybe_count", "offers that no agent took", required=False),
        _c("human_option_at", "instant", "when the voice menu first offered a human; missing: it did not", required=False),
        _c("contained", "flag", "whether it ended in the voice menu with the task done", required=False),
        _c("promised_at", "instant", "until when a callback was promised; missing: no promise", required=False),
        _c("attempted_at", "instant", "first attempt to call back; missing: none yet", required=False),
    ),
)

AGENT_STATES = Table(
    "agent_states",
    "one span of one agent in one state",
    ("agent", "started_at", "state", "queue"),
    (
        _c("agent", "category", "the agent", nullable=False),
        _c("started_at", "instant", "start of the span", nullable=False),
        _c("ended_at", "instant", "end of the span", nullable=False),
        _c("state", "category", "what the agent was doing", nullable=False, words=STATES),
        _c("reason", "category", "why paused, in the source's word"),
        _c("queue", "category", "the queue served, where one is known"),
        _c("contact_id", "id", "the contact served"),
        _c(
            "closed_by",
            "category",
            "what ended the span",
            nullable=False,
            words=("event", "next_event", "restart", "end_of_file", "assumed"),
        ),
    ),
)

#: Counts of ``intervals``: whole numbers that add up.
_COUNTS = {
    "offered": "answered + abandoned + flowed_out + callbacks + lost + open + unknown",
    "answered": "outcome answered",
    "abandoned": "outcome abandoned",
    "abandoned_short": "abandoned with wait_s <= short_s",
    "answered_within": "answered with wait_s <= threshold_s; missing without a threshold",
    "abandoned_within": "abandoned with wait_s <= threshold_s; missing without a threshold",
    "callback_within": "turned into a callback with wait_s <= threshold_s; missing without a threshold",
    "reached_threshold": "still queued when the threshold passed; missing without a threshold",
    "flowed_out": "left the queue for somewhere else",
    "callbacks": "asked to be called back",
    "lost": "withdrawn, dropped by the agent, or failed",
    "open": "still waiting where the log ends",
    "unknown": "an outcome we do not know",
    "blocked": "refused before the queue, outside offered; missing where the source does not count it",
    "ivr_abandoned": "left before the queue, outside offered; missing where the source does not count it",
}
_THRESHOLD_COUNTS = ("answered_within", "abandoned_within", "callback_within", "reached_threshold")
_REFUSED = ("blocked", "ivr_abandoned")
_TOTALS = {
    "total_wait_s": "wait of the answered; missing where the source does not tell",
    "total_abandon_wait_s": "wait of the abandoned; missing where the source does not tell",
    "total_talk_s": "talk of the answered; missing where the source never logs it",
    "total_hold_s": "hold of the answered; missing where the source never logs it",
    "total_wrap_s": "wrap-up of the answered; missing where the source never logs it",
}
_KNOWN = {
    "talk_known": "answered contacts whose talk is known",
    "hold_known": "answered contacts whose hold is known",
    "wrap_known": "answered contacts whose wrap-up is known",
}
_WHERE_LOGGED = {
    "held": ("maybe_count", "answered contacts with hold_s > 0"),
    "transferred": ("maybe_count", "answered contacts that the agent sent on"),
    "ring_attempts": ("maybe_count", "offers to agents"),
    "ring_noanswer": ("maybe_count", "offers that no agent took"),
    "arrival_known": ("maybe_count", "answered contacts whose arrival on the platform is known"),
    "total_to_agent_s": ("seconds", "from arrival on the platform to the answer, of those"),
}

_MEASURES = (
    *(_c(name, "maybe_count" if name in (*_THRESHOLD_COUNTS, *_REFUSED) else "count", meaning) for name, meaning in _COUNTS.items()),
    *(_c(name, "seconds", meaning) for name, meaning in _TOTALS.items()),
    *(_c(name, "count", meaning) for name, meaning in _KNOWN.items()),
    _c("max_wait_s", "seconds", "longest wait of anyone queued, answered or not; missing where nobody queued, or the source does not tell"),
    *(_c(name, kind, meaning, required=False) for name, (kind, meaning) in _WHERE_LOGGED.items()),
)

_DEFINITION = (
    _c("threshold_s", "seconds", "service-level threshold the counts were made with; missing: none, or several after a roll-up"),
    _c("short_s", "seconds", "short-abandon threshold the counts were made with; missing: no rule"),
    _c("attribute_by", "category", "where a contact is booked", nullable=False, words=("queued", "left", "ended", "event")),
)

INTERVALS = Table(
    "intervals",
    "one queue in one interval: counts and sums",
    ("queue", "interval_start"),
    (
        _c("queue", "category", "the queue", nullable=False),
        _c("interval_start", "instant", "start of the interval", nullable=False),
        _c("interval_s", "seconds", "length of the interval; shorter at the end of a day the clocks change", nullable=False),
        _c("timezone", "category", "the zone whose midnights the intervals are cut from", nullable=False),
        *_DEFINITION,
        *_MEASURES,
    ),
)

AGENT_INTERVALS = Table(
    "agent_intervals",
    "one agent in one interval: seconds per state",
    ("agent", "interval_start"),
    (
        _c("agent", "category", "the agent", nullable=False),
        _c("interval_start", "instant", "start of the interval", nullable=False),
        _c("interval_s", "seconds", "length of the interval", nullable=False),
        _c("timezone", "category", "the zone whose midnights the intervals are cut from", nullable=False),
        _c("queue", "category", "the queue served, where asked for and known", required=False),
        _c("logged_in_s", "seconds", "logged in: all states together"),
        *(_c(f"{state}_s", "seconds", f"in state {state}, clipped to the interval") for state in STATES),
        _c("handled", "maybe_count", "contacts whose span in state on_contact began in the interval"),
    ),
)

SERVICE = Table(
    "service",
    "one group and period: measures and ratios",
    ("period_start",),
    (
        _c("queue", "category", "the queue, where grouped by it", required=False),
        _c("period_start", "period", "start of the period, in the zone asked for", required=False),
        *_DEFINITION,
        *_MEASURES,
    ),
)

_EXPECTED = (
    _c("queue", "category", "the queue", nullable=False),
    _c("interval_start", "instant", "start of the interval", nullable=False),
    _c("interval_s", "seconds", "length of the interval", nullable=False),
    _c("expected_offered", "number", "contacts expected; missing where nothing is known"),
    _c("expected_aht_s", "number", "handle time expected: talk, hold and wrap-up [s]; missing where nothing is known"),
)

FORECAST = Table(
    "forecast",
    "one queue in one interval: what is expected to come",
    ("queue", "interval_start"),
    (
        *_EXPECTED,
        _c("model_offered", "number", "contacts that the model expects, whatever a planner says", required=False),
        _c("model_aht_s", "number", "handle time that the model expects, whatever a planner says [s]", required=False),
        _c("override_offered", "number", "contacts that a planner expects instead; missing: as the model", required=False),
        _c("override_aht_s", "number", "handle time that a planner expects instead [s]; missing: as the model", required=False),
        *(
            _c(f"offered_{side}_{share}", "number", f"{word} limit of the contacts, with {share} % between the two", required=False)
            for share in (80, 95)
            for side, word in (("low", "lower"), ("high", "upper"))
        ),
        _c("model", "category", "the model that says so", required=False),
        _c("note", "text", "what the reader of this row must know; empty if nothing", required=False),
    ),
)

PLAN = Table(
    "plan",
    "one queue in one interval: how many agents it takes, and what they will achieve",
    ("queue", "interval_start"),
    (
        *_EXPECTED,
        _c("required_agents", "number", "agents that meet the targets, real-valued"),
        _c("agents", "number", "agents on the floor: whole, unless fractional ones were asked for"),
        _c("scheduled_agents", "number", "agents to schedule so that, shrinkage taken off, these are on the floor"),
        _c("shrinkage", "share", "share of scheduled time that is not on the floor"),
        _c("expected_service_level", "share", "expected service level, by the definition in `definition`"),
        _c("expected_asa_s", "number", "expected mean wait of the answered; infinite in overload without abandonment"),
        _c("expected_abandonment_rate", "share", "expected share of the offered that give up"),
        _c("expected_occupancy", "share", "expected share of the agents' time spent on contacts"),
        _c("model", "category", "the model that says so", nullable=False),
        _c("definition", "category", "which service level was planned for", nullable=False),
        _c("target_service_level", "share", "service level asked for; missing: none"),
        _c("threshold_s", "seconds", "its threshold; missing: none"),
        _c("patience_s", "number", "mean patience; infinite: nobody gives up"),
        _c("lines", "number", "contacts that can be waiting or in service at once; infinite: no limit", required=False),
        _c("short_s", "seconds", "abandons up to this wait are short and left out by `sl_excl_short`; missing: no rule", required=False),
        _c("note", "text", "what the reader of this row must know; empty if nothing"),
    ),
)

POINTS = Table(
    "points",
    "one observation of one metric with its limits and signals",
    ("queue", "period_start", "metric"),
    (
        _c("queue", "category", "the queue, where grouped by it", required=False),
        _c("period_start", "period", "start of the period, in the zone asked for", nullable=False),
        _c("period_end", "period", "its end", nullable=False),
        _c("metric", "category", "the metric observed", nullable=False),
        _c("value", "number", "what was observed; missing where the denominator is empty"),
        _c("count", "number", "what the value was divided by: the contacts of a ratio or a mean; of a count the value itself"),
        _c("baseline", "number", "what was to be expected"),
        _c("lower", "number", "lower limit; missing: none"),
        _c("upper", "number", "upper limit; missing: none"),
        _c("sigma", "number", "standard deviation of the value about its baseline, as estimated"),
        _c("score", "number", "distance from the baseline in such standard deviations"),
        _c("p_value", "share", "chance of a value as far away while nothing has changed"),
        _c("signal", "flag", "whether this is a deviation", nullable=False),
        _c("rule", "text", "the rules that say so, joined by `+`; empty: none"),
        _c("direction", "category", "which way it deviates", words=("better", "worse", "higher", "lower")),
        _c("signalled_at", "period", "end of the period by which it could be told; missing: no signal"),
        _c("severity", "share", "how sure: 1 less the q value, the share of false ones among deviations as clear as this"),
        _c("phase", "category", "baseline (the limits come from here) or judged", nullable=False, words=("baseline", "judged", "excluded")),
        _c("incident", "maybe_count", "number of the incident it belongs to; missing: none"),
        _c("chart", "category", "the chart that made the limits", nullable=False),
        _c("target", "number", "what was asked for; missing: nothing"),
        _c("note", "text", "why this chart, and what the reader of this row must know"),
    ),
)
