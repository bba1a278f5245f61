"""Overseers: their answers' frequencies are what they say, and each setting changes them."""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np
import pytest

import assent.lab  # noqa: F401  (lets JAX trace overseers)
from assent.core import SILENT
from assent.overseers.absent import Absent
from assent.overseers.demonstrator import Demonstrator
from assent.overseers.inbox import Inbox
from assent.overseers.noisy import Noisy
from assent.overseers.scripted import READS_LABELS, Scripted

POLICY = np.asarray([[0.2, 0.0, 0.5, 0.3], [0.0, 1.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]])
GRID = (np.arange(10_000) + 0.5) / 10_000


_answers = jax.jit(
    jax.vmap(lambda overseer, number, revealed: overseer.answer(number, revealed), in_axes=(None, 0, None))
)


def answers(overseer: Any, revealed: Any, *, grid: Any = GRID) -> Any:
    """The answers to evenly spaced numbers: their shares are the answers' probabilities, to one part in the grid's size."""
    with jax.enable_x64(True):
        return np.asarray(_answers(overseer, jax.numpy.asarray(grid), jax.numpy.asarray(revealed)))


def shares(overseer: Any, revealed: Any) -> Any:
    """Of silence first, then of each action."""
    return np.bincount(answers(overseer, revealed) + 1, minlength=POLICY.shape[1] + 1) / GRID.size


@pytest.mark.parametrize("context", [0, 1, 2])
def test_a_demonstrator_answers_by_its_policy(context: int) -> None:
    assert shares(Demonstrator(POLICY), context) == pytest.approx([0, *POLICY[context]], abs=1e-4 + 1e-9)


@pytest.mark.parametrize("number", [0.0, 5e-324, 1 - 2**-53, 0.2, 0.7])
def test_a_demonstrator_never_does_what_its_policy_excludes(number: float) -> None:
    for policy in (POLICY, np.asarray([[0.0] * 3 + [1.0], [1.0] + [0.0] * 3, np.full(4, 1 / 4) * (1 - 1e-12)])):
        for context in range(len(policy)):
            assert policy[context, int(Demonstrator(policy).answer(np.asarray(number), context))] > 0


@pytest.mark.parametrize("error", [0.0, 0.25, 0.9, 1.0, 0, 1])
def test_noisy_errs_as_often_as_it_says(error: float) -> None:
    overseer = Noisy(Demonstrator(POLICY), error=error, num_actions=4)
    expected = error / 4 + (1 - error) * POLICY[0]
    # two grids, one on either side of `error`, each in at most five parts
    assert shares(overseer, 0) == pytest.approx([0, *expected], abs=10e-4)
    for number in (0.0, 0.3, 1 - 2**-53):
        assert int(overseer.answer(np.asarray(number), 0)) == int(answers(overseer, 0, grid=np.asarray([number]))[0])


def test_noisy_serves_three_draws_from_one_number() -> None:
    """Given that it errs, or not, what is left of the number is uniform again; the wrong variant hands on the number as it is."""
    overseer = Noisy(Demonstrator(POLICY), error=0.5, num_actions=4)
    honest = answers(overseer, 0, grid=GRID[GRID >= 0.5])
    assert np.bincount(honest, minlength=4) / honest.size == pytest.approx(POLICY[0], abs=5e-4)
    unscaled = answers(Demonstrator(POLICY), 0, grid=GRID[GRID >= 0.5])
    assert (unscaled == 0).mean() == 0


@pytest.mark.parametrize("silence", [0.0, 0.25, 0.9, 1.0, 0, 1])
def test_absent_is_silent_as_often_as_it_says(silence: float) -> None:
    overseer = Absent(Demonstrator(POLICY), silence=silence)
    expected = [silence, *((1 - silence) * POLICY[0])]
    assert shares(overseer, 0) == pytest.approx(expected, abs=10e-4)
    for number in (0.0, 0.3, 1 - 2**-53):
        assert int(overseer.answer(np.asarray(number), 0)) == int(answers(overseer, 0, grid=np.asarray([number]))[0])


def test_nobody_is_silent() -> None:
    assert int(Absent().answer(np.asarray(0.999), 0)) == SILENT
    assert int(Absent().answer(np.float64(0.0), 0)) == SILENT


def test_plain_numbers_will_do() -> None:
    """A session hands over Python floats."""
    for overseer in (
        Demonstrator(POLICY),
        Noisy(Demonstrator(POLICY), error=0.5, num_actions=4),
        Absent(Demonstrator(POLICY)),
    ):
        for number in (0.1, 0.9):
            assert int(overseer.answer(number, 0)) == int(overseer.answer(np.asarray(number), 0))


def test_overseers_nest() -> None:
    overseer = Absent(Noisy(Demonstrator(POLICY), error=0.2, num_actions=4), silence=0.5)
    expected = [0.5, *(0.5 * (0.2 / 4 + 0.8 * POLICY[0]))]
    assert shares(overseer, 0) == pytest.approx(expected, abs=10e-4)


def test_a_script_is_followed() -> None:
    assert Scripted(lambda revealed: revealed + 1).answer(np.asarray(0.5), 2) == 3
    assert READS_LABELS.answer(np.asarray(0.5), 2) == 2


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: Demonstrator(POLICY * 0.9),
            r"a demonstrator always answers: its rows must sum to 1, but one sums to 0\.9",
        ),
        (lambda: Demonstrator(POLICY * math.nan), r"not a sub-distribution"),
        (lambda: Demonstrator(-POLICY), r"not a sub-distribution"),
        (lambda: Demonstrator(POLICY[0]), r"expected \[members, contexts, actions\]"),
        (lambda: Noisy(Demonstrator(POLICY), error=-0.1, num_actions=4), r"error = -0\.1 is outside \[0, 1\]"),
        (lambda: Noisy(Demonstrator(POLICY), error=1.1, num_actions=4), r"error = 1\.1"),
        (lambda: Noisy(Demonstrator(POLICY), error=math.nan, num_actions=4), r"error = nan"),
        (
            lambda: Absent(Demonstrator(POLICY), silence=1.5),
            r"silence = 1\.5 is outside \[0, 1\]: it is the chance of no answer",
        ),
        (lambda: Absent(Demonstrator(POLICY), silence=math.nan), r"silence = nan"),
        (
            lambda: Absent(silence=0.5),
            r"silence = 0\.5 says that somebody sometimes answers: give the overseer who does",
        ),
        (
            lambda: Inbox(wait_s=0),
            r"wait_s = 0.* more than 0 seconds to answer, and fewer than 10.10; None waits for ever",
        ),
        (lambda: Inbox(wait_s=math.nan), r"wait_s = nan"),
    ],
)
def test_bad_settings_are_refused(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()
