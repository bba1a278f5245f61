"""Tables: rows come out as they went in, and what is no committee is refused with a sentence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.core import Answer
from assent.hypotheses.prior import log_prior_of
from assent.hypotheses.tables import Tables
from tests.core.support import EPS, few, probabilities


@few
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.data())
def test_rows_come_out_as_they_went_in(members: int, contexts: int, actions: int, data: st.DataObject) -> None:
    policies = data.draw(probabilities(members=members * contexts, actions=actions)).reshape(members, contexts, actions)
    bank = Tables.of(policies)
    assert (bank.num_members, bank.num_contexts, bank.num_actions) == (members, contexts, actions)
    for context in range(contexts):
        rows = bank.log_policy(bank.init(), context)
        assert rows.shape == (members, actions)
        # exp(log(p)) of p >= 2^-90 moves p by at most |log p| < 64 eps
        assert np.allclose(np.exp(rows), policies[:, context], rtol=64 * EPS, atol=0)


def test_backends(backend: Any) -> None:
    policies, prior = np.random.default_rng(0).dirichlet(np.ones(3), size=(4, 2)), np.asarray([1.0, 2.0, 3.0, 4.0])
    expected, bank = Tables.of(policies, prior=prior), Tables.of(backend.array(policies), prior=backend.array(prior))
    assert np.allclose(backend.numpy(bank.log_prior()), expected.log_prior(), rtol=0, atol=8 * EPS)
    for context in range(2):
        rows = backend.numpy(bank.log_policy((), context))
        assert np.allclose(rows, expected.log_policy((), context), rtol=8 * EPS, atol=0)


def test_nothing_is_learned_or_remembered() -> None:
    bank = Tables.of(np.full((2, 3, 2), 0.5), names=["cat", "dog"])
    assert bank.advance((), 0, np.asarray(1)) == ()
    assert bank.learn((), 0, Answer(np.asarray(1))) == ()
    assert (bank.remembers, bank.grade, bank.names) == (False, "exact", ("cat", "dog"))


@pytest.mark.parametrize("context", [-1, 3, np.int64(-1), np.int64(3), np.asarray(-1), np.asarray(3)])
def test_a_context_outside_the_table_is_refused(context: Any) -> None:
    """-1 would be the last context, without a word."""
    bank = Tables.of(np.full((2, 3, 2), 0.5))
    with pytest.raises(IndexError, match=rf"context {context} is not known: contexts run from 0 to 2"):
        bank.log_policy((), context)


@pytest.mark.parametrize("context", [math.nan, None, "A", 2.5, 1.0, np.float32(1)])
def test_what_is_no_whole_number_is_no_context(context: Any) -> None:
    bank = Tables.of(np.full((2, 3, 2), 0.5))
    with pytest.raises(IndexError, match="is no context: contexts are whole numbers from 0 to 2"):
        bank.log_policy((), context)


GOOD = np.full((2, 1, 2), 0.5)


def spoiled(value: float) -> Any:
    policies = np.full((3, 2, 2), 0.25)
    policies[1, 0, 1] = value
    return policies


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: Tables.of(np.zeros((0, 1, 2))),
            r"shape \(0, 1, 2\); expected \[members, contexts, actions\].*empty committee",
        ),
        (lambda: Tables.of(np.zeros((2, 0, 2))), r"shape \(2, 0, 2\)"),
        (lambda: Tables.of(np.zeros((2, 2, 0))), r"shape \(2, 2, 0\)"),
        (lambda: Tables.of(np.full((2, 2), 0.5)), r"shape \(2, 2\)"),
        (
            lambda: Tables.of(np.ones((1, 1, 1), dtype=int)),
            r"dtype int64; expected probabilities in a floating-point dtype",
        ),
        (lambda: Tables.of(spoiled(math.nan)), r"row of member 1 in context 0 is .*nan.*not a sub-distribution"),
        (lambda: Tables.of(spoiled(math.inf)), r"row of member 1 in context 0"),
        (lambda: Tables.of(spoiled(-0.01)), r"row of member 1 in context 0"),
        (lambda: Tables.of(spoiled(0.76)), r"row of member 1 in context 0 is \[0\.25 0\.76\].*the sum at most 1"),
        (lambda: Tables.of(GOOD, prior=np.ones(3)), r"prior has shape \(3,\) for 2 members"),
        (lambda: Tables.of(GOOD, prior=np.ones((2, 1))), r"prior has shape \(2, 1\)"),
        (lambda: Tables.of(GOOD, prior=np.asarray([1.0, -1.0])), r"finite, not negative"),
        (lambda: Tables.of(GOOD, prior=np.asarray([1.0, math.nan])), r"prior weights \[ 1\. nan\] must be finite"),
        (lambda: Tables.of(GOOD, prior=np.asarray([1.0, math.inf])), r"must be finite"),
        (lambda: Tables.of(GOOD, prior=np.zeros(2)), r"not all zero"),
        (lambda: Tables.of(GOOD, names=["only one"]), r"1 names for 2 members: give one for each, or none"),
    ],
)
def test_bad_input_is_refused(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()


def test_rounding_is_no_offence() -> None:
    row = np.full(10, 0.1) * (1 + 2 * EPS)
    assert Tables.of(row[None, None, :]).num_actions == 10


@few
@given(st.lists(st.one_of(st.just(0.0), st.floats(1e-300, 1e300)), min_size=1, max_size=6).filter(any))
def test_priors_are_normalised(weights: list[float]) -> None:
    log_prior = log_prior_of(np.asarray(weights), num_members=len(weights))
    assert not np.isnan(log_prior).any()
    # logarithms up to 700 in size, each good to an ulp
    assert abs(np.exp(log_prior).sum() - 1) < 4 * 700 * EPS
    assert (np.isneginf(log_prior) == (np.asarray(weights) == 0)).all()
