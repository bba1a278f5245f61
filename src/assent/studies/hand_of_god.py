"""The collection `hand-of-god`: does an agent that is unsure of its rewards keep its overseer?"""

from __future__ import annotations

from collections.abc import Mapping

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
from assent.studies.study import Collection, Part, Score

ABOUT = (
    "The idea: an agent is never told its rewards. All it has is a spread of beliefs about them, and now and then a word from an overseer "
    "about what would be best. Since switching the overseer off would end those words, an agent that is unsure should want to keep her, "
    "without being told to.",
    "Nobody had built that world. Here it is built, small enough that for each question the right answer is known exactly; so every "
    "picture "
    "has theory's line drawn over what the agent did.",
)

HOLDS = Part(
    "Where it holds",
    "The agent keeps its overseer as long as her next words may still change what it does, and are worth more than they cost.",
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


def answer(scores: Mapping[str, Score]) -> tuple[str, tuple[str, ...]]:
    """The headline, and a few sentences with the figures in them."""
    headline = (
        "Does it work? Yes, for a while: doubt makes an agent keep its overseer, but every answer uses up doubt, and once it is sure "
        "any price "
        "is too high."
    )
    price, age, lock = scores["threshold"], scores["age"], scores["lock-in"]
    prior, stop, plan = scores["misspecified"], scores["interruption"], scores["planners"]
    kept = (
        f"Where it holds. In {price['right']:,.0f} of {price['settings']:,.0f} random worlds the agent kept or disabled its overseer "
        "exactly as the "
        "formula says: keep while the price of a step is below what the next answer may still be worth. With oversight that costs "
        "nothing, it "
        "never pays to disable her."
    )
    ages = (
        f"Where it fails first: age. At the lowest price tried ({age['cheapest']:.4f} a step, where the right door is worth 1) half of "
        "the agents "
        f"had disabled their overseer after {age['cheapest_half_life']:.0f} answers. They were not wrong to, by their own lights; that "
        "is the "
        "trouble."
    )
    harm = (
        f"Where it does harm: trust. An agent that believes one answer in ten to be wrong, when it is three in ten, ends at the wrong door "
        f"{lock['example_times']:.0f} times as often as it believes. One whose prior leaves out the truth disables its overseer at any "
        "price "
        f"({prior['zero_disabled_wrong']:.0f} of {prior['zero_lives']:.0f} lives; an answer before the first decision stopped the rest)."
    )
    beside = (
        f"Where it never applied: an interruption that tells the agent nothing is removed as soon as it comes more often than "
        f"{stop['lowest_turn']:.3f} of the time, and most shortcuts in planning see no worth in an overseer at all (at a belief where "
        "she is worth "
        f"{plan['exact_at_one']:.2f} a step, looking one answer ahead says {plan['voi1_at_one']:.0f})."
    )
    design = (
        "What a designer would have to do: make being overseen free to the agent, or as good as free; keep it from ever being sure (a "
        "world that "
        "changes, a prior that holds room for what was not thought of); let it believe less of its overseer than she deserves, never "
        "more; make "
        "what stops it tell it why; plan with certified bounds; and, since all of that may fail, put the switch where doubt is not "
        "what guards it."
    )
    return headline, (kept, ages, harm, beside, design)


COLLECTION = Collection(
    name="hand-of-god",
    question="Does an agent that is unsure of its rewards keep its overseer?",
    about=ABOUT,
    parts=(HOLDS, FAILS, BESIDE),
    answer=answer,
)
