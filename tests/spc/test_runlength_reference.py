"""Run lengths against published figures: every row ``arl_*`` of the reference, and the tables of what is known about charts."""

from __future__ import annotations

import csv
import math
import os
import re
from pathlib import Path

import pytest

import ccstats as cc
from ccstats.spc.rules import RULES, Rule

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
REFERENCE = Path(__file__).parents[1] / "reference" / "spc_cases.csv"
ROWS = [row for row in csv.DictReader(REFERENCE.read_text(encoding="utf-8").splitlines()) if row["case"].startswith("arl_")]
SHORT = {"1": "beyond_limits", "2of3": "two_of_three", "4of5": "four_of_five", "run": "run_of_8"}


def numbers(text: str, pattern: str) -> list[float]:
    found = re.fullmatch(pattern, text)
    assert found, text
    return [float(each) for each in found.groups()]


def shewhart(quantity: str) -> float:
    (shift,) = numbers(quantity, r"3-sigma chart, shift (\S+)")
    return float(cc.spc.run_length("xmr", shift=shift))


def western_electric(quantity: str) -> float:
    if quantity.startswith("ARL0 "):
        return float(cc.spc.run_length("xmr", rules=[SHORT[each] for each in quantity.removeprefix("ARL0 ").split("+")]))
    (shift,) = numbers(quantity, r"4 WE rules, shift (\S+)")
    return float(cc.spc.run_length("xmr", rules="western_electric", shift=shift))


def cusum(quantity: str) -> float:
    k, h, head_start, shift = numbers(quantity, r"CUSUM k=(\S+) h=(\S+) FIR=(\S+) shift (\S+)")
    return float(cc.spc.run_length("cusum", k=k, h=h, head_start=head_start, shift=shift))


def siegmund(quantity: str) -> float:
    sides = {"Siegmund two-sided k=.5 h=5": 2, "Siegmund one-sided": 1, "Siegmund one-sided shift 1": 1}[quantity]
    return float(cc.spc.run_length("cusum", k=0.5, h=5, sides=sides, shift=quantity.endswith("shift 1"), method="siegmund"))


def ewma(quantity: str) -> float:
    weight, width, shift = numbers(quantity, r"EWMA lambda=(\S+) L=(\S+) shift (\S+)")
    return float(cc.spc.run_length("ewma", weight=weight, width=width, shift=shift))


def ewma_design(quantity: str) -> float:
    weight, width = numbers(quantity, r"EWMA lambda=(\S+) L=(\S+) ARL0")
    return float(cc.spc.run_length("ewma", weight=weight, width=width))


def c_chart(quantity: str) -> float:
    (mean,) = numbers(quantity, r"3-sigma c chart, c=(\S+)")
    return float(cc.spc.run_length("c", mean=mean))


def p_chart(quantity: str) -> float:
    mean, counts = numbers(quantity, r"3-sigma p chart p=(\S+) n=(\S+)")
    return float(cc.spc.run_length("p", mean=mean, counts=counts))


def run(quantity: str) -> float:
    (count,) = numbers(quantity, r"run of (\d+) on one side, ARL0 = 2\^r-1")
    return float(cc.spc.run_length("xmr", rules=Rule(f"run_of_{count:.0f}", "run", count=int(count))))


def zone(quantity: str) -> float:
    assert quantity == "15 in a row within 1 sigma"
    return float(cc.spc.run_length("xmr", rules="inside_15"))


CASES = {
    "arl_shewhart": shewhart,
    "arl_we_rules": western_electric,
    "arl_cusum": cusum,
    "arl_siegmund": siegmund,
    "arl_ewma": ewma,
    "arl_ewma_correction": ewma_design,
    "arl_c_chart": c_chart,
    "arl_p_chart": p_chart,
    "arl_run": run,
    "arl_zone": zone,
}


def test_every_row_has_its_case_and_every_case_a_row() -> None:
    assert {row["case"] for row in ROWS} == set(CASES)
    assert len(ROWS) == 141


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['case']}: {row['quantity']}")
def test_row(row: dict[str, str]) -> None:
    found = CASES[row["case"]](row["quantity"])
    if row["expected"]:
        assert abs(found - float(row["expected"])) <= float(row["tolerance"])
    assert found == pytest.approx(float(row["recomputed"]), rel=1e-6)


