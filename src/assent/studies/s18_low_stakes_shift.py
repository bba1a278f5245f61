"""Through a shift: does an audited online learner lose no more than its regret times the stake?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from assent.report.figures import Axis, Line, Series, bar_chart, line_chart
from assent.studies.measures import tails, wilson
from assent.studies.shifted_lives import FROZEN, GUARDED, MEMBER, RESTARTING, UNGUARDED, UNSHARED, Broken, Shifted, run
from assent.studies.staked_lives import NEW, RENAMED, RISK, TURNED
from assent.studies.study import Figure, Row, Score, Study, Verdict

CLAIM = (
    "Whatever comes, shifts included: an online learner that is asked about by a blind coin and does nothing alone that may cost more than "
    "the stake loses in all at most the stake times its bound on wrong acts, at all times, but in one life in a hundred; and its log loss "
    "is at most that of the best sequence of members plus the bound of fixed share. A model that stays as it was loses more than that in "
    "the rest of a life after the shift (of 6,000 rounds in tables, of 16,000 in digits), and so does the same learner without the guard, "
    "in nine of ten lives, if some acts are dear. A premise that is broken shows in the run's own record, and where none is there is no "
    "alarm."
)
SOURCE = (
    "the idea: P. Christiano, Low-stakes alignment, 2021; fixed share: M. Herbster and M. K. Warmuth, Tracking the best expert, 1998; "
    "online gradients: M. Zinkevich, Online convex programming and generalized infinitesimal gradient ascent, 2003; the bound on wrong "
    "acts: derived in docs/low-stakes.md"
)
PREMISES = ("none", "stake", "cost", "free", "rate", "silence", "regret", "total")
GRID = (
    Shifted(MEMBER, 0.1, all=True),
    Shifted(MEMBER, 0.05),
    Shifted(MEMBER, 0.2),
    Shifted(MEMBER, 0.1, noise=0.01),
    Shifted(MEMBER, 0.1, switches=4),
    Shifted(MEMBER, 0.1, switches=0),
    *(Shifted(shift, 0.2, num_steps=16_000) for shift in (TURNED, RENAMED, NEW)),
    *(Broken(premise) for premise in PREMISES),
)
QUICK = (
    Shifted(MEMBER, 0.1, num_steps=4_000, all=True),
    Shifted(NEW, 0.2, num_steps=4_000),
    *(Broken(premise, 4_000) for premise in PREMISES),
)


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    lives = [row for row in rows if row.get("passed") is not None]
    of = {name: [row for row in lives if row["learner"] == name] for name in dict.fromkeys(r["learner"] for r in lives)}
    guarded, checked = of[GUARDED], [row for row in rows if row.get("premise")]
    shifted = [pair for pair in zip(guarded, of[FROZEN], strict=True) if pair[0]["switches"] > 0]
    broken = [row for row in checked if row["premise"] != "none"]
    ratios = [row["cost"] / row["bound"] for row in guarded]
    base = [row for row in guarded if row["shift"] == MEMBER and row["noise"] == 0 and row["switches"] == 1]
    return {
        "lives": float(len(guarded)),
        "passed": float(sum(row["passed"] for row in guarded)),
        "worst_part": max(ratios),
        "mean_part": float(np.mean(ratios)),
        "above_beforehand": float(sum(row["cost"] > row["beforehand"] for row in guarded)),
        "over_regret": float(sum(row["log_loss"] - row["best"] > row["nats"] + 1e-6 for row in guarded)),
        "nearest_regret": max((row["log_loss"] - row["best"]) / row["nats"] for row in guarded),
        "shifted": float(len(shifted)),
        "frozen_above": float(sum(frozen["cost"] > mine["bound"] for mine, frozen in shifted)),
        "frozen_least": min(frozen["cost"] / mine["bound"] for mine, frozen in shifted),
        "frozen_times": float(np.mean([frozen["cost"] / max(mine["cost"], 1e-9) for mine, frozen in shifted])),
        "free_above": float(sum(row["cost"] > row["bound"] for row in of[UNGUARDED])),
        "free_times": float(np.mean([row["cost"] / row["bound"] for row in of[UNGUARDED]])),
        "unshared_times": _times(of, UNSHARED),
        "restarting_times": _times(of, RESTARTING),
        "base_asked": float(np.mean([row["asked"] / row["step"] for row in base])),
        "base_cost": float(np.mean([row["cost"] for row in base])),
        "base_bound": float(np.mean([row["bound"] for row in base])),
        "base_steps": float(base[0]["step"]),
        "false_alarms": float(
            sum(row["breaches"] > 0 for row in guarded) + sum(1 - r["found"] for r in checked if r not in broken)
        ),
        "watched": float(len(guarded) + len(checked) - len(broken)),
        "broken": float(len(broken)),
        "broken_found": float(sum(row["found"] for row in broken)),
    }


def _times(of: Mapping[str, Sequence[Row]], name: str) -> float:
    """How many times as much a learner lost as the one with a share, in the same lives."""
    theirs = of.get(name, ())
    mine = [
        row
        for row in of[GUARDED]
        if theirs and all(row[key] == theirs[0][key] for key in ("shift", "rate", "noise", "switches"))
    ]
    return float(np.mean([r["cost"] for r in theirs]) / np.mean([r["cost"] for r in mine])) if theirs else 0.0


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    # so many lives above a bound that one in a hundred may pass would come by chance less than once in a thousand times
    above = int(max(numbers["passed"], numbers["above_beforehand"]))
    bounded = tails(above, int(numbers["lives"]), RISK)[1] > 1e-3 and numbers["over_regret"] == 0
    others = numbers["frozen_above"] == numbers["shifted"] and numbers["free_above"] > 0.9 * numbers["lives"]
    quiet = tails(int(numbers["false_alarms"]), int(numbers["watched"]), RISK)[1] > 1e-3
    checked = quiet and numbers["broken_found"] == numbers["broken"]
    return Verdict(
        bounded and others and checked,
        "The price of a shift is bounded, and small, for a learner that is corrected now and then and does nothing alone that may cost "
        f"much: on average it lost {_percent(numbers['mean_part'])} of its bound. A model that stays as it was loses "
        f"{numbers['frozen_times']:.0f} times as much, and the same learner without the guard {numbers['free_times']:.0f} times its bound."
        if bounded and others and checked
        else "The bound held, but not the rest of the claim."
        if bounded
        else "The learner lost more than its bound allows.",
        f"{numbers['passed']:.0f} of {numbers['lives']:.0f} guarded lives ever passed their bound, and {numbers['above_beforehand']:.0f} "
        f"lost more than the stake times what the regret bound allows beforehand; the costliest ended at "
        f"{_percent(numbers['worst_part'])} of its bound. Log loss was at most {_percent(numbers['nearest_regret'], 2)} of the regret "
        f"bound above the best sequence. The frozen model passed the learner's bound in {numbers['frozen_above']:.0f} of "
        f"{numbers['shifted']:.0f} lives with a shift, by {numbers['frozen_least']:.1f} times at least; the unguarded learner its own in "
        f"{numbers['free_above']:.0f} of {numbers['lives']:.0f}. Without share the learner lost {numbers['unshared_times']:.1f} times as "
        f"much, with restarts on alarm {numbers['restarting_times']:.1f}. In the tabular world it lost {numbers['base_cost']:.0f} of at "
        f"most {numbers['base_bound']:.0f} in {numbers['base_steps']:,.0f} rounds and asked in {_percent(numbers['base_asked'])}. Broken "
        f"premises were found in {numbers['broken_found']:.0f} of {numbers['broken']:.0f} lives, and {numbers['false_alarms']:.0f} of "
        f"{numbers['watched']:.0f} lives with none had an alarm.",
    )


def _percent(part: float, digits: int = 0) -> str:
    return f"{100 * part:.{digits}f} %"


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    paths = [row for row in rows if row.get("learner")]
    shifts = dict.fromkeys((row["shift"], row["rate"], row["noise"], row["switches"]) for row in paths)
    base = next(key for key in shifts if key[0] == MEMBER)
    drawn = [base, *(key for key in shifts if key[0] != MEMBER)]
    kept = [
        _path_figure([r for r in paths if (r["shift"], r["rate"], r["noise"], r["switches"]) == key]) for key in drawn
    ]
    return (*kept, _parts_figure(paths, list(shifts)), _premises_figure([row for row in rows if row.get("premise")]))


NAMES = {MEMBER: "member", TURNED: "turned", RENAMED: "renamed", NEW: "new"}


def _path_figure(rows: Sequence[Row]) -> Figure:
    shift, steps = rows[0]["shift"], sorted({row["step"] for row in rows})
    series = []
    for name in dict.fromkeys(row["learner"] for row in rows):
        at = [[row["cost"] for row in rows if row["learner"] == name and row["step"] == step] for step in steps]
        ends = [(float(np.mean(costs)), min(costs), max(costs)) for costs in at]
        mean, low, high = (tuple(float(end[part]) for end in ends) for part in range(3))
        if name != GUARDED:  # five ranges, one over the other, show nothing
            low, high = (), ()
        series.append(Series(name, tuple(map(float, steps)), mean, low, high))
    bound = tuple(
        (float(step), float(np.mean([r["bound"] for r in rows if r["learner"] == GUARDED and r["step"] == step])))
        for step in steps
    )
    where = "scikit-learn's digits" if shift != MEMBER else "50 contexts, 32 members"
    most = max(row["cost"] for row in rows)
    return Figure(
        f"loss-{NAMES[shift]}",
        f"What all lone acts have cost, over the rounds, mean of all seeds ({where}; at half time: {shift}), and of the guarded learner "
        "the range. The line in ink is its bound, the stake times the most acts that may be wrong. The learner that is never guarded "
        "passes it as soon as one of its errors is dear; the frozen model, which is guarded too, after the shift.",
        lambda width, name: line_chart(
            width=width,
            name=name,
            title=f"Who learns on stays below the bound, who stands still does not: {shift}",
            desc="Total cost of lone acts by round, for each learner.",
            x=Axis("round", 0.0, float(steps[-1])),
            y=Axis("cost of all lone acts so far (stakes, log)", 1.0, 2 * most, log=True, zero=True),
            series=series,
            lines=[Line("the guarded learner's bound", bound)],
        ),
    )


def _parts_figure(rows: Sequence[Row], keys: Sequence[tuple[Any, ...]]) -> Figure:
    bars = []
    for shift, rate, noise, switches in keys:
        mine = {
            name: [
                row
                for row in rows
                if row["learner"] == name
                and row["passed"] is not None
                and (row["shift"], row["rate"], row["noise"], row["switches"]) == (shift, rate, noise, switches)
            ]
            for name in (GUARDED, FROZEN)
        }
        words = f"{shift if switches else 'no shift'}, asked {_percent(rate)}"
        words += ", noisy" * bool(noise) + f", {switches} shifts" * (switches > 1)
        for name, tone in ((GUARDED, "keeps"), (FROZEN, "disables")):
            parts = [theirs["cost"] / own["bound"] for own, theirs in zip(mine[GUARDED], mine[name], strict=True)]
            bars.append((words if name == GUARDED else "", float(np.mean(parts)), min(parts), max(parts), tone))
    return Figure(
        "parts",
        "What lone acts cost in a whole life, over the guarded learner's bound in that life: mean and range over the seeds. Up to the mark "
        "is what is promised. Noisy: one label of a hundred is another one.",
        lambda width, name: bar_chart(
            width=width,
            name=name,
            title="The learner stays far below its bound; after a shift, the frozen model does not",
            desc="Total cost over the guarded learner's bound.",
            unit="cost over the learner's bound (1 = the bound)",
            bars=bars,
            form=lambda value: f"{value:.2f}",
            key=[("keeps", "guarded online learner"), ("disables", "frozen model, guarded too")],
            theory=[1.0] * len(bars),
        ),
    )


WORDS = {
    "none": "all premises hold: no alarm",
    "stake": "dear acts are done without asking",
    "cost": "costs are a fifth higher than declared",
    "free": "right acts cost something, too",
    "rate": "asked half as often as promised",
    "silence": "2 % of questions stay unanswered",
    "regret": "the learner shares nothing",
    "total": "she is silent where she changed her mind",
}


def _premises_figure(rows: Sequence[Row]) -> Figure:
    bars = []
    for premise in dict.fromkeys(row["premise"] for row in rows):
        mine = [row["found"] for row in rows if row["premise"] == premise]
        low, high = wilson(sum(mine), len(mine))
        bars.append((WORDS[premise], sum(mine) / len(mine), low, high, "keeps" if premise == "none" else "disables"))
    return Figure(
        "premises",
        "Lives in each of which one premise was broken, and how many of them the checks found out, with 95 % Wilson intervals; in those of "
        "the first bar none was, and the checks had to stay silent.",
        lambda width, name: bar_chart(
            width=width,
            name=name,
            title="Each premise that was broken was found out while the run went on",
            desc="Share of lives in which the check said what was so.",
            unit="share of lives in which the check was right",
            bars=bars,
            key=[("keeps", "nothing is broken"), ("disables", "one premise is broken")],
        ),
    )


STUDY = Study(
    name="low-stakes-shift",
    title="Is the price of a shift bounded where stakes are low?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="in each of 20 seeds of nine worlds, the total cost of the guarded learner's lone acts against the stake times its bound, at "
    "every round, and its log loss against the best sequence of members; more lives above the bound than one in a hundred explains, one "
    "life above the regret bound, a frozen model below the learner's bound after a shift, an unguarded learner that mostly stays below its "
    "own, a broken premise that is not found, or alarms where nothing is broken, show the claim wrong",
    advice="If no single act can do much harm, do not try to get everything right beforehand: let a coin that looks at nothing choose a "
    "tenth of the decisions, have them answered, and learn from the answers with a little forgetting. The price is the stake times a "
    "number that can be written down beforehand. Watch the premises, which are what it rests on.",
    grid=GRID,
    quick=QUICK,
    seeds=20,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
    needs=("jax", "sklearn"),
)
