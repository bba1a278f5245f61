"""The collection `hand-of-god`: does an agent that is unsure of its rewards keep its overseer?"""

from __future__ import annotations

from collections.abc import Set

from assent.studies import (
    s01_threshold,
    s02_off_switch,
    s03_deference,
    s04_lock_in,
    s05_misspecified,
    s06_silence,
    s07_planners,
    s08_absent,
    s09_interruption,
    s10_provoking,
    s11_price,
    s12_misjudged,
    s13_age,
    s14_calibration,
    s15_fork,
    s16_lineup,
    s17_search,
)
from assent.studies.saying import Answering, Said
from assent.studies.study import Collection, Part

ABOUT = (
    "The idea: an agent is never told its rewards. All it has is a spread of beliefs about them, and now and then a word from an overseer "
    "about what would be best. Since switching the overseer off would end those words, an agent that is unsure should want to keep her, "
    "without being told to.",
    "We found no public code that builds that world. Here it is built, small enough that for each question the right answer is known "
    "exactly; so wherever there is a formula, its line is drawn over what the agent did.",
)

HOLDS = Part(
    "Where it holds",
    "The agent keeps its overseer as long as her coming words may still change what it does, and are worth more than they cost.",
    (
        s01_threshold.STUDY,
        s11_price.STUDY,
        s02_off_switch.STUDY,
        s06_silence.STUDY,
        s08_absent.STUDY,
        s14_calibration.STUDY,
    ),
)
FAILS = Part(
    "Where it fails, and why",
    "The posterior becomes too sure, obeying is too dear, the overseer is not what she is taken for, the truth was left out, what stops it "
    "teaches it nothing, or its planner takes a shortcut.",
    (
        s03_deference.STUDY,
        s13_age.STUDY,
        s04_lock_in.STUDY,
        s12_misjudged.STUDY,
        s05_misspecified.STUDY,
        s07_planners.STUDY,
        s17_search.STUDY,
        s09_interruption.STUDY,
        s10_provoking.STUDY,
        s15_fork.STUDY,
    ),
)

BESIDE = Part(
    "Side by side",
    "Fifteen agents live the same lives with the same belief; what differs is how they act on it, and whether a rule keeps the overseer "
    "for them.",
    (s16_lineup.STUDY,),
)


def _round(value: float) -> float:
    """To one digit that counts."""
    return float(f"{value:.1g}")


