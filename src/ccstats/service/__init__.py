"""Service statistics (EN 15838, 7.3 and 7.7): ratios, waits, agents, the contacts behind a figure, and whether the views agree."""
