"""Charts against loops written out, what they refuse, and what must hold for any series."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import ccstats as cc
from ccstats.errors import OptionError
from ccstats.spc.options import CHARTS

D2 = 2 / math.sqrt(math.pi)
NAN = float("nan")


def series(size: int = 60, *, seed: int = 0, gaps: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numerators, denominators and a plain series, with gaps."""
    generator = np.random.default_rng(seed)
    counts = generator.integers(20, 200, size).astype(float)
    values = generator.binomial(counts.astype(int), generator.beta(40, 10, size)).astype(float)
    plain = generator.normal(50, 5, size).round(2)
    if gaps:
        counts[7], values[11], plain[[5, 6, 20]] = 0, NAN, NAN
        values[7] = 0
    return values, counts, plain


# --- loops ------------------------------------------------------------------------------------------------------------------------------


def loop_sigma(x: list[float], *, skip: set[int] = frozenset(), n: list[float] | None = None, bridge: bool = False) -> float:
    total, pairs, last = 0.0, 0, None
    for i, each in enumerate(x):
        if math.isnan(each) or i in skip:
            continue
        if last is not None and (bridge or last == i - 1):
            width = 1.0 if n is None else math.sqrt((1 / n[i] + 1 / n[last]) / 2)
            total += abs(each - x[last]) / width
            pairs += 1
        last = i
    return total / pairs / D2


@pytest.mark.parametrize("bridge", [False, True])
def test_xmr_is_its_loop(bridge: bool) -> None:
    _, _, x = series()
    skip = {30, 31}
    chart = cc.spc.limits("xmr", x, exclude=sorted(skip), bridge_gaps=bridge)
    kept = [each for i, each in enumerate(x) if not math.isnan(each) and i not in skip]
    sigma = loop_sigma(x.tolist(), skip=skip, bridge=bridge)
    np.testing.assert_allclose(chart.center, sum(kept) / len(kept))
    np.testing.assert_allclose(chart.upper - chart.center, 3 * sigma)
    np.testing.assert_allclose(chart.center - chart.lower, 3 * sigma)
    moving, last = [], None
    for i, each in enumerate(x):
        near = last is not None and not math.isnan(each) and (bridge or last == i - 1)
        moving.append(abs(each - x[last]) if near else NAN)
        last = last if math.isnan(each) else i
    np.testing.assert_allclose(chart.companion.statistic, moving)
    np.testing.assert_allclose(chart.companion.upper, (1 + 3 * math.sqrt(math.pi / 2 - 1)) * D2 * sigma)
    assert chart.signals.tolist() == [abs(each - chart.center[0]) > 3 * sigma for each in x]


@pytest.mark.parametrize("name", ["p", "np", "u", "p_prime", "u_prime", "i_prime"])
def test_ratios_are_their_loop(name: str) -> None:
    values, counts, _ = series()
    chart = cc.spc.limits(name, values / np.where(counts > 0, counts, NAN) if name == "i_prime" else values, counts, clip=False)
    known = [i for i in range(len(values)) if counts[i] > 0 and not math.isnan(values[i])]
    center = sum(values[i] for i in known) / sum(counts[i] for i in known)
    law = [math.sqrt(center * (1 - center if name[0] in "pn" else 1) / n) if n else NAN for n in counts]
    ratio = [v / n if n else NAN for v, n in zip(values, counts, strict=True)]
    if name.endswith("_prime") and name != "i_prime":
        scores = [(r - center) / s if i in known else NAN for i, (r, s) in enumerate(zip(ratio, law, strict=True))]
        law = [each * loop_sigma(scores) for each in law]
    if name == "i_prime":
        sigma = loop_sigma(ratio, n=counts.tolist())
        law = [sigma / math.sqrt(n) if n else NAN for n in counts]
    scale = [n if name == "np" and n else 1.0 for n in counts]
    np.testing.assert_allclose(chart.sigma, [s * n for s, n in zip(law, scale, strict=True)])
    np.testing.assert_allclose(chart.statistic, [r * n for r, n in zip(ratio, scale, strict=True)])
    np.testing.assert_allclose(chart.upper - chart.lower, 6 * chart.sigma)
    np.testing.assert_allclose(chart.z[known], [(ratio[i] - center) / law[i] for i in known])
    assert np.isnan(chart.statistic[[7, 11]]).all()
    assert np.isnan(chart.upper[7])
    assert not np.isnan(chart.upper[11])
    assert not chart.signals[[7, 11]].any()


