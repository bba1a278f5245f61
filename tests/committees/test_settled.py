"""Settled ways of asking: each asks as often as it was set to, agrees with its way's curve, and asks where a member is silent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from assent.committees import asking
from assent.committees.settled import (
    NOTHING,
    Acting,
    Conformal,
    MeanThreshold,
    Minimum,
    RandomMember,
    Used,
    used,
)

MEMBERS, ITEMS, CLASSES = 6, 400, 4


def said(seed: int = 0, *, sharpness: float = 3.0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Members who mostly agree, and labels drawn from what one more of them would say."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(ITEMS, CLASSES))
    logits = sharpness * (common[None] + 0.5 * rng.normal(size=(MEMBERS, ITEMS, CLASSES)))
    log_probs = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
    labels = np.asarray([rng.choice(CLASSES, p=row) for row in np.exp(log_probs).mean(axis=0)])
    return log_probs, labels


def settled(name: str, rate: float) -> Acting:
    log_probs, labels = said()
    makers: dict[str, Callable[[], Acting]] = {
        "minimum": lambda: Minimum.asking(rate, log_probs),
        "mean": lambda: MeanThreshold.asking(rate, log_probs),
        "random": lambda: RandomMember.asking(rate, log_probs),
        "conformal": lambda: Conformal.asking(rate, log_probs, labels),
    }
    return makers[name]()


WAYS = ("minimum", "mean", "random", "conformal")


@pytest.mark.parametrize("name", WAYS)
def test_it_asks_as_often_as_it_was_set_to_on_the_items_it_was_set_on(name: str) -> None:
    log_probs, labels = said()
    found = used(settled(name, 0.5), log_probs, labels)
    # shares of items move by steps: of one item, one member's say, or one calibration score
    assert 0.5 - {"conformal": 0.05}.get(name, 1.0 / ITEMS) <= found.ask <= 0.5 + 1e-9


@pytest.mark.parametrize("name", ["minimum", "mean", "random"])
def test_it_errs_as_the_curve_of_its_way_says(name: str) -> None:
    """The oracle is the module with whole curves, which shares no code with it but the reading of rows."""
    log_probs, labels = said()
    found = used(settled(name, 0.5), log_probs, labels)
    way = {"minimum": asking.minimum, "mean": asking.mean_threshold, "random": asking.random_member}[name]
    curve = way(log_probs, labels)
    assert found.wrong_per_act == pytest.approx(asking.at_ask_rate(curve, found.ask), abs=1e-9)


def test_conformal_sets_hold_one_label_where_the_curve_acts() -> None:
    log_probs, labels = said()
    fixed = Conformal.asking(0.5, log_probs, labels)
    rank = np.searchsorted(np.sort(1.0 - np.exp(log_probs).mean(axis=0)[np.arange(ITEMS), labels]), fixed.limit) + 1
    alpha = 1.0 - rank / (ITEMS + 1) + 1e-7  # the rank is rounded up from here
    curve = asking.conformal(
        log_probs, labels, calibration_log_probs=log_probs, calibration_labels=labels, alphas=[alpha]
    )
    assert used(fixed, log_probs, labels).ask == pytest.approx(
        float(curve.ask[0]), abs=1.0 / ITEMS
    )  # rounding may part the item that set it


def test_its_setting_stays_where_items_are_others() -> None:
    """The wrong variant is set anew, and asks as often as before among items that are much harder. The minimum does not ask more
    there: members that are vague in the same way are followed, as one follows somebody who is often of two minds."""
    vague, labels = said(1, sharpness=0.5)
    for name in ("mean", "random"):
        assert used(settled(name, 0.25), vague, labels).ask > 0.5, name
    assert used(settled("minimum", 0.25), vague, labels).ask < 0.25
    assert used(MeanThreshold.asking(0.25, vague), vague, labels).ask <= 0.25


@pytest.mark.parametrize("name", WAYS)
def test_a_member_that_says_nothing_means_ask(name: str) -> None:
    log_probs, _ = said()
    acting = settled(name, 0.25)
    silent = log_probs.copy()
    silent[0, :50] = np.nan
    before, after = acting(log_probs)[:50].sum(), acting(silent)[:50].sum()
    if name == "random":  # only those items at which it would have been drawn
        assert 0 < after < before
    else:
        assert after == 0


def test_more_members_than_there_are_is_a_chance_of_asking() -> None:
    log_probs, _ = said()
    whole, half = Minimum(MEMBERS)(log_probs), Minimum(MEMBERS + 0.5)(log_probs)
    np.testing.assert_allclose(half, 0.5 * whole, atol=1e-12)
    assert Minimum(MEMBERS + 9.0)(log_probs).sum() == 0
    often = 1.0 - whole.sum() / ITEMS
    assert Minimum.asking(often + 0.5 * (1.0 - often), log_probs).size == pytest.approx(MEMBERS + 0.5)


def test_every_act_on_what_is_of_no_class_is_wrong() -> None:
    log_probs, _ = said()
    found = used(MeanThreshold(0.0), log_probs, np.full(ITEMS, NOTHING))
    assert found == Used(ask=0.0, wrong_share=1.0)
    assert found.wrong_per_act == 1.0
    assert Used(1.0, 0.0).wrong_per_act == 0.0


def test_what_cannot_be_set_is_refused() -> None:
    log_probs, labels = said()
    for rate in (-0.1, 1.0):
        for make in (Minimum.asking, MeanThreshold.asking, RandomMember.asking):
            with pytest.raises(ValueError, match="below 1"):
                make(rate, log_probs)
    with pytest.raises(ValueError, match="higher rate"):
        Conformal.asking(0.0, said(1, sharpness=0.0)[0], labels)
    with pytest.raises(ValueError, match="one for each"):
        used(Minimum(1.0), log_probs, labels[1:])


@pytest.mark.parametrize("size", [0.0, 0.5, -3.5, float("nan"), float("inf")])
def test_a_minimum_is_over_a_member_at_least(size: float) -> None:
    """Over none it is 1 everywhere, and everything is acted on."""
    with pytest.raises(ValueError, match="at least one member"):
        Minimum(size)
