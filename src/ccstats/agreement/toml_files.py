"""Agreements as TOML: read with every problem named by file, line and key, and written so that reading gives the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ccstats.agreement.positions import line_of, lines_of_keys
from ccstats.agreement.words import Refusal
from ccstats.errors import FormatError, SourceMissingError, did_you_mean

if TYPE_CHECKING:
    from ccstats.agreement.contract import Agreement

__all__ = ["plain", "problems_of", "read_agreement", "write_agreement"]

_MOST = 20
_LINE = re.compile(r" \(at line (\d+), column (\d+)\)")
#: Steps that pydantic puts into a path for the branches of a union.
_BRANCHES = {"str", "float", "int", "OpeningHours", "datetime", "date", "[key]"}


def read_agreement(source: str | Path) -> Agreement:
    r"""Read an agreement from a file or a text.

    Parameters
    ----------
    source : str or pathlib.Path
        A path, or a text of several lines.

    Returns
    -------
    Agreement

    Raises
    ------
    SourceMissingError
        If there is no such file.
    FormatError
        If it is no TOML or no agreement, with file, line and key of each problem.

    Examples
    --------
    >>> read_agreement('client = "A"\nname = "B"\ntimezone = "UTC"\n').client
    'A'
    """
    from ccstats.agreement.contract import Agreement

    text, name = _text_of(source)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        where = f"line {found[1]}, column {found[2]}" if found else "at its end"
        raise FormatError(f"{name}, {where}: this is no TOML: {_LINE.sub('', str(error))}") from None
    try:
        return Agreement.model_validate(data)
    except ValidationError as error:
        raise FormatError("\n".join(problems_of(error, text, name))) from None


def _text_of(source: str | Path) -> tuple[str, str]:
    if isinstance(source, str) and "\n" in source:
        return source, "the text"
    path = Path(source)
    try:
        # BOM and line ends as some editors leave them.
        return path.read_text(encoding="utf-8-sig"), str(path)
    except (FileNotFoundError, IsADirectoryError):
        there = [each.name for each in path.parent.glob("*.toml")] if path.parent.is_dir() else []
        raise SourceMissingError(
            f"there is no file {str(path)!r}; give the path of an agreement.{did_you_mean(path.name, there)}"
        ) from None
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: byte {error.start} is no UTF-8; save the file as UTF-8") from None


def problems_of(error: ValidationError, text: str, name: str) -> list[str]:
    r"""What is wrong, a line each: file, line and key, what was found, and what to do.

    Parameters
    ----------
    error : pydantic.ValidationError
        What the models refused.
    text : str
        The TOML they were given.
    name : str
        What the file is called.

    Returns
    -------
    list of str
        At most 20, and how many more there are.

    Examples
    --------
    >>> from ccstats.agreement import Agreement
    >>> text = 'client = "A"\nname = "B"\ntimezone = "UTC"\ncurency = "EUR"\n'
    >>> try:
    ...     Agreement.model_validate(tomllib.loads(text))
    ... except ValidationError as error:
    ...     print(problems_of(error, text, "a.toml")[0])
    a.toml, line 4, curency: there is no such key. Did you mean currency?
    """
    lines = lines_of_keys(text)
    found: dict[tuple[int, str], str] = {}
    for each in error.errors(include_url=False):
        path = tuple(step for step in each["loc"] if step not in _BRANCHES)
        cause = each.get("ctx", {}).get("error")
        if isinstance(cause, Refusal):
            path = (*path, *cause.path)
        line, known = line_of(path, lines)
        where = _written(known if each["type"] != "missing" else path) or "top"
        # Of the branches of a union the first says enough.
        found.setdefault((line, where), f"{name}, line {line}, {where}: {_said(each, cause, path)}")
    told = [found[key] for key in sorted(found)]
    return told if len(told) <= _MOST else [*told[:_MOST], f"{name}: and {len(told) - _MOST} more"]


def _written(path: tuple[str | int, ...]) -> str:
    """A path as people write it: targets[2].value, the first being 1."""
    text = ""
    for step in path:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _said(each: Any, cause: Any, path: tuple[str | int, ...]) -> str:
    if cause is not None:
        return str(cause)
    if each["type"] == "extra_forbidden":
        return f"there is no such key.{did_you_mean(str(path[-1]), _keys_beside(path))}"
    if each["type"] == "missing":
        return "this key is missing"
    given = each.get("input")
    shown = f"; found {given!r}" if isinstance(given, str | int | float | bool) or given is None else f"; found a {type(given).__name__}"
    return f"{each['msg'][:1].lower()}{each['msg'][1:]}{shown}"


def _keys_beside(path: tuple[str | int, ...]) -> list[str]:
    """The keys that the model at the path's end knows."""
    from ccstats.agreement.contract import Agreement

    schema = Agreement.model_json_schema(by_alias=True)
    node: dict[str, Any] = schema
    for step in path[:-1]:
        inner = node.get("items") if isinstance(step, int) else node.get("properties", {}).get(step, node.get("additionalProperties"))
        node = _resolved(inner if isinstance(inner, dict) else {}, schema)
    return list(node.get("properties", {}))


def _resolved(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    for each in (node, *node.get("anyOf", [])):
        if "$ref" in each:
            found: dict[str, Any] = schema["$defs"][each["$ref"].rsplit("/", 1)[-1]]
            return found
    return node


def plain(agreement: Agreement) -> dict[str, Any]:
    """An agreement as dicts, lists, numbers, texts and dates; what is as usual is left out.

    Parameters
    ----------
    agreement : Agreement
        Any.

    Returns
    -------
    dict

    Examples
    --------
    >>> from ccstats.agreement import Agreement
    >>> plain(Agreement(client="A", name="B", timezone="UTC"))
    {'client': 'A', 'name': 'B', 'timezone': 'UTC'}
    """
    found: dict[str, Any] = _keys_as_text(agreement.model_dump(by_alias=True, exclude_defaults=True, exclude_none=True))
    return found


def _keys_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _keys_as_text(each) for key, each in value.items()}
    return [_keys_as_text(each) for each in value] if isinstance(value, list | tuple) else value


def write_agreement(agreement: Agreement) -> str:
    """An agreement as TOML.

    Parameters
    ----------
    agreement : Agreement
        Any.

    Returns
    -------
    str
        Reading it gives an equal agreement.

    Examples
    --------
    >>> from ccstats.agreement import Agreement
    >>> print(write_agreement(Agreement(client="A", name="B", timezone="UTC")))
    client = "A"
    name = "B"
    timezone = "UTC"
    <BLANKLINE>
    """
    import tomli_w

    return tomli_w.dumps(plain(agreement))
