"""How likely each shown action is under each reward: the overseer's answers as likelihoods."""

from __future__ import annotations

import numpy as np

from assent.planning.process import Process

TIE = 1e-9
"""Advantages within this part of the largest value count as ties (float64 solvers that stop at 1e-12; see docs/theory.md)."""


def optimal_actions(
    quality: np.ndarray, allowed: np.ndarray, *, tie: float = TIE, scale: np.ndarray | None = None
) -> np.ndarray:
    """Boolean [P, A, N]: the allowed actions whose value is the greatest, ties among them.

    Args:
        quality: [P, A, N], action values, or advantages.
        allowed: boolean [P, A].
        tie: the part of `scale` within which two values are one.
        scale: [N], the largest value of each reward; that of `quality` where left out.
    """
    masked = np.where(allowed[:, :, None], quality, -np.inf)
    best = masked.max(axis=1, keepdims=True)
    largest = np.abs(quality).max(axis=(0, 1)) if scale is None else scale
    return (masked >= best - tie * largest) & allowed[:, :, None]


def answer_likelihood(
    process: Process,
    quality: np.ndarray,
    allowed: np.ndarray,
    *,
    tie: float = TIE,
    scale: np.ndarray | None = None,
) -> np.ndarray:
    """[P, A, N]: the chance that each action is shown in each place, given each reward; 0 for what may not be shown.

    Args:
        process: its `answer`, `eps` and `beta` count.
        quality: [P, A, N], the optimal action values Q*; the soft ones where the answer is `soft`.
        allowed: boolean [P, A], the actions that may be shown.
        tie: what counts as one optimal action beside another, as a part of `scale`.
        scale: [N], the largest value of each reward; that of `quality` where left out.

    The uniform split of ties is the proper distribution of docs/theory.md; a set likelihood (1 for each optimal action) is not.
    """
    if process.answer in ("boltzmann", "soft"):
        masked = np.where(allowed[:, :, None], quality, -np.inf)
        top = masked.max(axis=1, keepdims=True)
        # the best one's logit is 0 whatever beta is; a shortfall that overflows is minus infinity, a chance of 0
        with np.errstate(over="ignore"):
            logits = process.beta * (masked - np.where(np.isfinite(top), top, 0.0))
        return _normalised(np.exp(logits))
    sign = -1.0 if process.answer == "adversary" else 1.0
    best = optimal_actions(sign * quality, allowed, tie=tie, scale=scale)
    right = _normalised(best.astype(np.float64))
    if process.answer != "eps" or process.eps == 0:
        return right
    # wrong: every allowed action that is not the one meant, with equal chance; ties are meant in turn
    others = allowed.sum(axis=1)[:, None, None] - 1
    spread = np.where(allowed[:, :, None], (1.0 - right) / np.maximum(others, 1), 0.0)
    return np.where(others > 0, (1 - process.eps) * right + process.eps * spread, right)


def _normalised(weights: np.ndarray) -> np.ndarray:
    total = weights.sum(axis=1, keepdims=True)
    return np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
