"""Eight processes, the same 500 questions: 500 answers take effect and nobody is turned away as busy."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import assent
from assent.ledger import Ledger
from tests.ledger.support import OPEN, ask

QUESTIONS = 500


def program_environment():
    return {**os.environ, "PYTHONPATH": str(Path(next(iter(assent.__path__))).parent)}


@pytest.mark.slow
def test_five_hundred_questions_have_five_hundred_answers(tmp_path):
    path = tmp_path / "a.db"
    with Ledger.open(path) as ledger:
        ledger.open_run("demo", OPEN)
        for step in range(QUESTIONS):
            ledger.ask("demo", ask("demo", step))
    program = [sys.executable, str(Path(__file__).with_name("racing.py")), str(path), str(QUESTIONS)]
    ended = subprocess.run(program, env=program_environment(), capture_output=True, text=True, timeout=300, check=True)
    outcomes = json.loads(ended.stdout)
    assert set(outcomes) <= {"first", "repeated", "refused"}, outcomes  # no busy error, none of any other sort
    assert outcomes["first"] == QUESTIONS
    assert sum(outcomes.values()) == 8 * QUESTIONS
    with Ledger.open(path) as ledger:
        answers = Counter(event.body["question"] for event in ledger.events("demo", kinds=["answer"]))
        refused = sum(1 for _ in ledger.events("demo", kinds=["refuse"]))
        assert len(answers) == QUESTIONS
        assert set(answers.values()) == {1}
        assert refused == outcomes["refused"]  # what could not take effect is kept
        assert ledger.verify().ok
