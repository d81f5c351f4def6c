"""The compiled loops of `ccstats.profile`: one robust fit per day to be judged, then the day followed row by row.

It is one file because a compiled loop calls the next, and numba knows that what it kept is out of date by the file alone. Rows are sorted
by group, local day and instant. A *job* fits the days ``first … stop`` of one group, one of them left out where asked, and answers for the
rows of one target day. A level is overall × slot × weekday × cell (sums in place of products for shares and signed numbers); each step is
shrunk towards the one before by the variance between its units, which is estimated from the data (DerSimonian and Laird's estimator).
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

__all__ = ["FAMILIES", "KINDS", "fit_jobs", "follow_days", "measure_spread", "partition"]

#: Untyped, because a type checker cannot follow the arguments that the loops share.
njit: Any = numba.njit
compiled = njit(cache=True, nogil=True, error_model="numpy")
#: Loops that only other loops call need no door to Python, and are kept with those.
inner = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)

#: What a value is: its variance about a level mu is ``scale² × (dispersion / m + between)``.
FAMILIES = ("count", "share", "mean", "number")
COUNT, SHARE, MEAN, NUMBER = range(4)
#: How a level is made up; ``auto`` is -1 and decided job by job.
KINDS = ("overall", "slot", "weekday", "weekday_slot", "same_weekday")
OVERALL, SLOT, WEEKDAY, WEEKDAY_SLOT, SAME_WEEKDAY = range(5)

#: Residuals are drawn in to this many standard deviations where a level is estimated, and where a spread is (with the variance that
#: normal ones then have).
_DRAWN_IN, _SPREAD_IN, _SPREAD_VARIANCE = 2.5, 3.0, 0.99500
#: Beyond this many a row is ignored; a cell as far from the two-way fit stands for itself.
_IGNORED, _ODD = 6.0, 5.0
#: Days that make a weekday pattern, and that a new level must have lasted before it is the norm.
_WEEKS, _SETTLED = 20, 10
#: Rows a day, and days, below which no day factor and no level shift can be told.
_ROWS_A_DAY, _DAYS_TO_SHIFT = 4, 14
_PENALTY = 8.0
_ROUNDS = 4
#: Contacts due, in dispersions, whose absence is no chance (e^-7 < 0.001).
_CERTAIN = 7.0


@inner
def _variance(mu, n, family, floor, dispersion, between):
    """Variance of a value about its level, the day's own factor apart."""
    if family == COUNT:
        m = max(mu, floor)
        return m * (dispersion + m * between)
    if family == SHARE:
        p = min(max(mu, floor), 1.0 - floor)
        return p * (1.0 - p) * (dispersion / n + between)
    if family == MEAN:
        m = max(mu, floor)
        return m * m * (dispersion / n + between)
    return between


@inner
def _median(values, size):
    """Median of the first ``size`` values, which are sorted in place (Shell's sort: little to compile)."""
    gap = 1
    while gap < size // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, size):
            each, j = values[i], i
            while j >= gap and values[j - gap] > each:
                values[j] = values[j - gap]
                j -= gap
            values[j] = each
        gap //= 3
    half = size // 2
    return values[half] if size % 2 else 0.5 * (values[half - 1] + values[half])


@inner
def _mean(values, weight, factor):
    """Mean with weights ``weight × factor``."""
    top, bottom = 0.0, 0.0
    for i in range(len(values)):
        top += weight[i] * factor[i] * values[i]
        bottom += weight[i] * factor[i]
    return top / bottom


@compiled
def partition(x, penalty, minimum):
    """Number of the segment each value lies in: least squares about segment means plus a penalty a segment (optimal partitioning)."""
    n = len(x)
    sums, squares = np.zeros(n + 1), np.zeros(n + 1)
    for i in range(n):
        sums[i + 1] = sums[i] + x[i]
        squares[i + 1] = squares[i] + x[i] * x[i]
    best, back = np.full(n + 1, np.inf), np.zeros(n + 1, np.int64)
    best[0] = -penalty
    for end in range(minimum, n + 1):
        for begin in range(end - minimum + 1):
            if begin > 0 and begin < minimum:
                continue
            length = end - begin
            total = sums[end] - sums[begin]
            cost = best[begin] + squares[end] - squares[begin] - total * total / length + penalty
            if cost < best[end]:
                best[end], back[end] = cost, begin
    segment = np.zeros(n, np.int64)
    end, number = n, 0
    while end > 0:
        for i in range(back[end], end):
            segment[i] = number
        end, number = back[end], number + 1
    for i in range(n):
        segment[i] = number - 1 - segment[i]
    return segment


