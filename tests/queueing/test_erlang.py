"""Erlang B, C, A and finite lines against reference numbers, known traps, and what must hold in any queue."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from erlang_reference import MODELS, Row, all_rows, rows

from ccstats.errors import OptionError
from ccstats.queueing import erlang
from ccstats.queueing.sizing import SERVICE_LEVELS

#: Definitions by the names of the reference file.
LEVELS = {
    "sl": "service_level",
    "service_level": "service_level",
    "sl_offered": "service_level",
    "sl_answered": "sl_answered_only",
    "sl_excl_short": "sl_excl_early_abandoned",
    "sl_wait": "sl_early_abandoned_met",
    "sl_virtual": "sl_virtual",
}
TARGETS = {"asa": "max_mean_wait_s", "abandon": "max_abandonment_rate", "occ": "max_occupancy", "block": "max_blocking_rate"}


def answer(row: Row) -> float:
    """What ccstats says to the question of a row."""
    queue = {"aht_s": row.aht_s}
    if not math.isnan(row.patience_s):
        queue["patience_s"] = row.patience_s
    if not math.isnan(row.lines):
        queue["lines"] = row.lines
    of = (row.agents, row.load)
    level = {"target_service_level": None, **{TARGETS.get(name, name): value for name, value in row.asked.items()}}
    for name in [each for each in level if each in LEVELS]:
        level |= {"target_service_level": level.pop(name), "threshold_s": row.threshold_s, "definition": LEVELS[name]}
    match row.metric:
        case "prob_block":
            return erlang.erlang_b(*of) if row.model == "B" else erlang.blocking_rate(*of, **queue)
        case "prob_wait" | "prob_wait_offered":
            return erlang.wait_probability(*of, **queue)
        case "prob_no_wait":
            return 1 - erlang.erlang_c(*of)
        case "prob_abandon" | "prob_abandon_offered":
            return erlang.abandonment_rate(*of, **queue)
        case "occupancy":
            return erlang.occupancy(*of, **queue)
        case "mean_queue":
            return erlang.mean_queue(*of, **queue)
        case "mean_wait_s" | "mean_wait_admitted_s":
            return erlang.mean_wait_s(*of, **queue)
        case "mean_wait_served_s":
            return erlang.mean_wait_s(*of, **queue, of="answered")
        case "mean_wait_abandoned_s":
            return erlang.mean_wait_s(*of, **queue, of="abandoned")
        case "wait_quantile_s":
            return erlang.wait_quantile_s(*of, **queue, q=row.asked["p"])
        case "state_prob":  # the law of the number in the system, from two neighbouring sizes: full at j places against full at j + 1
            return state_probability(row, int(row.asked["j"]))
        case "servers":
            return erlang.lines_required(row.load, max_blocking_rate=row.asked["block"], fractional=True)
        case "required_agents":
            shrinkage = level.pop("shrinkage", 0.0)
            return math.ceil(erlang.agents_required(row.load, **queue, **level) / (1 - shrinkage) - 1e-9)
        case "max_load":
            return erlang.max_load(row.agents, **queue, **level)
        case "max_arrivals_per_hour":
            return erlang.max_load(row.agents, **queue, **level) / row.aht_s * 3600
    assert row.metric in LEVELS, f"{row}: nobody answers this"
    return erlang.service_level(*of, **queue, threshold_s=row.threshold_s, definition=LEVELS[row.metric])


def state_probability(row: Row, j: int) -> float:
    """P(j in the system) of the row's queue: blocking at ``j`` lines, carried up to all its lines by the balance of flows."""
    at_j = erlang.blocking_rate(row.agents, row.load, lines=j, aht_s=row.aht_s, patience_s=row.patience_s)
    weight, more = 1.0, 0.0
    for k in range(j + 1, int(row.lines) + 1):
        weight *= row.load / (row.agents + (k - row.agents) * row.aht_s / row.patience_s)
        more += weight
    return at_j / (1 + at_j * more)


