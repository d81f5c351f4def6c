"""Every target of every preset, judged on a month (quarter, year) that keeps it and on one that does not, with figures counted by hand.

The contacts of a case are a few kinds, so many of each on every day; what a preset leaves open is filled in by ``changes``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pytest
from scorecard_cases import complaints, contacts, days, figures, items, month

import ccstats as cc

ZONES = {"tr": "Europe/Istanbul", "it": "Europe/Rome", "es": "Europe/Madrid", "pt": "Europe/Lisbon", "be": "Europe/Brussels"}
ZONES |= {"br": "America/Sao_Paulo", "ua": "Europe/Kyiv", "in": "Asia/Kolkata", "tz": "Africa/Dar_es_Salaam", "us": "America/New_York"}
ZONES |= {"pe": "America/Lima"}
MONTH = ("2026-03-01", "2026-03-31")
QUARTER = ("2026-01-01", "2026-03-31")
YEAR = ("2026-01-01", "2026-12-31")


@dataclass(frozen=True)
class Case:
    """How a target is kept and how it is not: kinds of contacts or rows of another table, and the value that a reader counts."""

    kept: list[Any]
    missed: list[Any]
    values: tuple[float, float]
    table: str = "contacts"
    span: tuple[str, str] = MONTH
    lacks: str = ""  # what is said where the data have no such clock or table
    changes: dict[str, Any] = field(default_factory=dict)


def wait(seconds: float, **more: Any) -> dict[str, Any]:
    return {"wait_s": float(seconds), **more}


LOST = {"outcome": "abandoned", "wait_s": 200.0, "agent": None, "talk_s": float("nan")}


def share(good: int, bad: int, within: float, beyond: float, **more: Any) -> list[dict[str, Any]]:
    return [wait(within, **more)] * good + [wait(beyond, **more)] * bad


#: Arrival, choice of a human and joining the queue are told by minutes before noon of the day: see `_timed`.
OPTION = {"option_s": 5.0}


def received(late: int, in_time: int, *, days_in: float, days_late: float, at: str = "2026-03-02 12:00") -> list[dict[str, Any]]:
    opened = pd.Timestamp(at)
    took = [days_in] * in_time + [days_late] * late
    return [{"received_at": str(opened), "resolved_at": str(opened + pd.Timedelta(days=each))} for each in took]


def asked(tried: list[str]) -> list[dict[str, Any]]:
    """Callbacks asked for on Friday 6 March at noon, and when each was tried."""
    return [{"queued_at": "2026-03-06 12:00", "outcome": "callback", "wait_s": 0.0, "attempted_at": each} for each in tried]


def replied(hours: list[float]) -> list[dict[str, Any]]:
    opened = pd.Timestamp("2026-03-02 12:00")
    return [{"opened_at": str(opened), "first_response_at": str(opened + pd.Timedelta(hours=each))} for each in hours]


def menu(seconds: list[float]) -> list[dict[str, Any]]:
    return [wait(10, menu_s=each) for each in seconds]


HUMAN = "offered a human"
SHARES = {
    20: {"kept": share(4, 1, 20, 21), "missed": share(3, 1, 20, 21), "values": (0.8, 0.75)},
    30: {"kept": share(3, 1, 30, 31), "missed": share(2, 1, 30, 31), "values": (0.75, 2 / 3)},
    90: {"kept": share(19, 1, 90, 91), "missed": share(18, 1, 90, 91), "values": (0.95, 18 / 19)},
}
BAD, GOOD = [wait(300)] * 2, [wait(100)] * 2

CASES: dict[tuple[str, str, str], Case] = {
    ("tr_btk_2012", "", "answered_20s"): Case(**SHARES[20], span=QUARTER),
    ("tr_btk_2012", "", "main_menu"): Case(menu([44, 45]), menu([44, 46]), (45, 46), span=QUARTER, lacks="human_option_at"),
    ("tr_btk_2012", "", "sub_menu"): Case(
        menu([20, 3]), menu([21, 3]), (20, 21), span=QUARTER, lacks="name their queues", changes={"queues": ["sales"]}
    ),
    ("tr_btk_2012", "", "complaints_in_time"): Case(
        received(1, 9, days_in=1, days_late=3),
        received(1, 8, days_in=1, days_late=3),
        (0.9, 8 / 9),
        table="complaints",
        span=QUARTER,
        lacks="no time limit is agreed",
        changes={"limit": 54 * 3600},
    ),
    ("tr_epdk_ivr", "", "operator_option"): Case(menu([45, 10]), menu([45.5, 10]), (45, 45.5), lacks="human_option_at"),
    ("tr_epdk_ivr", "", "no_action"): Case(menu([120]), menu([121]), (120, 121), lacks="name their queues", changes={"queues": ["sales"]}),
    ("it_agcom_255_24", "", "mean_response"): Case(
        [wait(95, **OPTION), wait(195, **OPTION)], [wait(95, **OPTION), wait(197, **OPTION)], (150, 151), lacks=HUMAN
    ),
    ("it_agcom_255_24", "", "answered_20s"): Case(share(2, 3, 15, 16, **OPTION), share(1, 3, 15, 16, **OPTION), (0.4, 0.25), lacks=HUMAN),
    ("it_agcom_255_24", "", "complaints_30_days"): Case(
        received(0, 3, days_in=30, days_late=0),
        received(1, 3, days_in=30, days_late=30.1),
        (1, 0.75),
        table="complaints",
        span=("2026-03-01", "2026-04-30"),
    ),
    ("it_agcom_79_09", "", "navigation_time"): Case(
        menu([30, 50]), menu([30, 52]), (40, 41), span=YEAR, lacks="no value is agreed", changes={"value": 40}
    ),
    ("it_agcom_79_09", "", "waiting_time"): Case(
        [wait(65, **OPTION)], [wait(66, **OPTION)], (70, 71), span=YEAR, lacks="no value is agreed", changes={"value": 70}
    ),
    ("it_agcom_79_09", "", "resolved_without_reminder"): Case(
        [{"received_at": "2026-03-02 12:00", "resolved_at": "2026-03-03 12:00", "reminders": each} for each in (0, 0, 0, 1)],
        [{"received_at": "2026-03-02 12:00", "resolved_at": "2026-03-03 12:00", "reminders": each} for each in (0, 0, 2, 1)],
        (0.75, 0.5),
        table="complaints",
        span=YEAR,
        lacks="no value is agreed",
        changes={"value": 0.75},
    ),
    ("it_arera_water", "", "line_accessibility"): Case(
        [0.91] * 10 + [0.90] * 2, [0.91] * 9 + [0.90] * 3, (0.9, 0.9), table="figures", span=YEAR, lacks="no log tells"
    ),
    ("it_arera_water", "", "mean_wait"): Case([240.0] * 10 + [241.0] * 2, [240.0] * 9 + [241.0] * 3, (241, 241), table="waits", span=YEAR),
    ("it_arera_water", "", "telephone_service_level"): Case(
        [4] * 10 + [3] * 2, [4] * 9 + [3] * 3, (0.75, 0.75), table="answered", span=YEAR
    ),
    ("it_arera_water", "", "emergency_120s"): Case(
        share(9, 1, 120, 121), share(8, 1, 120, 121), (0.9, 8 / 9), lacks="name their queues", changes={"queues": ["sales"]}
    ),
    ("es_ley_10_2025", "share_below", "attended_3min"): Case(share(19, 1, 179, 180), share(18, 1, 179, 180), (0.95, 18 / 19)),
    ("es_ley_10_2025", "mean_of_95", "mean_of_95"): Case(share(19, 1, 179, 900), share(19, 1, 180, 900), (179, 180)),
    ("es_ley_10_2025", "mean_of_95", "attended_95"): Case([wait(9)] * 19 + [LOST], [wait(9)] * 18 + [LOST], (0.95, 18 / 19)),
    ("es_ley_10_2025", "", "complaints_15_working_days"): Case(
        # Monday 2 March and 15 working days: Monday 23 March; its whole day counts
        [{"received_at": "2026-03-02 12:00", "resolved_at": "2026-03-23 23:00"}],
        [{"received_at": "2026-03-02 12:00", "resolved_at": "2026-03-24 08:00"}],
        (1, 0),
        table="complaints",
    ),
    ("es_ley_10_2025", "", "incident_information_2h"): Case(
        replied([1, 2]), replied([1, 2.5]), (7200, 9000), table="items", lacks="name their queues", changes={"queues": ["post"]}
    ),
    ("pt_dl_134_2009", "", "wait_60s"): Case([wait(60), wait(1)], [wait(61), wait(1)], (60, 61), lacks="first rang"),
    ("pt_dl_134_2009", "", "reply_2_working_days"): Case(
        asked(["2026-03-10 23:00"]), asked(["2026-03-10 23:00", "2026-03-11 08:00"]), (1, 0.5), table="callbacks"
    ),
    ("be_charter", "", "person_150s"): Case([wait(145, **OPTION)], [wait(146, **OPTION)], (150, 151), lacks=HUMAN),
    ("be_charter", "", "callback_next_working_day"): Case(
        asked(["2026-03-09 23:00"]), asked(["2026-03-09 23:00", "2026-03-10 08:00"]), (1, 0.5), table="callbacks"
    ),
    ("br_sac_2008", "general", "wait_60s"): Case([wait(55, **OPTION)], share(2, 1, 55, 56, **OPTION), (1, 2 / 3), lacks=HUMAN),
    ("br_sac_2008", "banks", "wait_45s"): Case(
        [wait(40, **OPTION)],
        share(1, 1, 40, 85, **OPTION),
        (1, None),
        lacks=HUMAN,  # 85 + 5 s is in time on Mondays and the like
    ),
    ("br_sac_2022", "", "answered_7_days"): Case(replied([168]), replied([168, 169]), (1, 0.5), table="items"),
    ("ua_neurc", "", "answered_30s"): Case(**SHARES[30]),
    ("ua_neurc", "", "lost_in_queue"): Case([wait(9)] * 9 + [LOST], [wait(9)] * 8 + [LOST], (0.1, 1 / 9)),
    ("in_trai", "", "answered_90s"): Case(**SHARES[90]),
    ("tz_qos", "", "answer_success"): Case([wait(9)] * 49 + [LOST], [wait(9)] * 48 + [LOST], (0.98, 48 / 49)),
    ("tz_qos", "", "mean_wait"): Case([wait(250), wait(350)], [wait(250), wait(352)], (300, 301)),
    ("us_fcc_cable", "", "answered_30s"): Case(
        share(9, 1, 20, 21, arrive_s=10.0), share(8, 1, 20, 21, arrive_s=10.0), (0.9, 8 / 9), span=QUARTER, lacks="arrived"
    ),
    ("us_fcc_cable", "", "transferred_30s"): Case(
        share(9, 1, 30, 31), share(8, 1, 30, 31), (0.9, 8 / 9), span=QUARTER, lacks="name their queues", changes={"queues": ["sales"]}
    ),
    ("us_fcc_cable", "", "busy"): Case(
        [wait(9)] * 49 + [{"outcome": "blocked_full", "wait_s": float("nan"), "agent": None}],
        [wait(9)] * 24 + [{"outcome": "blocked_full", "wait_s": float("nan"), "agent": None}],
        (0.02, 0.04),
        span=QUARTER,
    ),
    ("us_cms_medicare", "", "mean_hold"): Case(
        [wait(115, **OPTION)] * 2, [wait(115, **OPTION), wait(130, **OPTION)], (120, 127.5), span=QUARTER, lacks=HUMAN
    ),
    ("us_cms_medicare", "", "disconnects"): Case([wait(9)] * 19 + [LOST], [wait(9)] * 4 + [LOST], (0.05, 0.2), span=QUARTER),
    ("us_cms_medicare", "", "answered_30s"): Case(
        share(4, 1, 25, 26, **OPTION), share(3, 1, 25, 26, **OPTION), (0.8, 0.75), span=QUARTER, lacks=HUMAN
    ),
    ("us_il_730_510", "", "operator_offices"): Case(
        [wait(10)], [wait(11)], (10, 11), lacks="name their queues", changes={"queues": ["sales"]}
    ),
    ("us_il_730_510", "", "business_and_repair"): Case(
        [wait(50), wait(70)], [wait(50), wait(72)], (60, 61), lacks="name their queues", changes={"queues": ["sales"]}
    ),
    ("pe_osiptel", "from_2016", "not_completed"): Case([wait(9)] * 19 + [LOST], [wait(9)] * 18 + [LOST], (0.05, 1 / 19)),
    ("pe_osiptel", "in_2014", "not_completed"): Case([wait(9)] * 9 + [LOST], [wait(9)] * 8 + [LOST], (0.1, 1 / 9)),
    ("std_80_20", "", "80_20"): Case(**SHARES[20]),
}


def _targets() -> list[tuple[str, str, str]]:
    table = cc.Agreement.presets()
    return sorted(zip(table["id"], table["reading"], table["target"], strict=True))


def _agreement(preset: str, reading: str, target: str, changes: dict[str, Any], **more: Any) -> cc.Agreement:
    zone = ZONES.get(preset.split("_")[0], "UTC")
    whole = cc.Agreement.preset(preset, timezone=zone, reading=reading or None, changes={target: changes} if changes else None, **more)
    return whole.model_copy(update={"targets": tuple(each for each in whole.targets if each.name == target)})


def _contacts(kinds: list[dict[str, Any]], span: tuple[str, str], zone: str, *, plain: bool = False) -> pd.DataFrame:
    """So many contacts of each kind a day; where a kind tells, with the instants before the queue."""
    rows = []
    for day in days(*span):
        for number, kind in enumerate(kinds):
            at = pd.Timestamp(day) + pd.Timedelta(minutes=number)
            row = {name: value for name, value in kind.items() if name not in ("option_s", "arrive_s", "menu_s")} | {"queued_at": str(at)}
            if not plain:
                row |= _timed(at, kind)
            rows.append(row)
    return contacts(rows, zone)


def _timed(at: pd.Timestamp, kind: dict[str, Any]) -> dict[str, str]:
    def before(seconds: float) -> str:
        return str(at - pd.Timedelta(seconds=seconds))

    if "option_s" in kind:
        return {"arrived_at": before(60), "human_option_at": before(kind["option_s"])}
    if "menu_s" in kind:
        return {"arrived_at": before(200), "human_option_at": before(200 - kind["menu_s"])}
    return {"arrived_at": before(kind["arrive_s"])} if "arrive_s" in kind else {}


def _monthly(values: list[Any], make: Any) -> list[dict[str, Any]]:
    return [row for number, value in enumerate(values, 1) for row in make(f"2026-{number:02d}-01", value)]


def _tables(case: Case, rows: list[Any], zone: str) -> dict[str, Any]:
    """The rows of a case as tables; one call a day stands for the span."""
    usual = contacts(month(1, first=case.span[0], last=case.span[1]), zone)
    if case.table == "contacts":
        return {"contacts": _contacts(rows, case.span, zone)}
    if case.table == "complaints":
        return {"contacts": usual, "complaints": complaints(rows, zone)}
    if case.table == "items":
        return {"contacts": usual, "items": items(rows, zone)}
    if case.table == "callbacks":
        return {"contacts": contacts([*month(1, first=case.span[0], last=case.span[1]), *rows], zone)}
    if case.table == "figures":
        of_month = {"metric": "line_accessibility", "denominator": 1000.0}
        made = _monthly(rows, lambda day, value: [of_month | {"period_start": day, "numerator": value * 1000}])
        return {"contacts": usual, "figures": figures(made, zone)}
    of_day = {"waits": lambda value: [wait(value)], "answered": lambda value: [wait(9)] * value + [LOST]}[case.table]
    return {"contacts": contacts(_monthly(rows, lambda day, value: _month_of(day, of_day(value))), zone)}


def _month_of(first: str, kinds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    last = (pd.Timestamp(first) + pd.offsets.MonthEnd(0)).strftime("%Y-%m-%d")
    noon = [pd.Timestamp(day) for day in (f"{first} 12:00", f"{last} 12:00")]
    return [{"queued_at": str(at + pd.Timedelta(minutes=number)), **kind} for at in noon for number, kind in enumerate(kinds)]


def _judge(key: tuple[str, str, str], case: Case, rows: list[Any]) -> Any:
    more = {"clock": "queued"} if key[0] == "pt_dl_134_2009" else {}  # the clock of the rule is in no log
    agreement = _agreement(*key, case.changes, **more)
    kpis = cc.build_scorecard(agreement, period="month", **_tables(case, rows, agreement.timezone))
    queue = "all" if case.table in ("complaints", "figures") else "post" if case.table == "items" else "sales"
    assert cc.Agreement.from_toml(agreement.to_toml()) == agreement
    return kpis[(kpis["queue"] == queue) & kpis["value"].notna()].iloc[-1]


def test_every_target_of_every_preset_has_its_case() -> None:
    assert sorted(CASES) == _targets()


@pytest.mark.parametrize("key", _targets(), ids="-".join)
def test_a_preset_is_kept_and_missed(key: tuple[str, str, str]) -> None:
    case = CASES[key]
    for rows, verdict, value in ((case.kept, "met", case.values[0]), (case.missed, "not_met", case.values[1])):
        row = _judge(key, case, rows)
        assert (row["verdict"], row["value"]) == (verdict, row["value"] if value is None else pytest.approx(value)), row.to_dict()
        assert row["target"] == key[2]


@pytest.mark.parametrize("key", [key for key in _targets() if CASES[key].lacks], ids="-".join)
def test_without_what_a_preset_needs_it_is_not_decidable_and_says_why(key: tuple[str, str, str]) -> None:
    case = CASES[key]
    agreement = _agreement(*key, {})
    kinds = case.kept if case.table == "contacts" else [wait(9)]
    kpis = cc.build_scorecard(agreement, contacts=_contacts(kinds, case.span, agreement.timezone, plain=True))
    assert set(kpis["verdict"]) == {"not_decidable"}
    assert kpis["verdict_reason"].str.contains(case.lacks, regex=False).all(), kpis["verdict_reason"].tolist()
    assert kpis[["value", "indicator", "money"]].isna().all(axis=None)
