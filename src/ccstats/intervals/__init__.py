"""Contacts and agent states into intervals: counts and sums, which add up; and adding them."""

from ccstats.intervals.tables import merge_intervals, roll_up, to_agent_intervals, to_intervals

__all__ = ["merge_intervals", "roll_up", "to_agent_intervals", "to_intervals"]