@pytest.mark.parametrize("model", MODELS["erlang"])
def test_reference(model: str, capsys: pytest.CaptureFixture[str], record_property) -> None:
    worst, missed = (0.0, None), []
    for row in rows((model,)):
        error = row.error(answer(row))
        if not error <= row.tolerance:
            missed.append(f"{row}: {answer(row)!r} is {error:.2e} from {row.value!r}, allowed {row.tolerance:.1e} ({row.source})")
        if row.digits and row.digits >= 15 and error >= worst[0]:
            worst = (error, row)
    record_property(f"worst relative error, {model}", worst[0])
    with capsys.disabled():
        sys.stdout.write(f"\n{model}: worst relative error {worst[0]:.1e} ({worst[1]})\n")
    assert not missed, "\n".join(missed)


def test_erlang_reference_is_whole() -> None:
    every = all_rows()
    owners = [owner for row in every for owner, models in MODELS.items() if row.model in models]
    assert len(owners) == len(every) == 382
    assert sum(len(rows(owner)) for owner in MODELS) == len(every)


# -- Traps that others fell into --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("load", "asked", "agents"),
    [
        # The search must start below ceil(load) + 1, with Erlang C …
        (32.4 * 300 / 3600, {"aht_s": 300, "target_service_level": 0.80, "threshold_s": 3600}, 3),
        (2.6, {"aht_s": 180, "target_service_level": 0.20, "threshold_s": 20}, 3),
        (0.5, {"aht_s": 180, "target_service_level": 0.20, "threshold_s": 20}, 1),
        # … and below the load itself where callers lose patience.
        (100 * 180 / 180.0, {"aht_s": 180, "target_service_level": 0.80, "threshold_s": 20, "patience_s": 120}, 96),
        (1000.0, {"aht_s": 180, "target_service_level": 0.80, "threshold_s": 20, "patience_s": 120}, 892),
        (480.0, {"aht_s": 180, "target_service_level": 0.80, "threshold_s": 60, "patience_s": 30}, 385),
        (10.0, {"aht_s": 180, "max_abandonment_rate": 0.20, "patience_s": 60}, 10),
        # Quotients that are whole on paper are not rounded up.
        (2.1, {"max_occupancy": 0.7}, 3),
        (8.4, {"max_occupancy": 0.7}, 12),
        (5.7, {"max_occupancy": 0.95}, 6),
        (7.0, {"max_occupancy": 0.7}, 10),
        # An occupancy of 1 limits nothing; whole loads and loads below a half are loads.
        (10, {"aht_s": 180, "target_service_level": 0.80, "threshold_s": 20, "max_occupancy": 1.0}, 14),
        (0.01, {"aht_s": 180, "target_service_level": 0.80, "threshold_s": 20}, 1),
        # No contacts, no agents; a certainty has no finite price.
        (0, {"aht_s": 180, "target_service_level": 0.80, "threshold_s": 20}, 0),
        (10.0, {"aht_s": 180, "target_service_level": 1.0, "threshold_s": 20}, math.inf),
        (10.0, {"max_occupancy": 0.0}, math.inf),
        (10.0, {"aht_s": 180, "max_abandonment_rate": 0.0, "patience_s": 60}, math.inf),
        (10.0, {"aht_s": 180, "max_mean_wait_s": 0.0}, math.inf),
        (10.0, {"max_blocking_rate": 0.0, "lines": 12}, math.inf),
        (10.0, {"max_blocking_rate": 0.01, "lines": 12}, math.inf),  # beyond the lines
        # Who gives up early is not served: counting it as such would let one agent do, which is right only where it is asked for.
        (50.0, {"aht_s": 180, "target_service_level": 0.80, "threshold_s": 20, "patience_s": 5}, 43),
        (50.0, {"aht_s": 180, "target_service_level": 0.80, "threshold_s": 20, "patience_s": 5, "definition": "sl_early_abandoned_met"}, 1),
    ],
)
def test_required_agents_traps(load: float, asked: dict[str, float], agents: float) -> None:
    assert erlang.agents_required(load, **asked) == agents
    assert erlang.agents_required([load, load], **asked).tolist() == [agents, agents]
    if 1 < agents < math.inf and "target_service_level" in asked and "max_occupancy" not in asked:
        queue = {name: value for name, value in asked.items() if name != "target_service_level"}
        missed, met = erlang.service_level([agents - 1, agents], load, **queue)
        assert missed < asked["target_service_level"] <= met


