"""Which readers there are: ours by name, imported when they are asked for, and those that users register."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping

import pandas as pd

from ccstats.errors import OptionError
from ccstats.readers.contract import Reader

__all__ = ["READERS", "formats", "register_reader"]

#: Formats of ccstats; each is a module here with a constant ``READER``, imported on first use.
_OWN = (
    "asterisk_queue_log",
    "technion_bank",
    "vicidial",
    "threecx_queue_calls",
    "issabel",
    "queuemetrics_table",
    "amazon_connect_records",
    "amazon_connect_agent_events",
    "genesys_cloud_conversations",
    "genesys_cloud_user_status",
    "cisco_ucce",
    "cisco_uccx",
    "cisco_uccx_agent_states",
    "avaya_ech",
    "asterisk_cdr",
    "freeswitch_callcenter_events",
    "freeswitch_cdr",
    "asterisk_cel",
    "wazo_stat",
    "twilio_taskrouter",
    "zendesk_talk",
    "talkdesk",
    "nice_cxone",
    "five9",
    "avaya_cms_intervals",
    "mapped",
)


class _Registry(Mapping[str, Reader]):
    """Readers by name: our own, imported when asked for, and those registered."""

    def __init__(self) -> None:
        self.added: dict[str, Reader] = {}

    def __getitem__(self, name: str) -> Reader:
        if name in _OWN:
            reader: Reader = importlib.import_module(f"ccstats.readers.{name}").READER
            return reader
        return self.added[name]

    def __contains__(self, name: object) -> bool:
        return name in _OWN or name in self.added

    def __iter__(self) -> Iterator[str]:
        return iter((*_OWN, *self.added))

    def __len__(self) -> int:
        return len(_OWN) + len(self.added)


READERS = _Registry()


def formats() -> pd.DataFrame:
    """Return the formats that `read` knows.

    Returns
    -------
    pandas.DataFrame
        One row a format: ``name, title, yields`` (tables), ``clock`` (``utc``; ``wall``: a time zone is required; ``mapped``: the
        mapping says), ``evidence`` (what the reader was written and checked against) and ``options`` (besides those of `read`).

    Examples
    --------
    >>> import ccstats as cc
    >>> cc.formats()["name"].tolist()[:3]
    ['asterisk_queue_log', 'technion_bank', 'vicidial']
    """
    rows = [
        (each.name, each.title, ", ".join(each.yields), each.clock, each.evidence, ", ".join(each.options)) for each in READERS.values()
    ]
    return pd.DataFrame(rows, columns=["name", "title", "yields", "clock", "evidence", "options"], dtype="str")


def register_reader(reader: Reader) -> None:
    """Add a reader of one's own, for this process.

    Parameters
    ----------
    reader : Reader
        See `ccstats.readers.contract.Reader`; its name must be new.

    Raises
    ------
    OptionError
        If it is no reader, its name is no identifier, or the name is taken.

    Examples
    --------
    >>> import ccstats as cc
    >>> cc.register_reader(READERS["mapped"])
    Traceback (most recent call last):
    ccstats.errors.OptionError: there is a reader called 'mapped' already; give yours another name
    """
    if not isinstance(reader, Reader):
        raise OptionError(f"expected a ccstats.Reader, found {type(reader).__qualname__}")
    if not reader.name.isidentifier():
        raise OptionError(f"a reader's name is an identifier such as 'our_switch', found {reader.name!r}")
    if reader.name in READERS:
        raise OptionError(f"there is a reader called {reader.name!r} already; give yours another name")
    READERS.added[reader.name] = reader
