"""How a day's contacts spread over it, and how long they take at each time of day; weekdays drawn together where they are alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["HOLIDAY", "day_shares", "handle_times", "shrunk_shares"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Class of day after the weekdays 0 (Monday) to 6.
HOLIDAY = 7
#: A day counts half after so long. [days]
_HALF_LIFE = 84.0
_AHT_HALF_LIFE = 28.0
#: So many contacts would have been due at a time at which none ever came: closed.
_CLOSED = 5.0


def day_shares(count: Floats, known: Floats, kind: Ints) -> Floats:
    """Shares of a day's contacts by class of day and slot, each class adding to 1.

    Parameters
    ----------
    count, known : numpy.ndarray
        Days × slots: contacts, and how much of the slot is known (with events' factors). [contacts, slots]
    kind : numpy.ndarray
        Class of each day: weekday from Monday, or `HOLIDAY`.

    Returns
    -------
    numpy.ndarray
        8 × slots.

    Examples
    --------
    >>> count = np.tile([[0.0, 30.0, 10.0]], (14, 1))
    >>> day_shares(count, np.ones((14, 3)), np.arange(14) % 7)[0].round(2).tolist()
    [0.0, 0.75, 0.25]
    """
    age = np.arange(len(count))[::-1]
    weight = 0.5 ** (age / _HALF_LIFE)
    seen = known > 0
    sums, base = np.zeros((8, count.shape[1])), np.zeros((8, count.shape[1]))
    for each in range(8):
        mine = kind == each
        sums[each] = weight[mine] @ np.where(seen[mine], count[mine], 0.0)
        base[each] = weight[mine] @ known[mine]
    return shrunk_shares(sums, base)


def shrunk_shares(sums: Floats, base: Floats) -> Floats:
    """Shares of each row drawn towards those of all rows together, as far as chance could explain that they differ.

    Parameters
    ----------
    sums, base : numpy.ndarray
        Classes × slots: contacts, and how often the slot was seen.

    Notes
    -----
    James and Stein's estimate on counts: the weight of a row's own shares is 1 - (slots - 1) / chi-square of the row against the others',
    at least 0 (Efron & Morris 1973). The common shares are drawn likewise towards a smooth curve. A row never seen has the common shares.

    Examples
    --------
    >>> shrunk_shares(np.array([[5.0, 5.0], [500.0, 500.0]]), np.ones((2, 2)))[0].tolist()
    [0.5, 0.5]
    """
    rate = np.divide(sums, base, out=np.full_like(sums, np.nan), where=base > 0)
    pooled = np.divide(sums.sum(axis=0), base.sum(axis=0), out=np.zeros(sums.shape[1]), where=base.sum(axis=0) > 0)
    if pooled.sum() <= 0:
        return np.full(sums.shape, 1.0 / sums.shape[1])
    common = _smoothed(pooled / pooled.sum(), sums.sum())
    found = np.tile(common, (len(sums), 1))
    for row in range(len(sums)):
        seen, size = base[row] > 0, sums[row].sum()
        if not seen.any() or size <= 0:
            continue
        expected = common * base[row]
        expected *= size / max(expected.sum(), 1e-300)
        use = expected > 0
        own = np.where(seen, np.nan_to_num(rate[row]), pooled)
        own /= own.sum()
        chi2 = float((((sums[row] - expected) ** 2)[use] / expected[use]).sum())
        freedom = use.sum() - 1
        trust = max(0.0, 1.0 - freedom / chi2) if chi2 > 0 else 0.0
        found[row] = trust * own + (1.0 - trust) * common
        found[row][(sums[row] == 0) & seen & (expected > _CLOSED)] = 0.0
        found[row] /= found[row].sum()
    return found


def _smoothed(share: Floats, size: float) -> Floats:
    """Shares drawn towards the mean with their neighbours, as far as chance could explain the difference; closed slots stay closed."""
    open_ = share > 0
    if open_.sum() < 5 or size <= 0:
        return share
    top = np.convolve(np.pad(share, 1, mode="wrap"), [0.25, 0.5, 0.25], mode="valid")
    bottom = np.convolve(np.pad(open_.astype("float64"), 1, mode="wrap"), [0.25, 0.5, 0.25], mode="valid")
    smooth = np.where(open_, top / np.maximum(bottom, 1e-300), 0.0)
    smooth /= smooth.sum()
    # chance alone leaves three eighths of its variance between a share and the mean with its neighbours
    chi2 = size * float((((share - smooth) ** 2)[open_] / smooth[open_]).sum())
    trust = max(0.0, 1.0 - 0.375 * open_.sum() / chi2) if chi2 > 0 else 0.0
    # and nowhere further than chance could have moved it: a real step of the day stays one (Efron & Morris 1972: limited translation)
    moved = share + np.clip((1.0 - trust) * (smooth - share), -np.sqrt(share / size), np.sqrt(share / size))
    return moved / moved.sum()


def handle_times(total: Floats, handled: Floats) -> Floats:
    """Handle time by slot: the level of the last weeks, with what slots differ beyond chance.

    Parameters
    ----------
    total, handled : numpy.ndarray
        Parts (talk, hold, wrap-up) × days × slots: seconds, and contacts whose part is known.

    Returns
    -------
    numpy.ndarray
        By slot; missing where no handle time was ever known. [s]

    Notes
    -----
    A slot's own mean has the weight τ² / (τ² + σ² / contacts), τ² and σ² from the scatter of days within and between slots (DerSimonian
    & Laird 1986). Days count half after four weeks; each part is divided by its own contacts.

    Examples
    --------
    >>> handle_times(np.full((1, 14, 2), 2000.0), np.full((1, 14, 2), 10.0)).round(6).tolist()
    [200.0, 200.0]
    """
    weight = 0.5 ** (np.arange(total.shape[1])[::-1] / _AHT_HALF_LIFE)
    found, logged = np.zeros(total.shape[2]), False
    for seconds, contacts in zip(total, handled, strict=True):
        if not contacts.sum() > 0:
            continue
        logged = True
        found += _levels(seconds, contacts, weight)
    return found if logged else np.full(total.shape[2], np.nan)


def _levels(seconds: Floats, contacts: Floats, weight: Floats) -> Floats:
    recent = float(weight @ seconds.sum(axis=1)) / max(float(weight @ contacts.sum(axis=1)), 1e-300)
    size, sums = contacts.sum(axis=0), seconds.sum(axis=0)
    overall = sums.sum() / size.sum()
    mean = np.divide(sums, size, out=np.full(len(size), overall), where=size > 0)
    cell = np.divide(seconds, contacts, out=np.zeros_like(seconds), where=contacts > 0)
    within = float((contacts * (cell - mean) ** 2).sum()) / max(int((contacts > 0).sum()) - int((size > 0).sum()), 1)
    scatter = float((size * (mean - overall) ** 2).sum())
    between = max(0.0, (scatter - within * max(int((size > 0).sum()) - 1, 0)) / max(size.sum() - (size**2).sum() / size.sum(), 1e-300))
    trust = np.divide(between, between + within / np.maximum(size, 1e-300), out=np.zeros(len(size)), where=(size > 0) & (between > 0))
    factor = (trust * mean + (1.0 - trust) * overall) / overall if overall > 0 else np.ones(len(size))
    return recent * factor
