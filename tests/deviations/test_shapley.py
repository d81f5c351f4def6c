"""Shapley values against a plain loop over all orders, and the properties that single them out."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ccstats.deviations.shapley import attribute, subsets
from ccstats.errors import OptionError

numbers = st.floats(-1e3, 1e3, allow_subnormal=False)


def games(drivers: int, rows: int) -> st.SearchStrategy[np.ndarray]:
    return arrays("float64", (2**drivers, rows), elements=numbers)


any_game = st.integers(1, 5).flatmap(lambda drivers: games(drivers, 3))


def by_orders(game: np.ndarray) -> tuple[np.ndarray, ...]:
    """Mean, least and most of what each driver adds, over every order, one after the other."""
    drivers = len(game).bit_length() - 1
    added: list[list[np.ndarray]] = [[] for _ in range(drivers)]
    for order in permutations(range(drivers)):
        have = 0
        for driver in order:
            added[driver].append(game[have | 1 << driver] - game[have])
            have |= 1 << driver
    return tuple(np.array([how(each, axis=0) for each in added]) for how in (np.mean, np.min, np.max))


@given(game=any_game)
@settings(max_examples=60, deadline=None)
def test_is_the_mean_over_all_orders(game: np.ndarray) -> None:
    mean, least, most = by_orders(game)
    made = attribute(game)
    np.testing.assert_allclose(made.shapley, mean, atol=1e-9)
    np.testing.assert_array_equal(made.lowest, least)
    np.testing.assert_array_equal(made.highest, most)
    drivers = len(mean)
    for driver in range(drivers):
        np.testing.assert_array_equal(made.one_at_a_time[driver], game[1 << driver] - game[0])
        np.testing.assert_array_equal(made.last_in[driver], game[-1] - game[(2**drivers - 1) ^ 1 << driver])


@given(game=any_game)
@settings(deadline=None)
def test_adds_up(game: np.ndarray) -> None:
    np.testing.assert_allclose(attribute(game).shapley.sum(axis=0), game[-1] - game[0], atol=1e-9)


@given(game=games(4, 2), other=games(4, 2), factor=st.floats(-3, 3))
@settings(deadline=None)
def test_is_linear(game: np.ndarray, other: np.ndarray, factor: float) -> None:
    both = attribute(game + factor * other).shapley
    np.testing.assert_allclose(both, attribute(game).shapley + factor * attribute(other).shapley, atol=1e-8)


@given(game=games(3, 2))
@settings(deadline=None)
def test_a_dummy_gets_nothing(game: np.ndarray) -> None:
    with_dummy = np.concatenate([game, game])  # the fourth driver changes nothing
    made = attribute(with_dummy)
    assert not made.shapley[3].any()
    assert not made.highest[3].any()
    np.testing.assert_allclose(made.shapley[:3], attribute(game).shapley, atol=1e-9)


@given(by_size=arrays("float64", (5, 1), elements=numbers))
@settings(deadline=None)
def test_equals_share_equally(by_size: np.ndarray) -> None:
    made = attribute(by_size[subsets(4).sum(axis=1)]).shapley
    np.testing.assert_allclose(made, np.broadcast_to(made[0], made.shape), atol=1e-9)


@given(game=games(3, 1), order=st.permutations(range(3)))
@settings(deadline=None)
def test_names_do_not_matter(game: np.ndarray, order: list[int]) -> None:
    renamed = np.empty_like(game)
    for number, members in enumerate(subsets(3)):
        renamed[sum(1 << order[k] for k in range(3) if members[k])] = game[number]
    np.testing.assert_allclose(attribute(renamed).shapley[order], attribute(game).shapley, atol=1e-9)


def test_subsets_count_in_bits() -> None:
    each = subsets(5)
    assert each.shape == (32, 5)
    assert not each[0].any()
    assert each[-1].all()
    assert [int(row @ (1 << np.arange(5))) for row in each] == list(range(32))


def test_what_is_missing_stays_in_its_row() -> None:
    game = np.array([[0.0, np.nan], [1.0, 2.0], [3.0, 1.0], [4.0, 5.0]])
    made = attribute(game).shapley
    assert np.isfinite(made[:, 0]).all()
    assert np.isnan(made[:, 1]).all()


@pytest.mark.parametrize("game", [[], [1.0], [1.0, 2.0, 3.0], np.zeros((3, 2)), np.zeros((2, 2, 2)), 1.0])
def test_wrong_numbers_of_subsets_are_refused(game: object) -> None:
    with pytest.raises(OptionError, match="2, 4, 8"):
        attribute(game)  # type: ignore[arg-type]


@pytest.mark.parametrize("drivers", [0, 21, -1])
def test_too_many_drivers_are_refused(drivers: int) -> None:
    with pytest.raises(OptionError, match="2\\^drivers"):
        subsets(drivers)