def test_counts_times_and_contacts_between_are_their_loop() -> None:
    x = [3.0, 0.0, NAN, 8.0, 2.0, 5.0, 1.0, 40.0]
    known = [each for each in x if not math.isnan(each)]
    mean = sum(known) / len(known)
    c, g = cc.spc.limits("c", x, width=2), cc.spc.limits("g", x)
    np.testing.assert_allclose([c.center[0], c.upper[0], c.lower[0]], [mean, mean + 2 * math.sqrt(mean), mean - 2 * math.sqrt(mean)])
    np.testing.assert_allclose([g.center[0], g.upper[0], g.lower[0]], [mean, mean + 3 * math.sqrt(mean * (mean + 1)), 0])
    apart = cc.spc.limits("g", [each + 1 for each in x], least=1)
    np.testing.assert_allclose(apart.upper, g.upper + 1)
    y = [each ** (1 / 3.6) for each in x]
    t, middle, sigma = cc.spc.limits("t", x), sum(each ** (1 / 3.6) for each in known) / len(known), loop_sigma(y)
    np.testing.assert_allclose([t.center[0], t.upper[0]], [middle**3.6, (middle + 3 * sigma) ** 3.6])
    assert t.lower[0] == (max(middle - 3 * sigma, 0)) ** 3.6
    np.testing.assert_allclose(t.z, [(each - middle) / sigma for each in y])


def test_subgroup_means_are_their_loop() -> None:
    generator = np.random.default_rng(3)
    label = np.repeat(["a", "b", "c", "d", "e"], [5, 3, 1, 4, 2])
    x = 1e6 + generator.normal(0, 1, len(label))
    x[1] = NAN
    shuffled = generator.permutation(len(label))
    chart = cc.spc.limits("xbar_s", x[shuffled], subgroups=label[shuffled])
    groups = {each: [v for v, name in zip(x, label, strict=True) if name == each and not math.isnan(v)] for each in chart.labels.tolist()}
    assert chart.labels.tolist() == list(dict.fromkeys(label[shuffled].tolist()))
    weights = estimate = 0.0
    for group in groups.values():
        if len(group) > 1:
            mean, n = sum(group) / len(group), len(group)
            s = math.sqrt(sum((v - mean) ** 2 for v in group) / (n - 1))
            c4 = math.sqrt(2 / (n - 1)) * math.gamma(n / 2) / math.gamma((n - 1) / 2)
            weight = c4**2 / (1 - c4**2)
            weights, estimate = weights + weight, estimate + weight * s / c4
    sigma, center = estimate / weights, sum(map(sum, groups.values())) / sum(map(len, groups.values()))
    for i, group in enumerate(groups.values()):
        n = len(group)
        assert chart.statistic[i] == pytest.approx(sum(group) / n, rel=1e-12)
        assert chart.upper[i] - center == pytest.approx(3 * sigma / math.sqrt(n), rel=1e-6)
        if n > 1:
            c4 = math.sqrt(2 / (n - 1)) * math.gamma(n / 2) / math.gamma((n - 1) / 2)
            assert chart.companion.center[i] == pytest.approx(c4 * sigma, rel=1e-8)
            assert chart.companion.upper[i] == pytest.approx(c4 * sigma + 3 * sigma * math.sqrt(1 - c4**2), rel=1e-8)
            assert chart.companion.lower[i] == pytest.approx(max(0, c4 * sigma - 3 * sigma * math.sqrt(1 - c4**2)), rel=1e-8)
        else:
            assert np.isnan(chart.companion.statistic[i])


def test_rows_are_subgroups_too() -> None:
    x = np.random.default_rng(4).normal(size=(6, 4))
    rows, flat = cc.spc.limits("xbar_s", x), cc.spc.limits("xbar_s", x.ravel(), subgroups=np.repeat(np.arange(6), 4))
    np.testing.assert_array_equal(rows.upper, flat.upper)


