"""Records beside the logs: every line is used, ignored by rule or rejected with its key; the samples agree with a plain loop over them."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning, FormatError, OptionError, SourceMissingError, ZoneError
from ccstats.report.files import csv_text
from ccstats.schema import records as schema

READERS: dict[str, Callable[..., cc.Records]] = {
    "surveys": cc.read_surveys,
    "complaints": cc.read_complaints,
    "evaluations": cc.read_evaluations,
    "items": cc.read_items,
    "staff": cc.read_staff,
    "absences": cc.read_absences,
    "figures": cc.read_figures,
}
#: A sound file of each kind with two records.
SOUND = {
    "surveys": "response_id,contact_id,instrument,score,responded_at\nS1,1,csat,4,2025-03-01T09:00Z\nS1,1,nps,9,2025-03-01T09:00Z\n",
    "complaints": "complaint_id,customer,received_at,resolved_at\nC1,07700900093,2025-03-01T09:00Z,2025-03-02T09:00Z\n"
    "C2,,2025-03-01T10:00Z,\n",
    "evaluations": "evaluation_id,agent,evaluated_at,item,points,max_points\nE1,Ada,2025-03-01T09:00Z,greeting,2,2\n"
    "E1,Ada,2025-03-01T09:00Z,closing,,2\n",
    "items": "item_id,queue,channel,opened_at,closed_at\nT1,mail,email,2025-03-01T09:00Z,\n"
    "T2,mail,email,2025-03-01T09:00Z,2025-03-01T10:00Z\n",
    "staff": "agent,joined_at,left_at,voluntary\nAda,2024-05-01T00:00Z,,\nBo,2024-05-01T00:00Z,2025-01-31T00:00Z,yes\n",
    "absences": "agent,started_at,scheduled_s,absent_s\nAda,2025-03-03T00:00Z,28800,0\nBo,2025-03-03T00:00Z,28800,28800\n",
    "figures": "metric,queue,period_start,numerator,denominator\ncost_per_contact,sales,2025-03-01T00:00Z,41250,3300\n"
    "cost_per_contact,,2025-03-01T00:00Z,90000,9000\n",
}


def table_of(name: str) -> Any:
    return getattr(schema, name.upper())


def adds_up(made: cc.Records) -> None:
    assert made.count() == made.count("used") + made.count("ignored") + made.count("rejected")
    assert made.summary()["lines"].sum() == made.count()
    assert list(made.rejected.columns[:4]) == ["source", "line", "key", "reason"]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_bundled_surveys_agree_with_a_plain_loop() -> None:
    rows = rows_of(cc.sample_file("surveys.csv"))
    made = cc.read_surveys(cc.sample_file("surveys.csv"))
    schema.SURVEYS.check(made.table)
    asked, answered, sums = Counter(), Counter(), Counter()
    for row in rows:
        for name in ("csat", "nps", "ces"):
            asked[row["queue"], name] += 1
            if row[name]:
                answered[row["queue"], name] += 1
                sums[row["queue"], name] += int(row[name])
    groups = made.table.groupby(["queue", "instrument"], observed=True)["score"]
    assert groups.size().to_dict() == dict(asked)
    assert groups.count().to_dict() == dict(answered)
    assert groups.sum().to_dict() == dict(sums)
    assert made.count() == len(rows) + 1
    assert made.count("used") == len(rows)
    assert not made.count("rejected")
    assert made.table["responded_at"].notna().sum() == 3 * sum(bool(row["responded_at"]) for row in rows)
    assert made.sha256 == hashlib.sha256(cc.sample_file("surveys.csv").read_bytes()).hexdigest()
    scales = made.table.groupby("instrument", observed=True)[["scale_min", "scale_max"]].agg(["min", "max"]).to_numpy().tolist()
    assert scales == [[1, 1, 5, 5], [0, 0, 10, 10], [1, 1, 7, 7]]


def test_the_bundled_complaints_join_the_log_by_pseudonym() -> None:
    rows = rows_of(cc.sample_file("complaints.csv"))
    made = cc.read_complaints(cc.sample_file("complaints.csv"), key="k")
    schema.COMPLAINTS.check(made.table)
    log = cc.read(cc.sample_log(), key="k")
    of_contact = log.contacts.drop_duplicates("contact_id").set_index("contact_id")["customer"]
    joined = made.table["contact_id"].map(of_contact)
    assert len(made.table) == len(rows) == 124
    assert (joined == made.table["customer"]).all()
    assert made.table["customer"].nunique() == len({row["customer"] for row in rows})
    assert not set(made.table["customer"]) & {row["customer"] for row in rows}
    assert made.table["resolved_at"].isna().sum() == sum(not row["resolved_at"] for row in rows)
    assert made.table["reminders"].sum() == sum(int(row["reminders"]) for row in rows)
    assert made.table["reason"].value_counts().to_dict() == dict(Counter(row["reason"] for row in rows))
    assert not made.notes["note"].str.contains("random key").any()
    plain = cc.read_complaints(cc.sample_file("complaints.csv"), pseudonyms=False).table
    assert plain["customer"].tolist() == [row["customer"] for row in sorted(rows, key=lambda row: row["complaint_id"])]


def test_without_a_key_the_pseudonyms_say_that_they_join_with_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CCSTATS_KEY", raising=False)
    made = cc.read_complaints(cc.sample_file("complaints.csv"))
    assert made.notes.to_dict("records") == [{"note": "customer: pseudonyms of a random key: they join with no other table", "count": 124}]
    monkeypatch.setenv("CCSTATS_KEY", "k")
    assert cc.read_complaints(cc.sample_file("complaints.csv")).table.equals(
        cc.read_complaints(cc.sample_file("complaints.csv"), key="k").table
    )


def test_the_bundled_evaluations_agree_with_a_plain_loop() -> None:
    rows = rows_of(cc.sample_file("evaluations.csv"))
    made = cc.read_evaluations(cc.sample_file("evaluations.csv"))
    schema.EVALUATIONS.check(made.table)
    won, possible = Counter(), Counter()
    for row in rows:
        if row["points"]:
            won[row["agent"]] += float(row["weight"]) * float(row["points"])
            possible[row["agent"]] += float(row["weight"]) * float(row["max_points"])
    known = made.table[made.table["points"].notna()]
    for name, sums in (("points", won), ("max_points", possible)):
        assert (known[name] * known["weight"]).groupby(known["agent"], observed=True).sum().to_dict() == dict(sums)
    assert made.table["critical_error"].sum() == sum(row["critical_error"] == "True" for row in rows)
    assert made.table["auto_fail"].sum() == sum(row["auto_fail"] == "True" for row in rows)
    assert made.count("used") == len(rows)


@pytest.mark.parametrize("name", READERS)
def test_every_kind_reads_a_sound_file_in_every_form(name: str, tmp_path: Path) -> None:
    text, read = SOUND[name], READERS[name]
    made = read(text.encode(), key="k")
    table_of(name).check(made.table)
    assert len(made.table) == 2
    assert made.name == name
    adds_up(made)
    book, file = openpyxl.Workbook(), io.BytesIO()
    for line in csv.reader(io.StringIO(text)):
        book.active.append(line)
    book.save(file)
    frame = pd.read_csv(io.StringIO(text), dtype="str")
    frame.to_parquet(tmp_path / "records.parquet")
    (tmp_path / "records.csv.gz").write_bytes(gzip.compress(text.encode()))
    forms = (
        text.replace(",", "\t").encode("utf-16"),
        b"\xef\xbb\xbf" + text.replace(",", ";").encode(),
        file.getvalue(),
        frame,
        tmp_path / "records.parquet",
        tmp_path / "records.csv.gz",
    )
    for form in forms:
        other = read(form, key="k")
        pd.testing.assert_frame_equal(other.table, made.table)
    assert other.sha256 == hashlib.sha256((tmp_path / "records.csv.gz").read_bytes()).hexdigest()
    renamed = text.replace(text.split(",")[0], "Nummer", 1).encode()
    pd.testing.assert_frame_equal(read(renamed, key="k", columns={text.split(",")[0]: "Nummer"}).table, made.table)


@pytest.mark.parametrize("name", READERS)
def test_repeated_keys_blank_keys_and_ragged_lines_are_set_aside(name: str) -> None:
    header, first, second, _ = SOUND[name].split("\n")
    lines = [header, first, first, "," * header.count(","), "x" + "," * header.count(","), "1,2", second]
    made = READERS[name]("\n".join(lines).encode() + b"\n", key="k")
    adds_up(made)
    assert made.count() == 7
    assert made.count("used") == 2
    assert made.rejected["line"].tolist() == [3, 5, 6]
    reasons = made.rejected["reason"].tolist()
    assert reasons[0].startswith("repeats the ")
    assert reasons[1].endswith("blank")
    assert "fields, the header has" in reasons[2]
    key = table_of(name).key
    assert made.rejected["key"][0].startswith(f"{key[0]}={first.split(',')[0]}")
    assert made.rejected["key"].isna().tolist() == [False, False, True]
    assert "text" not in made.rejected
    assert READERS[name]("\n".join(lines).encode() + b"\n", key="k", keep_text=True).rejected["text"][0].startswith(first.split(",")[0])
    with pytest.raises(FormatError, match=r"<bytes>, line 3: repeats the .* of an earlier line \(" + key[0] + "="):
        READERS[name](f"{header}\n{first}\n{first}\n".encode(), on_error="raise")


BAD_LINES = [
    ("surveys", {"score": "6"}, "score is off its scale 1 to 5"),
    ("surveys", {"score": "0"}, "score is off its scale 1 to 5"),
    ("surveys", {"score": "good"}, "score is no number"),
    ("surveys", {"instrument": "mood"}, "instrument is none of csat, nps, ces, enps, other"),
    ("surveys", {"instrument": ""}, "instrument is blank"),
    ("surveys", {"instrument": "other"}, "no scale is known for this instrument"),
    ("surveys", {"instrument": "enps", "score": "7.5"}, "score is no whole number"),
    ("surveys", {"scale_min": "5", "scale_max": "5"}, "scale_min is not below scale_max"),
    ("surveys", {"scale_max": "3"}, "score is off its scale 1 to 3"),
    ("surveys", {"polarity": "up"}, "polarity is none of higher_is_better, lower_is_better"),
    ("surveys", {"invited_at": "2025-03-01T09:01Z"}, "responded_at is before invited_at"),
    ("surveys", {"responded_at": "yesterday"}, "responded_at is no instant written as iso"),
    ("surveys", {"responded_at": "2025-03-01 09:00"}, "responded_at has no zone, and none was given"),
    ("complaints", {"resolved_at": "2025-02-28T09:00Z"}, "resolved_at is before received_at"),
    ("complaints", {"acknowledged_at": "2025-02-28T09:00Z"}, "acknowledged_at is before received_at"),
    ("complaints", {"received_at": ""}, "received_at is blank"),
    ("complaints", {"reminders": "-1"}, "reminders is no whole number"),
    ("complaints", {"reminders": "1.5"}, "reminders is no whole number"),
    ("evaluations", {"points": "3"}, "points are above max_points"),
    ("evaluations", {"points": "-1"}, "points are negative"),
    ("evaluations", {"max_points": "0", "points": "0"}, "max_points is not above 0"),
    ("evaluations", {"weight": "-1"}, "weight is negative"),
    ("evaluations", {"weight": "inf"}, "weight is no number"),
    ("evaluations", {"weight": ""}, "weight is blank"),
    ("evaluations", {"critical_error": "perhaps"}, "critical_error is neither yes nor no"),
    ("items", {"first_response_at": "2025-02-28T09:00Z"}, "first_response_at is before opened_at"),
    ("items", {"closed_at": "2025-02-28T09:00Z"}, "closed_at is before opened_at"),
    ("items", {"queue": ""}, "queue is blank"),
    ("staff", {"left_at": "2024-04-30T00:00Z"}, "left_at is before joined_at"),
    ("staff", {"voluntary": "3"}, "voluntary is neither yes nor no"),
    ("absences", {"absent_s": "28801"}, "absent_s is above scheduled_s"),
    ("absences", {"absent_s": "-1"}, "absent_s is no number of seconds, or negative"),
    ("figures", {"denominator": "-1"}, "denominator is negative"),
    ("figures", {"denominator": ""}, "denominator is blank"),
    ("figures", {"numerator": "1e999"}, "numerator is no number"),
    ("figures", {"period_start": "2025-13"}, "period_start is no instant"),
]


@pytest.mark.parametrize(("name", "cells", "reason"), BAD_LINES, ids=[f"{name}-{reason}" for name, _, reason in BAD_LINES])
def test_a_bad_line_is_rejected_with_its_key_or_raises(name: str, cells: dict[str, str], reason: str) -> None:
    rows = list(csv.DictReader(io.StringIO(SOUND[name])))
    # Every line has every column of the bad one; the sound ones hold what is usual there.
    usual = {"weight": "1", "scale_min": "", "scale_max": "", "polarity": ""}
    rows = [{**{each: usual.get(each, "") for each in cells}, **row} for row in rows]
    rows[0] |= cells
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    data = file.getvalue().encode()
    read = READERS[name]
    if name == "evaluations":
        with pytest.warns(DataWarning, match="1 evaluations lost items to rejected lines"):
            made = read(data)
    else:
        made = read(data)
    adds_up(made)
    table_of(name).check(made.table)
    assert made.rejected["line"].tolist() == [2]
    assert made.rejected["reason"][0].startswith(reason)
    assert len(made.table) == 1
    key = made.rejected["key"][0]
    assert rows[0][table_of(name).key[0]] in key
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        with pytest.raises(FormatError) as raised:
            read(data, on_error="raise")
    assert str(raised.value).startswith(f"<bytes>, line 2: {reason}")
    assert key in str(raised.value)


def test_a_wide_line_is_rejected_as_a_whole_and_a_question_nobody_was_asked_is_left_out() -> None:
    text = "response_id,csat,nps,ces,invited\nS1,4,11,,yes\nS2,4,,,yes\nS3,,,,no\nS4,,,,yes\nS5,3,,,no\nS2,1,1,,yes\n"
    made = cc.read_surveys(text.encode())
    adds_up(made)
    assert made.rejected[["line", "key", "reason"]].to_dict("records") == [
        {"line": 2, "key": "response_id=S1", "reason": "nps is off its scale 0 to 10"},
        {"line": 7, "key": "response_id=S2", "reason": "repeats the response_id and instrument of an earlier line"},
    ]
    assert made.summary().set_index("rule")["lines"].to_dict()["not invited"] == 1
    assert made.table.groupby("response_id").size().to_dict() == {"S2": 2, "S4": 2, "S5": 2}
    assert made.table.loc[made.table["score"].notna(), ["response_id", "instrument", "score"]].to_numpy().tolist() == [
        ["S2", "csat", 4.0],
        ["S5", "csat", 3.0],
    ]
    assert "ces is blank in every line: taken as not asked" in made.notes["note"].tolist()


def test_a_wide_file_without_any_answer_keeps_its_questions() -> None:
    made = cc.read_surveys(b"response_id,csat,nps\nS1,,\n")
    assert made.table["instrument"].tolist() == ["csat", "nps"]
    assert made.table["score"].isna().all()


def test_scales_come_from_the_line_then_the_caller_then_custom() -> None:
    text = b"response_id,instrument,score,scale_min,scale_max,polarity\nS1,ces,2,,,\nS2,ces,7,1,7,higher_is_better\nS3,csat,5,,,\n"
    made = cc.read_surveys(text, scales={"ces": (1, 5, "lower_is_better")})
    assert made.table[["scale_min", "scale_max", "polarity"]].to_numpy().tolist() == [
        [1.0, 5.0, "lower_is_better"],
        [1.0, 7.0, "higher_is_better"],
        [1.0, 5.0, "higher_is_better"],
    ]
    one = cc.read_surveys(b"response_id,ces,scale_min,scale_max,polarity\nS1,3,1,5,lower_is_better\n").table
    assert one[["scale_max", "polarity"]].to_numpy().tolist() == [[5.0, "lower_is_better"]]
    with pytest.raises(ColumnError, match="scale_min, scale_max, polarity of which of csat, ces"):
        cc.read_surveys(b"response_id,csat,ces,scale_max\nS1,3,1,5\n")
    bad = {"mood": (1, 2), "csat": (5, 1), "nps": (0, 10, "up"), "ces": "1-7", "enps": (0, float("nan"))}
    with pytest.raises(OptionError) as raised:
        cc.read_surveys(text, scales=bad)  # type: ignore[arg-type]
    assert all(name in str(raised.value) for name in bad)


def test_an_evaluation_is_of_one_agent() -> None:
    text = SOUND["evaluations"].replace("E1,Ada,2025-03-01T09:00Z,closing", "E1,Bo,2025-03-01T09:00Z,closing")
    with pytest.warns(DataWarning, match="lost items"):
        made = cc.read_evaluations(text.encode())
    assert made.rejected["reason"].tolist() == ["agent is another than on the first line of the evaluation"]


def test_dates_and_months_are_read_in_the_zone() -> None:
    staff = cc.read_staff(b"agent,joined_at,left_at\nAda,2025-03-30,2025-03-30\n", timezone="Europe/Berlin").table
    assert (staff["left_at"] - staff["joined_at"]).dt.total_seconds().tolist() == [23 * 3600]  # the clocks change that night
    figures = cc.read_figures(b"metric,period_start,numerator\nesat,2025-03,0.8\n", timezone="Europe/Berlin")
    assert figures.table["period_start"].dt.tz_convert("Europe/Berlin")[0] == pd.Timestamp("2025-03-01", tz="Europe/Berlin")
    assert figures.table["denominator"].tolist() == [1.0]
    words = cc.read_complaints(b"complaint_id;received_at\nC1;01.03.2025 09:00\n", times="%d.%m.%Y %H:%M", timezone="Europe/Istanbul")
    assert words.table["received_at"][0] == pd.Timestamp("2025-03-01T06:00Z")
    with pytest.raises(ZoneError, match="<bytes>, line 2: the times of received_at have no zone of their own"):
        cc.read_complaints(b"complaint_id,received_at\nC1,2025-03-01 09:00\n")


def test_columns_nobody_asked_for_stay_behind() -> None:
    text = b"complaint_id,received_at,name,team\nC1,2025-03-01T09:00Z,Ada Lovelace,north\n"
    made = cc.read_complaints(text, keep=["team"])
    assert "name" not in made.table
    assert made.table["team"].tolist() == ["north"]
    assert made.notes["note"].tolist() == ["column 'name' is none of complaints: left out"]
    schema.COMPLAINTS.check(made.table)


@pytest.mark.parametrize(
    ("name", "data", "options", "error", "told"),
    [
        ("surveys", b"id,points\n1,2\n", {}, ColumnError, "no column of answers; expected instrument and score"),
        ("surveys", b"response_id,instrument,csat\n1,csat,2\n", {}, ColumnError, "has a column instrument and columns csat"),
        ("surveys", b"instrument,score\ncsat,2\n", {}, ColumnError, "no column 'response_id'"),
        ("complaints", b"complaint,received\n1,2\n", {}, ColumnError, "no column 'complaint_id'.*no column 'received_at'"),
        ("complaints", b"complaint_id,received_at,RECEIVED_AT\n1,2,3\n", {}, ColumnError, "has several columns 'received_at'"),
        ("complaints", SOUND["complaints"].encode(), {"columns": {"reason": "Grund"}}, ColumnError, "has no column 'Grund'"),
        ("complaints", SOUND["complaints"].encode(), {"columns": {"cause": "customer"}}, ColumnError, "complaints has no column 'cause'"),
        ("complaints", SOUND["complaints"].encode(), {"keep": "team"}, ColumnError, "keep: <bytes> has no column 'team'"),
        ("complaints", SOUND["complaints"].encode(), {"keep": "customer"}, ColumnError, "'customer' is a column of complaints already"),
        ("complaints", SOUND["complaints"].encode(), {"timezone": "Mars"}, ZoneError, "Mars"),
        ("complaints", SOUND["complaints"].encode(), {"on_error": "ignore"}, OptionError, "expected 'reject'"),
        ("complaints", SOUND["complaints"].encode(), {"times": "soon"}, OptionError, "times='soon': expected iso"),
        ("complaints", SOUND["complaints"].encode(), {"layout": {"delimeter": ";"}}, OptionError, "Did you mean delimiter"),
        ("complaints", SOUND["complaints"].encode(), {"key": ""}, OptionError, "key= is empty"),
        ("complaints", gzip.compress(SOUND["complaints"].encode() * 50)[:-20], {}, FormatError, "is cut"),
        ("complaints", b"complaint_id,received_at\n\0\0\0", {}, FormatError, "zero bytes"),
        ("complaints", SOUND["complaints"].encode("cp1252"), {"layout": {"encoding": "utf-99"}}, OptionError, "is no text encoding"),
        ("complaints", [], {}, OptionError, "the list of sources is empty"),
        ("complaints", "no_such.csv", {}, SourceMissingError, "there is no file no_such.csv"),
    ],
)
def test_what_cannot_be_read_says_why(name: str, data: Any, options: dict[str, Any], error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=f"(?s){told}"):
        READERS[name](data, **options)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("data", [b"", b"header", b"all bad"], ids=["empty", "header only", "all bad"])
def test_no_records_are_an_empty_valid_table_and_a_warning(name: str, data: bytes) -> None:
    header, first, *_ = SOUND[name].split("\n")
    file = {b"": b"", b"header": f"{header}\n".encode(), b"all bad": f"{header}\n{'?,' * header.count(',')}?\n".encode()}[data]
    with pytest.warns(DataWarning, match=f"no {name} were read, the table is empty"):
        made = READERS[name](file)
    table_of(name).check(made.table)
    assert len(made.table) == 0
    adds_up(made)
    assert len(made.rejected) == (data == b"all bad")


def test_hostile_cells_stay_text_and_do_no_harm() -> None:
    formula, markup = "=cmd|' /C calc'!A0", "<script>alert(1)</script>"
    huge = "x" * 200_000
    text = f"complaint_id,received_at,reason,queue\n{formula},2025-03-01T09:00Z,{markup},=1+1\nC2,2025-03-01T09:00Z,{huge},q\n"
    made = cc.read_complaints(text.encode())
    assert made.table["complaint_id"].tolist() == [formula]
    assert made.table["reason"].tolist() == [markup]
    assert made.rejected["line"].tolist() == [3]
    assert "larger than" in made.rejected["reason"][0]
    assert f"'{formula}" in csv_text(made.table)
    assert "'=1+1" in csv_text(made.table)
    turkish = "complaint_id,received_at,reason\nC1,2025-03-01T09:00Z,şikâyet\n"
    assert cc.read_complaints(turkish.encode("cp1254"), layout={"encoding": "cp1254"}).table["reason"].tolist() == ["şikâyet"]
    guessed = cc.read_complaints(turkish.encode("cp1254"))
    assert guessed.notes["note"].str.contains("not UTF-8").any()


def test_several_files_are_one_table_and_know_each_line() -> None:
    header, first, second, _ = SOUND["items"].split("\n")
    one, two = f"{header}\n{first}\n".encode(), f"{header}\n{first}\n{second}\n".encode()
    made = cc.read_items([io.BytesIO(one), io.BytesIO(two)])
    adds_up(made)
    assert made.table["item_id"].tolist() == ["T1", "T2"]
    assert len(made.rejected) == 1
    sums = "".join(f"{hashlib.sha256(each).hexdigest()}\n" for each in (one, two))
    assert made.sha256 == hashlib.sha256(sums.encode()).hexdigest()


def test_sample_file_names_what_there_is() -> None:
    assert cc.sample_file("surveys.csv").is_file()
    with pytest.raises(SourceMissingError, match=r"no file 'survey.csv' beside the bundled log; there are: .*Did you mean surveys.csv"):
        cc.sample_file("survey.csv")
    with pytest.raises(SourceMissingError):
        cc.sample_file("../centre/surveys.csv")
