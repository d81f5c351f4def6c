"""How the loops are compiled: kept on the disk, and run without the interpreter's lock."""

from __future__ import annotations

from typing import Any

import numba

__all__ = ["compiled", "inner", "plain"]

#: Nobody counts who holds the arrays that a loop is given: that took several times as long as to look a name up in them.
_UNCOUNTED: dict[str, Any] = {"_nrt": False}
#: Loops that only other loops call need no door to Python, and are kept with those.
_NO_DOORS: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

#: For loops that make arrays.
compiled = numba.njit(cache=True, nogil=True)
#: For loops that make none.
plain = numba.njit(cache=True, nogil=True, **_UNCOUNTED)
#: For those of them that only other loops call.
inner = numba.njit(nogil=True, **_UNCOUNTED, **_NO_DOORS)
