"""The samples every reader is examined on, how they are read, and their golden tables."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import avaya_packer
import pandas as pd
from json_units import JSON, units
from xml_units import tag_of, xml_units

from ccstats.errors import DataWarning
from ccstats.readers import READERS, read, read_intervals
from ccstats.readers.json_records import JsonShape, starts_as_json
from ccstats.schema import TABLES

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
#: What a format needs besides its name; a sample's own mapping lies beside it.
OPTIONS: dict[str, dict[str, Any]] = {
    "asterisk_cdr": {"timezone": "Europe/Istanbul"},
    "asterisk_cel": {"timezone": "Europe/Istanbul"},
    "avaya_cms_intervals": {
        "timezone": "Europe/Berlin",
        "dictionary": {"split": {"1/12": "Störung", "1/21": "Rechnung"}, "agent": {"7001": "Ada", "7003": "Zoë"}},
    },
    "cisco_ucce": {"timezone": "Europe/Berlin"},
    "five9": {"timezone": "America/Los_Angeles"},
    "genesys_cloud_user_status": {"users": {"u-zoe": "Zoë Brandt", "u-ayşe": "Ayşe Demir"}},
    "freeswitch_cdr": {"timezone": "Europe/Berlin", "queues": {"8000": "Störung", "8100": "Vertrieb"}},
    "issabel": {"timezone": "America/Bogota"},
    "technion_bank": {"timezone": "Asia/Jerusalem"},
    "wazo_stat": {"timezone": "America/Toronto"},
}
#: Formats that are tables with a header: what follows it needs it, and line ends within quotes are line ends.
HEADED = {
    "avaya_cms_intervals",
    "talkdesk",
    "zendesk_talk",
    "asterisk_cdr",
    "freeswitch_cdr",
    "asterisk_cel",
    "wazo_stat",
    "cisco_uccx",
    "cisco_uccx_agent_states",
    "cisco_ucce",
    "vicidial",
    "threecx_queue_calls",
    "issabel",
    "five9",
    "nice_cxone",
    "twilio_taskrouter",
    "queuemetrics_table",
    "mapped",
}
#: Formats whose unit of account, where they are no JSON, is a block of lines with a blank line after it.
BLOCKS = {"freeswitch_callcenter_events"}
#: A line of a template, of a call that was in no queue.
_PLAIN = (
    b'"Ada","100","1002","default","2024-03-01 09:00:00","","2024-03-01 09:00:30","30","0","NO_ANSWER",'
    b'"0b8e2f4a-0c5d-4b6e-9f10-00000000abcd","","","",""\n'
)
#: The shortest valid log of formats, or samples, that have a header or a first line that says nothing.
BARE = {
    "asterisk_queue_log": b"1709280000|NONE|NONE|NONE|QUEUESTART|\n",
    "freeswitch_cdr-Master.csv": _PLAIN,
    "freeswitch_cdr-asterisk_template.csv": _PLAIN,
    "freeswitch_cdr-excel.csv": _PLAIN,
    "asterisk_cdr": b"calldate,clid,src,dst,channel,dstchannel,lastapp,lastdata,duration,billsec,disposition,uniqueid\n",
    "asterisk_cel": b"eventtype,eventtime,channame,appname,appdata,uniqueid,linkedid\n",
}


@dataclass(frozen=True)
class Case:
    format: str
    path: Path

    def __str__(self) -> str:
        return f"{self.format}-{self.path.name}"

    @property
    def data(self) -> bytes:
        return self.path.read_bytes()

    @property
    def options(self) -> dict[str, Any]:
        mapping = self.path.with_suffix(".toml")
        beside = {"mapping": mapping} if mapping.exists() else {}
        return {"format": self.format, **OPTIONS.get(self.format, {}), **beside}

    @property
    def tables(self) -> tuple[str, str]:
        """What is read from it."""
        return ("intervals", "agent_intervals") if "intervals" in READERS[self.format].yields else ("contacts", "agent_states")

    def read(self, source: Any = None, **options: Any) -> Any:
        source = self.path if source is None else source
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            if self.tables[0] == "intervals":
                return read_intervals(source, **{**self.options, **options})
            return read(source, **{"pseudonyms": False, **self.options, **options})

    @property
    def shape(self) -> JsonShape | None:
        """How its records look, if it is JSON."""
        return shape_of(self.format, self.data)

    @property
    def headed(self) -> bool:
        """Whether it is a table with a header."""
        return self.format in HEADED and self.shape is None and self.tag is None

    @property
    def tag(self) -> str | None:
        """The element that is a record, if it is XML."""
        return tag_of(self.format, self.data)

    @property
    def blocked(self) -> bool:
        """Whether it is blocks of lines."""
        return self.format in BLOCKS and self.shape is None

    @property
    def bare(self) -> bytes:
        """The sample without its rows: what stands above them, or a line that says nothing."""
        if str(self) in BARE or self.format in BARE:
            return BARE.get(str(self)) or BARE[self.format]
        if self.format == "avaya_ech":
            return self.above or b"\n"
        if self.shape:
            return b"[]"
        if self.tag:
            return b"<records></records>"
        if self.blocked:
            return b"\n"
        above = 3 if self.path.name == "german_export.csv" else 1
        return b"".join(self.data.splitlines(keepends=True)[:above])

    @property
    def binary(self) -> bool:
        """Whether it is no text but records of bytes."""
        return self.format == "avaya_ech" and avaya_packer.is_binary(self.data)

    @property
    def above(self) -> bytes:
        """What has to stand above every part of a binary file."""
        return self.data[:8] if self.binary else b""

    @property
    def units(self) -> list[bytes]:
        """The sample in what it is accounted in: lines, or JSON records, which may be put together again in any way."""
        if self.shape:
            return [text.encode() + b"\n" for text, _ in units(self.data, self.shape)]
        if self.tag:
            return [text + b"\n" for text in xml_units(self.data, self.tag)]
        if self.blocked:
            return [block + b"\n\n" for block in blocks_of(self.data)]
        if self.binary:
            return avaya_packer.records_of(self.data)
        return self.data.splitlines(keepends=True)

    @property
    def cut(self) -> tuple[bytes, int]:
        """The sample cut in the middle of its last unit worth mentioning, and that unit's number."""
        if self.shape or self.tag or self.blocked:
            last, number = self.units[-1].rstrip(), len(self.units)
            return self.data[: self.data.rindex(last) + len(last) // 2], number
        lines = self.units
        end = next(at for at in reversed(range(len(lines))) if len(lines[at]) > 20)
        return self.above + b"".join(lines[:end]) + lines[end][: len(lines[end]) // 2], end + 1

    @property
    def begun(self) -> bytes:
        """The sample's beginning, cut anywhere after its first three lines, or within its second JSON record."""
        if self.shape or self.tag or self.blocked:
            second = self.units[1].rstrip()
            return self.data[: self.data.index(second) + len(second) // 2]
        if self.binary:
            return self.above + b"".join(self.units[:3])
        return b"\n".join(self.data.split(b"\n", 3)[:3])

    def golden(self, table: str) -> pd.DataFrame | None:
        path = self.path.with_name(f"{self.path.stem}.{table}.csv")
        return pd.read_csv(path, dtype=str, keep_default_na=False) if path.exists() else None


def is_golden(path: Path) -> bool:
    return path.suffix in (".toml", ".md") or re.search(r"\.(contacts|agent_states|intervals|agent_intervals)\.csv$", path.name) is not None


def cases_of(format: str) -> list[Case]:
    folder = SAMPLES / format
    return [Case(format, path) for path in sorted(folder.iterdir()) if not is_golden(path)] if folder.is_dir() else []


CASES = [case for format in READERS for case in cases_of(format)]


def shape_of(format: str, data: bytes) -> JsonShape | None:
    """How records look, if the text is JSON; a format may have that and a table besides."""
    return None if format in HEADED | BLOCKS and not starts_as_json(data) else JSON.get(format)


def blocks_of(data: bytes) -> list[bytes]:
    """Blocks of lines that are not blank."""
    blocks: list[list[bytes]] = [[]]
    for line in data.split(b"\n"):
        if line.strip(b" \t\r"):
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    return [b"\n".join(block) for block in blocks if block]


def lines_of(format: str, data: bytes) -> int:
    """Lines, counted without the reader: a last one without an end counts. In JSON and binary files they are records."""
    if format == "avaya_ech" and avaya_packer.is_binary(data):
        return len(avaya_packer.records_of(data))
    shape = shape_of(format, data)
    if shape:
        return len(units(data, shape))
    if format in BLOCKS and not starts_as_json(data):
        return len(blocks_of(data))
    tag = tag_of(format, data)
    if tag:
        return len(xml_units(data, tag))
    ends = re.findall(rb"\r\n|\r|\n", data) if format in HEADED else re.findall(rb"\n", data)
    last = (b"\n", b"\r") if format in HEADED else (b"\n",)
    return len(ends) + (bool(data) and not data.endswith(last))


def as_text(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """The frame as golden files are written: ISO instants, plain numbers, empty where missing."""
    out = {}
    for name in frame.columns:
        values, kind = frame[name], TABLES[table][name].kind if name in TABLES[table] else "count"  # of a wait histogram
        if kind == "instant":
            out[name] = values.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        elif kind in ("seconds", "count", "maybe_count"):
            out[name] = values.map(lambda number: f"{float(number):g}" if pd.notna(number) else None)
        else:
            out[name] = values.astype("str")
    return pd.DataFrame(out).astype("str").fillna("")
