"""What each verb of a queue_log means, as plain data: where its figures stand, what it does, how it ends a visit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ccstats.schema import CONTACTS

__all__ = ["CODE", "ENDED_BY", "KNOWN", "OUTCOME", "REASONS", "ROLE", "SHAPE", "VERBS", "Verb"]

# Shapes: where the parameters of a verb stand. Counts differ between versions, so every shape checks the count first.
PLAIN = 0  # no parameter is read
WORD = 1  # word
ENTER = 2  # url|word[|…]                 word: the caller's number
ANSWER = 3  # wait[|uniqueid[|ring]]
TALKED = 4  # wait|talk[|position]
WAITED = 5  # position|position|wait[|…]   old versions: position only
KEYED = 6  # key|position|position|wait    old versions: key|position
SENT = 7  # word|context[|wait|talk[|position]]
SENT_ATTENDED = 8  # method|…|wait|talk|position, counted from the right
RANG_MS = 9  # milliseconds
LEFT_AFTER = 10  # channel|seconds logged in
LASTING = 11  # seconds

# Roles: what a verb does to the visits of callers and to the states of agents.
NOTHING, JOIN, CONNECT, TALK_END, WAIT_END, REFUSED, RING, RING_CANCEL, DUMP, HOLD, UNHOLD, DID, STATUS, WRAP, DIAL_OUT = range(15)
RESTART, LOGIN, LOGOFF, ADD, REMOVE, PAUSE, UNPAUSE, PAUSE_ALL, UNPAUSE_ALL, PAUSE_REASON = range(15, 25)


@dataclass(frozen=True)
class Verb:
    """One verb: its shape and role, the outcome it gives a visit and who ended it, or the rule by which its line is ignored.

    Examples
    --------
    >>> VERBS["ABANDON"].outcome, VERBS["ABANDON"].ended_by
    ('abandoned', 'customer')
    """

    shape: int
    role: int
    outcome: str = ""
    ended_by: str = ""
    ignored: str = ""


_OUT = "outbound call"
_IVR = "voice menu"
_NOTE = "free text of the dialplan"

VERBS: dict[str, Verb] = {
    # core, all versions
    "QUEUESTART": Verb(PLAIN, RESTART, "failed", "system"),
    "ENTERQUEUE": Verb(ENTER, JOIN, "overflowed"),  # the outcome of the visit that it cuts short
    "CONNECT": Verb(ANSWER, CONNECT, "answered"),
    "COMPLETEAGENT": Verb(TALKED, TALK_END, "answered", "agent"),
    "COMPLETECALLER": Verb(TALKED, TALK_END, "answered", "customer"),
    "TRANSFER": Verb(SENT, TALK_END, "answered", "agent"),  # up to 11
    "BLINDTRANSFER": Verb(SENT, TALK_END, "answered", "agent"),  # from 12
    "ATTENDEDTRANSFER": Verb(SENT_ATTENDED, TALK_END, "answered", "agent"),  # from 12
    "ABANDON": Verb(WAITED, WAIT_END, "abandoned", "customer"),
    "EXITWITHTIMEOUT": Verb(WAITED, WAIT_END, "timed_out", "system"),
    "EXITWITHKEY": Verb(KEYED, WAIT_END, "exited_key", "customer"),
    "EXITEMPTY": Verb(WAITED, WAIT_END, "left_empty", "system"),
    "WITHDRAW": Verb(WAITED, WAIT_END, "withdrawn", "system"),  # 2022
    "SYSCOMPAT": Verb(PLAIN, WAIT_END, "failed", "system"),
    "AGENTDUMP": Verb(PLAIN, DUMP, "agent_dropped", "agent"),
    "RINGNOANSWER": Verb(RANG_MS, RING),
    "RINGCANCELED": Verb(RANG_MS, RING_CANCEL),  # 15
    "ADDMEMBER": Verb(WORD, ADD),
    "REMOVEMEMBER": Verb(PLAIN, REMOVE),
    "PAUSE": Verb(WORD, PAUSE),
    "UNPAUSE": Verb(WORD, UNPAUSE),
    "PAUSEALL": Verb(WORD, PAUSE_ALL),
    "UNPAUSEALL": Verb(WORD, UNPAUSE_ALL),
    "AGENTLOGIN": Verb(PLAIN, LOGIN),
    "AGENTLOGOFF": Verb(LEFT_AFTER, LOGOFF),
    "AGENTCALLBACKLOGIN": Verb(PLAIN, LOGIN),  # 1.2, 1.4 and add-ons
    "AGENTCALLBACKLOGOFF": Verb(LEFT_AFTER, LOGOFF),
    "CONFIGRELOAD": Verb(PLAIN, NOTHING, ignored="configuration reloaded"),
    "PENALTY": Verb(PLAIN, NOTHING, ignored="member setting"),
    "RINGINUSE": Verb(PLAIN, NOTHING, ignored="member setting"),
    "OUTCALL": Verb(PLAIN, NOTHING, ignored=_OUT),  # 15, QueueUpdate()
    # Wazo, XiVO
    "FULL": Verb(PLAIN, REFUSED, "blocked_full", "system"),
    "DIVERT_CA_RATIO": Verb(PLAIN, REFUSED, "blocked_full", "system"),
    "DIVERT_HOLDTIME": Verb(PLAIN, REFUSED, "blocked_full", "system"),
    "JOINEMPTY": Verb(PLAIN, REFUSED, "blocked_empty", "system"),
    "CLOSED": Verb(PLAIN, REFUSED, "blocked_closed", "system"),
    "LEAVEEMPTY": Verb(WAITED, WAIT_END, "left_empty", "system"),
    "WRAPUPSTART": Verb(LASTING, WRAP),
    # FreePBX, Issabel, QueueMetrics, VICIdial, PBXware
    "DID": Verb(WORD, DID),
    "CALLSTATUS": Verb(WORD, STATUS),
    "CALLERONHOLD": Verb(PLAIN, HOLD),
    "CALLEROFFHOLD": Verb(PLAIN, UNHOLD),
    "PAUSEREASON": Verb(WORD, PAUSE_REASON),
    "CALLOUTBOUND": Verb(PLAIN, DIAL_OUT),  # its CONNECT and COMPLETE* lines count for the agent only
    "OUTDIAL": Verb(PLAIN, NOTHING, ignored=_OUT),
    "OUTANSWER": Verb(PLAIN, NOTHING, ignored=_OUT),
    "OUTCANCEL": Verb(PLAIN, NOTHING, ignored=_OUT),
    "OUTCHANUNAVAIL": Verb(PLAIN, NOTHING, ignored=_OUT),
    "OUTCONGESTION": Verb(PLAIN, NOTHING, ignored=_OUT),
    "OUTTRANSFER": Verb(PLAIN, NOTHING, ignored=_OUT),
    "IVRSTART": Verb(PLAIN, NOTHING, ignored=_IVR),
    "IVRAPPEND": Verb(PLAIN, NOTHING, ignored=_IVR),
    "IVRGOAL": Verb(PLAIN, NOTHING, ignored=_IVR),
    "INFO": Verb(PLAIN, NOTHING, ignored=_NOTE),
    "MAP": Verb(PLAIN, NOTHING, ignored=_NOTE),
    "HOTDESK": Verb(PLAIN, NOTHING, ignored="desk changed"),
    "HEARTBEAT": Verb(PLAIN, NOTHING, ignored="heartbeat"),
}

KNOWN = len(VERBS)
CODE = {verb: code for code, verb in enumerate(VERBS)}
SHAPE = np.array([verb.shape for verb in VERBS.values()], dtype="int8")
ROLE = np.array([verb.role for verb in VERBS.values()], dtype="int8")
#: Outcome and ending party of each verb, as codes into the vocabularies of `ccstats.schema`; -1 where there is none.
_WORDS = {"outcome": CONTACTS["outcome"].vocabulary, "ended_by": CONTACTS["ended_by"].vocabulary}
OUTCOME = np.array([_WORDS["outcome"].index(verb.outcome) if verb.outcome else -1 for verb in VERBS.values()], dtype="int8")
ENDED_BY = np.array([_WORDS["ended_by"].index(verb.ended_by) if verb.ended_by else -1 for verb in VERBS.values()], dtype="int8")

#: Why a line is rejected, by the code that the scanner gives.
REASONS = (
    "",
    "fewer than five fields",
    "epoch is not a number",
    "epoch outside 1999-2100",
    "no verb",
    "NUL byte",
    "longer than 8192 bytes",
    "negative duration",
    "impossible duration (a day or more)",
    "duration is not a number",
    "cut off at the end of the file",
    "separator inside a name",
    "call event without a call id",
    "call event without a queue",
    "epoch more than a day ahead of the lines around it",
    "repeats an entry already read",
)
(
    GOOD, FEW_FIELDS, NO_EPOCH, WRONG_EPOCH, NO_VERB, NUL, TOO_LONG, NEGATIVE, IMPOSSIBLE, NO_NUMBER, CUT, SPLIT_NAME, NO_CALL, NO_QUEUE,
    SPIKE, AGAIN,
) = range(len(REASONS))  # fmt: skip
