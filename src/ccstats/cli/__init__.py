"""The shell's face: arguments in, tables and files out, and no logic of its own.

Exit status: 0 done, 1 findings (``check``, ``deviations``), 2 bad input. Results go to standard output, everything else to standard error.
"""

from ccstats.cli import agreements, archives, control, forecasting, logs, reports, scheduling, serve, staffing, tour  # noqa: F401 - each registers its commands
from ccstats.cli.shell import app, main

__all__ = ["app", "main"]
