"""The avaya_ech reader: every layout against a plain loop, every outcome and trap by hand, and real files of release 12."""

from __future__ import annotations

import random
import struct
import warnings

import avaya_packer
import pandas as pd
import pytest
from avaya_packer import NAMES, SIZES, START, call, made_up, meaning, pack, written
from exam_cases import as_text

import ccstats as cc
from ccstats.errors import DataWarning, FormatError, OptionError
from ccstats.readers import READERS, read
from ccstats.readers.contract import Log
from ccstats.schema import CONTACTS

SPLIT = {"dispsplit": 201, "split1": 201}


def rows(log: Log) -> list[dict[str, str]]:
    found = as_text(log.contacts, "contacts")
    return found.reindex(columns=NAMES, fill_value="").to_dict("records")


def quiet(data, **options) -> Log:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return read(data, format="avaya_ech", pseudonyms=False, **options)


def random_call(rng: random.Random, number: int) -> dict:
    return call(
        number, at=rng.randrange(90_000),
        disp=rng.randrange(400), queue=rng.choice([0, 0, 30]), ring=rng.randrange(9), talk=rng.randrange(900),
        hold=rng.choice([0, 40]), acw=rng.randrange(60), dispsplit=rng.choice([-1, 0, 201, 202]), split1=rng.choice([-1, 0, 201, 8000]),
        calldisp=rng.choice([0, 1, 2, 2, 2, 3, 3, 4, 5, 6, 7, 9]), acd=rng.choice([1, 1, 1, 2, 8]), segment=rng.choice([1, 1, 2]),
        vdn=rng.choice(["", "7001", "Ü1"]), agent=rng.choice(["4001", "Žofka", ""]), caller=rng.choice(["", "5550100001"]),
        flags=rng.choice([(), ("da_queued",), ("transferred", "assist")]), released=rng.randrange(2),
        ucid=rng.choice(["", "0" * 20, "00001000091709280000", f"00002{number:05}{START}"]),
    )  # fmt: skip


@pytest.mark.parametrize("version", [*SIZES, 0])
def test_random_calls_in_every_layout_against_a_loop(version: int) -> None:
    rng = random.Random(version)
    for many in (1, 2, 60):
        calls = [random_call(rng, number) for number in range(many)]
        calls[0] |= {"calldisp": 2}
        log = quiet(pack(calls, version) if version else written(calls, comma=rng.random() < 0.5))
        CONTACTS.check(log.contacts)
        assert rows(log) == meaning(calls, version or 12)
        assert log.count() == many


def test_the_samples_and_their_golden_rows_are_what_the_packer_makes(samples) -> None:
    for name, (data, golden) in avaya_packer.samples().items():
        path = samples / "avaya_ech" / name
        assert path.read_bytes() == data
        assert pd.read_csv(path.with_suffix(".contacts.csv"), dtype=str, keep_default_na=False).to_dict("records") == golden


def test_every_outcome_by_hand(samples) -> None:
    with pytest.warns(DataWarning, match=r"2 segments have a disposition that does not say what became of the call \(calldisp 7, 9\)"):
        log = cc.read(samples / "avaya_ech" / "extended_12.bin", pseudonyms=False)
    found = log.contacts.set_index(["contact_id", "visit"])
    first, second = (found.loc[("00001000011709280060", visit)] for visit in (1, 2))
    assert first[["queue", "wait_s", "ring_s", "talk_s", "hold_s", "wrap_s", "agent", "ended_by"]].tolist() == [
        "201", 35.0, 5.0, 180.0, 12.0, 30.0, "Žofka", "agent",
    ]  # fmt: skip
    assert first["queued_at"] == pd.Timestamp("2024-03-01T08:01Z") == first["arrived_at"]
    assert (second["queue"], second["agent"]) == ("203", "Jürgen")
    assert log.contacts["outcome"].value_counts()[lambda count: count > 0].to_dict() == {
        "answered": 5, "abandoned": 4, "overflowed": 2, "timed_out": 2, "unknown": 2, "blocked_full": 1, "blocked_closed": 1,
    }  # fmt: skip
    assert log.summary().to_dict("records") == [
        {"fate": "used", "rule": "segment", "lines": 17},
        {"fate": "ignored", "rule": "connected, not ACD (calldisp 1)", "lines": 1},
        {"fate": "ignored", "rule": "other, not ACD (calldisp 7)", "lines": 1},
        {"fate": "rejected", "rule": "repeats an earlier record (same ucid, acdnum, callid, segment and segstart)", "lines": 1},
    ]
    assert log.notes.set_index("note")["count"].to_dict() == {
        "duration is not wait, talk and hold together (answered)": 1,
        "no UCID: contact named by ACD, callid and day": 2,
    }


