"""The certificate of a run: what its ledger shows was promised, what it has cost so far, and which assumptions are broken."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from assent.core import PROVEN
from assent.dossier import assent_and_minimum
from assent.fold import charge_of, contradicts, is_exact, keeps_law, left_of
from assent.ledger import Event

BOUNDED_RULES = ("Minimum", "Tolerance")
"""Rules that give no action more than a fixed multiple of what every leading member gives it."""

CAP_ROUNDING = 1e-9
"""A sum of charges above its cap by no more than this share of it is not above it."""


@dataclass(frozen=True)
class Certificate:
    """What a reviewer signs, or refuses, of one run.

    Attributes:
        run: its name.
        decisions: made so far, and of them `queries` asked, `audits` among those by a coin of the agent's own, `unanswered`, `vetoes`.
        grade: what the hypothesis class may promise: `exact`, `bounded` or `heuristic`.
        preserves: `distribution`: the agent does what the overseer does as often as she does it; `support`: never what she never does.
        delta: the chance, at most, that the overseer's model ever leaves the leading set; None where nothing is proven.
        spent: nats of risk by what was done, the run's L; infinite where an action was done that a leader excludes.
        at_most: nats of risk by the worst that could have been done: the sum of `log(1 + theta)` over rounds not surely asked, for the
            minimum rule.
        cap: nats that the run may spend, set beforehand; None where there is no cap.
        sum_theta: of what the minimum left over, round by round; the sum of the chances of being asked by disagreement.
        sum_theta3: of its cubes, whose expected value is at most `query_bound` (None: no bound is proven).
        alarms: as raised.
        assumptions: what everything here rests on.
        broken: those that the ledger shows to be broken.
    """

    run: str
    decisions: int
    queries: int
    audits: int
    unanswered: int
    vetoes: int
    grade: str
    preserves: str
    delta: float | None
    spent: float
    at_most: float
    cap: float | None
    sum_theta: float
    sum_theta3: float
    query_bound: float | None
    alarms: tuple[str, ...]
    assumptions: tuple[str, ...]
    broken: tuple[str, ...]

    @property
    def bounds_events(self) -> bool:
        """Whether a bound on events stands: a cap set beforehand, a proven class, nothing broken."""
        proven = self.delta is not None and self.grade in PROVEN and self.preserves == "distribution"
        return self.cap is not None and proven and not self.broken

    @property
    def factor(self) -> float | None:
        """How many times more likely than under the overseer alone any event is, at most, up to `delta`; None where no bound stands."""
        return math.exp(self.cap) if self.bounds_events and self.cap is not None else None

    def to_json(self) -> dict[str, Any]:
        """JSON values; None for an infinite sum."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        sums = {name: plain[name] if math.isfinite(plain[name]) else None for name in ("spent", "at_most")}
        return {**plain, **sums, "bounds_events": self.bounds_events, "factor": self.factor}


def certificate(events: Iterable[Event]) -> Certificate:
    """The certificate of the run whose events these are, all of them, in order.

    Raises:
        ValueError: the first event opens no run.
    """
    count = _Count()
    for event in events:
        count.take(event)
    if count.opened is None:
        raise ValueError("these events do not begin with the opening of a run: give all events of one run, in order.")
    return count.certificate()


