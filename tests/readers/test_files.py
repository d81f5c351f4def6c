"""Opening: what is accepted, what is decompressed, and what each refusal says."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import mmap
import os

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sqlalchemy as sa

import ccstats as cc
from ccstats.errors import DataWarning, FormatError, MissingExtraError, OptionError, SourceMissingError, ZoneError
from ccstats.readers import READERS, register_reader
from ccstats.readers.contract import Log, Reader
from ccstats.readers.files import open_sources

LINES = b"one line\nanother line\n" * 40
MAPPING = {
    "columns": {"contact_id": "id", "queue": "q", "queued_at": "at", "wait_s": "wait", "outcome": "result"},
    "constants": {"channel": "voice", "direction": "inbound"},
}
CALLS = b"id,q,at,wait,result\n1,support,2024-03-01 09:00,12,answered\n"


def zstd(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)


def test_a_plain_file_is_mapped_and_not_copied(tmp_path) -> None:
    path = tmp_path / "plain.log"
    path.write_bytes(LINES)
    (source,) = open_sources(path)
    assert isinstance(source.data, mmap.mmap)
    assert source.name == str(path)
    with pytest.raises(TypeError):
        source.data[0] = 0


def test_globs_and_lists_keep_their_order(tmp_path) -> None:
    for name in ("b.log", "a.log", "c.txt"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "folder.log").mkdir()
    assert [bytes(each.data) for each in open_sources(str(tmp_path / "*.log"))] == [b"a.log", b"b.log"]
    listed = open_sources([tmp_path / "c.txt", [b"raw"], io.BytesIO(b"stream")])
    assert [bytes(each.data) for each in listed] == [b"c.txt", b"raw", b"stream"]
    odd = tmp_path / "log[1].log"
    odd.write_bytes(b"odd name")
    assert bytes(open_sources(str(odd))[0].data) == b"odd name"


def test_a_stream_is_read_on_from_where_it_stands() -> None:
    file = io.BytesIO(LINES)
    file.read(9)
    assert bytes(open_sources(file)[0].data) == LINES[9:]


def test_a_pipe_is_read(tmp_path) -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(write_end, "wb") as out:
        out.write(LINES)
    with os.fdopen(read_end, "rb") as pipe:
        assert bytes(open_sources(pipe)[0].data) == LINES


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstd])
def test_compressed_by_content_and_not_by_name(pack, tmp_path) -> None:
    for name in ("log", "log.txt", "log.gz"):
        (tmp_path / name).write_bytes(pack(LINES))
        assert bytes(open_sources(tmp_path / name)[0].data) == LINES
    (tmp_path / "plain.gz").write_bytes(LINES)
    assert bytes(open_sources(tmp_path / "plain.gz")[0].data) == LINES
    assert bytes(open_sources(pack(LINES) + pack(LINES))[0].data) == LINES * 2
    assert bytes(open_sources(pack(pack(LINES)))[0].data) == pack(LINES), "compression inside compression is not followed"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstd])
def test_a_cut_compressed_file_says_so(pack) -> None:
    whole = pack(LINES)
    for cut in range(6, len(whole)):
        with pytest.raises(FormatError, match=r"is cut: it ends before|is broken") as caught:
            open_sources(whole[:cut])
        assert "copy the file again" in str(caught.value)
    with pytest.raises(FormatError, match="is cut: it ends before its compressed content does, after"):
        open_sources(whole[:-3])


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstd])
def test_a_bomb_is_stopped_long_before_it_is_unpacked(pack) -> None:
    bomb = pack(bytes(40 * 2**20))
    with pytest.raises(FormatError, match=r"unpacks to more than [\d,]+ bytes, beyond the bounds of 1,000,000 bytes and 1,000 times"):
        open_sources(bomb, max_bytes=1_000_000)
    with pytest.raises(FormatError, match="if it is sound, decompress it and read the plain file"):
        open_sources(bomb, max_ratio=50, ratio_from=2**20)
    assert len(open_sources(bomb)[0].data) == 40 * 2**20, "40 MiB are below the size from which the ratio counts"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_marks_of_text_are_understood(encoding: str) -> None:
    assert bytes(open_sources("Şişli|Ø\n".encode(encoding))[0].data).decode() == "Şişli|Ø\n"


def test_broken_utf_16_says_where() -> None:
    with pytest.raises(FormatError, match="begins as text in UTF-16 but is broken or cut at byte 22.*save it as UTF-8"):
        open_sources("some text\n".encode("utf-16") + b"\x00")


def test_a_missing_file_names_the_folder_and_the_nearest_names(tmp_path) -> None:
    (tmp_path / "queue_log.1").write_bytes(LINES)
    with pytest.raises(SourceMissingError, match=rf"there is no file .*queue_log \(looked in {tmp_path}\). Did you mean queue_log.1\?"):
        cc.read(tmp_path / "queue_log")
    with pytest.raises(SourceMissingError, match=r"no file matches the glob .*queue\*\.txt \(looked in"):
        cc.read(str(tmp_path / "queue*.txt"))
    with pytest.raises(SourceMissingError, match=f"there is no folder {tmp_path}/logs"):
        cc.read(tmp_path / "logs" / "queue_log")
    with pytest.raises(SourceMissingError, match="cannot be looked up: File name too long"):
        cc.read("x" * 5000)
    with pytest.raises(FileNotFoundError):
        cc.read(tmp_path / "no")


def test_a_folder_says_to_give_a_glob(tmp_path) -> None:
    with pytest.raises(OptionError, match=r"is a folder; name its files, for example by a glob: .*/\*\.log"):
        cc.read(tmp_path)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (12, "cannot read from int; give a path, a list of paths, a glob"),
        ([], "the list of sources is empty"),
        ("", "is no file name"),
        ("a\0b", "is no file name"),
        ("s3://bucket/log", "fetch the file first"),
    ],
)
def test_what_is_no_source(source, text) -> None:
    with pytest.raises(cc.CcstatsError, match=text):
        open_sources(source)


def test_an_address_is_not_repeated() -> None:
    with pytest.raises(OptionError) as caught:
        cc.read("postgresql://user:secret@host/db")
    assert "secret" not in str(caught.value)


def test_a_closed_file_and_a_reader_of_numbers() -> None:
    file = io.BytesIO(b"x")
    file.close()
    with pytest.raises(SourceMissingError, match=r"<BytesIO> cannot be read: I/O operation on closed file"):
        cc.read(file)

    class Numbers:
        def read(self) -> int:
            return 7

    with pytest.raises(OptionError, match=r"<Numbers>: read\(\) gave int; expected bytes or text"):
        cc.read(Numbers())


def test_a_file_opened_as_text_in_the_wrong_encoding(tmp_path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"\xff\xfe\xfa")
    with path.open(encoding="utf-8") as file, pytest.raises(FormatError, match=r"open it in binary mode \('rb'\)"):
        cc.read(file)


def test_frames_need_a_format_and_all_kinds_are_taken() -> None:
    frame = pd.read_csv(io.BytesIO(CALLS), dtype=str)
    before = frame.copy()
    with pytest.raises(FormatError, match="a frame is not recognised by its content; say which it is: format= one of"):
        cc.read(frame)
    logs = [cc.read(each, format="mapped", mapping=MAPPING, timezone="UTC") for each in (frame, pl.from_pandas(frame), pa.table(frame))]
    assert all(log.contacts.equals(logs[0].contacts) for log in logs)
    assert logs[0].contacts["wait_s"].tolist() == [12.0]
    assert logs[0].lines.to_dict("records") == [{"source": "<frame>", "fate": "used", "rule": "row", "lines": 1}]
    pd.testing.assert_frame_equal(frame, before)


# What read() checks before it opens anything.


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        (
            {"format": "asterisk_queuelog"},
            OptionError,
            r"format='asterisk_queuelog' is not known; formats: .*Did you mean asterisk_queue_log",
        ),
        ({"timezone": "Istanbul"}, ZoneError, r"timezone='Istanbul' is no zone.*Did you mean .*Europe/Istanbul"),
        ({"timezone": "Europe"}, ZoneError, "is no zone of the IANA database"),
        ({"timezone": "../etc/passwd"}, ZoneError, "is no zone of the IANA database"),
        ({"timezone": 3}, ZoneError, "is no zone of the IANA database"),
        ({"on_error": "ignore"}, OptionError, r"on_error='ignore': expected 'reject' .* or 'raise'"),
        ({"key": ""}, OptionError, "key= is empty"),
        ({"format": "mapped", "maping": {}}, OptionError, r"unknown option maping: format 'mapped' takes mapping.*Did you mean mapping\?"),
        (
            {"format": "technion_bank", "mapping": MAPPING, "timezone": "UTC"},
            OptionError,
            "unknown option mapping: .* takes none of its own",
        ),
        ({"format": "technion_bank", "time_zone": "UTC"}, OptionError, r"unknown option time_zone: .*Did you mean timezone\?"),
        ({"format": "technion_bank"}, ZoneError, "holds local times without a zone; say where its clock stood"),
        ({"format": "mapped"}, OptionError, "format 'mapped' needs mapping="),
    ],
)
def test_wrong_arguments(options, error, text) -> None:
    with pytest.raises(error, match=text):
        cc.read(CALLS, **options)


def test_progress_is_told() -> None:
    told = []
    cc.read(
        [CALLS, CALLS.replace(b"\n1,", b"\n2,")], mapping=MAPPING, timezone="UTC", progress=lambda name, share: told.append((name, share))
    )
    assert told == [("<bytes>", 1.0), ("<bytes>", 1.0)]


def test_formats_lists_every_reader() -> None:
    table = cc.formats()
    assert list(table.columns) == ["name", "title", "yields", "clock", "evidence", "options"]
    assert table["name"].tolist() == list(READERS)
    assert len(READERS) == len(table)
    assert table.set_index("name").loc["mapped", "options"] == "mapping"
    assert set(table["clock"]) <= {"utc", "wall", "mapped"}
    assert (table[["title", "yields", "evidence"]] != "").all(axis=None)


def test_a_reader_of_ones_own(monkeypatch) -> None:
    monkeypatch.setattr(READERS, "added", {})
    model = READERS["mapped"]

    def own_read(sources, options) -> Log:
        return model.read(sources, cc.readers.Options(timezone="UTC", extra={"mapping": MAPPING}))

    own = Reader("our_switch", "Our switch", ("contacts",), "utc", "our own log", lambda head: head.startswith(b"id,q,at"), own_read)
    register_reader(own)
    assert READERS["our_switch"] is own
    log = cc.read(CALLS)
    assert log.contacts["queue"].tolist() == ["support"]
    with pytest.raises(OptionError, match="there is a reader called 'our_switch' already"):
        register_reader(own)
    with pytest.raises(OptionError, match="a reader's name is an identifier"):
        register_reader(Reader("our switch", "", (), "utc", "", lambda head: False, own_read))
    with pytest.raises(OptionError, match=r"expected a ccstats.Reader, found str"):
        register_reader("ours")
    twin = Reader("twin", "Twin", ("contacts",), "utc", "", own.looks_like, own_read)
    register_reader(twin)
    with pytest.raises(FormatError, match="<bytes> could be our_switch or twin; say which with format="):
        cc.read(CALLS)
    register_reader(Reader("liar", "", (), "utc", "", lambda head: head.startswith(b"liar"), lambda sources, options: None))
    with pytest.raises(FormatError, match="the reader 'liar' gave NoneType; a reader returns ccstats.Log"):
        cc.read(b"liar\n")


# Databases.


@pytest.fixture
def engine():
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    with engine.begin() as db:
        db.execute(sa.text("create table calls (id text, q text, at text, wait real, result text)"))
        db.execute(
            sa.text(
                "insert into calls values ('0012', 'support', '2024-03-01 09:00', 12.5, 'answered'), "
                "('13', 'şube', '2024-03-01 10:00', null, 'lost')"
            )
        )
    yield engine
    engine.dispose()


def test_sql_by_table_query_and_connection(engine, tmp_path) -> None:
    options = {"format": "mapped", "mapping": {**MAPPING, "outcomes": {"lost": "abandoned"}}, "timezone": "Europe/London"}
    log = cc.read_sql("calls", engine, **options)
    assert log.contacts[["contact_id", "queue", "outcome"]].to_numpy().tolist() == [
        ["0012", "support", "answered"],
        ["13", "şube", "abandoned"],
    ]
    assert log.contacts["wait_s"].fillna(-1).tolist() == [12.5, -1]
    assert log.lines.to_dict("records") == [{"source": "<frame>", "fate": "used", "rule": "row", "lines": 2}]
    with engine.connect() as db:
        for query in (
            "main.calls",
            "select * from calls where q like 's%'",
            sa.text("select * from calls where wait > :w").bindparams(w=1),
        ):
            assert "0012" in cc.read_sql(query, db, **options).contacts["contact_id"].tolist()
    path = tmp_path / "calls.db"
    made = sa.create_engine(f"sqlite:///{path}")
    with made.begin() as db:
        db.execute(sa.text("create table calls as select '1' as id, 'support' as q, '2024-03-01 09:00' as at, 5 as wait, 'lost' as result"))
    made.dispose()
    assert cc.read_sql("calls", f"sqlite:///{path}", **options).contacts["wait_s"].tolist() == [5.0]
    with pytest.warns(DataWarning, match="<frame> is empty: no contacts"):
        assert len(cc.read_sql("select * from calls where 1 = 0", engine, **options).contacts) == 0


def test_sql_writes_nothing(tmp_path) -> None:
    url = f"sqlite:///{tmp_path / 'calls.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as db:
        db.execute(sa.text("create table calls (id text)"))
        db.execute(sa.text("insert into calls values ('1')"))
    with pytest.raises(SourceMissingError):
        cc.read_sql("delete from calls", url, format="mapped", mapping=MAPPING)
    with engine.connect() as db:
        assert db.execute(sa.text("select count(*) from calls")).scalar() == 1
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("sqlite:////no/such/folder/S3CRET/calls.db?password=S3CRET", SourceMissingError),
        ("postgresql+psycopg://planner:S3CRET@127.0.0.1:9/calls", (SourceMissingError, MissingExtraError)),
        ("mysql+pymysql://planner:S3CRET@127.0.0.1:9/calls", (SourceMissingError, MissingExtraError)),
        ("nosuchbase://planner:S3CRET@127.0.0.1/calls", OptionError),
        ("planner:S3CRET@127.0.0.1", OptionError),
        ("oracle+cx_oracle://planner:S3CRET@127.0.0.1/calls", (SourceMissingError, MissingExtraError)),
        ("postgresql://planner:S3CRET@127.0.0.1:port/calls", OptionError),
    ],
)
def test_an_address_never_appears_in_an_error_or_a_trace(url, error) -> None:
    import traceback

    with pytest.raises(error) as caught:
        cc.read_sql("calls", url, format="mapped", mapping=MAPPING, timezone="UTC")
    told = "".join(traceback.format_exception(caught.value))
    assert "S3CRET" not in told
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_driver_that_quotes_the_password_is_not_quoted() -> None:
    def refuse() -> None:
        raise RuntimeError("no access for planner with S3 CRET/1 or S3%20CRET%2F1 or S3+CRET%2F1")

    with pytest.warns(sa.exc.SAWarning, match="'password' are not accepted"):
        engine = sa.create_engine("sqlite:///calls.db?password=S3+CRET%2F1", creator=refuse)
    with pytest.raises(SourceMissingError, match=r"RuntimeError: no access for planner with \*\*\* or \*\*\* or \*\*\*"):
        cc.read_sql("calls", engine, format="mapped", mapping=MAPPING)


def test_a_failing_query_says_what_the_database_said(engine) -> None:
    with pytest.raises(SourceMissingError, match=r"OperationalError: no such table: cals. Check address, rights and query\."):
        cc.read_sql("cals", engine, format="mapped", mapping=MAPPING)
    with pytest.raises(OptionError, match="expected a database address, an SQLAlchemy engine or connection, found int"):
        cc.read_sql("calls", 7, format="mapped", mapping=MAPPING)


def test_without_sqlalchemy_the_extra_is_named(monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ccstats\[sql\]'"):
        cc.read_sql("calls", "sqlite://", format="mapped", mapping=MAPPING)


def test_the_realtime_queue_log_table_equals_the_file(tmp_path) -> None:
    lines = (
        "1709280010|17.1|support|NONE|ENTERQUEUE||5550001|1\n1709280022|17.1|support|Ayşe|CONNECT|12|17.2|4\n"
        "1709280142|17.1|support|Ayşe|COMPLETECALLER|12|120|1\n1709280150|17.9|support|NONE|ENTERQUEUE||5550002|1\n"
        "1709280170|17.9|support|NONE|ABANDON|1|1|20\n"
    )
    url = f"sqlite:///{tmp_path / 'realtime.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as db:
        data = ", ".join(f"data{at} text" for at in range(1, 6))
        db.execute(
            sa.text(
                f"create table queue_log (id integer primary key, time text, callid text, queuename text, agent text, event text, {data})"
            )
        )
        for line in lines.splitlines():
            epoch, callid, queue, agent, event, *more = line.split("|")
            wall = pd.Timestamp(int(epoch), unit="s", tz="UTC").tz_convert("Europe/Istanbul").strftime("%Y-%m-%d %H:%M:%S.%f")
            row = dict(zip("abcdefghij", [wall, callid, queue, agent, event, *more, *[""] * (5 - len(more))], strict=True))
            columns = "time, callid, queuename, agent, event, data1, data2, data3, data4, data5"
            db.execute(sa.text(f"insert into queue_log ({columns}) values (:a, :b, :c, :d, :e, :f, :g, :h, :i, :j)"), row)
    engine.dispose()
    table = cc.read_sql("queue_log", url, format="asterisk_queue_log", timezone="Europe/Istanbul", pseudonyms=False)
    file = cc.read(lines.encode(), pseudonyms=False)
    pd.testing.assert_frame_equal(table.contacts, file.contacts)
    assert table.contacts["outcome"].tolist() == ["answered", "abandoned"]
    with pytest.raises(ZoneError, match="timezone"):
        cc.read_sql("queue_log", url, format="asterisk_queue_log")


def test_the_same_log_twice_is_refused_by_name(tmp_path):
    line = b"1740816000|1740815990.1|sales|NONE|ENTERQUEUE||5551234|1\n"
    (tmp_path / "queue_log").write_bytes(line)
    (tmp_path / "queue_log.gz").write_bytes(gzip.compress(line))
    with pytest.raises(OptionError, match=r"queue_log.gz and .*queue_log hold the same 57 bytes.*name each log once"):
        cc.read(str(tmp_path / "queue_log*"))
    (tmp_path / "queue_log.gz").write_bytes(gzip.compress(line.replace(b"sales", b"repay")))
    assert cc.read(str(tmp_path / "queue_log*")).count() == 2
