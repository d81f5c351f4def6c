"""Write `data/samples/centre`: two months of a three-queue centre of our own making, as its platform would have logged them.

    PYTHONPATH=src python tools/make_samples.py [FOLDER]

The same files come out every time, byte for byte. Nobody in them is real: the callers' numbers are from the ranges that Ofcom keeps
free for film and radio. It is one file because its tables tell one story: the same visits are logged, asked about and complained of.
"""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from ccstats.synthetic import Planted, QueueSpec, Synthetic, synthesize_contacts

SEED = 20250224
TIMEZONE = "Europe/Berlin"
#: The log knows neither hold nor wrap-up, so there is none: the agents write while they talk.
_ALL = {"wrap_s": 0.0, "hold_share": 0.0}
QUEUES = (
    QueueSpec(
        "sales", 140, aht_s=240.0, patience_s=150.0, max_wait_s=180.0, transfer_to="support", transfer_share=0.06, key_s=1800.0, **_ALL
    ),
    QueueSpec(
        "support",
        160,
        aht_s=330.0,
        patience_s=240.0,
        max_wait_s=300.0,
        closes="16:00",
        transfer_to="back office",
        transfer_share=0.04,
        **_ALL,
    ),
    QueueSpec(
        "roadside", 70, aht_s=300.0, patience_s=300.0, opens="00:00", closes="24:00", weekdays=(1.0, 1.0, 1.0, 1.0, 1.1, 1.2, 1.0), **_ALL
    ),
)
PLANTED = (
    Planted("volume", "2025-03-11", "2025-03-12", factor=1.7, queue="sales"),
    Planted("aht", "2025-03-18", "2025-03-21", factor=1.45, queue="support"),
    Planted("volume", "2025-03-27 08:00", "2025-03-27 14:00", factor=0.5, queue="sales"),
    Planted("staff", "2025-04-03 08:00", "2025-04-03 14:00", factor=0.5, queue="support"),
    Planted("volume", "2025-04-09 09:30", "2025-04-09 10:30", factor=1.8),
    Planted("outage", "2025-04-09 10:30", "2025-04-09 11:30"),
)
STORIES = (
    "a campaign that nobody had told the planners about",
    "new software: conversations take longer",
    "a trunk is out, half of the calls do not arrive",
    "illness: half of the agents are not there",
    "the web site is down, so everybody calls",
    "restart: all open calls are lost, and nothing runs for an hour",
)
DNIS = {"sales": "+493023125100", "support": "+493023125200", "roadside": "+493023125300"}
EXTENSION = {"sales": "8100", "support": "8200", "roadside": "8300", "back office": "8900"}
#: Name of the exchange, before every call id; without it a spreadsheet takes them for decimals and drops their last noughts.
SYSTEM = "pbx1"
#: Ranges of a thousand numbers each that belong to nobody.
NUMBERS = (
    *(f"+44{area}4960" for area in (113, 114, 115, 116, 117, 118, 121, 131, 141, 151, 161)),
    *("+442079460", "+441914980", "+442896496", "+442920180", "+441632960", "+447700900", "+443069990"),
)
FORM = (
    ("greeting", 1, 2),
    ("needs understood", 3, 4),
    ("solution right", 4, 4),
    ("data protection", 2, 2),
    ("tone", 2, 4),
    ("closing", 1, 2),
)


def synthesize() -> Synthetic:
    """The centre as it was, to the millisecond; the log shows whole seconds of it."""
    return synthesize_contacts(seed=SEED, start="2025-02-24", days=56, timezone=TIMEZONE, queues=QUEUES, planted=PLANTED, holidays="DE-BE")


