"""The page of `ccstats serve`: figures are the library's own, nothing leaves this machine, and nobody else gets in."""

from __future__ import annotations

import contextlib
import functools
import http.client
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import ccstats as cc
from ccstats.errors import CcstatsError, OptionError, SourceMissingError

pytest.importorskip("dash", reason="the extra app is not installed")

from ccstats.app.centre import open_centre
from ccstats.app.happened import Happened
from ccstats.app.page import build_page
from ccstats.app.planning import Controls, plan_day

ZONE = "Europe/Berlin"
DAY = "2025-04-10"
HOSTILE = ["<script>document.title='taken'</script>", "=HYPERLINK(1)", "x" * 10_000, "\u202eevil\x1b[2J", "**b** [a](javascript:1)"]
GIVEN = {"queue": "sales", "day": DAY, "shrinkage": 30, "target": 80, "threshold": 20}


@pytest.fixture(scope="module")
def centre() -> Any:
    return open_centre([cc.sample_log()], timezone=ZONE)


@contextlib.contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command itself, as a user starts it, on a port that is free."""
    command = [sys.executable, "-m", "ccstats", "serve", *arguments, "--timezone", ZONE, "--port", "0"]
    restore = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}  # background jobs ignore Ctrl-C, and hand that on
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True, **restore)  # type: ignore[call-overload]
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            said.seek(0)
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", line), (line, said.read())
            yield process, line
            said.seek(0)
            assert process.poll() in (None, 0), said.read()
        finally:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(cc.sample_log()) as (_, url):
        yield url


@functools.cache
def log_of() -> Any:
    return cc.read(cc.sample_log(), timezone=ZONE)


@functools.cache
def forecast_of() -> pd.DataFrame:
    return cc.to_forecast(cc.to_intervals(log_of().contacts, every="30min", timezone=ZONE, threshold_s=20))


def planned(**changed: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the library says itself, the page left aside: the day's plan of all queues, and hours of each queue."""
    forecast = forecast_of()
    forecast = forecast[forecast["interval_start"].dt.tz_convert(ZONE).dt.strftime("%Y-%m-%d") == DAY]
    means = cc.estimate_patience(log_of().contacts, by="queue").groups.set_index("queue")["mean_s"]
    asked = {"target_service_level": 0.8, "threshold_s": 20, "shrinkage": 0.3, "patience_s": {str(q): m for q, m in means.items()}}
    plan = cc.plan_staffing(forecast, **(asked | changed))
    hours = (plan["scheduled_agents"] * plan["interval_s"] / 3600).groupby(plan["queue"].astype("str")).sum()
    return plan, hours


@pytest.mark.parametrize(
    ("control", "option"),
    [
        ({}, {}),
        ({"shrinkage": 35}, {"shrinkage": 0.35}),
        ({"target": 95, "threshold": 10}, {"target_service_level": 0.95, "threshold_s": 10}),
        ({"patience": 60}, {"patience_s": 60.0}),
        ({"formula": "erlang_c"}, {"patience_s": float("inf")}),
    ],
)
def test_a_day_is_planned_as_the_library_plans_it(centre: Any, control: dict[str, Any], option: dict[str, Any]) -> None:
    made = plan_day(centre, Controls.of(GIVEN | {"cost": 25} | control))
    plan, hours = planned(**option)
    mine = plan[plan["queue"] == "sales"].reset_index(drop=True)
    for name in ("agents", "scheduled_agents", "expected_service_level", "expected_asa_s"):
        assert made.intervals[name].equals(mine[name]), name
    found = made.queues.set_index("queue")
    assert found["scheduled_hours"].to_dict() == pytest.approx(hours.to_dict())
    assert found["cost"].to_dict() == pytest.approx((25 * hours).to_dict())


def test_volume_and_handle_time_scale_what_is_expected(centre: Any) -> None:
    made = plan_day(centre, Controls.of(GIVEN | {"volume": 150, "handle_time": 80})).intervals
    plain = plan_day(centre, Controls.of(GIVEN)).intervals
    assert made["expected_offered"].to_numpy() == pytest.approx(1.5 * plain["expected_offered"].to_numpy())
    assert made["expected_aht_s"].to_numpy() == pytest.approx(0.8 * plain["expected_aht_s"].to_numpy(), nan_ok=True)


