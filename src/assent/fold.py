"""A run's belief, rebuilt from its events: the ledger is the truth, and what an agent believes follows from it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np

from assent.agents.considering import Considering
from assent.core import Answer, Belief, Done, Residual, effective_size, log_factors, readable_rows, residual, surprise
from assent.dossier import assent_and_minimum
from assent.ledger import Event, LedgerError, decode, encode
from assent.ledger.events import DECISIVE

PROMISED = ("delta", "cap", "preserves", "bounds")
"""Of what an agent promises in its open event, what a certificate's bound is made of."""


class BeliefDiffers(LedgerError):
    """The belief rebuilt from the answers is not the one that was recorded."""


class AgentDiffers(LedgerError):
    """The agent is not the one that the run was opened with."""


@dataclass
class Folded:
    """Where a run stands.

    Attributes:
        belief: after everything that was applied.
        step: the number of the next decision.
        asked: the body of the question that waits, or None.
        unapplied: seq and body of an answer to it that was not learned from yet, or None.
        corrections: by seq, the observation and choice of volunteered corrections that were not learned from.
        alarms: names of the alarms raised so far.
        applied: how many answers and corrections were learned from.
        exact: the run follows the law that its overseer states: open for it, and no answer since that did not (`keeps_law`).
        before: the belief before the last lone act; None once something was asked or learned since, and `last_obs` and `last_action` what
            was seen and done then.
        digests: belief digest by the seq of the last `apply` before each checkpoint; empty where the checkpoint's log weights are
            not the belief's.
    """

    belief: Belief
    step: int = 0
    asked: dict[str, Any] | None = None
    unapplied: tuple[int, Mapping[str, Any]] | None = None
    corrections: dict[int, tuple[Any, int]] = field(default_factory=lambda: dict[int, tuple[Any, int]]())
    alarms: set[str] = field(default_factory=lambda: set[str]())
    applied: int = 0
    exact: bool = False
    before: Belief | None = None
    last_obs: Any = None
    last_action: int = -1
    digests: dict[int, str] = field(default_factory=lambda: dict[int, str]())


