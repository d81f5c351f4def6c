"""The sample centre: the same bytes every time, sound lines, and a log that tells what the synthetic tables know."""

from __future__ import annotations

import gzip
import importlib.util
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ccstats as cc

ROOT = Path(__file__).parents[1]
CENTRE = ROOT / "data" / "samples" / "centre"
#: How many parameters Asterisk 18 writes; without any the separator stays at the end, as if there were one.
PARAMETERS = {
    "DID": {1},
    "ENTERQUEUE": {3},
    "CONNECT": {3},
    "COMPLETEAGENT": {3},
    "COMPLETECALLER": {3},
    "ABANDON": {3},
    "EXITWITHTIMEOUT": {3},
    "EXITWITHKEY": {4},
    "EXITEMPTY": {3},
    "RINGNOANSWER": {1},
    "RINGCANCELED": {1},
    "BLINDTRANSFER": {5},
    "ATTENDEDTRANSFER": {5},
    "ADDMEMBER": {1},
    "REMOVEMEMBER": {1},
    "PAUSE": {1},
    "UNPAUSE": {1},
    "PAUSEALL": {1},
    "UNPAUSEALL": {1},
    "QUEUESTART": {1},
    "CONFIGRELOAD": {1},
}


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("make_samples", ROOT / "tools" / "make_samples.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made(tool):
    return tool.synthesize()


@pytest.fixture(scope="module")
def visits(tool, made) -> pd.DataFrame:
    """What happened, as whole seconds: every visit with the names of the log."""
    table = tool.dress(made)
    whole = {name: table[f"t_{name}"] // 1000 for name in ("queued", "left", "ended", "rings")}
    answered, done = table["outcome"] == "answered", table["talk_s"].notna()
    return table.assign(
        queued=whole["queued"],
        wait_s=(whole["left"] - whole["queued"]).astype(float),
        talk_s=(whole["ended"] - whole["left"]).where(done).astype(float),
        ring_s=(whole["left"] - whole["rings"]).where(answered).astype(float),
    )


@pytest.fixture(scope="module")
def events() -> list[list[str]]:
    return [line.split("|") for line in gzip.decompress((CENTRE / "queue_log.gz").read_bytes()).decode().splitlines()]


def test_same_bytes_every_time(tool, tmp_path):
    tool.write(tmp_path)
    made, kept = ({path.name: path for path in folder.iterdir()} for folder in (tmp_path, CENTRE))
    assert sorted(made) == sorted(set(kept) - {"agreement.toml"})  # that one is written by hand
    for name, path in made.items():
        new, old = path.read_bytes(), kept[name].read_bytes()
        if name.endswith(".gz"):  # what is inside first: another build of zlib may pack differently
            assert gzip.decompress(new) == gzip.decompress(old)
        assert new == old, name


def test_samples_are_small():
    assert sum(path.stat().st_size for path in CENTRE.iterdir()) < 3_000_000


def test_lines_are_sound(events):
    times = [int(event[0]) for event in events]
    assert times == sorted(times)
    for event in events:
        assert len(event) - 5 in PARAMETERS[event[4]], event
    verbs = Counter(event[4] for event in events)
    assert set(verbs) == set(PARAMETERS)
    assert verbs["QUEUESTART"] == 1
    assert all(event[5] == "" for event in events if event[4] in ("ADDMEMBER", "QUEUESTART"))
    assert {"0", "1000", "15000"} <= {event[5] for event in events if event[4] == "RINGNOANSWER"}
    assert {event[5] for event in events if event[4] == "ATTENDEDTRANSFER"} == {"APP", "BRIDGE"}


def test_numbers_belong_to_nobody(events):
    free = re.compile(r"\+44(11[3-8]4960|1[2-6]14960|2079460|1914980|2896496|2920180|1632960|7700900|3069990)\d{3}")
    callers = {event[6] for event in events if event[4] == "ENTERQUEUE"} - {"", "anonymous"}
    own = {caller for caller in callers if re.fullmatch(r"8[123]\d\d", caller)}  # an agent's extension, who asks another queue
    assert own
    assert all(free.fullmatch(caller) for caller in callers - own)


def test_log_tells_what_happened(events, visits):
    """With a few lines of plain Python, apart from any reader: counts by queue, and every wait."""
    told = Counter((event[4], event[2]) for event in events)
    for queue, part in visits.groupby("queue", observed=True):
        outcomes = part["outcome"].value_counts()
        assert told["ENTERQUEUE", queue] == len(part)
        assert told["CONNECT", queue] == outcomes["answered"]
        assert told["ABANDON", queue] == outcomes["abandoned"]
        assert told["EXITWITHKEY", queue] == outcomes["exited_key"]
        assert told["EXITWITHTIMEOUT", queue] == outcomes["timed_out"]
        assert told["EXITEMPTY", queue] == outcomes["left_empty"]
    waits = Counter((event[1], event[2], int(event[5])) for event in events if event[4] == "CONNECT")
    answered = visits[visits["outcome"] == "answered"]
    assert waits == Counter(zip(answered["contact_id"], answered["queue"], answered["wait_s"].astype(int), strict=True))
    left = Counter((event[1], event[2], int(event[7])) for event in events if event[4] in ("ABANDON", "EXITWITHTIMEOUT", "EXITEMPTY"))
    gone = visits[visits["outcome"].isin(["abandoned", "timed_out", "left_empty"])]
    assert left == Counter(zip(gone["contact_id"], gone["queue"], gone["wait_s"].astype(int), strict=True))
    # a restart loses calls that wait and calls that talk, and writes a line for neither
    assert (visits["outcome"] == "failed").sum() > 0
    assert (visits["talk_s"].isna() & (visits["outcome"] == "answered")).sum() > 1


def test_agents_come_before_they_go(events):
    present: set[tuple[str, str]] = set()
    paused: set[str] = set()
    for _, _, queue, agent, verb, *_ in events:
        if verb == "QUEUESTART":
            present.clear()
            paused.clear()
        elif verb == "ADDMEMBER":
            assert (queue, agent) not in present
            present.add((queue, agent))
        elif verb == "REMOVEMEMBER":
            present.remove((queue, agent))
            paused.discard(agent)
        elif verb == "PAUSE":
            assert agent not in paused
            assert (queue, agent) in present
            paused.add(agent)
        elif verb == "UNPAUSE":
            paused.remove(agent)
        elif verb == "CONNECT":
            assert (queue, agent) in present
            assert agent not in paused


def test_ids_are_swapped_where_a_caller_is_put_through(events):
    swaps = [event for event in events if event[4] == "ATTENDEDTRANSFER" and event[5] == "APP"]
    assert len(swaps) > 50
    entered = {(event[1], event[2]) for event in events if event[4] == "ENTERQUEUE"}
    for swap in swaps:
        # the line is filed under an id that joined the second queue, never the first
        assert (swap[1], swap[2]) not in entered
        assert (swap[1], "support") in entered
    unannounced = [event for event in events if event[4] == "CONNECT" and (event[1], event[2]) not in entered]
    assert len(unannounced) == len(swaps)


def test_reading_it_gives_back_what_happened(visits):
    log = cc.read(CENTRE / "queue_log.gz", format="asterisk_queue_log")
    assert len(log.rejected) == 0
    words = dict.fromkeys(("queue", "outcome", "ended_by", "agent"), "str")
    columns = ["contact_id", "visit", *words, "wait_s", "talk_s", "ring_s", "queued_at", "arrived_at"]
    read = log.contacts[columns].astype(words)
    agent = visits["interface"].str.removeprefix("PJSIP/").where(visits["outcome"] == "answered")
    instants = {name: visits[name].dt.floor("s") for name in ("queued_at", "arrived_at")}
    true = visits.assign(agent=agent, **instants)[columns].astype(words)
    assert len(read) == len(true)
    both = read.merge(true, on=["contact_id", "visit"], suffixes=("", "_true"))
    assert len(both) == len(true)
    for name in words:
        told, was = (both[each].astype("object").fillna("") for each in (name, f"{name}_true"))
        assert (told == was).all(), both.loc[told != was, [name, f"{name}_true"]].head()
    assert (both["queued_at"] == both["queued_at_true"]).all()
    first = both["visit"] == 1
    assert (both["arrived_at"][first] == both["arrived_at_true"][first]).all()
    logged = both["outcome"] != "failed"  # no line tells how long the lost ones had waited
    np.testing.assert_array_equal(both["wait_s"][logged], both["wait_s_true"][logged])
    np.testing.assert_array_equal(both["talk_s"], both["talk_s_true"])
    np.testing.assert_array_equal(both["ring_s"], both["ring_s_true"])
    counted = log.contacts.groupby("queue", observed=True)["outcome"].value_counts()
    expected = visits.groupby("queue", observed=True)["outcome"].value_counts()
    for key in expected[expected > 0].index:
        assert counted[key] == expected[key], key


def test_reading_it_gives_back_who_was_there(tool, made):
    """Time logged in and in pause, agent by agent; the log cuts every instant to its second."""
    states = cc.read(CENTRE / "queue_log.gz", format="asterisk_queue_log").agent_states
    true = made.agent_states.assign(agent=made.agent_states["agent"].astype(object).map(tool._interface).str.removeprefix("PJSIP/"))
    # a restart takes the agents with it; who comes back is there again an hour later
    for frame in (states, true):
        assert (frame["closed_by"] == "restart").sum() > 5

    def spent(frame: pd.DataFrame, state: str | None) -> pd.Series:
        part = frame if state is None else frame[frame["state"] == state]
        took = (part["ended_at"].dt.floor("s") - part["started_at"].dt.floor("s")).dt.total_seconds()
        return took.groupby(part["agent"].astype("str")).sum()

    for state in (None, "pause", "on_contact"):
        pd.testing.assert_series_equal(spent(states, state), spent(true, state), check_names=False)


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(CENTRE / f"{name}.csv", dtype={"contact_id": "str", "customer": "str"})


def test_surveys_and_evaluations_are_about_answered_contacts(visits):
    answered = visits[visits["outcome"] == "answered"]
    who = set(zip(answered["contact_id"], answered["interface"].str.removeprefix("PJSIP/"), strict=True))
    for name, key in (("surveys", "response_id"), ("evaluations", "evaluation_id")):
        frame = table(name)
        assert set(zip(frame["contact_id"], frame["agent"], strict=True)) <= who
        assert frame.groupby(key)["contact_id"].nunique().max() == 1
    surveys, forms = table("surveys"), table("evaluations")
    assert surveys["response_id"].is_unique
    replied = surveys["responded_at"].notna()
    assert (surveys.loc[~replied, ["csat", "nps", "ces"]].isna()).all(axis=None)
    for score, low, high in (("csat", 1, 5), ("nps", 0, 10), ("ces", 1, 7)):
        given = surveys[score].dropna()
        assert given.between(low, high).all()
        assert given.nunique() >= 4
    assert 0.25 < replied.mean() < 0.42
    assert (forms["points"].dropna() <= forms["max_points"][forms["points"].notna()]).all()
    assert forms["points"].isna().any()
    assert not forms.duplicated(["evaluation_id", "item"]).any()
    assert (forms.groupby("evaluation_id").size() == forms["item"].nunique()).all()
    assert forms["critical_error"].any()
    assert forms.loc[forms["auto_fail"], "critical_error"].all()
    heard = forms.drop_duplicates(["contact_id", "assessor"])
    assert heard.duplicated("contact_id").sum() > 5  # two heard the same conversation


def test_complaints_run_forward_in_time(visits):
    frame = table("complaints")
    assert frame["complaint_id"].is_unique
    assert set(zip(frame["contact_id"], frame["customer"], strict=True)) <= set(zip(visits["contact_id"], visits["caller"], strict=True))
    times = [pd.to_datetime(frame[name]) for name in ("received_at", "acknowledged_at", "resolved_at")]
    for earlier, later in zip(times, times[1:], strict=False):
        known = later.notna()
        assert (earlier[known] < later[known]).all()
    assert ((frame["status"] == "open") == frame["resolved_at"].isna()).all()
    assert set(frame["status"]) == {"open", "resolved", "rejected"}


def test_forecast_is_right_where_nothing_was_planted(made):
    forecast, truth = table("forecast"), made.truth
    assert forecast["queue"].tolist() == truth["queue"].tolist()
    assert (pd.DatetimeIndex(forecast["interval_start"]) == pd.DatetimeIndex(truth["interval_start"])).all()
    plain = truth["label"].isna()
    starts = made.contacts["queued_at"].dt.floor("30min")
    offered = (
        made.contacts.groupby(["queue", starts], observed=True).size().reindex(pd.MultiIndex.from_frame(truth[["queue", "interval_start"]]))
    )
    came = offered.fillna(0).to_numpy()
    for queue in ("sales", "support", "roadside"):
        here = (plain & (truth["queue"] == queue)).to_numpy()
        assert abs(came[here].sum() / forecast["expected_offered"][here].sum() - 1) < 0.04
    planted = pd.read_csv(CENTRE / "truth.csv")
    assert set(planted["kind"]) == {"volume", "aht", "staff", "outage"}
    campaign = (truth["queue"] == "sales") & truth["interval_start"].between(*pd.to_datetime(["2025-03-10 23:00Z", "2025-03-11 22:30Z"]))
    assert came[campaign].sum() > 1.3 * forecast["expected_offered"][campaign].sum()
