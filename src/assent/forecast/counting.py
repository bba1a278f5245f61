"""What a deployment has been through without supervision: decisions done alone whose outcome is known, counted from the ledger's events.

Asked decisions are counted apart: somebody else decided them, and they are the harder ones. Nothing is guessed: a decision without
an outcome is neither clean nor a failure. What an overseer did about a decision never takes it out of the count: a veto, a correction
and an order for something else say that it would have been wrong.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class EventLike(Protocol):
    """An event of the ledger, or anything of that form."""

    @property
    def run(self) -> str: ...
    @property
    def seq(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def body(self) -> Mapping[str, Any]: ...


class LedgerIncomplete(ValueError):
    """The events are not those of a whole run, or contradict each other; counting them would give a wrong number."""


@dataclass(frozen=True)
class Counted:
    """One run, counted.

    Attributes:
        run: its name.
        model: what identifies the agent: all that the opening says of it, and the preset. Another one is another regime; a run whose
            opening names no committee is one of its own.
        clean: steps decided alone whose outcome was right, or that an order agreed with.
        failed: steps decided alone whose outcome was wrong, or that somebody corrected, vetoed (without an outcome that says it was right)
            or ordered otherwise: step -> (action decided, right action). The right one is -1 where only a veto says that it was wrong.
        unknown: steps decided alone whose outcome nobody recorded.
        asked: decisions that were put before the overseer.
        audits: those of them that the agent's own coin sent there.
        asked_wrong: those whose recorded outcome differs from what was done; not unsupervised, so no failure of the agent alone.
        told: those decided alone whose outcome was recorded as such, clean or not; of the others only an overseer's word is known.
        vetoed, ordered: decided alone, but somebody else saw to what was done; they are among the clean, failed or unknown.
        order: for each decision done alone with a known outcome, in order: whether it failed.
        order_steps: the steps of these decisions.
        last_step: the last step that was decided, alone or asked; -1 where none was.
        closed: whether the run was ended for good, so that no decision follows.
        watched: whether decisions without an outcome were counted as clean, because somebody watched.
        opening: hash of the run's first event, in hexadecimal; empty where the events have none.
        members: names, where the ledger has them.
        prior, posterior: weights of the members before the first answer and at the end; None where the ledger does not say.
        num_actions: how many there are to choose from; None where the opening does not say.
        lone: of each decision done alone, in order: the action, and the least probability that a leading member gave to it.
        given: of each asked decision whose dossier shows all leading members: the most that one of them gave to each action, and to any
            that is not listed.
        hidden: asked decisions whose dossier does not.
        losses: of each member, an upper bound on its loss summed over the decisions whose right action is known.
        known: how many those are.
        partly: those of them that do not show every member, and count as lost by all.
    """

    run: str
    model: str
    clean: tuple[int, ...]
    failed: Mapping[int, tuple[int, int]]
    unknown: tuple[int, ...]
    asked: int
    audits: int
    asked_wrong: int
    vetoed: int
    ordered: int
    order: tuple[bool, ...]
    told: int = 0
    order_steps: tuple[int, ...] = ()
    last_step: int = -1
    closed: bool = False
    watched: bool = False
    opening: str = ""
    members: tuple[str, ...] = ()
    prior: tuple[float, ...] | None = None
    posterior: tuple[float, ...] | None = None
    num_actions: int | None = None
    lone: tuple[tuple[int, float], ...] = ()
    given: tuple[tuple[Mapping[int, float], float], ...] = ()
    hidden: int = 0
    losses: tuple[float, ...] = ()
    known: int = 0
    partly: int = 0

    @property
    def alone(self) -> int:
        """Decisions done alone: with and without a known outcome."""
        return len(self.clean) + len(self.failed) + len(self.unknown)

    @property
    def audited_share(self) -> float:
        """Share of the decisions done alone whose outcome is known."""
        return (len(self.clean) + len(self.failed)) / self.alone if self.alone else 0.0

    @property
    def known_loss(self) -> float | None:
        """Upper bound on the mean loss of a member drawn by its final weight, over decisions whose right action is known."""
        if not self.known or self.posterior is None or len(self.losses) != len(self.posterior):
            return None
        total = sum(self.posterior)
        return sum(weight * loss for weight, loss in zip(self.posterior, self.losses, strict=True)) / total / self.known

    @property
    def kinds(self) -> Counter[tuple[int, int]]:
        """How often each kind of failure was seen: what was done, and what would have been right."""
        return Counter(self.failed.values())


def count_run(events: Iterable[EventLike], *, watched: bool = False) -> Counted:
    """One run's decisions, counted.

    Args:
        events: all events of one run, from its first, in order.
        watched: somebody saw every decision and would have corrected a failure (with the probability that `Exposure.detection` gives): what
            was neither corrected, vetoed, ordered otherwise nor given an outcome then counts as clean. A correction that does not fit
            what was observed leaves its step unknown.

    Raises:
        LedgerIncomplete: events are missing, repeated or of several runs; a step was decided twice; two outcomes of one step differ; an
            outcome or a veto of a step that was never decided.
    """
    reader = _Reader(watched)
    for event in events:
        reader.take(event)
    return reader.counted()


@dataclass
class _Reader:
    watched: bool
    run: str = ""
    opening: str = ""
    last: int = 0
    model: str = ""
    members: tuple[str, ...] = ()
    num_actions: int | None = None
    trigger: Any = None
    done: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])
    asks: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])
    answers: dict[str, int] = field(default_factory=dict[str, int])
    truths: dict[int, int] = field(default_factory=dict[int, int])
    vetoes: set[int] = field(default_factory=set[int])
    corrections: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    taught: bool = False
    closed: bool = False
    weights: list[tuple[bool, tuple[float, ...]]] = field(default_factory=list[tuple[bool, tuple[float, ...]]])

    def take(self, event: EventLike) -> None:
        if not self.run:
            self.run = event.run
        if event.run != self.run or event.seq != self.last + 1:
            raise LedgerIncomplete(
                f"After event {self.last} of run {self.run!r} comes event {event.seq} of run {event.run!r}: events are missing, repeated "
                "or mixed. Count one whole run, as the ledger gives it; `assent log verify` says what was lost."
            )
        self.last = event.seq
        if event.seq == 1 and event.kind != "open":
            raise LedgerIncomplete(
                f"Run {self.run!r} begins with {event.kind!r} and not with its opening: its first events are missing."
            )
        body = dict(event.body)
        match event.kind:
            case "open":
                self._open(body)
                digest = getattr(event, "hash", b"")
                self.opening = digest.hex() if isinstance(digest, bytes) else ""
            case "act":
                self._decided(int(body["step"]))
                self.done[int(body["step"])] = body
            case "ask":
                self._asked(body)
            case "answer":
                self.answers[str(body["question"])] = int(body["choice"])
            case "outcome":
                self._outcome(int(body["step"]), int(body["truth"]))
            case "veto":
                self.vetoes.add(int(body["step"]))
            case "volunteer":
                self.corrections.append(body)
            case "apply":
                self.taught = True
            case "close":
                self.closed = True
            case _:
                pass

    def _open(self, body: Mapping[str, Any]) -> None:
        agent = body.get("agent", {})
        config = body.get("config", {})
        preset = config.get("run", {}).get("preset", "") if isinstance(config.get("run", {}), Mapping) else ""
        told = {name: value for name, value in agent.items() if name != "promise"}  # follows from the rest
        alone = "" if agent.get("committee") else f" of run {self.run} only"
        self.model = f"{preset} {json.dumps(told, sort_keys=True, default=str)}{alone}".strip()
        self.num_actions = int(agent["num_actions"]) if "num_actions" in agent else None
        self.members = tuple(map(str, agent.get("members", ())))
        process = agent.get("process", {})
        self.trigger = process.get("trigger") if isinstance(process, Mapping) else None

    def _asked(self, body: dict[str, Any]) -> None:
        step = int(body["step"])
        if step in self.done:
            self._decided(step)
        self.asks[step] = body  # a withdrawn question may be put again: the last attempt counts
        dossier = body.get("dossier", {})
        weights = dossier.get("weights") or ()
        if not dossier.get("truncated") and len(weights) == len(self.members) > 0:
            self.weights.append((self.taught, tuple(map(float, weights))))

    def _decided(self, step: int) -> None:
        if step in self.done or step in self.asks:
            raise LedgerIncomplete(
                f"Step {step} of run {self.run!r} was decided twice; a decision would be counted twice."
            )

    def _outcome(self, step: int, truth: int) -> None:
        if self.truths.setdefault(step, truth) != truth:
            raise LedgerIncomplete(
                f"Step {step} of run {self.run!r} has two outcomes, {self.truths[step]} and {truth}: find out which is right. Nothing was "
                "counted."
            )

    def counted(self) -> Counted:
        if not self.run:
            raise LedgerIncomplete("There are no events; name a run that the ledger holds.")
        for what, steps in (("an outcome", self.truths), ("a veto", self.vetoes)):
            stray = sorted(step for step in steps if step not in self.done and step not in self.asks)
            if stray:
                raise LedgerIncomplete(
                    f"Run {self.run!r} has {what} of step {stray[0]}, which it never decided: events are missing."
                )
        wrong, unclear = self._corrected()
        clean, unknown, order = list[int](), list[int](), list[tuple[int, bool]]()
        failed: dict[int, tuple[int, int]] = {}
        for step, body in sorted(self.done.items()):
            action = int(body["action"])
            truth = self._right(step, body, wrong, None if step in unclear or not self.watched else action)
            if truth is None:
                unknown.append(step)
            elif truth == action:
                clean.append(step)
                order.append((step, False))
            else:
                failed[step] = (action, truth)
                order.append((step, True))
        prior = next((weights for taught, weights in self.weights if not taught), None)
        losses, known, partly = self._losses()
        given = [self._most(body) for _, body in sorted(self.asks.items())]
        return Counted(
            run=self.run,
            model=self.model,
            clean=tuple(clean),
            failed=failed,
            unknown=tuple(unknown),
            asked=len(self.asks),
            audits=sum(body.get("reason") == "audit" for body in self.asks.values()),
            asked_wrong=sum(
                step in self.truths
                and self.truths[step] != self.answers.get(str(body["question"]), body.get("null_action"))
                for step, body in self.asks.items()
            ),
            vetoed=len(self.vetoes),
            ordered=sum("order" in body and body["order"] != body["action"] for body in self.done.values()),
            told=sum(step in self.truths for step in self.done),
            order=tuple(wrong_ for _, wrong_ in order),
            order_steps=tuple(step for step, _ in order),
            last_step=max([*self.done, *self.asks], default=-1),
            closed=self.closed,
            watched=self.watched,
            opening=self.opening,
            members=self.members,
            prior=prior,
            posterior=self.weights[-1][1] if self.weights and prior is not None else None,
            num_actions=self.num_actions,
            lone=tuple((int(body["action"]), float(body["minimum"])) for _, body in sorted(self.done.items())),
            given=tuple(one for one in given if one is not None),
            hidden=sum(one is None for one in given),
            losses=losses,
            known=known,
            partly=partly,
        )

    def _right(self, step: int, body: Mapping[str, Any], wrong: Mapping[int, int], otherwise: int | None) -> int | None:
        """The action that would have been right, -1 where only a veto says that this one was not; `otherwise` where nobody says."""
        if step in wrong:
            return wrong[step]
        order = int(body["order"]) if "order" in body else None
        if order is not None and order != int(body["action"]):
            return order
        if step in self.truths:
            return self.truths[step]
        if order is not None:
            return order
        return -1 if step in self.vetoes else otherwise

    def _corrected(self) -> tuple[dict[int, int], set[int]]:
        """step -> right action, of acts that somebody corrected unasked; and steps whose correction speaks of something else.

        A correction by the world comes one step after the error.
        """
        back = 1 if self.trigger == "on_error" else 0
        found, unclear = dict[int, int](), set[int]()
        for body in self.corrections:
            step = body.get("step")
            act = self.done.get(int(step) - back) if isinstance(step, int) else None
            if act is None or body.get("choice") is None:
                continue
            if "obs" in act and body.get("obs") is not None and act["obs"] != body["obs"]:
                unclear.add(int(act["step"]))
            elif int(body["choice"]) != int(act["action"]):
                found[int(act["step"])] = int(body["choice"])
        return found, unclear

    def _most(self, body: Mapping[str, Any]) -> tuple[dict[int, float], float] | None:
        """The most that a leading member gave to each listed action, and to one that is not; None where not all of them are shown."""
        dossier = body.get("dossier", {})
        leads = dossier.get("leading", ())
        rows = [tuple(map(float, row)) for row, lead in zip(dossier.get("rows", ()), leads, strict=False) if lead]
        if not rows or dossier.get("truncated"):
            return None
        listed = dossier.get("actions", range(len(rows[0])))
        others = max(1.0 - sum(row) for row in rows) if "actions" in dossier else 0.0
        return {int(at): max(row[place] for row in rows) for place, at in enumerate(listed)}, max(others, 0.0)

    def _losses(self) -> tuple[tuple[float, ...], int, int]:
        """Summed, of each member: exactly where the dossier has every row, by the recorded minimum where it acted and all of them led."""
        losses, known, partly = [0.0] * len(self.members), 0, 0

        def add(of_each: Sequence[float]) -> None:
            losses[:] = [one + more for one, more in zip(losses, of_each, strict=True)]

        for step, body in self.done.items():
            truth = self.truths.get(step)
            if truth is not None:
                all_led = body.get("leaders") == len(self.members)
                known, partly = known + 1, partly + (not all_led)
                right = truth == int(body["action"]) and all_led
                add([1.0 - float(body["minimum"]) if right else 1.0] * len(losses))
        for body in self.asks.values():
            choice, dossier = self.answers.get(str(body["question"])), body.get("dossier", {})
            if choice is None:
                continue
            rows = dossier.get("rows", ())
            shown = not dossier.get("truncated") and "actions" not in dossier and len(rows) == len(losses)
            known, partly = known + 1, partly + (not shown)
            add([1.0 - float(row[choice]) for row in rows] if shown else [1.0] * len(losses))
        return tuple(losses), known, partly


def merged(runs: Iterable[Counted]) -> Counted:
    """The runs of the last one's model as one, in the order given: what estimates of kinds and tails look at.

    Failures are numbered from 0, since steps of several runs repeat each other.
    """
    counted = list(runs)
    same = [one for one in counted if one.model == counted[-1].model]
    last = same[-1]
    return replace(
        last,
        clean=tuple(step for one in same for step in one.clean),
        failed=dict(enumerate(pair for one in same for pair in one.failed.values())),
        unknown=tuple(step for one in same for step in one.unknown),
        **{
            name: sum(getattr(one, name) for one in same)
            for name in ("asked", "audits", "asked_wrong", "told", "vetoed", "ordered", "hidden", "known", "partly")
        },
        order=tuple(item for one in same for item in one.order),
        order_steps=(),
        prior=same[0].prior,
        lone=tuple(item for one in same for item in one.lone),
        given=tuple(item for one in same for item in one.given),
        losses=tuple(map(sum, zip(*(one.losses for one in same), strict=True))),
    )
