"""Contacts and agent states as a queue_log: the ten columns that Asterisk's reporting tools load, or the lines that Asterisk writes."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError
from ccstats.report.files import write_bytes
from ccstats.schema import AGENT_STATES, CONTACTS, as_frame, came_at

__all__ = ["COLUMNS", "write_queue_log"]

COLUMNS = ("partition", "time_id", "call_id", "queue", "agent", "verb", "data1", "data2", "data3", "data4")

#: The verb that ends a wait with an outcome, and where its figures stand: what comes before the wait.
_LEFT = {
    "abandoned": ("ABANDON", ("1", "1")),
    "timed_out": ("EXITWITHTIMEOUT", ("1", "1")),
    "left_empty": ("EXITEMPTY", ("1", "1")),
    "withdrawn": ("WITHDRAW", ("1", "1")),
    "exited_key": ("EXITWITHKEY", ("", "1", "1")),
    "failed": ("SYSCOMPAT", ()),
    "agent_dropped": ("AGENTDUMP", ()),
}
#: Outcomes without a verb of their own; in a dialplan a key that the caller pressed leads there.
_BY_KEY = ("voicemail", "callback", "overflowed")
_REFUSED = {"blocked_full": "FULL", "blocked_empty": "JOINEMPTY", "blocked_closed": "CLOSED"}
_ALONE = ("answered", "open")
_SECOND = np.timedelta64(1, "s")
#: Steps of a visit and of an agent within one second.
_LOGIN, _DID, _ENTER, _LEAVE, _CONNECT, _HOLD, _UNHOLD, _COMPLETE, _WRAP, _STATUS, _PAUSE, _LOGOFF = range(12)


def write_queue_log(
    contacts: Any, path: str | Path, *, agent_states: Any = None, partition: str = "P001", shape: str = "table"
) -> pd.DataFrame:
    r"""Write contacts (and agent states) as the queue_log that Asterisk would have written.

    Reading the file again gives the same visits as far as a queue_log can say them: whole seconds, calls that joined a queue, no ringing
    at agents who did not answer. What it cannot say is written as what comes closest, or left out, and counted in the result.

    Parameters
    ----------
    contacts : pandas.DataFrame or object with ``__arrow_c_stream__``
        `contacts`. Instants are cut to whole seconds, and waits are the seconds between them.
    path : str or Path
        The file; its folder must be there. It is written under a temporary name and moved into place.
    agent_states : pandas.DataFrame or object with ``__arrow_c_stream__``, optional
        `agent_states`: logins, logouts and pauses are written of them; the rest is in the contacts.
    partition : str
        What tells several switches or tenants apart in one table.
    shape : {"table", "file"}
        ``table``: CSV with a header and the ten columns of the loaders' table (read as ``queuemetrics_table``). ``file``: the lines of the
        log itself (read as ``asterisk_queue_log``).

    Returns
    -------
    pandas.DataFrame
        What became of the rows: ``table, fate`` (``written`` or ``left_out``)``, rule, rows``. They add up to the rows given.

    Raises
    ------
    OptionError
        If an argument has a value that is not allowed, or the file cannot be written.
    TableError
        If a table does not fit its schema.

    Examples
    --------
    >>> import tempfile
    >>> import ccstats as cc
    >>> lines = b"1709280000|1.2|q|NONE|ENTERQUEUE||5551|1\n1709280012|1.2|q|NONE|ABANDON|1|1|12\n"
    >>> path = Path(tempfile.mkdtemp()) / "queue_log.csv"
    >>> cc.write_queue_log(cc.read(lines, pseudonyms=False).contacts, path).to_dict("records")
    [{'table': 'contacts', 'fate': 'written', 'rule': 'abandoned', 'rows': 1}]
    >>> print(path.read_text(), end="")
    partition,time_id,call_id,queue,agent,verb,data1,data2,data3,data4
    P001,1709280000,1.2,q,NONE,ENTERQUEUE,,5551,1,
    P001,1709280012,1.2,q,NONE,ABANDON,1,1,12,
    """
    if shape not in ("table", "file"):
        raise OptionError(f"shape={shape!r}: expected 'table' (ten columns, CSV) or 'file' (the lines of the log)")
    if not isinstance(partition, str) or not partition.isprintable():
        raise OptionError(f"partition={partition!r}: expected a short name such as 'P001'")
    contacts = as_frame(contacts, what="contacts")
    CONTACTS.check(contacts)
    contacts = contacts.sort_values(["queued_at", "contact_id", "visit"], kind="stable", ignore_index=True)
    rules = _rules(contacts)
    events = _of_contacts(contacts, rules)
    account = [("contacts", *rule) for rule in rules.tolist()]
    if agent_states is not None:
        states = as_frame(agent_states, what="agent_states")
        AGENT_STATES.check(states)
        spans, fates = _of_agents(states)
        events.append(spans)
        account += [("agent_states", *fate) for fate in fates]
    _write(pd.concat(events, ignore_index=True), Path(path), partition, shape)
    counted = pd.DataFrame(account, columns=["table", "fate", "rule"]).value_counts(sort=False).rename("rows").reset_index()
    order = counted["table"].map({"contacts": 0, "agent_states": 1}) * 2 + (counted["fate"] == "left_out")
    return counted.iloc[np.argsort(order.to_numpy(), kind="stable")].reset_index(drop=True)


def _rules(contacts: pd.DataFrame) -> pd.Series:
    """What becomes of each visit: (fate, rule)."""
    outcome, channel, direction = (contacts[name].astype("str") for name in ("outcome", "channel", "direction"))
    known = outcome.isin([*_LEFT, *_BY_KEY, *_REFUSED, *_ALONE])
    rule = outcome.where(~outcome.isin(_BY_KEY), outcome + ", as EXITWITHKEY")
    at = came_at(contacts)
    ends = contacts["wait_s"].notna() | outcome.isin([*_REFUSED, "open"])
    sound = known & at.notna() & (direction == "inbound") & (channel == "voice")
    goes_on = (outcome == "overflowed") & _enters_next(contacts, sound & ~outcome.isin([*_REFUSED]), ends)
    rule = rule.mask(goes_on, "overflowed")
    left_out = pd.Series("", index=contacts.index).mask(~known, "a queue_log has no verb for outcome " + outcome)
    left_out = left_out.mask(at.isna(), "no time is known")
    left_out = left_out.mask(known & ~ends & ~goes_on, "how long it waited is not known")
    left_out = left_out.mask(direction != "inbound", "not inbound").mask(channel != "voice", "not voice: " + channel)
    return pd.Series(
        [("left_out", why) if why else ("written", how) for why, how in zip(left_out, rule, strict=True)],
        index=contacts.index,
        dtype=object,
    )


def _enters_next(contacts: pd.DataFrame, queued: pd.Series, ends: pd.Series) -> pd.Series:
    """Whether the contact's next visit is written as one to a queue; without a wait of its own an overflow is if the one after it is."""
    in_turn = contacts["visit"].argsort(kind="stable").to_numpy()
    contact = contacts["contact_id"].iloc[in_turn]
    overflows = queued & ~ends & (contacts["outcome"] == "overflowed")
    written = (queued & ends).astype("float64").mask(overflows).iloc[in_turn]
    after = written.groupby(contact).bfill().groupby(contact).shift(-1)
    return after.eq(1.0).reindex(contacts.index)


