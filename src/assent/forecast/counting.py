"""What a deployment has been through without supervision: decisions done alone whose outcome is known, counted from the ledger's events.

Asked decisions are counted apart: somebody else decided them, and they are the harder ones. Nothing is guessed: a decision without
an outcome is neither clean nor a failure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
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
        model: what identifies the agent: the committee's fingerprint and the rule's settings. Another one is another regime.
        clean: steps done alone whose outcome was right.
        failed: steps done alone whose outcome was wrong, or that somebody corrected: step -> (action done, right action).
        unknown: steps done alone whose outcome nobody recorded.
        asked: decisions that were put before the overseer.
        audits: those of them that the agent's own coin sent there.
        asked_wrong: those whose recorded outcome differs from what was done; not unsupervised, so no failure of the agent alone.
        vetoed, ordered: decided alone, but somebody else saw to what was done.
        order: for each decision done alone with a known outcome, in order: whether it failed.
        order_steps: the steps of these decisions.
        last_step: the last step that was decided, alone or asked; -1 where none was.
        watched: whether decisions without an outcome were counted as clean, because somebody watched.
        opening: hash of the run's first event, in hexadecimal; empty where the events have none.
        members: names, where the ledger has them.
        prior, posterior: weights of the members before the first answer and at the end; None where the ledger does not say.
        doubt: of each decision, the most probability that a leading member can have given to another action than the one done alone; of
            an asked one None.
        forbidden: of each asked decision, by action: the most probability that a leading member gave to it.
        known_loss: upper bound on the mean loss of a member drawn by weight, over decisions whose right action is known; None if none is.
        known: how many those are.
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
    order_steps: tuple[int, ...] = ()
    last_step: int = -1
    watched: bool = False
    opening: str = ""
    members: tuple[str, ...] = ()
    prior: tuple[float, ...] | None = None
    posterior: tuple[float, ...] | None = None
    doubt: tuple[float | None, ...] = ()
    forbidden: tuple[tuple[float, ...], ...] = ()
    known_loss: float | None = None
    known: int = 0

    @property
    def alone(self) -> int:
        """Decisions done alone: with and without a known outcome."""
        return len(self.clean) + len(self.failed) + len(self.unknown)

    @property
    def audited_share(self) -> float:
        """Share of the decisions done alone whose outcome is known."""
        return (len(self.clean) + len(self.failed)) / self.alone if self.alone else 0.0

    @property
    def kinds(self) -> Counter[tuple[int, int]]:
        """How often each kind of failure was seen: what was done, and what would have been right."""
        return Counter(self.failed.values())


def count_run(events: Iterable[EventLike], *, watched: bool = False) -> Counted:
    """One run's decisions, counted.

    Args:
        events: all events of one run, from its first, in order.
        watched: somebody saw every decision and would have corrected a failure (with the probability that `Exposure.detection` gives): what
            was neither corrected nor given an outcome then counts as clean.

    Raises:
        LedgerIncomplete: events are missing, repeated or of several runs; a step was decided twice; two outcomes of one step differ.
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
    trigger: Any = None
    done: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])
    asks: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])
    answers: dict[str, int] = field(default_factory=dict[str, int])
    truths: dict[int, int] = field(default_factory=dict[int, int])
    vetoes: set[int] = field(default_factory=set[int])
    corrections: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    taught: bool = False
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
            case _:
                pass

    def _open(self, body: Mapping[str, Any]) -> None:
        agent = body.get("agent", {})
        guards = ",".join(map(str, agent.get("guards", ())))
        self.model = f"{agent.get('committee', '?')} {agent.get('settings', agent.get('rule', '?'))} {guards}"
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
        stray = sorted(step for step in self.truths if step not in self.done and step not in self.asks)
        if stray:
            raise LedgerIncomplete(
                f"Run {self.run!r} has an outcome of step {stray[0]}, which it never decided: events are missing."
            )
        wrong = self._corrected()
        clean, unknown, order = list[int](), list[int](), list[tuple[int, bool]]()
        failed: dict[int, tuple[int, int]] = {}
        ordered = 0
        for step, body in sorted(self.done.items()):
            action = int(body["action"])
            if step in self.vetoes:
                continue
            if "order" in body and body["order"] != action:
                ordered += 1
                continue
            truth = wrong.get(step, self.truths.get(step, action if self.watched else None))
            if truth is None:
                unknown.append(step)
            elif truth == action:
                clean.append(step)
                order.append((step, False))
            else:
                failed[step] = (action, truth)
                order.append((step, True))
        prior = next((weights for taught, weights in self.weights if not taught), None)
        loss, known = self._loss()
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
            ordered=ordered,
            order=tuple(wrong_ for _, wrong_ in order),
            order_steps=tuple(step for step, _ in order),
            last_step=max([*self.done, *self.asks], default=-1),
            watched=self.watched,
            opening=self.opening,
            members=self.members,
            prior=prior,
            posterior=self.weights[-1][1] if self.weights and prior is not None else None,
            doubt=tuple(
                None if step in self.asks else max(1.0 - float(self.done[step]["minimum"]), 0.0)
                for step in sorted([*self.done, *self.asks])
            ),
            forbidden=tuple(self._most(body) for _, body in sorted(self.asks.items())),
            known_loss=loss,
            known=known,
        )

    def _corrected(self) -> dict[int, int]:
        """step -> right action, of acts that somebody corrected unasked; a correction by the world comes one step after the error."""
        back = 1 if self.trigger == "on_error" else 0
        found: dict[int, int] = {}
        for body in self.corrections:
            step = body.get("step")
            act = self.done.get(int(step) - back) if isinstance(step, int) else None
            if act is None or body.get("choice") is None:
                continue
            same = "obs" not in act or body.get("obs") is None or act["obs"] == body["obs"]
            if same and int(body["choice"]) != int(act["action"]):
                found[int(act["step"])] = int(body["choice"])
        return found

    def _most(self, body: Mapping[str, Any]) -> tuple[float, ...]:
        dossier = body.get("dossier", {})
        rows = [row for row, leads in zip(dossier.get("rows", ()), dossier.get("leading", ()), strict=False) if leads]
        return (
            tuple(max(map(float, column)) for column in zip(*rows, strict=True))
            if rows and "actions" not in dossier
            else ()
        )

    def _loss(self) -> tuple[float | None, int]:
        """Of a member drawn by weight, at most: exactly where the dossier has every row, by the recorded minimum where it acted."""
        losses: list[float] = []
        for step, body in self.done.items():
            truth = self.truths.get(step)
            if truth is not None:
                losses.append(1.0 - float(body["minimum"]) if truth == int(body["action"]) else 1.0)
        for body in self.asks.values():
            choice, dossier = self.answers.get(str(body["question"])), body.get("dossier", {})
            rows, weights = dossier.get("rows", ()), dossier.get("weights") or ()
            if (
                choice is None
                or dossier.get("truncated")
                or "actions" in dossier
                or len(rows) != len(weights)
                or not rows
            ):
                continue
            losses.append(1.0 - sum(float(w) * float(row[choice]) for w, row in zip(weights, rows, strict=True)))
        return (sum(losses) / len(losses) if losses else None), len(losses)


def merged(runs: Iterable[Counted]) -> Counted:
    """The runs of the last one's model as one, in the order given: what estimates of kinds and tails look at.

    Failures are numbered from 0, since steps of several runs repeat each other.
    """
    counted = list(runs)
    same = [one for one in counted if one.model == counted[-1].model]
    last = same[-1]
    losses = [(one.known_loss, one.known) for one in same if one.known_loss is not None]
    total = sum(number for _, number in losses)
    return replace(
        last,
        clean=tuple(step for one in same for step in one.clean),
        failed=dict(enumerate(pair for one in same for pair in one.failed.values())),
        unknown=tuple(step for one in same for step in one.unknown),
        **{
            name: sum(getattr(one, name) for one in same)
            for name in ("asked", "audits", "asked_wrong", "vetoed", "ordered")
        },
        order=tuple(item for one in same for item in one.order),
        order_steps=(),
        prior=same[0].prior,
        doubt=tuple(item for one in same for item in one.doubt),
        forbidden=tuple(item for one in same for item in one.forbidden),
        known_loss=sum(loss * number for loss, number in losses) / total if total else None,
        known=total,
    )