@inner
def _shrunken(unit, size, x, y, variance, weight, prior, extra, lost, shrink, effect, keep, error, odd):
    """Effects of units in ``y = effect × x``: weighted least squares, drawn towards ``prior``. Returns the variance among units.

    Fills ``effect``, how much of the unit's own was kept, its variance, and whether the unit is too far from ``prior`` to be drawn.
    """
    bottom, top, twice = np.zeros(size), np.zeros(size), np.zeros(size)
    for i in range(len(unit)):
        if weight[i] > 0.0:
            p = weight[i] * x[i] / variance[i]
            bottom[unit[i]] += p * x[i]
            top[unit[i]] += p * y[i]
            twice[unit[i]] += weight[i] * p * x[i]
    total, squares, quadratic, units, apart = 0.0, 0.0, 0.0, 0, 0
    for g in range(size):
        odd[g], effect[g], keep[g], error[g] = False, prior, 0.0, 0.0
        if bottom[g] > 0.0:
            effect[g] = top[g] / bottom[g]
            error[g] = twice[g] / bottom[g] ** 2 + extra[g]
            z2 = (effect[g] - prior) ** 2 / error[g]
            odd[g] = z2 > _ODD**2
            if odd[g]:
                apart += 1
            else:
                total += 1.0 / error[g]
                squares += 1.0 / error[g] ** 2
                quadratic += z2
                units += 1
    if size == 7 and apart > units // 4:  # weekdays that differ as weekends do, not a single odd one: chance does not make the others alike
        total, squares, quadratic, units = 0.0, 0.0, 0.0, 0
        for g in range(size):
            if bottom[g] > 0.0:
                total += 1.0 / error[g]
                squares += 1.0 / error[g] ** 2
                quadratic += (effect[g] - prior) ** 2 / error[g]
                units += 1
    among = 0.0
    if units > max(lost, 1):
        among = max(0.0, (quadratic - (units - lost)) / (total - squares / total))
    for g in range(size):
        if bottom[g] > 0.0:
            keep[g] = 1.0 if odd[g] or not shrink else among / (among + error[g])
            effect[g] = prior + keep[g] * (effect[g] - prior)
    return among


@inner
def _line(y, over, weight):
    """Weighted least squares of ``y`` on (over, 1), both coefficients at least 0, the second only where it is clear (two errors).

    ``weight`` is one over the squared expectation of ``y``, a squared normal residual, whose variance is twice that.
    """
    s, sx, sxx, sy, sxy = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(len(y)):
        w = weight[i]
        s += w
        sx += w * over[i]
        sxx += w * over[i] * over[i]
        sy += w * y[i]
        sxy += w * over[i] * y[i]
    if sxx <= 0.0:
        return 0.0, 0.0
    spread = s * sxx - sx * sx
    if spread > 1e-9 * s * sxx:
        slope = (s * sxy - sx * sy) / spread
        rest = (sy - slope * sx) / s
        if rest > 2.0 * np.sqrt(2.0 * sxx / spread):
            return (slope, rest) if slope > 0.0 else (0.0, sy / s)
    return sxy / sxx, 0.0


