"""Files that appear whole or not at all, with no cell that a spreadsheet would run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from ccstats.errors import OptionError
from ccstats.report.cells import safe_cell
from ccstats.report.service_report import ServiceReport

__all__ = [
    *("csv_text", "service_tables", "whole_file", "write_bytes", "write_tables", "write_text", "write_texts"),
    "write_whole",
]


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text to a temporary name beside ``path`` and move it into place.

    Examples
    --------
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_text(folder / "a.txt", "whole")
    >>> [file.name for file in folder.iterdir()]
    ['a.txt']
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes to a temporary name beside ``path`` and move them into place.

    Examples
    --------
    >>> path = Path(tempfile.mkdtemp()) / "a.xlsx"
    >>> write_bytes(path, b"whole")
    >>> path.read_bytes()
    b'whole'
    """
    with whole_file(path) as name:
        name.write_bytes(data)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` to write to: moved into place when all went well, deleted when not.

    Examples
    --------
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with whole_file(path) as name:
    ...     _ = name.write_text("whole")
    >>> path.read_text(), len(list(path.parent.iterdir()))
    ('whole', 1)
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        yield Path(name)
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)  # mkstemp's 0600 would surprise whoever shares the folder
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def csv_text(table: pd.DataFrame) -> str:
    """A table of ours as CSV: full precision, ISO instants, missing cells empty, text that begins like a formula neutralised.

    Examples
    --------
    >>> print(csv_text(pd.DataFrame({"queue": ["=1+1"], "offered": [3]})), end="")
    queue,offered
    '=1+1,3
    """
    safe = table.copy()
    for name, dtype in table.dtypes.items():
        if isinstance(dtype, pd.CategoricalDtype):
            safe[name] = table[name].astype("str")
        if not pd.api.types.is_numeric_dtype(dtype) and not isinstance(dtype, pd.DatetimeTZDtype):
            safe[name] = safe[name].map(safe_cell, na_action="ignore")
        elif isinstance(dtype, pd.DatetimeTZDtype):
            safe[name] = table[name].map(lambda instant: instant.isoformat(), na_action="ignore")
    safe.columns = [safe_cell(str(name)) for name in safe.columns]
    return safe.to_csv(index=False, lineterminator="\n")


def service_tables(report: ServiceReport) -> dict[str, str]:
    """The tables of a service report as CSV, by the name of their file.

    Examples
    --------
    >>> service_tables.__name__
    'service_tables'
    """
    return {
        "service.csv": csv_text(report.groups),
        "service_total.csv": csv_text(report.total),
        "waits.csv": csv_text(report.waits),
        "lines.csv": csv_text(report.account),
        "rejected.csv": csv_text(report.rejected),
        "notes.csv": csv_text(report.notes),
        "definitions.csv": csv_text(report.definitions()),
    }


def write_tables(tables: Mapping[str, pd.DataFrame], out: str | Path) -> list[Path]:
    """Write tables as CSV files, each under its name, into a folder, made if it is not there.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Tables of ours.
    out : str or Path
        The folder.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    OptionError
        If the folder cannot be made or written to.

    Examples
    --------
    >>> [path.name for path in write_tables({"waits": pd.DataFrame({"offered": [3]})}, tempfile.mkdtemp())]
    ['waits.csv']
    """
    return write_texts(Path(out), {f"{name}.csv": csv_text(table) for name, table in tables.items()})


def write_texts(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write each text under its name into a folder, made if it is not there; raises `OptionError` if that cannot be.

    Examples
    --------
    >>> [path.name for path in write_texts(Path(tempfile.mkdtemp()), {"a.md": "# A"})]
    ['a.md']
    """
    return write_whole(folder, {name: text.encode() for name, text in texts.items()})


def write_whole(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write each file under its name, which may lie in a folder below; raises `OptionError` if that cannot be.

    Examples
    --------
    >>> folder = Path(tempfile.mkdtemp())
    >>> [path.relative_to(folder).as_posix() for path in write_whole(folder, {"tables/a.csv": b"a"})]
    ['tables/a.csv']
    """
    paths = [folder / name for name in files]
    try:
        for path, data in zip(paths, files.values(), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(path, data)
    except OSError as error:
        raise OptionError(f"out={str(folder)!r} cannot be written: {error.strerror}. Name a folder you may write to.") from error
    return paths
