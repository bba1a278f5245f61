"""Members on shards: an item reaches the one member in whose shard it is, bit for bit."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest

from assent.committees.models import mlp
from assent.committees.recipes.sharded import sharded, shards_of
from assent.committees.splits import Labelled, Splits
from assent.committees.training import Training

MODEL = mlp((4,), (6,), 3)
TRAINING = Training(steps=30, batch=8)


def data() -> Splits:
    rng = np.random.default_rng(0)
    whole = Labelled.of(rng.normal(size=(60, 4)), rng.integers(3, size=60))
    return Splits(whole[:40], whole[40:50], whole[50:], 3, "toy")


def test_shards_have_no_item_in_common() -> None:
    places = shards_of(40, 6)
    assert places.shape == (6, 6)
    assert len(np.unique(places)) == 36
    for number in (0, 41):
        with pytest.raises(ValueError, match="shards"):
            shards_of(40, number)


def test_a_changed_item_changes_the_member_of_its_shard_and_no_other() -> None:
    """The wrong variant, where all learn from everything, changes every member."""
    before = data()
    labels = before.train.y.copy()
    labels[6] = (labels[6] + 1) % 3  # the second of four shards
    after = replace(before, train=Labelled(before.train.x, labels))
    one, two = (sharded(jax.random.key(0), MODEL, part, 4, training=TRAINING) for part in (before, after))
    same = (one.logits(before.test.x) == two.logits(before.test.x)).all(axis=(1, 2))
    assert same.tolist() == [True, True, False, True]


def test_members_learn_from_the_shards_that_are_named() -> None:
    chosen = np.asarray([[0, 1, 2, 3], [4, 5, 6, 7]])
    found = sharded(jax.random.key(0), MODEL, data(), 2, training=TRAINING, shards=chosen)
    whole = data()
    spoiled = replace(whole, train=Labelled(whole.train.x, np.where(np.arange(40) >= 8, 0, whole.train.y)))
    other = sharded(jax.random.key(0), MODEL, spoiled, 2, training=TRAINING, shards=chosen)
    np.testing.assert_array_equal(found.logits(whole.test.x), other.logits(whole.test.x))
    assert found.names == ("shard 1", "shard 2")
    assert found.cost.train_flops > 0


def test_shards_that_share_items_are_refused() -> None:
    for places, words in (([[0, 1], [1, 2]], "two shards"), ([[0, 40]], "none of the 40"), ([[0], [1], [2]], "give")):
        number = 1 if len(places) == 1 else 2
        with pytest.raises(ValueError, match=words):
            sharded(jax.random.key(0), MODEL, data(), number, training=TRAINING, shards=places)
