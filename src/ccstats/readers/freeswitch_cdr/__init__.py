"""Call detail records of FreeSWITCH: templates of mod_cdr_csv, documents of json_cdr and xml_cdr, and FusionPBX's table v_xml_cdr.

A record is one leg of a call. What it knows of queues are the variables that mod_callcenter sets (cc_…); see the page on this format.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

import numpy as np
import pandas as pd

from ccstats.errors import OptionError
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.freeswitch_cdr.legs import cc_legs, plain_legs
from ccstats.readers.freeswitch_cdr.visits import contacts_of
from ccstats.readers.json_facts import BadRecord, object_of
from ccstats.readers.json_records import JsonRecords, JsonShape, clean_text, starts_as_json
from ccstats.readers.product_tables import Rows, header_has
from ccstats.readers.settling import to_log
from ccstats.readers.tabular import Grid, Layout, read_grid
from ccstats.readers.xml_records import XmlRecords, starts_as_xml

__all__ = ["READER", "SHAPE", "TEMPLATES", "looks_like", "read_cdr"]

SHAPE = JsonShape(keys=("core-uuid", "switchname", "channel_data", "callStats", "variables", "app_log", "callflow"))
_SQL = (
    "caller_id_name", "caller_id_number", "destination_number", "context", "start_stamp", "answer_stamp", "end_stamp", "duration",
    "billsec", "hangup_cause", "uuid", "bleg_uuid", "accountcode",
)  # fmt: skip
#: Columns of the templates that are shipped and have a start, an end and an id.
TEMPLATES: dict[str, tuple[str, ...]] = {
    "example": (*_SQL, "read_codec", "write_codec"),
    "sql": _SQL,
    "snom": (
        *_SQL, "read_codec", "write_codec", "sip_user_agent", "call_clientcode", "sip_rtp_rxstat", "sip_rtp_txstat", "sofia_record_file",
    ),
    "linksys": (*_SQL, "read_codec", "write_codec", "sip_user_agent", "sip_p_rtp_stat"),
    "asterisk": (
        "accountcode", "caller_id_number", "destination_number", "context", "caller_id", "channel_name", "bridge_channel", "last_app",
        "last_arg", "start_stamp", "answer_stamp", "end_stamp", "duration", "billsec", "hangup_cause", "amaflags", "uuid", "userfield",
    ),
}  # fmt: skip
#: Columns of a table that tell it is one of queue calls, whatever else it has.
_TABLE = ("cc_side", "cc_queue", "cc_queue_joined_epoch")
#: What a column of a template holds, to tell one by.
_LOOKS = {
    "start_stamp": r"\d{4}([-/])\d{1,2}\1\d{1,2} \d{1,2}:\d\d(:\d\d)?",
    "end_stamp": r"\d{4}([-/])\d{1,2}\1\d{1,2} \d{1,2}:\d\d(:\d\d)?",
    "answer_stamp": r"(\d{4}([-/])\d{1,2}\2\d{1,2} \d{1,2}:\d\d(:\d\d)?)?",
    "duration": r"\d{1,9}",
    "billsec": r"\d{1,9}",
    "hangup_cause": r"[A-Z][A-Z0-9_]{2,40}",
    "uuid": r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
}
#: Variables of a document that are read.
_VARIABLES = (
    "uuid", "direction", "start_epoch", "answer_epoch", "end_epoch", "duration", "billsec", "last_app", "transfer_history",
    "caller_id_number", "caller_destination", "cc_side", "cc_queue", "cc_agent", "cc_agent_uuid", "cc_agent_type", "cc_member_uuid",
    "cc_member_session_uuid", "cc_queue_joined_epoch", "cc_queue_answered_epoch", "cc_queue_terminated_epoch", "cc_queue_canceled_epoch",
    "cc_cause", "cc_cancel_reason", "cc_exit_key",
)  # fmt: skip
_PROFILE = ("caller_id_number", "destination_number")
_XML: set[tuple[str, ...]] = {("variables", name) for name in _VARIABLES} | {("callflow", "caller_profile", name) for name in _PROFILE}
#: So many documents are made rows of at once.
_BATCH = 50_000
_INSERT = re.compile(rb"^[ \t]*INSERT INTO \w{1,64} VALUES ?\((.*)\);?[ \t]*(?=\r?$)", re.MULTILINE)
_QUOTED = re.compile(rb'^".*"(?=[ \t]*\r?$)', re.MULTILINE)


class _Document(NamedTuple):
    source: str
    number: int
    values: dict[str, str]
    text: str


class _Documents(Rows):
    """Rows of many documents: a file holds one or many of them, so that each row has a source of its own."""

    def __init__(self, found: list[_Document], account: Account, options: Options) -> None:
        self.sources = np.array([each.source for each in found], dtype=object)
        self.texts = np.array([each.text for each in found], dtype=object)
        columns = {name: pd.Series([each.values.get(name) for each in found], dtype="str") for name in (*_VARIABLES, "destination_number")}
        numbers = np.array([each.number for each in found], dtype="int64")
        super().__init__(Grid("", list(columns), columns, numbers, np.ones(len(found), dtype="int64")), account, options)

    def _split(self, mask: np.ndarray | pd.Series) -> Iterator[tuple[str, np.ndarray]]:
        hit = np.flatnonzero(np.asarray(mask, dtype=bool) & self.open)
        for name, at in pd.Series(hit).groupby(self.sources[hit], sort=False):
            yield str(name), at.to_numpy()

    def close(self, mask: np.ndarray | pd.Series, reason: str) -> None:
        for name, at in self._split(mask):
            self.account.reject(name, self.grid.line[at], reason, texts=self.texts[at])
        self.open &= ~np.asarray(mask, dtype=bool)

    def ignore(self, mask: np.ndarray | pd.Series, rule: str) -> None:
        for name, at in self._split(mask):
            self.account.count(name, "ignored", rule, len(at))
        self.open &= ~np.asarray(mask, dtype=bool)

    def frame(self, columns: Mapping[str, pd.Series | np.ndarray | str | None]) -> pd.DataFrame:
        out = super().frame({**columns, "_of": pd.Series(self.sources, dtype="str")})
        return out.assign(_source=out["_of"]).drop(columns="_of")

    def _texts(self, rows: np.ndarray) -> list[str]:
        return list(self.texts[rows])


def looks_like(head: bytes) -> bool:
    r"""Whether it is a document of json_cdr or xml_cdr, a shipped template of mod_cdr_csv, or a table with columns of mod_callcenter.

    Examples
    --------
    >>> looks_like(b'{"core-uuid": "1", "switchname": "pbx", "channel_data": {}, "variables": {"uuid": "2"}}')
    True
    >>> looks_like(b'<?xml version="1.0"?>\n<cdr core-uuid="1"><channel_data/><variables><uuid>2</uuid></variables></cdr>')
    True
    >>> looks_like(b"xml_cdr_uuid,cc_side,cc_queue,cc_queue_joined_epoch\n")
    True
    >>> looks_like(b'"Ada","100","800","default","2024-03-01 09:00:00"\n')
    False
    """
    if starts_as_json(head):
        return b'"variables"' in head and any(key in head for key in (b'"core-uuid"', b'"switchname"', b'"channel_data"'))
    if starts_as_xml(head):
        return re.search(rb"<cdr[\s>]", head) is not None
    return header_has(head, _TABLE) or _template_of(head) is not None


def read_cdr(sources: Iterable[Source], options: Options) -> Log:
    r"""Read legs of calls; `ccstats.read` and, for FusionPBX's table, `ccstats.read_sql` are the ways in.

    Parameters
    ----------
    sources : iterable of Source
        Files of any of the forms, frames or query results.
    options : Options
        With a time zone where a template holds local times. ``template`` is the name of a shipped one, its text with ``${…}``, or a list
        of names of columns, for files whose columns are others. ``queues`` are the numbers that lead to queues, or a dictionary of them
        and the queues' names, for files without columns of mod_callcenter; ``answers_first`` says whether the call is answered before an
        agent takes it (True, False, or None to tell by the records), for such files.

    Returns
    -------
    Log
        Lines are lines of CSV, or documents. ``agent_states`` is empty.

    Raises
    ------
    OptionError
        If a file names no queues and neither does ``queues``, or an option is none of these.
    ColumnError
        If a table lacks a column.
    ZoneError
        If times are local and there is no zone.

    Examples
    --------
    >>> rows = b"xml_cdr_uuid,cc_side,cc_queue,cc_queue_joined_epoch,cc_queue_canceled_epoch,cc_cause,cc_cancel_reason\n"
    >>> rows += b"u1,member,sales@example.com,1709280000,1709280012,cancel,BREAK_OUT\n"
    >>> log = read_cdr([Source("v_xml_cdr.csv", rows)], Options())
    >>> log.contacts[["queue", "outcome", "wait_s"]].to_dict("records")
    [{'queue': 'sales@example.com', 'outcome': 'abandoned', 'wait_s': 12.0}]
    """
    columns, queues = _columns_asked(options.extra.get("template")), _queues_asked(options.extra.get("queues"))
    first = options.extra.get("answers_first")
    if first not in (None, True, False):
        raise OptionError(f"answers_first={first!r}: expected True, False, or None (told by the records)")
    parts: list[pd.DataFrame] = []
    waiting: list[_Document] = []
    account = Account(options)
    for source in sources:
        head = b"" if source.frame is not None else bytes(source.data[:65_536])
        if starts_as_json(head) or starts_as_xml(head):
            account.unit = "record"
            for document in (_json if starts_as_json(head) else _xml)(source, account):
                waiting.append(document)
                if len(waiting) == _BATCH:
                    parts.append(cc_legs(_Documents(waiting, account, options)))
                    waiting = []
        elif source.frame is not None or len(source.data):
            parts.extend(_table(source, head, columns, queues, account, options))
        if options.progress:
            options.progress(source.name, 1.0)
    if waiting:
        parts.append(cc_legs(_Documents(waiting, account, options)))
    return to_log(contacts_of(parts, account, first), account, options, "freeswitch_cdr")


def _columns_asked(template: Any) -> tuple[str, ...] | None:
    if template is None:
        return None
    if isinstance(template, str):
        found = TEMPLATES.get(template) or tuple(re.findall(r"\$\{(\w+)\}", template))
    else:
        found = tuple(template) if isinstance(template, Sequence) and all(isinstance(each, str) for each in template) else ()
    if not found or len(set(found)) < len(found):
        raise OptionError(
            f"template={template!r}: expected one of {', '.join(TEMPLATES)}, the template's text with ${{…}} around every column, "
            "or a list of different names of columns"
        )
    return found


def _queues_asked(queues: Any) -> dict[str, str] | None:
    if queues is None:
        return None
    if isinstance(queues, Mapping):
        return {str(number): str(name) for number, name in queues.items()}
    if isinstance(queues, str) or not isinstance(queues, Iterable):
        raise OptionError(f"queues={queues!r}: expected a list of the numbers that lead to queues, or a dictionary of numbers and names")
    return {str(number): str(number) for number in queues}


def _json(source: Source, account: Account) -> Iterator[_Document]:
    records = JsonRecords(source, SHAPE, account)
    for record in records:
        try:
            variables = object_of(record.value, "variables")
            if not variables:
                raise BadRecord("variables are missing")
            flow = record.value.get("callflow")
            flows = [each for each in (flow if isinstance(flow, list) else [flow]) if isinstance(each, dict)]
            profiles = [object_of(each, "caller_profile") for each in flows]
        except BadRecord as problem:
            records.reject(record, str(problem))
            continue
        values = {name: [_word(variables.get(name))] for name in _VARIABLES}
        flown = {name: [_word(profile.get(name)) for profile in profiles] for name in _PROFILE}
        yield _Document(source.name, record.number, _values(values, flown), record.text)


def _xml(source: Source, account: Account) -> Iterator[_Document]:
    for record in XmlRecords(source, "cdr", _XML, account):
        values = {name: record.values.get(("variables", name), []) for name in _VARIABLES}
        flown = {name: record.values.get(("callflow", "caller_profile", name), []) for name in _PROFILE}
        yield _Document(source.name, record.number, _values(values, flown), record.text)


def _word(value: Any) -> str:
    """A variable as text: some programs that store documents make numbers of them."""
    return value if isinstance(value, str) else str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _values(variables: dict[str, list[str]], flown: dict[str, list[str]]) -> dict[str, str]:
    """The variables, and the caller as the newest step of the call knows him and the number as the oldest one does."""
    out = {name: words[0] for name, words in variables.items() if words and words[0]}
    number, dialled = ([word for word in flown[name] if word] for name in _PROFILE)
    if number:
        out.setdefault("caller_id_number", number[0])
    if dialled:
        out["destination_number"] = dialled[-1]
    # Values are encoded as in addresses, unless the configuration says otherwise.
    return {name: clean_text(unquote(word) if "%" in word else word).replace("\0", "") for name, word in out.items()}


def _table(
    source: Source, head: bytes, columns: tuple[str, ...] | None, queues: dict[str, str] | None, account: Account, options: Options
) -> Iterator[pd.DataFrame]:
    """Legs of a file of a template, or of a table with a header, a piece at a time."""
    delimiter = None
    if columns is None and not header_has(head, _TABLE):
        columns, delimiter = _template_of(head) or (None, None)
    if source.frame is not None or columns is None:
        rows = Rows(read_grid(source, Layout(), account), account, options)
        if not rows.columns:
            return
        if not rows.has("xml_cdr_uuid"):
            rows = Rows(rows.grid, account, options, needed=("uuid",))
    else:
        data, mended = _mended(bytes(source.data))
        account.note("quotes within values, which the platform does not double: taken as part of them", mended)
        grid = read_grid(Source(source.name, data), Layout(delimiter=delimiter), account, header=columns)
        rows = Rows(grid, account, options)
    if rows.has("cc_side"):
        yield from Rows(rows.grid, account, options, needed=_TABLE).in_pieces(cc_legs)
        return
    if queues is None:
        raise OptionError(
            f"{source.name} does not say which calls were in a queue: it has no column cc_side; its columns: "
            f"{', '.join(map(repr, rows.grid.header[:40] or columns or ()))}. Name the numbers that lead to queues, as queues=['8000'] or "
            "queues={'8000': 'Support'}; or log the variables of mod_callcenter (cc_side, cc_queue, …) in the template"
        )
    yield from rows.in_pieces(lambda piece: plain_legs(piece, queues))


def _mended(data: bytes) -> tuple[bytes, int]:
    """Rows of a template as CSV, and how many had quotes within values, which the platform does not double."""
    mended = 0

    def doubled(row: re.Match[bytes]) -> bytes:
        nonlocal mended
        cells = row[0][1:-1].split(b'","')
        if row[0].count(b'"') == 2 * len(cells):
            return row[0]
        mended += 1
        return b'"' + b'","'.join(cell.replace(b'""', b'"').replace(b'"', b'""') for cell in cells) + b'"'

    # Template ``sql`` has a statement around its values, and it and ``snom`` a blank between two of them.
    return _QUOTED.sub(doubled, _INSERT.sub(rb"\1", data).replace(b'", "', b'","')), mended


def _template_of(head: bytes) -> tuple[tuple[str, ...], str] | None:
    """The columns of the shipped template that one of the first lines fits, and what stands between them."""
    for line in _mended(head)[0].splitlines()[:20]:
        delimiter = max(",;\t", key=line.decode("latin-1").count)
        try:
            cells = next(csv.reader([line.decode("utf-8", "replace")], delimiter=delimiter), [])
        except csv.Error:
            continue
        for columns in TEMPLATES.values():
            if len(columns) == len(cells):
                row = dict(zip(columns, cells, strict=True))
                if all(re.fullmatch(looks, row[name].strip()) for name, looks in _LOOKS.items()):
                    return columns, delimiter
    return None


READER = Reader(
    name="freeswitch_cdr",
    title="FreeSWITCH, FusionPBX call detail records (mod_cdr_csv, json_cdr, xml_cdr, v_xml_cdr)",
    yields=("contacts",),
    clock="utc",
    evidence="read in source code and configuration of the products; not seen on real data",
    looks_like=looks_like,
    read=read_cdr,
    options=("template", "queues", "answers_first"),
    streams=True,
)