def test_the_queue_is_the_split_or_the_vdn_asked_for() -> None:
    calls = [
        call(1, **SPLIT, vdn="7001", calldisp=2),
        call(2, split1=202, vdn="7001"),
        call(3, vdn="201"),
        call(4, **SPLIT),
        call(5, flags=("da_queued",)),
        call(6),
        call(7, **SPLIT, vdn="7001", acd=3),
    ]
    by_split, by_vdn = (quiet(pack(calls), queue_by=by).contacts["queue"].tolist() for by in ("split", "vdn"))
    assert by_split == ["201", "202", "vdn 201", "201", "direct agent", "none", "3/201"]
    assert by_vdn == ["7001", "7001", "201", "split 201", "direct agent", "none", "3/7001"]


def test_the_wait_may_begin_in_the_queue() -> None:
    calls = [
        call(1, **SPLIT, disp=50, queue=20, ring=5, calldisp=2, talk=60),
        call(2, split1=201, disp=40, queue=30),
        call(3, vdn="7001", disp=6),
        call(4, **SPLIT, disp=3, queue=9, ring=9, calldisp=2),
    ]
    found = quiet(pack(calls), wait_from="queue").contacts
    assert found["outcome"].tolist() == ["answered", "abandoned", "ivr_abandoned", "answered"]
    assert found["wait_s"].fillna(-1).tolist() == [25.0, 30.0, -1.0, 3.0]
    assert (found["queued_at"] - found["arrived_at"]).dt.total_seconds().fillna(-1).tolist() == [25.0, 10.0, -1.0, 0.0]
    CONTACTS.check(found)
    with pytest.raises(OptionError, match="does not log the time in queue"):
        quiet(pack(calls, 11), wait_from="queue")
    with pytest.raises(OptionError, match="wait_from='ring': expected 'segment' or 'queue'"):
        quiet(pack(calls), wait_from="ring")


def test_local_time_of_the_switch_is_said_by_timezone() -> None:
    calls = [call(number, **SPLIT, disp=9) for number in range(5)]
    local = pack(calls, ahead_s=10_800)
    with pytest.warns(
        DataWarning, match=r"calls begin \+3\.00 h from the time in their UCID \(median of 5\); the switch seems to store local"
    ):
        moved = cc.read(local, pseudonyms=False)
    assert rows(moved) == meaning(calls, moved_s=10_800)
    assert rows(cc.read(local, timezone="Europe/Istanbul", pseudonyms=False)) == meaning(calls)
    with pytest.warns(DataWarning, match=r"begin -3\.00 h .*; the times seem to be in UTC, or in another zone than Europe/Istanbul"):
        cc.read(pack(calls), timezone="Europe/Istanbul")
    # Newer records have UTC beside it, and no zone moves that.
    for zone in (None, "Europe/Istanbul", "America/New_York"):
        assert rows(cc.read(pack(calls, 16, ahead_s=10_800), timezone=zone, pseudonyms=False)) == meaning(calls)