def test_overload_without_patience_is_a_limit_not_a_number_beyond_one() -> None:
    for agents in (5, 8, 10):  # 10 Erlangs: others say 4.41 and 1.957 for the share that waits, or divide by 0
        assert erlang.erlang_c(agents, 10.0) == erlang.wait_probability(agents, 10.0) == erlang.occupancy(agents, 10.0) == 1.0
        assert erlang.service_level(agents, 10.0, aht_s=180, threshold_s=20) == erlang.abandonment_rate(agents, 10.0) == 0.0
        assert erlang.mean_wait_s(agents, 10.0, aht_s=180) == erlang.mean_queue(agents, 10.0) == math.inf
        assert erlang.wait_quantile_s(agents, 10.0, aht_s=180, q=0.5) == math.inf
        assert erlang.wait_exceeds(agents, 10.0, aht_s=180, wait_s=1e6) == 1.0
        # With finite lines any load is stable.
        assert 0 < erlang.service_level(agents, 10.0, aht_s=180, threshold_s=20, lines=12) < 1
        assert erlang.occupancy(agents, 10.0, lines=12) < 1


def test_long_thresholds_do_not_underflow() -> None:  # exp(-745) is 0 in uniformisation
    assert erlang.service_level(100, 105.0, aht_s=120, patience_s=600, threshold_s=900) == pytest.approx(0.94676, abs=5e-6)
    assert erlang.service_level(50, 52.0, aht_s=60, patience_s=300, threshold_s=900) == pytest.approx(0.94515, abs=5e-6)
    assert erlang.service_level(100, 105.0, aht_s=120, patience_s=600, threshold_s=900, lines=1000) == pytest.approx(0.94676, abs=5e-6)


def test_no_state_space_is_cut() -> None:
    assert erlang.abandonment_rate(100, 200.0, aht_s=180, patience_s=1e6) == pytest.approx(0.5, abs=1e-12)
    assert erlang.abandonment_rate(700, 1000.0, aht_s=180, patience_s=60) == pytest.approx(0.3, abs=1e-9)
    assert erlang.max_load(100, lines=100, max_blocking_rate=1e-7) == pytest.approx(57.42, abs=0.005)
    agents = np.array([95_000, 100_000, 105_000])
    lost = erlang.abandonment_rate(agents, 1e5, aht_s=180, patience_s=[[0.5], [120], [1e6]])
    assert lost[:, 0] == pytest.approx(0.05, rel=0.05)  # what is beyond the agents leaves, whatever the patience
    assert (np.diff(lost[:, 1:], axis=0) < 0).all()
    assert (np.diff(lost, axis=1) < 0).all()


def test_which_wait_is_meant() -> None:
    queue = {"aht_s": 180, "patience_s": 60, "threshold_s": 20}
    assert erlang.service_level(10, 10.0, **queue) == pytest.approx(0.7180, abs=5e-5)
    assert erlang.service_level(10, 10.0, **queue, definition="sl_virtual") == pytest.approx(0.7421, abs=5e-5)
    assert erlang.service_level(10, 10.0, **queue, definition="sl_early_abandoned_met") == pytest.approx(0.8152, abs=5e-5)
    assert erlang.service_level(11, 10.0, **queue) == pytest.approx(0.797, abs=5e-4)
    assert erlang.abandonment_rate(11, 10.0, aht_s=180, patience_s=60) == pytest.approx(0.112, abs=5e-4)
    waits = [erlang.mean_wait_s(10, 10.0, aht_s=180, patience_s=60, of=of) for of in ("answered", "all", "abandoned")]
    assert waits == sorted(waits)


# -- Edges and refusals -----------------------------------------------------------------------------------------------------------


