"""How fast each reader is, beside the time that the fastest general parser needs to split the same bytes and no more.

The text is a sample of ``data/samples`` many times over, each copy with calls of its own, later in time, and one of fifty sets of agents.
Bare parses are DuckDB's and PyArrow's of delimited text, whichever is faster, orjson's of JSON lines and
lxml's iterparse of XML; all run in one process, in turn. orjson and lxml know one core only; the others take all there are unless
told otherwise. So there are two ratios: with all cores that the machine has (``ratio``), and with every thread of the process held to one
(``ratio_one_core``), for the reader and the parser alike.
Run ``python benchmarks/readers.py --rows 300000 vicidial``.
"""

from __future__ import annotations

import argparse
import csv as csv_of_python
import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from lxml import etree
from pyarrow import csv

import ccstats as cc
from ccstats.readers import READERS
from queue_log import watched

_SAMPLES = Path(__file__).parents[1] / "data" / "samples"
_SETS = 50  # of agents
_CALLS = 4  # of one customer
_NOBODY = {"", "0", "NONE", "NULL", "MANAGER", "VDCL", "NO_SERVER", "Summe"}  # no call's id and no agent's name


@dataclass(frozen=True)
class _Way:
    """How a sample is told over and over: fields (columns by name or place, or keys) that name a call, an agent and a customer.

    ``days`` is how far one set of agents moves on between two copies, ``date`` a way to write days besides the usual ones, ``without`` a
    pattern of lines that would be repeated; ``wrapped`` says that JSON records stand in a list.
    """

    file: str
    calls: tuple[str | int, ...] = ()
    agents: tuple[str | int, ...] = ()
    customers: tuple[str | int, ...] = ()
    delimiter: str = ","
    header: bool = True
    skip: int = 0
    wrapped: bool = False
    days: int = 1
    date: tuple[str, str] = ("(?!)", "")
    without: str = "(?!)"
    options: dict[str, Any] = field(default_factory=dict)


