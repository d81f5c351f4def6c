"""What ``kpis.json`` of a report holds, as a JSON Schema: made from the table of `kpis`, published with the documentation."""

from __future__ import annotations

from typing import Any

from ccstats.schema import KPIS
from ccstats.schema.table import Column

__all__ = ["kpi_schema"]

_TYPES = {"number": "number", "share": "number", "seconds": "number", "count": "integer", "maybe_count": "integer", "flag": "boolean"}
#: Many validators do not look at formats.
_INSTANT = {"format": "date-time", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}"}
#: The index of a period: what each key means, and whether it can be null.
_INDEX: dict[str, tuple[str, str, bool]] = {
    "period_start": ("string", "start of the period, in the zone of the agreement", False),
    "period": ("string", "length of the period", False),
    "kpi_index": ("number", "weighted mean of how far the targets are fulfilled, 0-100", True),
    "coverage": ("number", "share of the weights that could be measured, 0-1", False),
    "index_low": ("number", "lowest index with every weight between half and twice as large", True),
    "index_high": ("number", "highest index with every weight between half and twice as large", True),
    "index_equal": ("number", "the index with all weights equal", True),
    "indicators": ("integer", "rows of kpis that could be measured", False),
    "met": ("integer", "targets met", False),
    "not_met": ("integer", "targets not met", False),
    "not_decidable": ("integer", "targets of which neither can be said", False),
    "small_samples": ("string", "names of what rests on fewer than 30 cases", False),
}


def kpi_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of ``kpis.json``.

    Returns
    -------
    dict
        Objects have exactly the keys named; what is missing is null; numbers carry 10 significant digits.

    Examples
    --------
    >>> kpi_schema()["properties"]["kpis"]["items"]["properties"]["verdict"]["enum"]
    ['met', 'not_met', 'not_decidable', None]
    """
    text = {"type": "string"}
    agreement = _object({name: text for name in ("client", "name", "timezone")})
    index = {name: {"type": [kind, "null"] if missing else kind, "description": said} for name, (kind, said, missing) in _INDEX.items()}
    index["period_start"] |= _INSTANT
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "kpis.json of a ccstats report",
        "description": "Figures against what was agreed, and their weighted index. Keys are sorted, missing values null.",
        **_object(
            {
                "agreement": {"anyOf": [agreement, {"type": "null"}], "description": "what the figures were judged by"},
                "index": {"type": "array", "items": _object(index), "description": "one object a period"},
                "kpis": {
                    "type": "array",
                    "items": _object({column.name: _property(column) for column in KPIS.columns}),
                    "description": KPIS.row,
                },
            }
        ),
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": sorted(properties), "additionalProperties": False}


def _property(column: Column) -> dict[str, Any]:
    kind = _TYPES.get(column.kind, "string")
    made: dict[str, Any] = {"type": [kind, "null"] if column.nullable else kind, "description": column.meaning}
    if column.vocabulary:
        made["enum"] = [*column.vocabulary, *([None] if column.nullable else [])]
    if column.kind in ("period", "instant"):
        made |= _INSTANT
    return made
