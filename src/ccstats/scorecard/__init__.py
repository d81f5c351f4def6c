"""The scorecard (clause 8): every target of the agreement against what was measured, one verdict per period, and how it came about."""

from ccstats.scorecard.building import build_scorecard
from ccstats.scorecard.index import measure_index
from ccstats.scorecard.tracing import trace_scorecard

__all__ = ["build_scorecard", "measure_index", "trace_scorecard"]