@compiled
def measure_spread(v, n, base, floor, day, absorbed, leverage, weight, family, by_day, dispersion, between, among):
    """Dispersion, variance between intervals and variance between days of values about their levels, one robust step from given ones.

    ``absorbed`` is the share of each day's own ratio that went into the levels, ``leverage`` the variance of each row's level. Returns the
    three, and each day's ratio to its level.
    """
    size, days, products = len(v), len(absorbed), family in (COUNT, MEAN)
    top, bottom, ratio = np.zeros(days), np.zeros(days), np.ones(days)
    variance = np.empty(size)
    for i in range(size):
        variance[i] = _variance(base[i], n[i], family, floor[i], dispersion, between)
    if by_day:
        for i in range(size):
            if weight[i] > 0.0 and base[i] > 0.0:
                limit = _DRAWN_IN * np.sqrt(variance[i] + base[i] * base[i] * among)
                drawn = min(max(v[i] - base[i], -limit), limit)
                top[day[i]] += base[i] * (base[i] + drawn) / variance[i]
                bottom[day[i]] += base[i] * base[i] / variance[i]
        s, y = 0.0, 0.0
        for d in range(days):
            if bottom[d] > 0.0:
                ratio[d] = top[d] / bottom[d]
                within = 1.0 / bottom[d]
                w = 1.0 / (among + within) ** 2
                drawn = min((ratio[d] - 1.0) ** 2, _SPREAD_IN**2 * (among + within)) / _SPREAD_VARIANCE
                s += w
                y += w * (drawn / (1.0 - min(absorbed[d], 0.7)) - within)
        among = max(0.0, y / s) if s > 0.0 else 0.0
    square, over, share = np.zeros(size), np.zeros(size), np.zeros(size)
    for i in range(size):
        if weight[i] <= 0.0 or (base[i] <= 0.0 and products):
            continue
        level = base[i] * ratio[day[i]]
        if family == SHARE:
            level = min(level, 1.0)
        lost = leverage[i] / variance[i]
        if by_day and bottom[day[i]] > 0.0:
            lost += base[i] * base[i] / variance[i] / bottom[day[i]]
        unit = _variance(base[i], n[i], family, floor[i], 0.0, 1.0)
        if family == COUNT:
            over[i] = 1.0 / max(base[i], floor[i])
        elif family != NUMBER:
            over[i] = 1.0 / n[i]
        now = dispersion * over[i] + between
        square[i] = min((v[i] - level) ** 2 / unit, _SPREAD_IN**2 * now) / _SPREAD_VARIANCE / (1.0 - min(lost, 0.7))
        share[i] = weight[i] / (now * now)
    if family == NUMBER:
        dispersion, between = 0.0, _mean(square, share, np.ones(size))
    else:
        dispersion, between = _line(square, over, share)
        if family == SHARE:  # no share of contacts varies less than the binomial
            dispersion = max(dispersion, 1.0 - between)
    return dispersion, between, among, ratio


@inner
def _first_levels(v, n, s, w, d, u, days, slots, by_weekday, by_slot, drawn):
    """Where a fit starts: means by slot times the median day of each weekday, days far from the others left out. Also each day's ratio."""
    mean, mass = np.zeros(slots), np.zeros(slots)
    weekday_of, ratio = np.zeros(days, np.int64), np.ones(days)
    effect = np.ones(7)
    good = np.ones(days, np.bool_)
    for turn in range(2):
        mean.fill(0.0)
        mass.fill(0.0)
        for i in range(len(v)):
            if good[d[i]] and effect[w[i]] > 0.0:
                g = s[i] if by_slot else 0
                mean[g] += u[i] * n[i] * v[i]
                mass[g] += u[i] * n[i] * effect[w[i]]
        for g in range(slots):
            mean[g] = mean[g] / mass[g] if mass[g] > 0.0 else 0.0
        top, bottom = np.zeros(days), np.zeros(days)
        for i in range(len(v)):
            weekday_of[d[i]] = w[i]
            top[d[i]] += n[i] * v[i]
            bottom[d[i]] += n[i] * mean[s[i] if by_slot else 0]
        for day in range(days):
            ratio[day] = top[day] / bottom[day] if bottom[day] > 0.0 else 1.0
        if by_weekday:
            for each in range(7):
                size = 0
                mine = np.empty(days)
                for day in range(days):
                    if weekday_of[day] == each:
                        mine[size] = ratio[day]
                        size += 1
                effect[each] = _median(mine, size) if size else 1.0
        else:
            effect.fill(_median(ratio.copy(), days))
        away = np.zeros(days)
        for day in range(days):
            away[day] = abs(ratio[day] - effect[weekday_of[day]])
        typical = _median(away, days) / 0.6745
        if drawn and turn == 0 and typical > 0.0:
            for day in range(days):
                good[day] = away[day] <= _IGNORED * typical
    for day in range(days):
        if effect[weekday_of[day]] > 0.0:
            ratio[day] /= effect[weekday_of[day]]
        else:
            ratio[day] = 1.0
    return mean, effect, ratio


