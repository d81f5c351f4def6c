"""The fast way through a text gives what the careful one gives."""

from __future__ import annotations

import numpy as np
import pytest
from exam_cases import CASES, Case
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal

from ccstats.readers import plain_csv, tabular
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Options, Source
from ccstats.readers.plain_csv import plain_columns
from ccstats.readers.tabular import Layout, read_grid

PLAIN = [case for case in CASES if case.headed and case.path.suffix == ".csv"]


#: Samples with a row that is shorter or longer than the header, broken quotes, or a blank line.
RAGGED = {
    "asterisk_cel-made_up_master.csv",
    "freeswitch_cdr-Master.csv",
    "freeswitch_cdr-asterisk_template.csv",
    "freeswitch_cdr-v_xml_cdr.csv",
    "mapped-german_export.csv",
}
LAYOUTS = [Layout(), Layout(delimiter=","), Layout(quote=""), Layout(skip_rows=1), Layout(skip_rows=2, encoding="cp1252")]


def both(data: bytes, layout: Layout = Layout(), header: list[str] | None = None) -> bool:  # noqa: B008
    """Whether the text is plain; if it is, the two ways must agree in everything, and so must any number of threads."""
    octets = np.frombuffer(data, dtype="uint8")
    if len(octets):
        alone = plain_csv._lines_seen(octets, 0, len(octets), ord(layout.delimiter or ","), True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(plain_csv, "_WORTH_THREADS", 0)
            patch.setattr("pyarrow.cpu_count", lambda: 3)
            threads = plain_csv._looked_through(octets, ord(layout.delimiter or ","), quoted=True)
        assert (threads is None) == (alone is None)
        assert threads is None or (threads[0].tolist(), threads[1]) == (alone[0].tolist(), alone[1])
    fast_account, slow_account = Account(Options(keep_text=True)), Account(Options(keep_text=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tabular, "_of_records", lambda *_, **__: None)
        fast = read_grid(Source("a", data), layout, fast_account, header=header)
        if fast is None:
            return False
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tabular, "_plain", lambda *_: None)
        slow = read_grid(Source("a", data), layout, slow_account, header=header)
    assert fast.header == slow.header
    assert fast.repeated == slow.repeated
    assert list(fast.columns) == list(slow.columns)
    for name, values in slow.columns.items():
        assert_series_equal(fast.columns[name].astype("str"), values, check_names=False)
    assert fast.line.tolist() == slow.line.tolist()
    assert fast.weight.tolist() == slow.weight.tolist()
    for one, other in zip(fast_account.tables(), slow_account.tables(), strict=True):
        assert_frame_equal(one, other)
    return True


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_samples(case: Case) -> None:
    assert both(case.data) == (b"\n\n" not in case.data and str(case) not in RAGGED)


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet='a1é,;|\t \r\n"\0 ', max_size=40).map(str.encode), st.sampled_from(LAYOUTS), st.sampled_from([None, ["x", "y"]]))
def test_any_text(data: bytes, layout: Layout, header: list[str] | None) -> None:
    both(data, layout, header)


CELLS = st.one_of(
    st.text(alphabet="a1é \x0b\x1c -", max_size=3),
    st.text(alphabet='a,"; \r\n', max_size=3).map(lambda text: '"' + text.replace('"', '""') + '"'),
    st.text(alphabet='a" ', max_size=4),
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=4), st.booleans(), st.sampled_from(LAYOUTS), st.booleans())
def test_any_cells(rows: list[list[str]], end: bool, layout: Layout, headed: bool) -> None:
    above = [["x", '"y"', "x"]] if headed else []
    both("\n".join(",".join(row) for row in [*above, *rows]).encode() + b"\n" * end, layout, None if headed else ["x", "y", "x"])


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
        b'a,b\n1,"2\n3"\n',
        b'a,b\n1,"2\n',
        b'a,b\n1,"2"3\n',
        b'a,b\n1,"2" \n',
        b'a,b\n1,2"3"\n',
        b'a,b\n1, "2"\n',
        b'a,b\n"1,2"\n',
        b"a,b\n1," + b"x" * 140_000 + b"\n",
        b"a,b\n1,\0\n",
    ],
)
def test_what_needs_a_closer_look_is_left_to_the_careful_way(data: bytes) -> None:
    assert plain_columns(data, ",") is None


def test_plain_text() -> None:
    assert both(b"a,b\r\n1,2\r\n ,x\r\n")
    assert both("ä;b\n1;".encode())


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_quoted_text(end: bytes) -> None:
    assert both(b'"a";b' + (end or b"\n") + b'"x;y";"say ""no"""' + end)
    assert both(b'a,b\n"","""' + b'"""' + end)
    assert both(b'1,"x,y"' + end, Layout(delimiter=","), ["a", "b"])


def test_titles_and_other_encodings() -> None:
    assert both("Bericht;;\n\nä;b\n1;é\n".encode("cp1252"), Layout(skip_rows=2))
    assert both("ä;b\n1;€\n".encode("cp1252"), Layout(encoding="cp1252"))
    assert both(b'a,b\n1,"2\n', Layout(quote=""))
    assert not both(b'"a\nb",\na,b\n1,2\n', Layout(skip_rows=1))


def test_columns_of_few_words_are_categories() -> None:
    """What a category says is what the text says, wherever a word comes first, and only where words come again and again."""
    many = 5_000
    cells = {
        "queue": ["sales" if at % 3 else "Störung" for at in range(many)],
        "call": [f"{at:05d}" for at in range(many)],
        "late": ["" if at < 2_500 else "x" if at % 2 else " y" for at in range(many)],
        "blank": [""] * many,
        "turns": ["same" if at < 2_100 else f"{at}" for at in range(many)],
        "quoted": ['"a, ""b"""' if at % 5 else "c" for at in range(many)],
    }
    lines = [",".join(cells), *(",".join(row) for row in zip(*cells.values(), strict=True))]
    grid = read_grid(Source("a", "\n".join([*lines, ""]).encode()), Layout(), Account(Options()))
    told = {name: [cell[1:-1].replace('""', '"') if cell.startswith('"') else cell for cell in each] for name, each in cells.items()}
    assert {name: values.astype("str").tolist() for name, values in grid.columns.items()} == told
    assert [name for name, values in grid.columns.items() if values.dtype == "category"] == ["queue", "late", "blank", "quoted"]
    assert both("\n".join([*lines, ""]).encode())
    assert not both("\n".join([*lines, "," * 5, ""]).encode())
