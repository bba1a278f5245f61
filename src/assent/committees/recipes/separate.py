"""deep, bagged, packed: networks that are trained apart."""

from __future__ import annotations

import jax

from assent.committees.committee import Committee
from assent.committees.forms.stacked import Stacked, stacked
from assent.committees.models import Model
from assent.committees.recipes.making import committee_of, counted
from assent.committees.roots import named, narrowed, trained_roots
from assent.committees.splits import Splits
from assent.committees.training import Training
from assent.committees.work import Work


def deep(
    key: jax.Array,
    model: Model,
    data: Splits,
    n: int,
    *,
    training: Training | None = None,
    work: Work | None = None,
    same_start: bool = False,
) -> Committee:
    """n networks trained apart, each from a start and in an order of its own.

    Lakshminarayanan, Pritzel and Blundell, "Simple and scalable predictive uncertainty estimation using deep ensembles", NeurIPS 2017,
    without its adversarial examples.

    Args:
        same_start: all from the same parameters, so that only the order of the items sets them apart.
    """
    return _separate(key, model, data, n, training=training, work=work, same_start=same_start, word="deep")


def bagged(
    key: jax.Array, model: Model, data: Splits, n: int, *, training: Training | None = None, work: Work | None = None
) -> Committee:
    """n networks trained apart, each on a bootstrap of the items (Breiman, "Bagging predictors", 1996)."""
    return _separate(key, model, data, n, training=training, work=work, resampled=True, word="bagged")


def packed(
    key: jax.Array,
    model: Model,
    data: Splits,
    n: int,
    *,
    training: Training | None = None,
    work: Work | None = None,
    width: float = 2.0,
) -> Committee:
    """n narrow networks that see the same batches, together `width` times as wide as the model.

    Laurent and others, "Packed-Ensembles for efficient uncertainty estimation", ICLR 2023, with groups inside of members left out
    (gamma = 1): grouped layers over one batch are just these networks, side by side. How narrow each is depends on n.

    Args:
        width: the paper's alpha.
    """
    narrow = narrowed(model, width / max(n, 1))
    return _separate(key, narrow, data, n, training=training, work=work, same_order=True, word="packed")


def _separate(
    key: jax.Array,
    model: Model,
    data: Splits,
    n: int,
    *,
    training: Training | None,
    work: Work | None,
    word: str,
    same_start: bool = False,
    same_order: bool = False,
    resampled: bool = False,
) -> Committee:
    names = named(word, range(counted(n)))
    pieces = trained_roots(
        key,
        model,
        data,
        range(n),
        training=training or Training(),
        work=work or Work(),
        same_start=same_start,
        same_order=same_order,
        resampled=resampled,
        names=names,
    )
    return committee_of(Stacked(model, stacked(pieces.trees)), pieces, names)
