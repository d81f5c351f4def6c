"""A large table read a piece at a time gives what it gives as a whole, line by line of the account."""

from __future__ import annotations

import pytest
from exam_cases import Case, cases_of
from pandas.testing import assert_frame_equal

from ccstats.errors import CcstatsError
from ccstats.readers import pieces

FORMATS = ("asterisk_cdr", "asterisk_cel", "cisco_ucce", "cisco_uccx", "cisco_uccx_agent_states", "five9", "issabel", "mapped", "talkdesk",
           "threecx_queue_calls", "vicidial", "wazo_stat", "zendesk_talk")  # fmt: skip
CASES = [case for format in FORMATS for case in cases_of(format) if case.path.suffix == ".csv"]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("rows", [1, 3])
def test_samples_in_pieces(case: Case, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = case.read(keep_text=True)
    monkeypatch.setattr(pieces, "_ROWS", rows)
    found = case.read(keep_text=True)
    for name in ("contacts", "agent_states", "rejected", "lines", "notes"):
        assert_frame_equal(getattr(found, name), getattr(whole, name))


@pytest.mark.parametrize("case", [case for case in CASES if len(case.read().rejected)], ids=str)
def test_the_first_bad_line_stops_the_reading_in_any_piece(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    for rows in (100_000, 2):
        monkeypatch.setattr(pieces, "_ROWS", rows)
        with pytest.raises(CcstatsError) as caught:
            case.read(on_error="raise")
        told.append(str(caught.value))
    assert told[0] == told[1]