def _of_contacts(contacts: pd.DataFrame, rules: pd.Series) -> list[pd.DataFrame]:
    taken = np.array([fate == "written" for fate, _ in rules], dtype=bool)
    goes_on = (rules.map(lambda rule: rule[1]) == "overflowed").to_numpy()[taken]
    visits = contacts[taken].reset_index(drop=True)
    outcome = visits["outcome"].astype("str")
    arrived = visits["arrived_at"] if "arrived_at" in visits else visits["queued_at"]
    joined = _seconds(visits["queued_at"].fillna(arrived))
    left = _seconds(visits["queued_at"] + pd.to_timedelta(visits["wait_s"].round(6), unit="s")).fillna(joined)
    wait = (left - joined).astype("int64").astype("str")
    hold, known = visits["hold_s"].round().fillna(0), (outcome == "answered") & visits["talk_s"].notna()
    talk = visits["talk_s"].round().fillna(0) + hold
    ended = left + talk.astype("int64")
    # Within a second, what is over first stands first.
    order = np.empty(len(visits))
    order[np.lexsort((visits.index, left, ended))] = np.arange(len(visits))
    none = pd.Series("NONE", index=visits.index)
    calls = {"call_id": visits["contact_id"], "queue": visits["queue"], "visit": order}

    def events(where: Any, verb: Any, step: int, at: pd.Series, *data: Any, agent: pd.Series = none) -> pd.DataFrame:
        frame = pd.DataFrame({**calls, "verb": verb, "step": step, "at": at, "agent": agent}, index=visits.index)
        for place in range(4):
            frame[f"data{place + 1}"] = data[place] if place < len(data) else ""
        return frame[np.asarray(where, dtype=bool)]

    refused, queued = outcome.isin(list(_REFUSED)), ~outcome.isin(list(_REFUSED))
    out = [events(refused, outcome.map(_REFUSED), _ENTER, joined)]
    if "dnis" in visits:
        # A number holds for the call's later visits, too: a blank one ends that.
        earlier = visits["dnis"].notna().groupby(visits["contact_id"]).cummax()
        out.append(events(queued & earlier, "DID", _DID, joined, visits["dnis"].astype("str").fillna("")))
    customer = visits.get("customer", "")
    out.append(events(queued, "ENTERQUEUE", _ENTER, joined, "", customer, "1"))
    for word, (verb, before) in _LEFT.items():
        figures = (*before, wait) if before else ()
        out.append(events(outcome == word, verb, _LEAVE, left, *figures))
    out.append(events(outcome.isin(_BY_KEY) & ~goes_on, "EXITWITHKEY", _LEAVE, left, outcome, "1", "1", wait))

    answered = outcome == "answered"
    agent = visits["agent"].astype("str").fillna("NONE")
    out.append(events(answered, "CONNECT", _CONNECT, left, wait, "", _whole(visits["ring_s"]), agent=agent))
    held = known & (hold > 0)
    out.append(events(held, "CALLERONHOLD", _HOLD, ended - hold.astype("int64"), agent=agent))
    out.append(events(held, "CALLEROFFHOLD", _UNHOLD, ended, agent=agent))
    sent = visits["transferred_to"].astype("str") if "transferred_to" in visits else pd.Series(None, index=visits.index, dtype="str")
    by_agent = visits["ended_by"].astype("str").eq("agent") if "ended_by" in visits else pd.Series(False, index=visits.index)
    lasted, stays = _whole(talk), known & sent.isna()
    complete = np.where(by_agent, "COMPLETEAGENT", "COMPLETECALLER")
    out.append(events(stays, complete, _COMPLETE, ended, wait, lasted, "1", agent=agent))
    out.append(events(known & sent.notna(), "BLINDTRANSFER", _COMPLETE, ended, sent, "", wait, lasted, agent=agent))
    wrapped = known & (visits["wrap_s"].round() > 0)
    out.append(events(wrapped, "WRAPUPSTART", _WRAP, ended, _whole(visits["wrap_s"]), agent=agent))
    if "disposition" in visits:
        over = ended.where(known, left)
        out.append(events(queued & visits["disposition"].notna(), "CALLSTATUS", _STATUS, over, visits["disposition"]))
    return out


