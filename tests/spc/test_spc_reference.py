"""Every limit, signal and rule of the reference cases; run lengths and change points are claimed by the tests named here."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ccstats as cc
from ccstats.spc.funnel import funnel_limits

REFERENCE = Path(__file__).parents[1] / "reference"
SHARED = Path(os.environ.get("CCSTATS_SHARED", REFERENCE.parents[2] / "shared"))

#: Cases that another file goes over, by the beginning of their name.
ELSEWHERE = {"arl_": "tests/spc/test_runlength_reference.py", "cp_nile": "tests/test_profile.py"}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ROWS = rows_of(REFERENCE / "spc_cases.csv")


@cache
def column(data: str, name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in rows_of(REFERENCE / "spc_data" / f"{data}.csv")])


def positions(flags: np.ndarray) -> str:
    return " ".join(str(each + 1) for each in np.flatnonzero(flags))


def figures(chart: Any, *, at: int = 0, center: str, **more: Callable[[], Any]) -> dict[str, Callable[[], Any]]:
    named = {center: lambda: chart.center[at], "UCL": lambda: chart.upper[at], "LCL": lambda: chart.lower[at]}
    return {**named, "signals": lambda: positions(chart.signals), **more}


def orange(first: int, last: int, **how: Any) -> Any:
    count, size = (column("montgomery_t7_1_orange_juice", each)[first - 1 : last] for each in ("count", "size"))
    return cc.spc.limits("p", count, size, **how)


def p_orange_phase1() -> dict[str, Callable[[], Any]]:
    return figures(orange(1, 30), center="p-bar")


def p_orange_revised() -> dict[str, Callable[[], Any]]:
    chart = orange(1, 30, exclude=[14, 22])
    return figures(chart, center="p-bar", **{"signals among the 30 (limits from 28)": lambda: positions(chart.signals)})


def p_orange_adjusted() -> dict[str, Callable[[], Any]]:
    return figures(orange(31, 54), center="p-bar")


def p_orange_part2() -> dict[str, Callable[[], Any]]:
    chart = orange(1, 94, phases=[30])
    assert chart.phase[29] == 0
    assert chart.phase[30] == 1
    return {"p-bar part 2 (31-94)": lambda: chart.center[30], "UCL part 2": lambda: chart.upper[30]}


def circuit(**how: Any) -> Any:
    return cc.spc.limits("c", column("montgomery_t7_7_circuit_boards", "count"), **how)


def c_circuit() -> dict[str, Callable[[], Any]]:
    return figures(circuit(exclude=np.arange(26, 46)), center="c-bar")


def c_circuit_revised() -> dict[str, Callable[[], Any]]:
    chart = circuit(exclude=[5, 19, *range(26, 46)])
    return figures(chart, center="c-bar", **{"phase II signals (27-46)": lambda: positions(chart.signals[26:])})


def u_supply() -> dict[str, Callable[[], Any]]:
    data = "montgomery_t7_10_supply_chain"
    return figures(cc.spc.limits("u", column(data, "count"), column(data, "size")), center="u-bar")


def u_pc() -> dict[str, Callable[[], Any]]:
    (note,) = {row["note"] for row in ROWS if row["case"] == "u_pc"}
    size, text = re.fullmatch(r"20 samples of (\d+): ([\d ]+)", note).groups()  # type: ignore[union-attr]
    return figures(cc.spc.limits("u", [float(each) for each in text.split()], float(size)), center="u-bar")


def xbar_s_piston() -> dict[str, Callable[[], Any]]:
    data = "montgomery_t6_3_pistonrings"
    chart = cc.spc.limits("xbar_s", column(data, "obs"), subgroups=column(data, "sample"))
    rows = {"s-bar": lambda: chart.companion.center[0], "S UCL": lambda: chart.companion.upper[0]}
    return figures(chart, center="x-double-bar", **rows)


def xmr_mortgage() -> dict[str, Callable[[], Any]]:
    cost = column("montgomery_t6_6_mortgage_cost", "cost")
    chart = cc.spc.limits("xmr", cost, exclude=np.arange(20, 40), d2=1.128, d4=3.267)
    exact = cc.spc.limits("xmr", cost[:20])
    more = {
        "MR-bar": lambda: chart.companion.center[0],
        "MR UCL": lambda: chart.companion.upper[0],
        "phase II signals": lambda: positions(chart.signals),
        "UCL with unrounded d2": lambda: exact.upper[0],
    }
    return figures(chart, center="centre", **more)


def xmr_nhs_screen() -> dict[str, Callable[[], Any]]:
    (note,) = {row["note"] for row in ROWS if row["case"] == "xmr_nhs_screen" and row["note"]}
    values = [float(each) for each in re.match(r"data ([\d ]+);", note).group(1).split()]  # type: ignore[union-attr]
    tables: dict[str, Any] = {"d2": 3 / 2.66, "d4": 3.267}  # the source prints limits at 2.66 mean moving ranges
    plain, screened = (cc.spc.limits("xmr", values, screen=each, **tables) for each in (False, True))
    either = {positions(each.signals) for each in (plain, screened)}
    return {
        "mean": lambda: plain.center[0],
        "UPL all MR": lambda: plain.upper[0],
        "LPL all MR": lambda: plain.lower[0],
        "UPL screened MR (Nelson 1982)": lambda: screened.upper[0],
        "LPL screened MR": lambda: screened.lower[0],
        "signals either way": lambda: either.pop() if len(either) == 1 else "they differ",
    }


def xmr_missing() -> dict[str, Callable[[], Any]]:
    cost = column("montgomery_t6_6_mortgage_cost", "cost").copy()
    cost[10] = np.nan
    cut, bridged = (cc.spc.limits("xmr", cost, d2=1.128, bridge_gaps=each) for each in (False, True))
    return {
        "UCL, moving range not taken across the gap": lambda: cut.upper[0],
        "UCL, moving range bridged across the gap": lambda: bridged.upper[0],
    }


def t_valve() -> dict[str, Callable[[], Any]]:
    chart = cc.spc.limits("t", column("montgomery_t7_14_valve_failures", "hours"), d2=1.128)
    return {
        "centre (back-transformed)": lambda: chart.center[0],
        "UCL": lambda: chart.upper[0],
        "LCL clipped": lambda: chart.lower[0],
        "mean of transformed": lambda: chart.details["transformed_center"][0],
    }


def iprime_lots() -> dict[str, Callable[[], Any]]:
    chart = cc.spc.limits("i_prime", column("qicharts2_lots", "value"), column("qicharts2_lots", "n"))
    return {
        "centre": lambda: chart.center[0],
        "sigma per unit": lambda: chart.details["sigma_unit"][0],
        "UCL lot 1": lambda: chart.upper[0],
        "LCL lot 1": lambda: chart.lower[0],
    }


def cusum_table() -> dict[str, Callable[[], Any]]:
    chart = cc.spc.limits("cusum", column("montgomery_t9_1_cusum", "x"), center=10, sigma=1, k=0.5, h=5)
    part = chart.details
    return {
        "first signal (h=5,k=.5,target 10)": lambda: np.flatnonzero(chart.signals)[0] + 1,
        "C+ at 29": lambda: part["c_plus"][28],
        "C+ at 30": lambda: part["c_plus"][29],
        "N+ at 29 (so change after 22)": lambda: part["n_plus"][28],
        "C- at 2": lambda: part["c_minus"][1],
        "new-mean estimate mu0+K+C+/N+": lambda: part["new_mean"][28],
    }


def cusum_qcc() -> dict[str, Callable[[], Any]]:
    (quantity,) = (row["quantity"] for row in ROWS if row["case"] == "cusum_qcc")
    values = [float(each) for each in re.match(r"C\+ for ([-\d. ]+) \(", quantity).group(1).split()]  # type: ignore[union-attr]
    chart = cc.spc.limits("cusum", values, center=0, sigma=1, k=0.5, h=1)
    assert not chart.signals[:2].any()  # 1.0 is not beyond h=1
    return {quantity: lambda: " ".join(repr(float(each)) for each in chart.details["c_plus"])}


def ewma_table() -> dict[str, Callable[[], Any]]:
    chart = cc.spc.limits("ewma", column("montgomery_t9_1_cusum", "x"), center=10, sigma=1, weight=0.1, width=2.7)
    steady = cc.spc.limits("ewma", column("montgomery_t9_1_cusum", "x"), center=10, sigma=1, weight=0.1, width=2.7, limits="asymptotic")
    z = {f"z{each}": (lambda each=each: chart.statistic[each - 1]) for each in range(1, 8)}
    return {
        **z,
        "UCL1": lambda: chart.upper[0],
        "LCL1": lambda: chart.lower[0],
        "UCL2": lambda: chart.upper[1],
        "steady UCL": lambda: steady.upper[0],
        "first signal": lambda: np.flatnonzero(chart.signals)[0] + 1,
    }


def ewma_qcc() -> dict[str, Callable[[], Any]]:
    chart = cc.spc.limits("ewma", [11, 13, 12], center=10, sigma=2, weight=0.5)
    text = " ".join(repr(float(each)) for each in chart.statistic)
    return {"z for 11 13 12 (lambda .5, centre 10)": lambda: text, "sigma_3 (std.dev 2)": lambda: chart.sigma[2]}


def rules_at() -> dict[str, Callable[[], Any]]:
    """Every row of the rules: the series stands in its quantity."""

    def broken(name: str, z: list[float]) -> str:
        chart = cc.spc.limits("xmr", z, center=0, sigma=1)
        (flags,) = cc.spc.apply_rules(chart.statistic, chart, rules=name).values()
        return positions(flags)

    out: dict[str, Callable[[], Any]] = {}
    for row in ROWS:
        found = re.fullmatch(r"(WE|Nelson) (?:rule )?(\d)(?: end points)?; z=(.+)", row["quantity"])
        if found:
            family, number, text = found.groups()
            repeated = re.fullmatch(r"([\d.]+) x(\d+), ([\d.]+)", text)
            if repeated:
                z = [float(repeated[1])] * int(repeated[2]) + [float(repeated[3])]
            else:
                z = [float(each) for each in text.strip("[]").split(",")]
            name = f"{'western_electric' if family == 'WE' else 'nelson'}_{number}"
            out[row["quantity"]] = lambda name=name, z=z: broken(name, z)
    return out


def anhoej_limits() -> dict[str, Callable[[], Any]]:
    def text(useful: int) -> str:
        return " ".join(str(each) for each in cc.spc.runs_limits(useful))

    return {f"n={each}: longest run max, crossings min": (lambda each=each: text(each)) for each in (6, 10, 20, 24, 25, 39, 40)}


def anhoej_mortgage() -> dict[str, Callable[[], Any]]:
    cost = column("montgomery_t6_6_mortgage_cost", "cost")
    test = cc.spc.runs_test(cost, center=float(cost[:20].mean()))
    return {"longest run / crossings": lambda: f"{test.longest_run} {test.crossings}"}


def funnel_poisson() -> dict[str, Callable[[], Any]]:
    out: dict[str, Callable[[], Any]] = {}
    for expected in (15, 20, 30):
        chart = cc.spc.limits("funnel", [expected], [expected], center=1, distribution="poisson")
        warning = chart.details
        out[f"ll95 E={expected}"] = lambda warning=warning: warning["warning_lower"][0]
        out[f"ul95 E={expected}"] = lambda warning=warning: warning["warning_upper"][0]
        out[f"ll99.8 E={expected}"] = lambda chart=chart: chart.lower[0]
        out[f"ul99.8 E={expected}"] = lambda chart=chart: chart.upper[0]
    return out


def funnel_agg() -> dict[str, Callable[[], Any]]:
    # The units of the source's own test, by group.
    numerator, denominator, group = [100, 150, 180, 89, 120, 225], [102, 135, 165, 95, 100, 220], list("aaabbc")
    chart = cc.spc.limits("funnel", numerator, denominator, subgroups=group, distribution="poisson", center=1)
    ratio = dict(zip(chart.labels.tolist(), chart.statistic, strict=True))
    return {f"ratio group {each}": (lambda each=each: ratio[each]) for each in "abc"}


def funnel_spiegelhalter() -> dict[str, Callable[[], Any]]:
    def upper(expected: float) -> float:
        return float(funnel_limits(1.0, [expected], distribution="poisson", method="interpolated")[1][0]) * expected

    return {f"interpolated Poisson 99.8% upper, E={each}": (lambda each=each: upper(each)) for each in (2, 5, 20)}


def wilson() -> dict[str, Callable[[], Any]]:
    out: dict[str, Callable[[], Any]] = {}
    for met, counted in ((81, 263), (15, 148), (0, 20), (1, 29)):
        low, high = cc.spc.wilson_interval(met, counted)
        out[f"{met}/{counted} lower"] = lambda low=low: low
        out[f"{met}/{counted} upper"] = lambda high=high: high
    return out


CHECKERS: dict[str, Callable[[], dict[str, Callable[[], Any]]]] = {
    each.__name__: each
    for each in (
        p_orange_phase1,
        p_orange_revised,
        p_orange_adjusted,
        p_orange_part2,
        c_circuit,
        c_circuit_revised,
        u_supply,
        u_pc,
        xbar_s_piston,
        xmr_mortgage,
        xmr_nhs_screen,
        xmr_missing,
        t_valve,
        iprime_lots,
        cusum_table,
        cusum_qcc,
        ewma_table,
        ewma_qcc,
        anhoej_limits,
        anhoej_mortgage,
        funnel_poisson,
        funnel_agg,
        funnel_spiegelhalter,
        wilson,
    )
} | {"rules_we": rules_at, "rules_we_overlap": rules_at, "rules_nelson": rules_at}

HERE = [row for row in ROWS if not row["case"].startswith(tuple(ELSEWHERE))]


@cache
def answers(case: str) -> dict[str, Callable[[], Any]]:
    return CHECKERS[case]()


#: Printed with eight digits after the point, but with a tolerance of 1e-12: the true figure is the root of 1.3125, 1.14564392373896….
PRINTED_SHORT = {("ewma_qcc", "sigma_3 (std.dev 2)"): 5e-9}


def agrees(got: Any, published: str, *, rel: float = 0.0, absolute: float) -> bool:
    """Text exactly; a number within the larger of both tolerances."""
    if isinstance(got, str):
        return got == published
    return bool(abs(got - float(published)) <= max(absolute, rel * abs(float(published))))


@pytest.mark.parametrize("row", HERE, ids=lambda row: f"{row['case']}: {row['quantity']}")
def test_case(row: dict[str, str]) -> None:
    got = answers(row["case"])[row["quantity"]]()
    # Recomputed figures have eight digits after the point, so that small ones have fewer than 1e-6 of themselves.
    assert agrees(got, row["recomputed"], rel=1e-6, absolute=1e-8)
    if row["expected"]:
        assert agrees(got, row["expected"], absolute=PRINTED_SHORT.get((row["case"], row["quantity"]), float(row["tolerance"])))


def test_the_short_printed_figure_is_a_rounding() -> None:
    (published,) = (row["expected"] for row in ROWS if (row["case"], row["quantity"]) in PRINTED_SHORT)
    exact = cc.spc.limits("ewma", [11, 13, 12], center=10, sigma=2, weight=0.5).sigma[2]
    assert exact == pytest.approx(1.3125**0.5, rel=1e-15)
    assert f"{exact:.8f}" == published


def test_every_row_is_claimed_once() -> None:
    assert len(ROWS) == 270
    for row in ROWS:
        elsewhere = [each for each in ELSEWHERE if row["case"].startswith(each)]
        here = [each for each in CHECKERS if row["case"] == each]
        assert len(elsewhere) + len(here) == 1, row["case"]
    assert len(HERE) == 127
    assert {(row["case"], row["quantity"]) for row in HERE if row["quantity"] not in answers(row["case"])} == set()
    assert len({(row["case"], row["quantity"]) for row in ROWS}) == len(ROWS)
    for where in ELSEWHERE.values():
        assert (REFERENCE.parents[1] / where).is_file(), f"{where} goes over rows of spc_cases.csv"


def test_whole_tables_of_the_textbook() -> None:
    x = column("montgomery_t9_1_cusum", "x")
    cusum = cc.spc.limits("cusum", x, center=10, sigma=1)
    for name, key in (("Cplus", "c_plus"), ("Cminus", "c_minus"), ("Nplus", "n_plus"), ("Nminus", "n_minus")):
        np.testing.assert_allclose(cusum.details[key], column("expected_cusum_table", name), atol=5.1e-3)
    ewma = cc.spc.limits("ewma", x, center=10, sigma=1)
    for name in ("z", "lcl", "ucl"):
        got = {"z": ewma.statistic, "lcl": ewma.lower, "ucl": ewma.upper}[name]
        np.testing.assert_allclose(got, column("expected_ewma_table", name), atol=5.1e-6)


@pytest.mark.shared
def test_copy_is_the_shared_one() -> None:
    shared = [row for row in rows_of(SHARED / "reference" / "spc_cases.csv") if row["use"].startswith("limits")]
    assert shared == ROWS
    for path in (REFERENCE / "spc_data").iterdir():
        assert rows_of(path) == rows_of(SHARED / "reference" / "spc_data" / path.name)