@inner
def _rescaled(ratio, dates):
    """What to divide each day by so that all stand at the level of today; and the day that level began with (-1: no shift)."""
    days = len(ratio)
    smooth, steps = ratio.copy(), np.empty(days - 1)
    trio = np.empty(3)
    for i in range(days):
        low = min(max(i - 1, 0), days - 3)
        for j in range(3):
            trio[j] = ratio[low + j]
        smooth[i] = _median(trio, 3)
        if i > 0:
            steps[i - 1] = abs(ratio[i] - ratio[i - 1])
    spread = _median(steps, days - 1) / (0.6745 * np.sqrt(2.0))
    out = np.ones(days)
    if spread <= 0.0:
        return out, -1
    segment = partition(smooth, _PENALTY * np.log(days) * spread * spread, 2)
    parts = segment[-1] + 1
    if parts == 1:
        return out, -1
    level, size, begin = np.zeros(parts), np.zeros(parts, np.int64), np.full(parts, -1, np.int64)
    values = np.empty(days)
    for part in range(parts):
        for i in range(days):
            if segment[i] == part:
                values[size[part]] = ratio[i]
                size[part] += 1
                if begin[part] < 0:
                    begin[part] = i
        level[part] = _median(values, size[part])
    settled = dates[-1] - dates[begin[-1]] + 1 >= _SETTLED
    norm = parts - 1 if settled else np.argmax(size)
    if level[norm] <= 0.0:
        return out, -1
    for i in range(days):
        if level[segment[i]] > 0.0:
            out[i] = level[segment[i]] / level[norm]
    return out, begin[-1] if settled else -1


@inner
def _at_level(v, w, s, d, u, n, dates, slots, family, by_weekday, by_slot, robust, rebase):
    """Values rescaled to the level of today, first levels by weekday and slot, and the day that level began with (-1: no shift)."""
    days, shift, fits = len(dates), -1, 1
    scale, raw, v = np.ones(days), v, v.copy()
    while True:
        mean, effect, ratio = _first_levels(v, n, s, w, d, u, days, slots, by_weekday, by_slot, robust)
        if not rebase or days < _DAYS_TO_SHIFT or fits == 3:  # a shift blurs the weekdays at first, so it is looked for twice
            break
        for day in range(days):
            ratio[day] *= scale[day]
        scale, shift = _rescaled(ratio, dates)
        if fits == 1 and scale.min() == 1.0 and scale.max() == 1.0:
            break
        for i in range(len(v)):
            v[i] = raw[i] / scale[d[i]]
            if family == SHARE:
                v[i] = min(v[i], 1.0)
        fits += 1
    level = np.empty((7, slots))
    for each in range(7):
        for g in range(slots):
            level[each, g] = mean[g if by_slot else 0] * effect[each]
            if family == SHARE:
                level[each, g] = min(level[each, g], 1.0)
    return v, level, shift


@inner
def _middles(v, cell, cells, seen):
    """The median of each cell with at least three observations: a row is an outlier only if it is far from this too."""
    begin, middle = np.zeros(cells + 1, np.int64), np.full(cells, np.nan)
    for c in range(cells):
        begin[c + 1] = begin[c] + seen[c]
    box, filled = np.empty(len(v)), begin.copy()
    for i in range(len(v)):
        box[filled[cell[i]]] = v[i]
        filled[cell[i]] += 1
    for c in range(cells):
        if seen[c] >= 3:
            middle[c] = _median(box[begin[c] :], seen[c])
    return middle


@inner
def _closed(v, cell, seen, slots, dispersion):
    """Cells in a run of slots without a single contact where many were due by the other weekdays and slots."""
    total, mean, mass = np.zeros(7 * slots), np.zeros(slots), np.zeros(slots)
    for i in range(len(v)):
        total[cell[i]] += v[i]
    closed = np.zeros(7 * slots, np.bool_)
    for c in range(7 * slots):
        closed[c] = seen[c] >= 2 and total[c] == 0.0
        if not closed[c]:
            mean[c % slots] += total[c]
            mass[c % slots] += seen[c]
    for g in range(slots):
        mean[g] = mean[g] / mass[g] if mass[g] > 0.0 else 0.0
    for each in range(7):
        top, bottom = 0.0, 0.0
        for g in range(slots):
            c = each * slots + g
            if not closed[c]:
                top += total[c]
                bottom += seen[c] * mean[g]
        effect = top / bottom if bottom > 0.0 else 1.0
        begin, due = 0, 0.0
        for g in range(slots + 1):  # the end of the day ends a run
            c = each * slots + g
            if g < slots and closed[c]:
                due += seen[c] * mean[g] * effect
                continue
            if due <= _CERTAIN * dispersion:
                for j in range(begin, g):
                    closed[each * slots + j] = False
            begin, due = g + 1, 0.0
    return closed


