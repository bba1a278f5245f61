"""Listed rewards: what is refused, and how fast."""

from __future__ import annotations

import time

import numpy as np
import pytest

from assent.hypotheses.rewards.enumerated import Rewards


def test_two_equal_names_at_the_end_of_many_are_found_at_once() -> None:
    count = 100_000
    names = [*(str(n) for n in range(count - 1)), str(count - 2)]
    start = time.process_time()
    with pytest.raises(ValueError, match="called '99998'"):
        Rewards.of(names, np.ones(count), np.zeros((1, 1, count)))
    # milliseconds when names are counted once; comparing each with all others, 10^10 comparisons, takes minutes
    assert time.process_time() - start < 5