def test_hours_that_a_clock_showed_twice_or_never_are_noted() -> None:
    autumn = 1_729_994_400 - START  # 2024-10-27 02:00:00 on the wall in Berlin, which came twice
    spring = 1_711_850_400 - START + 60  # 2024-03-31 02:01:00, which never came
    calls = [call(1, at=autumn, **SPLIT, ucid=""), call(2, at=spring, **SPLIT, ucid="")]
    log = quiet(pack(calls), timezone="Europe/Berlin")
    assert log.notes.set_index("note")["count"].to_dict() == {
        "local time that the clock showed twice: the first is taken": 1,
        "local time that the clock never showed: moved on": 1,
        "no UCID: contact named by ACD, callid and day": 2,
    }
    assert sorted(log.contacts["queued_at"]) == [pd.Timestamp("2024-03-31T01:00Z"), pd.Timestamp("2024-10-27T00:00Z")]

    # Where there is UTC, the wall clock's hours that came twice do not matter.
    assert "showed" not in " ".join(quiet(pack(calls, 16), timezone="Europe/Berlin").notes["note"])


def test_a_segment_is_the_same_only_if_it_began_at_the_same_time() -> None:
    first = call(1, **SPLIT)
    log = quiet(pack([first, first, {**first, "at": 3600}, {**first, "callid": 7}, {**first, "segment": 2}]))
    assert log.contacts["visit"].tolist() == [1, 2, 3, 4]
    assert log.rejected["line"].tolist() == [2]


def test_a_ucid_that_is_not_whole_does_not_speak_for_a_layout() -> None:
    assert READERS["avaya_ech"].looks_like(pack([call(1, **SPLIT)]))
    assert not READERS["avaya_ech"].looks_like(pack([call(1, **SPLIT, ucid="0000100001170928006")]))


@pytest.mark.parametrize("version", SIZES)
def test_a_cut_file_is_reported_and_the_rest_is_read(version: int) -> None:
    calls = made_up()[:3]
    whole, size = pack(calls, version), SIZES[version]
    for missing in (1, size // 2, size - 1):
        log = quiet(whole[:-missing], keep_text=True)
        assert rows(log) == meaning(calls[:2], version)
        reason = f"record is cut: {size - missing} of {size} bytes"
        assert log.rejected[["line", "reason"]].to_dict("records") == [{"line": 3, "reason": reason}]
        assert bytes.fromhex(log.rejected["text"][0]) == whole[-size:-missing]
        assert "the file ends within a record: it is cut" in log.notes["note"].tolist()
        with pytest.raises(FormatError, match="<bytes>, line 3: record is cut"):
            quiet(whole[:-missing], on_error="raise")
    # Cut within the first record: the header says which layout it is.
    assert quiet(whole[: 8 + size // 2]).rejected["reason"].tolist() == [f"record is cut: {size // 2} of {size} bytes"]
    assert len(quiet(whole[:8]).contacts) == quiet(whole[:8]).count() == 0


@pytest.mark.parametrize("data", [b"\x0c\0\0\0", b"\x0c", bytes(8), bytes(5000), struct.pack("<i", 77) + b"\xff" * 5000], ids=len)
def test_what_is_no_call_history_is_refused_or_empty(data: bytes) -> None:
    assert not READERS["avaya_ech"].looks_like(data)
    if len(data) in (1, 8):
        assert len(quiet(data).contacts) == 0
    else:
        with pytest.raises(FormatError, match="no record makes sense at a length of 322, 493, 615, 617, 629 bytes"):
            quiet(data)


def test_the_layout_is_that_of_the_records_whatever_the_header_says() -> None:
    calls = made_up()
    for version in SIZES:
        for header in (12, 14, 999):
            assert rows(quiet(pack(calls, version, header=header))) == meaning(calls, version)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"at": -START - 5, "duration": 60}, "segstart is no time after 1970"),
        ({"duration": -60}, "segstop is before segstart"),
        ({"talk": -4, "duration": 4}, "talktime is negative"),
        ({"disp": 366 * 86_400, "duration": 4}, "disptime is impossible (a year or more)"),
        ({"ucid": "1234 not a number"}, "ucid is not made of digits"),
    ],
)
def test_a_bad_record_is_set_aside_with_its_number_and_a_reason(facts: dict, reason: str) -> None:
    good = call(1, **SPLIT)
    for data in (pack([good, call(2, **SPLIT, **facts)]), written([good, call(2, **SPLIT, **{"ucid": "0" * 20, **facts})])):
        if b"\0" not in data[:64] and "at" in facts:
            continue  # text cannot say a time before the year 1
        log = quiet(data)
        assert log.rejected.to_dict("records") == [{"source": "<bytes>", "line": 2, "reason": reason}]
        assert rows(log) == meaning([good])


