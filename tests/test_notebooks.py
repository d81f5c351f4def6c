"""Every notebook runs from top to bottom."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def needs(path: Path) -> list[pytest.MarkDecorator]:
    """Markers of what a notebook says in its metadata that it needs."""
    word = nbformat.read(path, as_version=4).metadata.get("ccstats", {}).get("needs")
    return [getattr(pytest.mark, word)] if word else []


@pytest.mark.filterwarnings("default")  # Jupyter's own warnings are not ours
@pytest.mark.parametrize("path", [pytest.param(path, marks=needs(path), id=path.stem) for path in NOTEBOOKS])
def test_notebook_runs_and_shows_something(path: Path, tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCSTATS_SHARED", str(shared.resolve()))
    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "stored outputs go stale: clear them"
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs for cell in code)
