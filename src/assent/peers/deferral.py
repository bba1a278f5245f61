"""Learning to defer: losses that train a classifier and its rejector together, safe at any logits, and a novice trained by them."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, ClassVar, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Bool, Float, Int

from assent.core import Answer, Array, Belief, Done, Grade
from assent.core.arrays import log_sum_exp, namespace, one_hot
from assent.peers.branches import when
from assent.peers.peer import Peer, Seen

Logits = Float[jax.Array, "*items K1"]
Labels = Int[jax.Array, "*items"]
Right = Bool[jax.Array, "*items"]
Loss = Literal["cross-entropy", "one-vs-all", "realizable"]

BIT = math.log(2.0)


def cross_entropy_loss(logits: Logits, labels: Labels, right: Right, *, alpha: Array | float = 0.5) -> Array:
    """`[*items]`, bits: `-[m = y] log2 s_defer - (alpha [m = y] + [m != y]) log2 s_y`, s the softmax over K classes and deferring.

    Mozannar and Sontag, "Consistent estimators for learning to defer to an expert", ICML 2020: L_CE^alpha. The last logit defers.

    Args:
        logits: `[*items, K + 1]`.
        labels: `[*items]`, y.
        right: `[*items]`, whether the expert's label m is y.
        alpha: in [0, 1], the weight of the classifier where the expert is right.
    """
    log_share = jax.nn.log_softmax(logits, axis=-1)
    expert = right.astype(logits.dtype)
    own = jnp.take_along_axis(log_share, labels[..., None], axis=-1)[..., 0]
    return -(expert * log_share[..., -1] + (alpha * expert + 1.0 - expert) * own) / BIT


def one_vs_all_loss(logits: Logits, labels: Labels, right: Right) -> Array:
    """`[*items]`, bits: `f(g_y) + sum over j != y of f(-g_j) + f(-g_defer) + [m = y] (f(g_defer) - f(-g_defer))`, f(z) = log2(1 + e^-z).

    Verma and Nalisnick, "Calibrated learning to defer with one-vs-all classifiers", ICML 2022. Arguments as for `cross_entropy_loss`. The
    last term turns `f(-g_defer)` into `f(g_defer)` where the expert is right, so no large numbers are subtracted.
    """
    expert = right.astype(logits.dtype)
    scores, defers = logits[..., :-1], logits[..., -1]
    mine = jax.nn.one_hot(labels, scores.shape[-1], dtype=logits.dtype)
    every = jax.nn.softplus(jnp.where(mine > 0, -scores, scores)).sum(axis=-1)
    return (every + jax.nn.softplus(jnp.where(expert > 0, -defers, defers))) / BIT


def realizable_loss(logits: Logits, labels: Labels, right: Right, *, alpha: Array | float = 0.5) -> Array:
    """`[*items]`, bits: `-alpha log2 (([m = y] e^g_defer + e^g_y) / sum of e^g) - (1 - alpha) log2 softmax_K(y)`.

    Mozannar, Lang, Wei, Sattigeri, Das and Sontag, "Who should predict? Exact algorithms for learning to defer to humans", AISTATS 2023:
    RealizableSurrogate. Arguments as for `cross_entropy_loss`.
    """
    scores, defers = logits[..., :-1], logits[..., -1]
    own = jnp.take_along_axis(scores, labels[..., None], axis=-1)[..., 0]
    # minus infinity would make the gradient NaN where the expert is wrong
    either = jnp.where(right, jnp.logaddexp(own, jnp.where(right, defers, 0.0)), own)
    system = either - jax.nn.logsumexp(logits, axis=-1)
    alone = own - jax.nn.logsumexp(scores, axis=-1)
    return -(alpha * system + (1.0 - alpha) * alone) / BIT


def loss_of(name: Loss, logits: Logits, labels: Labels, right: Right, *, alpha: Array | float = 0.5) -> Array:
    """The loss of that name, `[*items]`, bits."""
    if name == "one-vs-all":
        return one_vs_all_loss(logits, labels, right)
    return (cross_entropy_loss if name == "cross-entropy" else realizable_loss)(logits, labels, right, alpha=alpha)


@partial(jax.jit, static_argnames=("num_actions", "loss", "steps"))
def train(
    items: Float[jax.Array, "N F"],
    labels: Labels,
    right: Right,
    *,
    num_actions: int,
    loss: Loss = "realizable",
    alpha: Array | float = 0.5,
    steps: int = 500,
    learning_rate: float = 0.05,
    decay: float = 1e-3,
) -> Float[jax.Array, "F K1"]:
    """Coefficients of linear logits, the last column to defer: Adam on the mean loss of all items, from 0.

    Args:
        labels: `[N]`; an item whose label is below 0 does not count.
        right: `[N]`, whether the expert was right.
        decay: the weight of half the sum of squared coefficients, so that separable items have an optimum.
    """
    counts = (labels >= 0).astype(items.dtype)
    known = jnp.where(labels >= 0, labels, 0)

    def cost(weights: Array) -> Array:
        each = loss_of(loss, items @ weights, known, right, alpha=alpha)
        return (counts * each).sum() / jnp.maximum(counts.sum(), 1.0) + decay / 2 * (weights**2).sum()

    optimiser = optax.adam(learning_rate)

    def step(state: Any, _: None) -> Any:
        weights, moments = state
        with jax.numpy_dtype_promotion("standard"):  # Optax mixes counters with moments
            update, moments = optimiser.update(jax.grad(cost)(weights), moments)
        return (optax.apply_updates(weights, update), moments), None

    start = jnp.zeros((items.shape[1], num_actions + 1), items.dtype)
    return jax.lax.scan(step, (start, optimiser.init(start)), None, length=steps)[0][0]


class Learned(NamedTuple):
    """The labelled items, and what was trained on them.

    Attributes:
        items: `[N, F]`.
        answers: `[N]`, -1 where there is none yet.
        weights: `[F, A + 1]`, all 0 until the last of the N is there.
        taken: integer scalar.
    """

    items: Array
    answers: Array
    weights: Array
    taken: Array


@dataclass(frozen=True, eq=False)
class DeferralPolicy:
    """One linear softmax classifier and its rejector, trained once, when `labels` answers have come; uniform before, unchanged after.

    Attributes:
        num_actions: A.
        num_features: F; 0 for contexts, which become corners.
        contexts: S, or 0 where items are vectors.
        labels: N.
        loss: which one.
        alpha: of the loss.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("num_actions", "num_features", "contexts", "labels", "loss")
    num_actions: int
    num_features: int = 0
    contexts: int = 0
    labels: int = 200
    loss: Loss = "realizable"
    alpha: Array | float = 0.5

    @property
    def num_members(self) -> int:
        return 1

    @property
    def num_contexts(self) -> int | None:
        return self.contexts or None

    @property
    def remembers(self) -> bool:
        return False

    @property
    def grade(self) -> Grade:
        return "heuristic"

    @property
    def names(self) -> tuple[str, ...]:
        return ("classifier",)

    def log_prior(self) -> Array:
        return np.zeros(1)

    def init(self) -> Learned:
        size = self._size
        return Learned(
            np.zeros((self.labels, size)),
            np.full(self.labels, -1),
            np.zeros((size, self.num_actions + 1)),
            np.asarray(0),
        )

    def scores(self, memory: Learned, obs: Any) -> Array:
        """`[A + 1]`, the logits at `obs`; the last one defers."""
        xp = namespace(memory.weights)
        return xp.matmul(self._item(memory, obs), memory.weights)

    def log_policy(self, memory: Learned, obs: Any) -> Array:
        scores = self.scores(memory, obs)[None, :-1]
        return scores - log_sum_exp(scores, axis=1)[:, None]

    def advance(self, memory: Learned, obs: Any, action: Array) -> Learned:
        return memory

    def learn(self, memory: Learned, obs: Any, answer: Answer) -> Learned:
        xp = namespace(memory.weights)
        here = one_hot(memory.taken, self.labels, xp.bool, xp=xp)
        items = xp.where(here[:, None], self._item(memory, obs)[None, :], memory.items)
        answers = xp.where(here, xp.astype(xp.asarray(answer.action), memory.answers.dtype), memory.answers)
        return Learned(items, answers, memory.weights, memory.taken + 1)

    def trained(self, memory: Learned) -> Learned:
        """The memory with the classifier trained on all of it. The overseer is the expert and is always right: her label is the label."""
        with jax.enable_x64(memory.items.dtype == np.float64):
            weights = train(
                jnp.asarray(memory.items),
                jnp.asarray(memory.answers),
                jnp.ones(self.labels, bool),
                num_actions=self.num_actions,
                loss=self.loss,
                alpha=jnp.asarray(self.alpha, memory.items.dtype),
            )
        on_numpy = isinstance(memory.items, np.ndarray)
        return memory._replace(weights=np.asarray(weights) if on_numpy else weights)

    @property
    def _size(self) -> int:
        return (self.contexts or self.num_features) + 1

    def _item(self, memory: Learned, obs: Any) -> Array:
        """`[F]`: the corner of a context, or the item, and a constant."""
        xp, dtype = namespace(memory.weights), memory.weights.dtype
        one = xp.ones(1, dtype=dtype)
        if self.contexts:
            return xp.concat([one_hot(obs, self.contexts, dtype, xp=xp), one])
        return xp.concat([xp.asarray(obs, dtype=dtype), one])


