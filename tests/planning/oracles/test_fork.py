"""W3: the lattice and the tree of histories against the spec's figures and against each other."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.planning.oracles import fork as fork_module
from assent.planning.oracles.fork import Settled, solve_fork
from assent.planning.oracles.fork_terms import ACTIONS, Fork
from assent.planning.oracles.fork_tree import solve_fork_tree

PUBLIC = Fork(prior="0.8", rate="0.1", eps="0.1", discount="0.9", cost="0.05")
tenths = st.integers(0, 10).map(lambda value: Fraction(value, 10))
forks = st.builds(
    Fork,
    prior=tenths,
    rate=tenths,
    eps=tenths,
    discount=st.sampled_from([Fraction(1, 2), Fraction(4, 5), Fraction(9, 10)]),
    cost=st.sampled_from([Fraction(0), Fraction(1, 20), Fraction(1, 5), Fraction(1), Fraction(5, 2)]),
)


def test_public_row() -> None:
    found = solve_fork(PUBLIC)
    assert round(float(found.value), 8) == 0.47796116
    q = {action: round(float(value), 6) for action, value in zip(ACTIONS, found.q, strict=True)}
    assert q == {"left": 0.460696, "right": 0.307781, "stay": 0.380165, "up": 0.380165, "down": 0.3874}
    assert found.best() == ("left",)


def test_histories_approach_the_lattice() -> None:
    """Plans that go on beyond the horizon differ by at most what is left then: 0.9^H (1 + c / (1 - 0.9)); in truth by far less."""
    exact = solve_fork(PUBLIC)
    gaps = []
    for horizon in (4, 6, 8):
        tree = solve_fork_tree(PUBLIC, horizon=horizon)
        gaps.append(max(abs(a - b) for a, b in zip((tree.value, *tree.q), (exact.value, *exact.q), strict=True)))
    assert gaps[2] < gaps[1] / 10 < gaps[0] / 100
    assert gaps[2] < Fraction(1, 10**5)


def bounds(fork: Fork, horizon: int) -> Fraction:
    """Beyond the horizon between -c for ever (or -1 and no more) and 1."""
    _, _, _, discount, cost = fork.terms()
    return discount**horizon * max(Fraction(1), cost / (1 - discount))


@settings(max_examples=8)
@given(forks)
def test_the_lattice_lies_within_what_the_horizon_leaves_open(fork: Fork) -> None:
    exact, tree = solve_fork(fork), solve_fork_tree(fork, horizon=4)
    for one, other in zip((exact.value, *exact.q), (tree.value, *tree.q), strict=True):
        assert abs(one - other) <= bounds(fork, 4)


@pytest.mark.slow
@settings(max_examples=4)
@given(forks.filter(lambda fork: fork.discount == Fraction(1, 2)))
def test_deep_trees_agree_closely(fork: Fork) -> None:
    exact, tree = solve_fork(fork), solve_fork_tree(fork, horizon=12)
    assert abs(exact.value - tree.value) <= bounds(fork, 12) <= Fraction(5, 2**12)


@pytest.mark.slow
@settings(max_examples=5)
@given(forks)
def test_a_wider_lattice_changes_nothing(fork: Fork) -> None:
    """What the certificate promises: the values beyond the edge are what solving for them gives."""
    narrow = solve_fork(fork)
    original = fork_module._Lattice._edge
    try:
        fork_module._Lattice._edge = lambda self, side: original(self, side) + 3
        assert solve_fork(fork) == narrow
    finally:
        fork_module._Lattice._edge = original


def test_a_lattice_cut_without_a_proof_is_rejected() -> None:
    """A wrong variant ends the lattice one step out, whatever the belief there, and calls that settled."""
    original = fork_module._Lattice._edge
    fork = Fork(prior="0.5", rate="0.5", eps="0.4", discount="0.95", cost="0.001")
    right = solve_fork(fork)
    try:
        fork_module._Lattice._edge = lambda self, side: 1
        assert abs(solve_fork(fork).value - right.value) > Fraction(1, 2000)
    finally:
        fork_module._Lattice._edge = original


def test_a_claim_is_proved_only_where_it_holds() -> None:
    assert Settled(Fraction(999, 1000), Fraction(9, 10), Fraction(1, 20)).proved()
    assert not Settled(Fraction(6, 10), Fraction(9, 10), Fraction(1, 20)).proved()
    # with a dear overseer the button comes first even for who is sure
    dear = Settled(Fraction(999, 1000), Fraction(9, 10), Fraction(1, 2))
    assert dear.proved()
    assert dear.options()["A"][1] > dear.options()["A"][0]


def test_signals_turned_round_say_as_much() -> None:
    """An overseer who is wrong with chance 1 - eps, and known to be, is as good as one who is wrong with eps."""
    for eps in ("0", "0.1", "0.3"):
        one = solve_fork(Fork(prior="0.7", rate="0.4", eps=eps, discount="0.9", cost="0.02"))
        other = solve_fork(Fork(prior="0.7", rate="0.4", eps=1 - Fraction(eps), discount="0.9", cost="0.02"))
        assert one == other


@pytest.mark.slow
@settings(max_examples=5)
@given(forks, tenths)
def test_more_signals_are_never_worse_and_more_cost_never_better(fork: Fork, rate: Fraction) -> None:
    low, high = sorted((Fraction(fork.rate), rate))
    terms = {"prior": fork.prior, "eps": fork.eps, "discount": fork.discount}
    assert (
        solve_fork(Fork(rate=low, cost=fork.cost, **terms)).value
        <= solve_fork(Fork(rate=high, cost=fork.cost, **terms)).value
    )
    assert (
        solve_fork(Fork(rate=low, cost=0, **terms)).value >= solve_fork(Fork(rate=low, cost=fork.cost, **terms)).value
    )


def test_at_no_cost_the_button_is_never_worth_it() -> None:
    """Good's theorem on this world; and with a dear overseer it is."""
    free = solve_fork(Fork(prior="0.6", rate="0.2", eps="0.3", discount="0.9", cost=0))
    assert free.q[ACTIONS.index("down")] < free.value
    dear = solve_fork(Fork(prior="0.6", rate="0.2", eps="0.3", discount="0.9", cost="0.5"))
    assert dear.best() == ("down",)


def test_what_is_no_fork_is_refused() -> None:
    good = {"prior": 0.8, "rate": 0.1, "eps": 0.1, "discount": 0.9, "cost": 0.05}
    for name, value in (("prior", 1.2), ("rate", -0.1), ("eps", 2), ("discount", 1), ("cost", -1)):
        with pytest.raises(ValueError, match=name):
            Fork(**{**good, name: value})
    with pytest.raises(ValueError, match="horizon = 0"):
        solve_fork_tree(PUBLIC, horizon=0)
    with pytest.raises(ValueError, match="too near to 1/2"):
        solve_fork(Fork(**{**good, "eps": "0.49999", "discount": "0.999"}))