def test_zero_load_and_no_agents() -> None:
    timed = {"aht_s": 180, "threshold_s": 20}
    for patience in (60, math.inf):
        shares = [
            erlang.wait_probability(3, 0, aht_s=180, patience_s=patience),
            erlang.service_level(3, 0, patience_s=patience, **timed),
            erlang.abandonment_rate(3, 0, aht_s=180, patience_s=patience),
            erlang.blocking_rate(3, 0, lines=5, aht_s=180, patience_s=patience),
            erlang.mean_wait_s(3, 0, aht_s=180, patience_s=patience),
            erlang.wait_quantile_s(3, 0, aht_s=180, patience_s=patience, q=0.5),
            erlang.erlang_b(3, 0),
            erlang.erlang_c(3, 0),
        ]
        assert np.isnan(shares).all()
        assert erlang.occupancy(3, 0, aht_s=180, patience_s=patience) == erlang.mean_queue(3, 0, aht_s=180, patience_s=patience) == 0
        assert erlang.service_level(0, 5, patience_s=patience, **timed) == 0
        assert erlang.service_level(0, 5, patience_s=patience, **timed, definition="sl_answered_only") == 0
        assert erlang.wait_probability(0, 5, aht_s=180, patience_s=patience) == 1
        assert math.isnan(erlang.occupancy(0, 5, aht_s=180, patience_s=patience))
        assert erlang.service_level(math.inf, 5, patience_s=patience, **timed) == 1
    assert math.isnan(erlang.occupancy(0, 0))
    assert erlang.abandonment_rate(0, 5, aht_s=180, patience_s=60) == pytest.approx(1, rel=1e-15)
    waits = [erlang.mean_wait_s(0, 5, aht_s=180, patience_s=60, of=of) for of in ("all", "abandoned")]
    assert waits == pytest.approx([60, 60], rel=1e-15)
    assert math.isnan(erlang.mean_wait_s(0, 5, aht_s=180, patience_s=60, of="answered"))
    assert math.isnan(erlang.mean_wait_s(5, 5, aht_s=180, of="abandoned"))
    assert erlang.service_level(0, 5, patience_s=60, **timed, definition="sl_early_abandoned_met") == pytest.approx(1 - math.exp(-1 / 3))
    assert erlang.erlang_b(0, 5) == erlang.blocking_rate(0, 5, lines=3) == 1
    assert erlang.mean_queue(0, 5, lines=3) == 3
    assert erlang.wait_probability(1, 1e4, aht_s=180, patience_s=0.5) > 0.99
    assert erlang.max_load(0, aht_s=180, target_service_level=0.8, threshold_s=20) == 0
    assert erlang.max_load(5, aht_s=180, max_abandonment_rate=1.0, patience_s=60) == math.inf
    assert erlang.max_load(5, aht_s=180, target_service_level=1.0, threshold_s=20) == 0
    assert erlang.lines_required(0, max_blocking_rate=0.01) == erlang.lines_required(5, max_blocking_rate=1) == 0
    assert erlang.lines_required(5, max_blocking_rate=0) == math.inf
    assert erlang.agents_required(np.array([-0.0] * 6000), max_occupancy=0.5).tolist() == [0.0] * 6000


def test_definitions_agree_where_nobody_leaves_or_is_turned_away() -> None:
    for definition in SERVICE_LEVELS:
        level = erlang.service_level(14, 10.0, aht_s=180, threshold_s=20, definition=definition)
        assert level == pytest.approx(1 - erlang.erlang_c(14, 10.0) * math.exp(-4 * 20 / 180), rel=1e-14)


def test_numbers_give_numbers_and_arrays_broadcast() -> None:
    numbers = [erlang.erlang_b(10, 5), erlang.agents_required(5, max_occupancy=0.8), erlang.offered_load(1, aht_s=1, interval_s=1)]
    assert {type(each) for each in numbers} == {float}
    agents, load = np.arange(1, 21)[:, None], np.array([0.0, 0.5, 8.0, 30.0])
    table = erlang.service_level(agents, load, aht_s=180, threshold_s=[20, 30, 20, 60], patience_s=[60, np.inf, 120, 300], lines=25)
    assert table.shape == (20, 4)
    for i, j in np.ndindex(20, 4):
        one = erlang.service_level(
            float(agents[i, 0]), load[j], aht_s=180, threshold_s=[20, 30, 20, 60][j], patience_s=[60, np.inf, 120, 300][j], lines=25.0
        )
        assert one == table[i, j] or (math.isnan(one) and math.isnan(table[i, j]))
    assert erlang.erlang_c(np.array([]), 1.0).shape == (0,)
    assert erlang.agents_required(np.zeros((2, 0)), max_occupancy=0.8).shape == (2, 0)
    assert erlang.agents_required([[1.0], [2.0]], max_occupancy=[0.5, 0.25]).tolist() == [[2, 4], [4, 8]]
    assert erlang.max_load([[5], [10]], max_occupancy=[0.5, 0.8]) == pytest.approx(np.array([[2.5, 4.0], [5.0, 8.0]]))
    assert erlang.lines_required([10.0, 20.0], max_blocking_rate=0.05).tolist() == [15, 26]
    assert erlang.wait_quantile_s(14, 10.0, aht_s=180, q=[0.5, 0.9]).round(2).tolist() == [0, 24.96]
    assert np.isfinite(erlang.mean_queue(5, 10.0, aht_s=60, patience_s=[60, 120])).all()


