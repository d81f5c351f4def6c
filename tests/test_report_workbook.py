"""The workbook of a report: native tables, formats, charts, frozen heads, opened by two other programs; the schema of ``kpis.json``."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import warnings
from pathlib import Path

import jsonschema
import openpyxl
import pandas as pd
import pytest

import ccstats as cc
from ccstats.labels import LANGUAGES
from ccstats.report.kpi_schema import kpi_schema
from ccstats.report.workbook_page import workbook_page
from ccstats.scorecard.index import measure_index
from report_cases import HOSTILE, LONG, hostile, judged, page, read

ROOT = Path(__file__).parents[1]
HEAD = 4  # the row of a sheet on which its table begins


@pytest.fixture(scope="module")
def book() -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(workbook_page(page())))


def tables(book: openpyxl.Workbook) -> dict[str, tuple[openpyxl.worksheet.worksheet.Worksheet, pd.DataFrame]]:
    """Every native table by its key, with its sheet and its cells."""
    found = {}
    for sheet in book:
        for name, table in ((each.name, each) for each in sheet.tables.values()):
            rows = [[cell.value for cell in row] for row in sheet[table.ref]]
            found[name.removeprefix("t_")] = (sheet, pd.DataFrame(rows[1:], columns=rows[0]))
    return found


def test_each_table_is_native_with_a_frozen_head_and_all_its_columns(book: openpyxl.Workbook) -> None:
    found = tables(book)
    assert set(found) == set(page().grids())
    for key, (sheet, cells) in found.items():
        data = page().grids()[key].data
        assert cells.shape == (max(len(data), 1), data.shape[1]), key
        assert sheet.freeze_panes == f"B{HEAD + 1}"
        assert len(set(map(str.casefold, cells.columns))) == cells.shape[1]
        assert sheet["A1"].value
    assert len(book.sheetnames) == len(found) + 2
    assert {"Definitions", "Made with"} <= set(book.sheetnames)
    assert all(len(name) <= 31 for name in book.sheetnames)


def test_its_figures_are_the_tables_own_in_their_formats(book: openpyxl.Workbook) -> None:
    sheet, days = tables(book)["service_by_day"]
    points = page().grids()["service_by_day"].data
    assert days["Service level"].tolist() == pytest.approx(points["service_level"].tolist())
    assert sheet.cell(HEAD + 1, days.columns.get_loc("Service level") + 1).number_format == "0.0%"
    assert sheet.cell(HEAD + 1, 1).number_format == "yyyy-mm-dd"
    assert days.iloc[0, 0] == points["period_start"].iloc[0].to_pydatetime().replace(tzinfo=None)
    sheet, kpis = tables(book)["kpis"]
    by_unit = {
        unit: sheet.cell(HEAD + 1 + at, kpis.columns.get_loc("Value") + 1).number_format
        for at, unit in enumerate(judged()[0]["unit"])
        if pd.notna(judged()[0]["value"].iloc[at])
    }
    assert by_unit["ratio"] == "0.0%"
    assert by_unit["s"] == "#,##0.0"
    assert by_unit["points"] == "#,##0.00"
    _, week = tables(book)["offered_by_weekday"]
    assert week["Monday"].sum() == page().grids()["offered_by_weekday"].data["Monday"].sum()


def test_it_is_coloured_and_drawn_by_the_program_that_opens_it(book: openpyxl.Workbook) -> None:
    kinds: dict[str, set[str]] = {}
    for key, (sheet, _) in tables(book).items():
        kinds[key] = {rule.type for each in sheet.conditional_formatting for rule in each.rules}
    assert kinds["kpis"] == {"cellIs"}
    assert kinds["service_level_by_weekday"] == {"colorScale"}
    assert "dataBar" in kinds["service"]
    drawn = {key for key, grid in page().grids().items() if grid.chart is not None}
    charts = book["Charts"]._charts
    assert len(charts) == len(drawn) >= 6
    for chart in charts:
        for series in chart.series:
            assert "!" in series.val.numRef.f
            assert "!" in (series.cat.numRef or series.cat.strRef or series.cat.multiLvlStrRef).f


def test_what_is_not_shown_is_folded_and_not_gone(book: openpyxl.Workbook) -> None:
    sheet, cells = tables(book)["agents"]
    grid = page().grids()["agents"]
    shown = len(set(grid.columns))
    folded = [sheet.column_dimensions[letter].hidden for letter in ("A", openpyxl.utils.get_column_letter(shown + 1))]
    assert folded == [False, True]
    assert cells.shape[1] == grid.data.shape[1] > shown


@pytest.mark.parametrize("lang", LANGUAGES[1:])
def test_it_speaks_the_language(lang: str) -> None:
    names = openpyxl.load_workbook(io.BytesIO(workbook_page(page(lang)))).sheetnames
    english = [grid.title[:31] for grid in page().grids().values()]
    assert not set(names) & set(english)


def test_no_cell_is_a_formula_a_link_or_too_long() -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook_page(hostile()[1])))
    texts = set()
    for sheet in book:
        assert not [letter for letter in sheet.title if letter in "[]:*?/\\"]
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert cell.hyperlink is None
                if isinstance(cell.value, str):
                    assert len(cell.value) <= 32_767
                    assert not cell.value.startswith(("=", "+", "-", "@"))
                    texts.add(cell.value)
    assert f"'{HOSTILE[0]}" in texts
    assert LONG in texts


@pytest.mark.office
@pytest.mark.parametrize("which", ["centre", "hostile"])
def test_libreoffice_opens_it_and_finds_the_same(which: str, tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    path.write_bytes(workbook_page(page() if which == "centre" else hostile()[1]))
    profile = f"-env:UserInstallation=file://{tmp_path / 'profile'}"
    for kind in ("ods", "pdf"):
        command = ["soffice", profile, "--headless", "--convert-to", kind, "--outdir", tmp_path, path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
        assert "Error" not in done.stderr + done.stdout
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    back = tmp_path / "again"
    command = ["soffice", profile, "--headless", "--convert-to", "xlsx", "--outdir", back, tmp_path / "report.ods"]
    subprocess.run(command, capture_output=True, timeout=300, check=True)
    ours = openpyxl.load_workbook(path, data_only=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="openpyxl")  # parts of LibreOffice's that it does not know
        theirs = openpyxl.load_workbook(io.BytesIO((back / "report.xlsx").read_bytes()), data_only=True)
    assert theirs.sheetnames == ours.sheetnames
    compared = 0
    for sheet in ours:
        for row in sheet.iter_rows():
            for cell in row:
                other = theirs[sheet.title][cell.coordinate].value
                if isinstance(cell.value, int | float):
                    assert other == pytest.approx(cell.value, rel=1e-9)
                    compared += 1
                elif isinstance(cell.value, str) and cell.value.strip() == cell.value:
                    assert str("" if other is None else other).replace("\r\n", "\n") == cell.value
    assert compared > 1000


def test_kpis_json_keeps_the_schema_that_is_published(tmp_path: Path) -> None:
    published = json.loads((ROOT / "docs" / "kpis.schema.json").read_text(encoding="utf-8"))
    assert published == kpi_schema()
    done = subprocess.run([sys.executable, ROOT / "tools" / "make_kpi_schema.py", "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "up to date")
    jsonschema.Draft202012Validator.check_schema(published)
    validator = jsonschema.Draft202012Validator(published, format_checker=jsonschema.FormatChecker())
    kpis, _ = judged()
    for agreement in (read()[1], None):
        cc.write_report(kpis, out=tmp_path, agreement=agreement)
        told = json.loads((tmp_path / "kpis.json").read_text(encoding="utf-8"))
        assert list(validator.iter_errors(told)) == []
    assert set(told["index"][0]) == set(measure_index(kpis).columns)
    for broken in ({"verdict": "perhaps"}, {"period_start": "in spring"}, {"value": "0.8"}, {"queue": None}, {"another": 1}):
        wrong = {**told, "kpis": [{**told["kpis"][0], **broken}]}
        assert list(validator.iter_errors(wrong)), broken