@inner
def _fit(v, n, s, w, d, u, dates, slots, family, kind, by_day, rebase):
    """One robust fit.

    Returns by weekday and slot the level, its variance and the number of observations; the variance a whole day shares, by weekday; a floor
    of the level by slot; dispersion, variance between intervals and between days; and the day a new level began with (-1: none).
    """
    size, days, cells = len(v), len(dates), 7 * slots
    by_slot = kind in (SLOT, WEEKDAY_SLOT, SAME_WEEKDAY)
    by_weekday = kind in (WEEKDAY, WEEKDAY_SLOT)
    by_cell = kind == WEEKDAY_SLOT
    robust = kind != SAME_WEEKDAY
    products = family in (COUNT, MEAN)
    neutral, single = 1.0 if products else 0.0, np.int64(1)  # no literal: `_shrunken` is compiled once for all three
    rebase = rebase and robust and family != NUMBER
    v, first, shift = _at_level(v, w, s, d, u, n, dates, slots, family, by_weekday, by_slot, robust, rebase)

    cell = np.empty(size, np.int64)
    seen, here, contacts = np.zeros(cells, np.int64), np.zeros(slots), np.zeros(slots)
    day_share, day_weekday = np.zeros(days), np.zeros(days, np.int64)
    for i in range(size):
        cell[i] = w[i] * slots + s[i]
        seen[cell[i]] += 1
        here[s[i]] += 1.0
        contacts[s[i]] += n[i]
        day_share[d[i]], day_weekday[d[i]] = u[i], w[i]
    weeks, days_seen = np.zeros(7), np.zeros(7)
    for day in range(days):
        days_seen[day_weekday[day]] += day_share[day]
        weeks[day_weekday[day]] += day_share[day] ** 2
    total, absorbed = day_share.sum(), np.zeros(days)
    same = weeks.sum() / total**2
    for each in range(7):
        weeks[each] = weeks[each] / days_seen[each] ** 2 if days_seen[each] > 0.0 else 1.0

    level, base = first.ravel(), np.empty(size)
    overall = _mean(v, n, u)
    floors, floor = np.zeros(slots), np.zeros(size)
    for g in range(slots):
        if family == SHARE:
            floors[g] = 0.5 / (contacts[g] + 1.0)
        elif family == MEAN:
            floors[g] = 0.1 * overall
    unit, known = np.empty(size), 0
    for i in range(size):
        base[i], floor[i] = level[cell[i]], floors[s[i]]
        if family == COUNT or family == MEAN and base[i] <= 0.0:
            scale = base[i]  # nothing is told of the spread where nothing comes
        elif family == NUMBER:
            scale = 1.0
        else:
            scale = _variance(base[i], n[i], family, floor[i], 1.0, 0.0)
        if scale > 0.0:
            unit[known] = (v[i] - base[i]) ** 2 / scale
            known += 1
    dispersion, between, among = 0.0, 0.0, 0.0
    if known > 0:
        dispersion = _median(unit, known) / 0.455
        if dispersion <= 0.0:
            dispersion = _mean(unit[:known], u[:known], n[:known])
    if family == SHARE:
        dispersion = max(dispersion, 1.0)
    if family == NUMBER:
        dispersion, between = 0.0, dispersion

    middle, closed = np.full(cells, np.nan), np.zeros(cells, np.bool_)
    if by_cell:
        middle = _middles(v, cell, cells, seen)
        if family == COUNT:
            closed = _closed(v, cell, seen, slots, dispersion)
    odd, odd_slot, odd_weekday = np.zeros(cells, np.bool_), np.zeros(slots, np.bool_), np.zeros(7, np.bool_)
    one, one_error = np.array([overall]), 0.0
    slot, slot_keep, slot_error = np.full(slots, neutral), np.zeros(slots), np.zeros(slots)
    weekday, weekday_keep, weekday_error = np.full(7, neutral), np.zeros(7), np.zeros(7)
    special, cell_keep, cell_error = np.full(cells, neutral), np.zeros(cells), np.zeros(cells)
    none, extra = np.zeros(cells), np.zeros(7)
    weight, clear, counted, variance = np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    x, y, error, leverage = np.ones(size), np.empty(size), np.zeros(cells), np.zeros(size)
    among_slots, among_weekdays, among_cells = 0.0, 0.0, 0.0
    tiny = 1e-12 * (overall * overall + 1e-300)
    if by_weekday:
        for each in range(7):  # the first levels' weekdays, from which the slots are freed in the first round
            top, bottom = 0.0, 0.0
            for g in range(slots):
                top += first[each, g] * here[g]
                bottom += here[g]
            weekday[each] = top / bottom / overall if products and overall > 0.0 else (top / bottom - overall if not products else 1.0)

    for turn in range(_ROUNDS + 1):
        for i in range(size):
            if family == COUNT:
                floor[i] = 0.5 * (dispersion + overall * between) / here[s[i]]
            variance[i] = max(_variance(base[i], n[i], family, floor[i], dispersion, between), tiny)
            away = abs(v[i] - base[i])
            if not np.isnan(middle[cell[i]]):
                away = min(away, abs(v[i] - middle[cell[i]]))
            z = away / np.sqrt(variance[i] + base[i] * base[i] * among)
            weight[i] = u[i]
            if robust:
                weight[i] *= 1.0 if z <= _DRAWN_IN else (_DRAWN_IN / z if z <= _IGNORED else 0.0)
            counted[i] = u[i] if weight[i] > 0.0 and not closed[cell[i]] else 0.0
        if turn > 0:
            dispersion, between, among, _ = measure_spread(
                v, n, base, floor, d, absorbed, leverage, counted, family, by_day, dispersion, between, among
            )
        if turn == _ROUNDS:
            break
        for i in range(size):
            clear[i] = 0.0 if odd[cell[i]] or closed[cell[i]] else weight[i]
        if clear.max() <= 0.0:
            break
        _design(x, y, v, products, slot, weekday, one, s, w, 0)
        top, mass, twice = 0.0, 0.0, 0.0
        for i in range(size):
            top += clear[i] * n[i] * y[i]
            mass += clear[i] * n[i] * x[i]
            twice += (clear[i] * n[i]) ** 2 * variance[i]
        one[0], one_error = (top / mass, twice / (mass * mass)) if mass > 0.0 else (0.0, 0.0)
        if by_slot:
            _design(x, y, v, products, slot, weekday, one, s, w, 1)
            among_slots = _shrunken(s, slots, x, y, variance, clear, neutral, none, single, robust, slot, slot_keep, slot_error, odd_slot)
        if by_weekday:
            for each in range(7):
                extra[each] = among * weeks[each] * (weekday[each] ** 2 if products else 1.0)
            _design(x, y, v, products, slot, weekday, one, s, w, 2)
            among_weekdays = _shrunken(
                w, len(weekday), x, y, variance, clear, neutral, extra, single, robust, weekday, weekday_keep, weekday_error, odd_weekday
            )
        if by_cell:
            _design(x, y, v, products, slot, weekday, one, s, w, 3)
            lost = np.count_nonzero(here) + np.count_nonzero(days_seen) - 1
            among_cells = _shrunken(cell, cells, x, y, variance, weight, neutral, none, lost, robust, special, cell_keep, cell_error, odd)
        for c in range(cells):
            each, g = c // slots, c % slots
            # what a unit of each effect changes of the level
            per_slot = one[0] * weekday[each] if products else 1.0
            per_weekday = one[0] * slot[g] if products else 1.0
            two_way = per_slot * slot[g] if products else one[0] + slot[g] + weekday[each]
            level[c] = two_way * special[c] if products else two_way + special[c]
            if closed[c]:
                level[c] = 0.0
            if family == SHARE:
                level[c] = min(max(level[c], 0.0), 1.0)
            # what is not known of each effect: of those seen what was kept of their error, of others all that units differ by
            unsure = one_error * (slot[g] * weekday[each]) ** 2 if products else one_error
            if by_slot:
                unsure = per_slot**2 * (slot_keep[g] * slot_error[g] if here[g] > 0.0 else among_slots)
            if by_weekday:
                rows_only = max(weekday_error[each] - extra[each], 0.0)
                unsure += per_weekday**2 * (weekday_keep[each] * rows_only if days_seen[each] > 0.0 else among_weekdays)
            if by_cell:
                mine = cell_keep[c] * cell_error[c] if seen[c] > 0 else among_cells
                unsure = (two_way**2 if products else 1.0) * mine + (1.0 - cell_keep[c]) ** 2 * unsure
            error[c] = unsure
        for i in range(size):
            base[i] = level[cell[i]]
            leverage[i] = error[cell[i]]
        for day in range(days):
            each = day_weekday[day]
            absorbed[day] = weekday_keep[each] * day_share[day] / days_seen[each] + (1.0 - weekday_keep[each]) * day_share[day] / total

    if family == COUNT:
        for g in range(slots):
            floors[g] = 0.5 * (dispersion + overall * between) / max(here[g], 1.0)
    shared = np.empty(7)
    for each in range(7):
        mine = weekday_keep[each] if by_weekday else 0.0
        shared[each] = among * (mine * weeks[each] + (1.0 - mine) * same)
    return level, error, seen, here, shared, floors, dispersion, between, among, shift


