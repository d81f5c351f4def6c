"""Large tables of products, made by the database itself, and read in a process of their own whose memory is measured."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

#: The most that may be resident in a process that reads a million rows: interpreter, libraries, driver, rows and result. [MB]
MOST_MB = 500
#: Readers that are compiled map the files of LLVM too, 65 to 130 MB as the kernel likes: for them the limit is on what is not mapped. [MB]
COMPILED, MOST_OWN_MB = ("asterisk_queue_log", "queuemetrics_table"), 350
ROWS = 1_000_000

_READ = """
import json, sys
import ccstats as cc
from peak_memory import peak_mb, resident_mb

url, table, format, options = json.loads(sys.argv[1])
log = cc.read_sql(table, url, format=format, key="k", **options)
resident, own, contacts = resident_mb(), peak_mb(), log.contacts
found = {"rows": log.count(), "rejected": log.count("rejected"), "visits": len(contacts), "states": len(log.agent_states)}
found |= {"answered": int((contacts["outcome"] == "answered").sum()), "wait_s": round(contacts["wait_s"].sum())}
found |= {"callers": contacts["customer"].nunique() if len(contacts) else 0}
print(json.dumps([resident, own, found]))
"""


class Words(NamedTuple):
    """How a database says it."""

    numbers: Callable[[int], str]
    at: Callable[[str], str]
    whole: str
    joined: Callable[..., str]
    span: Callable[[str], str]


#: 1 March 2024, 08:00 UTC.
_BASE = 1_709_280_000
WORDS = {
    "postgresql": Words(
        numbers=lambda rows: f"(select generate_series(0, {rows - 1}) as n) as numbers",
        at=lambda seconds: f"(timestamp '2024-03-01 08:00:00' + ({seconds}) * interval '1 second')",
        whole="({} / {})",
        joined=lambda *parts: f"concat({', '.join(parts)})",
        span=lambda seconds: f"(({seconds}) * interval '1 second')",
    ),
    "mysql": Words(
        numbers=lambda rows: f"(select seq as n from seq_0_to_{rows - 1}) as numbers",
        at=lambda seconds: f"(timestamp '2024-03-01 08:00:00' + interval ({seconds}) second)",
        whole="({} div {})",
        joined=lambda *parts: f"concat({', '.join(parts)})",
        span=lambda seconds: f"sec_to_time({seconds})",
    ),
    "sqlite": Words(
        numbers=lambda rows: (
            f"(with recursive k(n) as (select 0 union all select n + 1 from k where n < {rows - 1}) select n from k) as numbers"
        ),
        at=lambda seconds: f"datetime({_BASE} + ({seconds}), 'unixepoch')",
        whole="({} / {})",
        joined=lambda *parts: " || ".join(f"({part})" for part in parts),
        span=lambda seconds: f"time({seconds}, 'unixepoch')",
    ),
}


class Large(NamedTuple):
    """A table of a product: how the reader is called, its columns in SQL of ``n``, and how SQL counts what the reader gives."""

    format: str
    options: dict[str, Any]
    columns: dict[str, str]
    counts: dict[str, str]


def tables(words: Words) -> dict[str, Large]:
    """The products' tables in the words of one database."""
    join, at, whole = words.joined, words.at, words.whole.format
    caller = join("'+49305550'", "100000 + n * 7 % 250000")
    agent = join("'agent'", "n % 90")
    nobody, blank = "n % 6 = 5", "''"

    def pick(*cases: str) -> str:
        return f"case {' '.join(f'when {case}' for case in cases)} end"

    # Five rows are an answered call and its abandoned neighbour.
    five, step = whole("n", 5), "n % 5"
    call = join("'1709280000.'", f"2 * {five} + case when {step} < 3 then 0 else 1 end")
    who = join("'SIP/'", f"2000 + {five} % 90")
    queue_log = {
        "id": "n + 1",
        "time": at(f"{five} * 30 + {step} * 5"),
        "callid": call,
        "queuename": join("'queue'", f"{five} % 8"),
        "agent": pick(f"{step} in (1, 2) then {who}", "1 = 1 then 'NONE'"),
        "event": pick(
            *(f"{step} = {k} then '{verb}'" for k, verb in enumerate(("ENTERQUEUE", "CONNECT", "COMPLETECALLER", "ENTERQUEUE", "ABANDON")))
        ),
        "data1": pick(f"{step} in (0, 3) then ''", f"{step} = 4 then '1'", "1 = 1 then '5'"),
        "data2": pick(f"{step} in (0, 3) then {caller}", f"{step} = 1 then '1709280001.1'", f"{step} = 2 then '5'", "1 = 1 then '1'"),
        "data3": pick(f"{step} = 1 then '3'", f"{step} = 4 then '5'", "1 = 1 then '1'"),
        "data4": "''",
        "data5": "''",
    }
    channel = join("'PJSIP/'", agent, "'-0000'", "1000 + n % 9000")
    cdr = {
        "calldate": at("n * 3"),
        "clid": join("'\"\" <'", caller, "'>'"),
        "src": caller,
        "dst": "'800'",
        "dcontext": "'ext-queues'",
        "channel": join("'SIP/trunk-'", "10000000 + n"),
        "dstchannel": pick(f"{nobody} then ''", f"1 = 1 then {channel}"),
        "lastapp": pick("n % 20 = 0 then 'Dial'", "1 = 1 then 'Queue'"),
        "lastdata": join("'queue'", "n % 8", "',t,,,60'"),
        "duration": "20 + n % 300",
        "billsec": pick(f"{nobody} then 0", "1 = 1 then n % 300 + 10"),
        "disposition": pick(f"{nobody} then 'NO ANSWER'", "1 = 1 then 'ANSWERED'"),
        "amaflags": "3",
        "accountcode": "''",
        "uniqueid": join("'1709280000.'", "n"),
        "userfield": "''",
        "did": join("'49308880'", "n % 4"),
        "linkedid": join("'1709280000.'", "n"),
    }
    closer = {
        "closecallid": "n + 1",
        "lead_id": "n * 7 % 250000",
        "list_id": "999",
        "campaign_id": join("'INGROUP'", "n % 8"),
        "call_date": at("n * 3"),
        "start_epoch": f"{_BASE} + n * 3",
        "end_epoch": f"{_BASE} + n * 3 + 60 + n % 30",
        "length_in_sec": "60 + n % 30",
        "status": pick(f"{nobody} then 'DROP'", "1 = 1 then 'SALE'"),
        "phone_code": "'1'",
        "phone_number": join("'305550'", "100000 + n * 7 % 250000"),
        "user": pick(f"{nobody} then 'VDCL'", f"1 = 1 then {agent}"),
        "comments": "''",
        "processed": "'N'",
        "queue_seconds": "cast(n % 40 as decimal(7, 2))",
        "user_group": "'ADMIN'",
        "xfercallid": "null",
        "term_reason": pick(f"{nobody} then 'ABANDON'", "1 = 1 then 'CALLER'"),
        "uniqueid": join("'1709280000.'", "n"),
        "agent_only": "''",
        "queue_position": "1",
        "called_count": "1",
    }
    # A cycle of two minutes: seldom a pause, then 30 s of waiting, 60 s of talk and 10 s of wrap-up.
    cycle, pause = f"{_BASE} + {whole('n', 90)} * 120", "n % 10 = 0"
    agent_log = {
        "agent_log_id": "n + 1",
        "user": agent,
        "server_ip": "'192.0.2.1'",
        "event_time": at(f"{whole('n', 90)} * 120"),
        "lead_id": "n * 7 % 250000",
        "campaign_id": join("'INGROUP'", "n % 8"),
        "pause_epoch": cycle,
        "pause_sec": pick(f"{pause} then 20", "1 = 1 then 0"),
        "wait_epoch": f"{cycle} + {pick(f'{pause} then 20', '1 = 1 then 0')}",
        "wait_sec": "30",
        "talk_epoch": f"{cycle} + {pick(f'{pause} then 50', '1 = 1 then 30')}",
        "talk_sec": "60",
        "dispo_epoch": f"{cycle} + {pick(f'{pause} then 110', '1 = 1 then 90')}",
        "dispo_sec": "10",
        "status": "'SALE'",
        "user_group": "'ADMIN'",
        "comments": "'INBOUND'",
        "sub_status": pick(f"{pause} then 'BREAK'", "1 = 1 then null"),
        "dead_epoch": "null",
        "dead_sec": "0",
        "processed": "'N'",
        "uniqueid": join("'1709280000.'", "n"),
        "pause_type": "'AGENT'",
    }
    copied = {"partition": "'P001'", "time_id": f"{_BASE} + {five} * 30 + {step} * 5", "call_id": call, "queue": queue_log["queuename"]}
    copied |= {"agent": queue_log["agent"], "verb": queue_log["event"]} | {f"data{at}": queue_log[f"data{at}"] for at in range(1, 6)}
    copied |= {"serverid": "1", "unique_row_count": "n + 1"}
    issabel = {
        "id": "n + 1",
        "id_agent": pick(f"{nobody} then null", "1 = 1 then n % 90"),
        "id_queue_call_entry": "n % 8",
        "id_contact": "null",
        "callerid": caller,
        "datetime_init": pick(f"{nobody} then null", f"1 = 1 then {at('n * 3 + n % 40')}"),
        "datetime_end": at("n * 3 + n % 40 + 60"),
        "duration": pick(f"{nobody} then null", "1 = 1 then 60"),
        "status": pick(f"{nobody} then 'abandonada'", "1 = 1 then 'terminada'"),
        "transfer": "null",
        "datetime_entry_queue": at("n * 3"),
        "duration_wait": "n % 40",
        "uniqueid": join("'1709280000.'", "n"),
        "id_campaign": "null",
        "trunk": "'SIP/trunk'",
    }
    threecx = {
        "idcallcent_queuecalls": "n + 1",
        "q_num": "800 + n % 8",
        "time_start": at("n * 3"),
        "time_end": at("n * 3 + n % 40 + 5 + 60"),
        "ts_waiting": words.span("n % 40"),
        "ts_polling": words.span("5"),
        "ts_servicing": pick(f"{nobody} then {words.span('0')}", f"1 = 1 then {words.span('60')}"),
        "ts_locating": words.span("0"),
        "count_polls": "1",
        "count_dialed": "1",
        "count_rejected": "0",
        "count_dials_timed": "0",
        "reason_noanswercode": pick(f"{nobody} then 2", "1 = 1 then 0"),
        "reason_failcode": "0",
        "reason_noanswerdesc": pick(f"{nobody} then 'User dropped'", "1 = 1 then ''"),
        "reason_faildesc": "''",
        "call_history_id": join("'00000000DEADBEEF_'", "n"),
        "q_cal": "'Inbound'",
        "from_userpart": caller,
        "from_displayname": "'Somebody'",
        "to_dialednum": "'800'",
        "to_dn": pick(f"{nobody} then ''", f"1 = 1 then {join('100 + n % 90', blank)}"),
        "to_dntype": "0",
        "cb_num": "''",
    }
    return {
        "queue_log": Large(
            "asterisk_queue_log",
            {"timezone": "UTC"},
            queue_log,
            {
                "visits": "sum(case when event = 'ENTERQUEUE' then 1 else 0 end)",
                "answered": "sum(case when event = 'CONNECT' then 1 else 0 end)",
                "wait_s": "sum(case when event in ('CONNECT', 'ABANDON') then 5 else 0 end)",
                "callers": "count(distinct case when event = 'ENTERQUEUE' then data2 end)",
            },
        ),
        "cdr": Large(
            "asterisk_cdr",
            {"timezone": "UTC"},
            cdr,
            {
                "visits": "sum(case when lastapp = 'Queue' then 1 else 0 end)",
                "answered": "sum(case when lastapp = 'Queue' and disposition = 'ANSWERED' then 1 else 0 end)",
                "wait_s": "sum(case when lastapp <> 'Queue' then 0 else duration - billsec end)",
                "callers": "count(distinct case when lastapp = 'Queue' then src end)",
            },
        ),
        "queuemetrics_queue_log": Large(
            "queuemetrics_table",
            {},
            copied,
            {
                "visits": "sum(case when verb = 'ENTERQUEUE' then 1 else 0 end)",
                "answered": "sum(case when verb = 'CONNECT' then 1 else 0 end)",
                "wait_s": "sum(case when verb in ('CONNECT', 'ABANDON') then 5 else 0 end)",
                "callers": "count(distinct case when verb = 'ENTERQUEUE' then data2 end)",
            },
        ),
        "vicidial_agent_log": Large("vicidial", {}, agent_log, {"states": "sum(case when pause_sec > 0 then 4 else 3 end)"}),
        "vicidial_closer_log": Large(
            "vicidial",
            {},
            closer,
            {
                "visits": "count(*)",
                "answered": "sum(case when status = 'SALE' then 1 else 0 end)",
                "wait_s": "sum(queue_seconds)",
                "callers": "count(distinct phone_number)",
            },
        ),
        "call_entry": Large(
            "issabel",
            {"timezone": "UTC"},
            issabel,
            {
                "visits": "count(*)",
                "answered": "count(datetime_init)",
                "wait_s": "sum(duration_wait)",
                "callers": "count(distinct callerid)",
            },
        ),
        "callcent_queuecalls": Large(
            "threecx_queue_calls",
            {},
            threecx,
            {
                "visits": "count(*)",
                "answered": "sum(case when reason_noanswercode = 0 then 1 else 0 end)",
                "wait_s": "sum((idcallcent_queuecalls - 1) % 40 + 5)",
                "callers": "count(distinct from_userpart)",
            },
        ),
    }


