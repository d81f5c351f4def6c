"""Facts of a JSON record by their names: text, lists, objects and instants; what is none makes the record a bad one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ccstats.readers.json_records import clean_text

__all__ = ["BadRecord", "instant_of", "list_of", "object_of", "text_of"]

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class BadRecord(Exception):
    """The record cannot be used; the text is the reason. Readers catch it and reject the record.

    Examples
    --------
    >>> text_of({"id": 7}, "id")
    Traceback (most recent call last):
    ccstats.readers.json_facts.BadRecord: id is no text
    """


def text_of(facts: dict[str, Any], name: str) -> str | None:
    """Text without blanks around it; None where it is null, blank or not there.

    Examples
    --------
    >>> text_of({"queue": " Büro "}, "queue"), text_of({}, "queue")
    ('Büro', None)
    """
    value = facts.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadRecord(f"{name} is no text")
    value = clean_text(value).strip()
    return value or None


def object_of(facts: dict[str, Any], name: str) -> dict[str, Any]:
    """The object of this name; an empty one where it is null or not there.

    Examples
    --------
    >>> object_of({"status": None}, "status")
    {}
    """
    value = facts.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRecord(f"{name} is no object")
    return value


def list_of(facts: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The list of objects of this name; an empty one where it is null or not there.

    Examples
    --------
    >>> list_of({"contacts": [{"id": "c1"}]}, "contacts")
    [{'id': 'c1'}]
    """
    value = facts.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise BadRecord(f"{name} is no list of objects")
    return value


def instant_of(facts: dict[str, Any], name: str) -> datetime | None:
    """The instant of this name in UTC; None where it is null or not there.

    Examples
    --------
    >>> instant_of({"at": "2024-03-01T10:00:00.5+01:00"}, "at")
    datetime.datetime(2024, 3, 1, 9, 0, 0, 500000, tzinfo=datetime.timezone.utc)
    """
    value = facts.get(name)
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        at = None
    if at is None or at.tzinfo is None:
        raise BadRecord(f"{name} is no instant such as 2024-03-01T09:00:00.000Z")
    if not _FIRST <= at < _LAST:
        raise BadRecord(f"{name} is outside 1970 to 2200")
    return at.astimezone(UTC)
