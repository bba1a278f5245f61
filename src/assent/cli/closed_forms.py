"""What theory says in closed form about the levels that it covers: rows of exact values, and what follows for the overseer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from assent.hypotheses.rewards.enumerated import Rewards
from assent.planning.model import Model
from assent.planning.oracles.doors import one_answer_value, threshold_of_prior
from assent.planning.oracles.exact import exact
from assent.planning.oracles.fork import solve_fork
from assent.planning.oracles.fork_terms import ACTIONS, Fork
from assent.planning.oracles.lattice import NoisyDoors, expected_answers, lock_in_error
from assent.planning.oracles.off_switch import Points
from assent.worlds.grid.level import Level, load, names

Value = Fraction | float


@dataclass(frozen=True)
class ClosedForm:
    """A closed form applied to a level.

    Attributes:
        title: what it is.
        rows: name and value; a fraction where it is rational.
        says: what it predicts, in a sentence.
        verdict: "keep", "disable" or "indifferent"; None where it only bounds the line.
    """

    title: str
    rows: tuple[tuple[str, Value], ...]
    says: str
    verdict: str | None


def closed_form(level: Level, model: Model, rewards: Rewards, prior: tuple[Fraction, ...]) -> ClosedForm | None:
    """The closed form for a level of the package; None where there is none, its overseer has other terms, or it only has the name."""
    process = level.process
    if not _packaged(level):
        return None
    plain = process.trigger == "random" and process.shown == "current" and process.answer in ("optimal", "eps")
    if level.name == "fork" and plain and process.authority == "advice" and len(prior) == 2:
        return _fork(level, prior)
    if level.name.startswith("doors_") and plain and process.authority == "advice":
        return _doors(level, prior)
    if level.name.startswith("switch_") and process.rate == 1 and process.trigger == "random":
        return _switch(level, model, rewards, prior)
    return None


def _packaged(level: Level) -> bool:
    """Whether the package has this level, but for the discount, and the overseer's rate, cost and chance of error: what closed forms
    take as they are given."""
    if level.name not in names():
        return False
    found = load(level.name)
    dynamics = replace(level.dynamics, discount=found.dynamics.discount)
    process = replace(level.process, rate=found.process.rate, cost=found.process.cost, eps=found.process.eps)
    if {process.answer, found.process.answer} == {"optimal", "eps"}:
        process = replace(process, answer=found.process.answer)
    return (dynamics, process) == (found.dynamics, found.process) and all(
        getattr(level, part) == getattr(found, part)
        for part in ("actions", "map", "legend", "start", "states", "overseer", "prior")
    )


def compared(value: Value, limit: Value) -> str:
    """Ties are a phase of their own; they keep the overseer."""
    return "indifferent" if value == limit else "keep" if value > limit else "disable"


def _eps(level: Level) -> Fraction:
    return exact(level.process.eps) if level.process.answer == "eps" else Fraction(0)


def _fork(level: Level, prior: tuple[Fraction, ...]) -> ClosedForm:
    process = level.process
    terms = Fork(prior[0], process.rate, level.dynamics.discount, process.cost, _eps(level))
    found = solve_fork(terms)
    rows = [("value before the first signal", found.value)]
    rows += [(f"Q({action}) after no signal", value) for action, value in zip(ACTIONS, found.q, strict=True)]
    others = max(value for action, value in zip(ACTIONS, found.q, strict=True) if action != "down")
    verdict = compared(others, found.q[ACTIONS.index("down")])
    says = f"After no signal the best is: {' or '.join(found.best())}."
    return ClosedForm("W3 on the lattice of net counts, without a horizon", tuple(rows), says, verdict)


def _doors(level: Level, prior: tuple[Fraction, ...]) -> ClosedForm:
    eps, discount, rate = _eps(level), exact(level.dynamics.discount), exact(level.process.rate)
    cost = exact(level.process.cost)
    sunk = not level.overseer.saves
    limit = threshold_of_prior(prior, rate=rate, eps=eps, discount=discount) / (discount if sunk else 1)
    telling = len(prior) == 2 or eps <= 1 - Fraction(
        1, len(prior)
    )  # beyond, an answer rather says which door it is not
    tight = eps == 0 or (len(set(prior)) == 1 and telling)
    rows: list[tuple[str, Value]] = [
        ("I1, what one answer adds to a step", one_answer_value(prior, eps=eps)),
        ("c*, the cost up to which it is kept" + ("" if tight else ", is at least"), limit),
        ("cost", cost),
    ]
    if len(prior) == 2 and prior[0] == prior[1] and eps <= Fraction(1, 2):
        rows += _lattice(NoisyDoors(rate, eps, discount), cost * (discount if sunk else 1), eps)
    when = "the cost of the step of leaving is paid all the same" if sunk else "leaving saves the cost of its step"
    line = f"{'=' if tight else 'is at least'} {'lambda' if sunk else 'gamma lambda'} I1 / (1 - gamma)"
    says = f"c* {line}, since {when}; at the start and after no answer."
    return ClosedForm(
        "T5 and T6, the doors", tuple(rows), says, compared(limit, cost) if tight or limit > cost else None
    )


def _lattice(doors: NoisyDoors, cost: Fraction, eps: Fraction) -> list[tuple[str, Value]]:
    rows: list[tuple[str, Value]] = [
        (f"c*({net}) after a net count of {net}", doors.threshold(net)) for net in range(1, 5)
    ]
    stop = doors.stop(cost)
    if stop is None:
        return rows
    return [
        *rows,
        ("K, the net count at which it is disabled", Fraction(stop)),
        ("chance that the wrong door is locked in", lock_in_error(stop, eps=eps)),
        ("expected answers until then", expected_answers(stop, eps=eps)),
    ]


def _switch(level: Level, model: Model, rewards: Rewards, prior: tuple[Fraction, ...]) -> ClosedForm:
    place, action = level_index(model, "proposed", "go")
    values = [exact(float(value)) for value in rewards.reward[place, action]]
    utility = Points(values, prior)
    cost = exact(level.process.cost)
    rows: list[tuple[str, Value]] = [("E[U+]", utility.positive_part()), ("E[U-]", utility.negative_part())]
    if level.process.answer == "boltzmann":
        gain: Value = utility.boltzmann_gain(level.process.beta)
        title = "T4, the off-switch game with a Boltzmann human"
    else:
        gain = utility.gain(eps=_eps(level))
        title = "T2 and T3, the off-switch game"
        if (most := utility.kept_up_to()) is not None:
            rows += [("eps*, the error up to which it is kept", most), ("eps", _eps(level))]
    rows += [("what waiting for her word gains", gain), ("cost", cost)]
    says = "The switch is kept where waiting gains at least what it costs in the step in which she speaks."
    return ClosedForm(title, tuple(rows), says, compared(gain, cost))


def level_index(model: Model, place: str, action: str) -> tuple[int, int]:
    """The numbers of a place and an action by their names."""
    return model.state_names.index(place), model.action_names.index(action)


def exact_prior(rewards: Rewards) -> tuple[Fraction, ...]:
    """The prior in fractions, divided by its sum where reading the floats leaves it off 1."""
    weights = [exact(float(value)) for value in np.exp(rewards.log_prior)]
    total = sum(weights, Fraction(0))
    return tuple(value / total for value in weights)
