"""The fast way through a text gives what the careful one gives."""

from __future__ import annotations

import pytest
from exam_cases import CASES, Case
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal

from ccstats.readers import tabular
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Options, Source
from ccstats.readers.plain_csv import plain_columns
from ccstats.readers.tabular import Layout, read_grid

PLAIN = [case for case in CASES if case.headed and case.path.suffix == ".csv"]


def both(data: bytes) -> bool:
    """Whether the text is plain; if it is, the two ways must agree in everything."""
    fast_account, slow_account = Account(Options(keep_text=True)), Account(Options(keep_text=True))
    fast = tabular._plain(Source("a", data), Layout(), fast_account)
    if fast is None:
        return False
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tabular, "_plain", lambda *_: None)
        slow = read_grid(Source("a", data), Layout(), slow_account)
    assert fast.header == slow.header
    assert fast.repeated == slow.repeated
    assert list(fast.columns) == list(slow.columns)
    for name, values in slow.columns.items():
        assert_series_equal(fast.columns[name], values, check_names=False)
    assert fast.line.tolist() == slow.line.tolist()
    assert fast.weight.tolist() == slow.weight.tolist()
    for one, other in zip(fast_account.tables(), slow_account.tables(), strict=True):
        assert_frame_equal(one, other)
    return True


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_samples(case: Case) -> None:
    assert both(case.data) == (b'"' not in case.data and b"\n\n" not in case.data and case.path.name != "german_export.csv")


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='a1é,;|\t \r\n"\0 ', max_size=40).map(str.encode))
def test_any_text(data: bytes) -> None:
    both(data)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.text(alphabet="a1é \x0b\x1c -", max_size=3), min_size=3, max_size=3), min_size=1, max_size=4), st.booleans())
def test_any_cells(rows: list[list[str]], end: bool) -> None:
    both("\n".join(",".join(row) for row in [["x", "y", "x"], *rows]).encode() + b"\n" * end)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a,b\n",
        b"a,b\n1\n",
        b"a,b\n1,2,3\n",
        b"a,b\n1,2,\n",
        b"a,b\n\n1,2\n",
        b"a,b\n1,2\n\n",
        b"\na,b\n1,2\n",
        b"a,b\n , \n1,2\n",
        b"a,b\r1,2\r",
        b"a,b\n1,\xff\n",
        b'a,b\n1,"2"\n',
        b"a,b\n1," + b"x" * 140_000 + b"\n",
        b"a,b\n1,\0\n",
    ],
)
def test_what_needs_a_closer_look_is_left_to_the_careful_way(data: bytes) -> None:
    assert plain_columns(data, ",") is None


def test_plain_text() -> None:
    assert both(b"a,b\r\n1,2\r\n ,x\r\n")
    assert both("ä;b\n1;".encode())