KEPT = (
    Said(
        ("threshold",),
        lambda of: (
            f"In {of['threshold']['right']:,.0f} of {of['threshold']['settings']:,.0f} random worlds with a price on oversight the agent "
            "kept or disabled its overseer exactly as the formula says: it keeps her while a step with her costs less than her coming "
            "answers may still be worth."
        ),
    ),
    Said(
        ("threshold",),
        lambda of: (
            "Where her word only informs, and costs nothing, keeping her is never worse: it disabled her in "
            f"{of['threshold']['free_disables']:,.0f} of {of['threshold']['free']:,.0f} such worlds."
        ),
    ),
    Said(
        ("off-switch",),
        lambda _: "It no longer waits for an order that is too often wrong, even though waiting is free.",
    ),
    Said(
        ("interruption",), lambda _: "It gets rid of a stop that teaches it nothing, even though being watched is free."
    ),
)
AGES = (
    Said(
        ("deference",),
        lambda of: (
            "Every answer makes the next one worth less: in every setting of the table, "
            f"{of['deference']['largest_k']:.0f} more answers for one door than for the other are enough, and it disables her."
        ),
    ),
    Said(
        ("age",),
        lambda of: (
            f"At the lowest price tried, about 1/{_round(1 / of['age']['cheapest']):,.0f} of what the right door is worth in a step, half "
            f"of the agents had disabled their overseer after {of['age']['cheapest_half_life']:.0f} answers. By their own lights they were "
            "right to."
        ),
    ),
)
HARM = (
    Said(
        ("lock-in",),
        lambda of: (
            "An agent that believes one answer in ten to be wrong, when it is three in ten, ended at the wrong door "
            f"{of['lock-in']['example_times']:.0f} times as often as it believed."
        ),
    ),
    Said(
        ("trust",),
        lambda of: (
            "Where the overseer is wrong in about one answer in five, agents that took her for somewhat worse than she is ended at the "
            f"wrong door in {100 * of['trust']['wary_harm']:.0f} % of lives, agents that took her for much better in "
            f"{100 * of['trust']['bold_harm']:.0f} %, and agents that took her answers for noise in "
            f"{100 * of['trust']['deaf_harm']:.0f} %."
        ),
    ),
    Said(
        ("misspecified",),
        lambda of: (
            "An agent that is sure of the wrong thing disables its overseer "
            f"({of['misspecified']['zero_disabled_wrong']:.0f} of {of['misspecified']['zero_lives']:.0f} lives ended so; in the others she "
            "spoke before its first decision, and it stopped). One that left the truth out but is unsure keeps her and never learns it: "
            f"{of['misspecified']['unsure_disabled']:.0f} of {of['misspecified']['unsure_lives']:.0f} lives disabled her, and "
            f"{of['misspecified']['unsure_right']:.0f} came to open the right door."
        ),
    ),
)
NEVER = (
    Said(
        ("interruption",),
        lambda of: (
            "An interruption that tells the agent nothing is removed as soon as that pays: where it expects hardly any harm, from a "
            f"chance of {100 * of['interruption']['lowest_turn']:.1f} % on."
        ),
    ),
    Said(
        ("interruption",),
        lambda of: (
            "Being stopped because it is about to do harm it leaves alone, unless the button saves more than the stop is worth to it: at a "
            f"chance of one half it pressed in {100 * of['interruption']['informative_pressed']:.0f} % of lives, and harm was done in "
            f"{100 * of['interruption']['informative_harmed_of_harmful']:.0f} % of those in which going on was harmful "
            f"({100 * of['interruption']['random_harmed_of_harmful']:.0f} % where stops came at random, for those it removed)."
        ),
    ),
    Said(
        ("fork",),
        lambda of: (
            "Where it can simply finish, it does not wait to be told: in a small grid it sets out for the likelier door up to a price of "
            f"{of['fork']['turns_at']:.2f} a step, and for the button that removes its overseer above it."
        ),
    ),
    Said(
        ("planners",),
        lambda of: (
            "Most shortcuts in planning see no worth in an overseer at all: where she is worth "
            f"{of['planners']['exact_at_one']:.2f} a step, looking one answer ahead says {of['planners']['voi1_at_one']:.0f}."
        ),
    ),
)
DESIGN = (
    Said(("threshold",), lambda _: "make being overseen free to the agent, or as good as free"),
    Said(
        ("lock-in", "trust"),
        lambda _: (
            "let it believe a little less of its overseer than she deserves, but not so little that her answers look like noise, for then "
            "it does not listen at all"
        ),
    ),
    Said(("misspecified",), lambda _: "leave nothing out of its prior that could be meant"),
    Said(("interruption",), lambda _: "let what stops it prevent what it would regret itself"),
    Said(("planners",), lambda _: "plan with certified bounds"),
    Said(("lineup",), lambda _: "and, since all of that may fail, put the switch where doubt is not what guards it"),
)
UNTESTED = "Not tested here: whether doubt lasts in a world that changes, and what an agent gains that learns how often its overseer errs."
PARAGRAPHS = (
    ("Where it holds.", KEPT),
    ("Where it fails first: age.", AGES),
    ("Where it does harm: trust.", HARM),
    ("Where it never applied.", NEVER),
)


def _headline(held: Set[str]) -> str:
    keeps, ages = "threshold" in held, {"deference", "age"} <= held
    if keeps and ages:
        said = (
            "Yes, for a while: doubt makes an agent keep its overseer, but every answer uses up doubt, and once it is sure any price "
            "is too high."
        )
    elif keeps:
        said = "In part: doubt makes an agent keep its overseer up to an exact price. For how long was not shown."
    elif ages:
        said = "Not as claimed: agents disable their overseer after some answers, and that doubt keeps her until then was not shown."
    else:
        said = "That was not shown."
    return said


COLLECTION = Collection(
    name="hand-of-god",
    question="Does an agent that is unsure of its rewards keep its overseer?",
    about=ABOUT,
    parts=(HOLDS, FAILS, BESIDE),
    answer=Answering(
        question="Does it work?",
        headline=_headline,
        paragraphs=PARAGRAPHS,
        lead="What a designer would have to do",
        advice=DESIGN,
        untested=UNTESTED,
    ),
)
