"""Presets: every sourced row of the list is shipped and no other, each with source, date, confidence and the note; none is a standard's."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

import ccstats as cc
from ccstats.agreement.presets import CHECK, preset_names
from ccstats.errors import OptionError, ZoneError

TABLE = cc.Agreement.presets()
READINGS = sorted(set(zip(TABLE["id"], TABLE["reading"], strict=True)))


def load(preset: str, reading: str, **others) -> cc.Agreement:
    known = sorted(TABLE.loc[(TABLE["id"] == preset) & (TABLE["reading"] != ""), "reading"])
    return cc.Agreement.preset(preset, timezone="Europe/Berlin", reading=reading or (known[0] if known else None), **others)


@pytest.mark.parametrize(("preset", "reading"), READINGS)
def test_each_loads_and_comes_back_from_toml(preset: str, reading: str) -> None:
    agreement = load(preset, reading)
    assert agreement.targets
    assert cc.Agreement.from_toml(agreement.to_toml()) == agreement


@pytest.mark.parametrize(("preset", "reading"), READINGS)
def test_each_says_who_says_so_when_and_how_sure(preset: str, reading: str) -> None:
    agreement = load(preset, reading)
    told = agreement.describe()
    assert told.count(CHECK) == len(agreement.targets) + 1
    for target in agreement.targets:
        assert len(target.source) > 10
        assert target.as_of is not None
        assert target.confidence in ("A", "B", "C")
        assert target.note.endswith(CHECK)
        for each in (target.source, str(target.as_of), f"confidence {target.confidence}"):
            assert each in told
    assert not re.search(r"\b[VMRS]\d\d\b", told)  # codes are spelled out


@pytest.mark.parametrize(("preset", "reading"), READINGS)
def test_none_is_called_a_standards_target(preset: str, reading: str) -> None:
    told = load(preset, reading).describe() + load(preset, reading).to_toml()
    for standard in ("15838", "18295", "UNI 11200", "COPC"):
        assert standard not in told


def small_step(target: cc.Target) -> float:
    return 0.001 if target.unit == "ratio" else 0.5


@pytest.mark.parametrize(("preset", "reading"), READINGS)
def test_each_target_passes_and_fails_a_month(preset: str, reading: str) -> None:
    for target in load(preset, reading).targets:
        if target.value is None:
            assert target.is_met(0.5) is None
            assert target.lacks
            continue
        step = small_step(target)
        good, bad = (target.value + step, target.value - step) if target.op in (">=", ">") else (target.value - step, target.value + step)
        assert target.is_met(good) is True, target.name
        assert target.is_met(bad) is False, target.name
        assert target.is_met(target.value) is (target.op in (">=", "<=")), target.name


def rows_of_the_list(shared: Path) -> list[tuple[str, str, str]]:
    """Preset, value and confidence of each row of part C."""
    text = (shared / "definitions.md").read_text(encoding="utf-8")
    part = text.split("## Part C.")[1].split("### C.1")[0]
    rows, preset = [], ""
    for line in part.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 7 or cells[0] in ("Preset id", "---"):
            continue
        preset = cells[0].strip("`") or preset
        rows.append((preset, f"{cells[2]} {cells[3]}" if "answered" in cells[2] else cells[3], cells[5]))
    return rows


@pytest.mark.shared
def test_what_is_sourced_is_shipped_and_nothing_else(shared: Path) -> None:
    rows = rows_of_the_list(shared)
    assert len(rows) > 30
    sourced = {preset for preset, _, confidence in rows if confidence[0] in "ABC"}
    assert sourced == set(preset_names())
    assert {preset for preset, _, _ in rows} - sourced == {"it_arera_energy", "it_uni_11200", "uk_ofgem", "etsi_202_057", "copc"}


@pytest.mark.shared
def test_every_number_of_the_list_is_in_its_preset(shared: Path) -> None:
    checked = 0
    for preset, value, confidence in rows_of_the_list(shared):
        if confidence[0] not in "ABC" or "not found" in value or "own yearly targets" in value:
            continue
        value = re.sub(r"\(.*?\)", "", value)  # remarks, such as what a few contracts say
        targets = [target for each, reading in READINGS if each == preset for target in load(preset, reading).targets]
        shares = [target.value for target in targets if target.unit == "ratio" and target.value is not None]
        times = [each for target in targets for each in (target.threshold_s, target.value) if each is not None]
        limits = [target.limit for target in targets if target.limit is not None]
        for percent in re.findall(r"(\d+)%", value):
            assert any(math.isclose(share, wanted) for share in shares for wanted in (int(percent) / 100, 1 - int(percent) / 100)), (
                preset,
                value,
            )
            checked += 1
        for seconds in re.findall(r"(\d+) s\b", value):
            assert float(seconds) in times, (preset, value)
            checked += 1
        for days in re.findall(r"(\d+) days", value):
            assert int(days) * 86400 in limits, (preset, value)
            checked += 1
        for days in re.findall(r"(\d+) working days", value):
            assert int(days) in limits, (preset, value)
            checked += 1
    assert checked > 35


def test_the_rules_that_force_a_field_have_it() -> None:
    water = {target.name: target for target in load("it_arera_water", "").targets}
    assert {(water[name].k, water[name].n) for name in ("line_accessibility", "mean_wait", "telephone_service_level")} == {(10, 12)}
    assert {target.period for target in load("us_fcc_cable", "").targets} == {"quarter"}
    medicare = load("us_cms_medicare", "").targets
    assert [target.margin_adjusted for target in medicare] == [True, True, False]
    assert all(target.op == "<" for target in load("us_fcc_cable", "").targets if target.metric == "blocked_rate")
    spain = load("es_ley_10_2025", "share_below")
    assert not spain.service_level.inclusive
    assert [target.calendar for target in spain.targets if target.metric == "complaint_on_time_rate"] == ["working_days"]
    mean = load("es_ley_10_2025", "mean_of_95").targets[0]
    assert (mean.statistic, mean.probability, mean.op, mean.value) == ("mean", 0.95, "<", 180.0)
    assert load("br_sac_2008", "banks").targets[0].threshold_rules[0].working_day_of_month == 5
    assert cc.Agreement.preset("pe_osiptel").targets[0].value == 0.05  # the first reading is the default
    assert cc.Agreement.preset("es_ley_10_2025").targets[0].name == "attended_3min"


def test_a_clock_can_be_put_in_place_of_one_that_logs_do_not_have() -> None:
    with_menu, in_queue = cc.Agreement.preset("be_charter"), cc.Agreement.preset("be_charter", clock="queued")
    assert with_menu.clock_of(with_menu.targets[0]) == "human_option"
    assert in_queue.clock_of(in_queue.targets[0]) == "queued"
    assert "'human_option'" in in_queue.targets[0].note
    assert in_queue.targets[1] == with_menu.targets[1]


def test_changes_fill_in_what_each_operator_sets() -> None:
    own = cc.Agreement.preset("it_agcom_79_09", changes={"waiting_time": {"value": 70}})
    assert [target.lacks == "" for target in own.targets] == [False, True, False]
    assert own.targets[1].is_met(87.0) is False  # the year that was fined
    turkey = cc.Agreement.preset("tr_btk_2012", changes={"complaints_in_time": {"limit": 54 * 3600}})
    assert turkey.targets[3].lacks == ""
    illinois = cc.Agreement.preset("us_il_730_510", changes={"operator_offices": {"queues": ["operator"]}})
    assert [target.lacks == "" for target in illinois.targets] == [True, False]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"preset": "tr_btk_2013"}, "Did you mean tr_btk_2012"),
        ({"preset": "it_arera_energy"}, "there is no preset"),
        ({"preset": "sources"}, "there is no preset"),
        ({"preset": "br_sac_2008", "reading": "bank"}, "Did you mean banks"),
        ({"preset": "std_80_20", "reading": "x"}, "only one"),
        ({"preset": "be_charter", "clock": "human_option"}, "none that logs have"),
        ({"preset": "be_charter", "changes": {"person": {"value": 3}}}, "Did you mean person_150s"),
        ({"preset": "std_80_20", "changes": {"80_20": {"value": 80}}}, "write 0.8 for 80 %"),
        ({"preset": "std_80_20", "changes": {"80_20": {"colour": "red"}}}, "colour"),
        ({"preset": "std_80_20", "timezone": "Mars"}, "no zone"),
    ],
)
def test_what_is_not_there_is_refused(arguments: dict, said: str) -> None:
    with pytest.raises((OptionError, ZoneError), match=said):
        cc.Agreement.preset(**arguments)


def test_the_table_of_presets_is_whole() -> None:
    assert {"id", "jurisdiction", "metric", "value", "source", "as_of", "confidence", "note"} <= set(TABLE.columns)
    assert not TABLE.duplicated(["id", "reading", "target"]).any()
    assert TABLE.drop(columns=["threshold_s", "value"]).notna().all(axis=None)
    assert set(TABLE.loc[TABLE["value"].isna(), "id"]) == {"it_agcom_79_09"}
