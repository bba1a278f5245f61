"""Every way to make members, one line each: the recipe, how many it can make, and what a further member costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, TypeAlias

import jax
import numpy as np

from assent.committees.committee import Committee
from assent.committees.costs import Cost
from assent.committees.evaluation import in_turn
from assent.committees.forms.features import HeadPrior
from assent.committees.forms.prior import Prior
from assent.committees.masks import Ticketing
from assent.committees.problems import Problem
from assent.committees.recipes.making import costed
from assent.committees.recipes.prior_functions import prior_fn
from assent.committees.recipes.separate import bagged, deep, packed
from assent.committees.recipes.sharded import sharded
from assent.committees.recipes.sharing import batch_ensemble, dropout, epinet, mimo
from assent.committees.recipes.tangents import tangent
from assent.committees.recipes.tickets import composed, tickets
from assent.committees.recipes.trajectory import snapshot, swag, tree
from assent.committees.work import Work

Grows: TypeAlias = Literal["apart", "once", "roots", "anew"]
"""What n members cost, of what N did: `apart`, n trainings of N; `once`, the training whole, and each member's own; `roots`, as many roots
as have members, and each member's own; `anew`, members depend on n, so that each number is made by itself."""


@dataclass(frozen=True)
class Way:
    """A recipe with its settings.

    Attributes:
        name: what the command line calls it.
        about: one line.
        recipe: `(key, model, data, n, training=, work=) -> Committee`.
        grows: what a further member costs.
        most: members, or None where there is no end.
        of_masks: whether it is made of the problem's ticket model.
    """

    name: str
    about: str
    recipe: Callable[..., Committee]
    grows: Grows
    most: int | None = None
    of_masks: bool = False

    def make(self, problem: Problem, n: int, *, seed: int = 0, work: Work | None = None) -> Committee:
        """n members, with their temperature chosen on validation.

        Raises:
            ValueError: more members than there can be.
        """
        if self.most is not None and n > self.most:
            raise ValueError(f"n = {n}: {self.name} makes at most {self.most} members.")
        model = problem.ticket_model if self.of_masks else problem.model
        training = problem.ticket_training if self.of_masks else problem.training
        made = self.recipe(jax.random.key(seed), model, problem.data, n, training=training, work=work)
        return made.tempered(problem.data.validation)

    def cost_of(self, committee: Committee, n: int) -> Cost:
        """What n members take, of what all took: those of each root in turn, as a committee of n has them.

        What is spent goes by `grows`; what an answer takes and what is kept is asked of those members, who share some of it.

        Raises:
            ValueError: members depend on how many there are, so that nobody can say.
        """
        whole, number = committee.cost, committee.num_members
        if not 1 <= n <= number:
            raise ValueError(f"n = {n}: there are {number} members.")
        if self.grows == "anew" and n < number:
            raise ValueError(f"Members of {self.name} depend on how many there are; make {n} to see what they cost.")
        share = n / number
        fixed = {"apart": share, "once": 1.0, "anew": 1.0}.get(self.grows)
        if fixed is None:
            roots = len(np.unique(committee.roots))
            fixed = min(n, roots) / roots
        spent = whole.train_flops + whole.factor_flops
        parts = (spent * fixed + whole.member_flops * share) / max(spent + whole.member_flops, 1.0)
        paid = replace(
            whole,
            train_flops=whole.train_flops * fixed,
            factor_flops=whole.factor_flops * fixed,
            member_flops=whole.member_flops * share,
            cpu_s=whole.cpu_s * parts,
        )
        return costed(committee.subset(in_turn(committee.roots)[:n]).parts, paid)


POPUP = Ticketing(binary=False)

WAYS: tuple[Way, ...] = (
    Way("deep", "networks trained apart", deep, "apart"),
    Way("same-start", "networks trained apart from one start", partial(deep, same_start=True), "apart"),
    Way("bagged", "networks trained apart on bootstraps", bagged, "apart"),
    Way("sharded", "networks trained apart, each on items that no other learns from", sharded, "anew"),
    Way("prior-fn", "networks trained apart beside random functions", prior_fn, "apart"),
    Way("packed", "narrow networks side by side", packed, "anew", most=16),
    Way("snapshot", "one training whose rate starts again", snapshot, "apart"),
    Way("swag", "draws around the end of one training", swag, "once"),
    Way("tree", "one training that branches in two", tree, "anew"),
    Way("dropout", "one training with units left out", dropout, "once"),
    Way(
        "batch-ensemble",
        "one training with vectors beside each matrix",
        partial(batch_ensemble, trainings=4.0),
        "anew",
        most=64,
    ),
    Way("mimo", "one network with several inputs and heads", mimo, "anew", most=4),
    Way("epinet", "one network and a random index", epinet, "once"),
    Way(
        "tickets",
        "masks over one random network (edge-popup)",
        partial(tickets, ticketing=POPUP),
        "apart",
        of_masks=True,
    ),
    Way(
        "many-tickets",
        "masks over a random network each",
        partial(tickets, ticketing=POPUP, shared_weights=False),
        "apart",
        of_masks=True,
    ),
    Way("biprop", "binary masks over one random network (biprop)", tickets, "apart", of_masks=True),
    Way(
        "composed",
        "four masks for each layer, every way through",
        partial(composed, ticketing=POPUP),
        "once",
        most=64,
        of_masks=True,
    ),
    Way(
        "composed-dense",
        "four dense layers for each, every way through",
        partial(composed, of="dense"),
        "once",
        most=64,
    ),
    Way("last-layer", "heads over the last layers of four trained roots", partial(tangent, prior=HeadPrior()), "roots"),
    Way(
        "random-features",
        "heads over the last layers of 16 random networks",
        partial(tangent, roots=16, trained=0.0, prior=HeadPrior()),
        "roots",
    ),
    Way(
        "tangent",
        "samples from the tangent spaces of four roots trained to a twentieth",
        partial(tangent, trained=0.05, prior=Prior("pntk")),
        "roots",
    ),
    Way("tangent-trained", "the same of four trained roots, by a dearer kernel", tangent, "roots"),
    Way("tangent-one", "the same of one trained root", partial(tangent, roots=1, prior=Prior("pntk")), "roots"),
    Way(
        "tangent-random",
        "the same of four random networks, never trained",
        partial(tangent, trained=0.0, prior=Prior("pntk")),
        "roots",
    ),
)
"""In the order in which tables list them."""


def way_of(name: str) -> Way:
    """The way of that name.

    Raises:
        ValueError: there is none.
    """
    named = {way.name: way for way in WAYS}
    if name not in named:
        raise ValueError(f"There is no way {name!r} to make members; give one of {', '.join(named)}.")
    return named[name]