# The tables of run lengths. Exact ones to their printed digits, simulated ones within their spread.

ZONES = {
    "3 sigma": (["beyond_limits"], "370.4 155.2 43.9 6.3"),
    "+ 2 of 3": (["beyond_limits", "two_of_three"], "225.44 77.7 20.0 3.65"),
    "+ 4 of 5": (["beyond_limits", "four_of_five"], "166.05 46.2 12.7 3.68"),
    "+ run of 8": (["beyond_limits", "run_of_8"], "152.73 44.3 14.6 4.89"),
    "all four": ("western_electric", "91.75 27.3 9.22 3.13"),
}
CUSUMS = {
    (4, 0): "167.7 26.6 8.38 3.34",
    (5, 0): "465.4 38.0 10.4 4.01",
    (4, 2): "148.7 20.1 5.29 2.01",
    (5, 2.5): "430.4 28.7 6.35 2.36",
}
EWMAS = {(0.2, 2.962): "500 41.8 10.5 3.7", (0.1, 2.814): "500 31.3 10.3 4.4"}
SHIFTS = (0, 0.5, 1, 2)


def printed(found: float, text: str) -> bool:
    """Whether a figure is printed like this."""
    digits = len(text.partition(".")[2])
    return abs(found - float(text)) <= 0.5 * 10**-digits + 1e-9


@pytest.mark.parametrize("name", ZONES)
def test_zone_rules_to_their_printed_digits(name: str) -> None:
    rules, figures = ZONES[name]
    assert all(
        printed(float(cc.spc.run_length(rules=rules, shift=shift)), text) for shift, text in zip(SHIFTS, figures.split(), strict=True)
    )


@pytest.mark.parametrize(("h", "head_start"), CUSUMS)
def test_cusum_to_its_printed_digits(h: float, head_start: float) -> None:
    for shift, text in zip(SHIFTS, CUSUMS[h, head_start].split(), strict=True):
        assert printed(float(cc.spc.run_length("cusum", k=0.5, h=h, head_start=head_start, shift=shift)), text)


@pytest.mark.parametrize(("weight", "width"), EWMAS)
def test_ewma_to_its_printed_digits(weight: float, width: float) -> None:
    for shift, text in zip(SHIFTS, EWMAS[weight, width].split(), strict=True):
        assert printed(float(cc.spc.run_length("ewma", weight=weight, width=width, shift=shift)), text)


def test_ewma_with_fixed_and_exact_limits() -> None:
    scheme = {"weight": 0.1, "width": 2.7}
    assert printed(float(cc.spc.run_length("ewma", **scheme)), "369.0")
    assert printed(float(cc.spc.run_length("ewma", limits="exact", **scheme)), "356")
    assert printed(float(cc.spc.run_length("ewma", shift=1, **scheme)), "9.73")


def test_a_run_alone_and_a_trend_of_six_alone() -> None:
    for count in (6, 7, 8, 9):
        assert float(cc.spc.run_length(rules=Rule("r", "run", count=count))) == pytest.approx(2**count - 1, rel=1e-10)
    assert printed(float(cc.spc.run_length(rules="trend_of_6")), "422")


def test_a_trend_of_seven_alone_is_2882_and_not_2926() -> None:
    # 2926 is printed as exact, but rising alone takes 5760.0 points by the generating function of permutations without a rising run of
    # seven, sum of 1/(7k)! - 1/(7k+1)!; rising or falling is half of that, and a little more as the two cannot begin together.
    rising = 1 / sum(1 / math.factorial(7 * k) - 1 / math.factorial(7 * k + 1) for k in range(4))
    both = float(cc.spc.run_length(rules="trend_of_7"))
    assert rising == pytest.approx(5760, rel=1e-5)
    assert rising / 2 < both < rising / 2 + 7
    assert printed(both, "2882")