@pytest.mark.parametrize("outlook", ["transient", "simulation"])
def test_service_is_told_by_the_model_that_is_asked_for(centre: Any, outlook: str) -> None:
    made = plan_day(centre, Controls.of(GIVEN | {"outlook": outlook}))
    plan, _ = planned()
    how = {"replications": 40} if outlook == "simulation" else {}
    told = cc.evaluate_staffing(plan, model=outlook, timezone=ZONE, **how)
    mine = told[told["queue"] == "sales"]
    assert made.intervals["expected_service_level"].to_numpy() == pytest.approx(mine["expected_service_level"].to_numpy(), nan_ok=True)


def test_a_typical_day_is_a_whole_day_of_the_forecast(centre: Any) -> None:
    keys = [key for key in centre.days() if key.startswith("typical-")]
    assert len(keys) == 7
    for key in keys:
        local = centre.day(key)["interval_start"].dt.tz_convert(ZONE)
        assert set(local.dt.day_of_week) == {int(key[-1])}
        assert len(set(local.dt.date)) == 1
        assert local.dt.strftime("%H:%M").nunique() == 48


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"shrinkage": 100}, "from 0 to 95, found 100"),
        ({"shrinkage": None}, "found nothing"),
        ({"target": float("nan")}, "from 1 to 99.9"),
        ({"threshold": "20; DROP"}, "found '20; DROP'"),
        ({"volume": True}, "volume: expected a number"),
        ({"patience": [1]}, "patience: expected a number"),
        ({"formula": "<b>"}, "expected one of erlang_a, erlang_c"),
        ({"queue": "nowhere"}, "no queue 'nowhere'"),
        ({"day": "typical-9"}, "no day 'typical-9'"),
        ({"day": {"a": 1}}, "no day"),
    ],
)
def test_what_cannot_be_planned_is_said(centre: Any, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=re.escape(said)):
        plan_day(centre, Controls.of(GIVEN | wrong))


def test_an_incident_leads_to_the_contacts_that_its_intervals_counted(centre: Any) -> None:
    happened = Happened(centre)
    for number in happened.judge("service_level").report.incidents["incident"].head(3):
        incident = happened.incident("service_level", number)
        rows = happened.intervals(incident)
        assert rows["signal"].any()
        for _, row in rows.iterrows():
            contacts = happened.contacts(incident["queue"], row["interval_start"].isoformat())
            assert len(contacts) == row["offered"]
            assert (contacts["outcome"] == "answered").sum() == row["answered"]
            assert "agent" not in contacts
    assert "agent" in Happened(centre, agent_names=True).contacts(incident["queue"], row["interval_start"])
    with pytest.raises(OptionError, match="no incident '99999'"):
        happened.incident("service_level", 99999)
    with pytest.raises(OptionError, match="is not judged here"):
        happened.judge("__class__")


def test_customers_are_pseudonyms(centre: Any) -> None:
    numbers = {line.split("|")[6] for line in _lines(cc.sample_log()) if "|ENTERQUEUE|" in line} - {""}
    shown = set(centre.contacts["customer"].dropna().astype("str"))
    assert len(numbers) > 1000
    assert shown
    assert not shown & numbers


def _lines(path: str) -> list[str]:
    import gzip

    return gzip.decompress(Path(path).read_bytes()).decode().splitlines()


def test_files_of_plans_forecasts_and_intervals_are_taken(centre: Any, tmp_path: Path) -> None:
    plan, _ = planned()
    files = {"forecast": cc.to_forecast(centre.intervals), "plan": plan, "intervals": centre.intervals}
    for name, table in files.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        found = open_centre([str(tmp_path / f"{name}.csv")], timezone=ZONE)
        assert DAY in found.days()
        assert (found.intervals is not None) == (name == "intervals")
        assert found.day(DAY)["expected_offered"].sum() == pytest.approx(centre.day(DAY)["expected_offered"].sum())
    assert found.patience_s == pytest.approx(centre.patience_s, rel=0.12)  # sums lack the waits of those who flowed out
    assert len(Happened(found).judge("service_level").report.incidents) == len(Happened(centre).judge("service_level").report.incidents)
    with pytest.raises(OptionError, match="no single contacts"):
        Happened(found).contacts("sales", DAY)