def _of_agents(states: pd.DataFrame) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Logins and logouts around spans without a gap, pauses within; and what became of each span."""
    states = states.sort_values(["agent", "started_at"], kind="stable", ignore_index=True)
    agent, state = states["agent"].astype("str"), states["state"].astype("str")
    start, end = _seconds(states["started_at"]), _seconds(states["ended_at"])
    begins = (agent != agent.shift()) | (start > end.shift())
    ends = begins.shift(-1, fill_value=True)
    stay = start.where(begins).ffill()
    lasting = state.isin(["pause", "other"]) & (end > start)
    why = states["reason"].astype("str").fillna("").mask(state == "other", states["reason"].astype("str").fillna("other"))

    def events(where: Any, verb: str, step: int, at: pd.Series, *data: Any, order: float) -> pd.DataFrame:
        frame = pd.DataFrame({"call_id": "NONE", "queue": "NONE", "agent": agent, "verb": verb, "at": at, "step": step, "visit": order})
        for place in range(4):
            frame[f"data{place + 1}"] = data[place] if place < len(data) else ""
        return frame[where]

    out = [
        events(lasting, "UNPAUSEALL", _PAUSE, end, why, order=-2),  # before the next pause, and all else within a second
        events(begins, "AGENTLOGIN", _LOGIN, start, order=-1),
        events(lasting, "PAUSEALL", _PAUSE, start, why, order=-1),
        events(ends, "AGENTLOGOFF", _LOGOFF, end, "", _whole((end - stay).astype("float64")), order=np.inf),
    ]
    words = {"pause": "a pause", "other": "other, as a pause", "available": "between the others", "reserved": "the ringing of contacts"}
    return pd.concat(out), [("written", words.get(word, "from the contacts")) for word in state]


def _write(events: pd.DataFrame, path: Path, partition: str, shape: str) -> None:
    events = events.sort_values(["at", "visit", "step"], kind="stable")
    names = [*COLUMNS[2:]]
    text = pd.DataFrame({name: events[name].astype("str").fillna("") for name in names})
    # A field of a log's line holds neither its separator nor an end of line, and no control characters.
    text = text.apply(lambda column: column.str.replace(r"[|\x00-\x1f\x7f\x85\u2028\u2029]", " ", regex=True))
    times = events["at"].astype("int64").astype("str")
    if shape == "table":
        sheet = io.StringIO(newline="")
        writer = csv.writer(sheet, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(zip([partition] * len(text), times, *(text[name] for name in names), strict=True))
        data = sheet.getvalue()
    else:
        columns = [text[name] for name in names]
        data = "".join(f"{'|'.join(cells).rstrip('|')}\n" for cells in zip(times, *columns, strict=True))
    try:
        write_bytes(path, data.encode("utf-8", "replace"))
    except OSError as error:
        raise OptionError(
            f"{str(path)!r} cannot be written: {error.strerror or error}. Name a file in a folder you may write to."
        ) from error


def _seconds(instants: pd.Series) -> pd.Series:
    """Whole seconds since 1970."""
    return (instants.dt.floor("s") - pd.Timestamp(0, tz="UTC")) // _SECOND


def _whole(seconds: pd.Series) -> pd.Series:
    return seconds.round().astype("Int64").astype("str").fillna("")
