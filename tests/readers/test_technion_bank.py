"""The technion_bank reader against a plain loop, on random tables, and against February 1999 as counted by hand."""

from __future__ import annotations

import os
import random

import pytest
import technion_oracle
from exam_cases import as_text

import ccstats as cc
from ccstats.errors import DataWarning, FormatError, ZoneError
from ccstats.schema import CONTACTS

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
ZONE = "Asia/Jerusalem"
HEADER = (
    "vru+line\tcall_id\tcustomer_id\tpriority\ttype\tdate\tvru_entry\tvru_exit\tvru_time\tq_start\tq_exit\tq_time"
    "\toutcome\tser_start\tser_exit\tser_time\tserver"
)
CALL = "BB0101\t7\t70011223\t2\tPS\t990103\t8:19:42\t8:19:47\t5\t8:19:47\t8:20:21\t34\tAGENT\t8:20:20\t8:22:04\t104\tOMRI"


def clock(seconds: int) -> str:
    seconds %= 86_400
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def random_line(rng: random.Random) -> str:
    """A call, often near midnight, sometimes with something wrong in it."""
    entry = rng.choice([rng.randrange(86_400), 86_400 - rng.randrange(90), rng.randrange(90), 7200 - rng.randrange(4000)])
    menu = rng.choice([0, 5, 9, 40, -57])
    wait = rng.choice([0, 0, 27, 57, 600])
    talk = rng.choice([0, 1, 104, 4000])
    outcome = rng.choice(["AGENT"] * 5 + ["HANG"] * 3 + ["PHANTOM", "LOST", ""])
    begin = entry + menu
    queue = ["0:00:00", "0:00:00", "0"] if wait == 0 else [clock(begin), clock(begin + wait), str(wait)]
    if wait and rng.random() < 0.1:
        queue[2] = str((begin + wait) % 86_400 - begin % 86_400)
    served = [clock(begin + wait - 1), clock(begin + wait + talk), str(talk)] if outcome == "AGENT" else ["0:00:00", "0:00:00", "0"]
    fields = [
        f"BB01{rng.randrange(3):02}", str(rng.randrange(60)), rng.choice(["0", "", "70011223", "70099001"]), rng.choice("012"),
        rng.choice(["PS", "NW", "TT", "IN", "??"]), rng.choice(["990103", "990402", "990903", "991231"]),
        clock(entry), clock(begin), str(menu), *queue, outcome, *served, rng.choice(["DANA", "ŽANETA", "NO_SERVER", ""]),
    ]  # fmt: skip
    if rng.random() < 0.05:  # one of the three alone says that the call queued
        fields[9:12] = rng.choice([[clock(begin), "0:00:00", "0"], ["0:00:00", "0:00:27", "0"], ["0:00:00", "0:00:00", "27"]])
    fault = rng.random()
    if fault < 0.15:
        at = rng.randrange(17)
        fields[at] = rng.choice(["", "x", "-1", "24:00:00", "1:60:00", " 7 ", "990230", "99999999", "1e3", "0:00", "-0", "NaN", "９:00:00"])
    elif fault < 0.2:
        fields = fields[: rng.randrange(17)] if rng.random() < 0.5 else [*fields, "more"]
    return "\t".join(fields)


@pytest.mark.parametrize("seed", range(max(4, int(100 * EXAM))))
def test_random_tables_against_a_loop(seed: int) -> None:
    rng = random.Random(seed)
    lines = [HEADER, *(random_line(rng) for _ in range(rng.randrange(120))), "", HEADER]
    end = rng.choice(["\n", "\r\n"])
    data = (end.join(lines) + rng.choice([end, ""])).encode()
    contacts, ignored, rejected = technion_oracle.read(data, ZONE)
    unknown = any(row["outcome"] == "unknown" for row in contacts.values())
    with pytest.warns(DataWarning, match="counted as 'unknown'") if unknown else _quiet():
        log = cc.read(data, format="technion_bank", timezone=ZONE, pseudonyms=False)
    CONTACTS.check(log.contacts)
    found = as_text(log.contacts, "contacts")
    expected = [{name: _text(row[name]) for name in technion_oracle.NAMES} for _, row in sorted(contacts.items())]
    assert found[technion_oracle.NAMES].to_dict("records") == expected
    assert set(log.rejected["line"]) == rejected
    assert log.count("rejected") == len(rejected)
    assert log.count("ignored") == len(ignored)
    assert log.count("used") == len(contacts)
    for rule in ("header", "PHANTOM", "blank"):
        assert log.lines.loc[log.lines["rule"] == rule, "lines"].sum() == list(ignored.values()).count(rule)


class _quiet:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def _text(value: object) -> str:
    if value is None:
        return ""
    if hasattr(value, "strftime"):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{value:g}" if isinstance(value, int) else str(value)


