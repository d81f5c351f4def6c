"""On which line of a TOML text each key stands, so that an error can point to it."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["Path", "line_of", "lines_of_keys"]

#: Keys and positions in arrays, from the top of the document.
Path = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_SCALAR = re.compile(r"[^,\]}#\r\n]*")
_STRINGS = [
    re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
]


class _Scanner:
    """Walks through a text that is known to be TOML; it finds keys and does not check."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.found: dict[Path, int] = {}
        self.counts: dict[Path, int] = {}

    def document(self) -> dict[Path, int]:
        table: Path = ()
        while self.skip(_SPACE) < len(self.text):
            if self.text[self.at] == "[":
                several = self.text.startswith("[[", self.at)
                self.at += 2 if several else 1
                table = self.header(self.key(), several)
                self.at += 2 if several else 1
            else:
                self.pair(table)
        return self.found

    def header(self, keys: Sequence[str], several: bool) -> Path:
        path: Path = ()
        for place, key in enumerate(keys):
            path = (*path, key)
            self.note(path)
            if several and place == len(keys) - 1:
                self.counts[path] = self.counts.get(path, -1) + 1
            if path in self.counts:
                path = (*path, self.counts[path])
                self.note(path)
        return path

    def pair(self, table: Path) -> None:
        path, begin = table, self.at
        for key in self.key():
            path = (*path, key)
            self.note(path, begin)
        self.at += 1  # the sign of equality
        self.value(path)

    def value(self, path: Path) -> None:
        self.skip(_BLANK)
        if self.text[self.at] in "[{":
            closing = "]" if self.text[self.at] == "[" else "}"
            self.at += 1
            place = 0
            while self.text[self.skip(_SPACE)] != closing:
                if closing == "}":
                    self.pair(path)
                else:
                    self.note((*path, place))
                    self.value((*path, place))
                    place += 1
                if self.text[self.skip(_SPACE)] == ",":
                    self.at += 1
            self.at += 1
        else:
            self.string() or self.skip(_SCALAR)

    def key(self) -> list[str]:
        keys = []
        while True:
            self.skip(_BLANK)
            bare = _BARE.match(self.text, self.at)
            if bare:
                self.at = bare.end()
                keys.append(bare.group())
            else:
                keys.append(self.string()[1:-1])
            self.skip(_BLANK)
            if self.text[self.at] != ".":
                return keys
            self.at += 1

    def string(self) -> str:
        for pattern in _STRINGS:
            match = pattern.match(self.text, self.at)
            if match:
                self.at = match.end()
                return match.group()
        return ""

    def skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at

    def note(self, path: Path, at: int | None = None) -> None:
        self.found.setdefault(path, self.text.count("\n", 0, self.at if at is None else at) + 1)


def lines_of_keys(text: str) -> dict[Path, int]:
    r"""The line of every key and every element of an array.

    Parameters
    ----------
    text : str
        TOML that could be parsed.

    Returns
    -------
    dict of tuple to int
        From path to line, the first being 1.

    Examples
    --------
    >>> lines_of_keys("a = 1\n[[t]]\nb = [2,\n3]")[("t", 0, "b", 1)]
    4
    """
    return _Scanner(text).document()


def line_of(path: Sequence[str | int], lines: dict[Path, int]) -> tuple[int, Path]:
    r"""The line of a path, or of the nearest thing around it that is in the text.

    Parameters
    ----------
    path : sequence of str and int
        May hold steps that are not in the text, such as a missing key.
    lines : dict of tuple to int
        As `lines_of_keys` returns them.

    Returns
    -------
    (int, tuple)
        The line, 1 where nothing of the path is there, and the part of the path that is.

    Examples
    --------
    >>> line_of(("t", 0, "missing"), lines_of_keys("[[t]]\nb = 1"))
    (1, ('t', 0))
    """
    known: Path = ()
    for step in path:
        if (*known, step) in lines:
            known = (*known, step)
    return lines.get(known, 1), known