#: Every format of `READERS`, with one way or more.
WAYS: dict[str, tuple[_Way, ...]] = {
    "asterisk_queue_log": (_Way("small_day.queue_log", (1,), (3,), (), "|", header=False),),
    "technion_bank": (
        _Way("made_up_1999.txt", ("call_id",), ("server",), ("customer_id",), "\t", date=(r"99\d{4}", "%y%m%d"),
             options={"timezone": "Asia/Jerusalem"}),
    ),
    "vicidial": (
        _Way("closer_log.csv", ("closecallid", "lead_id", "uniqueid"), ("user",), ("phone_number",), options={"timezone": "UTC"}),
        _Way("agent_log.csv", ("agent_log_id", "lead_id", "uniqueid"), ("user",), options={"timezone": "UTC"}),
    ),
    "threecx_queue_calls": (
        _Way("callcent_queuecalls.csv", ("idcallcent_queuecalls", "call_history_id"), ("to_dialednum", "to_dn"), ("from_userpart",),
             options={"timezone": "UTC"}),
    ),
    "issabel": (
        _Way("call_entry.csv", ("id", "uniqueid"), ("id_agent", "agent"), ("callerid",), options={"timezone": "America/Bogota"}),
        _Way("audit.csv", ("id",), ("id_agent", "agent"), options={"timezone": "America/Bogota"}),
    ),
    "queuemetrics_table": (_Way("queue_log.csv", ("call_id", "unique_row_count"), ("agent",)),),
    "amazon_connect_records": (
        _Way("lines.jsonl", ("ContactId", "InitialContactId", "PreviousContactId", "NextContactId"), ("Username",)),
    ),
    "amazon_connect_agent_events": (_Way("lines.jsonl", ("ContactId", "EventId"), ("AgentARN", "Username")),),
    "genesys_cloud_conversations": (_Way("day.json", ("conversationId", "participantId", "sessionId"), ("userId",), wrapped=True),),
    "genesys_cloud_user_status": (_Way("pages.json", (), ("userId",), wrapped=True, days=2),),
    "cisco_ucce": (_Way("made_up_tcd.csv", ("RecoveryKey", "RouterCallKey"), ("AgentSkillTargetID", "AgentName"), ("ANI",),
                        options={"timezone": "Europe/Berlin"}),),
    "cisco_uccx": (_Way("made_up_join.csv", ("sessionID",), ("resourceID", "resourceName"), ("originatorDN",)),),
    "cisco_uccx_agent_states": (_Way("made_up_joined.csv", (), ("agentID", "resourceLoginID", "resourceName"), days=2),),
    "avaya_ech": (_Way("text_12.csv", (0,), (58,), header=False, options={"timezone": "UTC"}),),
    "asterisk_cdr": (
        _Way("made_up_master.csv", (5, 6, 16, 19), (), (1,), header=False, options={"timezone": "Europe/Istanbul"}),
        _Way("made_up_table.csv", ("channel", "uniqueid", "linkedid"), ("dstchannel",), ("src",), options={"timezone": "Europe/Istanbul"}),
    ),
    "asterisk_cel": (
        _Way("made_up_master.csv", (9, 14, 15), (), (3, 4), header=False, options={"timezone": "Europe/Istanbul"}),
        _Way("made_up_table.csv", ("id", "channame", "uniqueid", "linkedid"), (), ("cid_num", "cid_ani"),
             options={"timezone": "Europe/Istanbul"}),
    ),
    "wazo_stat": (_Way("made_up_stat.csv", ("id", "callid"), ("agent",), options={"timezone": "America/Toronto"}),),
    "freeswitch_cdr": (
        _Way("v_xml_cdr.csv", ("xml_cdr_uuid", "cc_member_uuid", "cc_member_session_uuid"), ("cc_agent", "agent"), ("caller_id_number",),
             options={"timezone": "Europe/Berlin"}),
        _Way("json_cdr.json", ("uuid", "call_uuid", "cc_member_uuid", "cc_member_session_uuid"), ("cc_agent",), ("caller_id_number",),
             options={"timezone": "Europe/Berlin"}),
        _Way("xml_cdr.xml", ("uuid", "call_uuid", "cc_member_uuid", "cc_member_session_uuid"), ("cc_agent",), ("caller_id_number",),
             options={"timezone": "Europe/Berlin"}),
    ),
    "freeswitch_callcenter_events": (
        _Way("events.json", ("CC-Member-UUID", "CC-Member-Session-UUID", "Event-Sequence"), ("CC-Agent",), ("CC-Member-CID-Number",)),
    ),
    "twilio_taskrouter": (
        _Way("callbacks.jsonl", ("Sid", "TaskSid", "ReservationSid"), ("WorkerSid", "WorkerName")),
        _Way("table.csv", ("Sid", "TaskSid", "ReservationSid"), ("WorkerSid", "WorkerName")),
    ),
    "nice_cxone": (_Way("made_up_pages.json", ("contactId", "masterContactId"), ("agentId", "firstName"), ("fromAddress",), wrapped=True),),
    "five9": (
        _Way("made_up_call_log.csv", ("CALL ID",), ("AGENT", "AGENT NAME"), ("ANI",), date=(r"\w{3}, \d\d \w{3} \d{4}", "%a, %d %b %Y"),
             options={"timezone": "America/Los_Angeles"}),
        _Way("made_up_inbound_log.csv", ("CALL ID",), ("AGENT", "AGENT NAME"), ("ANI",), options={"timezone": "America/Los_Angeles"}),
    ),
    "zendesk_talk": (_Way("made_up_calls.csv", ("id",), ("agent_id", "agent_name"), ("customer_id",)),),
    "talkdesk": (
        _Way("made_up_calls.csv", ("call_id", "callsid"), ("user_id", "user_name"), ("contact_phone_number",), options={"timezone": "UTC"}),
        _Way("made_up_contacts.csv", ("interaction_id", "contact_id"), ("user_name",), ("contact_person_number",),
             options={"timezone": "UTC"}),
    ),
    "avaya_cms_intervals": (
        _Way("hsplit.csv", (), ("SPLIT",), without="2024-10-27", options={"timezone": "Europe/Berlin"}),
    ),
    "mapped": (
        _Way("german_export.csv", ("Anruf-ID",), ("Mitarbeiter",), ("Rufnummer",), ";", skip=2),
        _Way("epochs.csv", ("conversation",), ("agent",)),
        _Way("states.csv", (), ("Agent",)),
    ),
}  # fmt: skip

# ---- the text ----------------------------------------------------------------------------------------------------------------------

_DATES = (
    (r"\d{4}-\d\d-\d\d", "%Y-%m-%d"),
    (r"\d{4}/\d\d/\d\d", "%Y/%m/%d"),
    (r"\d\d\.\d\d\.\d{4}", "%d.%m.%Y"),
    (r"\d\d/\d\d/\d{4}", "%m/%d/%Y"),
)
_CALL, _AGENT, _CUSTOMER = "\x01", "\x02", "\x03"