QUEUE = {"agents": 10, "load": 8.0, "aht_s": 180, "threshold_s": 20}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"agents": -1}, "agents= is -1; expected a number 0 or more"),
        ({"agents": math.nan}, "agents= is nan"),
        ({"load": -0.5}, "load= is -0.5; expected a number 0 or more"),
        ({"load": [1.0, 2.0, math.nan]}, "load= is nan at position 2"),
        ({"load": [[1.0, 2.0], [-3.0, 1.0]]}, "load= is -3 at position 1, 0"),
        ({"load": math.inf}, "load= is inf"),
        ({"load": "ten"}, "load='ten' is not a number"),
        ({"aht_s": 0}, "aht_s= is 0; expected a number above 0"),
        ({"aht_s": None, "patience_s": 60}, "aht_s= is missing"),
        ({"threshold_s": -20}, "threshold_s= is -20"),
        ({"patience_s": 0}, "patience_s= is 0; expected a number above 0, infinite allowed"),
        ({"lines": 8}, "lines= is below agents= in 1 of 1 rows"),
        ({"short_s": -1}, "short_s= is -1"),
        ({"definition": "sl_answered"}, "definition='sl_answered' is not a service level.*Did you mean sl_answered_only"),
        ({"load": [1.0, 2.0], "agents": [1, 2, 3]}, "do not broadcast"),
        ({"load": [1.0, 2.0], "agents": [1, 2, 3], "lines": [4.0, 5.0]}, "do not broadcast"),
    ],
)
def test_refusals_name_the_argument(change: dict[str, object], text: str) -> None:
    asked = QUEUE | change
    with pytest.raises(OptionError, match=text):
        erlang.service_level(asked.pop("agents"), asked.pop("load"), **asked)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({}, "no target: give at least one of target_service_level, .*max_mean_wait_s"),
        ({"target_service_level": 0.8}, "target_service_level= and threshold_s= go together"),
        ({"threshold_s": 20, "max_occupancy": 0.8}, "target_service_level= and threshold_s= go together"),
        ({"target_service_level": 80, "threshold_s": 20}, "target_service_level= is 80; expected a number from 0 to 1"),
        ({"max_occupancy": 1.2}, "max_occupancy= is 1.2; expected a number from 0 to 1"),
        ({"max_abandonment_rate": -0.1}, "max_abandonment_rate= is -0.1"),
        ({"max_blocking_rate": [0.1, math.nan]}, "max_blocking_rate= is nan at position 1"),
        ({"max_mean_wait_s": -5, "aht_s": 180}, "max_mean_wait_s= is -5"),
        ({"max_mean_wait_s": 5}, "aht_s= is missing"),
    ],
)
def test_targets_that_make_no_sense_are_refused(asked: dict[str, object], text: str) -> None:
    with pytest.raises(OptionError, match=text):
        erlang.agents_required(10.0, **asked)
    with pytest.raises(OptionError, match=text):
        erlang.max_load(10, **asked)


def test_whose_wait_is_asked_by_name() -> None:
    with pytest.raises(OptionError, match="of='anwered' is not one of all, answered, abandoned. Did you mean answered"):
        erlang.mean_wait_s(10, 8.0, aht_s=180, of="anwered")
    with pytest.raises(OptionError, match="of='offered' is not one of all, answered, abandoned, virtual"):
        erlang.wait_exceeds(10, 8.0, aht_s=180, wait_s=20, of="offered")
    with pytest.raises(OptionError, match="interval_s= is 0; expected a number above 0"):
        erlang.offered_load(100, aht_s=180, interval_s=0)
    with pytest.raises(OptionError, match="q= is 1.5; expected a number from 0 to 1"):
        erlang.wait_quantile_s(10, 8.0, aht_s=180, q=1.5)
    with pytest.raises(OptionError, match="lines= is below agents= in 2 of 3 rows"):
        erlang.max_load([10, 11, 9], lines=9, max_blocking_rate=0.01)


