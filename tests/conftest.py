"""Markers that need something of the machine: skip with a reason, or fail where CCSTATS_REQUIRE names them."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# How long an example takes says how busy the machine is, and nothing of the code.
settings.register_profile("any_machine", deadline=None)
settings.load_profile("any_machine")

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("CCSTATS_SHARED", ROOT.parent / "shared"))
REQUIRED = {word for word in os.environ.get("CCSTATS_REQUIRE", "").split(",") if word}


def _lacks_program(*names: str) -> str | None:
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", *map(str, Path("/usr/lib/postgresql").glob("*/bin"))])
    lacking = [name for name in names if shutil.which(name, path=places) is None]
    return f"this machine has no {', '.join(lacking)}" if lacking else None


LACKS = {
    "browser": lambda: _lacks_program("chromium"),
    "servers": lambda: _lacks_program("postgres", "initdb", "mariadbd"),
    "office": lambda: _lacks_program("soffice"),
    "spark": lambda: _lacks_program("java") or (None if importlib.util.find_spec("pyspark") else "PySpark is not installed"),
    "shared": lambda: None if (SHARED / "data").is_dir() else f"no real logs in {SHARED} (set CCSTATS_SHARED)",
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    for name, lacks in LACKS.items():
        if item.get_closest_marker(name) and (reason := lacks()):
            if name in REQUIRED:
                pytest.fail(f"CCSTATS_REQUIRE asks for {name!r}, but {reason}", pytrace=False)
            pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    if REQUIRED and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but CCSTATS_REQUIRE is set: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def shared() -> Path:
    return SHARED


@pytest.fixture(scope="session")
def samples() -> Path:
    return ROOT / "data" / "samples"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright."""
    sync_playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed").sync_playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()