def test_an_archive_gives_what_its_logs_give(centre: Any, tmp_path: Path) -> None:
    cc.write_archive(log_of(), tmp_path / "archive")
    found = open_centre([str(tmp_path / "archive")], timezone=ZONE)
    assert (found.queues, found.days(), found.title) == (centre.queues, centre.days(), "archive")
    assert found.patience_s == centre.patience_s
    there, here = (plan_day(each, Controls.of(GIVEN)) for each in (found, centre))
    pd.testing.assert_frame_equal(there.queues, here.queues)
    report = Happened(found).judge("service_level").report
    assert report.incidents["in_words"].tolist() == Happened(centre).judge("service_level").report.incidents["in_words"].tolist()
    incident = Happened(found).incident("service_level", report.incidents["incident"][0])
    row = Happened(found).intervals(incident).iloc[0]
    assert len(Happened(found).contacts(incident["queue"], row["interval_start"].isoformat())) == row["offered"]


def test_a_report_is_told_from_other_folders_and_its_logs_are_named(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ccstats", "report", cc.sample_log(), "--timezone", ZONE, "--out", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    with pytest.raises(SourceMissingError, match=r"is a report: .*give the log it was made from: queue_log\.gz"):
        open_centre([str(tmp_path)], timezone=ZONE)
    (tmp_path / "tables" / "inputs.csv").unlink()  # as of a report that Python wrote
    with pytest.raises(SourceMissingError, match=r"give the log it was made from: files or an archive"):
        open_centre([str(tmp_path)], timezone=ZONE)


def test_a_folder_is_taken_for_what_it_holds_or_it_is_said_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SourceMissingError, match=r"holds nothing, but none of intervals\.parquet"):
        open_centre([str(tmp_path)], timezone=ZONE)
    (tmp_path / "kpis.csv").write_text("metric,value\n")
    with pytest.raises(SourceMissingError, match=r"holds kpis\.csv, but none .*give a log"):
        open_centre([str(tmp_path)], timezone=ZONE)
    shutil.copy(cc.sample_file("forecast.csv"), tmp_path / "forecast.csv")
    assert open_centre([str(tmp_path)], timezone=ZONE).queues == ["support", "sales", "roadside"]
    (tmp_path / "forecast.csv").write_text("queue,start,calls,aht\nsales,2025-03-03T09:00Z,0,180\nsales,2025-03-03T09:30Z,0,180\n")
    with pytest.raises(CcstatsError, match="no contacts to plan for"):
        open_centre([str(tmp_path / "forecast.csv")], timezone=ZONE)


