"""Tables of products read from real servers, started here on a private socket or loopback port."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import socket
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

import ccstats as cc
import large_tables

pytestmark = pytest.mark.servers

EVENTS = [
    ("2025-03-01 09:00:00.100000", "1740816000.1", "sales", "NONE", "DID", ["4930", "", "", "", ""]),
    ("2025-03-01 09:00:00.200000", "1740816000.1", "sales", "NONE", "ENTERQUEUE", ["", "5551234", "1", "", ""]),
    ("2025-03-01 09:00:12.000000", "1740816000.1", "sales", "SIP/2001", "CONNECT", ["12", "1740816000.2", "9", "", ""]),
    ("2025-03-01 09:02:12.000000", "1740816000.1", "sales", "SIP/2001", "COMPLETECALLER", ["12", "120", "1", "", ""]),
    ("2025-03-01 09:05:00.000000", "1740816300.3", "sales", "NONE", "ENTERQUEUE", ["", "5559876", "1", "", ""]),
    ("2025-03-01 09:05:40.000000", "1740816300.3", "sales", "NONE", "ABANDON", ["1", "1", "40", "", ""]),
]


def _program(name: str) -> str:
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))])
    found = shutil.which(name, path=places)
    assert found is not None
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _running(command: list[str], folder: Path, **options: object) -> Iterator[None]:
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, **options)  # type: ignore[call-overload]
        try:
            yield
        finally:
            server.terminate()
            server.wait(timeout=60)


def _connect(url: str, folder: Path):
    import sqlalchemy

    engine = sqlalchemy.create_engine(url)
    for _ in range(120):
        try:
            with engine.connect():
                return engine
        except sqlalchemy.exc.OperationalError:
            time.sleep(0.5)
    raise AssertionError((folder / "server.log").read_text(errors="replace")[-2000:])


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    # Servers refuse to run as root, so as root they run as somebody else in a folder of theirs.
    folder = Path(tempfile.mkdtemp(prefix="ccstats-pg-"))
    other = {"user": "postgres"} if os.getuid() == 0 else {}
    if other:
        shutil.chown(folder, "postgres")
    port = _free_port()
    subprocess.run(
        [_program("initdb"), "-D", folder / "data", "-U", "ccstats", "-A", "trust", "-N"],
        check=True,
        capture_output=True,
        cwd=folder,
        **other,
    )
    command = [_program("postgres"), "-D", str(folder / "data"), "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-k", str(folder)]
    with _running(command, folder, cwd=folder, **other):
        url = f"postgresql+psycopg://ccstats@127.0.0.1:{port}/postgres"
        _connect(url, folder).dispose()
        yield url
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def mariadb() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="ccstats-maria-"))
    port = _free_port()
    user = "mysql" if os.getuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    as_user = [f"--user={user}"] if user else []
    data = f"--datadir={folder / 'data'}"
    subprocess.run(
        [_program("mariadb-install-db"), "--no-defaults", "--auth-root-authentication-method=normal", data, *as_user],
        check=True,
        capture_output=True,
    )
    listen = [f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder / 'sock'}", f"--pid-file={folder / 'pid'}"]
    with _running([_program("mariadbd"), "--no-defaults", data, *listen, *as_user], folder):
        url = f"mysql+pymysql://root@127.0.0.1:{port}/test?charset=utf8mb4"
        root = _connect(f"mysql+pymysql://root@127.0.0.1:{port}/", folder)
        with root.begin() as connection:
            connection.exec_driver_sql("create or replace database test character set utf8mb4")
        root.dispose()
        yield url
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("server", ["postgres", "mariadb"])
def test_the_realtime_table_is_read_like_the_file(server: str, request: pytest.FixtureRequest) -> None:
    import sqlalchemy

    url = request.getfixturevalue(server)
    engine = sqlalchemy.create_engine(url)
    rows = [
        {"id": number, "time": at, "callid": call, "queuename": queue, "agent": agent, "event": event}
        | {f"data{place}": word for place, word in enumerate(data, start=1)}
        for number, (at, call, queue, agent, event, data) in enumerate(EVENTS, start=1)
    ]
    frame = pd.DataFrame(rows)
    frame["time"] = pd.to_datetime(frame["time"])  # a DateTime column, as the official schema has it
    frame.to_sql("queue_log", engine, index=False, if_exists="replace")
    engine.dispose()

    log = cc.read_sql("select * from queue_log order by id", url, format="asterisk_queue_log", timezone="Europe/Berlin")

    assert log.contacts["outcome"].tolist() == ["answered", "abandoned"]
    assert log.contacts["wait_s"].tolist() == [12.0, 40.0]
    assert log.contacts["talk_s"].tolist()[0] == 120.0
    assert log.contacts["queued_at"].dt.floor("s").iloc[0] == pd.Timestamp("2025-03-01T08:00:00Z")  # MariaDB drops the fraction
    assert log.count() == len(EVENTS)


SAMPLES = Path(__file__).parents[1] / "data" / "samples"
OPTIONS = {
    "issabel": {"timezone": "America/Bogota"},
    "asterisk_cdr": {"timezone": "Europe/Istanbul"},
    "asterisk_cel": {"timezone": "Europe/Istanbul"},
    "cisco_ucce": {"timezone": "Europe/Berlin"},
    "five9": {"timezone": "America/Los_Angeles"},
}
#: Columns that are no text, with the types of the products' schemas: as PostgreSQL and as MariaDB has them.
WHOLE, TIME, REAL = ("bigint", "int"), ("timestamp", "datetime"), ("decimal(7,2)", "decimal(7,2)")
SPAN, FINE, ZONED = ("interval", "time(6)"), ("timestamp", "datetime(3)"), ("timestamp with time zone", "varchar(40)")
DOUBLE, FLAG, UUID = ("double precision", "double"), ("boolean", "varchar(5)"), ("uuid", "char(36)")
TYPES: dict[str, dict[str, tuple[str, str]]] = {
    "vicidial/closer_log": {"closecallid": WHOLE, "lead_id": WHOLE, "call_date": TIME, "start_epoch": WHOLE, "end_epoch": WHOLE}
    | {"length_in_sec": WHOLE, "queue_seconds": REAL},
    "vicidial/agent_log": {"agent_log_id": WHOLE, "event_time": TIME}
    | {f"{phase}_{what}": WHOLE for phase in ("pause", "wait", "talk", "dispo", "dead") for what in ("epoch", "sec")},
    "threecx_queue_calls/callcent_queuecalls": {"idcallcent_queuecalls": WHOLE, "count_polls": WHOLE, "count_dialed": WHOLE}
    | {"time_start": ("timestamp", "datetime(6)"), "time_end": ("timestamp", "datetime(6)")}
    | {"reason_noanswercode": WHOLE, "reason_failcode": WHOLE, "ts_waiting": SPAN, "ts_polling": SPAN, "ts_servicing": SPAN},
    "issabel/call_entry": {"id": WHOLE, "id_agent": WHOLE, "id_queue_call_entry": WHOLE, "duration": WHOLE, "duration_wait": WHOLE}
    | {"datetime_init": TIME, "datetime_end": TIME, "datetime_entry_queue": TIME},
    "issabel/audit": {"id": WHOLE, "id_agent": WHOLE, "id_break": WHOLE, "datetime_init": TIME, "datetime_end": TIME},
    "queuemetrics_table/queue_log": {"time_id": WHOLE, "unique_row_count": WHOLE},
    "asterisk_cdr/made_up_table": {"calldate": TIME, "duration": WHOLE, "billsec": WHOLE, "amaflags": WHOLE},
    "asterisk_cel/made_up_table": {"id": WHOLE, "eventtime": ("timestamp", "datetime(6)")},
    "wazo_stat/made_up_stat": {"id": WHOLE, "time": ZONED, "stat_queue_id": WHOLE, "stat_agent_id": WHOLE}
    | dict.fromkeys(["ringtime", "talktime", "waittime"], WHOLE),
    "freeswitch_cdr/v_xml_cdr": {"xml_cdr_uuid": UUID, "cc_member_uuid": UUID, "start_stamp": ZONED}
    | dict.fromkeys(["start_epoch", "answer_epoch", "end_epoch", "duration", "billsec"], ("numeric", "decimal(20)"))
    | {f"cc_queue_{what}_epoch": ("numeric", "decimal(20)") for what in ("joined", "answered", "terminated", "canceled")},
    "cisco_ucce/made_up_tcd": {"RecoveryKey": DOUBLE, "DateTime": FINE}
    | dict.fromkeys(["MRDomainID", "AgentSkillTargetID", "SkillGroupSkillTargetID", "CallTypeID", "PeripheralID"], WHOLE)
    | dict.fromkeys(["RouterCallKeyDay", "RouterCallKey", "TimeZone", "PeripheralCallType", "CallDisposition"], WHOLE)
    | dict.fromkeys(["NetworkTime", "Duration", "EnterpriseQueueTime", "RingTime", "DelayTime", "TimeToAband"], WHOLE)
    | dict.fromkeys(["HoldTime", "TalkTime", "WorkTime", "LocalQTime"], WHOLE),
    "cisco_uccx/made_up_join": {"sessionID": ("decimal(18)", "decimal(18)")}
    | dict.fromkeys(["startDateTime", "endDateTime", "agentStart"], FINE)
    | dict.fromkeys(["sessionSeqNum", "nodeID", "profileID", "contactType", "contactDisposition", "targetType", "targetID"], WHOLE)
    | dict.fromkeys(["qIndex", "queueOrder", "queueDisposition", "queueTime", "resourceID"], WHOLE)
    | dict.fromkeys(["ringTime", "talkTime", "holdTime", "workTime"], WHOLE),
    "cisco_uccx_agent_states/made_up_joined": {"eventDateTime": FINE}
    | dict.fromkeys(["agentID", "gmtOffset", "eventType", "reasonCode", "profileID"], WHOLE),
    "zendesk_talk/made_up_calls": {"created_at": ZONED, "updated_at": ZONED}
    | dict.fromkeys(["id", "agent_id", "call_group_id", "customer_id", "duration", "talk_time", "wait_time", "time_to_answer"], WHOLE)
    | dict.fromkeys(["hold_time", "wrap_up_time", "ivr_time_spent"], WHOLE)
    | dict.fromkeys(["callback", "overflowed", "outside_business_hours", "voicemail", "customer_requested_voicemail"], FLAG),
    "talkdesk/made_up_calls": {"start_at": ZONED, "end_at": ZONED}
    | dict.fromkeys(["total_time", "talk_time", "wait_time", "hold_time", "abandon_time", "total_ringing_time"], WHOLE)
    | dict.fromkeys(["is_in_business_hours", "is_callback_from_queue", "is_transfer"], FLAG),
    "talkdesk/made_up_contacts": dict.fromkeys(["started_at", "answered_at", "finished_at"], TIME)
    | dict.fromkeys(["wait_time", "ring_time", "talk_time", "hold_time", "after_call_work_time", "abandon_time"], WHOLE),
    "nice_cxone/made_up_contacts": {"contactStart": ZONED, "lastUpdateTime": ZONED}
    | dict.fromkeys(["contactId", "masterContactId", "agentId", "skillId", "mediaType", "pointOfContactId"], WHOLE)
    | dict.fromkeys(["preQueueSeconds", "inQueueSeconds", "agentSeconds", "ACWSeconds", "holdSeconds", "abandonSeconds"], DOUBLE)
    | dict.fromkeys(["isOutbound", "abandoned", "isShortAbandon", "isRefused"], FLAG),
    "five9/made_up_inbound_log": {},
}


@pytest.mark.filterwarnings("ignore:.* that format .* does not know:ccstats.errors.DataWarning")
@pytest.mark.parametrize("sample", TYPES)
@pytest.mark.parametrize("server", ["postgres", "mariadb"])
def test_tables_of_products_are_read_like_their_dumps(server: str, sample: str, request: pytest.FixtureRequest) -> None:
    import sqlalchemy

    path, format = SAMPLES / f"{sample}.csv", sample.split("/")[0]
    options = OPTIONS.get(format, {})
    dump = cc.read(path, pseudonyms=False, **options)
    # What is no number and no time cannot stand in such a column; rows are lines, without the header.
    rows = pd.read_csv(path, dtype=str, keep_default_na=False).drop(index=dump.rejected["line"] - 2)
    typed = {name: kinds[server == "mariadb"] for name, kinds in TYPES[sample].items()}
    engine = sqlalchemy.create_engine(request.getfixturevalue(server))
    quote = engine.dialect.identifier_preparer.quote
    table = f"{path.stem}_{format}"
    columns = ", ".join(f"{quote(name)} {typed.get(name, 'varchar(500)')}" for name in rows)
    places = ", ".join(f":c{at}" for at in range(rows.shape[1]))

    def as_stored(name: str, cell: str) -> str | None:
        """A cell that is blank is no number and no time; text may be blank."""
        if cell == "NULL" or (not cell and name in typed):
            return None
        return cell if TYPES[sample].get(name) == ZONED else cell.removesuffix("+00")

    values = [{f"c{at}": as_stored(name, row[name]) for at, name in enumerate(rows)} for row in rows.to_dict("records")]
    with engine.begin() as db:
        db.execute(sqlalchemy.text(f"drop table if exists {table}"))
        db.execute(sqlalchemy.text(f"create table {table} ({columns})"))
        db.execute(sqlalchemy.text(f"insert into {table} values ({places})"), values)

    log = cc.read_sql(table, engine, format=format, pseudonyms=False, chunk_rows=2, **options)
    engine.dispose()

    pd.testing.assert_frame_equal(log.contacts, dump.contacts)
    pd.testing.assert_frame_equal(log.agent_states, dump.agent_states)
    assert log.count("used") == dump.count("used")
    assert len(log.contacts) + len(log.agent_states) > 1


def test_a_refused_connection_does_not_print_the_password(postgres: str) -> None:
    url = postgres.replace("ccstats@", "ccstats:s3cret-word@").replace("/postgres", "/no_such_database")
    with pytest.raises(cc.CcstatsError) as caught:
        cc.read_sql("select 1", url, format="asterisk_queue_log", timezone="Europe/Berlin")
    seen: BaseException | None = caught.value
    while seen is not None:
        assert "s3cret-word" not in f"{seen!r} {seen}"
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


BOTH = ("postgres", "mariadb")
#: The two that take the most memory; with CCSTATS_EXAM every table is read from both servers.
LARGE = [("queue_log", "postgres"), ("cdr", "mariadb")]
if os.environ.get("CCSTATS_EXAM"):
    LARGE = [(name, server) for name in large_tables.tables(large_tables.WORDS["sqlite"]) for server in BOTH]


@pytest.mark.parametrize(("name", "server"), LARGE)
def test_a_million_rows_stream_in_little_memory(name: str, server: str, request: pytest.FixtureRequest) -> None:
    import sqlalchemy

    url = request.getfixturevalue(server)
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as db:
        expected = large_tables.fill(db, name)
    large_tables.compile_once()
    resident, own, found = large_tables.read_apart(url, name)
    with engine.begin() as db:
        db.execute(sqlalchemy.text(f"drop table {name}"))
    engine.dispose()
    logging.getLogger(__name__).info("%s, %s: %.0f MB resident, %.0f without the files of libraries", name, server, resident, own)
    assert {what: found[what] for what in expected} == expected
    assert own < large_tables.MOST_OWN_MB
    if large_tables.tables(large_tables.WORDS["sqlite"])[name].format not in large_tables.COMPILED:
        assert resident < large_tables.MOST_MB


CONNECTIONS = {
    "postgres": "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
    "mariadb": "select id from information_schema.processlist where command <> 'Daemon' and user = 'root' and id <> connection_id()",
}
KILL = {"postgres": "select pg_terminate_backend({})", "mariadb": "kill {}"}


@contextlib.contextmanager
def _watched(server: str, request: pytest.FixtureRequest) -> Iterator[tuple[str, Callable[[], list[int]], Callable[[], None]]]:
    """A large table; the connections there are besides ours, once those that are ending are gone; and what ends them."""
    import sqlalchemy

    engine = sqlalchemy.create_engine(request.getfixturevalue(server))
    with engine.connect() as connection:
        db = connection.execution_options(isolation_level="AUTOCOMMIT")
        if not sqlalchemy.inspect(db).has_table("cdr"):  # it is read only
            large_tables.fill(db, "cdr", 200_000)

        def others() -> list[int]:
            deadline = time.monotonic() + 20
            while found := [row[0] for row in db.execute(sqlalchemy.text(CONNECTIONS[server]))]:
                if time.monotonic() > deadline:
                    break
                time.sleep(0.05)
            return found

        def end_them() -> None:
            for number in db.execute(sqlalchemy.text(CONNECTIONS[server])).scalars().all():
                db.execute(sqlalchemy.text(KILL[server].format(number)))

        yield request.getfixturevalue(server), others, end_them
    engine.dispose()


@pytest.mark.parametrize("server", BOTH)
def test_a_connection_that_breaks_on_the_way_is_told_without_its_address(server: str, request: pytest.FixtureRequest) -> None:
    with _watched(server, request) as (url, others, end_them):
        secret = "&program_name=s3cret-word" if server == "mariadb" else "?application_name=s3cret-word"
        seen: list[float] = []

        def progress(_: str, share: float) -> None:
            seen.append(share)
            if len(seen) == 3:
                end_them()

        with pytest.raises(cc.CcstatsError, match="the database could not answer") as caught:
            cc.read_sql("cdr", url + secret, format="asterisk_cdr", timezone="UTC", chunk_rows=1000, progress=progress)
        assert seen[:3] == [0.005, 0.01, 0.015]
        assert len(seen) < 200
        told = "".join(traceback.format_exception(caught.value))
        assert "s3cret" not in told
        assert caught.value.__cause__ is caught.value.__context__ is None
        assert others() == []


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
@pytest.mark.parametrize("server", BOTH)
def test_who_stops_on_the_way_leaves_no_connection_open(server: str, stop: type[BaseException], request: pytest.FixtureRequest) -> None:
    def progress(_: str, share: float) -> None:
        raise stop

    with _watched(server, request) as (url, others, _):
        with pytest.raises(stop):
            cc.read_sql("cdr", url, format="asterisk_cdr", timezone="UTC", chunk_rows=100, progress=progress)
        assert others() == []


@pytest.mark.parametrize("server", BOTH)
def test_a_connection_given_can_be_used_after_it_was_read_in_part(server: str, request: pytest.FixtureRequest) -> None:
    import sqlalchemy

    def progress(_: str, share: float) -> None:
        raise KeyboardInterrupt

    options = {"format": "asterisk_cdr", "timezone": "UTC", "chunk_rows": 100}
    with _watched(server, request) as (url, _, _):
        engine = sqlalchemy.create_engine(url)
        with engine.connect() as db:
            with pytest.raises(KeyboardInterrupt):
                cc.read_sql("cdr", db, **options, progress=progress)
            assert db.execute(sqlalchemy.text("select count(*) from cdr")).scalar() == 200_000
            found = cc.read_sql("select * from cdr order by uniqueid limit 1000", db, **options)
        # Without transactions, too, though PostgreSQL then has no cursors.
        engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as db:
            for connection in (db, engine):
                again = cc.read_sql("select * from cdr order by uniqueid limit 1000;", connection, **options)
                pd.testing.assert_frame_equal(again.contacts.drop(columns="customer"), found.contacts.drop(columns="customer"))
        engine.dispose()
