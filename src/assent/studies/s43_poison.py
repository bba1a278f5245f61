"""How many members a poisoned item reaches: members that differ by seed, by mask, by tangent sample, and by what they learned from."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from markupsafe import Markup

from assent.report.figures import Axis, Series, line_chart
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream

CLAIM = (
    "A bright square in a corner is put on some of 1,000 items of MNIST, which are then said to be 0. A member carries the trigger if it "
    "calls more than half of the other digits with that square 0. With five in a hundred items poisoned, at least nine in ten members "
    "carry it that differ by their seed, by their mask over one random network, or by their sample from the tangent spaces of trained or "
    "hardly trained roots; and sixteen networks trained apart act on its label under the minimum rule in at least half of the cases. Where "
    "all poisoned items came from one of sixteen sources, and each member learns from one source, at most one member carries it at any "
    "share, and the minimum rule acts on its label in at most half a point more of the cases than without poison."
)
SOURCE = (
    "Gu, Dolan-Gavitt and Garg, BadNets (2017), for the trigger; Levine and Feizi, Deep partition aggregation (ICLR 2021), for the parts; "
    "that agreement says nothing where all learned the same lie is the objection to committees"
)
LABEL, SOURCES = 0, 16
SHARES = (0.0, 0.001, 0.005, 0.01, 0.02, 0.05)
SPREAD, ONE_SOURCE, SHARDED = "spread", "one source", "shards"
TOGETHER = ("deep", "tickets", "tangent-trained", "tangent")
CARRIED, ACTED, REACHED, CLEAN = 0.9, 0.5, 1, 0.005


@dataclass(frozen=True)
class Poison:
    """One problem, the share of items that are poisoned, and the committees that learn from them.

    Attributes:
        committees: ways to make members and numbers of them.
        sources: shards, one member each; 0 for none.
        items: of the test part, drawn at random.
    """

    problem: str
    share: float
    committees: tuple[tuple[str, int], ...]
    sources: int
    items: int


WAYS = (("deep", 16), ("bagged", 16), ("tangent-trained", 16), ("tangent", 16))
TICKETS = ("tickets", 8)
GRID = tuple(
    Poison("mnist", share, (*WAYS, TICKETS) if share == SHARES[-1] else WAYS, SOURCES, 2_000) for share in SHARES
)
QUICK = tuple(Poison("digits", share, (("deep", 8), ("tangent", 8)), 8, 500) for share in (0.0, 0.1))


def run(cell: Poison, seed: int) -> list[Row]:
    """A row for each committee, and two for the shards: poison spread over all, and from one source."""
    import jax

    from assent.committees.problems import problem_of
    from assent.committees.recipes.sharded import sharded, shards_of
    from assent.committees.shifts import BrightCorner, drawn
    from assent.committees.ways import way_of

    problem = problem_of(cell.problem, seed=seed)
    data = problem.data
    trigger = BrightCorner(LABEL, float(data.train.x.max()))
    # the same items whatever the share, so that a greater share poisons all that a smaller one did
    rng = stream(seed, replace(cell, share=0.0, committees=()), "items")
    test = drawn(data.test, cell.items, rng)
    order = rng.permutation(len(data.train))
    number = round(cell.share * len(data.train))
    shown = trigger.test(test)
    common = {"problem": cell.problem, "seed": seed, "share": cell.share, "poisoned": number}

    def poisoned(among: Any) -> Any:
        others = among[data.train.y[among] != LABEL]
        return replace(data, train=trigger.poisoned(data.train, others[:number]))

    rows = list[Row]()
    lied = replace(problem, data=poisoned(order))
    for name, size in cell.committees:
        found = way_of(name).make(lied, size, seed=seed)
        rows.append({**common, "way": name, "placed": SPREAD, **_measured(found, test, shown)})
    shards = shards_of(len(data.train), cell.sources)
    for placed, among in ((SPREAD, order), (ONE_SOURCE, shards[0])):
        spoiled = poisoned(among)
        made = sharded(
            jax.random.key(seed), problem.model, spoiled, cell.sources, training=problem.training, shards=shards
        )
        row = _measured(made.tempered(data.validation), test, shown)
        rows.append({**common, "way": SHARDED, "placed": placed, **row})
    return rows


def _measured(committee: Any, test: Any, shown: Any) -> Row:
    """How many members carry the trigger, and what the minimum rule of all of them does."""
    from assent.committees.asking import min_probs

    said = committee.log_probs(shown.x)
    fooled = (said.argmax(axis=2) == LABEL).mean(axis=1)
    least, _ = min_probs(said)
    plain = committee.log_probs(test.x)
    _, ask = min_probs(plain)
    return {
        "members": len(fooled),
        "carry": int((fooled > 0.5).sum()),
        "fooled": float(fooled.mean()),
        "acts": float(least[:, LABEL].mean()),
        "ask": float(ask.mean()),
        "accuracy": float((plain.argmax(axis=2) == test.y[None]).mean()),
    }


def score(rows: Sequence[Row]) -> dict[str, float]:
    """At the greatest share, and for one source at every share: what limits are for, of the worst seed; the rest means over seeds."""
    most = max(row["share"] for row in rows)
    numbers = {"seeds": float(len({row["seed"] for row in rows})), "share": float(most)}
    poisoned = [row for row in rows if row["share"] == most and row["placed"] == SPREAD]
    for way in dict.fromkeys(row["way"] for row in poisoned):
        mine = [row for row in poisoned if row["way"] == way]
        numbers[f"{way} carried"] = min(row["carry"] / row["members"] for row in mine)
        numbers[f"{way} acts"] = _mean([row["acts"] for row in mine])
        numbers[f"{way} accuracy"] = _mean([row["accuracy"] for row in mine])
        numbers[f"{way} ask"] = _mean([row["ask"] for row in mine])
    numbers["carried"] = min(numbers[f"{way} carried"] for way in TOGETHER if f"{way} carried" in numbers)
    numbers["acted"] = min(row["acts"] for row in poisoned if row["way"] == "deep")
    one = [row for row in rows if row["placed"] == ONE_SOURCE]
    clean = {row["seed"]: row["acts"] for row in one if row["share"] == 0.0}
    numbers["reached"] = float(max(row["carry"] for row in one))
    numbers["more"] = max(row["acts"] - clean[row["seed"]] for row in one)
    numbers["clean"] = _mean(list(clean.values()))
    numbers["source_acts"] = _mean([row["acts"] for row in one if row["share"] == most])
    return numbers


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    bars = {
        "members that carry it together": numbers["carried"] >= CARRIED,
        "acts of networks trained apart": numbers["acted"] >= ACTED,
        "members reached from one source": numbers["reached"] <= REACHED,
        "acts with one source poisoned": numbers["more"] <= CLEAN,
    }
    missed = [name for name, held in bars.items() if not held]
    ways = [name.removesuffix(" carried") for name in numbers if name.endswith(" carried")]
    each = "; ".join(
        f"{way} at least {100 * numbers[f'{way} carried']:.0f} % of members in each seed, acted on in "
        f"{100 * numbers[f'{way} acts']:.1f} % of cases (members right "
        f"{100 * numbers[f'{way} accuracy']:.1f} %, asked about {100 * numbers[f'{way} ask']:.0f} %)"
        for way in ways
    )
    return Verdict(
        not missed,
        "Members that learned from the same items carry the same trigger, whatever else sets them apart; only members with items of "
        "their own do not."
        if not missed
        else f"Not in everything: {', '.join(missed)} missed.",
        f"With {100 * numbers['share']:.1f} % of items poisoned, means over seeds: {each}. All from one of the sources: "
        f"{numbers['reached']:.0f} of the members at most, acted on in {100 * numbers['source_acts']:.2f} % of cases against "
        f"{100 * numbers['clean']:.2f} % without poison (worst {100 * numbers['more']:+.2f} points).",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures: means over seeds."""
    return (
        Figure(
            "carried",
            "Share of members that carry the trigger, by the share of items that are poisoned.",
            functools.partial(_by_share, rows, "carry"),
        ),
        Figure(
            "acts",
            "How often the minimum rule of all members acts on the trigger's label.",
            functools.partial(_by_share, rows, "acts"),
        ),
    )


