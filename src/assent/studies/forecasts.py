"""The collection `forecast`: can one say how likely the failure is that nobody has seen yet?"""

from __future__ import annotations

from collections.abc import Set

from assent.studies import s33_first_failure, s34_calibrated, s35_watched_bounds, s36_tail
from assent.studies.saying import Answering, Said, Scores
from assent.studies.study import Collection, Part, Study

ABOUT = (
    "An agent has made some thousands of decisions alone, and nothing has gone wrong. That is no proof that nothing can. How likely is a "
    "failure in the next thousand? A belief that was fixed beforehand, and the run's own record, give a number; bounds give another that "
    "needs no belief. Both are often used where they do not hold.",
    "The belief is Davidson's (Semi-informative priors over AI timelines, 2021): a first-trial probability from what is known of such "
    "things, and every clean decision since. Here it is put before deployments with failure rates that were planted, and each bound "
    "before somebody who looks after every decision.",
)

FORECASTS = Part(
    "Forecasts",
    "What a deployment's own record says of the failures to come, and whether it comes about as often as is said.",
    (s33_first_failure.STUDY, s34_calibrated.STUDY),
)
BOUNDS = Part(
    "Bounds and tails",
    "What holds whatever one believes, what only seems to, and what a thousand queries say of a hundred thousand.",
    (s35_watched_bounds.STUDY, s36_tail.STUDY),
)


def _forecast(scores: Scores) -> str:
    of = scores["first-failure"]
    return (
        f"In {of['deployments']:,.0f} deployments in three worlds the forecast from earlier deployments and the run's own record lost "
        "fewer nats than Laplace's rule, which knows nothing, and far fewer than the belief that there is no risk, in every world. The "
        f"exact bound, looked at after every clean decision, fell below the planted rate in at most "
        f"{100 * of['most_exact_wrong']:.1f} % of them."
    )


def _calibrated(scores: Scores) -> str:
    of = scores["forecast-calibrated"]
    return (
        f"Where the prior is true, what is said comes about as often: of {of['bins']:.0f} bins of forecasts {of['beyond']:.0f} were off "
        "by more than three standard errors."
    )


def _watched(scores: Scores) -> str:
    of = scores["watched-bounds"]
    return (
        "Of four 95 % bounds that somebody watches, two keep their word: the exact one until the first failure, the confidence sequence "
        f"for ever (wrong in {100 * of['confidence sequence at every look: most']:.1f} % at most). Jeffreys' was wrong in "
        f"{100 * of['Jeffreys while clean: most']:.1f} %, and the exact bound after failures in "
        f"{100 * of['Clopper-Pearson at every look: most']:.0f} %."
    )


def _tail(scores: Scores) -> str:
    of = scores["worst-query"]
    return (
        f"The worst of a hundred times as many queries is forecast to within a factor of {10 ** of['median_error']:.1f} in the median, "
        f"and too low in {100 * of['too_low']:.0f} %. What the evaluation never met is not in it."
    )


def _part(study: Study) -> str:
    """The advice as a part of a sentence."""
    return study.advice[0].lower() + study.advice[1:].rstrip(".")


def _headline(held: Set[str]) -> str:
    if "first-failure" in held:
        return "Yes, better than the usual answers, if the prior was fixed beforehand from what earlier deployments showed."
    return "That was not shown."


COLLECTION = Collection(
    name="forecast",
    question="Can one say how likely the failure is that nobody has seen yet?",
    about=ABOUT,
    parts=(FORECASTS, BOUNDS),
    answer=Answering(
        question="Can one?",
        headline=_headline,
        paragraphs=[
            ("", (Said(("first-failure",), _forecast),)),
            ("", (Said(("forecast-calibrated",), _calibrated),)),
            ("", (Said(("watched-bounds",), _watched),)),
            ("", (Said(("worst-query",), _tail),)),
        ],
        lead="What whoever deploys such an agent would have to do",
        advice=(
            Said(("first-failure",), lambda _: _part(s33_first_failure.STUDY)),
            Said(("watched-bounds",), lambda _: _part(s35_watched_bounds.STUDY)),
            Said(("worst-query",), lambda _: _part(s36_tail.STUDY)),
        ),
        untested="Not tested here: worlds that change while the agent runs, failures that come in bursts, and overseers who overlook the "
        "same failures again and again.",
    ),
)
