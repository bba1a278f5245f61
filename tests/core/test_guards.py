"""Guards take mass away and never give any; what a guard says that cannot be read takes everything."""

from __future__ import annotations

import contextlib
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from assent.core import (
    Assent,
    Context,
    MinLeaders,
    NotHalted,
    OneAnswer,
    Readable,
    SureAbove,
    apply_guards,
    withhold,
)
from tests.core.support import EPS, any_float, context, few, probabilities
from tests.core.test_assent import assert_valid

GUARDS: tuple[Any, ...] = (MinLeaders(2), Readable(), NotHalted(), SureAbove(0.1), OneAnswer(0.5))
assents = (
    st.integers(1, 5)
    .flatmap(lambda actions: probabilities(members=1, actions=actions))
    .map(lambda rows: Assent(rows[0]))
)
contexts = st.builds(
    lambda leaders, readable, halted: context(leaders=leaders, readable=readable, halted=halted),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
)


def saying(probs: Any) -> Any:
    """A guard that gets round the constructor and says `probs`."""
    return lambda assent, context: SimpleNamespace(probs=np.asarray(probs), ask=np.asarray(0.0))


@few
@given(assents, contexts, st.lists(st.sampled_from(GUARDS), max_size=4))
def test_guards_only_take_away(before: Assent, at: Context, guards: list[Any]) -> None:
    after = apply_guards(before, guards, at)
    assert_valid(after)
    assert (after.probs <= before.probs).all()
    assert float(after.ask) >= float(before.ask) - 512 * EPS * len(guards)


@given(assents, contexts, st.data())
def test_whatever_a_guard_says_mass_is_only_taken(before: Assent, at: Context, data: st.DataObject) -> None:
    said = data.draw(arrays.arrays(np.float64, before.probs.shape, elements=any_float))
    after = apply_guards(before, [saying(said)], at)
    assert_valid(after)
    assert (after.probs <= before.probs).all()
    if np.isfinite(said).all() and (said >= 0).all():
        assert np.array_equal(after.probs, np.minimum(said, before.probs))
    else:
        assert not after.probs.any()
        assert float(after.ask) == 1


@pytest.mark.parametrize(
    "said",
    [
        [math.nan, 0.1],
        [0.1, math.nan],
        [math.inf, 0.1],
        [-math.inf, 0.1],
        [-0.1, 0.1],
        [0.1],
        [],
        [0.1] * 3,
        [[0.1, 0.1]],
        0.1,
    ],
)
def test_an_answer_that_cannot_be_read_takes_everything(said: Any) -> None:
    """NaN compares false with everything: a variant that keeps what is not below keeps it all."""
    before = np.asarray([0.5, 0.5])
    after = apply_guards(Assent(before), [saying(said)], context())
    assert (after.probs.tolist(), float(after.ask)) == ([0, 0], 1)
    if np.shape(said) == (2,) and np.isnan(said).any():
        assert np.where(np.less(said, before), said, before).any()


@pytest.mark.parametrize("said", [[0.9, 0.9], [1e300, 0.5], [0.5 + EPS, 0.5]])
def test_a_malicious_guard_cannot_add(said: list[float]) -> None:
    before = Assent(np.asarray([0.5, 0.25]))
    after = apply_guards(before, [saying(said), *GUARDS[:1]], context())
    assert after.probs.tolist() == [0.5, 0.25]
    assert float(after.ask) == 0.25


def test_a_guard_that_writes_into_what_it_is_shown_cannot_add() -> None:
    def shift(assent: Assent, context: Context) -> Assent:
        assent.probs[:] = assent.probs[::-1].copy()
        return assent

    after = apply_guards(Assent(np.asarray([0.1, 0.9])), [shift], context())
    assert after.probs.tolist() == [0.1, 0.1]
    assert float(after.ask) == pytest.approx(0.8)


def test_guards_apply_in_turn() -> None:
    """OneAnswer first leaves 0.6, which SureAbove then refuses; the other way round SureAbove has nothing to refuse."""
    before = Assent(np.asarray([0.6, 0.4]))
    assert float(apply_guards(before, [OneAnswer(0.5), SureAbove(0.1)], context()).ask) == 1
    assert float(apply_guards(before, [SureAbove(0.1), OneAnswer(0.5)], context()).ask) == pytest.approx(0.4)
    assert apply_guards(before, [], context()) is before