def belief_digest(belief: Belief) -> str:
    """SHA-256, in hexadecimal, over the bytes of the log weights and of every array in the memory and the guards' tallies."""
    digest = hashlib.sha256()
    for array in (belief.log_weight, *_arrays(belief.memory), *_arrays(belief.tallies)):
        values = np.ascontiguousarray(np.asarray(array))
        digest.update(f"{values.dtype.str}{values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def done(decision: Mapping[str, Any], chosen: int) -> int:
    """What was done in the round whose `act` or `ask` body is `decision`: what was `chosen`, unless an order said otherwise."""
    return decision.get("order", chosen)


def after_act(agent: Considering, belief: Belief, body: Mapping[str, Any], obs: Any, *, exact: bool = False) -> Belief:
    """The belief after the agent acted alone at `obs`; `body` is that of the act event.

    `exact`: the overseer states probabilities, so that what is done has her law and costs nothing.
    """
    action = done(body, body["action"])
    belief = agent.remember(belief, obs, action)
    if not agent.counts:
        return belief
    charge = 0.0 if exact or "order" in body else charge_of(body["mass"], body["minimum"], body["ask"])
    return agent.count(belief, Done(obs, action, False, charge, 0.0 if exact else _worst(body)))


def after_asking(
    agent: Considering,
    belief: Belief,
    body: Mapping[str, Any],
    obs: Any,
    action: int,
    *,
    answered: bool,
    exact: bool = False,
) -> Belief:
    """The belief after the overseer was asked at `obs` and `action` was done; `body` is that of the ask event, `exact` as for
    `after_act`."""
    belief = agent.remember(belief, obs, done(body, action))
    if not agent.counts:
        return belief
    charge = 0.0
    if answered and not exact and "order" not in body:
        charge = charge_of(*assent_and_minimum(body["dossier"], action), body["ask"])
    return agent.count(belief, Done(obs, done(body, action), True, charge, 0.0 if exact else _worst(body)))


def is_exact(opened: Mapping[str, Any]) -> bool:
    """Whether the run with this open body follows the law that its overseer states."""
    return bool(opened["config"].get("session", {}).get("residual", False))


def left_of(asked: Mapping[str, Any], law: Sequence[float]) -> Residual:
    """What is left to do of the `law` that the overseer stated, and whether it contradicts the leaders; `asked` is the ask event's body."""
    shown = asked["dossier"]
    stated, assent, least = (np.asarray(part, dtype=np.float64) for part in (law, shown["assent"], shown["minimum"]))
    return residual(stated, assent, least)


def keeps_law(asked: Mapping[str, Any], answered: Mapping[str, Any]) -> bool:
    """Whether what is done still follows the overseer's own law after this answer, whoever gave it: she stated one that does not
    contradict the leaders, and the choice is among what is left of it. The two are the bodies of the events."""
    if "stated" not in answered:
        return False
    left = left_of(asked, answered["stated"])
    return not bool(left.contradicted) and bool(left.probs[answered["choice"]] > 0)


def contradicts(alarm: str) -> bool:
    """Whether the alarm of this name says that what is done no longer follows the overseer's law."""
    return alarm in DECISIVE


def charge_of(mass: float, least: float, ask: float) -> float:
    """Nats: what a round cost in which an action of probability `mass` was done, the leaders' minimum being `least`; see `log_factors`."""
    probs, least_probs = np.asarray([mass], dtype=np.float64), np.asarray([least], dtype=np.float64)
    return float(log_factors(probs, least_probs, np.float64(ask))[0])


def _worst(body: Mapping[str, Any]) -> float:
    risk = body.get("risk")
    return float("inf") if risk is None else float(risk)


def lesson_of(answer: Mapping[str, Any]) -> int:
    """What an answer teaches: the choice that was done, unless the overseer stated probabilities and a lesson was drawn from them."""
    return answer.get("lesson", answer["choice"])


def apply_body(agent: Considering, before: Belief, after: Belief, obs: Any, choice: int) -> dict[str, Any]:
    """What an `apply` event says: how surprising the answer was in nats (None if impossible), and who leads afterwards."""
    rows, _ = readable_rows(agent.hypotheses.log_policy(before.memory, obs))
    nats, weight = float(surprise(rows, agent.log_weight(before), choice)), agent.log_weight(after)
    return {
        "surprise": nats if np.isfinite(nats) else None,
        "leaders": int(np.asarray(agent.leading(weight, after.log_prior)).sum()),
        "effective": float(effective_size(weight)),
    }


def checkpoint_body(belief: Belief) -> dict[str, Any]:
    """The body of a checkpoint of `belief`; the ledger adds the number of the last apply."""
    return {"belief": belief_digest(belief), "log_weight": encode(np.asarray(belief.log_weight, dtype=np.float64))}


def fold(agent: Considering, events: Iterable[Event], *, strict: bool = True) -> Folded:
    """Where the run stands after `events`, all of one run, in order.

    Args:
        strict: compare with every checkpoint on the way.

    Raises:
        BeliefDiffers: a checkpoint holds another belief (names it): the agent or a library is not what it was.
    """
    at = Folded(belief=agent.init())
    answers: dict[int, tuple[Any, int]] = {}
    # a checkpoint is taken between learning from an answer and remembering what was done
    last_apply, learned = 0, at.belief
    for event in events:
        body = event.body
        if event.kind == "open":
            at.exact = is_exact(body)
        elif event.kind == "act":
            at.before = at.belief
            at.belief = after_act(agent, at.belief, body, decode(body.get("obs")), exact=at.exact)
            at.last_obs, at.last_action = decode(body.get("obs")), done(body, body["action"])
            at.step = body["step"] + 1
        elif event.kind == "ask":
            at.asked, at.unapplied = body, None
        elif event.kind == "answer" and at.asked is not None:
            answers[event.seq] = (decode(at.asked["obs"]), lesson_of(body))
            at.unapplied = (event.seq, body)
            at.exact = at.exact and keeps_law(at.asked, body)
        elif event.kind == "volunteer":
            at.corrections[event.seq] = (decode(body["obs"]), body["choice"])
        elif event.kind == "apply":
            unasked = body["cause"] in at.corrections
            obs, lesson = at.corrections.pop(body["cause"]) if unasked else answers[body["cause"]]
            at.belief = learned = agent.learn(at.belief, obs, Answer(lesson, unasked))
            at.before = None
            at.applied, last_apply = at.applied + 1, event.seq
            if at.unapplied is not None and at.unapplied[0] == body["cause"]:
                choice = at.unapplied[1]["choice"]
                at.belief = after_asking(agent, at.belief, at.asked or {}, obs, choice, answered=True, exact=at.exact)
                settle(at)
        elif event.kind in ("expire", "withdraw") and at.asked is not None:
            taken = body["action"] if event.kind == "expire" else at.asked["null_action"]
            at.belief = after_asking(
                agent, at.belief, at.asked, decode(at.asked["obs"]), taken, answered=False, exact=at.exact
            )
            settle(at)
        elif event.kind == "veto":
            vetoed(agent, at, body)
        elif event.kind == "alarm":
            at.alarms.add(body["name"])
            at.exact = at.exact and not contradicts(body["name"])
        elif event.kind == "checkpoint":
            rebuilt = checkpoint_body(learned)
            at.digests[last_apply] = rebuilt["belief"] if rebuilt["log_weight"] == body["log_weight"] else ""
            if strict and at.digests[last_apply] != body["belief"]:
                raise BeliefDiffers(
                    f"the belief rebuilt from run {event.run!r} up to event {event.seq} has the digest {rebuilt['belief'][:16]}, but "
                    f"the checkpoint there has other weights or says {body['belief'][:16]}. The committee, its settings or a library "
                    "differ from what the run was made with; compare the versions in its open event with `assent doctor`."
                )
    return at


def check_agent(agent: Considering, opened: Event) -> None:
    """Nothing, if `agent` describes itself as the one in the open event; raises AgentDiffers, which names what differs."""
    recorded = opened.body["agent"]
    described = agent.describe()
    # what it promises follows from the rest, so the rest says better what differs
    for key in sorted({**described, **recorded}, key=lambda key: key == "promise"):
        was, now = recorded.get(key), described.get(key)
        if key == "promise":  # older ledgers lack it, or some of it
            promised = {part: (was or {}).get(part) for part in PROMISED if part in (was or {})}
            was, now = promised, {part: (now or {}).get(part) for part in promised}
        if _nameless(now) != _nameless(was):
            raise AgentDiffers(
                f"run {opened.run!r} was opened by an agent whose {key} is {was!r}; this one's is {now!r}. Go on with the same agent, "
                "or open a new run."
            )


def vetoed(agent: Considering, at: Folded, body: Mapping[str, Any]) -> None:
    """The last lone act did not happen: what the veto says instead was done. It moves no weight."""
    if at.before is not None:
        at.belief = agent.veto(at.before, at.last_obs, body["action"], body["instead"])
        at.before = None


def settle(at: Folded) -> None:
    """The question that waited is done with."""
    at.before = None
    if at.asked is not None:
        at.step = at.asked["step"] + 1
    at.asked, at.unapplied = None, None


def _nameless(value: Any) -> Any:
    """The value, its texts without addresses in memory: a function's representation holds one."""
    if isinstance(value, list):
        return [_nameless(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return re.sub(r" at 0x[0-9a-f]+", "", value) if isinstance(value, str) else value


def _arrays(memory: Any) -> list[Any]:
    if is_dataclass(memory) and not isinstance(memory, type):
        memory = [getattr(memory, part.name) for part in fields(memory)]
    if isinstance(memory, tuple | list):
        return [array for part in memory for array in _arrays(part)]  # pyright: ignore[reportUnknownVariableType]
    return [memory] if hasattr(memory, "dtype") and hasattr(memory, "shape") else []
