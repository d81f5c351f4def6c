"""Tables of a database as frames, without ever repeating the database's address."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, quote_plus

import pandas as pd

from ccstats.errors import CcstatsError, MissingExtraError, OptionError, SourceMissingError

__all__ = ["fetch"]

_TABLE = re.compile(r"(?:(\w+)\.)?(\w+)", re.ASCII)


def fetch(query: Any, connection: Any) -> pd.DataFrame:
    """Return the rows of a query.

    Parameters
    ----------
    query : str or SQLAlchemy selectable
        A SELECT, or the bare name of a table (``name`` or ``schema.name``).
    connection : str, sqlalchemy.Engine or sqlalchemy.Connection
        The database.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    MissingExtraError
        If SQLAlchemy or the database's driver is not installed.
    OptionError
        If the connection is none of these, or the address cannot be understood.
    SourceMissingError
        If the database cannot be reached or the query fails.

    Examples
    --------
    >>> fetch("select 1 as one", "sqlite://").to_dict("list")
    {'one': [1]}
    """
    try:
        import sqlalchemy as sa
    except ImportError:
        raise MissingExtraError("reading databases needs SQLAlchemy; install it with: pip install 'ccstats[sql]'") from None
    if not isinstance(connection, str | sa.engine.URL | sa.Engine | sa.Connection):
        raise OptionError(
            f"connection: expected a database address, an SQLAlchemy engine or connection, found {type(connection).__qualname__}"
        )
    # The failure is raised outside the except block, so that the driver's own error, which may quote the address, is not chained to it.
    result = _attempt(sa, query, connection)
    if isinstance(result, CcstatsError):
        raise result
    return result


def _attempt(sa: Any, query: Any, connection: Any) -> pd.DataFrame | CcstatsError:
    secrets: list[str] = []
    try:
        url = _address(sa, connection)
        secrets = _secrets(url)
        if isinstance(connection, sa.Connection):
            return _rows(sa, query, connection)
        engine = connection if isinstance(connection, sa.Engine) else sa.create_engine(url)
        try:
            with engine.connect() as db:
                return _rows(sa, query, db)
        finally:
            if engine is not connection:
                engine.dispose()
    except (_NoAddress, sa.exc.ArgumentError):
        return OptionError("connection: the database address cannot be understood; expected dialect+driver://user:password@host/name")
    except sa.exc.NoSuchModuleError as error:
        return OptionError(f"connection: SQLAlchemy knows no such database ({_first_line(error, secrets)})")
    except ImportError as error:
        return MissingExtraError(f"the database's driver is not installed (no module {error.name!r}); install it with pip")
    except Exception as error:  # drivers raise what they like
        kind = type(getattr(error, "orig", None) or error).__name__
        return SourceMissingError(f"the database could not answer: {kind}: {_first_line(error, secrets)}. Check address, rights and query.")


class _NoAddress(Exception):
    """The address cannot be understood."""


def _address(sa: Any, connection: Any) -> Any:
    if not isinstance(connection, str):
        return connection if isinstance(connection, sa.engine.URL) else connection.engine.url
    try:
        return sa.make_url(connection)
    except Exception as error:
        raise _NoAddress from error


def _rows(sa: Any, query: Any, db: Any) -> pd.DataFrame:
    if isinstance(query, str):
        table = _TABLE.fullmatch(query.strip())
        query = sa.select(sa.text("*")).select_from(sa.table(table[2], schema=table[1])) if table else sa.text(query)
    result = db.execute(query)
    names = list(result.keys())
    rows = result.fetchall()
    return pd.DataFrame.from_records([tuple(row) for row in rows], columns=names)


def _secrets(url: Any) -> list[str]:
    words = [url.password, *(value for values in url.query.values() for value in ([values] if isinstance(values, str) else values))]
    plain = [str(word) for word in words if word]
    shown = [url.render_as_string(hide_password=hidden) for hidden in (False, True)] if url.password or url.host else []
    forms = {form for word in plain for form in (word, quote(word), quote(word, safe=""), quote_plus(word))}
    return sorted(forms | set(shown), key=len, reverse=True)


def _first_line(error: Exception, secrets: list[str]) -> str:
    text = str(getattr(error, "orig", None) or error)
    for secret in secrets:
        text = text.replace(secret, "***")
    return next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)[:300]
