"""replay: a run is lived again, in a file of its own, and has to come out the same."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from assent.agents.considering import Considering
from assent.alarms import AssentWarning
from assent.cli.config import RunConfig
from assent.cli.output import FAILED, OK, Output, errors_end
from assent.cli.runs import Played, config_of, existing, num_steps, open_session, rounds_of, scene_and_agent
from assent.drive import WORLDS_OVERSEER
from assent.fold import check_agent
from assent.ledger import Event, Ledger, decode
from assent.session import Session

if TYPE_CHECKING:
    from assent.presets.overseen import Overseen


def replay(name: str, *, ledger: Path, seed: int | None, json: bool) -> None:
    """`assent replay`."""
    output = Output("replay", as_json=json, run=name)
    with errors_end(output), Ledger.open(existing(ledger), read_only=True) as book:
        config = config_of(book, name, seed)
        scene, agent = scene_and_agent(config)
        events = list(book.events(name))
        check_agent(agent, events[0])
        differs, compared = _first_difference(config, scene, agent, events)
        if differs is None:
            output.say(
                f"Replayed {compared:,} events of {name}: every decision, question and weight comes out the same."
            )
            output.done(OK, run=name, compared=compared, differs=None)
        output.plain(
            f"Event {differs['seq']} ({differs['kind']}) of {name} comes out differently: {differs['field']} is now "
            f"{differs['now']!r}, was {differs['was']!r}."
        )
        output.done(FAILED, run=name, compared=compared, differs=differs)


_DERIVED = ("act", "ask", "answer", "request", "apply", "expire", "checkpoint")


def _derived(event: Event) -> bool:
    """Whether a run lived again has to come to the same event: every decision, and what the world itself says."""
    return event.kind in _DERIVED or (event.kind == "volunteer" and event.actor == WORLDS_OVERSEER)


def _first_difference(
    config: RunConfig, scene: Played | Overseen, agent: Considering, events: list[Event]
) -> tuple[dict[str, Any] | None, int]:
    """The first event that a fresh run, in a file of its own, makes differently from the record, and how many were compared.

    What people said unasked, and the run learned from, they say again after the same decision.
    """
    said = _said_by_people(events)
    events = [event for event in events if _derived(event)]
    with (
        TemporaryDirectory() as folder,
        Ledger.open(Path(folder) / "again.db", group=config.group) as book,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", AssentWarning)
        session = open_session(config, scene, agent, book)
        last = max((event.body["step"] for event in events if "step" in event.body), default=-1)
        decided = 0
        _say_again(session, said.get(decided, ()))
        for _ in rounds_of(session, scene, num_steps=_replayed(config, scene, last)):
            decided += 1
            _say_again(session, said.get(decided, ()))
        book.flush()
        again = [event for event in book.events(config.name) if _derived(event)]
    for number, event in enumerate(events):
        now = again[number] if number < len(again) else None
        if now is None or now.kind != event.kind:
            return {
                "seq": event.seq,
                "kind": event.kind,
                "field": "kind",
                "was": event.kind,
                "now": None if now is None else now.kind,
            }, number
        for key, was in event.body.items():
            if event.kind in ("apply", "checkpoint") and key in ("cause", "applied_seq"):
                continue  # numbers of events, which corrections and refusals in between may shift
            if now.body.get(key) != was:
                return {
                    "seq": event.seq,
                    "kind": event.kind,
                    "field": key,
                    "was": was,
                    "now": now.body.get(key),
                }, number
    return None, len(events)


def _said_by_people(events: list[Event]) -> dict[int, list[Event]]:
    """By the number of decisions before, the corrections of people that the run learned from, in the order in which it did."""
    decided, heard, found = 0, dict[int, Event](), dict[int, list[Event]]()
    for event in events:
        decided += event.kind in ("act", "ask")
        if event.kind == "volunteer" and event.actor != WORLDS_OVERSEER:
            heard[event.seq] = event
        elif event.kind == "apply" and event.body["cause"] in heard:
            found.setdefault(decided, []).append(heard[event.body["cause"]])
    return found


def _say_again(session: Session, corrections: Iterable[Event]) -> None:
    for event in corrections:
        body = event.body
        obs = decode(body["obs"])
        session.volunteer(body["step"], body["choice"], actor=event.actor, obs=obs, note=body["note"])


def _replayed(config: RunConfig, scene: Played | Overseen, last: int) -> int:
    """How many steps to live again; a corrected life to its end, since a correction may be the last thing that was heard."""
    return last + 1 if isinstance(scene, Played) else num_steps(config, scene)
