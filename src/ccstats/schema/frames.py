"""Frames from elsewhere: any table that speaks the Arrow protocol becomes a pandas frame with the schema's dtypes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ccstats.errors import TableError
from ccstats.schema.tables import TABLES

__all__ = ["as_frame", "came_at", "worded"]


def as_frame(table: Any, *, what: str = "table") -> pd.DataFrame:
    """A pandas frame of ``table``: itself, or built from anything that speaks the Arrow PyCapsule protocol.

    Polars, PyArrow and DuckDB results are accepted; columns that our schema knows are given the schema's dtypes. Instants are shown in
    UTC; starts and ends of periods, and times that the schema does not know, keep the zone they come in.

    Parameters
    ----------
    table : pandas.DataFrame or object with ``__arrow_c_stream__``
        The table. A pandas frame is returned as it is, never copied.
    what : str
        Its name, for the error text.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    TableError
        If it is neither.

    Examples
    --------
    >>> import pyarrow as pa
    >>> as_frame(pa.table({"wait_s": [1.0, 2.0]}))["wait_s"].sum()
    np.float64(3.0)
    """
    if isinstance(table, pd.DataFrame):
        return table
    if not hasattr(table, "__arrow_c_stream__"):
        raise TableError(
            f"{what}: expected a pandas frame or a table that speaks the Arrow PyCapsule protocol (Polars, PyArrow, DuckDB), "
            f"found {type(table).__module__}.{type(table).__qualname__}"
        )
    import pyarrow as pa

    frame: pd.DataFrame = pa.table(table).to_pandas()
    # a name of several tables (target, definition) is that of the first, the one that is handed in
    known = {column.name: column for each in reversed(list(TABLES.values())) for column in each.columns}
    for name in frame.columns:
        column = known.get(str(name))
        if column is None:
            continue
        if column.kind == "category" and not isinstance(frame[name].dtype, pd.CategoricalDtype):
            frame[name] = frame[name].astype("category")
        elif column.kind in ("instant", "period") and isinstance(frame[name].dtype, pd.DatetimeTZDtype):
            moved = frame[name].dt.tz_convert("UTC") if column.kind == "instant" else frame[name]
            frame[name] = moved.dt.as_unit("us")
        elif column.kind == "count" and frame[name].isna().any():
            frame[name] = frame[name].astype("Int64")  # the schema's check says which are missing
        elif column.kind in ("id", "text", "seconds", "count", "maybe_count"):
            frame[name] = frame[name].astype(column.dtype)  # type: ignore[call-overload]
    return frame


def came_at(contacts: pd.DataFrame) -> pd.Series[Any]:
    """When each contact joined its queue or, if it never did, when it arrived.

    Examples
    --------
    >>> at = pd.to_datetime(pd.Series(["2024-03-01 09:00", None]), utc=True)
    >>> came_at(pd.DataFrame({"queued_at": at, "arrived_at": at[::-1].to_numpy()})).notna().tolist()
    [True, True]
    """
    return contacts["queued_at"].fillna(contacts["arrived_at"]) if "arrived_at" in contacts else contacts["queued_at"]


def worded(frame: pd.DataFrame) -> pd.DataFrame:
    """The same with text instead of categories, as other programs have it and as frames with other words are put together.

    Examples
    --------
    >>> worded(pd.DataFrame({"queue": pd.Categorical(["sales", None])}))["queue"].tolist()
    ['sales', nan]
    """
    return frame.astype({name: "str" for name in frame.columns[frame.dtypes == "category"]})
