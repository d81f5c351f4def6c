"""What was to be expected: baselines that know the calendar, how far values spread about them, and where a level changed."""

from __future__ import annotations

from ccstats.profile.fitting import fit_profile, freeze_profile
from ccstats.profile.frozen import Profile
from ccstats.profile.shifts import find_change_points

__all__ = ["Profile", "find_change_points", "fit_profile", "freeze_profile"]
