"""What a command line names as logs: files, standard input, or an archive."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

__all__ = ["asked_of", "files_of", "names_archive"]


def asked_of(logs: list[str], format: str | None, mapping: Path | None, options: dict[str, Any]) -> tuple[Any, str | None, dict[str, Any]]:
    """What a reader is given: its source, the format and further options."""
    source: Any = [sys.stdin.buffer if name == "-" else name for name in logs]
    source = source[0] if len(source) == 1 else source
    return (source, format, options) if mapping is None else (source, format or "mapped", {**options, "mapping": mapping})


def names_archive(logs: list[str]) -> bool:
    """Whether what is named is an archive, not logs."""
    if len(logs) != 1 or not Path(logs[0]).is_dir():
        return False
    from ccstats.engines.archive import is_archive

    return is_archive(logs[0])


def files_of(logs: list[str]) -> list[tuple[str, str]]:
    """The files that logs are read from, each with its name, in an archive its place there; none of standard input."""
    from ccstats.readers.files import paths_of

    if "-" in logs:
        return []
    if names_archive(logs):
        folder = Path(logs[0])
        return [(str(file.relative_to(folder)), str(file)) for file in sorted(folder.rglob("[!.]*.parquet"))]
    return [(Path(path).name, path) for name in logs for path in paths_of(name)]