@pytest.mark.shared
def test_february_1999_as_counted_by_hand(shared) -> None:
    log = cc.read(shared / "data" / "anonymous_bank_1999" / "february.txt", timezone=ZONE, key="exam")
    contacts = log.contacts
    CONTACTS.check(contacts)
    assert log.format == "technion_bank"
    rules = log.lines.set_index("rule")["lines"]
    assert rules["header"] + rules["PHANTOM"] + rules["call"] == log.count() == 33_344 + 1
    assert rules["PHANTOM"] == 278
    outcome = contacts["outcome"].value_counts()
    assert (outcome["answered"], outcome["abandoned"], outcome["ivr_abandoned"]) == (27_162, 3_963, 1_941)
    assert (~contacts["outcome"].isin(["ivr_abandoned"])).sum() == 31_125
    answered, abandoned = contacts[contacts["outcome"] == "answered"], contacts[contacts["outcome"] == "abandoned"]
    assert (answered["wait_s"] <= 20).sum() == 16_209
    assert answered["wait_s"].sum() == 1_107_512
    assert abandoned["wait_s"].mean() == pytest.approx(65.5, abs=0.05)
    # 14,096 were served after queueing, 13,066 without.
    assert (answered["wait_s"] > 0).sum() <= 14_096
    assert answered["wait_s"].sum() / 14_096 == pytest.approx(78.6, abs=0.05)
    assert answered["talk_s"].count() == 26_671
    assert answered["talk_s"].mean() == pytest.approx(179.0, abs=0.05)
    no_server = answered[answered["agent"].isna()]
    assert len(no_server) == 491
    assert no_server["talk_s"].isna().all()
    assert contacts["queued_at"].dt.tz_convert(ZONE).dt.strftime("%Y-%m").dropna().isin(["1999-02"]).all()
    assert len(log.agent_states) == len(log.rejected) == 0


def test_a_time_zone_is_required_and_the_text_says_what_to_pass() -> None:
    with pytest.raises(ZoneError, match="'technion_bank' holds local times without a zone.*timezone="):
        cc.read((HEADER + "\n" + CALL).encode())


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (CALL.replace("990103", "990230"), "date is no day written yymmdd"),
        (CALL.replace("8:19:42", "24:00:00"), "vru_entry is no clock time H:MM:SS"),
        (CALL.replace("\t34\t", "\t34.5\t"), "q_time is no whole number of seconds"),
        (CALL.replace("\t104\t", "\t-104\t"), "ser_time is negative"),
        (CALL.replace("\t34\t", "\t86400\t"), "q_time is impossible (a day or more)"),
        (CALL.replace("\t104\t", "\t9000000\t"), "ser_time is impossible (a day or more)"),
        (CALL.replace("\t34\t", "\t-90000\t"), "q_time is negative"),
        (CALL.replace("\tPS\t", "\t\t"), "type is blank"),
        (CALL.rsplit("\t", 1)[0], "16 fields instead of 17"),
        (CALL + "\tmore", "18 fields instead of 17"),
        (CALL, "repeats an earlier row (same vru+line, call_id and date)"),
    ],
)
def test_a_bad_line_is_set_aside_with_its_number_and_a_reason(broken: str, reason: str) -> None:
    data = "\n".join([HEADER, CALL, broken, ""]).encode()
    log = cc.read(data, format="technion_bank", timezone=ZONE, keep_text=True)
    assert log.rejected.to_dict("records") == [{"source": "<bytes>", "line": 3, "reason": reason, "text": broken}]
    assert len(log.contacts) == 1
    with pytest.raises(FormatError, match=r"<bytes>, line 3: .* Read with on_error='reject'"):
        cc.read(data, format="technion_bank", timezone=ZONE, on_error="raise")


def test_an_unknown_outcome_is_counted_and_warned_of() -> None:
    data = "\n".join([HEADER, CALL.replace("AGENT", "LOST")]).encode()
    with pytest.warns(DataWarning, match=r"1 calls have an outcome that format 'technion_bank' does not know \('LOST'\)"):
        log = cc.read(data, format="technion_bank", timezone=ZONE)
    assert log.contacts["outcome"].tolist() == ["unknown"]
    assert log.contacts["raw_outcome"].tolist() == ["LOST"]


def test_what_is_repaired_is_noted(samples) -> None:
    with pytest.warns(DataWarning):
        log = cc.read(samples / "technion_bank" / "made_up_1999.txt", timezone=ZONE)
    assert log.notes.set_index("note")["count"].to_dict() == {
        "time wraps past midnight": 3,
        "vru_time is negative: ivr_s is left missing": 1,
        "queued after midnight: dated the day after the call's": 3,
        "local time that the clock showed twice: the first is taken": 2,
        "local time that the clock never showed: moved on": 1,
        "answered with NO_SERVER: talk_s and agent are missing": 1,
    }


def test_a_frame_is_refused_with_the_way_out() -> None:
    import pandas as pd

    with pytest.raises(FormatError, match="read from files; read a frame with format='mapped'"):
        cc.read(pd.DataFrame({"vru+line": ["x"]}), format="technion_bank", timezone=ZONE)


def test_latin_1_names_are_read() -> None:
    log = cc.read("\n".join([HEADER, CALL.replace("OMRI", "JOSÉ")]).encode("latin-1"), format="technion_bank", timezone=ZONE)
    assert log.contacts["agent"].tolist() == ["JOSÉ"]
