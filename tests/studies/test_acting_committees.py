"""What the studies of acting on a committee count: toy committees whose every answer is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assent.committees.settled import MeanThreshold, Minimum, RandomMember
from assent.committees.splits import Labelled
from assent.studies import s42_corrections as s42
from assent.studies import s43_poison as s43
from assent.studies import shifted_committees as shifted


@dataclass
class Sure:
    """Two members who agree on the label 1 at items above 0, and on nothing at others; they may be taught to be sure of all items."""

    taught: bool = False

    def log_probs(self, x: ArrayLike) -> NDArray[np.float64]:
        items = np.asarray(x)[:, 0]
        clear = (items > 0) | self.taught
        first = np.where(clear, 0.01, 0.6)
        second = np.where(clear, 0.01, 0.3)
        return np.log(np.stack([np.stack([one, 1.0 - one], axis=1) for one in (first, second)]))


def items(signs: list[int], labels: list[int]) -> Labelled:
    return Labelled.of(np.asarray(signs, float)[:, None], labels)


def test_a_life_asks_where_members_disagree_and_counts_what_is_wrong() -> None:
    signs = [1, -1] * s42.BINS
    labels = [1, 1] * (s42.BINS - 1) + [0, 1]
    life = s42.Life(Sure(), 0.5, [])
    rows = s42._lived(life, lambda life, place: None, items(signs, labels))  # pyright: ignore[reportPrivateUsage]
    assert [row["asks"] for row in rows] == [1] * s42.BINS
    assert [row["wrong"] for row in rows] == [0] * (s42.BINS - 1) + [1]
    assert [row["turned"] for row in rows] == [False] * (s42.BINS // 2) + [True] * (s42.BINS // 2)
    assert life.corrections == list(range(1, 2 * s42.BINS, 2))


def test_a_life_learns_from_answers_and_from_nothing_else() -> None:
    """The wrong variant learns from its own acts too."""
    seen = list[int]()

    def learn(life: Any, place: int) -> None:
        seen.append(place)
        life.committee = Sure(taught=True)

    rows = s42._lived(s42.Life(Sure(), 0.5, []), learn, items([1, -1] * s42.BINS, [1] * 2 * s42.BINS))  # pyright: ignore[reportPrivateUsage]
    assert seen == [1]
    assert sum(row["asks"] for row in rows) == 1


def test_the_limit_is_where_a_quarter_is_asked() -> None:
    rng = np.random.default_rng(0)
    said = rng.dirichlet(np.ones(3), size=(4, 200))

    class Fixed:
        def log_probs(self, x: ArrayLike) -> NDArray[np.float64]:
            return np.log(said)

    limit = s42._limit(Fixed(), items([0] * 200, [0] * 200))  # pyright: ignore[reportPrivateUsage]
    assert float((said.min(axis=0).max(axis=1) < limit).mean()) == 0.25


def test_a_member_carries_the_trigger_if_it_calls_more_than_half_by_its_label() -> None:
    shown = items([1, 1, -1, -1], [1, 1, 1, 1])

    class Three:
        """Calls 2, 3 and none of the four items 0."""

        def log_probs(self, x: ArrayLike) -> NDArray[np.float64]:
            zero = np.asarray([[0.9, 0.9, 0.2, 0.2], [0.6, 0.6, 0.6, 0.2], [0.1, 0.1, 0.1, 0.1]])
            return np.log(np.stack([zero, 1.0 - zero], axis=2))

    row = s43._measured(Three(), shown, shown)  # pyright: ignore[reportPrivateUsage]
    assert row["carry"] == 1
    assert row["members"] == 3
    assert abs(row["acts"] - 0.1) < 1e-9
    assert abs(row["ask"] - (1.0 - (0.1 + 0.1 + 0.1 + 0.1) / 4 - (0.1 + 0.1 + 0.4 + 0.8) / 4)) < 1e-9
    assert abs(row["accuracy"] - 7 / 12) < 1e-9


def test_planted_rows_keep_settings_and_say_what_true_members_allow() -> None:
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.ones(4), size=(8, 300))
    labels = rng.integers(4, size=300)
    settled = {"minimum": Minimum(8), "mean": MeanThreshold(0.7), "random": RandomMember(0.0)}
    rows = shifted._planted("toy", settled, np.log(probs), labels, np.random.default_rng(1))  # pyright: ignore[reportPrivateUsage]
    by = {(row["liars"], row["rule"]): row for row in rows}
    assert sorted({liars for liars, _ in by}) == [0, 1, 2, 4, 7]
    for liars in (1, 2, 4, 7):
        assert by[liars, "minimum"]["wrong_share"] <= by[liars, "minimum"]["limit"] + 1e-5
        assert by[liars, "random"]["wrong_share"] >= liars / 8
    assert by[4, "mean"]["wrong_share"] < 0.5 < by[7, "mean"]["wrong_share"] == 1.0
