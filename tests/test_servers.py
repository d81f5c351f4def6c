"""The realtime queue_log table read from real servers, started here on a private socket or loopback port."""

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


def test_a_refused_connection_does_not_print_the_password(postgres: str) -> None:
    url = postgres.replace("ccstats@", "ccstats:s3cret-word@").replace("/postgres", "/no_such_database")
    with pytest.raises(cc.CcstatsError) as caught:
        cc.read_sql("select 1", url, format="asterisk_queue_log", timezone="Europe/Berlin")
    seen: BaseException | None = caught.value
    while seen is not None:
        assert "s3cret-word" not in f"{seen!r} {seen}"
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