class Round(NamedTuple):
    """How many rounds there were."""

    rounds: Array


@dataclass(frozen=True, eq=False)
class Deferral(Peer):
    """The overseer labels the first rounds; a classifier and its rejector are trained on them, and decide from then on.

    Learning to defer (see the losses), with the rule of clinicalml's human_ai_deferral: defer where the share of deferring, in the softmax
    over all, is above that of the best class by at least `threshold`. It needs the expert's label for every training item, so those are
    queries, and learns nothing afterwards. An overseer who is always right leaves validation nothing to choose: alpha and threshold are
    given.

    Attributes:
        hypotheses: a `DeferralPolicy`, whose `labels` are asked first.
        threshold: in [-1, 1]; the greater, the fewer questions.
    """

    reason: ClassVar[str] = "defers"
    hypotheses: DeferralPolicy
    threshold: Array | float = 0.0

    @staticmethod
    def example() -> Deferral:
        """One for three contexts and three actions."""
        return Deferral(DeferralPolicy(num_actions=3, contexts=3, labels=4))

    def start(self) -> Round:
        return Round(np.asarray(0))

    def asks(self, tally: Round, seen: Seen) -> Array:
        return namespace(seen.policy).asarray(1.0)

    def handing_over(self, belief: Belief, seen: Seen) -> Array:
        xp, memory = namespace(seen.policy), belief.memory
        scores = self.hypotheses.scores(memory, seen.obs)
        share = xp.exp(scores - log_sum_exp(scores))
        defers = share[-1] - xp.max(share[:-1]) >= self.threshold
        first = xp.asarray(belief.tallies[0].rounds < self.hypotheses.labels)
        return xp.astype(xp.asarray(defers | first), seen.policy.dtype)

    def hear(self, tally: Round, seen: Seen, action: Array) -> Round:
        return tally

    def count(self, belief: Belief, done: Done) -> Belief:
        rounds = belief.tallies[0].rounds + 1
        memory = when(rounds == self.hypotheses.labels, self.hypotheses.trained, belief.memory)
        return replace(belief, memory=memory, tallies=(Round(rounds),))


for _cls in (DeferralPolicy, Deferral):  # the catalogue, which does not import JAX, cannot have them registered
    _leaves = [field.name for field in fields(_cls) if field.name not in _cls.static_fields]
    jax.tree_util.register_dataclass(_cls, data_fields=_leaves, meta_fields=list(_cls.static_fields))