def ask(address: str, path: str = "/", method: str = "GET", body: str | None = None, **headers: str) -> tuple[int, str]:
    port = int(address.rstrip("/").rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body=body, headers={"Host": f"127.0.0.1:{port}"} | given)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def test_only_its_own_name_and_its_own_page_are_answered(address: str) -> None:
    own = address.rstrip("/")
    port = own.rpartition(":")[2]
    update = {"path": "/_dash-update-component", "method": "POST", "body": "{}", "Content_Type": "application/json"}
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    assert ask(address)[0] == 200
    assert ask(address, Host=f"localhost:{port}", Origin=f"http://localhost:{port}")[0] == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", "127.0.0.1:1", f"127.0.0.1:{port}@evil.example", ""):
        for path in ("/", "/_dash-layout", "/assets/style.css", "/chart/a-light-wide.svg"):
            assert ask(address, path, Host=host)[0] == 403, (host, path)
    for origin in (
        "http://evil.example",
        f"https://127.0.0.1:{port}",
        "http://127.0.0.1:1",
        "null",
        f"http://127.0.0.1:{port}.evil.example",
    ):
        status, said = ask(address, Origin=origin, **update)
        assert (status, "another page" in said) == (403, True), origin
        assert ask(address, "/_dash-layout", Origin=origin, **upgrade)[0] == 403
    assert ask(address, "/_dash-layout", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")[0] == 403
    assert ask(address, "/_dash-layout", Sec_Fetch_Site="same-site", Sec_Fetch_Mode="cors")[0] == 403
    assert ask(address, "/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")[0] == 200  # a link somewhere
    assert ask(address, Origin=own, **upgrade)[0] == 403
    for path in ("/assets/../page.py", "/assets/..%2fpage.py", "/_dash-component-suites/ccstats/../../etc/passwd"):
        assert ask(address, path)[0] in (400, 404, 500) or "import" not in ask(address, path)[1]


def test_only_this_machine_can_connect(address: str) -> None:
    port = int(address.rstrip("/").rpartition(":")[2])
    with contextlib.suppress(OSError):
        others = {each[4][0] for each in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
        for other in others:
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((other, port), timeout=5)
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[3] == "0A"]
    assert [each for each in listening if int(each.rpartition(":")[2], 16) == port] == [f"0100007F:{port:04X}"]


def test_nonsense_gets_an_answer_and_the_page_lives_on(address: str) -> None:
    for body in ("", "{", "[]", '{"output": "planned.children"}', json.dumps({"output": "x" * 100_000}), "\x00"):
        status, said = ask(address, "/_dash-update-component", "POST", body, Content_Type="application/json")
        assert status >= 400 or said == ""
        assert "Traceback" not in said
    assert ask(address, "/_dash-update-component", "POST", "x" * 1_100_000, Content_Type="application/json")[0] >= 400
    assert ask(address)[0] == 200


def test_ctrl_c_ends_it_with_status_0_and_a_taken_port_is_said() -> None:
    with serving(cc.sample_file("forecast.csv")) as (process, url):
        port = url.rstrip("/").rpartition(":")[2]
        command = [sys.executable, "-m", "ccstats", "serve", cc.sample_file("forecast.csv"), "-z", ZONE, "--port", port]
        second = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert second.returncode == 2
        assert f"port={port}: expected a free port" in second.stderr
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


@pytest.mark.parametrize("lang", cc.labels.LANGUAGES)
def test_the_page_is_there_in_every_language(centre: Any, lang: str) -> None:
    client = build_page(centre, lang=lang).server.test_client()
    assert f'<html lang="{lang}">' in client.get("/").text
    shown = json.dumps(client.get("/_dash-layout").json, ensure_ascii=False)
    for said in (cc.labels.phrase("app_happened", lang), cc.labels.phrase("app_paid_hours", lang)):
        assert (said in shown) == (said == cc.labels.phrase("app_happened", lang))  # figures come with the first answer


@contextlib.contextmanager
def looking(chromium: Any, url: str, *, width: int = 1400, scheme: str = "light") -> Iterator[Any]:
    """The page in a browser; afterwards it must have asked nobody else for anything, and have nothing to complain of."""
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda websocket: asked.append(websocket.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("response", lambda response: complaints.append(response.url) if response.status >= 400 else None)
    page.goto(url)
    page.locator("#figure-scheduled").wait_for()
    yield page
    context.close()
    assert len(asked) > 5
    assert [each for each in asked if not each.startswith((url, "data:"))] == []
    assert complaints == []


def drawn_levels(page: Any) -> list[float]:
    """Heights of the line of scheduled agents in the picture that the page shows, the lowest first, as shares of the highest."""
    page.wait_for_function(
        "() => { const img = document.querySelector('#planned .chart img'); return img && img.complete && img.naturalWidth > 0 }"
    )
    svg = page.evaluate("fetch(document.querySelector('#planned .chart img').currentSrc).then(answer => answer.text())")
    line = re.search(r'<g id="scheduled">\s*<path d="([^"]+)"', svg)
    assert line is not None, "no line of scheduled agents is drawn"
    heights = sorted({round(-float(y), 2) for y in re.findall(r"[ML] [\d.]+ ([\d.]+)", line[1])})
    return [(height - heights[0]) / (heights[-1] - heights[0]) for height in heights]


def scheduled(page: Any) -> dict[str, int]:
    """The column of scheduled agents, by the time of the interval."""
    table = page.locator("#planned table").last
    heads = table.locator("thead th").all_inner_texts()
    at = heads.index("scheduled agents")
    rows = [row.locator("th, td").all_inner_texts() for row in table.locator("tbody tr").all()]
    return {row[0]: int(row[at].replace(",", "")) for row in rows}


@pytest.mark.browser
def test_shrinkage_from_30_to_35_percent_and_the_agents_follow_the_library(chromium: Any, address: str) -> None:
    with looking(chromium, address) as page:
        page.get_by_label("Queue", exact=True).select_option("sales")
        page.get_by_label("Day", exact=True).select_option(DAY)
        page.get_by_text(f"sales, {DAY}: by interval").wait_for()
        hours = []
        for percent in (30, 35):
            page.get_by_label("Shrinkage [%]").fill(str(percent))
            plan, expected = planned(shrinkage=percent / 100)
            page.wait_for_function(
                "said => document.querySelector('#figure-paid .value').innerText === said", arg=f"{expected['sales']:,.1f}"
            )
            mine = plan[(plan["queue"] == "sales") & ((plan["expected_offered"] > 0) | (plan["agents"] > 0))]
            slots = mine["interval_start"].dt.tz_convert(ZONE).dt.strftime("%H:%M")
            assert scheduled(page) == dict(zip(slots, mine["scheduled_agents"].astype("int64"), strict=True))
            assert page.locator("#figure-cost-of-day .value").inner_text() == f"{30 * expected['sales']:,.0f}"
            levels = sorted({0.0, *plan.loc[plan["queue"] == "sales", "scheduled_agents"].astype("float64")})
            assert drawn_levels(page) == pytest.approx([level / levels[-1] for level in levels], abs=0.01)
            hours.append(expected["sales"])
        assert hours[0] < hours[1]
        curve = page.locator("#planned .chart img")
        page.wait_for_function("() => document.querySelector('#planned .chart img').naturalWidth > 0")
        assert curve.get_attribute("alt").startswith(f"sales, {DAY}: agents by interval")
        page.get_by_label("Shrinkage [%]").fill("99")
        page.get_by_role("alert").wait_for()
        assert "shrinkage: expected a number" in page.get_by_role("alert").inner_text()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (1400, "dark"), (420, "light"), (420, "dark")])
