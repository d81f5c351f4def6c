"""What each chart draws is what the table says: lines, bars, markers and words against the figures, one by one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from chart_cases import (
    NAN,
    ZONE,
    agents,
    axes,
    contacts,
    curve,
    days,
    draw,
    drivers,
    explained,
    forecast,
    intervals,
    kpis,
    line,
    lines,
    named,
    plan,
    points,
    same,
    service,
    shifts,
    subtitle,
    tabulated,
    versus,
    words,
)

import ccstats as cc
from ccstats.errors import ColumnError, OptionError

plots = cc.plots


def test_control_chart_draws_values_limits_and_baseline_with_their_gaps() -> None:
    table, ax = points(), axes()
    plots.control_chart(table, ax=ax)
    for label, column in {"value": "value", "baseline": "baseline", "lower limit": "lower", "upper limit": "upper"}.items():
        assert same(line(ax, label).get_ydata(), table[column])
        assert (line(ax, label).get_xdata() == table["period_start"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()).all()
    assert ax.get_ylabel() == "Service level - of all offered [%]"
    assert not lines(ax, "target")


def test_control_chart_marks_each_signal_and_names_it() -> None:
    ax = axes()
    plots.control_chart(points(), ax=ax)
    worse, better = line(ax, "worse"), line(ax, "signal")
    assert worse.get_ydata().tolist() == [0.4]
    assert worse.get_marker() == "v"
    assert better.get_ydata().tolist() == [0.95]
    assert better.get_marker() == "^"
    assert worse.get_color() != better.get_color()
    assert set(named(ax, "signal")) == {"2025-01-09: 40.0 %", "2025-01-10: 95.0 %"}
    assert "signals: 2" in subtitle(ax)


def test_control_chart_has_a_marker_for_every_signal_however_many_there_are() -> None:
    rng = np.random.default_rng(1)
    values = rng.random(300)
    table = points(values, signal=values > 0.7, direction="better", score=values)
    ax = axes()
    plots.control_chart(table, ax=ax)
    assert sum(len(each.get_ydata()) for each in [*lines(ax, "signal"), *lines(ax, "worse")]) == (values > 0.7).sum()
    assert 1 <= len(named(ax, "signal")) <= 8
    assert f"signals: {(values > 0.7).sum()}" in subtitle(ax)


def test_control_chart_shows_a_target_where_there_is_one() -> None:
    ax = axes()
    plots.control_chart(points(target=0.8), ax=ax)
    assert same(line(ax, "target").get_ydata(), [0.8] * 5)
    assert {"target", "usual", "upper limit", "lower limit"} <= set(words(ax))


def test_control_chart_sorts_by_time_and_chooses_a_metric() -> None:
    table = points()
    both = pd.concat([table.iloc[::-1], table.assign(metric="asa_s", value=30.0)], ignore_index=True)
    ax = axes()
    plots.control_chart(both, metric="service_level", ax=ax)
    assert same(line(ax, "value").get_ydata(), table["value"])
    with pytest.raises(OptionError, match="metric=: asa_s, service_level"):
        plots.control_chart(both, ax=axes())
    with pytest.raises(ColumnError, match="queue='sales'"):
        plots.control_chart(table.drop(columns="queue"), queue="sales", ax=axes())


def test_seconds_become_minutes_and_hours_where_they_are_many() -> None:
    said = {}
    for seconds in (90.0, 1500.0, 30_000.0):
        ax = axes()
        plots.service_by_interval(service([seconds], service_level=NAN).assign(asa_s=seconds), metric="asa_s", ax=ax)
        draw(ax)
        ticks = [(tick, ax.yaxis.get_major_formatter()(tick, 0)) for tick in ax.get_yticks()]
        said[seconds] = ax.get_ylabel().partition("[")[2].rstrip("]")
        factor = {"s": 1, "min": 60, "h": 3600}[said[seconds]]
        assert all(float(text.replace(",", "")) == pytest.approx(tick / factor, abs=1e-3) for tick, text in ticks)
    assert said == {90.0: "s", 1500.0: "min", 30_000.0: "h"}


def test_service_by_interval_draws_values_contacts_and_target() -> None:
    table, ax = service(offered=[10, 0, 30]), axes()
    plots.service_by_interval(table, target=0.85, ax=ax)
    assert same(line(ax, "value").get_ydata(), table["service_level"])
    assert line(ax, "target").get_ydata() == [0.85, 0.85]
    (strip,) = ax.child_axes
    assert [bar.get_height() for bar in strip.patches] == [10, 0, 30]
    assert "target 85 %" in words(ax)
    assert ax.get_xlabel() == f"Time of {ZONE}"


def test_service_by_interval_divides_sums_where_the_metric_is_none_of_the_columns() -> None:
    ax = axes()
    plots.service_by_interval(intervals((10, 0, 30)), ax=ax)
    assert same(line(ax, "value").get_ydata(), [0.9, NAN, 0.9])
    with pytest.raises(OptionError, match="Did you mean service_level"):
        plots.service_by_interval(intervals(), metric="service_levl", ax=axes())


def test_service_by_interval_takes_times_of_day_and_weekdays() -> None:
    table = service().drop(columns="period_start").assign(slot=["08:00", "08:30", "09:00"])
    ax = axes()
    plots.service_by_interval(table, ax=ax)
    assert ax.get_xlabel() == "Slot"
    week = service().drop(columns="period_start").assign(weekday=["Monday", "Tuesday", "Wednesday"])
    ax = axes()
    plots.service_by_interval(week, lang="tr", ax=ax)
    assert [label.get_text() for label in ax.child_axes[0].get_xticklabels()] == ["pazartesi", "salı", "çarşamba"]


def test_a_value_between_gaps_is_seen_in_a_long_series() -> None:
    values = np.full(400, NAN)
    values[100] = 0.5
    ax = axes()
    plots.service_by_interval(service(values), ax=ax)
    (alone,) = lines(ax, "_alone")
    assert alone.get_ydata().tolist() == [0.5]


def test_heatmap_divides_last_and_leaves_cells_without_contacts_empty() -> None:
    two_weeks = pd.concat([intervals((10, 0, 30)), intervals((30, 0, 0))], ignore_index=True)
    two_weeks.loc[3:, "interval_start"] += pd.Timedelta("7D")
    two_weeks.loc[3, "answered_within"] = 0
    ax = axes()
    plots.heatmap(two_weeks, ax=ax)
    cells = ax.collections[0].get_array()
    assert cells.shape == (7, 3)
    # Mondays 09:00: 9 of 10 and 0 of 30 are 9 of 40, not the mean of 90 % and 0 %
    assert cells[0].filled(NAN).tolist() == pytest.approx([9 / 40, NAN, 27 / 30], nan_ok=True)
    assert cells.mask[1:].all()
    assert named(ax, "cell") == ["22", "90"]  # 22.5 to the even number
    assert [label.get_text() for label in ax.get_xticklabels()] == ["09:00", "09:30", "10:00"]


def test_heatmap_of_a_count_is_the_mean_of_an_interval() -> None:
    table = pd.concat([intervals((10, 0, 30)), intervals((30, 20, 0), queue="help")], ignore_index=True)
    ax = axes()
    plots.heatmap(table, metric="offered", ax=ax)
    assert ax.collections[0].get_array()[0].filled(NAN).tolist() == [40, 20, 30]
    assert "all queues" in ax.get_title(loc="left")
    ax = axes()
    plots.heatmap(table, metric="offered", queue="help", ax=ax)
    assert ax.collections[0].get_array()[0].filled(NAN).tolist() == [30, 20]
    with pytest.raises(OptionError, match="no ratio and no count"):
        plots.heatmap(table, metric="threshold_s", ax=axes())


def test_wait_distribution_counts_the_answered_and_the_abandoned_apart() -> None:
    table, ax = contacts(), axes()
    plots.wait_distribution(table, threshold_s=20, ax=ax)
    for word, waits in (("answered", [0, 0, 10, 20, 30]), ("abandoned", [0, 5, 15])):
        drawn = line(ax, word)
        assert drawn.get_xdata().tolist() == waits
        assert drawn.get_ydata().tolist() == pytest.approx(np.arange(len(waits)) / (len(waits) - 1))
        assert drawn.get_drawstyle() == "steps-post"
    assert line(ax, "answered").get_linestyle() != line(ax, "abandoned").get_linestyle()
    assert "20 s: 75.0 % of the answered" in words(ax)  # 20 s itself is within
    assert {"answered (n = 4)", "abandoned (n = 2)"} <= set(words(ax))


def test_wait_distribution_of_many_contacts_is_thinned_and_stays_exact() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"outcome": "answered", "wait_s": rng.exponential(30, 20_000)})
    ax = axes()
    plots.wait_distribution(table, ax=ax)
    drawn = line(ax, "answered")
    assert len(drawn.get_xdata()) <= 2000
    for wait, share in zip(drawn.get_xdata()[1::300], drawn.get_ydata()[1::300], strict=True):
        assert share == pytest.approx((table["wait_s"] <= wait).mean())


def test_wait_distribution_takes_what_measure_waits_gives() -> None:
    calls = cc.synthesize_contacts(seed=1, days=2).contacts
    waits = cc.measure_waits(calls, by="queue", within_s=[10, 20, 60])
    ax = axes()
    plots.wait_distribution(waits, queue="sales", threshold_s=20, ax=ax)
    row = waits.set_index(waits["queue"].astype(str)).loc["sales"]
    assert line(ax, "answered").get_xdata().tolist() == [10, 20, 60]
    assert line(ax, "answered").get_ydata().tolist() == [row[f"answered_share_within_{limit}s"] for limit in (10, 20, 60)]
    whole = axes()
    plots.wait_distribution(calls, queue="sales", threshold_s=20, ax=whole)
    assert set(named(ax, "threshold")) == set(named(whole, "threshold"))


def test_patience_curve_ends_where_few_were_still_waiting() -> None:
    ax = axes()
    plots.patience_curve(curve(), ax=ax)
    drawn = line(ax, "survival")
    assert drawn.get_xdata().tolist() == [0, 10, 20]  # five at 30 s are too few
    assert drawn.get_ydata().tolist() == [1.0, 0.8, 0.6]
    assert ax.get_xlim() == (0, 20)
    assert len(ax.collections) == 1  # the limits


def test_patience_curve_of_an_estimate_has_the_law_of_its_mean() -> None:
    found = cc.estimate_patience(cc.synthesize_contacts(seed=1, days=3).contacts)
    ax = axes()
    plots.patience_curve(found, ax=ax)
    law = line(ax, "exponential")
    assert law.get_ydata() == pytest.approx(np.exp(-law.get_xdata() / found.mean_s))
    assert "median" in subtitle(ax)


def test_patience_curves_of_queues_differ_by_dashes_too() -> None:
    both = pd.concat([curve(queue="sales"), curve(queue="help", survival=[1.0, 0.9, 0.8, 0.7])], ignore_index=True)
    ax = axes()
    plots.patience_curve(both, ax=ax)
    assert line(ax, "help").get_ydata().tolist() == [1.0, 0.9, 0.8]
    assert line(ax, "help").get_linestyle() != line(ax, "sales").get_linestyle()
    assert {"help", "sales"} <= set(words(ax))
    many = pd.concat([curve(queue=f"q{at}") for at in range(8)], ignore_index=True)
    with pytest.raises(OptionError, match="choose one with queue="):
        plots.patience_curve(many, ax=axes())


def test_staffing_curve_marks_the_fewest_agents_that_do() -> None:
    table, ax = tabulated(), axes()
    plots.staffing_curve(table, ax=ax)
    assert same(line(ax, "expected_service_level").get_ydata(), table["expected_service_level"])
    assert same(line(ax, "expected_occupancy").get_ydata(), table["expected_occupancy"])
    assert same(line(ax, "answer").get_xdata(), [14, 14])
    assert named(ax, "answer") == ["14 agents"]
    assert not lines(ax, "expected_abandonment_rate")  # nobody gives up in Erlang C


def test_staffing_curve_of_a_plan_shows_where_agents_are_short() -> None:
    ax = axes()
    plots.staffing_curve(plan(), timezone=ZONE, ax=ax)
    assert same(line(ax, "required_agents").get_ydata(), [2.5, 4, 1, 1])  # the last interval has an end
    assert same(line(ax, "agents").get_ydata(), [3, 3, 1, 1])
    assert "0.5 agent-hours short" in subtitle(ax)  # one agent for half an hour
    short = next(each for each in ax.collections if each.get_label() == "short")
    assert short.get_hatch() == "////"
    covered = plan().rename(columns={"required_agents": "required", "agents": "covered"})
    ax = axes()
    plots.staffing_curve(covered, ax=ax)
    assert same(line(ax, "covered").get_ydata(), [3, 3, 1, 1])
    with pytest.raises(ColumnError, match="required_agents and agents"):
        plots.staffing_curve(plan().drop(columns="agents"), ax=axes())


def test_staffing_curve_of_a_plan_shows_who_is_paid_and_the_contacts_below() -> None:
    table = plan(scheduled_agents=[5, 5, 2], expected_offered=[40.0, 60.0, 10.0])
    ax = axes()
    plots.staffing_curve(table, timezone=ZONE, ax=ax)
    assert same(line(ax, "scheduled_agents").get_ydata(), [5, 5, 2, 2])
    assert same(line(ax, "agents").get_ydata(), [3, 3, 1, 1])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["there", "needed", "Scheduled agents"]
    assert len({line(ax, name).get_linestyle() for name in ("agents", "required_agents", "scheduled_agents")}) == 3
    (strip,) = ax.child_axes
    assert [bar.get_height() for bar in strip.patches] == [40, 60, 10]
    begins = [bar.get_x() for bar in strip.patches]
    assert begins == pytest.approx(ax.convert_xunits(line(ax, "agents").get_xdata()[:-1]).tolist())  # a bar begins with its step
    assert "110 contacts" in subtitle(ax)
    assert "(1 - shrinkage)" in subtitle(ax)
    assert ax.get_xlabel() == f"Time of {ZONE}"
    ax = axes()
    plots.staffing_curve(plan(scheduled_agents=[3, 3, 1]), timezone=ZONE, ax=ax)
    assert not lines(ax, "scheduled_agents")  # without shrinkage the same
    assert not ax.child_axes


def test_plan_against_actual_draws_both_and_says_how_far_off() -> None:
    table, ax = versus(), axes()
    plots.plan_against_actual(table, ax=ax)
    assert same(line(ax, "planned").get_ydata(), table["planned_offered"])
    assert same(line(ax, "actual").get_ydata(), table["offered"])
    assert "actual 0.0 % off plan" in subtitle(ax)
    ax = axes()
    plots.plan_against_actual(table, metric="agent_hours", ax=ax)
    assert same(line(ax, "actual").get_ydata(), table["agent_hours"])
    assert same(line(ax, "required").get_ydata(), table["required_hours"])
    assert ax.get_ylabel() == "Agent hours [h]"
    assert "actual 0.0 % off plan" in subtitle(ax)  # 16 of 16 hours on the two days known
    with pytest.raises(OptionError, match="Did you mean offered"):
        plots.plan_against_actual(table, metric="offerd", ax=axes())


def test_waterfall_goes_from_plan_to_actual() -> None:
    table, ax = explained(), axes()
    plots.service_level_waterfall(table, ax=ax)
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(table["contribution"].tolist())
    begins = [bar.get_x() for bar in ax.patches]
    assert begins == pytest.approx([0.85, 0.77, 0.80])
    assert begins[-1] + ax.patches[-1].get_width() == pytest.approx(0.78)
    assert same(line(ax, "planned").get_xdata(), [0.85, 0.85])
    assert same(line(ax, "achieved").get_xdata(), [0.78, 0.78])
    assert named(ax, "contribution") == ["-8.0 pp (-80 contacts)", "+3.0 pp (+30 contacts)", "-2.0 pp (-20 contacts)"]
    assert [bar.get_hatch() for bar in ax.patches] == [None, None, "////"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Planned", "Volume", "Handle time", "Residual", "Achieved"]


def test_waterfall_of_several_periods_asks_for_one() -> None:
    both = pd.concat([explained(period_start=days(2)[at], service_level=0.78 + at / 10) for at in range(2)], ignore_index=True)
    with pytest.raises(OptionError, match="period_start=: 2025-01-06 00:00, 2025-01-07 00:00"):
        plots.service_level_waterfall(both, ax=axes())
    ax = axes()
    plots.service_level_waterfall(both, period_start="2025-01-07", ax=ax)
    assert line(ax, "achieved").get_xdata() == pytest.approx([0.88, 0.88])
    for wrong in ("2025-01-08", "not a day"):
        with pytest.raises(OptionError, match="period_start="):
            plots.service_level_waterfall(both, period_start=wrong, ax=axes())


def test_funnel_names_who_is_outside_and_hides_who_is_suppressed() -> None:
    table, ax = agents(), axes()
    plots.funnel(table, ax=ax)
    assert line(ax, "inside").get_ydata().tolist() == [0.85, 0.8]
    assert line(ax, "below").get_xdata().tolist() == [200]
    assert line(ax, "below").get_marker() == "v"
    assert named(ax, "signal") == ["Bo"]
    assert line(ax, "all").get_ydata() == pytest.approx([330 / 450] * 2)
    bars = ax.collections[0].get_segments()
    assert [segment[:, 1].tolist() for segment in bars] == [[0.7, 0.9], [0.7, 0.9], [0.6, 0.95]]
    assert "1 with too few cases not shown" in subtitle(ax)
    assert not any("Ada" in text or "Cy" in text for text in words(ax))


def test_forecast_fan_has_both_bands_and_the_figure_of_a_planner() -> None:
    table, ax = forecast(override_offered=[NAN, 200.0]), axes()
    plots.forecast_fan(table, timezone=ZONE, ax=ax)
    assert same(line(ax, "expected").get_ydata(), [100, 90])
    assert same(line(ax, "override").get_ydata(), [NAN, 200])
    wide, narrow = ax.collections
    assert (wide.get_label(), narrow.get_label()) == ("95 %", "80 %")
    for band, share in ((wide, 95), (narrow, 80)):
        drawn = band.get_paths()[0].vertices[:, 1]
        assert drawn.min() == table[f"offered_low_{share}"].min()
        assert drawn.max() == table[f"offered_high_{share}"].max()
    assert "80 % / 95 %" in subtitle(ax)
    assert ax.get_ylabel() == "Contacts a day"


def test_forecast_fan_leaves_out_the_rest_of_a_day_that_has_begun() -> None:
    ax = axes()
    plots.forecast_fan(forecast(interval_s=[14_400.0, 86_400.0]), ax=ax)
    assert line(ax, "expected").get_ydata().tolist() == [100, 90]  # of two the middle is no day
    three = pd.concat([forecast(), forecast().tail(1).assign(interval_start=days(3)[2:].tz_convert("UTC"))], ignore_index=True)
    three.loc[0, "interval_s"] = 14_400.0
    ax = axes()
    plots.forecast_fan(three, ax=ax)
    assert line(ax, "expected").get_ydata().tolist() == [90, 90]


def test_forecast_fan_shows_what_came_before() -> None:
    before = pd.DataFrame({"queue": ["sales", "help"] * 2, "period_start": days(2).repeat(2), "offered": [5, 100, 7, 100]})
    ax = axes()
    plots.forecast_fan(forecast(), history=before, ax=ax)
    assert line(ax, "history").get_ydata().tolist() == [5, 7]
    ax = axes()
    plots.forecast_fan(forecast(queue="all"), history=before, ax=ax)
    assert line(ax, "history").get_ydata().tolist() == [105, 107]
    with pytest.raises(ColumnError, match="history"):
        plots.forecast_fan(forecast(), history=before.drop(columns="offered"), ax=axes())


def test_schedule_grid_puts_a_row_an_agent_and_a_bar_a_shift() -> None:
    from matplotlib.dates import date2num

    table, ax = shifts(), axes()
    plots.schedule_grid(table, timezone=ZONE, ax=ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Ada", "Bo"]
    bars = [(round(bar.get_y() + bar.get_height() / 2), bar.get_x(), bar.get_width()) for bar in ax.patches]
    begins = date2num(table["started_at"].dt.tz_convert("UTC").dt.tz_localize(None))
    assert [bar[0] for bar in bars] == [0, 1, 0]
    assert [bar[1] for bar in bars] == pytest.approx(begins.tolist())
    assert [bar[2] for bar in bars] == pytest.approx([8 / 24] * 3)
    assert "24 h in all" in subtitle(ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["early", "late", "night"]
    hatches = [patch.get_hatch() for patch in ax.get_legend().get_patches()]
    assert len(set(hatches)) == 3  # not by colour alone


def test_schedule_grid_shows_one_day_with_its_night_shift_and_breaks() -> None:
    ax = axes()
    plots.schedule_grid(shifts(), timezone=ZONE, day="2025-01-07", ax=ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Ada"]
    start = pd.to_datetime(["2025-01-06 22:00", "2025-01-07 01:00", "2025-01-07 02:00"]).tz_localize(ZONE)
    end = pd.to_datetime(["2025-01-07 01:00", "2025-01-07 02:00", "2025-01-07 06:00"]).tz_localize(ZONE)
    night = pd.DataFrame({"seat": 1, "agent": "Ada", "shift": "night", "started_at": start, "ended_at": end})
    night["activity"] = ["on_queue", "break", "on_queue"]
    ax = axes()
    plots.schedule_grid(night, timezone=ZONE, day="2025-01-06", ax=ax)
    assert [bar.get_gid() for bar in ax.patches] == ["shift", "break", "shift"]
    assert "break" in words(ax)
    with pytest.raises(OptionError, match="is no day"):
        plots.schedule_grid(night, day="someday", ax=axes())


def test_schedule_grid_of_shifts_without_names_counts_them() -> None:
    table = shifts().drop(columns="agent").assign(agents=[3, 2, 1])
    ax = axes()
    plots.schedule_grid(table, timezone=ZONE, ax=ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["08:00 early  × 3", "12:00 late  × 2", "22:00 night  × 1"]
    assert "48 h in all" in subtitle(ax)
    with pytest.raises(ColumnError, match="'agent' or 'agents'"):
        plots.schedule_grid(shifts().drop(columns="agent"), ax=axes())


def test_schedule_grid_stops_at_sixty_rows_and_says_so() -> None:
    day = days(1)[0]
    many = pd.DataFrame(
        {"agent": [f"a{at:03d}" for at in range(90)], "shift": "day", "started_at": day, "ended_at": day + pd.Timedelta("8h")}
    )
    ax = axes()
    plots.schedule_grid(many, ax=ax)
    assert len(ax.patches) == len(ax.get_yticklabels()) == 60
    assert "60 of 90 rows" in subtitle(ax)


def test_driver_chart_fills_what_is_clear_and_leaves_open_what_is_not() -> None:
    ax = axes()
    plots.driver_chart(drivers(), ax=ax)
    worse, unclear = line(ax, "worse"), line(ax, "unclear")
    assert (worse.get_xdata().tolist(), worse.get_ydata().tolist(), worse.get_marker()) == ([-13.6], [0], "v")
    assert (unclear.get_xdata().tolist(), unclear.get_ydata().tolist()) == ([2.0], [1])
    assert unclear.get_markerfacecolor() != unclear.get_color()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Wait: +60 s", "Queue: b (against a)", "Queue: c (against a)"]
    assert ax.get_xlabel().endswith("[points]")


def test_driver_chart_of_many_keeps_the_strongest() -> None:
    many = pd.DataFrame({"driver": "agent", "level": [f"a{at}" for at in range(60)], "reference": "b", "responses": 9})
    many = many.assign(effect=np.arange(60.0), effect_low=np.arange(60.0) - 1, effect_high=np.arange(60.0) + 1)
    ax = axes()
    plots.driver_chart(many, ax=ax)
    assert len(ax.get_yticklabels()) == 40
    assert ax.get_yticklabels()[0].get_text().startswith("Agent: a20")
    assert "40 of 60 rows" in subtitle(ax)


def test_kpi_cards_say_value_target_and_verdict_in_words() -> None:
    ax = axes()
    plots.kpi_cards(kpis(), ax=ax)
    assert named(ax, "value") == ["83.4 %", "31 s", "not measured"]
    assert named(ax, "target") == ["at least 80 %", "at most 20 s", "at least 90 %"]
    assert named(ax, "verdict") == ["✔ Met", "✘ Not met", "? Not decidable"]
    assert named(ax, "trend") == ["▲"]
    assert subtitle(ax) == "1 of 3 targets met, 1 not decidable"
    assert ax.get_title(loc="left") == "Scorecard, sales, 2025-03"


def test_kpi_cards_take_the_last_period_and_all_queues_by_default() -> None:
    later = kpis(period_start=pd.DatetimeIndex(["2025-04-01"] * 3).tz_localize(ZONE), value=[0.7, 10.0, 0.95])
    both = pd.concat([kpis(), later], ignore_index=True)
    both = pd.concat([both, both.assign(queue="all", value=0.5)], ignore_index=True)
    ax = axes()
    plots.kpi_cards(both, queue="sales", ax=ax)
    assert named(ax, "value") == ["70.0 %", "10 s", "95.0 %"]
    ax = axes()
    plots.kpi_cards(both, period_start="2025-03-01", ax=ax)
    assert named(ax, "value")[0] == "50.0 %"
    assert "all queues" in ax.get_title(loc="left")


def test_shares_have_ticks_in_percent() -> None:
    ax = axes()
    plots.service_by_interval(service((0.62, 0.9, 0.75)), ax=ax)
    shown = {float(tick): ax.yaxis.get_major_formatter()(tick, 0) for tick in ax.get_yticks()}
    assert shown
    assert all(float(text) == pytest.approx(100 * tick) for tick, text in shown.items())
