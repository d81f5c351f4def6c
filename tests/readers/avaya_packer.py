"""Call history made up and packed field by field, and what it means said as a plain loop: nothing here is taken from the reader.

``python tests/readers/avaya_packer.py`` writes the samples in ``data/samples/avaya_ech``.
"""

from __future__ import annotations

import csv
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parents[2] / "data" / "samples" / "avaya_ech"
#: Length of a record by the version in the header, as published. [bytes]
SIZES = {11: 322, 12: 493, 16: 615, 163: 617, 170: 629}
FLAGS = ("assist", "audio", "conference", "da_queued", "holdabn", "malicious", "observing", "transferred")
START = 1_709_280_000  # 2024-03-01 08:00:00 UTC, a Friday
NAMES = [
    "contact_id", "visit", "channel", "direction", "queue", "queued_at", "outcome", "raw_outcome", "wait_s", "ring_s", "talk_s", "hold_s",
    "wrap_s", "agent", "arrived_at", "ended_by", "customer", "dnis",
]  # fmt: skip


def call(number: int, **facts: Any) -> dict[str, Any]:
    """A segment; ``at`` seconds after START."""
    made = {
        "callid": 9000 + number, "acw": 0, "hold": 0, "disp": 0, "talk": 0, "at": 60 * number, "queue": 0, "ring": 0, "dispsplit": -1,
        "split1": -1, "released": 0, "acd": 1, "calldisp": 3, "segment": 1, "vdn": "", "agent": "", "dialled": "", "caller": "",
        "flags": (), **facts,
    }  # fmt: skip
    made.setdefault("duration", made["disp"] + made["talk"] + made["hold"])
    made.setdefault("ucid", f"00001{number:05}{START + made['at']}")
    return made


def made_up() -> list[dict[str, Any]]:
    """A morning with every outcome and every trap."""
    split, vdn = {"dispsplit": 201, "split1": 201}, {"vdn": "7001", "dialled": "7001"}
    first = call(
        1, **split, **vdn, disp=35, queue=20, ring=5, talk=180, hold=12, acw=30, agent="Žofka", calldisp=2, caller="5550100001", released=1
    )
    return [
        first,
        call(2, split1=201, **vdn, disp=48, queue=40, caller="5550100002"),
        call(3, **vdn, disp=6, caller="5550100003"),
        call(4, split1=202, vdn="7002", dialled="7002", disp=95, queue=90, calldisp=4, caller="5550100004"),
        call(5, vdn="7002", dialled="7002", calldisp=4),
        call(6, dispsplit=202, split1=202, calldisp=5, caller="5550100006"),
        call(7, split1=202, vdn="7002", dialled="7002", disp=70, queue=60, calldisp=5),
        call(8, vdn="7009", dialled="7009", disp=15, calldisp=6, caller="5550100008"),
        call(9, split1=201, **vdn, disp=310, queue=300, calldisp=6),
        call(10, calldisp=1, talk=40, agent="4001", caller="4002"),
        call(11, calldisp=7, caller="001A01001"),
        call(12, **split, **vdn, calldisp=7, disp=20, queue=15),
        # The first caller, handed on: the same UCID under another callid.
        call(13, at=290, ucid=first["ucid"], dispsplit=203, split1=203, disp=9, ring=3, talk=61, calldisp=2, agent="Jürgen", acw=8),
        call(14, split1=201, **vdn, disp=33, queue=30, ucid="0" * 20),
        call(15, **split, **vdn, disp=12, ring=2, talk=90, calldisp=2, agent="5002", acd=2, caller="5550100015"),
        call(16, disp=4, ring=4, talk=30, calldisp=2, agent="4001", flags=("da_queued",), caller="4002"),
        first,
        call(18, **split, **vdn, disp=5, calldisp=9),
        # With a transfer the trunk stays with the segment, so the duration is longer than its parts.
        call(
            19, **split, **vdn, disp=21, queue=10, ring=4, talk=55, acw=5, calldisp=2, agent="Žofka", flags=("transferred",), duration=400
        ),
        call(20, split1=201, vdn="", disp=0, queue=0, ucid=""),
    ]


