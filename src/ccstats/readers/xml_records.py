"""Records of an XML text, one element each: one document a file, documents one after the other, or a list wrapped in an element.

Every record is cut out and parsed for itself, by a parser that is given no document type: there is nothing that could declare an
entity, refer to another file, or grow. A broken record ends where the next one begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from xml.etree import ElementTree
from xml.parsers import expat

from ccstats.errors import FormatError
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Source
from ccstats.readers.json_records import MAX_RECORD, clean_text

__all__ = ["MAX_DEPTH", "XmlRecord", "XmlRecords", "starts_as_xml"]

#: Elements within each other in a record; a deeper one is rejected. [1]
MAX_DEPTH = 64
#: What may stand between records: blanks, declarations, remarks, and tags without attributes that wrap them.
_BETWEEN = re.compile(rb"(?:[ \t\r\n]+|<\?[^<>]{0,300}\?>|<!--[^<>]{0,300}-->|</?[A-Za-z][\w.-]{0,60}>)")
_SHOWN = 1000


class XmlRecord(NamedTuple):
    """One record: its number in the source from 1, what was looked for in it, and its text where the caller keeps it.

    Examples
    --------
    >>> XmlRecord(1, {("variables", "uuid"): ["7"]}, "").values["variables", "uuid"]
    ['7']
    """

    number: int
    values: dict[tuple[str, ...], list[str]]
    text: str


class _Broken(Exception):
    """No record stands here."""


def starts_as_xml(head: bytes) -> bool:
    """Whether a text begins with a tag.

    Examples
    --------
    >>> starts_as_xml(b'  <?xml version="1.0"?><cdr>'), starts_as_xml(b"id,name")
    (True, False)
    """
    return head.lstrip(b" \t\r\n")[:1] == b"<"


class XmlRecords:
    """The records of one source in order; what is no record is rejected on the way, each piece up to where the next record begins.

    Parameters
    ----------
    source : Source
        An XML text in UTF-8.
    tag : str
        The element that is a record. It does not hold itself.
    wanted : set of tuple of str
        Paths of elements within a record whose text is taken, wherever they stand.
    account : Account
        Where rejected records are booked.

    Examples
    --------
    >>> from ccstats.readers.contract import Options
    >>> account = Account(Options())
    >>> found = XmlRecords(Source("a.xml", b"<all><cdr><id>7</id></cdr><cdr><id>8</cdr></all>"), "cdr", {("id",)}, account)
    >>> [record.values for record in found]
    [{('id',): ['7']}]
    >>> account.tables()[0]["reason"].tolist()
    ['broken XML']
    """

    def __init__(self, source: Source, tag: str, wanted: set[tuple[str, ...]], account: Account) -> None:
        if source.frame is not None:
            raise FormatError(f"{source.name}: XML records are read from files; read a frame with format='mapped' and a mapping")
        self.name, self.data, self.wanted, self.account = source.name, memoryview(source.data), wanted, account
        name = re.escape(tag.encode())
        self.tree = _tree_of(wanted)
        self.begin = re.compile(rb"<" + name + rb"(?=[\s/>])")
        self.edge = re.compile(rb"<" + name + rb"(?=[\s/>])|(?P<end></" + name + rb"\s{0,99}>)")
        self.tag, self.number = tag, 0
        self.wrapping = re.compile(rb"</?" + name + rb">")
        self.bad: dict[str, tuple[list[int], list[str]]] = {}

    def __iter__(self) -> Iterator[XmlRecord]:
        at, size = 0, len(self.data)
        while (at := self._to_content(at)) < size:
            self.number += 1
            begun = self.begin.match(self.data, at)
            edge = self.edge.search(self.data, at + 1) if begun else self.begin.search(self.data, at + 1)
            whole = bool(begun and edge and edge["end"])
            upto = edge.end() if edge and whole else edge.start() if edge else size
            try:
                if not begun:
                    raise _Broken(f"no <{self.tag}> element")
                if upto - at > MAX_RECORD:
                    raise _Broken(f"longer than {MAX_RECORD:,} bytes")
                if not whole:
                    raise _Broken(f"cut: it ends before </{self.tag}>")
                text = clean_text(bytes(self.data[at:upto]).decode("utf-8", "surrogateescape"))
                values = self._of_elements(text)
                values = self._values(text) if values is None else values
            except _Broken as problem:
                shown = bytes(self.data[at : min(upto, at + _SHOWN)]).decode("utf-8", "surrogateescape") if self.account.keeps_text else ""
                self._reject(self.number, str(problem), clean_text(shown))
            else:
                yield XmlRecord(self.number, values, text if self.account.keeps_text else "")
            at = upto
        for reason, (numbers, texts) in self.bad.items():
            self.account.reject(self.name, numbers, reason, texts=texts)

    def _to_content(self, at: int) -> int:
        """Go over what stands between records."""
        while found := _BETWEEN.match(self.data, at):
            if self.wrapping.match(self.data, at):
                break
            at = found.end()
        return at

    def _reject(self, number: int, reason: str, text: str) -> None:
        numbers, texts = self.bad.setdefault(reason, ([], []))
        numbers.append(number)
        if self.account.keeps_text:
            texts.append(text)

    def _of_elements(self, text: str) -> dict[tuple[str, ...], list[str]] | None:
        """What is wanted of a record in which nothing needs a closer look, by way of its elements, which are made without our own code."""
        # A record without a document type has no entities.
        if "xmlns" in text or "<!DOCTYPE" in text:
            return None
        try:
            root = ElementTree.fromstring(text)
        except (ElementTree.ParseError, ValueError):
            return None
        level, depth = [root], 0
        while level := [child for element in level if len(element) for child in element]:
            depth += 1
            if depth >= MAX_DEPTH:
                return None
        found: dict[tuple[str, ...], list[str]] = {}
        _take(root, self.tree, found)
        return found

    def _values(self, text: str) -> dict[tuple[str, ...], list[str]]:
        """The same of any record, or the reason for which it is none."""
        path: list[str] = []
        found: dict[tuple[str, ...], list[str]] = {}
        taken: list[str] | None = None

        def start(tag: str, _: dict[str, str]) -> None:
            nonlocal taken
            path.append(tag)
            if len(path) > MAX_DEPTH:
                raise _Broken("nested too deeply")
            taken = [] if tuple(path[1:]) in self.wanted else None

        def end(_: str) -> None:
            nonlocal taken
            if taken is not None:
                found.setdefault(tuple(path[1:]), []).append("".join(taken))
            taken = None
            path.pop()

        def characters(part: str) -> None:
            if taken is not None:
                taken.append(part)

        def refuse(*_: object) -> None:
            raise _Broken("a document type is declared, as the platform does not")

        parser = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, characters
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
        try:
            parser.Parse(text, True)
        except (expat.ExpatError, ValueError):
            raise _Broken("broken XML") from None
        return found


def _tree_of(wanted: set[tuple[str, ...]]) -> dict[str, Any]:
    """Paths as dictionaries in each other, with the path itself where one ends, under no name."""
    tree: dict[str, Any] = {}
    for path in wanted:
        at = tree
        for name in path:
            at = at.setdefault(name, {})
        at[""] = path
    return tree


def _take(element: ElementTree.Element, tree: dict[str, Any], found: dict[tuple[str, ...], list[str]]) -> None:
    """Texts of the elements within this one that a tree of paths leads to; one that has others within it has no text."""
    for child in element:
        within = tree.get(child.tag)
        if within is None:
            continue
        if len(child):
            _take(child, within, found)
        elif "" in within:
            found.setdefault(within[""], []).append(child.text or "")
