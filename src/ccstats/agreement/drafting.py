"""A first agreement to edit: with comments that explain it, or with the targets of a preset."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from ccstats.periods import check_timezone

if TYPE_CHECKING:
    from ccstats.agreement.contract import Agreement

__all__ = ["draft_agreement", "draft_from_preset"]


def draft_agreement(*, client: str, timezone: str) -> str:
    """The text of an agreement for a newcomer to edit.

    Parameters
    ----------
    client : str
        Whom it is with.
    timezone : str
        Zone whose days and hours count.

    Returns
    -------
    str
        TOML with comments, which `Agreement.from_toml` reads as it is.

    Raises
    ------
    ZoneError
        If the zone is unknown.

    Examples
    --------
    >>> from ccstats.agreement import Agreement
    >>> [target.name for target in Agreement.from_toml(draft_agreement(client="A", timezone="Europe/Berlin")).targets]
    ['80/20', 'abandonment', 'satisfaction']
    """
    text = files("ccstats.agreement").joinpath("template.toml").read_text(encoding="utf-8")
    return text.format(client=_quoted(client), timezone=_quoted(check_timezone(timezone)))


def draft_from_preset(agreement: Agreement) -> str:
    """The text of an agreement made of a preset, under what it says in words.

    Parameters
    ----------
    agreement : Agreement
        As `Agreement.preset` makes it.

    Returns
    -------
    str
        TOML, which `Agreement.from_toml` reads as an equal agreement.

    Examples
    --------
    >>> from ccstats.agreement import Agreement
    >>> agreement = Agreement.preset("std_80_20")
    >>> Agreement.from_toml(draft_from_preset(agreement)) == agreement
    True
    """
    told = "".join(f"# {line}".rstrip() + "\n" for line in agreement.describe().splitlines())
    return f"{told}\n{agreement.to_toml()}"


def _quoted(text: str) -> str:
    import tomli_w

    return tomli_w.dumps({"text": text}).removeprefix("text = ").rstrip("\n")