def test_from_an_incident_to_its_interval_to_the_contacts(chromium: Any, address: str, centre: Any, width: int, scheme: str) -> None:
    happened = Happened(centre)
    report = happened.judge("service_level").report
    incident = happened.incident("service_level", report.incidents["incident"][0])
    rows = happened.intervals(incident).reset_index(drop=True)
    place = int(rows["signal"].to_numpy().argmax())
    with looking(chromium, address, width=width, scheme=scheme) as page:
        page.get_by_role("button", name="What happened").click()
        page.get_by_role("button", name=str(report.incidents["in_words"][0])).click()
        page.locator("#incident-intervals tbody button").nth(place).click()
        table = page.locator("#interval-contacts table")
        table.wait_for()
        assert table.locator("tbody tr").count() == rows["offered"][place]
        heads = table.locator("thead th").all_inner_texts()
        assert "customer" in heads
        assert "agent" not in heads
        page.wait_for_function("() => document.querySelector('#incident-intervals .chart img').naturalWidth > 0")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
        page.get_by_role("button", name=str(report.incidents["in_words"][1])).click()
        table.wait_for(state="detached")  # of another incident nothing is left


@pytest.mark.browser
def test_hostile_names_do_no_harm(chromium: Any, tmp_path: Path) -> None:
    table = forecast_of()
    part = table[(table["queue"] == "sales") & (table["interval_start"].dt.tz_convert(ZONE).dt.strftime("%Y-%m-%d") == DAY)]
    frames = [part.assign(queue=name) for name in HOSTILE]
    path = tmp_path / "<img src=x onerror=alert(1)>.csv"
    pd.concat(frames).to_csv(path, index=False)
    with serving(str(path)) as (_, url), looking(chromium, url, width=420) as page:
        page.on("dialog", lambda dialog: pytest.fail(f"a name of the data opened a dialog: {dialog.message}"))
        for name in page.locator("#planned table").first.locator("tbody th").all_inner_texts()[:-1]:
            assert len(name) <= 80
            page.get_by_label("Queue", exact=True).select_option(label=name)
            page.get_by_text(f"{name}, ").first.wait_for()
            page.wait_for_function("() => document.querySelector('#planned .chart img').naturalWidth > 0")
        assert page.title().startswith("ccstats: <img src=x")
        assert page.locator("img[src=x], #planned script, #planned a").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 420


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(chromium: Any, address: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    with looking(chromium, address, scheme=scheme) as page:
        for view in ("Plan", "What happened"):
            page.get_by_role("button", name=view, exact=True).click()
            if view != "Plan":
                page.locator(".incidents button").first.click()
                page.locator("#incident-intervals button").first.click()
                page.locator("#interval-contacts table").wait_for()
            found = axe.run(page).response["violations"]
            serious = [
                (each["id"], [node["html"][:200] for node in each["nodes"]][:3])
                for each in found
                if each["impact"] in ("serious", "critical")
            ]
            assert serious == []
