"""Which way of asking holds where items change, or members turn: four ways, four committees, settings kept from validation. (E5)"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from assent.report.figures import Axis, Series, line_chart
from assent.studies.shifted_committees import (
    ANGLES,
    CALM,
    NOISE,
    PLANT,
    RATE,
    RULES,
    SHARES,
    SINGLE,
    TURNED,
    UNSEEN,
    Shifts,
    shifted_rows,
)
from assent.studies.study import Figure, Row, Score, Study, Verdict

CLAIM = (
    "On 1,000 items of MNIST, settings are chosen on validation to ask about a quarter, and kept. Where members are honest, a threshold "
    "on their mean acts wrongly less often than the minimum, for every committee: as learned at most 0.75 times as often per act; and in a "
    "smaller share of all items where five classes come five times as often, where pictures are turned by 15, 30, 45 or 60 degrees or "
    "scrambled, and where a class was never seen. With a quarter asked anew, among other shares of classes or at up to 30 degrees, it is "
    "never more than a point behind. No setting is a promise: other shares of classes move asking by at most ten points, and wrong acts to "
    "at most twice and half a point more, but 45 degrees make the minimum's acts wrong at least three times as often. At 45 degrees and "
    "for an unseen class the mean of tangent samples acts wrongly at most 0.75 times as often as one network. Where members lie, the "
    "minimum never acts wrongly more often than those allow that do not: with all but one planted in at most 5 % of cases, where a "
    "threshold on the mean of networks trained apart, and a random one of them, act wrongly in at least 90 %. With half of them planted "
    "that mean still asks (at most 5 % wrong), and a random member is wrong in at least 40 %."
)
SOURCE = (
    "source note 1, whose agent acts on what all models agree on; the reject rule of Chow (1970) as the control, which won on average in a "
    "prototype (0.63 % against 1.00 % of acts wrong); Ovadia and others (NeurIPS 2019) for shifts"
)
CONTROL, BEHIND, MOVED, TWICE, MORE, TRIPLE, FEWER = 0.75, 0.01, 0.10, 2.0, 0.005, 3.0, 0.75
HELD, FOOLED, HALF_FOOLED = 0.05, 0.9, 0.4
EXACT = 1e-5
"""What planted members leave to other labels, and rounding."""
GRID = (Shifts("mnist", (("deep", 64), ("tangent-trained", 64), ("tangent", 16)), 5_000),)
QUICK = (Shifts("digits", (("deep", 16), ("tangent", 16)), 600),)


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The mean over seeds, or the worst seed's where the claim speaks of at most or at least; the worst committee's throughout."""
    every = sorted({row["committee"] for row in rows} - {SINGLE})
    samples = [name for name in every if name.startswith("tangent")]
    honest = (SHARES, *TURNED, NOISE, UNSEEN)

    def over(rule: str, condition: str, name: str, what: str = "wrong_share") -> float:
        return _mean(_column(rows, what, measure="kept", rule=rule, condition=condition, committee=name))

    def anew(rule: str, condition: str, name: str) -> list[float]:
        return _column(rows, "wrong_per_act", measure="curve", ask=RATE, rule=rule, condition=condition, committee=name)

    numbers = {
        "seeds": float(len({row["seed"] for row in rows})),
        "control": max(
            a / max(b, 1e-9)
            for name in every
            for a, b in zip(anew("mean", CALM, name), anew("minimum", CALM, name), strict=True)
        ),
        "honest": max(over("mean", where, name) - over("minimum", where, name) for where in honest for name in every),
        "behind": max(
            _mean(anew("mean", where, name)) - _mean(anew("minimum", where, name))
            for where in (SHARES, *TURNED[:2])
            for name in every
        ),
        "moved": max(
            abs(value - RATE)
            for name in every
            for rule in ("minimum", "mean")
            for value in _column(rows, "ask", measure="kept", rule=rule, condition=SHARES, committee=name)
        ),
        "twice": max(
            over(rule, SHARES, name, "wrong_per_act") - TWICE * over(rule, CALM, name, "wrong_per_act")
            for name in every
            for rule in ("minimum", "mean")
        ),
        "triple": min(
            over("minimum", TURNED[2], name, "wrong_per_act") / max(over("minimum", CALM, name, "wrong_per_act"), 1e-9)
            for name in every
        ),
        "fewer": max(
            over("mean", where, name) / max(over("mean", where, SINGLE), 1e-9)
            for where in (TURNED[2], UNSEEN)
            for name in samples
        ),
    }
    lied = [row for row in rows if row["condition"] == PLANT]
    numbers["beyond"] = max(
        row["wrong_share"] - row["limit"] for row in lied if row["rule"] == "minimum" and row["liars"]
    )
    for rule in ("minimum", "mean", "random"):
        for share, place in (("half", 0.5), ("last", 1.0)):
            found = [_liars(lied, name, rule, place) for name in (every if rule == "minimum" else _apart(every))]
            numbers[f"{rule}_{share}"] = (min if (rule, share) in FOOLING else max)(map(_worse(rule, share), found))
    for name in (*every, SINGLE):
        for rule in ("minimum", "mean"):
            for short, where in (("calm", CALM), ("turned", TURNED[2]), ("unseen", UNSEEN)):
                numbers[f"{rule} {short} {name}"] = over(rule, where, name)
            numbers[f"{rule} quarter {name}"] = _mean(anew(rule, CALM, name))
    return numbers


