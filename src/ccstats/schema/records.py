"""Tables of records beside the logs: what customers said, how contacts were handled, complaints, written work, staff, and the verdict."""

from __future__ import annotations

from ccstats.schema.table import Table
from ccstats.schema.table import column as _c

__all__ = [
    "ABSENCES",
    "COMPLAINTS",
    "EVALUATIONS",
    "FIGURES",
    "INSTRUMENTS",
    "ITEMS",
    "KPIS",
    "POLARITIES",
    "SCHEDULE",
    "STAFF",
    "SURVEYS",
    "VERDICTS",
]

#: What a survey can ask: satisfaction, recommendation, effort, recommendation as a place to work, anything else.
INSTRUMENTS = ("csat", "nps", "ces", "enps", "other")

#: Which end of a scale is the good one.
POLARITIES = ("higher_is_better", "lower_is_better")

#: What can be said of a target.
VERDICTS = ("met", "not_met", "not_decidable")

SURVEYS = Table(
    "surveys",
    "one question put to one customer (or agent), answered or not",
    ("response_id", "instrument"),
    (
        _c("response_id", "id", "the invitation or response; one may hold several questions", nullable=False),
        _c("contact_id", "id", "the contact asked about; missing where it is not known"),
        _c("instrument", "category", "what was asked", nullable=False, words=INSTRUMENTS),
        _c("score", "number", "the answer as it was given; missing: none"),
        _c("scale_min", "number", "lowest answer that the scale allows", nullable=False),
        _c("scale_max", "number", "highest answer that the scale allows", nullable=False),
        _c("polarity", "category", "which end of the scale is the good one", nullable=False, words=POLARITIES),
        _c("invited_at", "instant", "when the customer was asked; missing where it is not known"),
        _c("responded_at", "instant", "when the answer came; missing: none"),
        _c("queue", "category", "the queue of the contact", required=False),
        _c("channel", "category", "how the customer was asked", required=False),
        _c("agent", "category", "the agent asked about, or asked", required=False),
        _c("customer", "id", "keyed pseudonym of the customer", required=False),
    ),
)

EVALUATIONS = Table(
    "evaluations",
    "one item of one evaluation of one contact",
    ("evaluation_id", "item"),
    (
        _c("evaluation_id", "id", "the evaluation: one assessor's form about one contact", nullable=False),
        _c("contact_id", "id", "the contact listened to"),
        _c("agent", "category", "the agent evaluated", nullable=False),
        _c("assessor", "category", "who evaluated"),
        _c("evaluated_at", "instant", "when", nullable=False),
        _c("item", "category", "the item of the form", nullable=False),
        _c("weight", "number", "weight of the item", nullable=False),
        _c("points", "number", "points given; missing: the item does not apply"),
        _c("max_points", "number", "points that can be given", nullable=False),
        _c("critical_error", "flag", "whether the item shows a critical error", nullable=False),
        _c("auto_fail", "flag", "whether that fails the whole evaluation", nullable=False),
        _c("error_class", "category", "class of the critical error, such as customer, business, compliance", required=False),
        _c("queue", "category", "the queue of the contact", required=False),
        _c("channel", "category", "the channel of the contact", required=False),
    ),
)

COMPLAINTS = Table(
    "complaints",
    "one complaint",
    ("complaint_id",),
    (
        _c("complaint_id", "id", "the complaint", nullable=False),
        _c("contact_id", "id", "the contact complained about; missing where it is not known"),
        _c("customer", "id", "keyed pseudonym of the customer"),
        _c("received_at", "instant", "when it came", nullable=False),
        _c("acknowledged_at", "instant", "when its receipt was confirmed; missing: not yet"),
        _c("resolved_at", "instant", "when it was resolved or rejected; missing: still open"),
        _c("reason", "category", "what about"),
        _c("status", "category", "resolved, rejected, open, or the source's own word"),
        _c("reminders", "maybe_count", "times the customer chased it"),
        _c("queue", "category", "the queue of the contact", required=False),
        _c("channel", "category", "how it came", required=False),
    ),
)

ITEMS = Table(
    "items",
    "one item of written or deferred work: an e-mail, a message, a ticket",
    ("item_id",),
    (
        _c("item_id", "id", "the item", nullable=False),
        _c("queue", "category", "the queue it lies in", nullable=False),
        _c("channel", "category", "email, message, ticket, …", nullable=False),
        _c("opened_at", "instant", "the customer's first message", nullable=False),
        _c("first_response_at", "instant", "the first reply of a human; missing: none yet"),
        _c("closed_at", "instant", "when it was closed; missing: still open"),
        _c("agent", "category", "who replied", required=False),
        _c("customer", "id", "keyed pseudonym of the customer", required=False),
        _c("reason", "category", "what about", required=False),
    ),
)