@pytest.mark.parametrize("load", [5e-324, 1e-300, 0.01, 5.0, 1e5])
@pytest.mark.parametrize("places", [math.inf, 10.0, 10.5])
@pytest.mark.parametrize("threshold", [0.0, 20.0, math.inf])
def test_without_agents_everybody_let_in_abandons(load: float, places: float, threshold: float) -> None:
    queue = {"aht_s": 180.0, "patience_s": 60.0, "lines": places}
    blocked = erlang.blocking_rate(0, load, **queue)
    left = -math.expm1(-threshold / 60.0)
    expected = dict.fromkeys(SERVICE_LEVELS, 0.0) | {"sl_early_abandoned_met": (1 - blocked) * left}
    found = {each: erlang.service_level(0, load, **queue, threshold_s=threshold, definition=each) for each in SERVICE_LEVELS}
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert erlang.abandonment_rate(0, load, **queue) == pytest.approx(1 - blocked, rel=1e-12)
    assert erlang.wait_probability(0, load, **queue) == pytest.approx(1 - blocked, rel=1e-12)
    if places == math.inf:
        assert erlang.mean_wait_s(0, load, **queue) == pytest.approx(60.0)
        assert erlang.service_level(0, load, aht_s=180, patience_s=0.001, threshold_s=20, definition="sl_early_abandoned_met") == 1.0


def test_shares_are_shares() -> None:
    """Where rounding would leave the interval, and where loads are too small for a quotient."""
    rng = np.random.default_rng(17)
    size = 4000
    agents, load = 10 ** rng.uniform(-13, 4, size), 10 ** rng.uniform(-13, 5, size)
    load[::5] = rng.choice([5e-324, 1e-310, 1e-300, 1e-290], len(load[::5]))
    agents[::50] = 0.0
    queue = {"aht_s": 10 ** rng.uniform(0, 5, size), "patience_s": 10 ** rng.uniform(-3, 6, size)}
    queue["patience_s"][::3] = math.inf
    lines = agents + rng.choice([0.0, 1.0, 1.5, 40.0, math.inf], size)
    threshold = rng.choice([0.0, 1.0, 20.0, 1e6, math.inf], size)
    for short in (0.0, 5.0):
        for definition in SERVICE_LEVELS:
            level = erlang.service_level(agents, load, **queue, lines=lines, threshold_s=threshold, definition=definition, short_s=short)
            assert ((level >= 0) & (level <= 1)).all(), definition
    rates = [each(agents, load, **queue, lines=lines) for each in (erlang.wait_probability, erlang.abandonment_rate, erlang.blocking_rate)]
    busy = erlang.occupancy(agents, load, **queue, lines=lines)
    for each in (*rates, busy[agents > 0]):
        assert ((each >= 0) & (each <= 1)).all()
    assert np.isnan(busy[agents == 0]).all()
    wait = erlang.mean_wait_s(agents, load, **queue, lines=lines)
    assert ((wait >= 0) | (rates[2] == 1)).all()
    assert erlang.service_level(1000, 1e5, aht_s=180, patience_s=60, lines=1e6, threshold_s=0, definition="sl_early_abandoned_met") >= 0
    assert erlang.service_level(0.5, 0.3, aht_s=180, lines=1e6, threshold_s=1e6) <= 1
    assert erlang.abandonment_rate(1e-12, 1e5, aht_s=180, patience_s=1, lines=1e6) <= 1
    assert 0 <= erlang.service_level(1e-12, 5e-324, aht_s=1, patience_s=1, lines=1.000000000001, threshold_s=20) <= 1
    assert 0 <= erlang.occupancy(0.5, 5e-324, aht_s=1e5, lines=1.5) <= 1
    assert erlang.service_level(1e-310, 1e-300, aht_s=180, patience_s=0.001, threshold_s=20) <= 1
    assert erlang.mean_queue(1, 5e-324, aht_s=180, lines=4) <= 5e-324