def test_bad_lines_of_text_are_set_aside() -> None:
    lines = written([call(number, **SPLIT) for number in range(4)]).splitlines()
    lines[1] = lines[1].replace(b",0,", b",none,", 1)
    lines[2] = lines[2].replace(b"2024-03-01", b"2024-02-30", 1)
    lines += [b"", b"total,4", b"," * 90]
    log = quiet(b"\r\n".join(lines), keep_text=True)
    assert log.rejected[["line", "reason"]].to_dict("records") == [
        {"line": 2, "reason": "acwtime is no whole number"},
        {"line": 3, "reason": "segstart is no time"},
        {"line": 6, "reason": "2 fields instead of 77"},
        {"line": 7, "reason": "91 fields instead of 77"},
    ]
    assert log.rejected["text"].tolist() == [lines[at].decode() for at in (1, 2, 5, 6)]
    assert (len(log.contacts), log.count()) == (2, 7)
    assert log.notes["note"].tolist() == ["the last line has no line end: it may be cut"]


def test_names_in_latin_1_are_read_in_both_forms() -> None:
    calls = [call(1, **SPLIT, calldisp=2, agent="Jürgen"), call(2, **SPLIT, calldisp=2, agent="Müller")]
    packed = pack(calls).replace("Jürgen".encode(), "Jürgen".encode("latin-1") + b"\0")
    assert quiet(packed).contacts["agent"].tolist() == ["Jürgen", "Müller"]
    log = quiet(written(calls).decode().encode("latin-1"))
    assert log.contacts["agent"].tolist() == ["Jürgen", "Müller"]
    assert log.notes["note"].tolist() == ["text is not UTF-8: read as Latin-1"]


def test_text_ends_at_the_first_zero_byte() -> None:
    data = pack([call(1, **SPLIT, calldisp=2, agent="4001")]).replace(b"4001\0\0", b"4001\0x")
    assert quiet(data).contacts["agent"].tolist() == ["4001"]


def test_a_frame_is_refused_with_the_way_out() -> None:
    with pytest.raises(FormatError, match="read from files; read a frame with format='mapped'"):
        read(pd.DataFrame({"callid": [1]}), format="avaya_ech")


def test_many_records_are_read_by_column() -> None:
    block = pack([call(number, at=number, **SPLIT, disp=5, calldisp=2, talk=60, agent="4001") for number in range(1000)])[8:]
    data = struct.pack("<ii", 12, 1) + b"".join(
        block if not turn else block.replace(b"00001", f"{turn:05}".encode()) for turn in (0, *range(2, 21))
    )
    log = quiet(data)
    assert len(log.contacts) == log.count() == 20_000