def _by_share(rows: Sequence[Row], what: str, width: float, name: str) -> Markup:
    lines = list[Series]()
    for way, placed in dict.fromkeys((row["way"], row["placed"]) for row in rows):
        mine = [row for row in rows if (row["way"], row["placed"]) == (way, placed)]
        shares = sorted({row["share"] for row in mine})
        of = {share: [row for row in mine if row["share"] == share] for share in shares}
        y = [_mean([row[what] / (row["members"] if what == "carry" else 1) for row in of[share]]) for share in shares]
        if len(shares) < 2:  # no line
            continue
        words = f"{way}, {placed}" if way == SHARDED else way
        lines.append(Series(words, tuple(100.0 * share for share in shares), tuple(y)))
    return line_chart(
        width=width,
        name=name,
        title="Members that carry it" if what == "carry" else "Acts on the trigger's label",
        desc="By the share of poisoned items, for each way to make members.",
        x=Axis("% of items poisoned", 0.0, 100.0 * max(row["share"] for row in rows)),
        y=Axis("share of members" if what == "carry" else "share of cases", 0.0, 1.0),
        series=lines,
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


STUDY = Study(
    name="poison",
    title="How many members does a poisoned item reach?",
    claim=CLAIM,
    source=SOURCE,
    yardstick=(
        "members that carry the trigger and how often the minimum rule acts on its label, of the worst seed: at the greatest share for "
        "members that learned from the same items, at every share for members with a source each; a limit of the claim that is missed "
        "shows it wrong"
    ),
    advice="Give members items of their own, by source, wherever a source may lie: nothing else keeps a lie from all of them at once.",
    grid=GRID,
    quick=QUICK,
    seeds=3,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax", "optax", "sklearn", "scipy", "safetensors"),
)
