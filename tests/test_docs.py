"""What the documentation lists is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import ccstats as cc
from ccstats.readers import READERS

ROOT = Path(__file__).parents[1]


def test_every_format_has_a_page_samples_and_a_row_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", readme, flags=re.MULTILINE))
    assert list(rows) == list(READERS) == cc.formats()["name"].tolist()
    for name in READERS:
        assert len((ROOT / "docs" / "formats" / f"{name}.md").read_text(encoding="utf-8")) > 500
        assert any((ROOT / "data" / "samples" / name).iterdir())


def test_every_public_function_is_on_the_page_of_functions() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for name in cc.__all__:
        thing = getattr(cc, name)
        if callable(thing) and not (isinstance(thing, type) and issubclass(thing, Exception | Warning)):
            assert f"::: {thing.__module__}.{thing.__qualname__}\n" in page, f"{name} is not in docs/api.md"


def test_no_page_is_left_out_of_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        assert page.relative_to(ROOT / "docs").as_posix() in navigation


def test_commands_in_contributing_are_those_of_make_and_ci() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    for page in ("README.md", "CONTRIBUTING.md"):
        assert set(re.findall(r"^make (\w+)", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE)) <= targets
    assert {"make demo", "make test"} <= set((ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines())
