"""mctx's searches of doors: what is compiled once is what is shipped, and one sampled outcome is no expectation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from assent.planning.search import StochasticSearch
from assent.studies.s17_search import EVEN, FREQUENT, STUDY, WORLD, worst
from assent.studies.settings import WITH
from assent.studies.tree_search import search_frozen, search_stochastic
from tests.session_support import unchecked


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with unchecked():
        yield


@pytest.mark.slow
def test_a_search_compiled_for_all_costs_is_the_one_that_is_shipped() -> None:
    costs = np.asarray([0.1, 1.5])
    visits, values = search_stochastic(WORLD, EVEN, costs, leaf="blind", simulations=24, seed=0, batch=2)
    for place, cost in enumerate(costs):
        search = StochasticSearch("blind", 24, 0)
        shipped = search.search(WORLD.at(cost).problem(), np.tile(EVEN, (2, 1)), np.full(2, WITH))
        assert np.array_equal(visits[place], shipped[0])
        # float32, and another order of summation where it is compiled: some units in the last of 24 bits, values up to 10
        assert np.allclose(values[place], shipped[1], atol=1e-4, rtol=0)
    assert not np.allclose(values[0], values[1], atol=1e-2), "the cost is data, but it counts"


@pytest.mark.slow
def test_frozen_searches_are_right_far_from_the_line_only_where_nothing_is_random() -> None:
    """With an overseer who never speaks there is one outcome, and both searches leave; else seeds differ."""
    costs = np.full(32, 1.4)
    silent = type(WORLD)(2, 0.0, 0.2, 0.9)
    for policy in ("gumbel", "muzero"):
        sure = search_frozen(silent, EVEN, costs, policy=policy, leaf="blind", simulations=24, seed=0)
        assert (sure >= 2).all()
        lucky = search_frozen(WORLD, EVEN, costs, policy=policy, leaf="blind", simulations=24, seed=0)
        assert 0 < (lucky >= 2).mean() < 1, "one belief, one cost, two verdicts"


def row(search: str, leaf: str, simulations: int, contradicts: int, decided: int = 20) -> dict:
    known = {"cost": 0.1, "exact_disables": False, "seeds": 20, "disabled": contradicts}
    return {
        "search": search,
        "leaf": leaf,
        "simulations": simulations,
        "decided": decided,
        "contradicts": contradicts,
        **known,
    }


def rows(frozen: int = 4, bracket: int = 0, decided: int = 20) -> list[dict]:
    found = [row(search, "blind", count, frozen) for search in ("gumbel", "muzero") for count in (64, 256)]
    found += [row("stochastic", leaf, 64, 10) for leaf in ("blind", "clairvoyant")]
    return [*found, row("bracket", "both", 64, bracket, decided)]


def test_the_claim_fails_where_one_part_does() -> None:
    assert STUDY.verdict(STUDY.score(rows())).holds
    assert not STUDY.verdict(STUDY.score(rows(bracket=1))).holds
    assert not STUDY.verdict(STUDY.score(rows(decided=0))).holds, "a bracket that decides nothing shows nothing"
    assert not STUDY.verdict(STUDY.score(rows(frozen=0))).holds


def test_the_worst_cost_counts() -> None:
    found = [row("gumbel", "blind", 64, 0), row("gumbel", "blind", 64, 5), row("gumbel", "blind", 256, 20)]
    assert worst(found, "blind", 64) == pytest.approx(0.25)
    assert worst(found, "blind", 64) >= FREQUENT


def test_costs_count_and_not_seeds() -> None:
    """Sixteen seeds that agree are one verdict: a cost is decided where both leaves agree in all of them."""
    found = STUDY.score(
        [*rows(), *[{**one, "cost": 0.4, "decided": 19} for one in rows() if one["search"] == "bracket"]]
    )
    assert (found["bracket_costs"], found["bracket_costs_decided_most"]) == (2, 1)
