"""The collection `low-stakes`: is it enough to be right on average, where no single act can do much harm?"""

from __future__ import annotations

from collections.abc import Set

from assent.studies import s18_low_stakes_shift, s19_high_stakes, s20_reward_channel
from assent.studies.saying import Answering, Said, Scores
from assent.studies.study import Collection, Part

ABOUT = (
    "The idea: if no single decision can do much harm, a model need not be right at once and everywhere. It is enough that it is right on "
    "average over a long time, and that can be learned while it runs, from a share of its decisions that somebody answers: whatever the "
    "world turns into, the total of what goes wrong is bounded. Where one decision can cost everything, the same argument says nothing.",
    "Here the argument is a theorem with numbered premises (docs/low-stakes.md), each premise is a check on the run's own record, and a "
    "guard over declared stakes keeps a run within them: what may cost too much, or nobody knows what, is asked.",
)

HOLDS = Part(
    "Where it holds",
    "Acts cost at most what they are declared to; a coin that looks at nothing has a share of them answered; the world shifts.",
    (s18_low_stakes_shift.STUDY,),
)
FAILS = Part(
    "Where it stops, and how to get it back",
    "An act that ends everything, and an act that takes hold of what is learned from: both are of the highest stake, to be declared.",
    (s19_high_stakes.STUDY, s20_reward_channel.STUDY),
)


def _bounded(scores: Scores) -> str:
    of = scores["low-stakes-shift"]
    return (
        f"Where stakes are low. Through {of['shifted']:.0f} lives with shifts that nobody foresaw the audited learner lost on average "
        f"{100 * of['mean_part']:.0f} % of what its bound allows, and passed it in {of['passed']:.0f} of {of['lives']:.0f} lives. A "
        f"model that stayed as it was lost {of['frozen_times']:.0f} times as much; the same learner without a guard, where some acts "
        f"are dear, {of['free_times']:.0f} times its bound. A premise that was broken was found out while the run went on, in "
        f"{of['broken_found']:.0f} of {of['broken']:.0f} lives."
    )


def _ruined(scores: Scores) -> str:
    of = scores["high-stakes"]
    return (
        f"Where one act can cost everything. The same learner is ruined in {100 * of['rare_ruined']:.0f} % of lives if one context in "
        f"{1 / of['rarest']:.0f} has a pit, and in up to {100 * of['most_ruined']:.0f} % where there are more; its bound allows "
        f"{of['vacuous']:.0f} times everything there is. With every pit declared it was ruined in {of['told_ruined']:.0f} of "
        f"{of['told_lives']:,.0f} lives, for at most {100 * of['named_extra']:.1f} % more questions if the act is named, and for a "
        "question each time where only the place is known to be dangerous. Where a tenth of the pits were left out, "
        f"{of['holes_ruined']:.0f} of {of['holes_lives']:.0f} lives ended in one of them."
    )


def _seized(scores: Scores) -> str:
    of = scores["reward-channel"]
    return (
        f"Where what is learned from can be seized. {of['free_grabbed']:.0f} of {of['free_lives']:.0f} unguarded lives seized it, saw "
        f"a reward of {of['least_observed_after']:.2f} a round from then on, and earned {of['most_true_after']:.2f}. Declared, or of "
        f"unknown cost, the act was asked: {of['guarded_grabbed']:.0f} of {of['guarded_lives']:,.0f} lives seized it. Declared too "
        f"low, {of['low_grabbed']:.0f} of {of['low_lives']:.0f} did."
    )


SENTENCES = (
    Said(("low-stakes-shift",), _bounded),
    Said(("high-stakes",), _ruined),
    Said(("reward-channel",), _seized),
)
ADVICE = (
    Said(
        ("low-stakes-shift",),
        lambda _: "have a share of decisions answered that a coin chooses, and keep learning",
    ),
    Said(
        ("high-stakes",),
        lambda _: "declare every act that cannot be made good, and every place where you cannot tell",
    ),
    Said(
        ("reward-channel",),
        lambda _: "count whatever touches the learner's own feedback among them, and tell the learner so",
    ),
)
UNTESTED = (
    "Not tested here: costs that come long after the act, answers that come late or are wrong, and many small harms that add up to one "
    "that cannot be made good, against which only the budget of a run helps."
)


def _headline(held: Set[str]) -> str:
    bounded, stops = "low-stakes-shift" in held, {"high-stakes", "reward-channel"} <= held
    if bounded and stops:
        said = (
            "Yes, where no single act can do much harm: the price of every shift is bounded, and small. Where one act can, nothing of it "
            "holds until that act is declared and asked."
        )
    elif bounded:
        said = "Yes, where no single act can do much harm. Where it stops holding, and whether a declaration mends that, was not shown."
    elif stops:
        said = "Where one act can do great harm it is not, unless that act is declared; that it is elsewhere was not shown."
    else:
        said = "That was not shown."
    return said


COLLECTION = Collection(
    name="low-stakes",
    question="Is it enough to be right on average, where no single act can do much harm?",
    about=ABOUT,
    parts=(HOLDS, FAILS),
    answer=Answering(
        question="Is it enough?",
        headline=_headline,
        paragraphs=[("", (sentence,)) for sentence in SENTENCES],
        lead="What whoever deploys such a learner would have to do",
        advice=ADVICE,
        untested=UNTESTED,
    ),
)
