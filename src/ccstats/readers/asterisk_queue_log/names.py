"""Agents' names: what a switch calls one agent in several ways is one agent here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ccstats.errors import OptionError

__all__ = ["AgentNames", "plain_name"]

#: Technologies whose addresses are extension or agent numbers. Others (DAHDI, Zap, Khomp …) number lines and stay as they are.
_TECHNOLOGY = re.compile(r"^(?:SIP|PJSIP|IAX2|SCCP|Skinny|Agent|Local)/(?P<name>[^/@]+)(?P<context>@[^/]*)?(?P<switch>/n|/nj|/j)?$")
_NOBODY = frozenset({"", "NONE"})


def plain_name(agent: str) -> str:
    """The agent without technology, dialplan context and switches; any other text is stripped of blanks and left alone.

    ``SIP/2001`` and ``PJSIP/2001`` are extension 2001 reached by two technologies, and so one agent.

    Examples
    --------
    >>> [plain_name(name) for name in ("PJSIP/2001", "Local/2004@from-queue/n", "Agent/3001", "Anna Smith", "DAHDI/g1/5551234")]
    ['2001', '2004', '3001', 'Anna Smith', 'DAHDI/g1/5551234']
    """
    found = _TECHNOLOGY.match(agent.strip())
    return found["name"] if found else agent.strip()


class AgentNames:
    """Numbers agents, each under its plain name or the name that the caller gave.

    Parameters
    ----------
    given : mapping of str to str, optional
        Names by what the log says, as logged or plain: ``{"SIP/2001": "Anna", "2002": "Bo"}``.

    Raises
    ------
    OptionError
        If it is something else.

    Examples
    --------
    >>> agents = AgentNames({"2001": "Anna"})
    >>> [agents.number(name) for name in ("SIP/2001", "NONE", "PJSIP/2001", "Bo")], agents.names
    ([0, -1, 0, 1], ['Anna', 'Bo'])
    """

    def __init__(self, given: Any = None) -> None:
        given = {} if given is None else given
        if not isinstance(given, Mapping) or not all(isinstance(text, str) and text.strip() for pair in given.items() for text in pair):
            raise OptionError(
                "agents= is not a mapping of text to text; expected names by what the log calls the agents, "
                "for example agents={'SIP/2001': 'Anna', '2002': 'Bo'}"
            )
        self._given = dict(given)
        self._numbers: dict[str, int] = {}
        self.names: list[str] = []
        self.forms: dict[int, set[str]] = {}

    def number(self, logged: str) -> int:
        """The agent's number; -1 for nobody."""
        if logged.strip() in _NOBODY:
            return -1
        plain = plain_name(logged)
        name = self._given.get(logged) or self._given.get(plain) or plain
        number = self._numbers.setdefault(name, len(self._numbers))
        if number == len(self.names):
            self.names.append(name)
        self.forms.setdefault(number, set()).add(logged)
        return number

    @property
    def merged(self) -> int:
        """How many agents the log calls in more ways than one."""
        return sum(len(forms) > 1 for forms in self.forms.values())
