"""Children that use a ledger and are killed, at every fail-point and at random times. Run as a program: folder, seed.

A small parent forks them one by one; each tells through a pipe what was acknowledged. After each death the parent
compares that with the ledger. Prints counts as JSON.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from assent.ledger import Ledger, verify_chain
from assent.ledger.failpoints import FAILPOINTS, VARIABLE
from tests.ledger.support import APPLY, OPEN, STATE, act, ask

Tell = Callable[..., None]
RANDOM_KILLS = 90


def life(ledger: Ledger, run: str, tell: Tell, steps: Iterator[int]) -> None:
    """Everything that can be done to a ledger, once; each line told is an acknowledgement."""
    decide(ledger, run, tell, steps)
    for _ in range(next(steps)):
        ledger.append(run, "act", act(next(steps)))
    ledger.flush()
    question = ledger.ask(run, ask(run, next(steps)))
    ledger.withdraw(question.id, "no longer", actor="session")
    tell("withdraw", question.id)
    question = ledger.ask(run, ask(run, next(steps)))
    ledger.expire(question.id, 0)
    tell("expire", question.id)
    ledger.halt(run, "smoke", actor="bea")
    tell("halt")
    ledger.resume(run, "a toaster", actor="bea")
    tell("resume")


def decide(ledger: Ledger, run: str, tell: Tell, steps: Iterator[int]) -> None:
    ledger.append(run, "act", act(next(steps)))
    question = ledger.ask(run, ask(run, next(steps)))
    tell("ask", question.id)
    claim = ledger.claim(question.id, actor="ann", lease_s=60)
    tell("claim", question.id)
    ledger.release(question.id, actor="ann", fence=claim.fence)
    tell("release", question.id)
    tell("trying", question.id)
    answered = ledger.answer(question.id, 1, actor="ann", digest=question.digest, idem=question.id)
    tell("answer", question.id)
    ledger.apply(run, answered.seq, APPLY, STATE)
    ledger.flush()
    tell("apply", answered.seq)
    ledger.volunteer(run, next(steps), 2, actor="ann")
    tell("volunteer")
    ledger.veto(run, {"step": next(steps), "action": 1, "instead": 0, "reason": "seen in time"}, actor="ann")
    tell("veto")


def child(path: str, run: str, write: int, *, group: int, forever: bool) -> None:
    def tell(kind: str, *details: Any) -> None:
        os.write(write, (json.dumps([kind, *details]) + "\n").encode())

    ledger = Ledger.open(path, group=group)
    ledger.open_run(run, OPEN)
    tell("open")
    steps = count()
    if forever:
        while True:
            decide(ledger, run, tell, steps)
    life(ledger, run, tell, steps)
    ledger.close_run(run, "done")
    tell("close")


def spawn(path: str, run: str, *, point: str | None, group: int, wait_s: float | None) -> tuple[bool, list[list[Any]]]:
    """Whether the child was killed, and what it was told."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        if point is not None:
            os.environ[VARIABLE] = point
        try:
            child(path, run, write, group=group, forever=wait_s is not None)
        finally:
            os._exit(0)
    os.close(write)
    if wait_s is not None:
        time.sleep(wait_s)
        os.kill(pid, signal.SIGKILL)
    with os.fdopen(read) as file:
        lines = [json.loads(line) for line in file if line.endswith("\n")]
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status == -signal.SIGKILL, lines


def examine(path: str, run: str, told: list[list[Any]]) -> Counter[str]:
    """What was lost, and what a client finds that asks again because it never heard back."""
    found: Counter[str] = Counter()
    with Ledger.open(path) as ledger:
        if run not in {item.id for item in ledger.runs()}:
            found["lost"] += len(told)
            return found
        events = list(ledger.events(run))
        found["chain breaks"] += len(verify_chain(events))
        acknowledged = Counter(kind for kind, *_ in told if kind != "trying")
        present = Counter(event.kind for event in events)
        for kind, number in acknowledged.items():
            found["lost"] += max(0, number - present[kind])
        answered = {event.body["question"]: event.body["choice"] for event in events if event.kind == "answer"}
        heard = {question for kind, *rest in told if kind == "answer" for question in rest}
        found["lost"] += sum(answered.get(question) != 1 for question in heard)
        for question in [rest[0] for kind, *rest in told if kind == "trying" and rest[0] not in heard]:
            digest = ledger.question(question).digest
            again = ledger.answer(question, 1, actor="ann", digest=digest, idem=question)
            found["committed, unheard" if not again.first else "never committed"] += 1
            found["wrong on retry"] += again.first == (question in answered)
        found["acknowledged"] += sum(acknowledged.values())
    return found


def main(folder: str, seed: int) -> None:
    draw = random.Random(seed)
    plan: list[tuple[str | None, int, float | None]] = []
    # In a group an apply waits for the next flush, so its own points are only passed alone.
    plan += [(point, 1 if ":apply." in point else group, None) for point in FAILPOINTS for group in (1, 10)]
    plan += [(None, draw.choice((1, 10)), draw.uniform(0, 0.05)) for _ in range(RANDOM_KILLS)]
    total: Counter[str] = Counter()
    missed: list[str] = []
    for number, (point, group, wait_s) in enumerate(plan):
        # Most share one file, so that recovery meets a log that others left; a migration needs a new file.
        fresh = point is not None and ":migrate." in point
        path = os.path.join(folder, f"{number if fresh else 'shared'}.db")
        killed, told = spawn(path, f"run {number}", point=point, group=group, wait_s=wait_s)
        total["kills"] += killed
        if not killed:
            missed.append(str(point))
        total.update(examine(path, f"run {number}", told))
    with Ledger.open(os.path.join(folder, "shared.db")) as ledger:
        report = ledger.verify()
        total["verified"] = report.events
    print(json.dumps({**total, "missed": missed, "failures": report.failures}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
