"""The registry of metrics: what is computed is what is shown, every column exists, every row of the dictionary is accounted for."""

from __future__ import annotations

import csv
import importlib.util
import re
from pathlib import Path

import pytest

import ccstats
from ccstats.metrics import METRICS, NOT_OFFERED, RATIOS, SERVICE_LEVELS
from ccstats.schema import TABLES

ROOT = Path(__file__).parents[1]
#: Metrics of our own: what logs alone can tell of one in the dictionary.
OURS = {"utilisation_logged"}
CODES = re.compile(r"\b[VMRS]\d\d\b")


def dictionary(shared: Path) -> dict[str, dict[str, str]]:
    with (shared / "metrics.csv").open(encoding="utf-8") as file:
        return {row["column"]: row for row in csv.DictReader(file)}


@pytest.mark.shared
def test_every_row_of_the_dictionary_is_computed_or_said_not_to_be(shared: Path) -> None:
    names = set(dictionary(shared))
    assert names | OURS == set(METRICS) | set(NOT_OFFERED)
    assert not names & OURS
    assert not set(METRICS) & set(NOT_OFFERED)
    assert all(NOT_OFFERED.values())


@pytest.mark.shared
def test_registry_says_what_the_dictionary_says(shared: Path) -> None:
    rows = dictionary(shared)
    for metric in (METRICS[name] for name in METRICS if name not in OURS):
        row = rows[metric.name]
        title = re.sub(r" \((Amazon|Cisco SL event)\)", "", row["metric"])  # no vendor in a title
        assert (metric.title, metric.unit, metric.direction, metric.clause) == (title, row["unit"], row["direction"], row["clause"])
        assert set(CODES.findall(row["source"])) <= set(CODES.findall(metric.source)), metric.name


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
def test_every_metric_is_whole(metric) -> None:
    assert metric.name in METRICS
    assert metric.kind in ("count", "sum", "ratio", "mean", "quantile", "max", "computed")
    if metric.kind != "computed":
        assert metric.unit == {"count": "count", "ratio": "ratio"}.get(metric.kind, "s") or metric.name == "contacts_per_hour"
    assert metric.direction in ("higher_is_better", "lower_is_better", "neutral")
    assert re.fullmatch(r"\d(\.\d+)?(-\d\.\d)?(; \d(\.\d+)?)*", metric.clause)
    assert CODES.search(metric.source) or metric.source in ("trade convention", "this project", "trade convention; this project")
    assert metric.columns
    for column in metric.columns:
        assert column in TABLES[metric.table], column
    assert bool(metric.probability) == (metric.kind == "quantile")
    assert callable(getattr(ccstats, metric.function))


def test_terms_of_a_ratio_are_its_formula() -> None:
    metric = METRICS["abandonment_rate_net"]
    assert metric.numerator == ((1, "abandoned"), (-1, "abandoned_short"))
    assert metric.denominator == ((1, "offered"), (-1, "open"), (-1, "abandoned_short"))
    assert METRICS["contacts_per_hour"].numerator == ((1, "handled"),)
    assert METRICS["contacts_per_hour"].scale == 3600


def test_utilisation_over_logged_in_time_is_occupancy_with_available_time() -> None:
    metric, occupancy = METRICS["utilisation_logged"], METRICS["occupancy_logged"]
    assert metric.numerator == (*occupancy.numerator, (1, "available_s"))
    assert metric.denominator == occupancy.denominator == ((1, "logged_in_s"),)
    assert METRICS["utilisation"].function == "measure_agents"


def test_there_are_nine_service_levels_and_ours_is_first() -> None:
    assert len(SERVICE_LEVELS) == 9
    assert SERVICE_LEVELS[0] == "service_level"
    assert all(("answered_within" in METRICS[name].columns) and METRICS[name].unit == "ratio" for name in SERVICE_LEVELS)
    assert len({(METRICS[name].numerator, METRICS[name].denominator) for name in SERVICE_LEVELS}) == 9
    assert set(SERVICE_LEVELS) < set(RATIOS["intervals"])


def test_every_source_code_is_resolved_in_the_docs() -> None:
    listed = set(re.findall(r"^\| ([VMRS]\d\d) \|", (ROOT / "docs" / "sources.md").read_text(encoding="utf-8"), flags=re.MULTILINE))
    used = {code for metric in METRICS.values() for code in CODES.findall(metric.source)}
    for page in ("differences_from_vendor_reports.md", "which_service_level.md"):
        used |= set(CODES.findall((ROOT / "docs" / page).read_text(encoding="utf-8")))
    assert used <= listed


def test_nomenclature_page_is_up_to_date(capsys) -> None:
    spec = importlib.util.spec_from_file_location("make_nomenclature", ROOT / "tools" / "make_nomenclature.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.main(["--check"]) == 0, capsys.readouterr().out
    assert all(f"`{name}`" in module.page() for name in METRICS)
