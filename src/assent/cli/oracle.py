"""oracle: the exact values of a level, in fractions where they are rational, from closed forms and from the tree of histories."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
from rich.table import Table
from rich.text import Text

from assent.cli.closed_forms import closed_form, compared, exact_prior
from assent.cli.normal_rewards import normal_rows
from assent.cli.output import OK, Output, errors_end
from assent.hypotheses.rewards.enumerated import Rewards
from assent.hypotheses.rewards.of_level import rewards_of
from assent.planning.answers import answer_likelihood
from assent.planning.model import Model
from assent.planning.oracles.exact import exact
from assent.planning.oracles.history_tree import TreeSolution, solve_history_tree
from assent.planning.oracles.worlds import World, optimal_quality, rewards_in_fractions
from assent.presets.terms import Terms
from assent.worlds.grid.level import Level, load
from assent.worlds.grid.priors import num_hypotheses
from assent.worlds.grid.tabulate import tabulate

PATIENCE_S = 1.0
"""About how many seconds all trees together take. None is made one step deeper that would go beyond, if it takes as many times as long as
the last one as that took of the one before, and twice as long at the least."""
DEEPEST = 60
LARGEST = 4_000
"""States times rewards beyond which the exact tables take minutes."""
WIDEST = 40
"""Longer fractions are not printed for people; --json has them all."""


def oracle(
    name: str,
    *,
    overseer_cost: str | None,
    rate: str | None,
    eps: str | None,
    discount: str | None,
    horizon: int | None,
    seed: int,
    json: bool,
) -> None:
    """`assent oracle`."""
    output = Output("oracle", as_json=json, level=name, seed=seed)
    with errors_end(output):
        level = changed(load(name), overseer_cost=overseer_cost, rate=rate, eps=eps, discount=discount)
        model = tabulate(level)
        output.say(f"{level.name}: {level.title}")
        output.say(said(level))
        if (rows := normal_rows(level, model)) is not None:
            unused = {"--overseer-cost": overseer_cost, "--rate": rate, "--horizon": horizon}
            if given := [option for option, value in unused.items() if value is not None]:
                raise ValueError(
                    f"{level.name} has normal rewards, whose quadrature leaves costs, rates and steps out: it has no use for "
                    f"{', '.join(given)}. Leave that out; --eps and --discount count."
                )
            show(output, "Normal rewards, by quadrature", list(rows))
            output.say(
                "Nothing here is rational, so there is no tree of histories; and nothing that can be done leaves the overseer."
            )
            output.done(OK, level=level.name, verdict="no choice", horizon=None)
        check_size(level, model)
        rewards = rewards_of(level, model)
        prior = exact_prior(rewards)
        form = closed_form(level, model, rewards, prior)
        if form is not None:
            show(output, form.title, list(form.rows))
            output.say(form.says + (f" Verdict: {form.verdict}." if form.verdict else ""))
        solution = deepest(level, model, rewards, prior, horizon)
        verdict = show_tree(output, level, model, rewards, solution)
        predicted = form.verdict if form is not None else None
        output.done(OK, level=level.name, verdict=predicted or verdict, horizon=solution.horizon)


def changed(
    level: Level, *, overseer_cost: str | None, rate: str | None, eps: str | None, discount: str | None
) -> Level:
    """The level with other terms of its overseer, or another discount; each a decimal or a quotient.

    Raises:
        ValueError: a text that is no number, a term outside its range, or a chance of error for answers that have none.
    """
    cost, chance, error = (
        None if text is None else number(option, text)
        for option, text in (("--overseer-cost", overseer_cost), ("--rate", rate), ("--eps", eps))
    )
    if discount is not None:
        level = replace(level, dynamics=replace(level.dynamics, discount=number("--discount", discount)))
    return replace(level, process=Terms(cost=cost, rate=chance, eps=error).on(level.process))


def number(option: str, text: str) -> float:
    """The number that an option was given."""
    try:
        return float(exact(text))
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise ValueError(
            f"{option} {text} is no number. Give a decimal such as 0.05, or a quotient such as 1/20."
        ) from error


def said(level: Level) -> str:
    """The terms in one line."""
    process = level.process
    words = [f"trigger {process.trigger}", f"shown {process.shown}", f"answer {process.answer}", process.authority]
    figures = [f"lambda {process.rate:g}", f"cost {process.cost:g}", f"gamma {level.dynamics.discount:g}"]
    if process.answer == "eps":
        figures.insert(1, f"eps {process.eps:g}")
    return ", ".join([*words, *figures])


def check_size(level: Level, model: Model) -> None:
    """Refuses a level that is too large for exact tables, before any of its rewards is made.

    Raises:
        ValueError: with its size.
    """
    count = None if level.rewards is None else num_hypotheses(level.rewards, level.scene())
    if count is not None and model.num_states * count > LARGEST:
        raise ValueError(
            f"{level.name} has {model.num_states} states and {count:,} rewards: {model.num_states * count:,} exact values for each step, "
            f"and over {LARGEST:,} take minutes. Take a smaller level; the planners with certified bounds are for these."
        )


def deepest(
    level: Level, model: Model, rewards: Rewards, prior: tuple[Fraction, ...], horizon: int | None
) -> TreeSolution:
    """The tree of so many steps, or of as many as take about a second."""
    shown = _boltzmann(level, model, rewards) if level.process.answer == "boltzmann" else None

    def solved(steps: int) -> TreeSolution:
        return solve_history_tree(model, level.process, rewards.reward, prior, horizon=steps, likelihood=shown)

    if horizon is not None:
        if horizon > DEEPEST:
            raise ValueError(
                f"--horizon {horizon}: the tree of histories goes down to {DEEPEST} steps at the most. Give fewer."
            )
        return solved(horizon)
    begun = time.monotonic()
    solution = solved(1)
    last = before = max(time.monotonic() - begun, 1e-6)
    for steps in range(2, DEEPEST + 1):
        next_s = last * max(2.0, last / before)
        if time.monotonic() - begun + next_s > PATIENCE_S:
            break
        started = time.monotonic()
        solution = solved(steps)
        before, last = max(last, 1e-6), time.monotonic() - started  # a clock may stand still between two readings
    return solution


def _boltzmann(level: Level, model: Model, rewards: Rewards) -> list[list[list[Fraction]]]:
    """Boltzmann chances are not rational: floats read as fractions, made to sum to 1 in each place."""
    world, table = World.of(model), rewards_in_fractions(rewards.reward)
    quality = np.stack(
        [
            np.asarray(optimal_quality(world, [[cell[n] for cell in row] for row in table]), dtype=np.float64)
            for n in range(rewards.num_hypotheses)
        ],
        axis=2,
    )
    chances = answer_likelihood(level.process, quality[: model.num_places], model.answerable)
    found = rewards_in_fractions(chances)
    sums = [[sum((row[n] for row in place), Fraction(0)) for n in range(rewards.num_hypotheses)] for place in found]
    return [
        [[value / (total or 1) for value, total in zip(row, sums[p], strict=True)] for row in place]
        for p, place in enumerate(found)
    ]


def show_tree(output: Output, level: Level, model: Model, rewards: Rewards, solution: TreeSolution) -> str:
    """Prints a tree's values; its verdict."""
    rows: list[tuple[str, Fraction | float]] = [("value before the first correction", solution.value)]
    rows += [
        (f"Q({name}) after no correction", value)
        for name, value in zip(model.action_names or map(str, range(model.num_actions)), solution.q, strict=True)
    ]
    rows.append(("value of never leaving the overseer", solution.keeping))
    show(output, f"The tree of histories, {solution.horizon} steps", rows)
    rest = left_out(level, model, rewards, solution.horizon)
    if rest == 0:
        output.say("Every life is over by then: the tree leaves nothing out.")
    verdict = judged(solution, rest)
    gap = gained_by_leaving(solution) or Fraction(0)
    looks = f"{'leaving' if gap > 0 else 'keeping'} the overseer looks better by {abs(float(gap)):.3g}"
    output.say(
        VERDICTS[verdict].format(
            steps=solution.horizon,
            looks=looks if gap else "keeping and leaving the overseer look the same",
            rest="anything" if rest is None else f"{float(rest):.3g}",
        )
    )
    return verdict


