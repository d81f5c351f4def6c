"""The log that comes with the package, so that the first line of any tutorial works anywhere."""

from __future__ import annotations

from pathlib import Path

from ccstats.errors import SourceMissingError

__all__ = ["sample_log"]


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
    package = Path(__file__).parents[1]
    # In a wheel the data lies in the package, in a checkout beside it.
    places = [package / "bundled" / "centre", package.parents[1] / "data" / "samples" / "centre"]
    for place in places:
        if (place / "queue_log.gz").is_file():
            return place / "queue_log.gz"
    raise SourceMissingError(f"the bundled log is not in {places[0]}; install ccstats again, or pass a log of your own")
