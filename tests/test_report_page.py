"""The report page and its Markdown: whole, accessible, the library's own figures, four languages, and no name that does harm."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path

import lxml.etree
import lxml.html
import pandas as pd
import pytest

import ccstats as cc
from ccstats.labels import LANGUAGES, column_label, phrase
from ccstats.report import writing
from ccstats.report.html_page import html_page
from ccstats.report.markdown_page import markdown_page
from ccstats.report.material import Material
from ccstats.report.page import build_page
from ccstats.report.parts import Chart, Grid, Items, Page, Section, Text
from ccstats.report.pictures import in_dark, svg_text
from report_cases import HOSTILE, LONG, ZONE, hostile, judged, material, page, read

SECTIONS = [
    *("verdict", "days", "intraday", "waits", "demand", "staffing", "misses", "queues", "agents"),
    *("satisfaction", "complaints", "data_quality", "definitions", "provenance"),
]


@pytest.fixture(scope="module")
def text() -> str:
    return html_page(page())


@pytest.fixture(scope="module")
def tree(text: str) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(text)


def pictures(tree: lxml.html.HtmlElement) -> list[str]:
    uris = [*tree.xpath("//img/@src"), *tree.xpath("//source/@srcset")]
    assert all(uri.startswith("data:image/svg+xml;base64,") for uri in uris)
    return [base64.b64decode(uri.partition(",")[2]).decode() for uri in uris]


def test_it_has_every_section_and_what_one_finds_its_way_by(tree: lxml.html.HtmlElement) -> None:
    assert [section.get("id") for section in tree.xpath("//main/section")] == SECTIONS
    assert [len(tree.xpath(f"//body/{each}")) for each in ("header", "nav", "main", "footer")] == [1, 1, 1, 1]
    assert len(tree.xpath("//h1")) == 1
    assert tree.xpath("//nav//a/@href") == [f"#{each}" for each in SECTIONS]
    assert tree.xpath("//a[@class='skip']/@href") == ["#content"]
    ids = tree.xpath("//*/@id")
    assert len(ids) == len(set(ids))
    for section in tree.xpath("//section"):
        assert section.get("aria-labelledby") in ids
    assert tree.get("lang") == "en"


def test_tables_have_heads_and_charts_say_what_they_show(tree: lxml.html.HtmlElement) -> None:
    tables = tree.xpath("//table")
    assert len(tables) == len(page().grids()) > 25
    for table in tables:
        wide = len(table.xpath("./thead/tr/th[@scope='col']"))
        assert len(table.xpath("./caption")) == 1
        assert wide > 1
        for row in table.xpath("./tbody/tr"):
            assert row[0].get("scope") == "row"
            assert len(row) == wide
    images = tree.xpath("//figure//img")
    assert len(images) == sum(isinstance(part, Chart) for section in page().sections for part in section.parts) > 10
    for image in images:
        assert re.search(r"\d", image.get("alt")), image.get("alt")
        assert int(image.get("width")) > int(image.get("height")) > 100
    alts = [image.get("alt") for image in images]
    assert len(set(alts)) == len(alts)


def test_nothing_is_fetched_and_nothing_else_may_run(text: str, tree: lxml.html.HtmlElement) -> None:
    fetched = tree.xpath("//@src | //@srcset | //link | //iframe | //object | //@action | //@background")
    assert all(str(each).startswith("data:") for each in fetched)
    assert [href for href in tree.xpath("//@href") if not href.startswith("#")] == []
    assert tree.xpath("//@style | //@*[starts-with(name(), 'on')]") == []
    policy = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]
    for name in ("style", "script"):
        (element,) = tree.xpath(f"//{name}")
        digest = base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert not re.search(r"url\(|@import|https?://", text)


def test_pictures_are_whole_and_their_names_meet_nowhere(tree: lxml.html.HtmlElement) -> None:
    found = pictures(tree)
    assert len(found) == 2 * len(tree.xpath("//figure"))
    for svg in found:
        root = lxml.etree.fromstring(svg.encode())
        assert root.tag.endswith("svg")
        ids = root.xpath("//*/@id")
        assert len(ids) == len(set(ids))
        links = [value for element in root.iter() for name, value in element.attrib.items() if name.endswith("href")]
        assert all(link.startswith(("#", "data:image/png")) for link in links)
        assert not root.xpath("//*[local-name()='script' or local-name()='foreignObject']")
    assert len(tree.xpath("//svg")) == 0  # each is a document of its own


def test_a_dark_picture_is_what_would_have_been_drawn() -> None:
    charts = [part for section in page().sections for part in section.parts if isinstance(part, Chart)]
    for chart in (charts[0], next(each for each in charts if each.key == "wait-distribution")):
        # Markers are named by a digest of what they look like.
        light, dark, drawn = (
            re.sub(r"\b[mp][0-9a-f]{10}\b", "name", svg) for svg in (svg_text(chart), in_dark(svg_text(chart)), svg_text(chart, "dark"))
        )
        assert dark == drawn != light


def cells(tree: lxml.html.HtmlElement, key: str) -> pd.DataFrame:
    """A table of the page by what its cells are sorted by, where that is a number."""
    (table,) = tree.xpath(f"//table[@id='table-{key}']")
    rows = [[cell.get("data-sort", cell.text_content()) for cell in row] for row in table.xpath("./tbody/tr")]
    return pd.DataFrame(rows, columns=[head.text_content() for head in table.xpath("./thead/tr/th")])


def test_the_figures_are_the_librarys(tree: lxml.html.HtmlElement) -> None:
    log, _, tables = read()
    intervals = cc.to_intervals(log.contacts, timezone=ZONE, threshold_s=20)
    whole = cc.measure_service(intervals).iloc[0]
    tiles = {tile[0].text_content(): tile[1].text_content() for tile in tree.xpath("//li[contains(@class, 'tile')]")}
    assert tiles["Service level - of all offered"] == f"{100 * whole['service_level']:.1f} %"
    assert tiles["Contacts offered"] == f"{whole['offered']:,}"
    days = cc.find_deviations(intervals, metric="service_level", by=(), period="day", timezone=ZONE)
    shown = cells(tree, "service_by_day")
    assert shown["Service level"].astype("float64").tolist() == pytest.approx(days["value"].tolist())
    assert shown["Lower"].astype("float64").tolist() == pytest.approx(days["lower"].tolist())
    months = cells(tree, "service").iloc[:, [1, 0, 2, 3]]
    direct = cc.measure_service(intervals, by="queue", period="month", timezone=ZONE)
    named = months[months.iloc[:, 1] != "all"]
    assert sorted(named.iloc[:, 2].astype("float64")) == pytest.approx(sorted(direct["service_level"]))
    stars = cc.measure_satisfaction(tables["surveys"], contacts=log.contacts, period="month", timezone=ZONE)
    found = pd.to_numeric(cells(tree, "satisfaction")["CSAT top2"]).dropna()
    assert found.tolist() == pytest.approx(stars["csat_top2"].dropna().tolist())
    kpis = judged()[0]
    march = kpis[kpis["period_start"].dt.month == 3]
    verdicts = [cell.get("class") for cell in tree.xpath("//table[@id='table-verdict']//td") if cell.get("class") in set(kpis["verdict"])]
    assert sorted(verdicts) == sorted(march["verdict"])
    assert tiles["Met"] == str((march["verdict"] == "met").sum())


def test_a_verdict_that_the_figures_seem_to_deny_is_explained(tree: lxml.html.HtmlElement) -> None:
    march = judged()[0].query("period_start.dt.month == 3 and verdict == 'met'")
    denied = march[(march["value"] < march["target_low"]) | (march["value"] > march["target_high"])]
    said = [cell for cell in tree.xpath("//table[@id='table-verdict']//td") if "within its margin of error" in cell.text_content()]
    assert len(said) == len(denied) > 0
    (row,) = {cell.getparent() for cell in said}
    assert row.xpath("./th/small")[0].text_content() == denied["target"].iloc[0]
    (verdict,) = tree.xpath("//section[@id='verdict']")
    assert "Nothing can be said of 2025-02, 2025-04" in verdict.text_content()


def test_every_metric_shown_is_defined(tree: lxml.html.HtmlElement) -> None:
    defined = set(cells(tree, "definitions")["Column"])
    shown = {name for grid in page().grids().values() for name in grid.columns if name in cc.metrics.METRICS}
    assert shown <= defined
    assert len(shown) > 25


@pytest.mark.parametrize("lang", LANGUAGES[1:])
def test_it_speaks_the_language_and_its_data_do_not(lang: str) -> None:
    other, english = page(lang), page()
    assert [section.key for section in other.sections] == SECTIONS
    titles = {section.title for section in other.sections}
    assert not titles & {section.title for section in english.sections}
    assert list(other.grids()) == list(english.grids())
    for key, grid in other.grids().items():
        mine = english.grids()[key]
        pd.testing.assert_frame_equal(grid.data, mine.data, obj=key)
        assert grid.shown.shape == mine.shown.shape, key
        if key != "provenance":
            lacking = [
                name
                for name, head in zip(grid.columns, grid.shown, strict=True)
                if str(head).split(" [")[0].lower() == column_label(name).lower() != column_label(name, lang).lower()
            ]
            assert not lacking, (key, lacking)
    text = html_page(other)
    assert f'<html lang="{lang}">' in text
    assert phrase("page_contents", lang) in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_markdown_says_the_same(lang: str) -> None:
    text = markdown_page(page(lang))
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == [section.title for section in page(lang).sections]
    shown = page(lang).grids()["service"].shown
    for row in shown.itertuples(index=False):
        assert "| " + " | ".join(row) + " |" in text
    for part in page(lang).sections[1].parts:
        if isinstance(part, Chart):
            assert part.alt.split(":")[0] in text.replace("\\", "")


def test_hostile_names_are_text_on_the_page() -> None:
    text = html_page(hostile()[1])
    tree = lxml.html.document_fromstring(text)
    assert len(tree.xpath("//script")) == 1
    assert tree.xpath("//main//b | //main//script | //@*[starts-with(name(), 'on')]") == []
    assert not {"\u202e", "\x1b"} & set(text)
    words = tree.text_content()
    for name in ("=cmd()", "<script>alert(1)</script>", "مرحبا", "$x^", "🔥"):
        assert name in words
    assert LONG[:300] not in words
    assert "…" in words
    agents = tree.xpath("//table[@id='table-agents']//th[@scope='row']")
    assert len(agents) == hostile()[0].statistics["agents"].shape[0]
    for svg in pictures(tree):
        root = lxml.etree.fromstring(svg.encode())
        assert not root.xpath("//*[local-name()='script']")
        assert LONG[:100] not in svg
    assert len(text) < 6_000_000


def test_hostile_names_are_text_in_markdown_and_tables(tmp_path: Path) -> None:
    paths = writing.write_page(hostile()[1], tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "<script" not in text
    assert LONG[:300] not in text
    for before, line in zip(text.splitlines(), text.splitlines()[1:], strict=False):
        if line.startswith("|") and before.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) == len(re.findall(r"(?<!\\)\|", before))
    tables = [path for path in paths if path.suffix == ".csv"]
    assert len(tables) > 15
    for path in tables:
        table = pd.read_csv(path, dtype="str", keep_default_na=False)
        for cell in [*table.columns, *table.to_numpy().ravel()]:
            assert not cell.startswith(("=", "@", "\t", "\r", "+")), path.name
    service = pd.read_csv(tmp_path / "tables" / "service.csv")
    assert LONG in set(service["queue"])  # data have it whole
    assert f"'{HOSTILE[0]}" in set(service["queue"])


def test_sections_without_data_are_left_out_and_said() -> None:
    log = read()[0]
    few = log.contacts.head(3)
    small = cc.Log(few, log.agent_states.head(0), log.rejected, log.lines, log.notes, log.format)
    made = build_page(replace(material(), log=small, scorecard=None, records={}))
    keys = [section.key for section in made.sections]
    missing = {"demand", "staffing", "misses", "complaints"}
    assert not missing & set(keys)
    said = [line for part in made.sections[-3].parts if isinstance(part, Items) for line in part.lines]
    for key in missing:
        assert any(line.startswith(phrase(f"section_{key}")) for line in said), key
    assert html_page(made).count("<section") == len(keys)
    empty = build_page(Material("tr", "UTC"))
    assert [section.key for section in empty.sections] == ["data_quality", "definitions", "provenance"]


def test_an_error_of_the_librarys_leaves_its_section_out_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from ccstats.report.sections import service

    def broken(*given: object, **options: object) -> None:
        raise cc.CcstatsError("no limits can be had")

    monkeypatch.setattr(service, "find_deviations", broken)
    made = build_page(material())
    assert [section.key for section in made.sections] == [key for key in SECTIONS if key != "days"]
    said = [line for part in made.sections[-3].parts if isinstance(part, Items) for line in part.lines]
    assert "Service level by day: no limits can be had" in said


def test_small_counts_and_names_stay_hidden_where_asked() -> None:
    log, agreement, tables = read()
    paths_of_names = set(map(str, log.contacts["agent"].cat.categories))
    shown = page()
    text = markdown_page(shown)
    assert not [name for name in paths_of_names if name in text]
    assert "agent 01" in text
    named = build_page(replace(material(), agent_names=True))
    assert set(named.grids()["agents"].data["agent"].astype("str")) == paths_of_names
    least = 300
    from ccstats.report.suppressed import suppress_report

    service = material().service
    assert service is not None
    hidden = build_page(replace(material(), service=suppress_report(service, below=least), scorecard=None, suppress_below=least))
    assert not {"intraday", "demand", "staffing", "misses"} & {section.key for section in hidden.sections}
    counted = {
        "service": "offered",
        "agents": "answered",
        "service_by_day": "count",
        "satisfaction": "responses",
        "complaints": "complaints",
    }
    for key, column in counted.items():
        counts = pd.to_numeric(hidden.grids()[key].data[column]).dropna()
        assert not counts.between(1, least - 1).any(), key
    whole = pd.to_numeric(shown.grids()["service_by_day"].data["count"])
    assert whole.between(1, least - 1).any()  # there was something to hide


def test_the_same_agents_have_the_same_numbers_and_another_log_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CCSTATS_KEY", raising=False)
    one, again = (replace(material()).agent_key for _ in range(2))
    log = read()[0]
    other = cc.Log(log.contacts.iloc[5:], log.agent_states, log.rejected, log.lines, log.notes, log.format)
    assert one == again != replace(material(), log=other).agent_key
    monkeypatch.setenv("CCSTATS_KEY", "mine")
    assert replace(material()).agent_key == b"mine"


def test_files_appear_only_when_all_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Page("Report", "", "en", "UTC", (Section("a", "A", (Text("b"), Grid.of("t", pd.DataFrame({"offered": [3]})))),))
    names = [path.relative_to(tmp_path).as_posix() for path in writing.write_page(small, tmp_path)]
    assert names == ["report.html", "report.xlsx", "report.md", "tables/t.csv"]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert len(before) == 4

    def broken(page: Page) -> bytes:
        raise ValueError("no workbook")

    monkeypatch.setattr(writing, "workbook_page", broken)
    with pytest.raises(ValueError, match="no workbook"):
        writing.write_page(replace(small, title="Another"), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    monkeypatch.undo()
    (tmp_path / "file").write_text("")
    with pytest.raises(cc.CcstatsError, match="cannot be written"):
        writing.write_page(small, tmp_path / "file")


def test_write_report_makes_all_of_it(tmp_path: Path) -> None:
    log, agreement, tables = read()
    kpis, trace = judged()
    paths = cc.write_report(kpis, out=tmp_path, agreement=agreement, trace=trace, log=log, **tables, lang="de")
    assert all(path.is_file() for path in paths)
    tree = lxml.html.document_fromstring((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert [section.get("id") for section in tree.xpath("//main/section")] == SECTIONS
    assert {"report.html", "report.xlsx", "report.md", "kpis.json", "scorecard.md", "trace.csv"} <= {path.name for path in paths}
    alone = cc.write_report(out=tmp_path / "alone", log=log, timezone=ZONE)
    assert "verdict.csv" not in {path.name for path in alone}
    with pytest.raises(cc.CcstatsError, match="timezone= is missing"):
        cc.write_report(out=tmp_path, log=log)
    with pytest.raises(cc.CcstatsError, match="lang='xx'"):
        cc.write_report(kpis, out=tmp_path, lang="xx")


def test_periods_of_which_nothing_is_said_are_all_named_or_left_out_with_a_sign() -> None:
    from ccstats.report.sections.verdict import _listed

    months = [f"2025-{month:02d}" for month in range(1, 13)]
    assert _listed(months[:6]).split(", ") == months[:6]
    assert _listed(months) == "2025-01, 2025-02, …, 2025-11, 2025-12"
