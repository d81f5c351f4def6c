"""Reading whatever a file is: single contacts, or intervals that a platform counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ccstats.readers import _checked, _opened, _run
from ccstats.readers.contract import IntervalLog, Log, Options

__all__ = ["read_either"]


def read_either(
    source: Any,
    *,
    format: str | None = None,
    timezone: str | None = None,
    key: str | bytes | None = None,
    on_error: str = "reject",
    keep_text: bool = False,
    progress: Callable[[str, float], None] | None = None,
    **options: Any,
) -> Log | IntervalLog:
    """Read as `ccstats.read` or `ccstats.read_intervals` would, whichever the source's format is for.

    Examples
    --------
    >>> rows = b"ROW_DATE,STARTTIME,INTRVL,SPLIT,CALLSOFFERED,ACDCALLS,ABNCALLS"
    >>> type(read_either(rows, timezone="Europe/Berlin")).__name__
    'IntervalLog'
    """
    secret = _checked(on_error, timezone, key)
    reader, sources = _opened(source, format, timezone, options, "")
    asked = Options(timezone, secret, True, on_error, keep_text, format is not None, progress, options)
    return _run(reader, sources, asked, IntervalLog) if "intervals" in reader.yields else _run(reader, sources, asked, Log)