def _pieces(text: str, way: _Way, copies: int) -> list[Any]:
    """What is joined to ``copies`` copies of the text: parts that stay, and an array wherever they differ."""
    copy = np.arange(copies)
    of_set, days = pa.array(copy % _SETS), copy // _SETS * way.days
    minutes = np.arange(_SETS)
    suffixes = {
        _CALL: pc.utf8_lpad(pa.array(copy).cast(pa.large_string()), 6, "0"),
        _CUSTOMER: pc.utf8_lpad(pa.array(copy * 7919 % max(1, copies // _CALLS)).cast(pa.large_string()), 6, "0"),
        _AGENT: pa.array([f"{number:02d}" for number in range(_SETS)], pa.large_string()).take(of_set),
    }
    dates = (way.date, *_DATES)
    any_date = "|".join(rf"(?P<d{at}>(?<![\d.+-]){pattern})" for at, (pattern, _) in enumerate(dates))
    any_time = rf"(?:{any_date})(?:(?P<between>[T ])(?P<time>\d\d:\d\d))?"
    slot = re.compile(rf"[{_CALL}{_AGENT}{_CUSTOMER}]|{any_time}|(?<![\w.+-])1[67]\d{{8}}(?:\d{{3}})?(?!\d)")

    def moved(match: re.Match[str]) -> list[Any]:
        if match[0] in suffixes:
            return [suffixes[match[0]]]
        if match.lastgroup is None:
            unit = 1 if len(match[0]) == 10 else 1000
            return [pa.array(int(match[0]) + unit * (86_400 * days + 60 * minutes[copy % _SETS])).cast(pa.large_string())]
        at = next(at for at in range(len(dates)) if match[f"d{at}"])
        began = datetime.strptime(f"{match[f'd{at}']} {match['time'] or '00:00'}", f"{dates[at][1]} %H:%M")  # noqa: DTZ007
        times = [began + timedelta(minutes=int(each) if match["time"] else 0) for each in minutes]
        day = days + np.array([(each.date() - began.date()).days for each in times])[copy % _SETS]
        texts = pa.array([(began + timedelta(days=each)).strftime(dates[at][1]) for each in range(int(day.max()) + 1)], pa.large_string())
        if not match["time"]:
            return [texts.take(pa.array(day))]
        clock = pa.array([each.strftime("%H:%M") for each in times], pa.large_string()).take(of_set)
        return [texts.take(pa.array(day)), match["between"], clock]

    found, end = [], 0
    for match in slot.finditer(text):
        found += [text[end : match.start()], *moved(match)]
        end = match.end()
    return [*found, text[end:]]


def _marked_line(line: str, way: _Way, names: list[str]) -> str:
    """A line of delimited text with a mark after each field that names a call or an agent."""
    sign = re.escape(way.delimiter)
    fields = re.findall(rf'(?:^|{sign})("(?:[^"]|"")*"|[^{sign}]*)', line)
    for mark, those in ((_CALL, way.calls), (_AGENT, way.agents), (_CUSTOMER, way.customers)):
        for at in (each if isinstance(each, int) else names.index(each) for each in those):
            if at < len(fields) and fields[at].strip('"') not in _NOBODY:
                fields[at] = f'{fields[at][:-1]}{mark}"' if fields[at].endswith('"') else fields[at] + mark
    return way.delimiter.join(fields) + "\n"


def _marked_record(text: str, way: _Way) -> str:
    """A record of JSON or XML with a mark after each value that names a call or an agent."""
    for mark, those in ((_CALL, way.calls), (_AGENT, way.agents), (_CUSTOMER, way.customers)):
        if those:
            text = re.sub(rf"""(["<](?:{"|".join(map(str, those))})(?:":"|":(?=\d)|>)[^"<,}}]+)""", rf"\1{mark}", text)
    return text + "\n"


def _records(text: str, way: _Way) -> Iterator[str]:
    """Records of XML; of JSON one after the other, or of one document that lists them: each as one line."""
    if way.file.endswith(".xml"):
        yield from (each.partition("</cdr>")[0].replace("\n", "") + "</cdr>" for each in re.split(r"(?=<cdr\b)", text)[1:])
        return
    decode, at = json.JSONDecoder().raw_decode, 0
    while at < len(text):
        try:
            record, at = decode(text, at)
        except json.JSONDecodeError:
            record, at = None, (text + "\n").index("\n", at)
        page = next((each for each in record.values() if isinstance(each, list)), []) if way.wrapped and record else [record]
        yield from (json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in page)
        at += len(text[at:]) - len(text[at:].lstrip())


def _arguments(way: _Way, format: str) -> dict[str, Any]:
    mapping = (_SAMPLES / format / way.file).with_suffix(".toml")
    return {"format": format, **way.options, **({"mapping": mapping} if mapping.exists() else {})}


def _read(source: Path, way: _Way, format: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cc.DataWarning)
        if "intervals" in READERS[format].yields:
            return cc.read_intervals(source, **_arguments(way, format))
        return cc.read(source, key="benchmark", **_arguments(way, format))


def _kind(way: _Way) -> str:
    suffix = Path(way.file).suffix
    return "json" if suffix in (".json", ".jsonl") else "xml" if suffix == ".xml" else "text"


def _is_ragged(way: _Way) -> bool:
    """Whether lines differ in length, as those of a queue_log, which PyArrow does not take."""
    return way.delimiter == "|"


def _write(path: Path, way: _Way, format: str, rows: int, most: float) -> int:
    """Tell the sample's good rows over and over, to about so many rows and at most so many bytes; return how many rows there are."""
    sample = _SAMPLES / format / way.file
    bad = set(_read(sample, way, format).rejected["line"])
    text = sample.read_text(encoding="utf-8")
    if _kind(way) != "text":
        head, units = "", [_marked_record(each, way) for at, each in enumerate(_records(text, way), 1) if at not in bad]
    else:
        lines = text.splitlines()
        above = way.skip + way.header
        head = "".join(f"{line}\n" for line in lines[:above])
        names = next(csv_of_python.reader(lines[max(above - 1, 0) :], delimiter=way.delimiter))
        bad |= {at for at, line in enumerate(lines, 1) if not line.strip() or line.count('"') % 2 or re.search(way.without, line)}
        units = [_marked_line(line, way, names) for at, line in enumerate(lines, 1) if at > above and at not in bad]
    one = "".join(units)
    copies = max(1, min(rows // len(units), int(most / len(one.encode()))))
    parts = [pa.scalar(each, pa.large_string()) if isinstance(each, str) else each for each in _pieces(one, way, copies)]
    around = ("<cdrs>\n", "</cdrs>\n") if _kind(way) == "xml" else (head, "")
    with path.open("wb") as file:
        file.write(around[0].encode())
        for first in range(0, copies, 2000):  # no more than that at a time in memory
            some = [each if isinstance(each, pa.Scalar) else each.slice(first, 2000) for each in parts]
            file.write("".join(pc.binary_join_element_wise(*some, pa.scalar("", pa.large_string())).to_pylist()).encode())
        file.write(around[1].encode())
    return copies * len(units)


# ---- the parsers -------------------------------------------------------------------------------------------------------------------


def _duckdb(path: Path, way: _Way, *, cores: int | None = None) -> int:
    import duckdb

    with duckdb.connect(config={"threads": cores} if cores else {}) as db:
        form = ", auto_detect=false, null_padding=true, quote='', columns=" + str(dict.fromkeys(map(str, range(12)), "varchar"))
        db.execute(
            f"create table log as select * from read_csv(?, delim=?, header=?, skip=?, all_varchar=true{form if _is_ragged(way) else ''})",
            [str(path), way.delimiter, way.header, way.skip],
        )
        count: int = db.execute("select count(*) from log").fetchone()[0]
    return count


def _pyarrow(path: Path, way: _Way, *, cores: int | None = None) -> int:
    read = csv.ReadOptions(skip_rows=way.skip, autogenerate_column_names=not way.header, use_threads=cores != 1)
    return csv.read_csv(path, read_options=read, parse_options=csv.ParseOptions(delimiter=way.delimiter)).num_rows


def _orjson(path: Path, way: _Way) -> int:
    return len([orjson.loads(line) for line in path.read_bytes().splitlines()])


def _lxml(path: Path, way: _Way) -> int:
    count = 0
    for _, element in etree.iterparse(path, tag="cdr"):
        count += 1
        element.clear()
    return count


_ONE_CORE = ", one core"


@contextmanager
def _one_core() -> Iterator[None]:
    """All threads of this process on one core, those to come too."""
    cores, arrow = os.sched_getaffinity(0), pa.cpu_count()
    pa.set_cpu_count(1)
    _hold_to({max(cores)})  # the first one serves the machine, too
    try:
        yield
    finally:
        pa.set_cpu_count(arrow)
        _hold_to(cores)


def _hold_to(cores: set[int]) -> None:
    for thread in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.sched_setaffinity(int(thread.name), cores)


def _bare(way: _Way) -> dict[str, Callable[[Path, _Way], int]]:
    if _kind(way) != "text":
        return {"orjson": _orjson} if _kind(way) == "json" else {"lxml": _lxml}
    parsers = {"DuckDB": _duckdb} if _is_ragged(way) else {"DuckDB": _duckdb, "PyArrow": _pyarrow}
    return {**parsers, **{f"{who}{_ONE_CORE}": functools.partial(parse, cores=1) for who, parse in parsers.items()}}


def measure(format: str, way: _Way, rows: int, most: float, repeat: int) -> dict[str, Any]:
    """One line of the table; first the counts of rows must agree, and no row may be a bad one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        count = _write(path, way, format, rows, most)
        path.read_bytes()  # into the page cache, for all alike
        with watched() as peak:
            log = _read(path, way, format)
        seen = {"the text": count, "ccstats": log.count() - (way.header + way.skip) * (_kind(way) == "text")}
        if len(log.rejected):
            raise AssertionError(f"{format}: {way.file} told over has bad rows: {log.rejected['reason'].value_counts().to_dict()}")
        del log
        bare = _bare(way)
        seen |= {who: parse(path, way) for who, parse in bare.items()}
        if len(set(seen.values())) > 1:
            raise AssertionError(f"{format}: rows of {way.file} told over differ: {seen}")
        runs: dict[str, Callable[[], Any]] = {who: lambda: _read(path, way, format) for who in ("ccstats", f"ccstats{_ONE_CORE}")}
        runs |= {who: (lambda parse=parse: parse(path, way)) for who, parse in bare.items()}  # type: ignore[misc]
        took = {who: [] for who in runs}
        for _ in range(repeat):
            for who, run in runs.items():
                with _one_core() if who.endswith(_ONE_CORE) else nullcontext():
                    begun = time.perf_counter()
                    run()
                    took[who].append(time.perf_counter() - begun)
        best = {who: min(each) for who, each in took.items()}
        size = path.stat().st_size
    fastest = min((who for who in bare if not who.endswith(_ONE_CORE)), key=lambda who: best[who])
    alone = min((who for who in bare if who.endswith(_ONE_CORE)), key=lambda who: best[who], default=fastest)
    return {
        "case": "a file of each format, beside a bare parse",
        "format": format if len(WAYS[format]) == 1 else f"{format}, {Path(way.file).stem}",
        "rows": count,
        "MB": round(size / 1e6),
        "rows_per_second": round(count / best["ccstats"]),
        "peak_mb": round(peak[0]),
        "against": fastest,
        "ratio": round(best["ccstats"] / best[fastest], 1),
        "ratio_one_core": round(best[f"ccstats{_ONE_CORE}"] / best[alone], 1),
    }


def main(
    rows: int = 300_000, *, most: float = 100e6, repeat: int = 5, formats: list[str] | None = None, apart: bool = True
) -> list[dict[str, Any]]:
    """One line for each format and way; with ``apart`` each in a process of its own, so that its memory is its own."""
    without = sorted(set(formats or READERS) - set(WAYS))
    if without:
        raise AssertionError(f"{', '.join(without)}: WAYS does not say how to tell a sample of it over")
    lines = []
    for format in formats or WAYS:
        if apart:
            command = [sys.executable, __file__, format, "--here", f"--rows={rows}", f"--most={most}", f"--repeat={repeat}"]
            lines += json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        else:
            lines += [measure(format, way, rows, most, repeat) for way in WAYS[format]]
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("formats", nargs="*", metavar="FORMAT")
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--most", type=float, default=200e6)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--here", action="store_true", help="in this process, printed as JSON")
    asked = parser.parse_args()
    found = main(asked.rows, most=asked.most, repeat=asked.repeat, formats=asked.formats, apart=not asked.here)
    if asked.here:
        print(json.dumps(found))
    else:
        for row in found:
            print(row)
