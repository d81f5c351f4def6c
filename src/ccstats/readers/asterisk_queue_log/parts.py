"""Files of one log as parts, none of which needs more memory than a day of calls and the file it comes from."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ccstats.errors import DataWarning
from ccstats.readers.asterisk_queue_log.inputs import of_file
from ccstats.readers.asterisk_queue_log.stream import Stream
from ccstats.readers.contract import Log, Options, Source

__all__ = ["read_parts"]

_ENOUGH = 400_000  # visits of a part: some 200 MB while its tables are made
_HOLD = re.compile(rb"O(?:N|FF)HOLD")


def read_parts(files: Sequence[Callable[[], Source]], options: Options, *, enough: int | None = None) -> Iterator[Log]:
    r"""Logs that together are what is read of all files at once; a call or a stay of an agent may begin in one file and end in another.

    Each file is opened once to see when it begins. If any logs holds, all are read twice: whether a queue logs holds at all says
    whether a call without one was not held, and a later file may tell.

    Examples
    --------
    >>> old, new = b"1709280000|17.1|q|NONE|ENTERQUEUE||anna|1\n", b"1709280012|17.1|q|NONE|ABANDON|1|1|12\n"
    >>> parts = read_parts([lambda: Source("new", new), lambda: Source("old", old)], Options(key=b"k"))
    >>> [part.contacts["outcome"].tolist() for part in parts]
    [['abandoned']]
    """
    enough = enough or _ENOUGH
    begins, holds = [], False
    for opened in files:
        source = opened()
        if source.frame is not None:  # in memory anyway
            yield Stream(options).read(each() for each in files)
            return
        begins.append(of_file(source).first)
        holds = holds or _HOLD.search(source.data) is not None
        del source
    order = [files[at] for at in sorted(range(len(files)), key=lambda at: (begins[at] < 0, begins[at]))]
    held: set[int] = set()
    if holds:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # said when it is read
            held = Stream(replace(options, progress=None)).holding((opened() for opened in order), enough=enough)
    yield from Stream(options, held).parts((opened() for opened in order), enough=enough)