@inner
def _design(x, y, v, products, slot, weekday, one, s, w, step):
    """What is left to explain at a step: 0 overall, 1 slot, 2 weekday, 3 cell."""
    for i in range(len(v)):
        if products:
            x[i] = (one[0] if step != 0 else 1.0) * (slot[s[i]] if step != 1 else 1.0) * (weekday[w[i]] if step != 2 else 1.0)
            y[i] = v[i]
        else:
            rest = (one[0] if step != 0 else 0.0) + (slot[s[i]] if step != 1 else 0.0) + (weekday[w[i]] if step != 2 else 0.0)
            y[i] = v[i] - rest


@inner
def _keep_nearest(taken, dates, anchor, last):
    """Keep of the days taken the ``last`` that are nearest to a date; of two as near the earlier."""
    near = taken.copy()
    for day in range(len(taken)):
        rank = 0
        for other in range(len(taken)):
            gap = abs(dates[other] - anchor) - abs(dates[day] - anchor)
            if taken[other] and (gap < 0 or (gap == 0 and other < day)):
                rank += 1
        near[day] = taken[day] and rank < last
    return near


@compiled
def fit_jobs(
    first, stop, left_out, anchor, target, day_rows, day_date, day_weekday, value, count, slot, watched, target_slot, target_weekday,
    slots, family, kind, half_life, last, rebase, by_day, minimum,
    level, error, shared, floor, points, used, spread, shift,
):  # fmt: skip
    """Fit each job and write what it says of its target rows and of its spread; a job with too few days leaves its rows missing.

    Rows are ``watched`` where a baseline may look, known or not. ``first, stop, left_out`` are positions of days, ``anchor`` the date whose
    nearness counts, ``target`` bounds of the target rows;
    ``last`` is how many days ``same_weekday`` takes. The last eight arrays are filled.
    """
    for job in range(len(first)):
        low, high = target[job], target[job + 1]
        if low == high:
            continue
        room = day_rows[stop[job]] - day_rows[first[job]]
        v, n, u = np.empty(room), np.empty(room), np.empty(room)
        s, w, d = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int64)
        dates, weekdays, distinct = np.empty(stop[job] - first[job], np.int64), np.zeros(7, np.int64), np.zeros(slots, np.bool_)
        days, size = 0, 0
        wanted = target_weekday[low] if kind == SAME_WEEKDAY else -1
        taken, there = np.zeros(stop[job] - first[job], np.bool_), np.zeros(7, np.int64)
        for day in range(first[job], stop[job]):
            if day != left_out[job] and (wanted < 0 or day_weekday[day] == wanted):
                present = False
                for i in range(day_rows[day], day_rows[day + 1]):
                    present = present or watched[i]
                    if watched[i] and not np.isnan(value[i]):
                        taken[day - first[job]] = True
                there[day_weekday[day]] += present
        if wanted >= 0:
            taken = _keep_nearest(taken, day_date[first[job] : stop[job]], anchor[job], last)
        for day in range(first[job], stop[job]):
            if not taken[day - first[job]]:
                continue
            near = 1.0 if half_life <= 0.0 else 0.5 ** (abs(anchor[job] - day_date[day]) / half_life)
            for i in range(day_rows[day], day_rows[day + 1]):
                if watched[i] and not np.isnan(value[i]):
                    v[size], n[size], u[size] = value[i], count[i], near
                    s[size], w[size], d[size] = slot[i], day_weekday[day], days
                    distinct[slot[i]] = True
                    size += 1
            dates[days] = day_date[day]
            weekdays[day_weekday[day]] += 1
            days += 1
        used[job] = -1
        if days < (1 if kind == SAME_WEEKDAY else minimum):
            continue
        chosen = kind
        if kind < 0:
            several, weeks = np.count_nonzero(distinct) > 1, days >= _WEEKS and weekdays.max() < days
            chosen = (WEEKDAY_SLOT if weeks else SLOT) if several else (WEEKDAY if weeks else OVERALL)
        enough = by_day and size >= _ROWS_A_DAY * days and days > 2 and family != NUMBER
        found, doubt, seen, here, common, floors, dispersion, between, among, shifted = _fit(
            v[:size], n[:size], s[:size], w[:size], d[:size], u[:size], dates[:days], slots, family, chosen, enough, rebase
        )
        for i in range(low, high):
            g, each = target_slot[i], target_weekday[i]
            if g < 0:
                continue
            cell = each * slots + g
            if chosen in (SLOT, WEEKDAY_SLOT, SAME_WEEKDAY) and here[g] == 0.0:
                continue
            # never any contact at a time at which its weekday was there twice: closed
            if chosen == WEEKDAY_SLOT and seen[cell] == 0 and there[each] > 1:
                continue
            level[i], error[i], shared[i], floor[i], points[i] = found[cell], doubt[cell], common[each], floors[g], size
        used[job] = chosen
        spread[job, 0], spread[job, 1], spread[job, 2] = dispersion, between, among
        shift[job] = dates[shifted] if shifted >= 0 else -1