VERDICTS = {
    "keep": "Over {steps} steps, the best first action keeps the overseer, and what comes later cannot turn that.",
    "disable": "Over {steps} steps, the best first action leaves the overseer, and what comes later cannot turn that.",
    "indifferent": "Over {steps} steps, keeping and leaving the overseer at once are worth the same; ties keep.",
    "no choice": "No first action leaves the overseer, or every one does.",
    "undecided": "Over {steps} steps alone {looks}, but what comes later may differ by {rest}: the tree is too short to tell. Give a "
    "larger --horizon, or see what the planner with certified bounds does (assent run off-switch --level …).",
}


def left_out(level: Level, model: Model, rewards: Rewards, steps: int) -> Fraction | None:
    """By how much what comes after so many steps may differ between two plans, at most; None: without a bound.

    Each later step gives from the least reward less all costs to the greatest reward, and an end gives 0 for ever.
    """
    live = np.arange(model.num_states) == model.start
    for _ in range(steps):
        reached = model.successor[live & ~model.terminal][model.chance[live & ~model.terminal] > 0]
        live = np.isin(np.arange(model.num_states), reached)
    if not (live & ~model.terminal).any():
        return Fraction(0)
    discount = exact(model.discount)
    if discount == 1:
        return None
    price = exact(level.process.request_cost) if level.process.trigger == "on_request" else Fraction(0)
    most = max(exact(float(rewards.reward.max())), Fraction(0))
    least = min(exact(float(rewards.reward.min())), Fraction(0)) - exact(float(model.cost.max())) - price
    return discount**steps * (most - least) / (1 - discount)


def gained_by_leaving(solution: TreeSolution) -> Fraction | None:
    """What the best first action that leaves the overseer is worth more than the best that keeps it; None where there is no choice."""
    keeping = [q for q, kept in zip(solution.q, solution.keeping_q, strict=True) if kept is not None]
    leaving = [q for q, kept in zip(solution.q, solution.keeping_q, strict=True) if kept is None]
    return max(leaving) - max(keeping) if keeping and leaving else None


def judged(solution: TreeSolution, rest: Fraction | None) -> str:
    """The verdict of the tree on its first step, where what comes later may make a difference of `rest`."""
    gap = gained_by_leaving(solution)
    if gap is None:
        return "no choice"
    if rest is None or (rest > 0 and abs(gap) <= rest):
        return "undecided"
    return compared(Fraction(0), gap)


def show(output: Output, title: str, rows: list[tuple[str, Fraction | float]]) -> None:
    """A table of values for people, and a record for each."""
    table = Table(box=None, title=title, title_justify="left")
    table.add_column("", overflow="fold")
    table.add_column("decimal", justify="right", no_wrap=True)
    table.add_column("exact", overflow="fold")
    for name, value in rows:
        text = str(value) if isinstance(value, Fraction) else "not rational"
        brief = text if len(text) <= WIDEST else f"a fraction of {len(text)} characters"
        table.add_row(Text(name), f"{float(value):.8g}", brief)
        output.record(
            "value", of=title, name=name, decimal=float(value), exact=text if isinstance(value, Fraction) else None
        )
    output.say(table)
