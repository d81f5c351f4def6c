"""Statistical process control, arrays in and arrays out: limits of charts, rules on them, and what both are worth (run lengths)."""