NELSON = [f"nelson_{number}" for number in (1, 2, 3, 4)], [f"nelson_{number}" for number in (1, 2, 5, 6)]
NEAR_LIMITS = RULES["two_of_three_one_side"]
SIMULATED = [  # rules, mean, its spread, and at shifts 0.5, 1, 2
    (NELSON[0], "119.1", 0.6, ""),
    (NELSON[1], "108.9", 0.5, ""),
    ("nelson", "73.5", 0.2, "28.4 9.66 3.12"),
    ("nhs", "85.7", 0.3, "29.5 10.7 3.57"),
    (["beyond_limits", "run_of_8", "trend_of_6", NEAR_LIMITS], "103.6", 0.5, ""),
]


@pytest.mark.parametrize(("rules", "mean", "spread", "shifted"), SIMULATED, ids=["1-4", "1 2 5 6", "1-8", "nhs", "abspc"])
def test_simulated_rule_sets(rules: object, mean: str, spread: float, shifted: str) -> None:
    stable = cc.spc.run_length(rules=rules)
    assert stable.exact
    assert abs(float(stable) - float(mean)) <= spread
    charts = (stable.sd / spread) ** 2  # as many as give that spread, one standard error
    for shift, text in zip(SHIFTS[1:], shifted.split(), strict=False):
        found = cc.spc.run_length(rules=rules, shift=shift)
        half_digit = 0.5 * 10 ** -len(text.partition(".")[2])
        assert abs(float(found) - float(text)) <= half_digit + 3.29 * found.sd / math.sqrt(charts)


#: For tables that give no spread: as if from so many charts.
CHARTS = 20_000


@pytest.mark.parametrize(("autocorrelation", "mean"), [(0.0, 370), (0.1, 228), (0.25, 109), (0.5, 34), (0.75, 12)])
def test_autocorrelation(autocorrelation: float, mean: float) -> None:
    found = cc.spc.run_length(autocorrelation=autocorrelation)
    assert abs(float(found) - mean) <= 0.5 + 3.29 * found.sd / math.sqrt(CHARTS)


ONE_CHART = {  # percent of stable charts with a signal, limits from their own points
    12: "2.7 5.3 6.5 4.7",
    24: "5.7 14.8 19.3 15.2",
    60: "14.6 41 51 43",
}


@pytest.mark.parametrize("points", ONE_CHART)
@pytest.mark.parametrize(("column", "rules"), list(enumerate(["shewhart", "western_electric", "nelson", "nhs"])))
def test_limits_from_the_same_points(points: int, column: int, rules: str) -> None:
    text = ONE_CHART[points].split()[column]
    found = cc.spc.signal_probability(points, rules=rules, estimated=True, replications=max(20_000, int(1e6 * EXAM)), seed=points)
    assert not found.exact
    half_digit = 0.005 * 10 ** -len(text.partition(".")[2])
    share = float(text) / 100
    assert abs(float(found) - share) <= half_digit + 3.29 * math.hypot(found.standard_error, math.sqrt(share * (1 - share) / CHARTS))


def test_anhoej_at_the_round_lengths() -> None:
    lengths = (10, 12, 20, 24, 30, 40, 50, 60, 100)
    median = [cc.spc.signal_probability(points, rules="anhoj", estimated=True) for points in lengths]
    known = [cc.spc.signal_probability(points, rules="anhoj") for points in lengths]
    assert all(each.exact for each in median + known)
    assert printed(100 * min(map(float, median)), "0.8")
    assert max(map(float, median)) < 0.05
    assert round(100 * min(map(float, known))) == 4
    assert round(100 * max(map(float, known))) == 8


def test_anhoej_between_the_round_lengths_is_less_even_than_printed() -> None:
    # The limit of the longest run is rounded, and just before it steps up (45, 90 points) false alarms are highest.
    silent = [1.0]  # no run of ten among so many fair tosses, by the textbook recursion
    for n in range(1, 91):
        silent.append(1.0 if n < 10 else silent[-1] - (2**-9 if n == 10 else silent[n - 10] * 2**-10))
    longest = float(cc.spc.signal_probability(90, rules="longest_run"))
    assert longest == pytest.approx(1 - silent[90], abs=1e-9)
    assert float(cc.spc.signal_probability(90, rules="anhoj")) > longest + 0.02 > 0.09


def test_count_charts_at_small_means() -> None:
    assert printed(float(cc.spc.run_length("c", mean=1)), "273")