def dress(made: Synthetic) -> pd.DataFrame:
    """The visits as the log will name them: call ids, interfaces, numbers, and every instant as milliseconds since 1970."""
    visits = made.contacts.copy()
    visits["t_queued"] = _milliseconds(visits["queued_at"])
    visits["t_left"] = visits["t_queued"] + _ms(visits["wait_s"])
    visits["t_rings"] = visits["t_left"] - _ms(visits["ring_s"].fillna(0.0))
    visits["t_ended"] = visits["t_left"] + _ms(visits["talk_s"].fillna(0.0))
    visits["number"] = pd.factorize(visits["contact_id"])[0]
    channel = _milliseconds(visits["arrived_at"]) // 1000
    visits["contact_id"] = f"{SYSTEM}-" + channel.astype("str") + "." + (visits["number"] * 3 + 41).astype("str")
    visits["interface"] = [_interface(name) if isinstance(name, str) else "NONE" for name in visits["agent"].astype(object)]
    spans = made.agent_states
    rung = spans[spans["state"] == "reserved"]
    visits["t_offered"] = -1
    key = pd.MultiIndex.from_arrays([made.contacts["contact_id"], made.contacts["queue"].astype("str")])
    offered = pd.Series(
        _milliseconds(rung["started_at"]), index=pd.MultiIndex.from_arrays([rung["contact_id"], rung["queue"].astype("str")])
    )
    ringing = pd.Series(rung["agent"].astype(object).map(_interface).to_numpy(), index=offered.index)
    visits["t_offered"] = offered.reindex(key).fillna(-1).to_numpy().astype("int64")
    visits["rung"] = ringing.reindex(key).to_numpy()
    rng = np.random.default_rng([SEED, 1])
    everybody, first = np.unique(visits["customer"], return_inverse=True)
    numbers = np.array([f"{start}{k:03d}" for start in NUMBERS for k in range(1000)])
    visits["caller"] = rng.permutation(numbers)[: len(everybody)][first]
    withheld = rng.random(len(everybody)) < 0.03
    visits["caller"] = visits["caller"].mask(withheld[first], "anonymous")
    position = np.ones(len(visits), dtype=int)
    for queue in EXTENSION:
        here = np.flatnonzero(visits["queue"] == queue)
        came, went = np.sort(visits["t_queued"].to_numpy()[here]), np.sort(visits["t_left"].to_numpy()[here])
        now = visits["t_queued"].to_numpy()[here]
        position[here] = np.maximum(np.searchsorted(came, now, side="right") - np.searchsorted(went, now, side="right"), 1)
    return visits.assign(position=position)


def _milliseconds(instants: pd.Series) -> np.ndarray:
    return pd.DatetimeIndex(instants).as_unit("us").asi8 // 1000


def _ms(seconds: pd.Series) -> np.ndarray:
    return np.round(seconds.to_numpy() * 1000.0).astype("int64")


def _interface(agent: str) -> str:
    queue, _, number = agent.rpartition("-")
    return f"PJSIP/{queue}{int(number):02d}"


def log_lines(made: Synthetic, visits: pd.DataFrame) -> list[str]:
    """The queue_log in the form of Asterisk 18, in the order in which it would have been written."""
    events = [*_agent_events(made.agent_states), *_visit_events(visits, made.agent_states), *_system_events()]
    events.sort(key=lambda event: event[:2])  # stable: what belongs together stays in order
    return [f"{at // 1000}|{line}\n" for at, _, line in events]


#: At the same millisecond: who finishes, who leaves or rests, the system, who comes, and only then what is new.
_ENDS, _LEAVES, _SYSTEM, _COMES, _NEW = range(5)
Event = tuple[int, int, str]


