"""What a reader of records gives back: a table, an account of every line, and what the file was."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ccstats.readers.contract import Counted

__all__ = ["Records"]


@dataclass
class Records(Counted):
    """What was read from a file of records: one table, and an account of every line.

    Attributes
    ----------
    table : pandas.DataFrame
        The table of `ccstats.schema` that ``name`` says; hand it to whatever measures it.
    rejected : pandas.DataFrame
        ``source, line, key, reason`` of every line set aside (``text`` only if asked for). Lines count from 1, the header is one; ``key``
        is what the line says of its key, missing where the line could not be taken apart.
    lines : pandas.DataFrame
        ``source, fate, rule, lines``: how many lines were used, ignored (by which rule) or rejected (for which reason).
    notes : pandas.DataFrame
        ``note, count``: what was assumed or left out, so that a figure can be explained.
    name : str
        ``surveys``, ``complaints``, ``evaluations``, ``items``, ``staff``, ``absences`` or ``figures``.
    sha256 : str
        Of the file as it lies there, compressed if it is; of several files, that of their sums, one a line; of a frame, that of its CSV.
    timezone : str or None
        The zone of times without one.

    Examples
    --------
    >>> import ccstats as cc
    >>> surveys = cc.read_surveys(cc.sample_file("surveys.csv"))
    >>> surveys.name, surveys.count(), surveys.count("rejected")
    ('surveys', 2428, 0)
    """

    table: pd.DataFrame
    rejected: pd.DataFrame
    lines: pd.DataFrame
    notes: pd.DataFrame
    name: str
    sha256: str
    timezone: str | None = None
