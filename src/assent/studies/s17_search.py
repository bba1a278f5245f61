"""Tree search: what becomes of a verdict when one sampled correction stands for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assent.planning.oracles.lattice import NoisyDoors
from assent.planning.planners import BeliefTree
from assent.report.figures import Axis, Line, Series, bar_chart, line_chart
from assent.studies.measures import wilson
from assent.studies.settings import WITH, Doors
from assent.studies.study import Figure, Row, Score, Study, Verdict

Leaf = Literal["blind", "clairvoyant"]
"""What an unexplored belief is worth, as in `planning.search`, which needs mctx."""

CLAIM = (
    "Stochastic MuZero's search with two leaf values, one too low and one too high, never contradicts the exact verdict where both "
    "agree. MuZero's and Gumbel MuZero's searches, which keep one sampled outcome for each action, contradict it at some cost in at "
    "least 5 % of seeds, and quadrupling the simulations leaves that so."
)
SOURCE = (
    "mctx 0.0.71; I. Antonoglou et al., Planning in Stochastic Environments with a Learned Model, ICLR 2022; "
    "I. Danihelka et al., Policy improvement by planning with Gumbel, ICLR 2022; exact verdicts: docs/hand-of-god-theory.md"
)
COSTS = (0.02, 0.1, 0.4, 0.8, 1.2, 1.5, 2.0, 3.0)
WORLD = Doors(2, 0.5, 0.2, 0.9)
EVEN = np.full(2, 0.5)
LEAVES: tuple[Leaf, ...] = ("blind", "clairvoyant")
FREQUENT = 0.05
"""The share of seeds with a wrong verdict from which on the claim calls a search unreliable."""

WORDS = {"gumbel": "Gumbel MuZero", "muzero": "MuZero", "stochastic": "Stochastic MuZero", "bracket": "both leaves"}


@dataclass(frozen=True)
class Search:
    """A search at every cost of `COSTS`, with so many simulations and seeds; `stochastic` runs with each leaf and with both.

    Attributes:
        leaf: of the frozen searches; what an unexplored belief is worth.
    """

    policy: Literal["gumbel", "muzero", "stochastic"]
    leaf: Leaf | Literal["both"]
    simulations: int
    seeds: int = 64


GRID = (
    *(Search(policy, leaf, sims) for policy in ("gumbel", "muzero") for leaf in LEAVES for sims in (64, 256)),
    *(Search("stochastic", "both", sims, 16) for sims in (64, 256)),
    Search("stochastic", "both", 1024, 4),
)
QUICK = (
    Search("gumbel", "blind", 32, 32),
    Search("muzero", "blind", 32, 32),
    Search("stochastic", "both", 64, 2),
)


def run(cell: Search, seed: int) -> list[Row]:
    """For each cost: in how many seeds the search disables, and in how many it contradicts the exact verdict."""
    exact = [bool(BeliefTree()(WORLD.at(cost).problem(), EVEN, WITH).phase == "disables") for cost in COSTS]
    if cell.leaf != "both":
        # mctx is asked for only when it is needed; where it is missing, the study says so
        from assent.studies.tree_search import search_frozen

        actions = search_frozen(
            WORLD,
            EVEN,
            np.repeat(COSTS, cell.seeds),
            policy="gumbel" if cell.policy == "gumbel" else "muzero",
            leaf=cell.leaf,
            simulations=cell.simulations,
            seed=seed,
        )
        disables = (actions >= WORLD.num_doors).reshape(len(COSTS), cell.seeds)
        return [
            _row(cell, cell.policy, cell.leaf, cost, exact[place], disables[place], np.ones(cell.seeds, dtype=bool))
            for place, cost in enumerate(COSTS)
        ]
    low, high = (_stochastic(cell, leaf, seed) for leaf in LEAVES)
    rows: list[Row] = []
    for place, cost in enumerate(COSTS):
        known = cost, exact[place]
        one, other = low[place], high[place]
        rows.append(_row(cell, "stochastic", "blind", *known, one == "disables", one != "undecided"))
        rows.append(_row(cell, "stochastic", "clairvoyant", *known, other == "disables", other != "undecided"))
        rows.append(_row(cell, "bracket", "both", *known, one == "disables", (one == other) & (one != "undecided")))
    return rows


def _stochastic(cell: Search, leaf: Leaf, seed: int) -> np.ndarray:
    """[costs, seeds]: the phase of the verdict; the noise of searches side by side differs."""
    from assent.planning.search import judge_search
    from assent.studies.tree_search import search_stochastic

    found = search_stochastic(
        WORLD, EVEN, np.asarray(COSTS), leaf=leaf, simulations=cell.simulations, seed=seed, batch=cell.seeds
    )
    problem = WORLD.problem()
    return np.asarray(
        [
            [judge_search(problem, WITH, seen, worth, planner=leaf).phase for seen, worth in zip(*pair, strict=True)]
            for pair in zip(*found, strict=True)
        ]
    )


def _row(
    cell: Search, search: str, leaf: str, cost: float, exact: bool, disables: np.ndarray, decided: np.ndarray
) -> Row:
    return {
        "search": search,
        "leaf": leaf,
        "simulations": cell.simulations,
        "cost": float(cost),
        "exact_disables": exact,
        "seeds": cell.seeds,
        "decided": int(decided.sum()),
        "disabled": int((disables & decided).sum()),
        "contradicts": int(((disables != exact) & decided).sum()),
    }


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    bracket = [row for row in rows if row["search"] == "bracket"]
    first, last = (pick(row["simulations"] for row in bracket) for pick in (min, max))
    numbers = {
        "bracket_fewest": float(first),
        "bracket_most": float(last),
        "bracket_decides_fewest": decides(bracket, first),
        "bracket_decides_most": decides(bracket, last),
        "verdicts": float(sum(row["seeds"] for row in rows)),
        "bracket_verdicts": float(sum(row["seeds"] for row in bracket)),
        "bracket_decided": float(sum(row["decided"] for row in bracket)),
        "bracket_costs": float(len({row["cost"] for row in bracket})),
        "bracket_costs_decided_fewest": costs_decided(bracket, first),
        "bracket_costs_decided_most": costs_decided(bracket, last),
        "bracket_contradicts": float(sum(row["contradicts"] for row in bracket)),
    }
    for search in ("gumbel", "muzero"):
        mine = [row for row in rows if row["search"] == search]
        numbers[f"{search}_contradicts"] = float(sum(row["contradicts"] for row in mine))
        numbers[f"{search}_verdicts"] = float(sum(row["seeds"] for row in mine))
        counts = sorted({row["simulations"] for row in mine})
        for name, count in (("fewest", counts[0]), ("most", counts[-1])):
            numbers[f"{search}_{name}"] = float(count)
            for leaf in {row["leaf"] for row in mine}:
                numbers[f"{search}_{leaf}_worst_{name}"] = worst(mine, leaf, count)
    for leaf in LEAVES:
        mine = [row for row in rows if row["search"] == "stochastic" and row["leaf"] == leaf]
        numbers[f"stochastic_{leaf}_contradicts"] = float(sum(row["contradicts"] for row in mine))
        numbers[f"stochastic_{leaf}_verdicts"] = float(sum(row["seeds"] for row in mine))
    return numbers


def decides(rows: Sequence[Row], simulations: int) -> float:
    """The share of verdicts, over costs, in which both leaves agree."""
    mine = [row for row in rows if row["simulations"] == simulations]
    return sum(row["decided"] for row in mine) / sum(row["seeds"] for row in mine)


def costs_decided(rows: Sequence[Row], simulations: int) -> float:
    """At how many costs both leaves agree in every seed. Seeds differ hardly: they are no independent trials."""
    return float(sum(row["decided"] == row["seeds"] for row in rows if row["simulations"] == simulations))


def worst(rows: Sequence[Row], leaf: str, simulations: int) -> float:
    """The greatest share of seeds, over costs, in which a search contradicts the exact verdict."""
    mine = [row for row in rows if row["leaf"] == leaf and row["simulations"] == simulations]
    return max(row["contradicts"] / row["seeds"] for row in mine)


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    frozen = [value for name, value in numbers.items() if "_worst_" in name]
    holds = numbers["bracket_contradicts"] == 0 < numbers["bracket_decided"] and min(frozen) >= FREQUENT
    return Verdict(
        holds,
        "A search that lets one sampled answer stand for all of them decides about its overseer by luck near the line, and searching "
        "longer does not cure that. Two honest leaves, one too low and one too high, are right or say that they do not know."
        if holds
        else "The searches err otherwise than claimed.",
        f"Both leaves agree, in every seed, at {numbers['bracket_costs_decided_fewest']:.0f} of {numbers['bracket_costs']:.0f} costs with "
        f"{numbers['bracket_fewest']:.0f} simulations and at {numbers['bracket_costs_decided_most']:.0f} with "
        f"{numbers['bracket_most']:.0f}, and contradict the exact verdict in {numbers['bracket_contradicts']:.0f} seeds (which agree at "
        "nearly every cost, and are no independent trials). "
        "At its worst cost Gumbel MuZero (blind leaf) is wrong in "
        f"{_percent(numbers, 'gumbel')}, MuZero in {_percent(numbers, 'muzero')}; over all costs and leaves "
        f"{numbers['gumbel_contradicts'] / numbers['gumbel_verdicts']:.1%} and "
        f"{numbers['muzero_contradicts'] / numbers['muzero_verdicts']:.1%}. One leaf alone: blind "
        f"{numbers['stochastic_blind_contradicts'] / numbers['stochastic_blind_verdicts']:.1%} wrong, clairvoyant "
        f"{numbers['stochastic_clairvoyant_contradicts'] / numbers['stochastic_clairvoyant_verdicts']:.1%}.".replace(
            "%", " %"
        ),
    )


def _percent(numbers: Score, search: str) -> str:
    few, many = (numbers[f"{search}_blind_worst_{name}"] for name in ("fewest", "most"))
    return (
        f"{few:.1%} of seeds with {numbers[f'{search}_fewest']:.0f} simulations and {many:.1%} with "
        f"{numbers[f'{search}_most']:.0f}"
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    return (_shares_figure(rows), _wrong_figure(rows))


def _shares_figure(rows: Sequence[Row]) -> Figure:
    most = max(row["simulations"] for row in rows if row["search"] == "gumbel")
    frozen, steady = (
        next((row["seeds"] for row in rows if (row["search"], row["simulations"]) == (search, most)), 0)
        for search in ("gumbel", "stochastic")
    )
    series = [
        _share(rows, search, leaf, most, f"{WORDS[search]}{'' if search in ('gumbel', 'muzero') else f', {leaf} leaf'}")
        for search, leaf in (
            ("gumbel", "blind"),
            ("muzero", "blind"),
            ("stochastic", "blind"),
            ("stochastic", "clairvoyant"),
        )
    ]
    line = float(NoisyDoors(repr(WORLD.rate), repr(WORLD.eps), repr(WORLD.discount)).threshold(0))
    exact = Line(f"exact: disables above {line:.2f}", ((0.0, 0.0), (line, 0.0), (line, 1.0), (3.05, 1.0)))
    return Figure(
        "search",
        f"One world, one belief, one right answer: keep below {line:.2f}, disable above. Up: the share of seeds in which each search "
        f"disables, with {most} simulations: the frozen ones (first two) in {frozen} seeds with the blind leaf and 95 % Wilson intervals; "
        f"the stochastic ones in {steady}, where hardly anything is random and an interval would say nothing.",
        lambda width, name: line_chart(
            width=width,
            name=name,
            title="One sampled answer for all: near the line the verdict is a matter of luck",
            desc="Share of seeds in which each search disables, by the cost of oversight.",
            x=Axis("c: what each overseen step costs (reward)", 0.0, 3.05),
            y=Axis("share of seeds that disable the overseer", 0.0, 1.02),
            series=series,
            lines=[exact],
        ),
    )


def _share(rows: Sequence[Row], search: str, leaf: str, simulations: int, words: str) -> Series:
    mine = [r for r in rows if (r["search"], r["leaf"], r["simulations"]) == (search, leaf, simulations)]
    ends = [wilson(row["disabled"], row["seeds"]) for row in mine]
    return Series(
        words,
        tuple(row["cost"] for row in mine),
        tuple(row["disabled"] / row["seeds"] for row in mine),
        tuple(end[0] for end in ends) if search in ("gumbel", "muzero") else (),
        tuple(end[1] for end in ends) if search in ("gumbel", "muzero") else (),
    )


def _wrong_figure(rows: Sequence[Row]) -> Figure:
    keys = list(dict.fromkeys((row["search"], row["leaf"], row["simulations"]) for row in rows))
    bars = []
    for search, leaf, simulations in sorted(keys, key=lambda key: (list(WORDS).index(key[0]), key[1], key[2])):
        mine = [r for r in rows if (r["search"], r["leaf"], r["simulations"]) == (search, leaf, simulations)]
        row = max(mine, key=lambda row: row["contradicts"] / row["seeds"])
        low, high = wilson(row["contradicts"], row["seeds"])
        said = sum(row["decided"] == row["seeds"] for row in mine)
        more = f" (decides {said} of {len(mine)} costs)" if search == "bracket" else f", {leaf} leaf"
        words = f"{WORDS[search]}{more}: {simulations}"
        bars.append(
            (
                words,
                row["contradicts"] / row["seeds"],
                low if search in ("gumbel", "muzero") else 0.0,
                high if search in ("gumbel", "muzero") else 0.0,
                "keeps" if search == "bracket" else "disables",
            )
        )
    return Figure(
        "worst",
        "The share of seeds with a wrong verdict at the cost where each search errs most, by the number of simulations, with 95 % Wilson "
        "intervals where seeds differ. More simulations do not help the frozen searches near the line; with both leaves they decide "
        "more, and no verdict is wrong.",
        lambda width, name: bar_chart(
            width=width,
            name=name,
            title="How often each search is wrong where it errs most",
            desc="Worst share of wrong verdicts by search and simulations.",
            unit="share of seeds (search: simulations)",
            bars=bars,
            key=[("disables", "one search with one leaf"), ("keeps", "both leaves: says nothing where they disagree")],
        ),
    )


STUDY = Study(
    name="search",
    title="Can a tree search be trusted with the verdict?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="verdicts at eight costs of oversight around the exact line, in 64 seeds each (16, and 4 with "
    "1024 simulations, where hardly anything is random), without noise at the root, against the exact "
    "tree; one contradiction where both leaves agree, or a frozen search that errs in less than 5 % of seeds at each cost, shows the "
    "claim wrong",
    advice="Where the world answers by chance, search with chance nodes. Never let a search decide about its overseer with a single leaf "
    "value: near the line its verdict is that of the leaf.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("mctx",),
)