def _visit_events(visits: pd.DataFrame, states: pd.DataFrame) -> Iterator[Event]:
    rng = np.random.default_rng([SEED, 2])
    dice = rng.random((len(visits), 3))
    following = {(row.number, row.visit): row for row in visits.itertuples()}
    swapped: set[tuple[int, int]] = set()
    presence = _sessions(states)
    for (fails, attended, form), row in zip(dice, visits.itertuples(), strict=True):
        call, queue, position = row.contact_id, row.queue, row.position
        head = f"{call}|{queue}"
        if (row.number, row.visit) not in swapped:
            yield row.t_queued, _NEW, f"{head}|NONE|DID|{DNIS[queue] if row.visit == 1 else ''}"
            yield row.t_queued, _NEW, f"{head}|NONE|ENTERQUEUE||{'' if row.caller == 'anonymous' and form < 0.5 else row.caller}|{position}"
        if row.t_offered >= 0 and fails < 0.04:  # another phone that is not reachable fails at once
            here = presence[(presence["queue"] == queue) & (presence["login"] <= row.t_offered) & (presence["logout"] > row.t_offered)]
            others = [member for member in here["interface"] if member != row.rung]
            if others:
                yield row.t_offered, _NEW, f"{head}|{others[int(fails * 25 * len(others))]}|RINGNOANSWER|{0 if form < 0.7 else 1000}"
        for k in range(row.ring_noanswer):
            yield row.t_offered + 15_000 * (k + 1), _ENDS, f"{head}|{row.rung}|RINGNOANSWER|15000"
        if row.outcome != "answered":
            yield from _gave_up(row, head)
            continue
        wait = _whole(row.t_queued, row.t_left)
        leg = f"{SYSTEM}-{row.t_rings // 1000}.{row.number * 3 + 41 + row.visit}"
        yield row.t_left, _NEW, f"{head}|{row.interface}|CONNECT|{wait}|{leg}|{_whole(row.t_rings, row.t_left)}"
        if np.isnan(row.talk_s):
            continue  # the restart came first
        talk = f"{wait}|{_whole(row.t_left, row.t_ended)}|{position}"
        if not isinstance(row.transferred_to, str):
            yield row.t_ended, _ENDS, f"{head}|{row.interface}|{'COMPLETECALLER' if row.ended_by == 'customer' else 'COMPLETEAGENT'}|{talk}"
            continue
        place = EXTENSION[row.transferred_to]
        then = following.get((row.number, row.visit + 1))
        if attended < 0.4 and then is None:
            bridge = f"{row.number:08x}-5eed-4000-8000-{row.t_ended // 1000:012x}"
            yield row.t_ended, _ENDS, f"{head}|{row.interface}|ATTENDEDTRANSFER|BRIDGE|{bridge}|{talk}"
        elif attended < 0.4 and then.outcome == "answered" and not np.isnan(then.talk_s) and then.wait_s >= 2.0:
            # The agent asks the second queue under a call id of his own. When he puts the caller through, the ids are swapped: the
            # line that ends the first conversation carries the agent's id, and the answer in the second queue the caller's.
            own = f"{SYSTEM}-{row.t_ended // 1000}.{row.number * 3 + 43}"
            swapped.add((row.number, row.visit + 1))
            yield row.t_ended, _ENDS, f"{own}|{then.queue}|NONE|DID|"
            yield row.t_ended, _ENDS, f"{own}|{then.queue}|NONE|ENTERQUEUE||{EXTENSION[queue][:2]}{row.interface[-2:]}|{then.position}"
            yield row.t_ended, _ENDS, f"{own}|{queue}|{row.interface}|ATTENDEDTRANSFER|APP|Queue|{talk}"
        else:
            yield row.t_ended, _ENDS, f"{head}|{row.interface}|BLINDTRANSFER|{place}|from-internal|{talk}"


def _gave_up(row: object, head: str) -> Iterator[Event]:
    """The end of a visit that nobody answered; a restart writes none."""
    wait, position = _whole(row.t_queued, row.t_left), row.position
    if row.t_offered >= 0 and row.outcome != "failed":
        rang = row.t_left - row.t_offered - 15_000 * row.ring_noanswer
        verb = "RINGCANCELED" if row.outcome in ("abandoned", "exited_key") else "RINGNOANSWER"
        yield row.t_left, _ENDS, f"{head}|{row.rung}|{verb}|{rang}"
    ends = {
        "abandoned": f"ABANDON|1|{position}|{wait}",
        "exited_key": f"EXITWITHKEY|1|1|{position}|{wait}",
        "timed_out": f"EXITWITHTIMEOUT|1|{position}|{wait}",
        "left_empty": f"EXITEMPTY|1|{position}|{wait}",
    }
    if row.outcome in ends:
        yield row.t_left, _NEW, f"{head}|NONE|{ends[row.outcome]}"


