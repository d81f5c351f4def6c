"""The report page in Chromium: wide and narrow, light and dark, with script and without, on paper, and for those who do not see it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ccstats.report.html_page import html_page
from report_cases import hostile, page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("report")
    made = {"centre": page(), "hostile": hostile()[1], "turkish": page("tr")}
    for name, each in made.items():
        (folder / f"{name}.html").write_text(html_page(each, made_at="2025-05-01"), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in made}


@contextlib.contextmanager
def looking(chromium: Any, path: Path, *, width: int = 1400, scheme: str = "light", script: bool = True) -> Iterator[Any]:
    """The page in a browser; afterwards it must have asked for nothing but itself, and have nothing to complain of."""
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=script, reduced_motion="reduce"
    )
    shown = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.on("console", lambda message: complaints.append(message.text))
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.goto(path.as_uri())
    yield shown
    context.close()
    assert {each for each in asked if not each.startswith("data:image/svg+xml")} == {path.as_uri()}
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 420])
@pytest.mark.parametrize("name", ["centre", "hostile", "turkish"])
def test_it_fits_every_picture_is_drawn_and_the_ground_is_right(
    name: str, width: int, scheme: str, chromium: Any, files: dict[str, Path], tmp_path: Path
) -> None:
    with looking(chromium, files[name], width=width, scheme=scheme) as shown:
        picture = tmp_path / "page.png"
        shown.screenshot(path=picture, full_page=True)
        assert picture.stat().st_size > 50_000
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        drawn = shown.evaluate("[...document.images].map((each) => [each.complete, each.naturalWidth, each.currentSrc.slice(0, 40)])")
        assert len(drawn) > 8
        assert all(complete and wide > 100 for complete, wide, _ in drawn)
        dark = shown.evaluate(
            "[...document.querySelectorAll('picture')].map((each) => each.children[1].currentSrc === each.children[0].srcset)"
        )
        assert set(dark) == {scheme == "dark"}
        ground = shown.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
        assert (max(ground) < 60) == (scheme == "dark")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 420])
def test_axe_finds_nothing(width: int, scheme: str, chromium: Any, files: dict[str, Path]) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    with looking(chromium, files["centre"], width=width, scheme=scheme) as shown:
        for folded in (True, False):
            if not folded:
                shown.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
            found = axe.run(shown).response
            assert len(found["passes"]) > 20
            assert [(each["id"], each["impact"], each["nodes"][0]["html"][:200]) for each in found["violations"]] == []


def column(shown: Any, table: str, at: int) -> list[str]:
    return shown.locator(f"#{table} tbody tr > :nth-child({at})").all_inner_texts()


def test_tables_sort_by_figures_and_words_and_missing_ones_stay_last(chromium: Any, files: dict[str, Path]) -> None:
    with looking(chromium, files["centre"]) as shown:
        head = shown.locator("#table-agents thead th").nth(1)
        name = head.inner_text()
        button = shown.get_by_role("table", name="Agents").get_by_role("button", name=name)
        before = [int(each.replace(",", "")) for each in column(shown, "table-agents", 2)]
        assert before != sorted(before)
        button.click()
        assert [int(each.replace(",", "")) for each in column(shown, "table-agents", 2)] == sorted(before)
        assert head.get_attribute("aria-sort") == "ascending"
        button.focus()
        shown.keyboard.press("Enter")
        assert [int(each.replace(",", "")) for each in column(shown, "table-agents", 2)] == sorted(before, reverse=True)
        assert head.get_attribute("aria-sort") == "descending"
        names = column(shown, "table-agents", 1)
        shown.locator("#table-agents thead button").first.click()
        assert column(shown, "table-agents", 1) == sorted(names)
        assert head.get_attribute("aria-sort") is None
        shares = shown.locator("#table-satisfaction thead button", has_text="CSAT top2").first
        for _ in range(2):
            shares.click()
            words = column(shown, "table-satisfaction", 5)
            known = [each != "–" for each in words]
            assert known == sorted(known, reverse=True)
            assert not all(known)


def test_a_head_explains_itself_when_asked(chromium: Any, files: dict[str, Path]) -> None:
    with looking(chromium, files["centre"]) as shown:
        tip = shown.locator("#tip")
        assert not tip.is_visible()
        button = shown.locator("#table-service thead button", has_text="Answer rate")
        button.focus()
        assert tip.is_visible()
        assert "answered / (offered - open)" in tip.inner_text()
        assert button.get_attribute("aria-describedby") == "tip"
        shown.keyboard.press("Escape")
        assert not tip.is_visible()
        button.hover()
        assert tip.is_visible()


def test_without_script_it_says_the_same(chromium: Any, files: dict[str, Path]) -> None:
    with looking(chromium, files["centre"], script=False) as plain:
        without = plain.content()
        heads = plain.locator("thead th").all_text_contents()
        assert plain.locator("thead abbr[title]").count() > 20
        plain.locator("summary", has_text="Every target and period").click()
        assert plain.locator("#table-kpis").is_visible()
        assert "<button" not in without
    with looking(chromium, files["centre"]) as shown:
        assert shown.locator("thead th").all_text_contents() == heads
        assert shown.locator("main section").count() == without.count("<section")


def test_on_paper_everything_is_unfolded_and_light(chromium: Any, files: dict[str, Path], tmp_path: Path) -> None:
    with looking(chromium, files["centre"], scheme="dark") as shown:
        path = tmp_path / "report.pdf"
        shown.pdf(path=path, format="A4")
        assert path.read_bytes().count(b"/Type /Page\n") + path.read_bytes().count(b"/Type /Page ") > 5
        shown.emulate_media(media="print")
        assert not shown.locator("nav").is_visible()
        assert shown.evaluate(
            "[...document.querySelectorAll('picture')].every((each) => each.children[1].currentSrc !== each.children[0].srcset)"
        )
        ink = shown.evaluate("getComputedStyle(document.body).color.match(/\\d+/g).map(Number)")
        assert max(ink) < 100


def test_hostile_names_run_nowhere(chromium: Any, files: dict[str, Path]) -> None:
    with looking(chromium, files["hostile"], width=420) as shown:
        assert shown.evaluate("document.scripts.length") == 1
        assert shown.locator("main b, main script, main a").count() == 0
        assert shown.get_by_text("<script>alert(1)</script>").count() > 0
        assert shown.evaluate("document.documentElement.scrollWidth") <= 420