STAFF = Table(
    "staff",
    "one employment of one agent",
    ("agent", "joined_at"),
    (
        _c("agent", "category", "the agent", nullable=False),
        _c("joined_at", "instant", "first day", nullable=False),
        _c("left_at", "instant", "end of the last day; missing: still here"),
        _c("voluntary", "flag", "whether leaving was the agent's own choice", required=False),
        _c("training_s", "seconds", "training received in the time looked at", required=False),
        _c("queue", "category", "the queue or team", required=False),
    ),
)

ABSENCES = Table(
    "absences",
    "one agent's scheduled time, such as a day, and how much of it the agent was absent",
    ("agent", "started_at"),
    (
        _c("agent", "category", "the agent", nullable=False),
        _c("started_at", "instant", "start of the scheduled time", nullable=False),
        _c("scheduled_s", "seconds", "time scheduled", nullable=False),
        _c("absent_s", "seconds", "time absent without having planned it", nullable=False),
        _c("reason", "category", "why", required=False),
        _c("queue", "category", "the queue or team", required=False),
    ),
)

SCHEDULE = Table(
    "schedule",
    "one stretch of one agent's time, and what it was planned for",
    ("agent", "started_at"),
    (
        _c("agent", "category", "the agent, called as in the log", nullable=False),
        _c("started_at", "instant", "start of the stretch", nullable=False),
        _c("ended_at", "instant", "end of the stretch", nullable=False),
        _c("activity", "category", "what was planned: `on_queue`, or `break`, `training`, `leave` or another word", nullable=False),
        _c("paid", "flag", "whether it is paid", nullable=False),
        _c("queue", "category", "the queue or team of the agent", required=False),
        _c("shift", "category", "the shift that it belongs to", required=False),
    ),
)

FIGURES = Table(
    "figures",
    "one figure that no log tells: a sum over a sum, in one period",
    ("metric", "queue", "period_start"),
    (
        _c("metric", "category", "which metric", nullable=False),
        _c("queue", "category", "the queue; missing: all of them"),
        _c("period_start", "period", "any instant in the period it belongs to", nullable=False),
        _c("numerator", "number", "what is divided, such as the cost", nullable=False),
        _c("denominator", "number", "what it is divided by, such as contacts; 1 where the figure is given as it is", nullable=False),
    ),
)

KPIS = Table(
    "kpis",
    "one metric of one queue and period against its target",
    ("queue", "period_start", "metric", "target"),
    (
        _c("queue", "category", "the queue, or `all`", nullable=False),
        _c("period_start", "period", "start of the period, in the zone of the agreement", nullable=False),
        _c(
            "period",
            "category",
            "length of the period",
            nullable=False,
            words=("interval", "day", "week", "month", "quarter", "year"),
        ),
        _c("metric", "category", "the metric", nullable=False),
        _c("target", "category", "the target's name in the agreement; empty: measured without one", nullable=False),
        _c("value", "number", "what was measured; missing: nothing to measure"),
        _c("value_low", "number", "lower end of its interval; missing: none can be given"),
        _c("value_high", "number", "upper end"),
        _c("count", "number", "what it rests on: contacts, responses, evaluations, complaints"),
        _c("target_low", "number", "lowest value that meets the target; missing: open"),
        _c("target_high", "number", "highest value that meets the target; missing: open"),
        _c("verdict", "category", "what can be said of the target", words=VERDICTS),
        _c("verdict_reason", "text", "why", nullable=False),
        _c("previous", "number", "the value of the period before; missing: none"),
        _c("trend", "category", "against the period before, where the change is more than chance", words=("better", "worse", "steady")),
        _c("unusual", "category", "whether it deviates from its own past (7.4)", words=("yes", "no", "unknown")),
        _c("indicator", "number", "how far the target is fulfilled, 0-100"),
        _c("weight", "number", "weight in the index"),
        _c("money", "number", "bonus (positive) or malus (negative), in the agreement's currency; missing: no rule"),
        _c("unit", "category", "unit of the value", nullable=False),
        _c("clause", "category", "clause of EN 15838", nullable=False),
        _c("definition", "text", "how the value is made", nullable=False),
        _c("inputs", "text", "the columns it is made of", nullable=False),
    ),
)
