"""Counts a run: one pass over its events gives the `RunSummary` that the page is drawn from."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from . import fields
from .opening import MAX_MEMBERS, read_opening
from .questions import Asked, choose
from .records import (
    Alone,
    Chain,
    Collapse,
    Decision,
    EventLike,
    Fates,
    LoneError,
    Mark,
    MemberDissent,
    Opening,
    Refused,
    RunSummary,
    SizePoint,
    Volunteered,
    WeightPoint,
)
from .series import WINDOW, histogram, trailing_rate
from .text import clean
from .weights import from_log, normalise

STRETCH = 300
_EFFECTIVE_ONE = 1.005


def summarise(events: Iterable[EventLike]) -> RunSummary:
    """The counts, series and chosen questions of one run, from its events in ledger order.

    Reads each event once. The run is that of the first event; events of other runs are counted as foreign and left out.
    Never raises on missing or odd fields: they come out as None, NaN or "not recorded".
    """
    counter = _Counter()
    for event in events:
        counter.take(event)
    return counter.summary()


@dataclass
class _Act:
    number: int
    step: int | None
    action: int | None
    ask: float | None
    minimum: float | None
    obs: object = None


@dataclass
class _Counter:
    run: str | None = None
    run_id: str | None = None
    opening: Opening | None = None
    closed: str | None = None
    events: int = 0
    foreign: int = 0
    missing: int = 0
    first_seq: int | None = None
    last_seq: int | None = None
    last_at_us: int | None = None
    head: str | None = None
    unknown: Counter[str] = field(default_factory=Counter[str])
    decisions: list[Decision] = field(default_factory=list[Decision])
    acts: list[_Act] = field(default_factory=list[_Act])
    asked: dict[str, Asked] = field(default_factory=dict[str, Asked])
    asks: list[Asked] = field(default_factory=list[Asked])
    answers: int = 0
    expiries: int = 0
    answered_at: list[int] = field(default_factory=list[int])
    expired_at: list[int] = field(default_factory=list[int])
    refusals: list[Refused] = field(default_factory=list[Refused])
    corrections: dict[int, Volunteered] = field(default_factory=dict[int, Volunteered])
    about: dict[int, object] = field(default_factory=dict[int, object])
    trigger: str | None = None
    answer_seq: dict[int, Asked] = field(default_factory=dict[int, Asked])
    truths: dict[int, set[int | None]] = field(default_factory=dict[int, set[int | None]])
    dissent: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    names: dict[int, str] = field(default_factory=dict[int, str])
    named: dict[str, int] = field(default_factory=dict[str, int])
    dossiers: int = 0
    weights: list[WeightPoint] = field(default_factory=list[WeightPoint])
    checkpoints: int = 0
    sizes: list[SizePoint] = field(default_factory=list[SizePoint])
    collapses: list[Collapse] = field(default_factory=list[Collapse])
    leaders: int | None = None
    effective: float | None = None
    collapsed: bool = False
    alarms: list[Mark] = field(default_factory=list[Mark])
    halts: list[Mark] = field(default_factory=list[Mark])

    @property
    def number(self) -> int:
        return len(self.decisions)

    def take(self, event: EventLike) -> None:
        if self.run_id is None:
            self.run = clean(event.run, limit=120)
            self.run_id = event.run
        if event.run != self.run_id:
            self.foreign += 1
            return
        self.events += 1
        if self.first_seq is None:
            self.first_seq, self.missing = event.seq, max(event.seq - 1, 0)
        elif self.last_seq is not None:
            self.missing += max(event.seq - self.last_seq - 1, 0)
        self.last_seq, self.last_at_us = event.seq, event.at_us
        self.head = event.hash.hex() or None
        handler = _HANDLERS.get(event.kind)
        if handler is None:
            self.unknown[clean(event.kind, limit=40)] += 1
        else:
            handler(self, event)

    def on_open(self, event: EventLike) -> None:
        if self.opening is None:
            self.opening = read_opening(event)
            members = fields.sequence(fields.mapping(event.body, "agent"), "members")[:MAX_MEMBERS]
            self.named = {str(name): number for number, name in enumerate(members)}
            if len(self.named) < len(members):  # names that two members share tell nobody who is meant
                self.named = {}
            process = fields.mapping(fields.mapping(event.body, "agent"), "process")
            self.trigger = fields.text(process, "trigger")

    def on_act(self, event: EventLike) -> None:
        body = event.body
        step, ask = fields.integer(body, "step"), fields.real(body, "ask")
        number, done = self.number + 1, fields.integer(body, "order" if "order" in body else "action")
        self.decisions.append(Decision(number=number, step=step, asked=False, ask=ask, mass=fields.real(body, "mass")))
        self.acts.append(_Act(number, step, done, ask, fields.real(body, "minimum"), body.get("obs")))
        self._size(leaders=fields.integer(body, "leaders"))

    def on_ask(self, event: EventLike) -> None:
        body, number = event.body, self.number + 1
        asked = Asked(number=number, at_us=event.at_us, body=body, key=fields.text(body, "question") or f"#{event.seq}")
        ask = fields.real(body, "ask")
        self.decisions.append(Decision(number=number, step=fields.integer(body, "step"), asked=True, ask=ask))
        self.asks.append(asked)
        self.asked.setdefault(asked.key, asked)
        self._size(leaders=fields.integer(body, "leaders"))
        dossier = fields.mapping(body, "dossier")
        if dossier:
            self._dossier(dossier)

    def _dossier(self, dossier: fields.Body) -> None:
        names, weights = fields.texts(dossier, "members")[:MAX_MEMBERS], fields.reals(dossier.get("weights"))
        numbers = list(range(MAX_MEMBERS))
        if dossier.get("truncated") is True:
            numbers = [self.named.get(str(name), -1) for name in fields.sequence(dossier, "members")[:MAX_MEMBERS]]
            order: list[int] = sorted(range(len(numbers)), key=numbers.__getitem__)
            whole = [numbers[place] for place in order] == list(range(len(self.named)))
            # what is left out has weight too
            weights = tuple(weights[place] for place in order) if whole and len(weights) == len(numbers) else ()
        for place in fields.integers(dossier, "dissent"):
            member = numbers[place] if 0 <= place < len(numbers) else -1
            if member >= 0:
                at = self.dissent.setdefault(member, [])
                if not at or at[-1] != len(self.asks) - 1:
                    at.append(len(self.asks) - 1)
        for member, name in zip(numbers, names, strict=False):
            if member >= 0:
                self.names.setdefault(member, name)
        self.dossiers += 1
        self._weigh(normalise(weights))

    def on_answer(self, event: EventLike) -> None:
        self.answers += 1
        self.answered_at.append(self.number)
        asked = self.asked.get(fields.text(event.body, "question") or "")
        if asked is not None and asked.fate == "open":
            asked.settle("answered", choice=fields.integer(event.body, "choice"), actor=event.actor, at_us=event.at_us)
            self.answer_seq[event.seq] = asked

    def on_expire(self, event: EventLike) -> None:
        self.expiries += 1
        self.expired_at.append(self.number)
        self._settle(event, "expired")

    def on_withdraw(self, event: EventLike) -> None:
        self._settle(event, "withdrawn")

    def _settle(self, event: EventLike, fate: str) -> None:
        asked = self.asked.get(fields.text(event.body, "question") or "")
        if asked is not None and asked.fate == "open":
            asked.settle(fate, choice=fields.integer(event.body, "action"), actor=None, at_us=None)

    def on_refuse(self, event: EventLike) -> None:
        body = event.body
        refused = Refused(
            number=self.number,
            question=fields.plain(body.get("question"), limit=80),
            choice=fields.integer(body, "choice"),
            why=fields.plain(body.get("why"), limit=80),
            actor=clean(event.actor, limit=80),
        )
        self.refusals.append(refused)

    def on_volunteer(self, event: EventLike) -> None:
        body = event.body
        self.about[event.seq] = body.get("obs")
        self.corrections[event.seq] = Volunteered(
            number=self.number,
            step=fields.integer(body, "step"),
            choice=fields.integer(body, "choice"),
            did=None,
            note=clean(fields.text(body, "note") or ""),
            actor=clean(event.actor, limit=80),
            taken_in=False,
            surprise=None,
        )

    def on_apply(self, event: EventLike) -> None:
        body, cause = event.body, fields.integer(event.body, "cause")
        surprise = fields.real(body, "surprise")
        if "surprise" in body and body["surprise"] is None:
            surprise = math.inf
        if cause is not None and cause in self.answer_seq:
            self.answer_seq[cause].surprise = surprise
        elif cause is not None and cause in self.corrections:
            self.corrections[cause] = replace(self.corrections[cause], taken_in=True, surprise=surprise)
        self._size(leaders=fields.integer(body, "leaders"), effective=fields.real(body, "effective"))

    def on_outcome(self, event: EventLike) -> None:
        step = fields.integer(event.body, "step")
        if step is not None:
            self.truths.setdefault(step, set()).add(fields.integer(event.body, "truth"))

    def on_checkpoint(self, event: EventLike) -> None:
        self.checkpoints += 1
        self._weigh(from_log(fields.reals(event.body.get("log_weight"))))

    def on_mark(self, event: EventLike) -> None:
        body = event.body
        alarm = event.kind == "alarm"
        mark = Mark(
            number=self.number,
            kind=event.kind,
            name=fields.plain(body.get("name" if alarm else "reason"), limit=120),
            detail=fields.plain(body.get("detail")) if alarm and body.get("detail") else "",
            actor=clean(event.actor, limit=80),
        )
        (self.alarms if alarm else self.halts).append(mark)

    def on_veto(self, event: EventLike) -> None:
        """What was vetoed was not done, so it is no error of acting alone."""
        self.on_mark(event)
        step = fields.integer(event.body, "step")
        if self.acts and step is not None and self.acts[-1].step == step:
            self.acts[-1] = replace(self.acts[-1], action=None)

    def on_close(self, event: EventLike) -> None:
        self.closed = fields.plain(event.body.get("reason"), limit=120)

    def on_lease(self, event: EventLike) -> None:
        """Claims and releases change who may answer, not what was decided."""

    def on_request(self, event: EventLike) -> None:
        """A correction was asked and paid for; if one comes, it is volunteered."""

    def _weigh(self, weights: tuple[float, ...]) -> None:
        if weights:
            self.weights.append(WeightPoint(number=self.number, weights=weights[:MAX_MEMBERS]))

    def _size(self, *, leaders: int | None, effective: float | None = None) -> None:
        if leaders is None and effective is None:
            return
        self.sizes.append(SizePoint(number=self.number, leaders=leaders, effective=effective))
        self.leaders = self.leaders if leaders is None else leaders
        self.effective = self.effective if effective is None else effective
        collapsed = (self.leaders is not None and self.leaders <= 1) or (
            self.effective is not None and self.effective < _EFFECTIVE_ONE
        )
        if collapsed and not self.collapsed:
            self.collapses.append(
                Collapse(number=self.number, end=None, leaders=self.leaders, effective=self.effective)
            )
        elif self.collapsed and not collapsed:
            self.collapses[-1] = replace(self.collapses[-1], end=self.number)
        self.collapsed = collapsed

    def summary(self) -> RunSummary:
        asked = [d.asked for d in self.decisions]
        stretch = min(STRETCH, len(asked))
        rolling = trailing_rate(asked)
        waits = [a.answer_s for a in self.asks if a.answer_s is not None]
        ask_histogram, ask_unreadable = histogram([d.ask for d in self.decisions])
        mass_histogram, mass_unreadable = histogram([d.mass for d in self.decisions if not d.asked])
        fates = Counter(a.fate for a in self.asks)
        reasons = Counter(fields.plain(a.body.get("reason"), limit=60) for a in self.asks)
        return RunSummary(
            run=self.run,
            opening=self.opening,
            closed=self.closed,
            last_at_us=self.last_at_us,
            decisions=tuple(self.decisions),
            acts=len(self.acts),
            asks=len(self.asks),
            answers=self.answers,
            expiries=self.expiries,
            refusals=tuple(self.refusals),
            corrections=self._corrections(),
            fates=Fates(
                answered=fates["answered"],
                expired=fates["expired"],
                withdrawn=fates["withdrawn"],
                open=fates["open"],
            ),
            reasons=tuple(sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))),
            answer_s=statistics.median(waits) if waits else None,
            answered_at=tuple(self.answered_at),
            expired_at=tuple(self.expired_at),
            rolling=rolling,
            rolling_window=WINDOW,
            stretch=stretch,
            first_rate=sum(asked[:stretch]) / stretch if stretch else None,
            last_rate=sum(asked[-stretch:]) / stretch if stretch else None,
            alone=self._alone(),
            dissent=self._dissent(),
            dossiers=self.dossiers,
            ask_histogram=ask_histogram,
            ask_unreadable=ask_unreadable,
            mass_histogram=mass_histogram,
            mass_unreadable=mass_unreadable,
            weights=tuple(self.weights),
            checkpoints=self.checkpoints,
            sizes=tuple(self.sizes),
            collapses=tuple(self.collapses),
            alarms=tuple(self.alarms),
            halts=tuple(self.halts),
            questions=choose(self.asks, opening=self.opening),
            chain=Chain(
                events=self.events,
                first_seq=self.first_seq,
                last_seq=self.last_seq,
                head=self.head,
                missing=self.missing,
                foreign=self.foreign,
                unknown_kinds=tuple(sorted(self.unknown.items())),
            ),
        )

    def _alone(self) -> Alone:
        right, contradictory, errors = 0, 0, list[LoneError]()
        for act in self.acts:
            truths = self.truths.get(act.step, set()) if act.step is not None else set[int | None]()
            truth = next(iter(truths)) if len(truths) == 1 else None
            contradictory += len(truths) > 1
            if truth is None or act.step is None or act.action is None:
                continue
            if truth == act.action:
                right += 1
            else:
                errors.append(
                    LoneError(
                        number=act.number,
                        step=act.step,
                        action=act.action,
                        truth=truth,
                        ask=act.ask,
                        minimum=act.minimum,
                    )
                )
        corrected = sum(c.did is not None and c.choice is not None and c.did != c.choice for c in self._corrections())
        return Alone(
            right=right,
            wrong=len(errors),
            not_known=len(self.acts) - right - len(errors),
            contradictory=contradictory,
            corrected=corrected,
            errors=tuple(errors),
        )

    def _corrections(self) -> tuple[Volunteered, ...]:
        acts = {act.step: act for act in self.acts if act.step is not None}
        back = 1 if self.trigger == "on_error" else 0  # such a correction comes with the step after the error
        found: list[Volunteered] = []
        for seq, correction in self.corrections.items():
            act = acts.get(correction.step - back) if correction.step is not None else None
            about = self.about.get(seq)
            same = act is not None and (about is None or act.obs is None or about == act.obs)
            found.append(replace(correction, did=act.action if act is not None and same else None))
        return tuple(found)

    def _dissent(self) -> tuple[MemberDissent, ...]:
        opened = self.opening.members if self.opening else ()
        total = max([len(opened), *(m + 1 for m in self.names), *(m + 1 for m in self.dissent)])
        return tuple(
            MemberDissent(
                member=member,
                name=opened[member] if member < len(opened) else self.names.get(member, f"member {member}"),
                at=tuple(self.dissent.get(member, ())),
            )
            for member in range(total)
        )


_HANDLERS: dict[str, Callable[[_Counter, EventLike], None]] = {
    "open": _Counter.on_open,
    "act": _Counter.on_act,
    "ask": _Counter.on_ask,
    "claim": _Counter.on_lease,
    "release": _Counter.on_lease,
    "answer": _Counter.on_answer,
    "refuse": _Counter.on_refuse,
    "volunteer": _Counter.on_volunteer,
    "request": _Counter.on_request,
    "apply": _Counter.on_apply,
    "expire": _Counter.on_expire,
    "withdraw": _Counter.on_withdraw,
    "halt": _Counter.on_mark,
    "resume": _Counter.on_mark,
    "veto": _Counter.on_veto,
    "outcome": _Counter.on_outcome,
    "checkpoint": _Counter.on_checkpoint,
    "alarm": _Counter.on_mark,
    "close": _Counter.on_close,
}
