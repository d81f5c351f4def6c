"""The clause map: every clause a metric names is known, every metric stands on the page, and nothing is claimed that no source says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

import ccstats
from ccstats.metrics import METRICS, NOT_OFFERED
from ccstats.metrics.clauses import CLAUSES, clauses_of

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_clause_map", ROOT / "tools" / "make_clause_map.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_is_up_to_date(tool: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.main(["--check"]) == 0, capsys.readouterr().out


def test_every_clause_of_a_metric_is_known_and_in_order() -> None:
    named = {clause for metric in METRICS.values() for clause in clauses_of(metric.clause)}
    assert named <= set(CLAUSES), named - set(CLAUSES)
    numbers = [tuple(int(part) for part in clause.split("-")[0].split(".")) for clause in CLAUSES]
    assert numbers == sorted(numbers)
    # Those of the design that no metric needs to name.
    assert {"5.5", "5.6", "5.7", "7.2", "7.3", "7.4", "7.5", "7.6", "7.7", "7.8", "7.9", "7.10", "8"} <= set(CLAUSES)


def test_every_metric_stands_under_each_of_its_clauses(tool: ModuleType) -> None:
    sections = dict(re.findall(r"^## ([\d.-]+) [^\n]+\n(.*?)(?=^## |\Z)", tool.page(), flags=re.MULTILINE | re.DOTALL))
    assert list(sections) == list(CLAUSES)
    for metric in METRICS.values():
        row = f"| {metric.title} | `{metric.function}` | `{metric.column}` | `{metric.table}`: "
        found = [clause for clause, text in sections.items() if row in text]
        assert set(clauses_of(metric.clause)) <= set(found), metric.name


def test_what_is_not_offered_is_there_with_its_reason(tool: ModuleType) -> None:
    later = tool.page().split("## Not offered")[1]
    assert all(f"| `{name}` | {reason} |" in later for name, reason in NOT_OFFERED.items())


def test_a_counterpart_has_a_source_and_a_function_is_public() -> None:
    listed = set(re.findall(r"^\| (S\d\d) \|", (ROOT / "docs" / "sources.md").read_text(encoding="utf-8"), flags=re.MULTILINE))
    for clause in CLAUSES.values():
        assert (clause.counterpart is None) == (clause.source == ""), clause.number
        assert clause.source in listed | {""}
        assert set(clause.functions) <= set(ccstats.__all__), clause.number
    assert {number for number, clause in CLAUSES.items() if clause.counterpart is None} == {
        "5.7",
        "7.4",
        "7.5",
        "7.6",
        "7.7",
        "7.9",
        "7.10",
    }
    # Only these two pages describe clauses of ISO 18295-1.
    assert {clause.source for clause in CLAUSES.values()} <= {"", "S14", "S15"}


def test_page_says_that_there_are_no_targets(tool: ModuleType) -> None:
    assert "It sets no targets, and neither do we" in tool.page()
    assert "not mapped" in tool.page()
