"""What a committee's user should hear of at once: the committee has shrunk, died, or cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from assent.agents.considering import Considering
from assent.core import PROVEN, Array, Belief, Evidence
from assent.dossier import Ready


class AssentWarning(UserWarning):
    """Something about a committee that its user should hear of at once; it is on the ledger as an alarm as well."""


class CommitteeCollapsed(AssentWarning):
    """One learned member leads alone: no committee any more. With the guard `MinLeaders(2)` every decision is asked until more lead."""


class ClassExhausted(AssentWarning):
    """Every member has been contradicted by the overseer: none is left that could be right. The session asks for ever."""


class MemberUnreadable(AssentWarning):
    """A member gave something that is no sub-distribution: NaN, infinity, a negative entry, a sum above 1."""


class OverseerUnexplained(AssentWarning):
    """No member explains what the overseer answers in a group of contexts: its model is not in the class, or it has changed."""


class CoverageFailed(AssentWarning):
    """The overseer stated a probability below the leaders' minimum: its model has certainly left the leading set."""


class CorrectionUnreadable(AssentWarning):
    """A volunteered correction on the ledger that the agent cannot read; it teaches nothing."""


@dataclass(frozen=True)
class Alarm:
    """One thing to say.

    Attributes:
        kind: the warning that says it; its name is the alarm's name on the ledger, with `about`.
        detail: for the ledger.
        sentence: for people.
        about: what tells it from another alarm of its kind; each is raised once.
    """

    kind: type[AssentWarning]
    detail: dict[str, Any]
    sentence: str
    about: str = ""

    @property
    def name(self) -> str:
        """What it is called on the ledger."""
        return f"{self.kind.__name__} {self.about}".strip()


def exhausted(log_weight: Array) -> bool:
    """Whether every member is dead."""
    return not bool(np.isfinite(np.asarray(log_weight)).any())


def alarms_of(agent: Considering, belief: Belief, ready: Ready) -> list[Alarm]:
    """What is wrong with the committee in this round, worst first."""
    names, found = agent.hypotheses.names, alarms_of_belief(agent, belief)
    readable = np.asarray(ready.proposal.readable)
    if ready.leaders == 1 and agent.hypotheses.grade not in PROVEN:
        name = names[int(np.flatnonzero(np.asarray(ready.proposal.leader))[0])]
        text = f"only {name} still leads; lower the temper, or give the members more data"
        found.append(Alarm(CommitteeCollapsed, {"member": name}, text))
    if not readable.all():
        silent = [names[int(member)] for member in np.flatnonzero(~readable)]
        text = f"no sub-distribution from {', '.join(silent)}; they abstain, and rounds in which they lead are asked"
        found.append(Alarm(MemberUnreadable, {"members": silent}, text))
    return found


def alarms_of_belief(agent: Considering, belief: Belief) -> list[Alarm]:
    """Those that follow from what was answered alone, whatever is seen next, worst first."""
    found = list[Alarm]()
    if exhausted(agent.log_weight(belief)):
        text = "every member has been contradicted by what the overseer said or let pass; from here on every decision is asked"
        found.append(Alarm(ClassExhausted, {}, text))
    return [*found, *(_unexplained(group) for group in _fired(belief))]


def _fired(belief: Belief) -> list[int]:
    """Groups of contexts whose answers no member explains."""
    watching = [tally for tally in belief.tallies if isinstance(tally, Evidence)]
    return [int(group) for tally in watching for group in np.flatnonzero(np.asarray(tally.fired))]


def _unexplained(group: int) -> Alarm:
    text = f"no member explains the overseer's answers in context group {group}; from here on it is asked there"
    return Alarm(OverseerUnexplained, {"group": group}, text, about=str(group))


def unreadable_correction(seq: int, error: Exception) -> Alarm:
    """That event `seq`, a correction, cannot be learned from, and why."""
    text = f"event {seq}, a correction, cannot be learned from and teaches nothing ({error})"
    return Alarm(CorrectionUnreadable, {"event": seq, "error": f"{type(error).__name__}: {error}"[:500]}, text)
