"""The answer says what held: a sentence of a study that failed is gone, and the study is named first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from assent.studies.hand_of_god import COLLECTION, DESIGN, PARAGRAPHS
from assent.studies.saying import Said
from assent.studies.study import Finding
from tests.session_support import unchecked

NAMES = tuple(study.name for study in COLLECTION.studies)
SAID = (*(said for _, part in PARAGRAPHS for said in part), *DESIGN)
USED = tuple(dict.fromkeys(name for said in SAID for name in said.needs))


class Numbers(dict[str, float]):
    """A score in which every number is 7, and which remembers what was asked for."""

    def __missing__(self, name: str) -> float:
        self[name] = 7.0
        return 7.0


def found(*failed: str) -> dict[str, Finding]:
    return {name: Finding(name not in failed, Numbers()) for name in NAMES}


def words_of(said: Said, findings: Mapping[str, Finding]) -> str:
    return said.words({name: finding.score for name, finding in findings.items()})


def test_when_everything_held_everything_is_said() -> None:
    headline, sentences = COLLECTION.answer(found())
    assert headline.startswith("Does it work? Yes, for a while")
    assert "failed" not in headline
    for said in SAID:
        assert words_of(said, found()) in " ".join(sentences)


@pytest.mark.parametrize("failed", NAMES)
def test_a_claim_that_failed_is_named_first_and_says_nothing(failed: str) -> None:
    headline, sentences = COLLECTION.answer(found(failed))
    assert headline.startswith(f"1 of {len(NAMES)} claims failed: {failed}. ")
    for said in SAID:
        assert (words_of(said, found()) in " ".join(sentences)) == (failed not in said.needs)


@pytest.mark.parametrize("failed", ["threshold", "deference", "age"])
def test_the_headline_claims_no_more_than_its_studies_show(failed: str) -> None:
    headline, _ = COLLECTION.answer(found(failed))
    assert "Yes" not in headline
    assert ("up to an exact price" in headline) == (failed != "threshold")


def test_what_was_not_run_is_neither_said_nor_called_failed() -> None:
    headline, sentences = COLLECTION.answer({"lock-in": Finding(True, Numbers())})
    assert headline == "Does it work? That was not shown."
    assert len(sentences) == 1
    assert COLLECTION.answer({})[1] == ()


def test_every_number_comes_from_the_scores() -> None:
    """With other scores no digit stays but those of settings that the sentences name."""
    for said in SAID:
        ones, twos = ({name: dict.fromkeys(_asked(said)[name], value) for name in NAMES} for value in (1.0, 2.0))
        if any(_asked(said).values()):
            assert said.words(ones) != said.words(twos)


def _asked(said: Said) -> dict[str, list[str]]:
    numbers = {name: Numbers() for name in NAMES}
    said.words(numbers)
    return {name: list(score) for name, score in numbers.items()}


@pytest.fixture
def _quick() -> Iterator[None]:
    """Planners are checked call by call in their own tests."""
    with unchecked():
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("name", USED)
def test_the_scores_hold_what_the_sentences_take(name: str) -> None:
    study = next(study for study in COLLECTION.studies if study.name == name)
    score = study.score([row for cell in study.quick for row in study.run(cell, 0)])
    wanted = {number for said in SAID if name in said.needs for number in _asked(said)[name]}
    assert wanted <= score.keys()
