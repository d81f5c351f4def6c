"""A large table read a piece at a time gives what it gives as a whole, line by line of the account."""

from __future__ import annotations

import warnings
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from exam_cases import Case, cases_of
from pandas.testing import assert_frame_equal

import ccstats as cc
from ccstats.errors import CcstatsError
from ccstats.readers import READERS, instants, pieces, plain_csv, threads
from ccstats.readers.accounting import Account
from ccstats.readers.categories import by_word, category_of, words_used
from ccstats.readers.contract import Options
from ccstats.readers.tabular import Grid
from ccstats.readers.words import filled

FORMATS = ("asterisk_cdr", "asterisk_cel", "cisco_ucce", "cisco_uccx", "cisco_uccx_agent_states", "five9", "freeswitch_cdr", "issabel",
           "mapped", "talkdesk", "threecx_queue_calls", "vicidial", "wazo_stat", "zendesk_talk")  # fmt: skip
_SAMPLE = Path(__file__).parents[2] / "data" / "samples" / "threecx_queue_calls"
CASES = [case for format in FORMATS for case in cases_of(format) if case.path.suffix == ".csv"]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("rows", [1, 3])
def test_samples_in_pieces(case: Case, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = case.read(keep_text=True)
    monkeypatch.setattr(pieces, "_ROWS", rows)
    found = case.read(keep_text=True)
    for name in ("contacts", "agent_states", "rejected", "lines", "notes"):
        assert_frame_equal(getattr(found, name), getattr(whole, name))


@pytest.mark.parametrize("case", [case for format in READERS for case in cases_of(format) if case.path.suffix == ".csv"], ids=str)
@pytest.mark.parametrize("rows", [3, 100_000])
def test_samples_whose_columns_are_categories(case: Case, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long text has categories for columns of few words, its times are read in compiled code and its columns on several threads."""
    plain = case.read(keep_text=True)
    monkeypatch.setattr(pieces, "_ROWS", rows)
    for module, name in ((plain_csv, "_MANY"), (plain_csv, "_AGAIN"), (instants, "_MANY"), (threads, "_WORTH"), (pieces, "_LEAST")):
        monkeypatch.setattr(module, name, 1)
    found = case.read(keep_text=True)
    for name in [field.name for field in fields(plain) if isinstance(getattr(plain, field.name), pd.DataFrame)]:
        assert_frame_equal(getattr(found, name), getattr(plain, name))


@pytest.mark.parametrize("case", [case for case in CASES if len(case.read().rejected)], ids=str)
def test_the_first_bad_line_stops_the_reading_in_any_piece(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    for rows in (100_000, 2):
        monkeypatch.setattr(pieces, "_ROWS", rows)
        with pytest.raises(CcstatsError) as caught:
            case.read(on_error="raise")
        told.append(str(caught.value))
    assert told[0] == told[1]


def test_a_date_that_is_not_needed_is_not_looked_at_in_any_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    head = "closecallid,uniqueid,campaign_id,start_epoch,call_date,length_in_sec,status,user,queue_seconds"
    rows = [f"{at},1709280000.{at},SALES,17092800{at:02d},{'garbage' if at == 1 else ''},95,SALE,anna,12" for at in range(1, 6)]
    rows.append("6,1709280000.6,SALES,,2024-03-01 09:00:00,95,SALE,anna,12")
    told = []
    for many in (100_000, 3):
        monkeypatch.setattr(pieces, "_ROWS", many)
        log = cc.read("\n".join([head, *rows, ""]).encode(), format="vicidial", timezone="UTC")
        told.append(log)
        assert len(log.contacts) == 6
    assert_frame_equal(told[0].contacts, told[1].contacts)
    assert_frame_equal(told[0].notes, told[1].notes)


def test_an_interval_with_days_does_not_change_how_others_are_read() -> None:
    head = (_SAMPLE / "callcent_queuecalls.csv").read_text(encoding="utf-8").splitlines()[0]
    known = {"q_num": "800", "time_start": "2024-03-01 09:00:00+00", "time_end": "2024-03-03 09:00:00+00", "ts_polling": "0:00:08"}
    known |= {"ts_servicing": "0:01:00", "to_dn": "101", "reason_noanswercode": "0", "reason_failcode": "0"}
    rows = [
        ",".join(
            {**known, "idcallcent_queuecalls": at, "call_history_id": at, "ts_waiting": waited}.get(name, "") for name in head.split(",")
        )
        for at, waited in (("1", "0:5:10"), ("2", "1 day 00:00:10"))
    ]
    alone = cc.read("\n".join([head, rows[0], ""]).encode(), format="threecx_queue_calls")
    both = cc.read("\n".join([head, *rows, ""]).encode(), format="threecx_queue_calls")
    assert sorted(both.contacts["wait_s"]) == [*alone.contacts["wait_s"], 86_418.0]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_tables_can_be_written_into(case: Case) -> None:
    log = case.read()
    for table in (log.contacts, log.agent_states):
        for name in table.select_dtypes("float"):
            if len(table):
                table.loc[table.index[0], name] = 7.0
                assert table[name].iloc[0] == 7.0


def test_filters_of_warnings_are_the_same_after_work_on_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Python 3.14 they are those of the process, and pandas sets them aside for a moment on any thread."""
    monkeypatch.setattr(threads, "_WORTH", 1)
    monkeypatch.setattr(pieces, "_LEAST", 1)
    before = list(warnings.filters)

    def made(*_: object) -> pd.DataFrame:
        warnings.simplefilter("ignore")
        return pd.DataFrame({"queue": ["sales"]})

    grid = Grid("a.csv", ["Queue"], {"Queue": pd.Series(["a", "b"])}, np.array([2, 3]), np.array([1, 1]))
    assert len(list(pieces.in_pieces(grid, Account(Options()), made))) == 2
    assert warnings.filters == before
    assert len(threads.for_each(made, range(3), rows=3)) == 3
    assert warnings.filters == before


def test_words_that_stand_in_no_row_are_not_read() -> None:
    """A frame keeps them when rows are left out."""
    times = pd.Series(["2024-03-01T09:00:00Z"], dtype=pd.CategoricalDtype(["2024-03-01 09:00", "2024-03-01T09:00:00Z", "soon"]))
    found, bad = instants.to_instants(times, "iso", timezone=None)
    assert found.utc.tolist() == [pd.Timestamp("2024-03-01 09:00", tz="UTC")]
    assert not bad.any()
    read = []
    by_word(lambda column: read.append(column.tolist()) or column)(times)
    assert read == [["2024-03-01T09:00:00Z", None]] or pd.isna(read[0][1])


def test_words_filled_in_stand_in_order() -> None:
    one, other = pd.Series(["b", None], dtype="category"), pd.Series(["c", "a"], dtype="category")
    assert filled(one, other).cat.categories.tolist() == ["a", "b", "c"]
    assert filled(one, other).tolist() == ["b", "a"]


@pytest.mark.parametrize("many", [127, 128, 129])
def test_as_many_words_as_fit_into_small_numbers(many: int) -> None:
    words = [f"{at:03d}" for at in range(many)]
    codes = np.append(np.arange(many), -1).astype(np.min_scalar_type(-many))
    found = category_of(codes, words)
    assert found.tolist()[:-1] == words
    assert pd.isna(found.iloc[-1])
    assert words_used(found[1:]).cat.categories.tolist() == words[1:]