def pack(calls: list[dict[str, Any]], version: int = 12, *, ahead_s: int = 0, header: int | None = None) -> bytes:
    """A binary file; ``ahead_s`` is how far the switch's stored clock is ahead of UTC."""
    out = struct.pack("<ii", version if header is None else header, 4711)
    for each in calls:
        start = START + each["at"]
        stop = start + each["duration"] + each["acw"]
        wide = version >= 16
        part = b""
        for number in (each["callid"], each["acw"], each["hold"], 0, each["disp"], each["duration"]):
            part += struct.pack("<i", number)
        for moment in (start, stop):
            part += struct.pack("<i", moment + ahead_s)
            if wide:
                part += struct.pack("<i", moment)
        for number in (each["talk"], 0, 0):
            part += struct.pack("<i", number)
        if version > 11:
            part += struct.pack("<i", each["queue"]) + struct.pack("<i", each["ring"])
        if version >= 170:
            part += struct.pack("<3i", 0, 0, 0)
        for number in (11, each["dispsplit"], 11, each["split1"], -1, -1, 41, 1, 0, 2, 0):
            part += struct.pack("<h", number)
        if version > 11:
            part += struct.pack("<h", 0)
        part += struct.pack("<B", sum(1 << FLAGS.index(flag) for flag in each["flags"]))
        for number in (each["released"], each["acd"], each["calldisp"], 2, 1 if each["hold"] else 0, each["segment"], 0, 0, 1, *[0] * 9):
            part += struct.pack("<B", number)
        vdn, login, party = (16, 16, 25) if wide else (8, 10, 13)
        texts = [(each["ucid"], 21), (each["vdn"], vdn), ("041A0101", 10), (each["vdn"], vdn), ("", login), (each["agent"], login)]
        texts += [("", login), (each["dialled"], 25), (each["caller"], party), ("", 17), ("", 17), ("", 3), *[("", 17)] * 5]
        if version > 11:
            texts += [*[("", vdn)] * 8, ("", 97)]
        for text, length in texts:
            part += struct.pack(f"{length}s", text.encode())
        if wide:
            part += struct.pack("<4B", 0, 0, 0, 0)
        if version >= 163:
            part += struct.pack("<2B", 0, 0)
        assert len(part) == SIZES[version]
        out += part
    return out


def written(calls: list[dict[str, Any]], *, comma: bool = True) -> bytes:
    """The text form of version 12."""
    lines = []
    for each in calls:
        start = START + each["at"]
        stamps = [f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}" for at in (start, start + each["duration"] + each["acw"])]
        fields = [each["callid"], each["acw"], each["hold"], 0, each["disp"], each["duration"], *stamps, each["talk"], 0, 0]
        fields += [each["queue"], each["ring"], 11, each["dispsplit"], 11, each["split1"], -1, -1, 41, 1, 0, 2, 0, 0]
        fields += [int(flag in each["flags"]) for flag in FLAGS]
        fields += [each["released"], each["acd"], each["calldisp"], 2, 1 if each["hold"] else 0, each["segment"], 0, 0, 1, *[0] * 9]
        fields += [each["ucid"], each["vdn"], "041A0101", each["vdn"], "", each["agent"], "", each["dialled"], each["caller"], *[""] * 17]
        assert len(fields) == 77
        lines.append(",".join(map(str, fields)) + ("," if comma else ""))
    return "".join(line + "\n" for line in lines).encode()


