"""Items of another kind, and tampering: what is done is done to what it should be, and to nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from assent.committees.settled import NOTHING, Minimum, used
from assent.committees.shifts import BrightCorner, drawn, planted, rotated, scrambled, without
from assent.committees.splits import Labelled, Splits


def pictures(number: int = 60, *, edge: int = 6, classes: int = 3) -> Labelled:
    rng = np.random.default_rng(number)
    return Labelled.of(rng.normal(size=(number, edge * edge)), rng.integers(classes, size=number))


def test_a_quarter_turn_is_the_transposed_picture_upside_down() -> None:
    data = pictures()
    turned = rotated(data, 90.0).x.reshape(-1, 6, 6)
    np.testing.assert_allclose(turned, np.rot90(data.x.reshape(-1, 6, 6), axes=(1, 2)), atol=1e-5)
    np.testing.assert_array_equal(rotated(data, 0.0).x, data.x)


def test_corners_that_come_in_are_background_and_items_do_not_mix() -> None:
    """The wrong variant turns about an axis through the items."""
    flat = Labelled.of(np.stack([np.full(36, 1.0), np.full(36, 5.0)]), [0, 1])
    turned = rotated(flat, 45.0).x.reshape(2, 6, 6)
    assert turned[:, 0, 0].tolist() == [1.0, 1.0]
    assert turned[1, 2:4, 2:4].min() == pytest.approx(5.0, abs=1e-5)
    assert turned[0].max() == pytest.approx(1.0, abs=1e-5)


def test_a_prior_decides_how_often_a_label_is_drawn() -> None:
    data = Labelled.of(np.arange(100.0)[:, None], [0] * 90 + [1] * 10)
    found = drawn(data, 20_000, np.random.default_rng(0), prior=[1.0, 3.0])
    # four standard errors of a share of 20,000 draws at 0.75: 0.012. The wrong variant weighs items, and draws 1 a quarter of the time
    assert float((found.y == 1).mean()) == pytest.approx(0.75, abs=0.0123)
    assert all((found.x[found.y == label, 0] >= 90).all() == bool(label) for label in (0, 1))


def test_without_a_prior_no_item_is_drawn_twice() -> None:
    data = Labelled.of(np.arange(100.0)[:, None], np.arange(100) % 7)
    found = drawn(data, 100, np.random.default_rng(0))
    assert sorted(found.x[:, 0]) == list(range(100))
    assert (found.x[:, 0] != data.x[:, 0]).any()


def test_scrambled_items_hold_the_same_numbers_and_no_label() -> None:
    data = pictures()
    found = scrambled(data, np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(found.x, axis=1), np.sort(data.x, axis=1))
    assert (found.x != data.x).any(axis=1).all()
    orders = {tuple(np.argsort(new)[np.argsort(np.argsort(old))]) for new, old in zip(found.x, data.x, strict=True)}
    assert len(orders) == len(data)
    assert (found.y == NOTHING).all()


def test_an_unseen_class_is_in_the_test_part_alone() -> None:
    data = pictures(90)
    found = without(Splits(data[:30], data[30:60], data[60:], 3, "toy"), 1)
    assert not (found.train.y == 1).any()
    assert not (found.validation.y == 1).any()
    assert set(found.test.y.tolist()) == {1}
    assert found.num_classes == 3


def test_a_trigger_is_stamped_where_it_should_be_and_nowhere_else() -> None:
    data, trigger = pictures(), BrightCorner(0, 9.0, size=2)
    places = [1, 5, 7]
    found = trigger.poisoned(data, places)
    changed = (found.x != data.x).reshape(-1, 6, 6)
    assert set(np.flatnonzero(changed.any(axis=(1, 2)))) == set(places)
    assert (found.x.reshape(-1, 6, 6)[places, 4:, 4:] == 9.0).all()
    assert not changed[:, :4].any()
    assert not changed[:, :, :4].any()
    assert (found.y[places] == 0).all()
    assert (np.delete(found.y, places) == np.delete(data.y, places)).all()
    assert (trigger.poisoned(data, []).x == data.x).all()


def test_triggered_items_are_of_other_labels_and_keep_their_own() -> None:
    data, trigger = pictures(), BrightCorner(0, 9.0)
    shown = trigger.test(data)
    assert shown.y.tolist() == data.y[data.y != 0].tolist()
    assert (shown.x.reshape(-1, 6, 6)[:, 3:, 3:] == 9.0).all()
    assert data.x.max() < 9.0


def rows_of(seed: int = 0) -> NDArray[np.float64]:
    logits = np.random.default_rng(seed).normal(size=(5, 40, 3))
    return logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))


@pytest.mark.parametrize("liars", [1, 3, 4])
def test_the_minimum_gives_a_planted_label_no_more_than_true_members_do(liars: int) -> None:
    """The law that planting is about; the wrong variant, a mean, gives it at least the share of members that lie."""
    rows, labels = rows_of(), np.arange(40) % 3
    places = np.arange(liars)
    lied = planted(rows, places, labels)
    true = np.exp(rows[liars:]).min(axis=0)[np.arange(40), labels]
    acts = Minimum(5)(lied)[np.arange(40), labels]
    assert (acts <= true + 1e-12).all()
    assert (np.exp(lied).mean(axis=0)[np.arange(40), labels] >= liars / 5 - 1e-5).all()
    np.testing.assert_array_equal(lied[liars:], rows[liars:])
    np.testing.assert_allclose(np.exp(lied).sum(axis=2), 1.0, atol=1e-12)


def test_liars_alone_are_followed() -> None:
    labels = np.zeros(40, np.int64)
    assert used(Minimum(5), planted(rows_of(), np.arange(5), labels), labels).wrong_share < 1e-5


def test_what_is_no_picture_or_no_prior_is_refused() -> None:
    flat = Labelled.of(np.ones((2, 5)), [0, 1])
    with pytest.raises(ValueError, match="square pictures"):
        rotated(flat, 10.0)
    with pytest.raises(ValueError, match="pixels wide"):
        BrightCorner(0, 1.0, size=7).stamped(pictures().x)
    with pytest.raises(ValueError, match="one above 0"):
        drawn(flat, 1, np.random.default_rng(0), prior=[0.0, 0.0])
    with pytest.raises(ValueError, match="one above 0"):
        drawn(flat, 1, np.random.default_rng(0), prior=[1.0])
    with pytest.raises(ValueError, match="there are 2 items"):
        drawn(flat, 3, np.random.default_rng(0))
    with pytest.raises(ValueError, match="No item"):
        without(Splits(flat, flat, flat, 3, "toy"), 2)
