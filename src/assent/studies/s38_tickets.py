"""Multi-prize tickets as members: what is a committee of masks over one random network worth, and what makes a ticket? (E3)"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from assent.report.figures import Axis, Series, bar_chart, line_chart
from assent.studies.study import Figure, Row, Score, Study, Verdict
from assent.studies.ticket_measures import Committees, Readout, Sweep, measured

CLAIM = (
    "Four masks for each of three layers of one random network make 64 members, for at most 2.5 trainings of one ticket and 4 bits a "
    "weight of masks, that are within a point as often right as one ticket and worth at least 0.88 times as many independent members as 64 "
    "networks trained apart. Tickets over one network err at most 0.04 more alike than tickets over a network each; at twice the width and "
    "half kept they are within a point as often right as trained networks; their masks correlate by about 0.03, binary ones' by 0.06; a "
    "mask that is shuffled within its layers, or was never trained, is right in at most 15 %. Accuracy is best where at most half is kept, "
    "and a mask carries H(keep) bits a weight. And tickets are nothing special to deep networks: a "
    "linear reading of 4,096 random features holds one within a point as good."
)
SOURCE = (
    "Diffenderfer and Kailkhura, Multi-prize lottery ticket hypothesis, ICLR 2021 (biprop, and its issue 1 for where accuracy is best); "
    "Ramanujan and others, What's hidden in a randomly weighted neural network?, CVPR 2020 (edge-popup); limits from a prototype's "
    "figures, docs/committees.md; that a linear model holds tickets too: source note 1's reviewer"
)
KEEPS = (0.1, 0.3, 0.5, 0.7, 0.9)
LOST, CAP, TRAININGS, BITS, ALIKE, DENSE, SHUFFLED, KEPT, LINEAR = 0.01, 0.88, 2.5, 4.0, 0.04, 0.01, 0.15, 0.5, 0.01
MASKS = {"edge-popup": 0.033, "biprop": 0.064}
NEAR = 0.02
CARRIED = 0.001


BARS = (
    ("networks trained apart", "deep", "member_accuracy", "indifferent"),
    ("tickets over one network", "tickets", "member_accuracy", "keeps"),
    ("tickets over a network each", "many-tickets", "member_accuracy", "keeps"),
    ("binary tickets", "biprop", "member_accuracy", "keeps"),
    ("composed tickets", "composed", "member_accuracy", "keeps"),
    ("a ticket's mask, shuffled", "tickets", "shuffled", "disables"),
    ("a mask before training", "tickets", "untrained", "disables"),
)


GRID = (
    Committees("mnist", 64, 16),
    *(
        # at one half the two scales are the same; nothing is left to choose where all is kept
        Sweep("mnist", tuple(k for k in KEEPS if k != 0.5) if paper else (*KEEPS, 1.0), binary, init, paper)
        for binary in (False, True)
        for init in ("kaiming_normal", "signed_constant")
        for paper in (False, True)
    ),
    Readout("mnist", 512, 0.5),
    Readout("mnist", 4096, 0.5),
)
QUICK = (
    Committees("digits", 8, 2),
    Sweep("digits", (0.5, 1.0), False, "kaiming_normal", False),
    Readout("digits", 2048, 0.5),
)


def score(rows: Sequence[Row]) -> dict[str, float]:
    """Means over seeds, and the worst seed's beside them."""
    numbers: dict[str, float] = {"seeds": float(len({row["seed"] for row in rows}))}
    apart, mixed, one, many, binary = (
        _ways(rows, name) for name in ("deep", "composed", "tickets", "many-tickets", "biprop")
    )
    both = list(zip(one, mixed, strict=True))
    every = (*one, *many, *binary)
    compared = {
        "lost": [a["member_accuracy"] - b["member_accuracy"] for a, b in both],
        "trainings": [b["train_flops"] / (a["train_flops"] / a["members"]) for a, b in both],
        "mask_bits": [row["mask_bits"] / row["weights"] for row in mixed],
        "all_bits": [8 * row["num_bytes"] / row["weights"] for row in mixed],
        "alike": [a["correlation"] - b["correlation"] for a, b in zip(one, many, strict=True)],
        "below": [a["member_accuracy"] - b["member_accuracy"] for a, b in zip(apart, one, strict=True)],
        "shuffled": [row["shuffled"] for row in every],
        "untrained": [row["untrained"] for row in every],
    }
    for name, values in compared.items():
        numbers |= _spread(name, values)
    numbers |= _spread("less", [b["n_eff_cap"] / a["n_eff_cap"] for a, b in zip(apart, mixed, strict=True)], low=True)
    numbers["masks_off"] = 0.0  # the figures are those of MNIST
    for name, mine in (("edge-popup", one), ("biprop", binary)):
        numbers[f"masks_{name}"] = float(np.mean([row["mask_correlation"] for row in mine]))
        if mine[0]["problem"] == "mnist":
            numbers["masks_off"] = max(numbers["masks_off"], abs(numbers[f"masks_{name}"] - MASKS[name]))
    for row_name, mine in (("apart", apart), ("composed", mixed), ("one", one), ("many", many), ("biprop", binary)):
        for column in ("member_accuracy", "accuracy", "correlation", "n_eff_cap"):
            numbers[f"{row_name}_{column}"] = float(np.mean([row[column] for row in mine]))
        numbers[f"{row_name}_members"] = float(mine[0]["members"])
    return numbers | _swept([row for row in rows if row["part"] == "sweep"]) | _read(rows, one)