@pytest.mark.parametrize("kind", ["exact", "asymptotic"])
def test_ewma_is_its_loop(kind: str) -> None:
    _, _, x = series()
    chart = cc.spc.limits("ewma", x, phases=[25], weight=0.3, width=2.5, limits=kind)
    for begin, end in ((0, 25), (25, 60)):
        known = [each for each in x[begin:end] if not math.isnan(each)]
        z = center = sum(known) / len(known)
        sigma, seen = loop_sigma(x[begin:end].tolist()), 0
        for i in range(begin, end):
            if not math.isnan(x[i]):
                z, seen = 0.3 * x[i] + 0.7 * z, seen + 1
                assert chart.statistic[i] == pytest.approx(z)
            else:
                assert math.isnan(chart.statistic[i])
            share = 0.3 / 1.7 * (1 - 0.7 ** (2 * seen) if kind == "exact" else 1)
            assert chart.upper[i] == pytest.approx(center + 2.5 * sigma * math.sqrt(share))


def test_moving_average_is_its_loop() -> None:
    _, _, x = series()
    chart = cc.spc.limits("ma", x, phases=[25], window=4, center=50, sigma=5)
    for i in range(len(x)):
        begin = 0 if i < 25 else 25
        last = [each for each in x[max(begin, i - 3) : i + 1] if not math.isnan(each)]
        if math.isnan(x[i]):
            assert math.isnan(chart.statistic[i])
        else:
            assert chart.statistic[i] == pytest.approx(sum(last) / len(last))
            assert chart.upper[i] == pytest.approx(50 + 15 / math.sqrt(len(last)))


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("head_start", [0.0, 2.5])
def test_cusum_is_its_loop(sides: int, head_start: float) -> None:
    _, _, x = series()
    chart = cc.spc.limits("cusum", x, phases=[25], center=50, sigma=4, k=0.4, h=3, head_start=head_start, sides=sides)
    for begin, end in ((0, 25), (25, 60)):
        up = down = head_start * 4
        rising = falling = 0
        for i in range(begin, end):
            if math.isnan(x[i]):
                assert math.isnan(chart.statistic[i])
                assert not chart.signals[i]
                continue
            up, down = max(0, up + x[i] - 50 - 1.6), max(0, down + 50 - 1.6 - x[i])
            rising, falling = (rising + 1 if up > 0 else 0), (falling + 1 if down > 0 else 0)
            assert chart.details["c_plus"][i] == pytest.approx(up)
            assert chart.details["n_plus"][i] == rising
            if sides == 2:
                assert chart.details["c_minus"][i] == pytest.approx(down)
                assert chart.details["n_minus"][i] == falling
                assert chart.signals[i] == (up > 12 or down > 12)
                assert chart.statistic[i] == pytest.approx(up if up >= down else -down)
            else:
                assert chart.signals[i] == (up > 12)


