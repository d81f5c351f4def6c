"""Tables of products read from real servers, started here on a private socket or loopback port."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import ccstats as cc

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
            connection.exec_driver_sql("create database if not exists test")
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
ZONE = "America/Bogota"
#: Columns that are no text, with the types of the products' schemas: as PostgreSQL and as MariaDB has them.
WHOLE, TIME, REAL = ("bigint", "int"), ("timestamp", "datetime"), ("decimal(7,2)", "decimal(7,2)")
SPAN = ("interval", "time(6)")
TYPES = {
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
}


@pytest.mark.filterwarnings("ignore:.*have an outcome:ccstats.errors.DataWarning")
@pytest.mark.parametrize("sample", TYPES)
@pytest.mark.parametrize("server", ["postgres", "mariadb"])
def test_tables_of_products_are_read_like_their_dumps(server: str, sample: str, request: pytest.FixtureRequest) -> None:
    import sqlalchemy

    path, format = SAMPLES / f"{sample}.csv", sample.split("/")[0]
    options = {"timezone": ZONE} if format == "issabel" else {}
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    typed = {name: kinds[server == "mariadb"] for name, kinds in TYPES[sample].items()}
    engine = sqlalchemy.create_engine(request.getfixturevalue(server))
    quote = engine.dialect.identifier_preparer.quote
    table = f"{path.stem}_{format}"
    columns = ", ".join(f"{quote(name)} {typed.get(name, 'varchar(100)')}" for name in rows)
    places = ", ".join(f":{name}" for name in rows)
    # A cell that is blank is no number and no time; text may be blank.
    values = [
        {name: None if cell == "NULL" or (not cell and name in typed) else cell.removesuffix("+00") for name, cell in row.items()}
        for row in rows.to_dict("records")
    ]
    with engine.begin() as db:
        db.execute(sqlalchemy.text(f"drop table if exists {table}"))
        db.execute(sqlalchemy.text(f"create table {table} ({columns})"))
        db.execute(sqlalchemy.text(f"insert into {table} values ({places})"), values)

    log = cc.read_sql(table, engine, format=format, pseudonyms=False, **options)
    engine.dispose()

    dump = cc.read(path, pseudonyms=False, **options)
    pd.testing.assert_frame_equal(log.contacts, dump.contacts)
    pd.testing.assert_frame_equal(log.agent_states, dump.agent_states)
    assert log.count("used") == dump.count("used")
    assert len(log.contacts) + len(log.agent_states) > 4


def test_a_refused_connection_does_not_print_the_password(postgres: str) -> None:
    url = postgres.replace("ccstats@", "ccstats:s3cret-word@").replace("/postgres", "/no_such_database")
    with pytest.raises(cc.CcstatsError) as caught:
        cc.read_sql("select 1", url, format="asterisk_queue_log", timezone="Europe/Berlin")
    seen: BaseException | None = caught.value
    while seen is not None:
        assert "s3cret-word" not in f"{seen!r} {seen}"
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