def _swept(rows: Sequence[Row]) -> dict[str, float]:
    """Where each way of pruning is best, what the published scale costs, and what is right where all is kept."""
    numbers: dict[str, float] = {"most_kept": 0.0}
    for way, init in sorted({(row["way"], row["init"]) for row in rows}):
        mine = _means([row for row in rows if row["way"] == way and row["init"] == init and not row["paper_compat"]])
        best = max(mine, key=lambda keep: mine[keep])
        numbers |= {f"best_{way}_{init}": best, f"right_{way}_{init}": mine[best]}
        numbers["most_kept"] = max(numbers["most_kept"], best)
        paper = _means([row for row in rows if row["way"] == way and row["init"] == init and row["paper_compat"]])
        for keep in paper:
            numbers[f"paper_{way}_{init}_{keep:g}"] = mine[keep] - paper[keep]
    costs = [value for name, value in numbers.items() if name.startswith("paper_")]
    numbers |= {"scale_mean": float(np.mean(costs or [0.0])), "scale_most": float(max(costs, default=0.0))}
    numbers["scale_least"] = float(min(costs, default=0.0))
    numbers["all_kept"] = float(max((row["accuracy"] for row in rows if row["keep"] == 1), default=0.0))
    numbers["bits_apart"] = max(abs(row["bits"] - row["bits_counted"]) for row in rows)
    return numbers


