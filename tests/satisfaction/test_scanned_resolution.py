"""Resolution of contacts in files: what memory gives, however the contacts of a customer are spread over files and pieces."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from contact_cases import calls, random_calls

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning, OptionError, TableError

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.03"))
RULES = [
    {},
    {"key": "customer", "by": "queue", "window_days": 1},
    {"by": ("queue", "agent"), "period": "day", "timezone": "Europe/Berlin", "direction": None, "confidence": 0.8},
    {"resolved": "done", "not_resolvable": {"reason": {"move"}}, "by": "reason"},
    {"resolved": {"bill"}, "period": "week", "timezone": "America/Bogota", "observed": ("2025-03-01T00:00Z", "2025-04-10T00:00Z")},
]


def scattered(contacts: pd.DataFrame, folder: Path, seed: int, **how: int) -> cc.Scan:
    rng = np.random.default_rng(seed)
    for at, rows in enumerate(np.array_split(rng.permutation(len(contacts)), 4)):
        frame = contacts.iloc[rows].reset_index(drop=True)
        if len(frame):
            frame.to_parquet(folder / f"{at}.parquet")
    return cc.scan(folder, **how)


@pytest.mark.parametrize("rules", RULES)
def test_files_give_what_memory_gives(rules: dict, tmp_path: Path) -> None:
    for seed in range(max(2, round(100 * EXAM))):
        contacts = random_calls(seed, 40 + 37 * seed)
        (tmp_path / str(seed)).mkdir()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            ours = cc.measure_resolution(contacts, **rules)
        found = cc.measure_resolution(scattered(contacts, tmp_path / str(seed), seed, batch_rows=11 + seed), **rules)
        pd.testing.assert_frame_equal(found, ours, check_categorical=False, check_dtype=False, rtol=1e-12)
        exact = ours.select_dtypes("int").columns
        assert found[exact].equals(ours[exact])


def test_repeats_too(tmp_path: Path) -> None:
    contacts = random_calls(5, 200)
    scan = scattered(contacts, tmp_path, 2, batch_rows=30)
    for asked in ({}, {"key": "customer", "window_days": 2, "direction": None}):
        ours = cc.list_repeats(contacts, **asked)
        assert len(ours) > 20
        found = cc.list_repeats(scan, **asked)
        pd.testing.assert_frame_equal(found, ours, check_dtype=False, check_categorical=False)
        assert {str(found[f"{before}{name}"].dtype) for name in ("queue", "agent") for before in ("", "previous_")} == {"category"}


def test_a_contact_is_its_customers_whichever_visit_says_so(tmp_path: Path) -> None:
    """Visits of one contact in several files, some without the customer: the visit that was answered first says whose it is."""
    whole = pd.concat([calls(["Tom", None, "Jane", "Tom", None]), calls([None, "Tom"], days=[1, 2], contact_id=["c003", "c001"], visit=2)])
    contacts = whole.reset_index(drop=True)
    with pytest.warns(DataWarning, match="contacts have no 'reason'"):
        ours = cc.measure_resolution(contacts)
    for seed in range(4):
        (tmp_path / str(seed)).mkdir()
        with pytest.warns(DataWarning, match="contacts have no 'reason'"):
            found = cc.measure_resolution(scattered(contacts, tmp_path / str(seed), seed, batch_rows=1))
        pd.testing.assert_frame_equal(found, ours, check_dtype=False, rtol=1e-12)


def test_visits_that_logs_apart_numbered_alike(tmp_path: Path) -> None:
    """An archive of logs that were converted one by one: of a transfer each log saw the first visit."""
    contacts = calls(["Tom", "Tom", "Jane"], days=[0, 0.01, 0.02], contact_id=["a", "a", "b"], visit=[1, 2, 1])
    asked = {"key": "customer", "observed": ("2025-03-01T00:00Z", "2025-06-01T00:00Z")}
    contacts.assign(visit=1).to_parquet(tmp_path / "a.parquet")
    found = cc.measure_resolution(cc.scan(tmp_path), **asked)
    pd.testing.assert_frame_equal(found, cc.measure_resolution(contacts, **asked), check_dtype=False)
    assert found["contacts"].tolist() == [2]
    pd.concat([contacts, contacts]).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(TableError, match="stand there twice"):
        cc.measure_resolution(cc.scan(tmp_path), **asked)


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    contacts = random_calls(1, 50)
    scan = scattered(contacts, tmp_path, 1)
    with pytest.raises(OptionError, match="without 'customer'"):
        cc.measure_resolution(scan, key="reason")
    with pytest.raises(ColumnError, match="brand"):
        cc.measure_resolution(scan, by="brand")
    (tmp_path / "none").mkdir()
    nobody = scattered(contacts.drop(columns="customer"), tmp_path / "none", 1)
    with pytest.raises(ColumnError, match="no column 'customer'"):
        cc.measure_resolution(nobody)
    contacts.iloc[:0].to_parquet(tmp_path / "empty.parquet")
    empty = cc.scan(tmp_path / "empty.parquet")
    pd.testing.assert_frame_equal(cc.measure_resolution(empty), cc.measure_resolution(contacts.iloc[:0]), check_dtype=False)
