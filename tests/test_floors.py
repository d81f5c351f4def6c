"""The architecture: imports go down only, and a file answers one question in reasonable length."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "ccstats"

#: Floor of every module or package; where a floor is a list, what stands left may be imported from what stands right of it.
FLOORS: list[list[str]] = [
    ["errors"],
    ["schema", "metrics", "labels", "periods", "agreement", "privacy", "queueing", "spc"],
    ["readers", "intervals", "synthetic"],
    ["profile", "expectation"],
    ["service", "workforce", "deviations", "satisfaction"],
    ["scorecard"],
    ["plots", "report", "exports", "engines", "app"],
    ["cli", "__init__"],
    ["__main__"],
]
#: Floors whose order is a rule (the others' members do not know each other).
ORDERED = {1, 6}
FORBIDDEN = {"queueing": {"pandas"}, "spc": {"pandas"}}
MAX_LINES = 400
MAX_NAMES = 10


def part_of(path: Path) -> str:
    return path.relative_to(SRC).parts[0].removesuffix(".py") if path.stem != "__init__" or path.parent != SRC else "__init__"


def place(part: str) -> tuple[int, int]:
    for floor, parts in enumerate(FLOORS):
        if part in parts:
            return floor, parts.index(part)
    raise AssertionError(f"{part!r} stands on no floor: add it to FLOORS")


def modules() -> list[Path]:
    return sorted(SRC.rglob("*.py"))


def imports(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} if node.module != "ccstats" else {f"ccstats.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SRC)))
def test_imports_go_down(path: Path) -> None:
    part = part_of(path)
    floor, order = place(part)
    for name in imports(ast.parse(path.read_text(encoding="utf-8"))):
        top = name.split(".")[0]
        assert top not in FORBIDDEN.get(part, set()), f"{path}: {part} must not import {top}"
        if top != "ccstats" or name == "ccstats" or part == "__init__":
            continue
        other = name.split(".")[1]
        if other == part or name.startswith("ccstats.__"):
            continue
        their_floor, their_order = place(other)
        allowed = their_floor < floor or (their_floor == floor and floor in ORDERED and their_order < order)
        assert allowed, f"{path}: {part} (floor {floor}) imports {name} (floor {their_floor})"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SRC)))
def test_a_file_is_short_or_says_why(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    public = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")}
    doc = ast.get_docstring(tree) or ""
    assert doc, f"{path} has no docstring"
    if len(text.splitlines()) > MAX_LINES or len(public) > MAX_NAMES:
        assert "one file because" in doc, (
            f"{path}: {len(text.splitlines())} lines, {len(public)} public names: split it, or say 'one file because …'"
        )


def test_import_is_light() -> None:
    code = "import sys, ccstats; print(sorted({'matplotlib', 'numba', 'pyworkforce', 'pyspark', 'pandas'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_every_public_name_is_there_and_documented() -> None:
    import ccstats

    for name in ccstats.__all__:
        assert (getattr(ccstats, name).__doc__ or "").strip(), f"ccstats.{name} has no docstring"
    assert sorted(dir(ccstats)) == sorted(ccstats.__all__)
    with pytest.raises(AttributeError, match="no attribute 'mesure_service'"):
        _ = ccstats.mesure_service


def test_no_module_and_function_share_a_name() -> None:
    import ccstats

    parts = {part.removesuffix(".py") for part in (path.name for path in SRC.iterdir())}
    assert not parts & set(ccstats._HOME)