@dataclass
class _Count:
    opened: Event | None = None
    kinds: Counter[str] = field(default_factory=Counter[str])
    reasons: Counter[str] = field(default_factory=Counter[str])
    charges: list[float] = field(default_factory=list[float])
    worst: list[float] = field(default_factory=list[float])
    charged: bool = False
    theta: list[float] = field(default_factory=list[float])
    alarms: list[str] = field(default_factory=list[str])
    asked: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    place: dict[str, int] = field(default_factory=dict[str, int])
    exact: bool = False
    contradicted: int = 0
    orders: int = 0
    plain: int = 0
    refuted: bool = False
    unmarked: int = 0
    corrections: set[int] = field(default_factory=set[int])
    taught: int = 0

    def take(self, event: Event) -> None:
        """Counts one event."""
        body = event.body
        self.kinds[event.kind] += 1
        if event.kind == "open":
            self.opened, self.exact = event, is_exact(body)
        elif event.kind in ("act", "ask"):
            self._decided(event.kind, body)
        elif event.kind == "answer":
            self._answered(self.asked.pop(body["question"], None), body)
        elif event.kind == "veto":
            if self.charged:  # it did not happen
                self.charges.pop()
            self.charged = False
        elif event.kind == "alarm":
            self.alarms.append(body["name"])
            self.exact = self.exact and not contradicts(body["name"])
        elif event.kind == "volunteer":
            self.corrections.add(event.seq)
        elif event.kind == "apply":
            self.taught += body["cause"] in self.corrections
            # nobody leads while more than a cap are plausible, too; dead weights amount to no member at all
            dead = body["leaders"] == 0 and not body.get("effective")
            self.refuted = dead or body["surprise"] is None or self.refuted

    def _answered(self, asked: dict[str, Any] | None, body: dict[str, Any]) -> None:
        self.plain += self.exact and "stated" not in body
        if asked is None:
            self.exact = False
            return
        if "stated" in body and left_of(asked, body["stated"]).contradicted:
            self.contradicted += 1
        self.exact = self.exact and keeps_law(asked, body)
        if not self.exact:
            self.worst[self.place[body["question"]]] = _risk(asked)
            if "order" not in asked:
                self.charges.append(charge_of(*assent_and_minimum(asked["dossier"], body["choice"]), asked["ask"]))

    def _decided(self, kind: str, body: dict[str, Any]) -> None:
        self.charged = False
        self.orders += "order" in body
        self.theta.append(float(body.get("theta", body["ask"])))
        self.unmarked += "theta" not in body
        self.worst.append(0.0 if self.exact else _risk(body))
        if kind == "ask":
            self.reasons[body["reason"]] += 1
            self.asked[body["question"]] = body
            self.place[body["question"]] = len(self.worst) - 1
        elif "order" not in body and not self.exact:
            self.charges.append(charge_of(body["mass"], body["minimum"], body["ask"]))
            self.charged = True

    def certificate(self) -> Certificate:
        """What was counted, with assumptions and which of them are broken."""
        assert self.opened is not None
        agent = self.opened.body["agent"]
        promise = agent.get("promise") or {}
        return Certificate(
            run=self.opened.run,
            decisions=len(self.theta),
            queries=self.kinds["ask"],
            audits=self.reasons["audit"],
            unanswered=self.kinds["expire"] + self.kinds["withdraw"],
            vetoes=self.kinds["veto"],
            grade=str(agent.get("grade", "heuristic")),
            preserves=str(promise.get("preserves", "distribution")),
            delta=promise.get("delta"),
            spent=_sum(self.charges),
            at_most=_sum(self.worst),
            cap=promise.get("cap"),
            sum_theta=math.fsum(self.theta),
            sum_theta3=math.fsum(theta**3 for theta in self.theta),
            query_bound=promise.get("query_bound"),
            alarms=tuple(self.alarms),
            assumptions=(
                *assumptions(promise.get("preserves", "distribution")),
                *(str(sentence) for sentence in promise.get("assumes", ())),
            ),
            broken=tuple(self._broken(agent, promise)),
        )

    def _broken(self, agent: dict[str, Any], promise: dict[str, Any]) -> Iterable[str]:
        if agent.get("grade") not in PROVEN:
            yield "The members are learned: none of them is the overseer's own model, so nothing bounds their errors."
        elif promise.get("delta") is None:
            yield f"Nothing is proven of the leading set {agent.get('leading', 'of this agent')}: it may lose the overseer's model unseen."
        if not promise.get("bounds", agent.get("rule") in BOUNDED_RULES):
            yield f"The rule {agent.get('rule')} may do what a leading member excludes: no bound on events holds."
        for alarm in self.alarms:
            said = _ALARMS.get(alarm.split(" ")[0])
            if said is not None:
                yield said.format(alarm=alarm)
        if self.contradicted and "CoverageFailed" not in self.alarms:
            yield f"{self.contradicted} stated laws fell below the leaders' minimum: the overseer's model had left the leading set."
        if promise.get("cap") is not None and _sum(self.charges) > float(promise["cap"]) * (1 + CAP_ROUNDING):
            yield f"The risk spent, {_sum(self.charges):.6g} nats, is above the cap of {promise['cap']:.6g}: the agent did not keep to it."
        if promise.get("cap") is not None and promise.get("preserves", "distribution") != "distribution":
            yield "The class knows which actions the overseer takes, not how often: its cap on risk bounds no event."
        if self.refuted and not any(alarm.startswith("ClassExhausted") for alarm in self.alarms):
            yield "An answer was impossible under every member, or left nobody leading: the overseer's model was not in the class."
        if self.plain:
            yield f"{self.plain} answers were plain choices in a run that was to follow stated probabilities: acts before were not charged."
        if self.taught:
            yield f"{self.taught} corrections that nobody asked for moved the weights: they are chosen by who saw the action."
        if self.kinds["veto"]:
            yield f"{self.kinds['veto']} acts were vetoed by somebody who saw them: from there on what is done is no longer this agent's."
        if self.kinds["expire"] + self.kinds["withdraw"]:
            lost = self.kinds["expire"] + self.kinds["withdraw"]
            yield f"{lost} questions were not answered: the null action was done, and it must be harmless by the world's design."
        if self.orders:
            yield f"{self.orders} rounds did what an order said, whatever was decided."
        if self.unmarked:
            yield f"{self.unmarked} decisions lack their risk, an older version made them: the sums take their chance of asking for it."


_ALARMS = {
    "ClassExhausted": "Every member was contradicted ({alarm}): the overseer's model was not in the class.",
    "OverseerUnexplained": "No member explains the overseer ({alarm}): her model is not in the class, or it has changed.",
    "CoverageFailed": "The overseer stated a probability below the leaders' minimum ({alarm}): her model had left the leading set.",
    "CommitteeCollapsed": "One learned member led alone ({alarm}).",
}


def assumptions(preserves: str) -> tuple[str, ...]:
    """What every number of a certificate rests on, in sentences."""
    what = (
        "how the overseer acts in each situation"
        if preserves == "distribution"
        else "which actions the overseer ever takes in each situation"
    )
    return (
        f"One member (or one policy of a member that is a family) is exactly {what}, and its prior weight is not zero.",
        "Each answer is what the overseer would have done had nobody proposed anything: a fresh draw from that policy.",
        "Whether a round is asked depends on the past and on the agent's own coin alone, never on the answer to come.",
        "What was answered is what was done; answers come before anything else is done.",
        "The overseer's policy does not change during the run.",
        "What the overseer does is acceptable: the bound compares with her, not with what would have been right.",
    )


def _risk(body: dict[str, Any]) -> float:
    """Nats, the most that the round with this `act` or `ask` body may cost; older versions kept only its chance of asking."""
    risk = body.get("risk", math.log1p(body["ask"]) if body["ask"] < 1 else 0.0)
    return math.inf if risk is None else float(risk)


def _sum(values: list[float]) -> float:
    return math.inf if any(value == math.inf for value in values) else math.fsum(values)
