"""The page 'Add a vendor': its reader is run as it stands there, and prints what the page says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pandas as pd
import pytest

import ccstats as cc
from ccstats.readers import READERS

PAGE = (Path(__file__).parents[2] / "docs" / "formats" / "add_a_vendor.md").read_text(encoding="utf-8")
EXPORT, SESSION = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
CODE = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]


@pytest.fixture
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    before = dict(READERS.added)
    exec(compile(CODE, "cellar_switch.py", "exec"), {"__name__": "cellar_switch"})
    monkeypatch.chdir(tmp_path)
    Path("export.csv").write_text(EXPORT)
    yield
    READERS.added.clear()
    READERS.added.update(before)


def test_the_reader_is_short() -> None:
    assert len([line for line in CODE.splitlines() if line.strip()]) < 40


@pytest.mark.usefixtures("registered")
def test_the_page_prints_what_it_says() -> None:
    runner = doctest.DocTestRunner(verbose=False)
    with pd.option_context("display.width", 200, "display.max_columns", None, "display.max_colwidth", None):
        runner.run(doctest.DocTestParser().get_doctest(re.sub("^> ", ">>> ", SESSION, flags=re.MULTILINE), {"cc": cc}, "page", None, 0))
    assert (runner.failures, runner.tries) == (0, 4)


@pytest.mark.usefixtures("registered")
def test_it_is_a_reader_like_the_others() -> None:
    data = EXPORT.encode()
    log = cc.read(data, timezone="Europe/Berlin")
    assert "cellar_switch" in cc.formats()["name"].tolist()
    assert log.format == "cellar_switch"
    assert log.count() == log.count("used") + log.count("ignored") + log.count("rejected") == len(data.splitlines())
    assert cc.read([data, data + b"\n"], timezone="Europe/Berlin").contacts.equals(log.contacts)
    assert cc.read(data.replace(b"\n", b"\r\n").decode().encode("utf-16"), timezone="Europe/Berlin").contacts.equals(log.contacts)
    with pytest.raises(cc.errors.ZoneError):
        cc.read(data)
    service = cc.measure_service(cc.to_intervals(log.contacts, timezone="Europe/Berlin", threshold_s=20))
    assert service["offered"].tolist() == [3]
    with pytest.raises(cc.errors.ColumnError, match="no column waited"):
        cc.read(b"call;group;came;state\n", format="cellar_switch", timezone="UTC")
    with pytest.warns(cc.errors.DataWarning, match="unknown"):
        odd = cc.read(data.replace(b"GONE", b"LOST"), timezone="Europe/Berlin")
    assert odd.contacts["outcome"].tolist() == ["answered", "unknown", "voicemail"]


@pytest.mark.usefixtures("registered")
def test_a_call_in_two_queues_is_two_visits_and_an_export_that_comes_again_none() -> None:
    again = b"call;group;came;state;waited\n"
    again += b"1;sales;01.03.2024 09:00:00;GONE;12\n1;help;01.03.2024 09:01:00;VM;5\n1;sales;01.03.2024 09:02:00;GONE;7\n"
    log = cc.read([again, again + b"\n"], format="cellar_switch", timezone="UTC")
    assert log.contacts[["visit", "queue", "wait_s"]].to_numpy().tolist() == [[1, "sales", 12], [2, "help", 5], [3, "sales", 7]]
    assert len(log.rejected) == 3