def test_median_ranges_and_screening_are_their_loop() -> None:
    _, _, x = series()
    x[40] += 200
    ranges = sorted(abs(b - a) for a, b in zip(x[:-1], x[1:], strict=True) if not math.isnan(a + b))
    middle = (
        (ranges[len(ranges) // 2] + ranges[-len(ranges) // 2 - 1 + len(ranges) % 2]) / 2
        if len(ranges) % 2 == 0
        else ranges[len(ranges) // 2]
    )
    chart = cc.spc.limits("xmr", x, ranges="median", center="median")
    assert chart.sigma[0] == pytest.approx(middle / 0.9538725524)
    assert chart.center[0] == np.nanmedian(x)
    mean = sum(ranges) / len(ranges)
    kept = [each for each in ranges if each < (1 + 3 * math.sqrt(math.pi / 2 - 1)) * mean]
    assert len(ranges) - len(kept) == 2
    assert cc.spc.limits("xmr", x, screen=True).sigma[0] == pytest.approx(sum(kept) / len(kept) / D2)


def test_sums_by_subgroup_are_the_chart_of_the_sums() -> None:
    values, counts, _ = series(gaps=False)
    hours = np.repeat(np.arange(30), 2)
    for name in ("p", "p_prime", "np", "u", "u_prime", "funnel"):
        one = cc.spc.limits(name, values, counts, subgroups=hours)
        two = cc.spc.limits(name, values.reshape(30, 2).sum(axis=1), counts.reshape(30, 2).sum(axis=1))
        np.testing.assert_array_equal(one.upper, two.upper)
        np.testing.assert_array_equal(one.statistic, two.statistic)
    values[0] = NAN  # a row that is not known leaves its denominator out too
    assert cc.spc.limits("p", values, counts, subgroups=hours).statistic[0] == values[1] / counts[1]
    c = cc.spc.limits("c", values, subgroups=hours)
    assert c.statistic[1] == values[2] + values[3]


# --- what must hold for any series ------------------------------------------------------------------------------------------------------


def ask(name: str, values: Any, counts: Any, plain: Any, **how: Any) -> Any:
    """Any chart by name, on the part of the data that it takes."""
    if name in ("p", "p_prime", "np", "u", "u_prime", "funnel"):
        return cc.spc.limits(name, values, counts, **how)
    if name == "i_prime":
        return cc.spc.limits(name, plain, counts, **how)
    if name == "xbar_s":
        return cc.spc.limits(name, np.column_stack([plain, plain + np.cos(plain)]), **how)
    return cc.spc.limits(name, np.abs(plain), **how)


def same(one: Any, two: Any, at: slice = slice(None)) -> None:
    for each in ("statistic", "center", "lower", "upper", "sigma", "z", "signals"):
        np.testing.assert_array_equal(getattr(one, each)[at], getattr(two, each), err_msg=each)


PHASED = [each for each in CHARTS if each != "funnel"]


@pytest.mark.parametrize("name", PHASED)
@given(seed=st.integers(0, 10_000), cut=st.integers(10, 50))
@settings(max_examples=10, deadline=None)
def test_phases_are_separate_charts(name: str, seed: int, cut: int) -> None:
    data = series(seed=seed)
    labels = np.where(np.arange(60) < cut, "before", "after")
    for phases in ([cut], labels):
        both = ask(name, *data, phases=phases)
        for number, at in enumerate((slice(0, cut), slice(cut, 60))):
            alone = ask(name, *(each[at] for each in data))
            same(both, alone, at)
            assert both.baseline.center[number] == alone.baseline.center[0]
            if alone.companion is not None:
                np.testing.assert_array_equal(both.companion.statistic[at], alone.companion.statistic)
                np.testing.assert_array_equal(both.companion.upper[at], alone.companion.upper)


@pytest.mark.parametrize("name", CHARTS)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_a_frozen_baseline_gives_its_limits_again(name: str, seed: int) -> None:
    data = series(seed=seed)
    how = {"width": 2.5} if "width" in CHARTS[name] else {}
    learned = ask(name, *data, **how)
    kept = cc.spc.Baseline.from_json(learned.baseline.to_json())
    assert kept == learned.baseline
    same(ask(name, *data, baseline=kept), learned)
    later = series(seed=seed + 1)
    frozen = ask(name, *later, baseline=kept)
    given_both = {"center": kept.center[0], **({"sigma": kept.sigma[0]} if "sigma" in CHARTS[name] else {})}
    same(frozen, ask(name, *later, **how, **given_both))


@pytest.mark.parametrize("name", PHASED)
def test_a_baseline_of_phases_judges_phase_by_phase_or_by_its_last(name: str) -> None:
    data = series()
    learned = ask(name, *data, phases=[20])
    same(ask(name, *data, phases=[20], baseline=learned.baseline), learned)
    same(ask(name, *data, baseline=learned.baseline), ask(name, *data, baseline=ask(name, *(each[20:] for each in data)).baseline))
    with pytest.raises(OptionError, match="these points have 3 phases, the baseline has 2"):
        ask(name, *data, phases=[20, 40], baseline=learned.baseline)


@pytest.mark.parametrize("name", CHARTS)
def test_excluded_points_count_for_nothing_but_are_judged(name: str) -> None:
    values, counts, plain = series()
    odd = (np.where(np.arange(60) >= 50, 0.0, values), counts, np.where(np.arange(60) >= 50, 900.0, plain))
    out = ask(name, *odd, exclude=np.arange(60) >= 50)
    assert out.baseline == ask(name, *(each[:50] for each in odd)).baseline
    if name not in ("g", "t"):
        assert out.signals[50:].any()
    assert out.used.sum() == out.baseline.points[0]


@pytest.mark.parametrize("name", ["xmr", "i_prime", "xbar_s", "ewma", "ma"])
@given(seed=st.integers(0, 10_000), shift=st.floats(-100, 100), scale=st.floats(0.01, 100))
@settings(max_examples=15, deadline=None)
def test_limits_move_with_unit_and_origin(name: str, seed: int, shift: float, scale: float) -> None:
    _, counts, plain = series(seed=seed)
    x = np.column_stack([plain, plain + np.cos(plain)]) if name == "xbar_s" else plain
    how = {"counts": counts} if name == "i_prime" else {}
    one, two = cc.spc.limits(name, x, **how), cc.spc.limits(name, scale * x + shift, **how)
    for each in ("statistic", "center", "lower", "upper"):
        np.testing.assert_allclose(getattr(two, each), scale * getattr(one, each) + shift, rtol=1e-8, atol=1e-8 * (1 + abs(shift)))
    np.testing.assert_allclose(two.z, one.z, rtol=1e-6, atol=1e-7)


@given(seed=st.integers(0, 10_000), shift=st.floats(-100, 100), scale=st.floats(0.01, 100))
@settings(max_examples=15, deadline=None)
def test_sums_move_with_the_unit_only(seed: int, shift: float, scale: float) -> None:
    _, _, x = series(seed=seed)
    one, two = cc.spc.limits("cusum", x), cc.spc.limits("cusum", scale * x + shift)
    for each in ("statistic", "upper", "lower"):
        np.testing.assert_allclose(getattr(two, each), scale * getattr(one, each), rtol=1e-6, atol=1e-7 * (1 + abs(shift)))


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_a_series_and_its_mirror_have_mirrored_limits(seed: int) -> None:
    values, counts, _ = series(seed=seed)
    for name in ("p", "p_prime"):
        one, two = cc.spc.limits(name, values, counts), cc.spc.limits(name, counts - values, counts)
        np.testing.assert_allclose(two.upper, 1 - one.lower, atol=1e-12)
        np.testing.assert_allclose(two.z, -one.z, atol=1e-9)


@given(st.lists(st.floats(0, 1e6), min_size=3, max_size=30), st.sampled_from(["xmr", "c", "t", "g", "ewma", "ma", "cusum"]))
@settings(max_examples=100, deadline=None)
def test_limits_stand_around_the_centre_or_the_reason_is_told(values: list[float], name: str) -> None:
    try:
        chart = cc.spc.limits(name, values)
    except OptionError as error:
        assert "spread" in str(error)  # noqa: PT017
        assume(False)
    assert (chart.lower <= chart.center).all()
    assert (chart.center <= chart.upper).all()
    assert (chart.lower[~np.isnan(chart.lower)] >= 0).all() or name in ("xmr", "ewma", "ma", "cusum")


# --- bounds -----------------------------------------------------------------------------------------------------------------------------


def test_limits_stop_where_the_metric_does() -> None:
    p = cc.spc.limits("p", [19, 20, 18, 20], [20, 20, 20, 20])
    assert p.upper[0] == 1
    assert cc.spc.limits("p", [19, 20, 18, 20], [20, 20, 20, 20], clip=False).upper[0] > 1
    assert cc.spc.limits("np", [19, 20, 18, 20], [20, 20, 20, 20]).upper[0] == 20
    assert cc.spc.limits("c", [1, 2, 1]).lower[0] == 0
    service_level = cc.spc.limits("xmr", [0.95, 0.99, 0.9, 1.0], clip=(0, 1))
    assert service_level.upper[0] == 1
    assert cc.spc.limits("xmr", [0.95, 0.99, 0.9, 1.0], clip=(None, 1)).lower[0] < service_level.center[0]


def test_a_point_on_its_limit_is_inside() -> None:
    assert cc.spc.limits("xmr", [13.0, 13.000001, 7.0], center=10, sigma=1).signals.tolist() == [False, True, False]


def test_input_is_left_alone_and_never_shared() -> None:
    values, counts, plain = series()
    before = [each.copy() for each in (values, counts, plain)]
    for name in CHARTS:
        ask(name, values, counts, plain)
    for now, then in zip((values, counts, plain), before, strict=True):
        np.testing.assert_array_equal(now, then)


# --- what is refused --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: cc.spc.limits("x_bar_s", [1, 2]), r"chart='x_bar_s' is not known.*Did you mean xbar_s"),
        (lambda: cc.spc.limits("xmr", []), "values= is empty"),
        (lambda: cc.spc.limits("xmr", [5]), "needs at least 2 neighbouring points, but phase 0 has 1, 1 of them known"),
        (lambda: cc.spc.limits("xmr", [5, NAN, 6, NAN]), "bridge_gaps=True gaps between points are bridged"),
        (lambda: cc.spc.limits("xmr", [NAN, NAN]), "needs at least 1 known point, but phase 0 has 2, 0 of them known"),
        (lambda: cc.spc.limits("xmr", [1, 2, 3, 4], phases=[3]), "phase 1 has 1, 1 of them known"),
        (lambda: cc.spc.limits("xmr", [1, 2, 3], exclude=[0, 1, 2]), "0 of them known and not excluded"),
        (lambda: cc.spc.limits("xmr", [4.1] * 12), "found no spread: the 12 points of phase 0 that count are all 4.1"),
        (lambda: cc.spc.limits("p_prime", [3, 6, 9], [30, 60, 90]), "found no spread"),
        (lambda: cc.spc.limits("p_prime", [0.3, 0.7, 1.1], [3, 7, 11]), "found no spread"),  # 0.1 but for rounding
        (lambda: cc.spc.limits("i_prime", [3, 3, 3], [30, 60, 90]), "found no spread"),
        (lambda: cc.spc.limits("p", [30, 60, 90], [30, 60, 90]), "are all 1, or vary no more than that. By their law they cannot vary"),
        (lambda: cc.spc.limits("c", [0, 0, 0]), "found no spread"),
        (lambda: cc.spc.limits("g", [0, 0, 0]), "found no spread"),
        (lambda: cc.spc.limits("xbar_s", [[2, 2], [3, 3]]), "Values within each subgroup are equal"),
        (lambda: cc.spc.limits("xbar_s", [1, 2, 3], subgroups=["a", "b", "c"]), "at least 1 subgroup of 2 values"),
        (lambda: cc.spc.limits("xbar_s", [1, 2, 3]), "needs subgroups="),
        (lambda: cc.spc.limits("xbar_s", [1, 2, 3], subgroups=[1, 2]), "subgroups= has shape"),
        (lambda: cc.spc.limits("xmr", [1, 2, 3], subgroups=[1, 2, 3]), "use chart 'xbar_s'"),
        (lambda: cc.spc.limits("p", [1, 2]), "needs counts=, what each value is divided by"),
        (lambda: cc.spc.limits("i_prime", [1, 2]), "needs counts=, the number that each value is a mean of"),
        (lambda: cc.spc.limits("xmr", [1, 2], [1, 2]), "takes no counts="),
        (lambda: cc.spc.limits("p", [1, 2], [1, 2, 3]), "values= has 2 points, but counts= has shape"),
        (lambda: cc.spc.limits("p", [1, 5], [3, 4]), r"values\[1\]=5 over counts\[1\]=4 is not possible"),
        (lambda: cc.spc.limits("u", [1, 5], [3, -4]), r"counts\[1\]=-4 is not possible"),
        (lambda: cc.spc.limits("p", [0, 0], [0, 0]), "at least 1 point with a count above 0"),
        (lambda: cc.spc.limits("c", [1, -1]), r"values\[1\] is -1"),
        (lambda: cc.spc.limits("t", [1, -1]), r"values\[1\] is -1"),
        (lambda: cc.spc.limits("xmr", [1, float("inf")]), "must be finite, but at 1 it is inf"),
        (lambda: cc.spc.limits("xmr", ["a", "b"]), "needs values= as numbers"),
        (lambda: cc.spc.limits("xmr", [[1, 2], [3, 4]]), r"not an array of shape \(2, 2\)"),
        (lambda: cc.spc.limits("xmr", np.array(["2026-01-01"], dtype="datetime64[D]")), "needs values= as numbers"),
        (lambda: cc.spc.limits("xmr", [1, 2], widht=2), r"has no parameter 'widht'.*Did you mean width"),
        (lambda: cc.spc.limits("xmr", [1, 2], width=-2), "width=-2 is not allowed; give a number of sigma above 0"),
        (lambda: cc.spc.limits("xmr", [1, 2], width=True), "width=True is not allowed"),
        (lambda: cc.spc.limits("xmr", [1, 2], center="middle"), "give a finite number, 'mean' or 'median'"),
        (lambda: cc.spc.limits("p", [1, 2], [3, 4], center="median"), "give a finite number"),
        (lambda: cc.spc.limits("p", [1, 2], [3, 4], center=80), "center=80 is no share between 0 and 1"),
        (lambda: cc.spc.limits("u", [1, 2], [3, 4], center=-1), "center=-1 is not above 0"),
        (lambda: cc.spc.limits("p", [1, 2], [3, 4], sigma=1), "has no parameter 'sigma'"),
        (lambda: cc.spc.limits("xmr", [1, 2], clip=(1, 0)), "give True, False, or a pair"),
        (lambda: cc.spc.limits("ewma", [1, 2], weight=0), "give a number above 0, up to 1"),
        (lambda: cc.spc.limits("cusum", [1, 2], head_start=5), "head_start=5 is a signal before the first point; give less than h=5"),
        (lambda: cc.spc.limits("cusum", [1, 2], sides=3), "sides=3 is not allowed; give 1 or 2"),
        (lambda: cc.spc.limits("ma", [1, 2], window=2.5), "window=2.5 is not allowed"),
        (lambda: cc.spc.limits("xmr", [1, 2, 3], phases=[1, 1]), "positions .* where phases begin"),
        (lambda: cc.spc.limits("xmr", [1, 2, 3], phases=[9]), r"these are \[9\]"),
        (lambda: cc.spc.limits("xmr", [1, 2, 3], phases=["a"]), "a label for each of the 3 points"),
        (lambda: cc.spc.limits("xmr", [1, 2, 3], phases=[1.0, NAN, 2.0]), "phases= has no label at 1"),
        (lambda: cc.spc.limits("xmr", [1, 2, 3], exclude=[7]), "positions within the 3 points"),
        (lambda: cc.spc.limits("xmr", [1, 2, 3], exclude=[True, False]), "must be 3 flags"),
        (lambda: cc.spc.limits("xmr", [1, 2], baseline={"center": 1}), "must be a Baseline, not dict"),
        (lambda: cc.spc.limits("xmr", [1, 2], baseline=cc.spc.Baseline("c", (1.0,), (1.0,), (9,))), "of chart 'c', not 'xmr'"),
        (
            lambda: cc.spc.limits("xmr", [1, 2], center=3, baseline=cc.spc.Baseline("xmr", (1.0,), (1.0,), (9,))),
            "center= and baseline= both say what is known",
        ),
    ],
)
def test_what_is_not_possible_is_said(call: Any, text: str) -> None:
    with pytest.raises(OptionError, match=text):
        call()


def test_known_limits_need_no_points() -> None:
    assert cc.spc.limits("xmr", [NAN], center=5, sigma=1).upper.tolist() == [8.0]
    assert cc.spc.limits("c", [7], center=4).upper.tolist() == [10.0]
    frozen = cc.spc.limits("p_prime", [8, 9, 7], [10, 10, 10]).baseline
    assert not cc.spc.limits("p_prime", [0], [0], baseline=frozen).signals.any()


def test_phase_labels_and_positions_agree() -> None:
    _, _, x = series()
    one = cc.spc.limits("xmr", x, phases=[0, 20, 45])
    two = cc.spc.limits("xmr", x, phases=np.repeat(["a", "b", "a"], [20, 25, 15]))
    np.testing.assert_array_equal(one.phase, two.phase)
    np.testing.assert_array_equal(one.upper, two.upper)
    assert repr(one).startswith("Limits(chart='xmr', points=60, phases=3")


def test_the_package_has_what_it_promises() -> None:
    for name in cc.spc.__all__:
        assert getattr(cc.spc, name) is not None
    assert {"limits", "apply_rules", "run_length", "signal_probability", "detectable_shift", "wilson_interval"} <= set(dir(cc.spc))
    with pytest.raises(AttributeError, match="no attribute 'limit'"):
        _ = cc.spc.limit


def test_labels_may_be_missing_in_any_way() -> None:
    with pytest.raises(OptionError, match="no label at 1"):
        cc.spc.limits("xmr", [1, 2, 3, 9], phases=pd.array(["a", None, "b", "b"], dtype="string"))
    with pytest.raises(OptionError, match="no label at 1"):
        cc.spc.limits("xmr", [1, 2, 3, 9], phases=["a", None, "b", "b"])


@pytest.mark.parametrize("chart", ["xmr", "ewma", "cusum", "ma"])
def test_values_too_large_to_reckon_with_are_refused(chart: str) -> None:
    with pytest.raises(OptionError, match="must lie within"):
        cc.spc.limits(chart, [1e300, -1e308, 1.0])
