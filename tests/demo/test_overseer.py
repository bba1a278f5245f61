"""What the demonstration's last part claims is what was counted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assent.demo.overseer import LIVES, Lives, claims_of
from assent.planning.verdict import Verdict
from assent.presets.overseen import Terms, overseen


def first(cost: float) -> Verdict:
    agent = overseen("off_switch", terms=Terms(cost=cost)).agent
    verdict = agent.verdict(agent.init(), agent.hypotheses.problem.model.start)
    assert verdict is not None
    return verdict


@pytest.fixture(scope="module")
def found() -> list[Lives]:
    cheap = Lives(0.05, first(0.05), corrections=9, kept=LIVES, at_once=0, decided=True, verified=True)
    return [cheap, replace(cheap, cost=1.2, first=first(1.2), kept=0, at_once=LIVES)]


def test_every_claim_holds_where_what_it_says_was_seen(found: list[Lives]) -> None:
    assert all(claim.holds for claim in claims_of(found))


@pytest.mark.parametrize("change", ["later", "without a reason", "kept once"])
def test_pressing_at_once_and_saying_why_is_checked(found: list[Lives], change: str) -> None:
    dear = found[1]
    changed = {
        "later": replace(dear, at_once=LIVES - 1),
        "without a reason": replace(dear, first=replace(dear.first, terms=None)),
        "kept once": replace(dear, kept=1, at_once=LIVES - 1),
    }[change]
    (claim,) = [claim for claim in claims_of([found[0], changed]) if "presses at once" in claim.text]
    assert not claim.holds
