"""The command line run in this process, where a new one would first load everything for seconds."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import warnings
from contextlib import chdir
from pathlib import Path
from unittest import mock

from ccstats.cli import main

__all__ = ["run"]


def run(
    *words: str | Path, stdin: bytes = b"", folder: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """What ``ccstats WORDS`` prints and returns; whatever it lets escape, a warning that is none of ours too, fails the test."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CCSTATS_")}
    streams = {name: io.TextIOWrapper(io.BytesIO(stdin if name == "stdin" else b""), "utf-8") for name in ("stdin", "stdout", "stderr")}
    code: object = 0
    with (
        chdir(folder or Path.cwd()), warnings.catch_warnings(), mock.patch.multiple(sys, argv=["ccstats", *map(str, words)], **streams),
        mock.patch.dict(os.environ, clean | (env or {}), clear=True),
    ):  # fmt: skip
        try:
            main()
        except SystemExit as left:
            code = left.code or 0
    said = {}
    for name in ("stdout", "stderr"):
        streams[name].flush()
        said[name] = streams[name].buffer.getvalue()
    assert isinstance(code, int), code
    assert b"Traceback" not in said["stderr"], said["stderr"].decode()
    return subprocess.CompletedProcess(["ccstats", *map(str, words)], code, said["stdout"], said["stderr"])
