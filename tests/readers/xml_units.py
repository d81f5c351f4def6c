"""The records of an XML text, counted without the reader: the whole text at once, one plain loop."""

from __future__ import annotations

import re

#: Formats that may come as XML, and the element that is a record: the unit of account.
XML: dict[str, str] = {"freeswitch_cdr": "cdr"}


def tag_of(format: str, data: bytes) -> str | None:
    """The element that is a record, if the text is XML; a format may have that and other forms besides."""
    return XML.get(format) if data.lstrip(b" \t\r\n").startswith(b"<") else None


def xml_units(data: bytes, tag: str) -> list[bytes]:
    """Every record; a broken piece lasts until a record begins."""
    opening, closing = re.compile(rb"<%b[\s/>]" % tag.encode()), re.compile(rb"</%b\s{0,99}>" % tag.encode())
    found: list[bytes] = []
    at = 0
    while at < len(data):
        if data[at] in b" \t\r\n":
            at += 1
            continue
        stop = data.find(b">", at)
        inner = data[at + 1 : stop] if stop >= 0 else b"<"
        declared = inner[:1] == b"?" and inner[-1:] == b"?" and 2 <= len(inner) <= 302
        remark = inner[:3] == b"!--" and inner[-2:] == b"--" and 5 <= len(inner) <= 305
        wraps = re.fullmatch(rb"/?[A-Za-z][\w.-]{0,60}", inner) and inner.strip(b"/") != tag.encode()
        if data[at : at + 1] == b"<" and b"<" not in inner and (declared or remark or wraps):
            at = stop + 1
            continue
        begins = [each.start() for each in [opening.search(data, at + 1)] if each] or [len(data)]
        ends = [each.end() for each in [closing.search(data, at)] if each and opening.match(data, at) and each.start() < begins[0]]
        upto = (ends or begins)[0]
        found.append(data[at:upto])
        at = upto
    return found
