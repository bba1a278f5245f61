"""combine: members of several committees together."""

from __future__ import annotations

from collections.abc import Sequence

import jax

from assent.committees.committee import Committee
from assent.committees.models import Model
from assent.committees.roots import Recipe
from assent.committees.splits import Splits
from assent.committees.training import Training
from assent.committees.work import Work


def combine(
    key: jax.Array,
    model: Model,
    data: Splits,
    n: int,
    *,
    of: Sequence[Recipe],
    training: Training | None = None,
    work: Work | None = None,
) -> Committee:
    """n members from several recipes, as evenly as it goes, each recipe with its temperature chosen on validation.

    Members that come about in different ways err less alike than members of one way, at the same accuracy.

    Args:
        of: the recipes; wrap one that wants settings in `functools.partial`.

    Raises:
        ValueError: no recipes, or fewer members than recipes.
    """
    if not of or n < len(of):
        raise ValueError(f"{n} members of {len(of)} recipes: give at least one recipe, and one member for each.")
    made = list[Committee]()
    for place, recipe in enumerate(of):
        share = len(range(place, n, len(of)))
        one = recipe(jax.random.fold_in(key, place), model, data, share, training=training, work=work)
        made.append(one.tempered(data.validation))
    first, *others = made
    return first.concat(*others)
