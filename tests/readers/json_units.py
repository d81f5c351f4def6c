"""The records of a JSON text, counted without the reader: the whole text at once, one plain loop."""

from __future__ import annotations

import json
import re

from ccstats.readers.amazon_connect_agent_events import SHAPE as CONNECT_AGENTS
from ccstats.readers.amazon_connect_records import SHAPE as CONNECT
from ccstats.readers.freeswitch_callcenter_events import SHAPE as CALLCENTER
from ccstats.readers.freeswitch_cdr import SHAPE as FREESWITCH
from ccstats.readers.genesys_cloud_conversations import SHAPE as GENESYS
from ccstats.readers.genesys_cloud_user_status import SHAPE as GENESYS_USERS
from ccstats.readers.json_records import JsonShape
from ccstats.readers.nice_cxone import SHAPE as CXONE
from ccstats.readers.twilio_taskrouter import SHAPE as TWILIO

#: Formats whose unit of account is the JSON record.
JSON: dict[str, JsonShape] = {
    "freeswitch_callcenter_events": CALLCENTER,
    "freeswitch_cdr": FREESWITCH,
    "genesys_cloud_conversations": GENESYS,
    "genesys_cloud_user_status": GENESYS_USERS,
    "amazon_connect_records": CONNECT,
    "amazon_connect_agent_events": CONNECT_AGENTS,
    "twilio_taskrouter": TWILIO,
    "nice_cxone": CXONE,
}


def _no(word: str) -> None:
    raise ValueError(word)


def units(data: bytes, shape: JsonShape) -> list[tuple[str, bool]]:
    """Text of every record, and whether it is one: a broken piece lasts until a record begins."""
    text, decode = data.decode("utf-8", "surrogateescape"), json.JSONDecoder(parse_constant=_no).raw_decode
    begin = re.compile(r'\{\s{0,200}"(' + "|".join(shape.keys) + r')"\s{0,200}:')
    found: list[tuple[str, bool]] = []
    at = wrapped = 0

    def after(start: int) -> int | None:
        try:
            return decode(text, start)[1]
        except (ValueError, RecursionError):
            return None

    def blank(start: int) -> int:
        while start < len(text) and text[start] in " \t\n\r":
            start += 1
        return start

    def colon(start: int) -> tuple[object, int] | None:
        """The key that stands here, and where its value begins."""
        end = after(start)
        if end is None or not (key_end := blank(end)) < len(text) or text[key_end] != ":":
            return None
        return json.loads(text[start:end]), blank(key_end + 1)

    def list_within(start: int) -> int | None:
        while pair := colon(blank(start)):
            key, value = pair
            if not isinstance(key, str):
                return None
            if key in shape.within and text.startswith("[", value):
                return value + 1
            end = after(value)
            if end is None or not text.startswith(",", blank(end)):
                return None
            start = blank(end) + 1
        return None

    while at < len(text):
        sign = text[at]
        if sign.isspace() or sign in ",[]\x1e":
            at += 1
        elif sign == "}" and wrapped:
            at, wrapped = at + 1, wrapped - 1
        elif sign == "{" and shape.within and not begin.match(text, at) and (inside := list_within(at + 1)):
            at, wrapped = inside, wrapped + 1
        elif sign == '"' and wrapped and (pair := colon(at)) and text.startswith("[", pair[1]) and begin.match(text, blank(pair[1] + 1)):
            at = pair[1] + 1
        elif sign == '"' and wrapped and (pair := colon(at)) and (end := after(pair[1])):
            at = end
        elif sign == "{" and (end := after(at)):
            found.append((text[at:end], True))
            at = end
        else:
            hit = begin.search(text, at + 1)
            end = hit.start() if hit else len(text)
            found.append((text[at:end], False))
            at = end
    return found
