"""What the documentation lists is what there is."""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import ccstats as cc
from ccstats.readers import READERS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
MODULES = [name for name in cc.__all__ if isinstance(getattr(cc, name), ModuleType)]
PUBLIC = [name for name in cc.__all__ if name not in MODULES and name != "__version__"] + [
    f"{module}.{name}"
    for module in MODULES
    for name in getattr(cc, module).__all__
    if getattr(cc, name, None) is not getattr(getattr(cc, module), name)
]


def listed_names() -> set[str]:
    """What the page of functions lists: rows of tables, and data said to belong to a module."""
    page, found, module = (DOCS / "api.md").read_text(encoding="utf-8"), set(), ""
    for line in page.splitlines():
        if said := re.match(r"\.\. py:currentmodule:: (\S+)$", line):
            module = said[1] + "."
        elif said := re.match(r"\.\. py:data:: (\S+)$", line):
            found.add(said[1] if said[1].startswith("ccstats.") else module + said[1])
        elif said := re.match(r" {3}(ccstats\.\S+)$", line):
            found.add(said[1])
    return {name.removeprefix("ccstats.") for name in found}


def named(name: str) -> Any:
    thing: Any = cc
    for part in name.split("."):
        thing = getattr(thing, part)
    return thing


def pages_of(page: Path) -> set[Path]:
    """The pages that a page's toctrees lead to, itself included."""
    found = {page}
    for block in re.findall(r"^```\{toctree\}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL):
        for entry in (line for line in block.splitlines() if line and not line.startswith(":")):
            name = re.sub(r"^.*<(.*)>$", r"\1", entry)
            for below in page.parent.glob(f"{name}.md"):
                found |= {below} if below in found else pages_of(below)
    return found


def test_every_format_has_a_page_samples_and_a_row_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", readme, flags=re.MULTILINE))
    assert list(rows) == list(READERS) == cc.formats()["name"].tolist()
    table = (DOCS / "formats" / "index.md").read_text(encoding="utf-8")
    for name in READERS:
        assert len((DOCS / "formats" / f"{name}.md").read_text(encoding="utf-8")) > 500
        assert any((ROOT / "data" / "samples" / name).iterdir())
        assert f"]({name}.md)" in table


def test_the_page_of_functions_lists_every_public_name_and_nothing_that_is_not_there() -> None:
    names = listed_names()
    assert set(PUBLIC) <= names
    for name in names:
        if not name.startswith(("queueing.", "agreement.", "scorecard.")):
            named(name)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_documented_with_an_example(name: str) -> None:
    thing = named(name)
    if callable(thing) and hasattr(thing, "__module__") and thing.__module__.startswith("ccstats"):
        text = inspect.getdoc(thing) or ""
        assert len(text) > 60
        assert ">>> " in text


def test_no_page_is_left_out_of_the_navigation() -> None:
    assert pages_of(DOCS / "index.md") == set(DOCS.rglob("*.md"))


def test_links_to_pages_lead_somewhere() -> None:
    pattern = re.compile(r"\]\(([^)#:]+\.(?:md|svg|png|json))(?:#[^)]*)?\)")
    links = [(page, link) for page in DOCS.rglob("*.md") for link in pattern.findall(page.read_text(encoding="utf-8"))]
    assert len(links) > 100
    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []


def test_commands_in_contributing_are_those_of_make_and_ci() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    for page in ("README.md", "CONTRIBUTING.md"):
        assert set(re.findall(r"^make (\w+)", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE)) <= targets
    assert {"make demo", "make test"} <= set((ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines())


def test_flow_picture_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("make_flow_picture", ROOT / "tools" / "make_flow_picture.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.main(["--check"]) == 0, capsys.readouterr().out
    shown = {name for _, modules, _ in tool.FLOORS[1:] for name, _ in modules} | {
        part for _, names in tool.GROUND for part in names.split(" · ")
    }
    table = set(
        re.findall(
            r"`(\w+)`", "\n".join(re.findall(r"^\| [\d½]+ \| ([^|]+) \|", (DOCS / "architecture.md").read_text("utf-8"), flags=re.M))
        )
    )
    assert shown == table - {"cli", "ccstats"}
