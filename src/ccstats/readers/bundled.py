"""The log that comes with the package, so that the first line of any tutorial works anywhere."""

from __future__ import annotations

from pathlib import Path

from ccstats.errors import SourceMissingError, did_you_mean

__all__ = ["sample_file", "sample_log"]

_LOG = "queue_log.gz"


def sample_log() -> Path:
    """The path of the bundled log: two months of a three-queue centre of our own making, in Europe/Berlin.

    Returns
    -------
    pathlib.Path
        A gzip-compressed queue_log; the forecast, surveys, complaints and evaluations that match lie beside it.

    Raises
    ------
    SourceMissingError
        If the package was installed without its data.

    Examples
    --------
    >>> sample_log().name
    'queue_log.gz'
    """
    return _folder() / _LOG


def sample_file(name: str) -> Path:
    """The path of a file beside the bundled log: what its customers said, its planners expected, its assessors heard.

    Parameters
    ----------
    name : str
        Such as ``surveys.csv``, ``complaints.csv``, ``evaluations.csv`` or ``forecast.csv``.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    SourceMissingError
        If there is no such file, with the names of those there are, or the package was installed without its data.

    See Also
    --------
    sample_log

    Examples
    --------
    >>> import ccstats as cc
    >>> len(cc.read_complaints(sample_file("complaints.csv"), key="a secret of ours").table)
    124
    """
    folder = _folder()
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    if name not in names:
        raise SourceMissingError(f"no file {name!r} beside the bundled log; there are: {', '.join(names)}.{did_you_mean(name, names)}")
    return folder / name


def _folder() -> Path:
    package = Path(__file__).parents[1]
    # In a wheel the data lies in the package, in a checkout beside it.
    places = [package / "bundled" / "centre", package.parents[1] / "data" / "samples" / "centre"]
    for place in places:
        if (place / _LOG).is_file():
            return place
    raise SourceMissingError(f"the bundled log is not in {places[0]}; install ccstats again, or pass a log of your own")
