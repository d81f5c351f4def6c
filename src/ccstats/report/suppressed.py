"""Reports and statistics without small groups: which rows of their tables are blanked, together, so that none gives another away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ccstats.privacy import anonymise_agents, key_of, suppress_cells
from ccstats.privacy.protection import protect
from ccstats.report.service_report import ServiceReport

__all__ = ["blank_rows", "suppress_report", "suppress_statistics", "without_names"]

_WHEN = ("period_start", "weekday", "slot")
_NOTE = "rows on fewer than {} contacts, and those that would give them away: figures left out"


def suppress_report(report: ServiceReport, *, below: int) -> ServiceReport:
    """The report without the figures of rows that rest on fewer contacts offered, and of those that would give them away.

    Groups, totals and waits are looked at together; CSV and page show the same rows. With ``period="interval"`` waits are left out.

    Parameters
    ----------
    report : ServiceReport
        What `build_service_report` made.
    below : int
        Rows of 1 to ``below`` - 1 contacts are blanked; 0 blanks none. [contacts]

    Returns
    -------
    ServiceReport
        With a column ``suppressed`` in its tables, and a note that counts the rows.

    Examples
    --------
    >>> import ccstats as cc
    >>> from ccstats.report import build_service_report
    >>> log = cc.read(cc.sample_log())
    >>> report = build_service_report(log, timezone="Europe/Berlin", period="day", threshold_s=20)
    >>> suppressed = suppress_report(report, below=5)
    >>> int(suppressed.groups["offered"].min()) >= 5
    True
    """
    if below <= 0:
        return report
    by = [name for name in report.groups.columns if name not in report.total.columns]
    when = [name for name in _WHEN if name in report.total.columns]
    groups, total = report.groups, report.total
    word = _unused(*(groups[name] for name in by))
    rows = total.assign(**dict.fromkeys(by, word)) if by else total.head(0)
    texts = {name: "str" for name in by}
    whole = pd.concat([groups.astype(texts), rows[groups.columns].astype(texts)], ignore_index=True)
    columns = [*by, *when]
    made = suppress_cells(whole[[*columns, "offered"]], count="offered", by=columns, at_least=below, total=word, margins=False)
    gone = made["suppressed"].to_numpy(dtype=bool)
    blank_groups = gone[: len(groups)]
    blank_total = gone[len(groups) :] if by else blank_groups
    # Of single intervals the waits are those of the whole log: sums that would tie all intervals together.
    waits = report.waits if set(when) <= set(report.waits.columns) else report.waits.head(0)
    blank_waits = _among(waits, made.loc[made["suppressed"], columns]) if len(waits) else np.array([], dtype=bool)
    note = pd.DataFrame({"note": [_NOTE.format(below)], "count": [int(blank_groups.sum() + (blank_total.sum() if by else 0))]})
    return replace(
        report,
        groups=blank_rows(groups, blank_groups, columns),
        total=blank_rows(total, blank_total, when),
        waits=blank_rows(waits, blank_waits, columns),
        notes=pd.concat([report.notes, note.astype(report.notes.dtypes.to_dict())], ignore_index=True),
    )


def suppress_statistics(tables: Mapping[str, pd.DataFrame], contacts: pd.DataFrame, *, below: int) -> dict[str, pd.DataFrame]:
    """The tables of `build_statistics` without the figures that rest on few contacts, and those that would give them away.

    Agents, waits, outcomes and ends of contacts are looked at together: what an agent answered is protected against what the queues
    answered, since it is known who works where, and a count that stands in two tables goes from both. An agent is small with fewer answered
    contacts, even with none, as there are hours in the row. Transfers are protected for themselves; pauses are left out.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Tables by name.
    contacts : pandas.DataFrame
        What they were made of.
    below : int
        Figures of 1 to ``below`` - 1 contacts are blanked; 0 blanks none. [contacts]

    Returns
    -------
    dict of str to pandas.DataFrame

    Examples
    --------
    >>> suppress_statistics({}, pd.DataFrame(), below=0)
    {}
    """
    if below <= 0:
        return dict(tables)
    sums = _Sums(contacts)
    agents = tables.get("agents", pd.DataFrame({"agent": pd.Series([], dtype="str")}))["agent"].astype("str")
    queues = contacts["queue"].astype("str").unique()
    for agent in agents:
        sums.add(("agent", agent), outcome="answered", agent=agent)
    for queue in queues:
        sums.add(("queue", queue), queue=queue)
        for outcome in ("answered", "abandoned", "open"):
            sums.add((outcome, queue), queue=queue, outcome=outcome)
    keys = {"unanswered": ["queue", "outcome", "raw_outcome"], "ended_by": ["queue", "ended_by"]}
    for name, columns in keys.items():
        of_all = {"outcome": "answered"} if name == "ended_by" else {}
        for row in tables.get(name, pd.DataFrame(columns=columns))[columns].astype("str").itertuples(index=False):
            sums.add((name, *row), **of_all, **dict(zip(columns, row, strict=True)))
    for queue in queues:
        of_queue = {key for key in sums.masks if key[0] == "unanswered" and key[1] == queue}
        if of_queue:  # its shares tell the sum
            sums.masks["shares", queue] = np.logical_or.reduce([sums.masks[key] for key in of_queue])
    sums.add(("everyone",), outcome="answered")
    gone = sums.blanked(below)
    out = {}
    for name, table in tables.items():
        if name == "agents":
            out[name] = blank_rows(table, np.array([("agent", agent) in gone for agent in agents], dtype=bool), ["agent"])
        elif name in keys:
            whole = "shares" if name == "unanswered" else "answered"
            rows = table[keys[name]].astype("str").itertuples(index=False)
            hit = [(name, *row) in gone or (whole, row[0]) in gone or ("queue", row[0]) in gone for row in rows]
            out[name] = blank_rows(table, np.array(hit, dtype=bool), [*keys[name], "counted_in"])
        elif name == "transfers":
            cells = [each for each in table.columns if each not in ("contacts", "share")]
            word = _unused(*(table[each] for each in cells))
            made = suppress_cells(table, count="contacts", by=cells, at_least=below, margins=[["queue"], []], total=word)
            out[name] = made.head(len(table))
        elif name != "pauses":
            out[name] = _waits(table, gone, below)
    return out


class _Sums:
    """Sums of contacts that tables print, by name, over the smallest groups that any of them tells apart."""

    def __init__(self, contacts: pd.DataFrame) -> None:
        names = ["queue", "outcome", "raw_outcome", "ended_by", "agent"]
        texts = {name: contacts[name].astype("str") if name in contacts else "nan" for name in names}
        facts = pd.DataFrame(texts, index=contacts.index).fillna("nan")
        facts["ended_by"] = facts["ended_by"].replace("nan", "unknown")
        self.cells = facts.groupby(names, sort=True).size().rename("contacts").reset_index()
        self.masks: dict[tuple[str, ...], np.ndarray] = {}

    def add(self, key: tuple[str, ...], **values: str) -> None:
        hits = [(self.cells[name] == ("nan" if value != value else value)).to_numpy() for name, value in values.items()]
        self.masks[key] = np.logical_and.reduce([np.ones(len(self.cells), dtype=bool), *hits])

    def blanked(self, below: int) -> set[tuple[str, ...]]:
        """The sums that nobody may be shown."""
        from scipy import sparse

        parts = sparse.csr_array(np.array(list(self.masks.values()), dtype="float64").reshape(len(self.masks), len(self.cells)))
        contacts = self.cells["contacts"].to_numpy(dtype="float64")
        counts = parts @ contacts
        agent = np.array([key[0] == "agent" for key in self.masks], dtype=bool)
        blank = protect(counts, parts, contacts, small=(counts < below) & ((counts > 0) | agent), at_least=below)
        return {key for key, hidden in zip(self.masks, blank, strict=True) if hidden}


def _waits(table: pd.DataFrame, gone: set[tuple[str, ...]], below: int) -> pd.DataFrame:
    """Waits of queues: those answered, those who gave up and those still waiting each rest on a count of their own."""
    queues = table["queue"].astype("str")
    hit = {part: np.array([(part, queue) in gone for queue in queues], dtype=bool) for part in ("queue", "answered", "abandoned", "open")}
    out, touched = table.copy(), np.zeros(len(table), dtype=bool)
    for name in table.columns.drop("queue"):
        if name == "max_wait_s":
            blank = hit["answered"] | hit["abandoned"] | hit["open"]
        elif name == "wait_unknown":
            blank = table[name].between(1, below - 1).to_numpy()
        else:
            blank = hit["open" if name == "open" else "abandoned" if name.startswith("abandon") else "answered"]
        blank = blank | hit["queue"]
        out[name] = blank_rows(table[[name]], blank, [])[name]
        touched |= blank
    return out.assign(suppressed=touched)


def _unused(*names: pd.Series[Any]) -> str:
    """A word for a sum that is no name."""
    taken = {word for each in names for word in each.astype("str").unique()}
    return next(each for each in ("all", "(all)", "((all))", "the sum of all") if each not in taken)


def _among(table: pd.DataFrame, keys: pd.DataFrame) -> np.ndarray:
    names = list(keys.columns)
    if not names:
        return np.full(len(table), len(keys) > 0)
    wanted = {tuple(map(str, row)) for row in keys.itertuples(index=False)}
    return np.array([tuple(map(str, row)) in wanted for row in table[names].itertuples(index=False)], dtype=bool)


def blank_rows(table: pd.DataFrame, blank: np.ndarray, stay: Sequence[str]) -> pd.DataFrame:
    """A copy without what the marked rows say, but for the columns that stay, and a column ``suppressed``.

    Examples
    --------
    >>> blank_rows(pd.DataFrame({"queue": ["a", "b"], "offered": [3, 40]}), np.array([True, False]), ["queue"])["offered"].tolist()
    [<NA>, 40]
    """
    out = table.copy()
    for name in table.columns:
        if name not in stay:
            values = table[name]
            whole, flag = pd.api.types.is_integer_dtype(values.dtype), pd.api.types.is_bool_dtype(values.dtype)
            out[name] = (values.astype("Int64") if whole else values.astype("boolean") if flag else values).mask(blank)
    return out.assign(suppressed=blank)


def without_names(report: ServiceReport, *, key: str | bytes | None = None) -> ServiceReport:
    """The report with numbers instead of agents' names, where it is grouped by them; as it is otherwise.

    Examples
    --------
    >>> import ccstats as cc
    >>> from ccstats.report import build_service_report
    >>> log = cc.read(cc.sample_log())
    >>> report = build_service_report(log, timezone="Europe/Berlin", period=None, by=["agent"])
    >>> without_names(report, key="a secret of ours").groups["agent"].tolist()[0]
    'agent 01'
    """
    if "agent" not in report.groups:
        return report
    secret = key_of(key)
    everyone = pd.concat([report.groups["agent"].astype("str"), report.waits["agent"].astype("str")]).dropna().unique()
    groups, waits = (anonymise_agents(table, key=secret, among=everyone) for table in (report.groups, report.waits))
    return replace(report, groups=groups, waits=waits)
