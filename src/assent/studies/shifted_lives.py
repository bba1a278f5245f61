"""Lives through a shift: a guarded online learner, the same unguarded, a model that stays; and lives with one premise broken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from assent.agents.online import OnAlarm, Restarting, online_learner
from assent.agents.premises import Promise
from assent.agents.regret import best_share, most_wrong
from assent.core import SILENT, Unexplained
from assent.overseers.absent import Absent
from assent.overseers.scripted import READS_LABELS
from assent.studies.staked_lives import ACTIONS, RISK, Account, Setting, digits, lived, tabular
from assent.studies.study import Row, stream
from assent.worlds.stream import Stream

STAKE = 1.0
NO_LIMIT = 1e9
CHECKPOINTS = 25
MEMBER = "another member is right"
GUARDED, UNGUARDED, FROZEN = "guarded", "never guarded", "frozen"
UNSHARED, RESTARTING = "guarded, without share", "guarded, starts afresh on alarm"


@dataclass(frozen=True)
class Shifted:
    """A life in a stream that shifts.

    Attributes:
        shift: what changes at half time, or at each of `switches` evenly spread times; with 0 switches nothing does.
        rate: the coin's chance of asking.
        noise: of the overseer's labels.
        all: whether the learners without share and with restarts live it too.
    """

    shift: str
    rate: float
    noise: float = 0.0
    switches: int = 1
    num_steps: int = 6_000
    all: bool = False


@dataclass(frozen=True)
class Broken:
    """A life in which one premise does not hold, or with "none" one in which all do."""

    premise: str
    num_steps: int = 6_000


def run(cell: Shifted | Broken, seed: int) -> list[Row]:
    """For each learner where it stood at 25 times; or, of a life with a broken premise, which of them were found broken."""
    return _checked(cell, seed) if isinstance(cell, Broken) else _shifted(cell, seed)


def _shifted(cell: Shifted, seed: int) -> list[Row]:
    rng = stream(seed, cell)
    if cell.shift == MEMBER:
        setting = tabular(rng, num_steps=cell.num_steps, switches=cell.switches, noise=cell.noise)
    else:
        setting = digits(rng, num_steps=cell.num_steps, shift=cell.shift)
    # a member that learns is often not the best at once: then the best sequence switches more than once
    switches = cell.switches if cell.shift == MEMBER else 2
    return [
        row
        for name, agent, share in _learners(cell, setting, switches)
        for row in _rows(cell, name, agent, lived(agent, setting, seed=seed, rate=cell.rate), switches, share)
    ]


def _learners(cell: Shifted, setting: Setting, switches: int) -> Iterator[tuple[str, Any, float]]:
    share = best_share(round(cell.rate * cell.num_steps), switches=max(switches, 1))
    made = partial(online_learner, rate=cell.rate)
    stakes = setting.stakes(STAKE)
    yield GUARDED, made(setting.hypotheses, stakes=stakes, share=share), share
    yield UNGUARDED, made(setting.hypotheses, stakes=setting.stakes(NO_LIMIT), share=share), share
    yield FROZEN, made(setting.frozen, stakes=stakes), 0.0
    if cell.all:
        plain = made(setting.hypotheses, stakes=stakes)
        yield UNSHARED, plain, 0.0
        yield RESTARTING, Restarting.of(plain, OnAlarm(Unexplained(ACTIONS, 0.01))), 0.0


def _rows(cell: Shifted, name: str, agent: Any, life: Account, switches: int, share: float) -> Iterator[Row]:
    last = len(life.asked) - 1
    cost, asked, wrong = life.cost.cumsum(), life.asked.cumsum(), life.wrong.cumsum()
    for step in np.linspace(0, last, CHECKPOINTS + 1).round().astype(int)[1:]:
        row: Row = {
            "shift": cell.shift,
            "rate": cell.rate,
            "noise": cell.noise,
            "switches": cell.switches,
            "learner": name,
            "step": int(step) + 1,
            "asked": int(asked[step]),
            "wrong": int(wrong[step]),
            "cost": float(cost[step]),
            "bound": float(life.bound[step]),
        }
        nothing: Row = dict.fromkeys(END)
        yield {**row, **(_end(cell, name, agent, life, switches, share) if step == last else nothing)}


END = ("passed", "log_loss", "best", "nats", "beforehand", "breaches")


def _end(cell: Shifted, name: str, agent: Any, life: Account, switches: int, share: float) -> Row:
    """What is known at the end: whether the bound was ever passed, the regret and its bound, and the premises found broken."""
    row: Row = {"passed": life.passed, "log_loss": float(life.log_loss.sum())}
    if not share:
        return {**dict.fromkeys(END), **row}
    promise, best = Promise.of(agent, switches=switches), life.best(switches)
    nats = promise.regret(len(life.answered))
    beforehand = STAKE * most_wrong(best + nats, rate=cell.rate, risk=RISK)
    breaches = len(life.premises(promise).breaches) if name == GUARDED else None
    return {**row, "best": best, "nats": nats, "beforehand": beforehand, "breaches": breaches}


def _checked(cell: Broken, seed: int) -> list[Row]:
    setting, rate = tabular(stream(seed, Broken("none", cell.num_steps)), num_steps=cell.num_steps), 0.1
    share = best_share(round(rate * cell.num_steps), switches=1)
    stakes = setting.stakes(NO_LIMIT if cell.premise == "stake" else STAKE)
    made = partial(online_learner, setting.hypotheses)
    learner = made(stakes=stakes, rate=rate / 2 if cell.premise == "rate" else rate, share=_but("regret", cell, share))
    promise = Promise.of(made(stakes=setting.stakes(STAKE), rate=rate, share=share), switches=1)
    overseer: Any = READS_LABELS
    if cell.premise == "silence":
        overseer = Absent(READS_LABELS, silence=0.02)
    if cell.premise == "total":
        # so much silence is allowed for, but none that depends on what would have been said
        promise, setting = replace(promise, silence=0.9), _silent_where_she_changed(setting)
    life = lived(learner, setting, seed=seed, rate=rate, overseer=overseer)
    found = life.premises(
        promise,
        understated=1.2 if cell.premise == "cost" else 1.0,
        besides=0.01 if cell.premise == "free" else 0.0,
    )
    names = [breach.name for breach in found.breaches]
    return [
        {
            "premise": cell.premise,
            "found": int(not names if cell.premise == "none" else cell.premise in names),
            "breaches": len(names),
        }
    ]


def _but(premise: str, cell: Broken, value: float) -> float:
    """`value`, but 0 where `premise` is the broken one."""
    return 0.0 if cell.premise == premise else value


def _silent_where_she_changed(setting: Setting) -> Setting:
    """The same with an overseer who says nothing where she would say something else than the member that she followed first."""
    first: Any = setting.frozen
    named = np.asarray(first.log_rows)[:, :, 0].argmax(axis=1)[np.asarray(setting.world.items)]
    labels = np.where(setting.labels == named, setting.labels, SILENT)
    return replace(setting, world=Stream(setting.world.items, labels, setting.world.num_actions))
