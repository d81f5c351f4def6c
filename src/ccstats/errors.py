"""What can go wrong: one base to catch, each child also the matching built-in, and the nearest names for their texts."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "CcstatsError",
    "ColumnError",
    "DataWarning",
    "FormatError",
    "MissingExtraError",
    "OptionError",
    "SourceMissingError",
    "TableError",
    "ZoneError",
    "did_you_mean",
]


class CcstatsError(Exception):
    """Base of every error that ccstats raises on purpose.

    Its text says what was found, where, what was expected and what to do.

    Examples
    --------
    >>> import ccstats as cc
    >>> try:
    ...     cc.read("no_such_log", timezone="Europe/London")
    ... except cc.CcstatsError as error:
    ...     print(type(error).__name__)
    SourceMissingError
    """


class SourceMissingError(CcstatsError, FileNotFoundError):
    """A file, a glob or a table that was named is not there.

    Examples
    --------
    >>> issubclass(SourceMissingError, FileNotFoundError)
    True
    """

    def __str__(self) -> str:
        return Exception.__str__(self)


class FormatError(CcstatsError, ValueError):
    """The content is not what the format says: unrecognised, ambiguous, cut, or broken.

    Examples
    --------
    >>> issubclass(FormatError, ValueError)
    True
    """


class ColumnError(CcstatsError, KeyError):
    """A column that is needed is not there, or one that is there is not known.

    Examples
    --------
    >>> str(ColumnError("no column 'wait'"))
    "no column 'wait'"
    """

    def __str__(self) -> str:  # KeyError would print the repr of its argument
        return Exception.__str__(self)


class TableError(CcstatsError, ValueError):
    """A table breaks its schema: wrong dtype, sign, vocabulary or key, or tables that cannot be added.

    Examples
    --------
    >>> issubclass(TableError, ValueError)
    True
    """


class OptionError(CcstatsError, ValueError):
    """An argument has a value that is not allowed.

    Examples
    --------
    >>> issubclass(OptionError, ValueError)
    True
    """


class ZoneError(CcstatsError, ValueError):
    """A time zone is missing, unknown, or does not fit the intervals.

    Examples
    --------
    >>> issubclass(ZoneError, ValueError)
    True
    """


class MissingExtraError(CcstatsError, ImportError):
    """An optional part of ccstats is not installed; the text names the extra to install.

    Examples
    --------
    >>> issubclass(MissingExtraError, ImportError)
    True
    """


class DataWarning(UserWarning):
    """The data is usable, but something in it should be known before its figures are believed.

    Examples
    --------
    >>> issubclass(DataWarning, UserWarning)
    True
    """


def did_you_mean(name: str, names: Iterable[str], *, count: int = 3) -> str:
    """A sentence that proposes the nearest of ``names``, or an empty text.

    Parameters
    ----------
    name : str
        What was written.
    names : iterable of str
        What there is.
    count : int
        Propose at most this many. [names]

    Returns
    -------
    str
        Starts with a blank, so that it can follow a sentence; empty when nothing is near.

    Examples
    --------
    >>> did_you_mean("Istanbul", ["Europe/Istanbul", "Europe/London"])
    ' Did you mean Europe/Istanbul?'
    >>> did_you_mean("quue", ["agent"])
    ''
    """
    # Names are compared as a whole and by their last part, so that a city finds its zone and a file its folder.
    known = list(dict.fromkeys(map(str, names)))
    by_key: dict[str, list[str]] = {}
    for each in known:
        for key in {each.casefold(), each.casefold().replace("\\", "/").rsplit("/", 1)[-1]}:
            by_key.setdefault(key, []).append(each)
    close = difflib.get_close_matches(str(name).casefold()[:200], by_key, n=count, cutoff=0.6)
    found = list(dict.fromkeys(each for key in close for each in by_key[key]))[:count]
    return f" Did you mean {' or '.join(found)}?" if found else ""
