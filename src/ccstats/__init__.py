"""Call-centre logs into decisions: read them, measure the service, and say which definition was used."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

#: Where each public name lives. Everything is loaded on first use, so that ``import ccstats`` costs next to nothing.
_HOME = {
    "CcstatsError": "ccstats.errors",
    "DataWarning": "ccstats.errors",
    "Log": "ccstats.readers.contract",
    "Planted": "ccstats.synthetic",
    "QueueSpec": "ccstats.synthetic",
    "Reader": "ccstats.readers.contract",
    "draft_mapping": "ccstats.readers.drafting",
    "formats": "ccstats.readers",
    "list_abandoned": "ccstats.service.listing",
    "list_contacts": "ccstats.service.listing",
    "list_ended_by": "ccstats.service.listing",
    "list_transfers": "ccstats.service.listing",
    "list_unanswered": "ccstats.service.listing",
    "measure_agents": "ccstats.service.agents",
    "measure_pauses": "ccstats.service.agents",
    "measure_service": "ccstats.service.ratios",
    "measure_waits": "ccstats.service.waits",
    "merge_intervals": "ccstats.intervals",
    "read": "ccstats.readers",
    "read_sql": "ccstats.readers",
    "reconcile": "ccstats.service.reconciliation",
    "sample_log": "ccstats.readers.bundled",
    "register_reader": "ccstats.readers",
    "roll_up": "ccstats.intervals",
    "suppress_small": "ccstats.privacy",
    "synthesize_contacts": "ccstats.synthetic",
    "to_agent_intervals": "ccstats.intervals",
    "to_intervals": "ccstats.intervals",
}
_MODULES = ("errors", "metrics", "periods", "privacy", "schema")

__all__ = ["__version__", *sorted(_HOME), *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return importlib.import_module(f"ccstats.{name}")
    raise AttributeError(f"module 'ccstats' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
