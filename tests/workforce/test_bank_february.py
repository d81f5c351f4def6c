"""The page "Erlang C against A on a real log" says what the log says."""

from __future__ import annotations

from pathlib import Path

import pytest

import ccstats as cc

ZONE = "Asia/Jerusalem"
PAGE = (Path(__file__).parents[2] / "docs" / "erlang_c_against_a.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def contacts(shared: Path):
    log = cc.read(shared / "data" / "anonymous_bank_1999" / "february.txt", format="technion_bank", timezone=ZONE)
    return log.contacts


def points(bias: float) -> str:
    return f"{100 * bias:+.1f}".replace("-", "−")


@pytest.mark.shared
def test_patience_as_printed(contacts) -> None:
    patience = cc.estimate_patience(contacts)
    assert f"**{patience.mean_s:.0f} s** (95 % limits {patience.mean_low_s:.0f} to {patience.mean_high_s:.0f} s)" in PAGE
    assert f"the median is {patience.groups['median_s'].item():.0f} s" in PAGE
    assert f"of the three laws the {patience.groups['law'].item()} describes" in PAGE
    alive = [patience.curve.loc[patience.curve["time_s"] <= at, "survival"].iloc[-1] for at in (20, 60, 120)]
    after = "{:.1f} % are still willing after 20 s, {:.1f} % after a minute and {:.1f} % after".format(*(100 * share for share in alive))
    assert after in PAGE
    hazard = patience.hazard.set_index("start_s")["hazard"] * 100
    for start, said in ((0, "0.25"), (10, "0.46"), (30, "0.22"), (55, "0.44")):
        assert f"{hazard[start]:.2f}" == said


@pytest.mark.shared
@pytest.mark.parametrize("gap", [300, 900, 1800])
def test_bias_as_printed(contacts, gap: int) -> None:
    half_hours = cc.to_intervals(contacts, every="30min", timezone=ZONE, threshold_s=20)
    staffed = cc.to_agent_intervals(cc.infer_agents(contacts, gap_s=gap, timezone=ZONE), every="30min", timezone=ZONE)
    backtest = cc.backtest_staffing(half_hours, staffed, by=())
    overall = cc.summarise_backtest(backtest, by=None).set_index("model")
    lost = cc.summarise_backtest(backtest, by=None, metric="abandonment_rate").set_index("model")
    occupancy = cc.compare_presence(contacts, gaps_s=[gap], timezone=ZONE)["occupancy"].item()
    biases = [overall.loc[model, "bias"] for model in ("erlang_c", "erlang_a", "transient")] + [lost.loc["erlang_a", "bias"]]
    row = " | ".join([f"| {gap // 60} min", f"{100 * occupancy:.1f} %", *(f"{points(bias)} points" for bias in biases)])
    assert row in PAGE
    if gap == 900:
        assert f"its mean absolute error is {100 * overall.loc['erlang_c', 'mae']:.1f} points" in PAGE
        assert "({:.1f} against {:.1f} points)".format(*(100 * overall.loc[model, "mae"] for model in ("transient", "erlang_a"))) in PAGE
        assert f"over {overall.loc['erlang_a', 'intervals']} half-hours of {overall.loc['erlang_a', 'days']} days" in PAGE
        full = cc.summarise_backtest(backtest, by="load_per_agent").set_index(["load_per_agent", "model"])["observed"]
        assert [round(100 * full[band, "erlang_c"]) for band in ("1.1-1.25", "1-1.1")] == [27, 30]
        level = overall.loc["erlang_a", "observed"]
        assert f"{100 * level:.1f} % were answered within 20 s" in PAGE