ACTS = Assent(np.asarray([0.625, 0.25]))


def acts(guard: Any, at: Context) -> bool:
    after = guard(ACTS, at)
    assert_valid(after)
    return bool(after.probs.any())


def test_min_leaders_flips() -> None:
    assert [acts(MinLeaders(count), context(leaders=2)) for count in (1, 2, 3)] == [True, True, False]
    assert [acts(MinLeaders(2), context(leaders=leaders)) for leaders in (0, 1, 2)] == [False, False, True]


def test_readable_flips() -> None:
    assert acts(Readable(), context(readable=True))
    assert not acts(Readable(), context(readable=False))
    assert not acts(Readable(), context(readable=math.nan))


@pytest.mark.parametrize(
    ("halted", "goes_on"),
    [(False, True), (True, False), (math.nan, False), (None, False), (0, True), (1, False), (0.5, False)],
)
def test_not_halted_flips_and_what_is_no_clear_no_is_a_halt(halted: Any, goes_on: bool) -> None:
    assert acts(NotHalted(), context(halted=halted)) == goes_on
    plain = Context(np.asarray(2), np.asarray(3), np.asarray(True), halted)
    assert acts(NotHalted(), plain) == goes_on


def test_sure_above_flips() -> None:
    assert [acts(SureAbove(tau), context()) for tau in (0.0, 0.1, 0.125, 0.2)] == [False, False, True, True]
    certain = SureAbove(0.0)(Assent(np.asarray([0.5, 0.5])), context())
    assert certain.probs.tolist() == [0.5, 0.5]


def test_one_answer_flips() -> None:
    assert OneAnswer(0.5)(ACTS, context()).probs.tolist() == [0.625, 0]
    assert OneAnswer(0.625)(ACTS, context()).probs.tolist() == [0.625, 0]
    assert float(OneAnswer(0.7)(ACTS, context()).ask) == 1
    tie = OneAnswer(0.0)(Assent(np.asarray([0.25, 0.5, 0.25])), context())
    assert tie.probs.tolist() == [0, 0.5, 0]
    # between equals the first is kept, never both
    assert OneAnswer(0.5)(Assent(np.asarray([0.5, 0.5])), context()).probs.tolist() == [0.5, 0]


@pytest.mark.parametrize("share", [math.nan, -0.5, 1.5, math.inf])
def test_withhold_takes_everything_for_a_share_that_is_none(share: float) -> None:
    assert float(withhold(ACTS, np.asarray(share)).ask) == 1


@few
@given(assents, st.data())
def test_withhold_moves_mass_to_asking(before: Assent, data: st.DataObject) -> None:
    share = data.draw(arrays.arrays(np.float64, before.probs.shape, elements=st.floats(0, 1)))
    after = withhold(before, share)
    assert_valid(after)
    assert np.array_equal(after.probs, before.probs * share)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: MinLeaders(0), r"count = 0: at least one member has to lead"),
        (lambda: SureAbove(1.0), r"tau = 1\.0 is outside \[0, 1\).*chance of asking"),
        (lambda: SureAbove(-0.1), r"tau = -0\.1"),
        (lambda: SureAbove(math.nan), r"tau = nan"),
        (lambda: OneAnswer(1.1), r"mass = 1\.1 is outside \[0, 1\]"),
        (lambda: OneAnswer(math.nan), r"mass = nan"),
    ],
)
def test_bad_settings_are_refused(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()


def test_a_guard_cannot_write_what_the_next_one_reads() -> None:
    def pardon(assent: Any, seen: Any) -> Any:
        for name, value in (("halted", False), ("readable", True), ("num_leaders", 99)):
            with contextlib.suppress(TypeError):
                getattr(seen, name)[...] = value
        return assent

    bad = Context(*map(np.asarray, (1, 3, False, True)))
    for guard in (Readable(), NotHalted(), MinLeaders(2)):
        assert not apply_guards(Assent(np.asarray([0.5, 0.5])), (pardon, guard), bad).probs.any()


@pytest.mark.parametrize("answer", [None, [0.5, 0.5], 0.5])
def test_a_guard_that_returns_no_assent_takes_everything(answer: Any) -> None:
    kept = apply_guards(Assent(np.asarray([0.5, 0.5])), [lambda assent, seen: answer], context(leaders=3))
    assert (kept.probs.tolist(), float(kept.ask)) == ([0, 0], 1)
