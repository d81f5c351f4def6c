"""A table as Markdown."""

from __future__ import annotations

import pandas as pd

from ccstats.report.cells import escape_markdown, present

__all__ = ["markdown_table"]


def markdown_table(table: pd.DataFrame, *, period: str | None = None, lang: str = "en") -> str:
    r"""A table of ours as a Markdown table; text is left, figures are right.

    Examples
    --------
    >>> print(markdown_table(pd.DataFrame({"queue": ["a|b"], "offered": [3]})))
    | queue | offered |
    |:--|--:|
    | a\|b | 3 |
    """
    shown = present(table, period=period, lang=lang)
    aligned = ["--:" if pd.api.types.is_numeric_dtype(dtype) else ":--" for dtype in table.dtypes]
    lines = ["| " + " | ".join(map(escape_markdown, map(str, shown.columns))) + " |", "|" + "|".join(aligned) + "|"]
    lines += ["| " + " | ".join(map(escape_markdown, row)) + " |" for row in shown.itertuples(index=False)]
    return "\n".join(lines)