@compiled
def follow_days(
    day_rows, value, count, level, error, shared, floor, dispersion, between, among, family, by_day,
    baseline, factor, sigma, level_sigma, day_score,
):  # fmt: skip
    """Follow each day row by row: the day's factor as known before a row, what is then to be expected, and its spread.

    The factor is the posterior mean of normal theory, with mean 1 and variance ``among + shared`` before the day; a row tells of it as much
    as its own variance allows, and no more than a residual of 2.5 standard deviations can say. The last five arrays are filled.
    """
    for day in range(len(day_rows) - 1):
        f, precision, told, heard = 1.0, np.inf, 0.0, 0.0
        started = False
        for i in range(day_rows[day], day_rows[day + 1]):
            if np.isnan(level[i]):
                continue
            prior = among[i] + shared[i]
            if not started:
                started = True
                if by_day and prior > 0.0:
                    precision = 1.0 / prior
            here = level[i] * f
            if family == SHARE:
                here = min(here, 1.0)
            own = 0.0 if count[i] <= 0.0 else _variance(here, count[i], family, floor[i], dispersion[i], between[i])
            plain = 0.0 if count[i] <= 0.0 else _variance(level[i], count[i], family, floor[i], dispersion[i], between[i])
            unsure = 0.0 if precision == np.inf else 1.0 / precision
            square = level[i] * level[i]
            baseline[i], factor[i] = here, f
            if own > 1e-16 * square:  # else there is no variation but that of rounding
                sigma[i] = np.sqrt(own + error[i] + square * (unsure if by_day else prior))
                level_sigma[i] = np.sqrt(plain + error[i] + square * prior)
            if heard > 0.0:
                day_score[i] = (told / heard - 1.0) / np.sqrt(prior + 1.0 / heard)
            if np.isnan(value[i]) or own <= 0.0 or level[i] <= 0.0 or not by_day:
                continue
            info = square / (own + error[i])
            limit = _DRAWN_IN * sigma[i]
            seen = here + min(max(value[i] - here, -limit), limit)
            told += info * seen / level[i]
            heard += info
            day_score[i] = (told / heard - 1.0) / np.sqrt(prior + 1.0 / heard)
            if precision < np.inf:
                f += info / (precision + info) * (seen / level[i] - f)
                precision += info