def _read(rows: Sequence[Row], deep: Sequence[Row]) -> dict[str, float]:
    """Tickets in linear readings, and how far the widest is behind the deep network's."""
    mine = [row for row in rows if row["part"] == "readout"]
    sizes = sorted({row["features"] for row in mine})
    numbers: dict[str, float] = {"features": float(sizes[-1])}
    for size in sizes:
        here = [row for row in mine if row["features"] == size]
        numbers |= _spread(f"linear_{size}", [row["accuracy"] for row in here], low=True)
        numbers[f"ridge_{size}"] = float(np.mean([row["ridge"] for row in here]))
    behind = float(np.mean([row["member_accuracy"] for row in deep])) - numbers[f"linear_{sizes[-1]}"]
    return numbers | {"linear_behind": behind}


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    bars = {
        "accuracy of composed tickets": numbers["lost"] <= LOST,
        "what composed tickets are worth": numbers["less"] >= CAP,
        "cost": numbers["trainings_worst"] <= TRAININGS,
        "size": numbers["mask_bits_worst"] <= BITS,
        "likeness over one network": numbers["alike"] <= ALIKE,
        "accuracy of tickets": numbers["below"] <= DENSE,
        "likeness of masks": numbers["masks_off"] <= NEAR,
        "shuffled masks": numbers["shuffled_worst"] <= SHUFFLED,
        "masks before training": numbers["untrained_worst"] <= SHUFFLED,
        "where accuracy is best": numbers["most_kept"] <= KEPT,
        "what masks carry": numbers["bits_apart"] <= CARRIED,
        "linear readings": numbers["linear_behind"] <= LINEAR,
    }
    missed = [name for name, held in bars.items() if not held]
    members, widest = round(numbers["composed_members"]), round(numbers["features"])
    best = "; ".join(
        f"{name.removeprefix('best_').replace('_', ' ')} {value:g} ({_share(numbers[name.replace('best', 'right', 1)])})"
        for name, value in numbers.items()
        if name.startswith("best_")
    )
    linear = "; ".join(
        f"{name.removeprefix('ridge_')} features {_share(numbers[name.replace('ridge', 'linear', 1)])}, ridge {_share(value)}"
        for name, value in numbers.items()
        if name.startswith("ridge_")
    )
    return Verdict(
        not missed,
        f"Yes: {members} members for the price of {numbers['trainings']:.1f} tickets, in {numbers['all_bits']:.2f} bits a weight; but a "
        f"linear reading of {widest:,} random features holds tickets as good, so they say nothing about deep networks."
        if not missed
        else f"Not in everything: {', '.join(missed)} missed.",
        f"Means over {round(numbers['seeds'])} seeds. {members} composed: members right in {_share(numbers['composed_member_accuracy'])}, "
        f"one ticket {_share(numbers['one_member_accuracy'])}, networks apart {_share(numbers['apart_member_accuracy'])}; worth "
        f"{numbers['composed_n_eff_cap']:.2f} independent members against {numbers['apart_n_eff_cap']:.2f} apart (ratio "
        f"{numbers['less']:.2f}, worst seed {numbers['less_worst']:.2f}); {numbers['trainings']:.2f} trainings of a ticket; masks "
        f"{numbers['mask_bits']:.4f} bits a weight, with keys and choices {numbers['all_bits']:.4f}. Correlation of "
        f"{round(numbers['one_members'])} tickets' errors over one network {numbers['one_correlation']:.3f}, over one each "
        f"{numbers['many_correlation']:.3f} (difference {numbers['alike']:.3f}, worst {numbers['alike_worst']:.3f}); of masks "
        f"{numbers['masks_edge-popup']:.3f} (edge-popup) and {numbers['masks_biprop']:.3f} (biprop, right in "
        f"{_share(numbers['biprop_member_accuracy'])}). Shuffled masks at most {_share(numbers['shuffled_worst'])}, masks before training "
        f"{_share(numbers['untrained_worst'])}, all kept {_share(numbers['all_kept'])}. Best share kept: {best}. The published scale costs "
        f"{100 * numbers['scale_mean']:.2f} points on average, from {100 * numbers['scale_least']:.2f} to "
        f"{100 * numbers['scale_most']:.2f}. Bits a weight and H(keep) differ by at most "
        f"{numbers['bits_apart']:.4f}. Tickets in linear readings: {linear}.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures, means over seeds."""
    return (
        Figure(
            "kept",
            "How often one ticket is right by the share of weights that it keeps, and the least and the greatest seed; its weights are "
            "scaled by what is kept. Where all is kept a random network is left, which is not shown: it is right about once in ten times.",
            functools.partial(_kept_chart, rows),
        ),
        Figure(
            "right",
            "How often masks are right: of members, of masks without training, and in linear readings of random features.",
            functools.partial(_right_chart, rows),
        ),
    )


def _kept_chart(rows: Sequence[Row], width: float, name: str) -> Markup:
    swept = [row for row in rows if row["part"] == "sweep" and not row["paper_compat"] and row["keep"] < 1]
    series = list[Series]()
    for way, init in sorted({(row["way"], row["init"]) for row in swept}):
        mine = [row for row in swept if row["way"] == way and row["init"] == init]
        keeps = sorted({row["keep"] for row in mine})
        of = [[100.0 * row["accuracy"] for row in mine if row["keep"] == keep] for keep in keeps]
        mean, low, high = (tuple(float(which(values)) for values in of) for which in (np.mean, min, max))
        series.append(Series(f"{way}, {init.replace('_', ' ')}", tuple(keeps), mean, low, high))
    values = [value for one in series for value in (*one.low, *one.high)]
    return line_chart(
        width=width,
        name=name,
        title="How much of a random network to keep",
        desc="Accuracy of one ticket on test items.",
        x=Axis("share of weights that stay", 0.0, 1.0),
        y=Axis("right (%)", math.floor(min(values)), math.ceil(max(values))),
        series=series,
    )


def _right_chart(rows: Sequence[Row], width: float, name: str) -> Markup:
    named = [(words, [row[of] for row in _ways(rows, way)], class_) for words, way, of, class_ in BARS]
    for size in sorted({row["features"] for row in rows if row["part"] == "readout"}):
        mine = [row for row in rows if row["part"] == "readout" and row["features"] == size]
        named.append((f"ticket in {size:,} features", [row["accuracy"] for row in mine], "keeps"))
        named.append((f"ridge on {size:,} features", [row["ridge"] for row in mine], "indifferent"))
    return bar_chart(
        width=width,
        name=name,
        title="Masks that were looked for, masks that were not, and what was trained",
        desc="Share of test items that are right, with the least and the greatest seed.",
        unit="right",
        bars=[(words, float(np.mean(of)), float(min(of)), float(max(of)), class_) for words, of, class_ in named],
        form=_share,
        key=(("keeps", "mask, found"), ("disables", "mask, not looked for"), ("indifferent", "trained weights")),
    )


def _means(rows: Sequence[Row]) -> dict[float, float]:
    """Mean accuracy by the share that is kept, ascending."""
    keeps = sorted({row["keep"] for row in rows})
    return {keep: float(np.mean([row["accuracy"] for row in rows if row["keep"] == keep])) for keep in keeps}


def _ways(rows: Sequence[Row], way: str) -> list[Row]:
    """By seed."""
    mine = [row for row in rows if row["part"] == "committee" and row["way"] == way]
    return sorted(mine, key=lambda row: row["seed"])


def _spread(name: str, values: Sequence[float], *, low: bool = False) -> dict[str, float]:
    """The mean, and the worst: the greatest, or the least."""
    return {name: float(np.mean(values)), f"{name}_worst": float(min(values) if low else max(values))}


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


STUDY = Study(
    name="tickets",
    title="Are lottery tickets members for little money, and are they more than a mask in any random model?",
    claim=CLAIM,
    source=SOURCE,
    yardstick=(
        "each limit of the claim: means over seeds of accuracy lost, of independent members and of correlations; the worst seed's "
        "trainings of operations, bits of masks, and accuracy of masks that were not looked for; correlations of masks to 0.02, bits of "
        "masks to 0.001; the share kept at which the mean accuracy is greatest; one that is missed shows the claim wrong"
    ),
    advice="Keep a committee as a few masks for each layer of one random network where memory is what is scarce, not computing.",
    grid=GRID,
    quick=QUICK,
    seeds=3,
    run=measured,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax", "optax", "sklearn", "safetensors"),
)