@pytest.mark.shared
def test_a_real_binary_file_of_release_12(shared) -> None:
    path = shared / "data" / "avaya_ech" / "chr0003.bin"
    log = cc.read(path, key="exam")
    contacts = log.contacts
    CONTACTS.check(contacts)
    assert (log.format, log.count(), len(log.rejected)) == ("avaya_ech", 185, 0)
    assert log.lines.set_index("rule")["lines"].to_dict() == {"segment": 107, "other, not ACD (calldisp 7)": 78}
    assert contacts["raw_outcome"].value_counts().to_dict() == {"2": 59, "3": 48}
    assert contacts["outcome"].value_counts()[lambda count: count > 0].to_dict() == {"answered": 59, "abandoned": 48}
    # Durations add up in all 185 records, as no note says otherwise; told here again, byte by byte.
    assert log.notes["note"].tolist() == ["no UCID: contact named by ACD, callid and day"]
    data = path.read_bytes()
    answered = contacts[contacts["outcome"] == "answered"]
    sums = []
    for at in range(8, len(data), 493):
        numbers = struct.unpack("<13i", data[at : at + 52])
        assert numbers[7] - numbers[6] == numbers[5] + numbers[1]
        if data[at + 79] == 2:
            assert numbers[5] == numbers[4] + numbers[8] + numbers[2]
            sums.append((numbers[6], numbers[5], numbers[1]))
    spoken = answered["wait_s"] + answered["talk_s"] + answered["hold_s"]
    starts = answered["queued_at"].astype("datetime64[s, UTC]").astype("int64")
    assert sorted(zip(starts, spoken, answered["wrap_s"], strict=True)) == sorted(sums)
    # The start of the call is in the UCID as well, so the epochs are UTC.
    first = contacts[(contacts["visit"] == 1) & (contacts["contact_id"].str.len() == 20)]
    off = first["queued_at"].astype("datetime64[s, UTC]").astype("int64") - first["contact_id"].str[-10:].astype("int64")
    assert off.between(0, 34).all()
    assert (int((off == 0).sum()), len(off)) == (75, 98)


@pytest.mark.shared
def test_a_real_text_file_reads_alike(shared) -> None:
    path = shared / "data" / "avaya_ech" / "chr5500.123.csv"
    log = cc.read(path, pseudonyms=False)
    CONTACTS.check(log.contacts)
    assert log.count() == 18
    assert log.lines.set_index("rule")["lines"].to_dict() == {"segment": 17, "connected, not ACD (calldisp 1)": 1}
    found = log.contacts.set_index("contact_id")
    for line in path.read_text().splitlines():
        fields = line.split(",")
        ucid, code = fields[51], fields[35]
        if code == "1":
            assert ucid not in found.index
            continue
        row = found.loc[ucid]
        assert row["arrived_at"] == pd.Timestamp(fields[6], tz="UTC") == pd.Timestamp(int(ucid[-10:]), unit="s", tz="UTC")
        assert row["raw_outcome"] == code
        assert row["customer"] == fields[59]
        if code == "2":
            assert [row[name] for name in ("wait_s", "talk_s", "hold_s", "wrap_s", "ring_s")] == [
                float(fields[at]) for at in (4, 8, 2, 1, 12)
            ]
            assert (row["queue"], row["agent"]) == (fields[14], fields[56])
    assert log.contacts["outcome"].value_counts()[lambda count: count > 0].to_dict() == {
        "answered": 10, "overflowed": 4, "abandoned": 2, "blocked_closed": 1,
    }  # fmt: skip
    # The same segments packed as a binary file give the same table.
    calls = []
    for line in path.read_text().splitlines():
        fields = line.split(",")
        start = int(pd.Timestamp(fields[6], tz="UTC").timestamp())
        numbers = {name: int(fields[at]) for name, at in PLACES.items()}
        flags = tuple(flag for at, flag in enumerate(avaya_packer.FLAGS, 25) if fields[at] == "1")
        texts = {"ucid": fields[51], "vdn": fields[52], "agent": fields[56], "dialled": fields[58], "caller": fields[59]}
        calls.append({"at": start - START, "flags": flags, **numbers, **texts})
    pd.testing.assert_frame_equal(quiet(pack(calls)).contacts, log.contacts)


PLACES = {
    "callid": 0, "acw": 1, "hold": 2, "disp": 4, "duration": 5, "talk": 8, "queue": 11, "ring": 12, "dispsplit": 14, "split1": 16,
    "released": 33, "acd": 34, "calldisp": 35, "segment": 38,
}  # fmt: skip