FOOLING = {("mean", "last"), ("random", "half"), ("random", "last")}
"""Where the claim says that a way is fooled: there the least counts, and elsewhere the most."""


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    bars = {
        "the control": numbers["control"] <= CONTROL,
        "honest members": numbers["honest"] < 0,
        "a quarter asked anew": numbers["behind"] <= BEHIND,
        "asking under other shares": numbers["moved"] <= MOVED,
        "wrong acts under other shares": numbers["twice"] <= MORE,
        "45 degrees": numbers["triple"] >= TRIPLE,
        "samples beside one network": numbers["fewer"] <= FEWER,
        "what true members allow": numbers["beyond"] <= EXACT,
        "the minimum with one true member": numbers["minimum_last"] <= HELD,
        "the mean fooled": numbers["mean_last"] >= FOOLED,
        "a random member fooled": numbers["random_last"] >= FOOLED,
        "the mean with half": numbers["mean_half"] <= HELD,
        "a random member with half": numbers["random_half"] >= HALF_FOOLED,
    }
    missed = [name for name, held in bars.items() if not held]
    names = sorted({key.removeprefix("mean calm ") for key in numbers if key.startswith("mean calm ")})
    each = "; ".join(
        f"{name}: {_share(numbers[f'mean quarter {name}'])} against {_share(numbers[f'minimum quarter {name}'])} of acts as learned, "
        f"{_share(numbers[f'mean turned {name}'])} against {_share(numbers[f'minimum turned {name}'])} of items at 45 degrees, "
        f"{_share(numbers[f'mean unseen {name}'])} against {_share(numbers[f'minimum unseen {name}'])} of an unseen class"
        for name in names
    )
    return Verdict(
        not missed,
        "A threshold on the mean errs least while members are honest, whatever the items; the minimum is the one that holds when nearly "
        "all members lie."
        if not missed
        else f"Not in everything: {', '.join(missed)} missed.",
        f"Wrong by a threshold on the mean against the minimum: {each}. Worst cases: mean per minimum as learned "
        f"{numbers['control']:.2f} times; shifted with settings kept {_points(numbers['honest'])}; a quarter asked anew "
        f"{_points(numbers['behind'])}; asking under other shares moved {_points(numbers['moved'])}, wrong acts beyond twice "
        f"{_points(numbers['twice'])}; the minimum's wrong acts at 45 degrees {numbers['triple']:.1f} times; tangent samples beside one "
        f"network {numbers['fewer']:.2f} times. All members but one planted: minimum wrong in {_share(numbers['minimum_last'])} of cases "
        f"(beyond what true members allow {numbers['beyond']:.0e}), mean of networks in {_share(numbers['mean_last'])}, a random one of "
        f"them in {_share(numbers['random_last'])}; half planted: {_share(numbers['minimum_half'])}, {_share(numbers['mean_half'])} and "
        f"{_share(numbers['random_half'])}.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures: means over seeds."""
    return (
        Figure(
            "turned",
            "Share of all pictures acted on wrongly as they are turned, with the setting kept that asked about a quarter of validation.",
            functools.partial(_turned, rows),
        ),
        Figure(
            "planted",
            "Share of pictures acted on wrongly as members of a committee of networks trained apart are replaced by liars who agree on a "
            "wrong label.",
            functools.partial(_lied, rows),
        ),
    )


def _turned(rows: Sequence[Row], width: float, name: str) -> Markup:
    lines = [
        Series(
            f"{committee}, {rule}",
            (0.0, *map(float, ANGLES)),
            tuple(
                _mean(_column(rows, "wrong_share", measure="kept", rule=rule, condition=where, committee=committee))
                for where in (CALM, *TURNED)
            ),
        )
        for committee in dict.fromkeys(row["committee"] for row in rows)
        for rule in ("minimum", "mean")
        if not (committee == SINGLE and rule == "minimum")  # one network is no committee, and would dwarf all others
    ]
    return line_chart(
        width=width,
        name=name,
        title="Turned pictures",
        desc="Share acted on wrongly by degrees, for two ways of each committee.",
        x=Axis("degrees", 0.0, float(ANGLES[-1])),
        y=Axis("share acted on wrongly", 0.0, max(max(line.y) for line in lines) * 1.05),
        series=lines,
    )


def _lied(rows: Sequence[Row], width: float, name: str) -> Markup:
    mine = [row for row in rows if row["condition"] == PLANT and row["committee"].startswith("deep ")]
    numbers = sorted({row["liars"] for row in mine})
    members = numbers[-1] + 1
    lines = [
        Series(
            rule,
            tuple(number / members for number in numbers),
            tuple(_mean(_column(mine, "wrong_share", liars=number, rule=rule)) for number in numbers),
        )
        for rule in RULES
    ]
    return line_chart(
        width=width,
        name=name,
        title="Lying members",
        desc="Share acted on wrongly by the share of members that lie, for four ways.",
        x=Axis("share of members that lie", 0.0, 1.0),
        y=Axis("share acted on wrongly", 0.0, 1.0),
        series=lines,
    )


def _column(rows: Sequence[Row], what: str, **where: Any) -> list[float]:
    """By seed."""
    found = [row for row in rows if all(row.get(name) == value for name, value in where.items())]
    return [row[what] for row in sorted(found, key=lambda row: row["seed"])]


def _liars(lied: Sequence[Row], name: str, rule: str, share: float) -> list[float]:
    """Wrong acts of each seed with half of the members planted, or with all but one."""
    mine = [row for row in lied if row["committee"] == name and row["rule"] == rule]
    most = max(row["liars"] for row in mine)
    wanted = most if share == 1.0 else (most + 1) // 2
    return [row["wrong_share"] for row in mine if row["liars"] == wanted]


def _worse(rule: str, share: str) -> Any:
    """What of several seeds is held against a limit."""
    return min if (rule, share) in FOOLING else max


def _apart(every: Sequence[str]) -> list[str]:
    """Committees of networks trained apart."""
    return [name for name in every if name.startswith("deep ")]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _share(value: float) -> str:
    return f"{100 * value:.2f} %"


def _points(value: float) -> str:
    return f"{100 * value:+.2f} points"


STUDY = Study(
    name="asking-rules",
    title="Which way of asking holds when the items change, or the members lie?",
    claim=CLAIM,
    source=SOURCE,
    yardstick=(
        "shares acted on wrongly with settings kept from validation, the mean over seeds for honest members, and the worst seed for the "
        "control, for asking under other shares of classes and for planted members; each limit of the claim on the worst committee that it "
        "speaks of; one that is missed shows the claim wrong"
    ),
    advice=(
        "Act on a threshold on the mean where members are honest and the average counts; take the minimum where a member may be false, and "
        "believe no setting where the items changed."
    ),
    grid=GRID,
    quick=QUICK,
    seeds=3,
    run=shifted_rows,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax", "optax", "sklearn", "scipy", "safetensors"),
)
