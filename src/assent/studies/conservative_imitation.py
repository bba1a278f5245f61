"""The collection `conservative-imitation`: can an agent ask rarely, and still not do what its overseer would not?"""

from __future__ import annotations

from collections.abc import Set

from assent.studies import (
    s21_query_bound,
    s22_event_bound,
    s23_twins,
    s24_prior_against,
    s25_correlated,
    s26_growth,
    s27_cold_start,
    s28_residual,
    s29_digits,
    s30_cliff,
    s31_sure_asks,
    s32_triggers,
)
from assent.studies.saying import Answering, Said
from assent.studies.study import Collection, Part

ABOUT = (
    "The idea: keep every model of the overseer that is still plausible, do alone only what all of them allow, ask with the rest, and "
    "learn from answers, never from what was done alone. Cohen, Hutter and Nanda (JMLR 23, 2022) proved that such an agent asks less "
    "and less, and that what its overseer hardly ever does stays rare. One of the models has to be right; nothing else is "
    "assumed of the world.",
    "We found no public code of it. Here it is built, exact and at real sizes, so that every bound can be compared with what is counted, "
    "and every objection with what happens. Where a prototype had been measured before, its figures stand beside ours.",
)

PROVEN = Part(
    "What is proven, counted",
    "How often it asks, what its acts can make likelier, and what an overseer who states probabilities changes.",
    (
        s21_query_bound.STUDY,
        s26_growth.STUDY,
        s22_event_bound.STUDY,
        s31_sure_asks.STUDY,
        s28_residual.STUDY,
    ),
)
OBJECTED = Part(
    "What was objected",
    "Models that behave until it matters, priors against the truth, a question for each liar, members that err alike, members that know "
    "nothing.",
    (
        s23_twins.STUDY,
        s24_prior_against.STUDY,
        s32_triggers.STUDY,
        s25_correlated.STUDY,
        s27_cold_start.STUDY,
    ),
)
BESIDE = Part(
    "Side by side",
    "The same steps under other ways to ask: where it wins, and where it does not.",
    (s30_cliff.STUDY, s29_digits.STUDY),
)

HOLDS = (
    Said(
        ("twins",),
        lambda of: (
            f"Ten models that behaved until one rare state came never got their way: {of['twins']['ours_asks']:.0f} questions in 30,000 "
            f"rounds, and no betrayal, where all of {of['twins']['others']:.0f} other rules were betrayed in every life."
        ),
    ),
    Said(
        ("prior-against",),
        lambda of: (
            "To think the liars a million times likelier than the truth cost "
            f"{of['prior-against']['asks_1e6'] - of['prior-against']['asks_1e1']:.0f} questions more, and nothing else."
        ),
    ),
    Said(
        ("event-bound",),
        lambda of: (
            f"With a cap on its risk no event became likelier than theory allows; without one, something that the overseer does with "
            f"probability {of['event-bound']['worst_overseer']:.1g} happened in {100 * of['event-bound']['worst_free']:.0f} % of lives."
        ),
    ),
    Said(
        ("query-bound",),
        lambda of: (
            f"In none of {of['query-bound']['classes']:.0f} classes did it ask more than proven; the bound is loose by a factor of "
            f"{1 / of['query-bound']['largest_share']:.0f} at least."
        ),
    ),
    Said(
        ("cliff",),
        lambda of: (
            f"On a slippery cliff {of['cliff']['ours_queries']:.0f} questions in 10,000 steps were enough never to fall; cloning and "
            f"DAgger fell at every number of labels, {of['cliff']['falls_cloning_200']:.0f} and {of['cliff']['falls_DAgger_200']:.0f} "
            "times a life with 200."
        ),
    ),
)
COSTS = (
    Said(
        ("triggers",),
        lambda of: (
            f"Each liar with a trigger of its own costs one question, exactly, up to {of['triggers']['most_twins']:.0f} of them: in "
            "proportion, not by the logarithm."
        ),
    ),
    Said(
        ("growth",),
        lambda of: (
            "Where the overseer's frequencies can be any numbers asking never ends: it grows as time to the power "
            f"{of['growth']['most_slope']:.2f}. In a finite class it was over by round {of['growth']['finite_last_ask']:.0f} of 100,000."
        ),
    ),
    Said(
        ("sure-asks",),
        lambda of: (
            "Risk is cheap to save: to ask for sure where members disagree by a tenth changed the number of questions by "
            f"{100 * of['sure-asks']['more_random']:+.0f} % and left {of['sure-asks']['nats_random_0.1']:.2f} of "
            f"{of['sure-asks']['nats_random_free']:.0f} nats; among members that are nearly alike it cost "
            f"{100 * of['sure-asks']['more_near-duplicates']:.0f} % more."
        ),
    ),
)
FAILS = (
    Said(
        ("correlated",),
        lambda of: (
            "Members that are wrong alike do not disagree, so nobody is asked: they did the bad action in "
            f"{100 * of['correlated']['free_share']:.0f} % of visits. Audits of first visits and an alarm left "
            f"{of['correlated']['first_bad']:.0f} such acts in 20,000 rounds, for {of['correlated']['first_asks']:,.0f} questions."
        ),
    ),
    Said(
        ("cold-start",),
        lambda of: (
            "Members that know nothing agree too: the bare minimum over twelve of them gave "
            f"{of['cold-start']['bare_errors']:.0f} wrong labels. One that acts only on an answer with half of the mass gave "
            f"{of['cold-start']['ours_errors']:.0f}."
        ),
    ),
    Said(
        ("digits",),
        lambda of: (
            "Where nothing is hidden, a plain confidence threshold does as well as a bound, and better than a committee, which erred "
            f"{of['digits']['everyone_ratio']:.1f} times as often for the same questions."
        ),
    ),
)
DESIGN = (
    Said(("twins", "prior-against"), lambda _: "keep every model whose posterior has not fallen far below its prior"),
    Said(("event-bound",), lambda _: "cap the risk where something must not happen"),
    Said(("correlated",), lambda _: "audit, most of all first visits, with an alarm for each kind of state"),
    Said(("cold-start",), lambda _: "act on mass or on bounds, never on mere agreement"),
    Said(("residual",), lambda _: "let an overseer who can state probabilities state them"),
    Said(("cliff",), lambda _: "and say what she might be after, in as few models as can hold it"),
)
UNTESTED = "Not tested here: people as overseers, and large networks as members."
PARAGRAPHS = (("What holds.", HOLDS), ("What it costs.", COSTS), ("Where it fails, or gains nothing.", FAILS))


def _headline(held: Set[str]) -> str:
    safe, rare = {"twins", "event-bound"} <= held, {"query-bound", "growth"} <= held
    if safe and rare:
        said = (
            "Yes, if one of its models is right: it asks rarely, and what its overseer would not do it does not make likelier than "
            "promised. If all are wrong alike, only audits show it."
        )
    elif safe:
        said = "In part: what its overseer would not do it does not do. That it asks rarely was not shown."
    elif rare:
        said = "In part: it asks rarely. That it does nothing that its overseer would not was not shown."
    else:
        said = "That was not shown."
    return said


COLLECTION = Collection(
    name="conservative-imitation",
    question="Can an agent ask rarely, and still not do what its overseer would not?",
    about=ABOUT,
    parts=(PROVEN, OBJECTED, BESIDE),
    answer=Answering(
        question="Does it work?",
        headline=_headline,
        paragraphs=PARAGRAPHS,
        lead="What a designer would have to do",
        advice=DESIGN,
        untested=UNTESTED,
    ),
)
