"""Rules as a machine: what of the past has to be remembered to know when one of them is broken.

The line of possible values is cut into cells, within which no rule tells two values apart. Each rule becomes a small table (state and next
point to next state), all of them together one table of the states that can be reached, and states whose future is the same become one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccstats.errors import OptionError
from ccstats.spc.rules import Rule

__all__ = ["IMPOSSIBLE", "NO_STEP", "SIGNAL", "STEP_DOWN", "STEP_UP", "Automaton", "cell_cuts", "rule_automaton"]

Ints = NDArray[np.int64]

#: How a point lies to the one before it: not known or of no interest, above, below.
NO_STEP, STEP_UP, STEP_DOWN = 0, 1, 2
_STEPS = 3
#: In a table of next states: a rule is broken; no point can lie so.
SIGNAL, IMPOSSIBLE = -1, -2
_MOST_STATES = 3_000_000
_MOST_STATES_OF_A_RULE = 30_000


@dataclass(frozen=True)
class Automaton:
    """All rules together, with as few states as possible.

    Attributes
    ----------
    cell : numpy.ndarray of int
        In which cell the last point lies, for each state.
    follow : numpy.ndarray of int (states × cells × steps)
        The next state; -1 where a rule is broken, -2 where the next point cannot lie so (higher than the last, but in a lower cell).
    start : numpy.ndarray of int (cells)
        The state after the first point, by its cell; -1 where it breaks a rule.
    steps : bool
        Whether it matters how a point lies to the one before.
    memory : int
        Points that the longest rule looks at. [points]
    """

    cell: Ints
    follow: Ints
    start: Ints
    steps: bool
    memory: int


def cell_cuts(rules: Sequence[Rule], width: float) -> NDArray[np.float64]:
    """Where the line has to be cut for these rules, in standard deviations from the centre, ascending.

    Examples
    --------
    >>> from ccstats.spc.rules import rules_of
    >>> cell_cuts(rules_of("western_electric"), 3.0).tolist()
    [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]
    """
    cuts = {0.0} if any(rule.kind == "run" or rule.one_side for rule in rules) else set()
    for rule in rules:
        distance = width if rule.kind == "beyond" else rule.zone
        cuts |= {-distance, distance} if distance else set()
    return np.array(sorted(cuts))


def rule_automaton(rules: Sequence[Rule], cells: NDArray[np.float64], width: float) -> Automaton:
    """The smallest machine that knows when the first of these rules is broken.

    Parameters
    ----------
    rules : sequence of Rule
        Rules that look at a few neighbouring points.
    cells : numpy.ndarray
        A value within each cell, ascending, in standard deviations from the centre. [sigma]
    width : float
        Distance of the limits from the centre. [sigma]

    Returns
    -------
    Automaton

    Raises
    ------
    OptionError
        If a rule judges a whole series, or the rules need more states than fit.

    Notes
    -----
    States are found by going wherever a point can lead; states are one when all that can follow is the same (Moore 1956).

    Examples
    --------
    A run of eight has to know the side and how many points have been on it, up to seven:

    >>> import numpy as np
    >>> from ccstats.spc.rules import rules_of
    >>> len(rule_automaton(rules_of("run_of_8"), np.array([-1.0, 1.0]), 3.0).cell)
    14
    """
    steps = any(rule.kind in ("trend", "alternate") for rule in rules)
    tables = [_table(rule, cells, width) for rule in rules] + [_last_cell(len(cells))]
    symbols = [(cell, step) for cell in range(len(cells)) for step in ((STEP_UP, STEP_DOWN) if steps else (NO_STEP,))]

    start = _join(tables, np.zeros((1, len(tables)), dtype=np.int64), [(cell, NO_STEP) for cell in range(len(cells))])[0]
    code = np.unique(start[start >= 0])
    frontier = code
    while frontier.size:
        reached = _join(tables, _split(tables, frontier), symbols)
        frontier = np.setdiff1d(reached[reached >= 0], code)
        code = np.union1d(code, frontier)
        if len(code) > _MOST_STATES:
            raise OptionError(f"rules= have more than {_MOST_STATES} states together ({', '.join(rule.name for rule in rules)}); use fewer")
    state = _split(tables, code)
    successor = _join(tables, state, symbols)
    successor = np.where(successor >= 0, np.searchsorted(code, np.maximum(successor, 0)), successor)
    name = _merge(state[:, -1] - 1, successor)
    first = np.unique(name, return_index=True)[1]
    follow = np.full((len(first), len(cells), _STEPS), IMPOSSIBLE)
    for number, (cell, step) in enumerate(symbols):
        target = successor[first, number]
        follow[:, cell, step] = np.where(target >= 0, name[np.maximum(target, 0)], target)
    begin = np.where(start >= 0, name[np.minimum(np.searchsorted(code, np.maximum(start, 0)), len(code) - 1)], start)
    return Automaton(state[first, -1] - 1, follow, begin, steps, max(rule.window for rule in rules))


def _merge(label: Ints, successor: Ints) -> Ints:
    """A number for each state, the same for states with the same future; labels tell apart what must stay apart."""
    count = 0
    while True:
        label = np.unique(label, return_inverse=True)[1]
        if label.max(initial=-1) + 1 == count:
            return label
        count = int(label.max()) + 1
        future = np.where(successor >= 0, label[np.maximum(successor, 0)], successor)
        for column in future.T:
            label = np.unique(label * (count + 2) + column + 2, return_inverse=True)[1]


def _join(tables: list[Ints], state: Ints, symbols: list[tuple[int, int]]) -> Ints:
    """Codes of the states (one column per rule) after each symbol: -1 where a rule is broken, -2 where it cannot come."""
    out = np.empty((len(state), len(symbols)), dtype=np.int64)
    for number, (cell, step) in enumerate(symbols):
        code = np.zeros(len(state), dtype=np.int64)
        broken = np.zeros(len(state), dtype=bool)
        for column, table in zip(state.T, tables, strict=True):
            following = table[column, cell, step]
            broken |= following == SIGNAL
            code = code * len(table) + np.maximum(following, 0)
        out[:, number] = np.where(following == IMPOSSIBLE, IMPOSSIBLE, np.where(broken, SIGNAL, code))
    return out


def _split(tables: list[Ints], code: Ints) -> Ints:
    """The states of the single rules in a code."""
    columns = []
    for table in reversed(tables):
        code, column = np.divmod(code, len(table))
        columns.append(column)
    return np.column_stack(columns[::-1])


def _last_cell(count: int) -> Ints:
    """The cell of the last point, plus 1, as a machine; state 0 is the start."""
    table = np.empty((count + 1, count, _STEPS), dtype=np.int64)
    table[:] = np.arange(1, count + 1)[None, :, None]
    last, cell = np.arange(count + 1)[:, None] - 1, np.arange(count)
    table[:, :, STEP_UP][cell < last] = IMPOSSIBLE
    table[:, :, STEP_DOWN][cell > last] = IMPOSSIBLE
    return table


def _table(rule: Rule, cells: NDArray[np.float64], width: float) -> Ints:
    """One rule as a table (states × cells × steps) of next states; state 0 is the start."""
    begin, advance = _machine(rule, width)
    known = {begin: 0}
    rows: list[Ints] = []
    for state in (queue := [begin]):
        row = np.empty((len(cells), _STEPS), dtype=np.int64)
        for cell, value in enumerate(cells):
            for step in range(_STEPS):
                following = advance(state, float(value), step)
                if following is None:
                    row[cell, step] = SIGNAL
                    continue
                if following not in known:
                    if len(known) > _MOST_STATES_OF_A_RULE:
                        raise OptionError(f"rule {rule.name!r} has to remember too much; its window of {rule.window} points is too wide")
                    known[following] = len(known)
                    queue.append(following)
                row[cell, step] = known[following]
        rows.append(row)
    table = np.array(rows)
    name = _merge(np.zeros(len(table), dtype=np.int64), table.reshape(len(table), -1))
    first = np.unique(name, return_index=True)[1]
    order = np.argsort(np.argsort(np.where(first == 0, -1, first)))  # the start stays number 0
    small = np.where(table[first] >= 0, order[name[np.maximum(table[first], 0)]], table[first])
    return small[np.argsort(order)]


def _machine(rule: Rule, width: float) -> tuple[Any, Callable[[Any, float, int], Any]]:
    """The start of a rule and how it goes on from a state with a point: its value and its step. None is a signal."""

    def side(value: float, distance: float) -> int:
        return int(value > distance) - int(value < -distance)

    def beyond(state: Any, value: float, step: int) -> Any:
        return None if abs(value) > width else state

    def zone(state: Any, value: float, step: int) -> Any:
        last = (*state, side(value, 0.0) + side(value, rule.zone))  # 1 and -1 on a side of the centre, 2 and -2 beyond the zone too
        for sign in (1, -1):
            whole = not rule.one_side or (len(last) == rule.window and all(sign * each > 0 for each in last))
            if last.count(2 * sign) >= rule.count and whole:
                return None
        return last[max(len(last) - rule.window + 1, 0) :]

    def run(state: Any, value: float, step: int) -> Any:
        last, length = state
        now = side(value, 0.0)
        length = 0 if now == 0 else length + 1 if now == last else 1
        return None if length >= rule.count else (now, length)

    def trend(state: Any, value: float, step: int) -> Any:
        last, length = state
        length = 0 if step == NO_STEP else length + 1 if step == last else 1
        return None if length >= rule.count - 1 else (step, length)

    def alternate(state: Any, value: float, step: int) -> Any:
        last, turns = state
        turns = turns + 1 if {last, step} == {STEP_UP, STEP_DOWN} else 0
        return None if turns >= rule.count - 2 else (step, turns)

    def inside(state: Any, value: float, step: int) -> Any:
        length = 0 if side(value, rule.zone) else state + 1
        return None if length >= rule.count else length

    def outside(state: Any, value: float, step: int) -> Any:
        last, same, length = state  # points on the side of the last, points beyond the zone
        now = side(value, rule.zone)
        if now == 0:
            return (0, 0, 0)
        same = min(same + 1, rule.count) if now == last else 1
        length = min(length + 1, rule.count)
        return None if length == rule.count and same < rule.count else (now, same, length)

    machines: dict[str, tuple[Any, Callable[[Any, float, int], Any]]] = {
        "beyond": (0, beyond),
        "zone": ((), zone),
        "run": ((0, 0), run),
        "trend": ((NO_STEP, 0), trend),
        "alternate": ((NO_STEP, 0), alternate),
        "inside": (0, inside),
        "outside": ((0, 0, 0), outside),
    }
    if rule.kind not in machines:
        raise OptionError(
            f"rule {rule.name!r} judges a whole series, so it has no run length; ask signal_probability(points, rules='anhoj')"
        )
    return machines[rule.kind]
