"""The collection `committees`: are ten models to be had for the price of one?"""

from __future__ import annotations

from collections.abc import Set

from assent.studies import (
    s37_price,
    s38_tickets,
    s39_tangent_space,
    s40_testbed,
    s41_shifted_rules,
    s42_corrections,
    s43_poison,
    s44_log_members,
    s45_testbed_moments,
)
from assent.studies.saying import Answering, Said, Scores
from assent.studies.study import Collection, Part, Study

ABOUT = (
    "An agent that acts only where all plausible models agree needs many models, and models that err alike are hardly worth more than one. "
    "Trained one by one they cost a training each. A note asked for ten uncorrelated ones with basically the compute of one, and guessed "
    "at the logarithm of their number.",
    "Here members are made in the published ways and in some of our own, what each takes is counted in operations, and what they are worth "
    "is measured: as many independent models would all be wrong as often, or know as well what they do not know.",
)

PRICE = Part(
    "The price",
    "What members are worth against what they cost, at about the accuracy of one network each, on items by which no setting was chosen.",
    (s37_price.STUDY, s44_log_members.STUDY),
)
HYPOTHESES = Part(
    "Two hypotheses",
    "That a random network holds good ones that only need to be found, and that training is a straight move from where it began.",
    (s38_tickets.STUDY, s39_tangent_space.STUDY),
)
TRUTH = Part(
    "A known truth",
    "Where labels are drawn from a network that is known, what a committee says of several items together can be held against the truth.",
    (s40_testbed.STUDY, s45_testbed_moments.STUDY),
)
ACTING = Part(
    "What acting on them risks",
    "Which way of asking holds where items change or members lie, what a committee makes of corrections, and what poison reaches.",
    (s41_shifted_rules.STUDY, s42_corrections.STUDY, s43_poison.STUDY),
)


def _price(scores: Scores) -> str:
    of = scores["member-price"]
    return (
        f"Sixteen samples from the tangent spaces of four networks that had a twentieth of a training each took "
        f"{of['cheap_trainings']:.1f} trainings in all, and are worth {of['cheap_worth']:.2f} independent models; sixteen networks trained "
        f"apart are worth {of['apart_worth_16']:.2f}. An answer of theirs takes {of['cheap_infer']:.0f} times the operations of one "
        "network's: the price is paid there."
    )


def _law(scores: Scores) -> str:
    of = scores["log-members"]
    return (
        f"N trained apart are worth a logarithm of N: {of['members']:,.0f} are worth {of['apart']:.2f}, and no number of them would be "
        f"worth more than {of['ceiling']:.1f}, for {100 * of['never_right']:.1f} % of items none of them gets right; who wants to be safe "
        "there has to ask."
    )


def _tickets(scores: Scores) -> str:
    of = scores["tickets"]
    return (
        f"Masks over one random network are good members where memory is scarce: {of['composed_members']:.0f} of them take "
        f"{of['all_bits']:.1f} bits a weight. They are no way to save computing, and a linear reading of random features holds such "
        "tickets too."
    )


def _space(scores: Scores) -> str:
    return (
        "Training is nearly a straight move in the tangent space of where it began, and a ticket a long one out of it."
    )


def _part(study: Study) -> str:
    """The advice as a part of a sentence."""
    return study.advice[0].lower() + study.advice[1:].rstrip(".")


def _truth(scores: Scores) -> str:
    of = scores["testbed"]
    return (
        f"Where the truth is a network that is known, a thousand heads over features that nobody trained are {of['twelve_ratio']:.2f} "
        "times as far from it as a hundred trained networks with fixed ones beside them "
        f"({of['sweep_ratio']:.2f} times over more settings), for {100 * of['twelve_cpu_share']:.0f} % of the CPU time."
    )


def _moments(scores: Scores) -> str:
    of = scores["testbed-moments"]
    return (
        "Where labels are drawn from a network that is known, a thousand heads over features that nobody trained, fitted by expectation "
        f"propagation, are {of['twelve_ratio']:.2f} times as far from the truth as a hundred trained networks with fixed ones beside them "
        f"({of['sweep_ratio']:.2f} times over more settings), for {100 * of['share']:.0f} % of the CPU time."
    )


def _acting(scores: Scores) -> str:
    of = scores["asking-rules"]
    return (
        "While members are honest, a threshold on their mean errs less than the minimum, whatever the items are: at most "
        f"{of['control']:.2f} times as often per act at a quarter asked. When all members but one lie, the minimum acts wrongly in "
        f"{100 * of['minimum_last']:.1f} % of cases, and the mean of networks trained apart in {100 * of['mean_last']:.0f} %."
    )


def _corrections(scores: Scores) -> str:
    of = scores["corrections"]
    return (
        f"Learning a correction at once takes {of['ratio']:.3f} of the CPU seconds of a training; once pictures are turned, members that "
        f"do ask {of['fewer']:.2f} times as often as members that never learn."
    )


def _poison(scores: Scores) -> str:
    of = scores["poison"]
    carried = "all" if of["carried"] >= 1.0 else f"at least {100 * of['carried']:.0f} %"
    return (
        f"Members that learned from the same items carry the same trigger: with {100 * of['share']:.0f} % of items poisoned {carried} "
        f"of them. From one source of sixteen it reaches {of['reached']:.0f} of them."
    )


def _headline(held: Set[str]) -> str:
    if "member-price" in held:
        return (
            "Yes, of small networks: a few roots and many samples beside them cost less than one training, and are worth more than as many "
            "trainings. Nobody gets ten that have nothing to do with each other: all learned from the same items."
        )
    return "That was not shown."


COLLECTION = Collection(
    name="committees",
    question="Are ten models to be had for the price of one?",
    about=ABOUT,
    parts=(PRICE, ACTING, TRUTH, HYPOTHESES),
    answer=Answering(
        question="Are they?",
        headline=_headline,
        paragraphs=[
            (
                "",
                (
                    Said(("member-price",), _price),
                    Said(("log-members",), _law),
                    Said(("testbed",), _truth),
                    Said(("testbed-moments",), _moments),
                ),
            ),
            (
                "Acting on them.",
                (Said(("asking-rules",), _acting), Said(("corrections",), _corrections), Said(("poison",), _poison)),
            ),
            ("", (Said(("tickets",), _tickets), Said(("tangent-space",), _space))),
        ],
        lead="What whoever needs a committee would have to do",
        advice=(
            Said(
                ("member-price",),
                lambda _: "take a few roots, trained a little, and many samples from their tangent spaces",
            ),
            Said(("log-members",), lambda _: _part(s44_log_members.STUDY)),
            Said(("tickets",), lambda _: _part(s38_tickets.STUDY)),
            Said(("tangent-space",), lambda _: _part(s39_tangent_space.STUDY)),
            Said(
                ("testbed",),
                lambda _: "where the prior is known, draw heads over random features of it and train nothing",
            ),
            Said(("testbed-moments",), lambda _: _part(s45_testbed_moments.STUDY)),
            Said(
                ("asking-rules",),
                lambda _: (
                    "act on a threshold on the mean where members are honest, and on the minimum where one may not be"
                ),
            ),
            Said(("corrections",), lambda _: "let members learn from every answer at once"),
            Said(("poison",), lambda _: "give members items of their own, by source"),
        ),
        untested="Not tested here: large convolutional networks and language models.",
    ),
)
