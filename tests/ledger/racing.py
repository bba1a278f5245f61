"""Eight processes that answer the same questions at once. Run as a program: path, number of questions.

Prints how many answers were first, repeated and refused, and every other error by name, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter

from assent.ledger import AnswerConflict, Ledger

PROCESSES = 8


def contend(path: str, number: int, worker: int) -> Counter[str]:
    # Most are one person whose client tries again and again, two are of another mind.
    actor, choice = ("ann", 1) if worker % 4 else (f"person {worker}", 2)
    outcomes: Counter[str] = Counter()
    with Ledger.open(path) as ledger:
        for step in range(number):
            question = f"demo/{step}.0"
            try:
                answered = ledger.answer(question, choice, actor=actor, digest=ledger.question(question).digest)
                outcomes["first" if answered.first else "repeated"] += 1
            except AnswerConflict:
                outcomes["refused"] += 1
            except Exception as error:
                outcomes[f"{type(error).__name__}: {error}"] += 1
    return outcomes


def main(path: str, number: int) -> None:
    start_read, start_write = os.pipe()
    pipes: list[int] = []
    for worker in range(PROCESSES):
        read, write = os.pipe()
        if os.fork() == 0:
            os.close(start_write)
            os.read(start_read, 1)  # all start together, when the parent closes its end
            os.write(write, json.dumps(contend(path, number, worker)).encode())
            os._exit(0)
        os.close(write)
        pipes.append(read)
    os.close(start_write)
    total: Counter[str] = Counter()
    for pipe in pipes:
        with os.fdopen(pipe) as file:
            total.update(json.loads(file.read() or '{"died": 1}'))
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    print(json.dumps(total))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
