"""Make the pictures of the report and of the page in the browser that the documentation and the README show.

Run ``python tools/make_screenshots.py`` where Chromium, the extra ``app`` and the group ``dev`` are installed. Pictures go to
``docs/_static/``; with ``--all DIR`` wide and narrow pages, on light and dark ground, go to ``DIR`` too, to be looked at.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

import ccstats as cc

STATIC = Path(__file__).resolve().parent.parent / "docs" / "_static"
#: Width and height of the first screen, by what it is shown on. [CSS pixels]
SCREENS = {"wide": (1400, 1000), "narrow": (420, 900)}
SCHEMES = ("light", "dark")
#: What a picture may weigh in the repository. [bytes]
HEAVIEST = 250_000
#: What pages of the documentation and the README show.
SHOWN = ("report_wide_light", "report_narrow_dark", "serve_plan_wide_light", "serve_happened_wide_light")


def main(everything: Path | None = None) -> None:
    """Write what is shown, and everything where it is asked for."""
    with tempfile.TemporaryDirectory() as folder, _chromium() as browser:
        report = _demo(Path(folder))
        with _serving() as address:
            for size in SCREENS:
                for scheme in SCHEMES:
                    taken = {f"report_{size}_{scheme}": _report(browser, report, size, scheme)}
                    taken |= {f"serve_{view}_{size}_{scheme}": png for view, png in _serve(browser, address, size, scheme).items()}
                    for name, png in taken.items():
                        _write(name, png, everything)


def _demo(folder: Path) -> Path:
    """The report of ``ccstats demo``."""
    subprocess.run([sys.executable, "-m", "ccstats", "demo", "--out", str(folder)], check=True, capture_output=True)
    return folder / "report.html"


@contextlib.contextmanager
def _serving() -> Iterator[str]:
    """The address of ``ccstats serve`` with the bundled log."""
    command = [sys.executable, "-m", "ccstats", "serve", str(cc.sample_log()), "--timezone", "Europe/Berlin", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def _chromium() -> Iterator[Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@contextlib.contextmanager
def _page(browser: Any, size: str, scheme: str) -> Iterator[Any]:
    width, height = SCREENS[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def _report(browser: Any, path: Path, size: str, scheme: str) -> bytes:
    with _page(browser, size, scheme) as page:
        page.goto(path.as_uri())
        page.wait_for_load_state()
        return bytes(page.screenshot())


def _serve(browser: Any, address: str, size: str, scheme: str) -> dict[str, bytes]:
    """Both views of the page, by name."""
    with _page(browser, size, scheme) as page:
        page.goto(address)
        page.locator("#figure-scheduled").wait_for()
        page.get_by_label("Queue", exact=True).select_option("sales")
        page.get_by_text("sales, ").first.wait_for()
        page.wait_for_function("() => document.querySelector('#planned .chart img').naturalWidth > 0")
        plan = bytes(page.screenshot())
        page.get_by_role("button", name="What happened").click()
        page.locator(".incidents button").first.click()
        page.locator("#incident-intervals tr", has_text="yes").first.get_by_role("button").click()
        page.locator("#interval-contacts table").wait_for()
        page.wait_for_function("() => document.querySelector('#incident-intervals .chart img').naturalWidth > 0")
        page.locator("#incident-intervals").evaluate("each => each.scrollIntoView()")
        return {"plan": plan, "happened": bytes(page.screenshot())}


def _write(name: str, png: bytes, everything: Path | None) -> None:
    """As few colours as the eye takes for all of them: a tenth of the bytes."""
    out = io.BytesIO()
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(out, format="png", optimize=True)
    if out.tell() > HEAVIEST:
        raise ValueError(f"{name}: {out.tell():,} bytes, more than {HEAVIEST:,}; crop it or take fewer colours")
    folders = [STATIC] if name in SHOWN else []
    for folder in [*folders, *([everything] if everything else [])]:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.png").write_bytes(out.getvalue())
        print(f"{folder / name}.png: {out.tell():,} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, dest="everything", help="folder for every picture")
    main(parser.parse_args().everything)