def meaning(calls: list[dict[str, Any]], version: int = 12, *, moved_s: int = 0) -> list[dict[str, str]]:
    """Rows of ``contacts`` as golden files are written; ``moved_s`` moves every start."""
    found: list[dict[str, Any]] = []
    seen = set()
    for each in calls:
        start = START + each["at"] + moved_s
        at = f"{datetime.fromtimestamp(start, UTC):%Y-%m-%dT%H:%M:%SZ}"
        prefix = "" if each["acd"] <= 1 else f"{each['acd']}/"
        ucid = each["ucid"] if each["ucid"].strip("0") else f"{prefix}{each['callid']}|{at[:10]}"
        key = (ucid, each["acd"], each["callid"], each["segment"], start)
        split = each["dispsplit"] if each["dispsplit"] > 0 else max(each["split1"], 0)
        code, queued = each["calldisp"], each["queue"] if version > 11 else 0
        if code == 1 or (code == 7 and split == 0) or key in seen:
            continue
        seen.add(key)
        if code == 2:
            outcome = "answered"
        elif code == 3:
            outcome = "abandoned"
        elif code == 4:
            outcome = "overflowed"
        elif code == 5:
            outcome = "timed_out" if queued else "blocked_full"
        elif code == 6:
            outcome = "timed_out" if queued or split else "blocked_closed"
        else:
            outcome = "unknown"
        if split:
            queue = str(split)
        elif each["vdn"]:
            queue = "vdn " + each["vdn"]
        else:
            queue = "direct agent" if "da_queued" in each["flags"] else "none"
        refused, answered = outcome.startswith("blocked"), outcome == "answered"
        ended_by = "customer" if code == 3 else "agent" if answered and each["released"] else ""
        values = [
            ucid, "", "voice", "inbound", prefix + queue, "" if refused else at, outcome, code, "" if refused else each["disp"],
            each["ring"] if answered and version > 11 else "", *((each["talk"], each["hold"], each["acw"]) if answered else ("", "", "")),
            prefix + each["agent"] if answered and each["agent"] else "", at, ended_by, each["caller"], each["dialled"],
        ]  # fmt: skip
        found.append({"sort": key[:1] + (start, *key[1:]), **{name: str(value) for name, value in zip(NAMES, values, strict=True)}})
    found.sort(key=lambda row: row["sort"])
    visits: dict[str, int] = {}
    for row in found:
        visits[row["contact_id"]] = visits.get(row["contact_id"], 0) + 1
        row["visit"] = str(visits[row["contact_id"]])
        del row["sort"]
    return found


def is_binary(data: bytes) -> bool:
    return b"\0" in data[:64]


def version_of(data: bytes) -> int:
    """The layout of a binary file: that of most sensible records; else one that fills the file; else the longer."""
    best = (0, False, 0)
    for version, size in SIZES.items():
        right = 0
        for at in range(8, min(len(data) - size, 8 + size * 199) + 1, size):
            right += _sensible(data[at : at + size], version)
        best = max(best, (right, (len(data) - 8) % size == 0, version))
    named = struct.unpack("<I", data[:4])[0] if len(data) >= 4 else 0
    if best[0]:
        return best[2]
    return named if named in SIZES else 170


def _sensible(record: bytes, version: int) -> bool:
    start, second, third = struct.unpack("<3i", record[24:36])
    stop = third if version >= 16 else second
    head = {11: 66, 12: 76, 16: 84, 163: 84, 170: 96}[version]  # where the flags stand
    ucid = record[head + 19 : head + 40]
    digits = sum(48 <= byte <= 57 for byte in ucid)
    return 0 < start <= stop and 1 <= record[head + 3] <= 7 and digits in (0, 20) and digits + ucid.count(0) == 21


def records_of(data: bytes) -> list[bytes]:
    """The records of a binary file, a cut one last."""
    size = SIZES[version_of(data)]
    return [data[at : at + size] for at in range(8, len(data), size)]


def samples() -> dict[str, tuple[bytes, list[dict[str, str]]]]:
    """Files and what they mean, by name."""
    calls = made_up()
    return {
        "standard_11.bin": (pack(calls, 11), meaning(calls, 11)),
        "extended_12.bin": (pack(calls, 12), meaning(calls)),
        # Local time of a zone three hours ahead, and UTC beside it.
        "release_16.bin": (pack(calls, 16, ahead_s=10_800), meaning(calls)),
        "text_12.csv": (written(calls), meaning(calls)),
    }


if __name__ == "__main__":
    SAMPLES.mkdir(exist_ok=True)
    for name, (data, rows) in samples().items():
        (SAMPLES / name).write_bytes(data)
        with (SAMPLES / name).with_suffix(".contacts.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, NAMES, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
