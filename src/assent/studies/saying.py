"""How a collection answers its question: sentences with figures in them, each said only if the studies that it rests on held."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

from assent.studies.study import Finding, Score

Scores = Mapping[str, Score]
"""By study, of those alone whose claims held."""


@dataclass(frozen=True)
class Said:
    """A sentence of the answer, and the studies whose claims must have held for it to be said."""

    needs: tuple[str, ...]
    words: Callable[[Scores], str]


@dataclass(frozen=True)
class Answering:
    """How a collection answers.

    Attributes:
        question: the headline's, in a few words.
        headline: from the names of the studies whose claims held what the headline answers.
        paragraphs: each with its heading, which may be empty, and its sentences.
        advice: parts of one sentence that begins with `lead`.
        untested: a sentence that follows the advice.
    """

    question: str
    headline: Callable[[Set[str]], str]
    paragraphs: Sequence[tuple[str, Sequence[Said]]]
    lead: str
    advice: Sequence[Said]
    untested: str

    def __call__(self, found: Mapping[str, Finding]) -> tuple[str, tuple[str, ...]]:
        """The headline, which names what failed first, and a few sentences with the figures in them, of studies that held alone."""
        held = {name: finding.score for name, finding in found.items() if finding.holds}
        paragraphs = [
            " ".join([heading, *sentences]).strip()
            for heading, part in self.paragraphs
            if (sentences := _said(part, held))
        ]
        advice = _said(self.advice, held)
        if advice:
            paragraphs.append(f"{self.lead}: {'; '.join(advice)}. {self.untested}")
        return f"{_failures(found)}{self.question} {self.headline(held.keys())}", tuple(paragraphs)


def _said(part: Sequence[Said], held: Scores) -> list[str]:
    return [item.words(held) for item in part if all(name in held for name in item.needs)]


def _failures(found: Mapping[str, Finding]) -> str:
    failed = [name for name, finding in found.items() if not finding.holds]
    return f"{len(failed)} of {len(found)} claims failed: {', '.join(failed)}. " if failed else ""