def _whole(earlier: int, later: int) -> int:
    """A duration as the platform logs it: the difference of two whole seconds."""
    return int(later // 1000 - earlier // 1000)


def _begins_session(states: pd.DataFrame) -> np.ndarray:
    agent = states["agent"].cat.codes
    return ((agent != agent.shift()) | (states["started_at"] != states["ended_at"].shift())).to_numpy()


def _sessions(states: pd.DataFrame) -> pd.DataFrame:
    """When each agent was logged in."""
    first = _begins_session(states)
    last = np.append(first[1:], True)
    begin = states[first]
    login, logout = _milliseconds(begin["started_at"]), _milliseconds(states.loc[last, "ended_at"])
    return pd.DataFrame(
        {"queue": begin["queue"].to_numpy(), "interface": begin["agent"].map(_interface).to_numpy(), "login": login, "logout": logout}
    )


def _agent_events(states: pd.DataFrame) -> Iterator[Event]:
    """Logins, logouts and pauses. In support a pause is one for all queues, elsewhere for the queue."""
    start, end = _milliseconds(states["started_at"]), _milliseconds(states["ended_at"])
    first = _begins_session(states)
    last = np.append(first[1:], True)
    for place, row in enumerate(states.itertuples()):
        member = f"{row.queue}|{_interface(row.agent)}"
        everywhere = f"NONE|NONE|{_interface(row.agent)}"
        if first[place]:
            yield start[place], _COMES, f"MANAGER|{member}|ADDMEMBER|"
        if row.state == "pause":
            rank = _COMES if first[place] else _LEAVES
            if row.queue == "support":
                yield start[place], rank, f"{everywhere}|PAUSEALL|{row.reason}"
            yield start[place], rank, f"NONE|{member}|PAUSE|{row.reason}"
            if not last[place]:
                if row.queue == "support":
                    yield end[place], _COMES, f"{everywhere}|UNPAUSEALL|"
                yield end[place], _COMES, f"NONE|{member}|UNPAUSE|"
        if last[place] and row.closed_by != "restart":
            yield end[place], _LEAVES, f"MANAGER|{member}|REMOVEMEMBER|"


def _system_events() -> Iterator[Event]:
    restart = pd.Timestamp(PLANTED[-1].start, tz=TIMEZONE)
    yield int(restart.timestamp()) * 1000, _SYSTEM, "NONE|NONE|NONE|QUEUESTART|"
    for monday in pd.date_range("2025-02-24 03:15", "2025-04-14 03:15", freq="7D", tz=TIMEZONE):
        yield int(monday.timestamp()) * 1000, _SYSTEM, "NONE|NONE|NONE|CONFIGRELOAD|"


def forecast(made: Synthetic) -> pd.DataFrame:
    """What a good planner expected: transfers are counted where they arrive, deviations and busy days are not known."""
    table = made.truth[["queue", "interval_start", "interval_s", "expected_offered", "expected_aht_s"]].copy()
    for spec in made.queues:
        to, source = (table["queue"] == name for name in (spec.transfer_to, spec.name))
        if to.any():
            here = table.loc[to, "expected_offered"].to_numpy()
            more = spec.transfer_share * made.truth.loc[source, "expected_offered"].to_numpy()
            table.loc[to, "expected_offered"] = here + np.where(here > 0, more, 0.0)
    table["expected_offered"] = table["expected_offered"].round(3)
    return table


def surveys(visits: pd.DataFrame) -> pd.DataFrame:
    """Every sixth answered caller is asked, every third of them answers; long waits and repeat calls cost goodwill, agents differ."""
    rng = np.random.default_rng([SEED, 3])
    asked = visits[(visits["outcome"] == "answered") & visits["talk_s"].notna() & (visits["caller"] != "anonymous")]
    asked = asked[rng.random(len(asked)) < 1 / 6]
    size = len(asked)
    skill = dict(zip(sorted(set(visits["interface"])), rng.normal(0.0, 0.25, visits["interface"].nunique()), strict=True))
    repeat = asked.index.isin(visits.index[visits.duplicated("customer")])
    mood = (
        4.3
        - 0.006 * np.minimum(asked["wait_s"].to_numpy(), 300.0)
        - 0.5 * repeat
        + asked["interface"].map(skill).to_numpy()
        + rng.normal(0.0, 0.8, size)
    )
    replied = rng.random(size) < 1 / 3
    at = pd.to_datetime(asked["t_ended"].to_numpy() // 1000 + rng.integers(120, 2 * 86400, size), unit="s", utc=True)
    scales = {
        "csat": (mood, 1, 5),
        "nps": (mood * 2.4 - 1.6 + rng.normal(0.0, 1.0, size), 0, 10),
        "ces": (mood * 1.4 + rng.normal(0.0, 0.7, size), 1, 7),
    }
    answers = {
        name: pd.Series(np.clip(np.round(score), low, high)).where(replied).astype("Int64") for name, (score, low, high) in scales.items()
    }
    answers["ces"] = answers["ces"].mask(rng.random(size) < 0.1)  # the last question is skipped most
    return pd.DataFrame(
        {
            "response_id": [f"S{k:05d}" for k in range(1, size + 1)],
            "contact_id": asked["contact_id"].to_numpy(),
            "channel": np.where(rng.random(size) < 0.7, "sms", "email"),
            "queue": asked["queue"].astype("str").to_numpy(),
            "agent": asked["interface"].str.removeprefix("PJSIP/").to_numpy(),
            "responded_at": pd.Series(at).where(replied),
            **answers,
            "invited": True,
        }
    )


def complaints(visits: pd.DataFrame) -> pd.DataFrame:
    """Complaints of those who waited long or in vain; the last are still open."""
    rng = np.random.default_rng([SEED, 4])
    cause = np.select(
        [visits["outcome"] != "answered", visits["wait_s"] > 120, visits.duplicated("customer")], [0.03, 0.03, 0.02], default=0.003
    )
    chosen = visits[(rng.random(len(visits)) < cause) & (visits["caller"] != "anonymous")]
    size = len(chosen)
    received = chosen["t_left"].to_numpy() // 1000 + rng.integers(600, 3 * 86400, size)
    acknowledged = received + rng.exponential(0.7 * 86400, size).astype("int64") + 60
    resolved = acknowledged + rng.gamma(1.6, 5 * 86400, size).astype("int64")
    end = int(pd.Timestamp("2025-04-21", tz=TIMEZONE).timestamp())
    kept = received < end
    late = ((np.minimum(resolved, end) - received) / 86400.0 / 9.0)[kept]

    def instant(seconds: np.ndarray) -> pd.Series:
        return pd.Series(pd.to_datetime(seconds[kept], unit="s", utc=True)).where(seconds[kept] < end)

    closed = (resolved < end)[kept]
    reasons = np.where(chosen["outcome"] != "answered", "not reached", np.where(chosen["wait_s"] > 120, "long wait", ""))[kept]
    other = rng.choice(["wrong information", "not solved", "unfriendly", "billing"], size)[kept]
    table = pd.DataFrame(
        {
            "customer": chosen["caller"].to_numpy()[kept],
            "contact_id": chosen["contact_id"].to_numpy()[kept],
            "received_at": instant(received),
            "acknowledged_at": instant(acknowledged),
            "resolved_at": instant(resolved),
            "reason": np.where(reasons == "", other, reasons),
            "status": np.where(closed, np.where(rng.random(closed.size) < 0.15, "rejected", "resolved"), "open"),
            "reminders": rng.poisson(np.clip(late, 0.05, 3.0)),
        }
    ).sort_values(["received_at", "contact_id"], ignore_index=True)
    table.insert(0, "complaint_id", [f"C{k:04d}" for k in range(1, len(table) + 1)])
    return table


def evaluations(visits: pd.DataFrame) -> pd.DataFrame:
    """Three conversations an agent and month are listened to; one row per item of the form, some by two assessors to compare them."""
    rng = np.random.default_rng([SEED, 5])
    heard = visits[(visits["outcome"] == "answered") & (visits["talk_s"] > 60)]
    month = pd.to_datetime(heard["t_left"], unit="ms", utc=True).dt.tz_convert(TIMEZONE).dt.strftime("%Y-%m")
    rows = []
    for (agent, _), part in heard.groupby([heard["interface"], month]):
        quality = 0.82 + 0.03 * ((int(agent[-2:]) % 5) - 2)
        for place in np.sort(rng.choice(len(part), size=min(3, len(part)), replace=False)):
            contact = part.iloc[place]
            truth = rng.binomial([item[2] for item in FORM], quality)
            first = ("Q1", "Q2", "Q3")[int(rng.integers(3))]
            pair = [first] if rng.random() > 0.1 else [first, "Q4"]
            for assessor in pair:
                at = contact["t_ended"] // 1000 + int(rng.integers(86400, 8 * 86400))
                given = np.clip(
                    truth + np.where(rng.random(len(FORM)) < 0.15, rng.choice([-1, 1], len(FORM)), 0), 0, [item[2] for item in FORM]
                )
                applies = rng.random(len(FORM)) > np.array([0.0, 0.0, 0.05, 0.2, 0.0, 0.0])
                critical = bool(applies[3] and given[3] == 0)
                rows += [
                    (
                        at,
                        contact["contact_id"],
                        agent.removeprefix("PJSIP/"),
                        assessor,
                        *item,
                        points if ok else None,
                        critical,
                        critical and bool(given[2] < 4),
                    )
                    for item, points, ok in zip(FORM, given.tolist(), applies, strict=True)
                ]
    names = ["evaluated_at", "contact_id", "agent", "assessor", "item", "weight", "max_points", "points", "critical_error", "auto_fail"]
    table = pd.DataFrame(rows, columns=names).sort_values(["evaluated_at", "contact_id", "assessor"], kind="stable", ignore_index=True)
    table["evaluation_id"] = [f"E{k // len(FORM) + 1:04d}" for k in range(len(table))]
    table["evaluated_at"] = pd.to_datetime(table["evaluated_at"], unit="s", utc=True)
    table["points"] = table["points"].astype("Int64")
    order = [
        "evaluation_id",
        "contact_id",
        "agent",
        "assessor",
        "evaluated_at",
        "item",
        "weight",
        "points",
        "max_points",
        "critical_error",
        "auto_fail",
    ]
    return table[order]


def planted() -> pd.DataFrame:
    return pd.DataFrame(
        [{**asdict(each), "queue": each.queue or "all", "story": story} for each, story in zip(PLANTED, STORIES, strict=True)]
    )


README = """\
# A centre that never was

Two months (24 February to 20 April 2025, Europe/Berlin, with the night of 30 March in which the clocks change) of a centre with three
queues, made by `tools/make_samples.py` from the seed {seed}. The same files come out every time. Nobody in them is real: the callers'
numbers are from the ranges that Ofcom keeps free for film and radio.

| file | what |
|---|---|
| `queue_log.gz` | {lines:,} lines as Asterisk 18 writes them: {visits:,} visits of {contacts:,} callers |
| `forecast.csv` | what the planners expected: contacts and handle time of each queue and half-hour; instants are UTC |
| `surveys.csv` | who was asked, and what they answered: CSAT 1-5, NPS 0-10, CES 1-7; no answer is blank |
| `complaints.csv` | complaints, the last still open; `customer` is the caller's number as in the log |
| `evaluations.csv` | conversations that were listened to: one row per item of the form; no points where the item does not apply |
| `agreement.toml` | what was promised to the client, written by hand; some of it is kept, some is not |
| `truth.csv` | the deviations that were planted, in local time |

`contact_id` is the call id of the log, `agent` the name of the interface (`sales01` for `PJSIP/sales01`).

| queue | open | calls a weekday | talk, mean | patience, mean | leaves after | planted |
|---|---|---|---|---|---|---|
{queues}

Also in the log: phones that cannot be reached (`RINGNOANSWER` of 0 or 1000 ms), callers who hang up while it rings (`RINGCANCELED`),
blind and attended transfers, among these the kind that swaps call ids between queues, pauses for one queue and for all, a restart
that loses open calls without a line, and callers without a number. Hold and wrap-up are not logged by the platform, and there are none.

Of those who did not get through, {redial:.0%} call again after some 15 minutes; of those who did, {repeat:.0%} after some two days.
"""


def readme(made: Synthetic, visits: pd.DataFrame, lines: int) -> str:
    rows = [
        f"| {spec.name} | {spec.opens}-{spec.closes}{'' if spec.weekdays[6] else ', not on Sundays'} "
        f"| {spec.contacts_per_day:g} | {spec.aht_s:g} s "
        f"| {spec.patience_s:g} s | {spec.max_wait_s:g} s | {sum(each.queue in (None, spec.name) for each in PLANTED)} |"
        for spec in made.queues
    ]
    spec = made.queues[0]
    figures = {"seed": SEED, "lines": lines, "visits": len(visits), "contacts": visits["contact_id"].nunique(), "queues": "\n".join(rows)}
    return README.format(**figures, redial=spec.redial_share, repeat=spec.repeat_share)


def write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    made = synthesize()
    visits = dress(made)
    lines = log_lines(made, visits)
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as stream:
        stream.write("".join(lines).encode())
    (folder / "queue_log.gz").write_bytes(packed.getvalue())
    tables = {
        "forecast": forecast(made),
        "surveys": surveys(visits),
        "complaints": complaints(visits),
        "evaluations": evaluations(visits),
        "truth": planted(),
    }
    for name, table in tables.items():
        text = table.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%dT%H:%M:%SZ")
        (folder / f"{name}.csv").write_bytes(text.encode())
    (folder / "README.md").write_bytes(readme(made, visits, len(lines)).encode())


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "data" / "samples" / "centre")