def fill(db: Any, name: str, rows: int = ROWS) -> dict[str, int]:
    """Make the table and return what SQL counts in it."""
    import sqlalchemy as sa

    words = WORDS[db.dialect.name.replace("mariadb", "mysql")]
    large = tables(words)[name]
    quote = db.dialect.identifier_preparer.quote
    columns = ", ".join(f"{sql} as {quote(column)}" for column, sql in large.columns.items())
    db.execute(sa.text(f"drop table if exists {name}"))
    db.execute(sa.text(f"create table {name} as select {columns} from {words.numbers(rows)}".replace(":", "\\:")))
    counts = db.execute(sa.text(f"select {', '.join(large.counts.values())} from {name}")).one()
    return {"rows": rows, "rejected": 0, **{what: round(count) for what, count in zip(large.counts, counts, strict=True)}}


@functools.cache
def compile_once() -> None:
    """Read a few rows in another process: what is compiled for it stays on the disk, and takes memory only the first time on a machine."""
    import sqlalchemy as sa

    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'few.db'}"
        engine = sa.create_engine(url)
        with engine.begin() as db:
            fill(db, "queue_log", 1000)
        engine.dispose()
        read_apart(url, "queue_log")


def read_apart(url: str, name: str, **options: Any) -> tuple[float, float, dict[str, int]]:
    """Read the table in a process of its own: the most that was resident in it and what of that was its own [MB], and what was found."""
    large = tables(WORDS["sqlite"])[name]
    asked = json.dumps([url, name, large.format, {**large.options, **options}])
    done = subprocess.run([sys.executable, "-c", _READ, asked], capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
    assert done.returncode == 0, done.stderr[-3000:]
    resident, own, found = json.loads(done.stdout.splitlines()[-1])
    return resident, own, found
