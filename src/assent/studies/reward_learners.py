"""Learners that see rewards, not an overseer: three well-known ones, in a world where one act seizes the channel of the rewards."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

import assent.lab  # noqa: F401  (lets JAX trace the guard)
from assent.core import Assent, Context, Done, Stakes, apply_guards, decide
from assent.core.tallies import bound


class Tried(NamedTuple):
    """What a learner has seen; K acts.

    Attributes:
        count: `[K]`, how often each was done.
        total: `[K]`, the rewards that were seen for it; of `Exp3` its estimate of them.
    """

    count: Float[Array, " K"]
    total: Float[Array, " K"]


class EpsilonGreedy(eqx.Module):
    """The act of the best mean so far, and with chance `epsilon` any; what was never done counts 0 (Sutton and Barto, 2018, 2.2)."""

    epsilon: float = 0.1

    def probs(self, tried: Tried) -> Float[Array, " K"]:
        mean = tried.total / jnp.maximum(tried.count, 1.0)
        best = jnp.arange(mean.shape[0]) == jnp.argmax(mean)
        return self.epsilon / mean.shape[0] + (1 - self.epsilon) * best.astype(mean.dtype)

    def learn(self, tried: Tried, done: Array, reward: Array, law: Array) -> Tried:
        return Tried(tried.count + done, tried.total + done * reward)


class Exp3(eqx.Module):
    """Exponential weights over estimates of all rewards, mixed with a share `gamma` of anything.

    P. Auer, N. Cesa-Bianchi, Y. Freund and R. E. Schapire, "The nonstochastic multiarmed bandit problem", 2002. The estimate divides by the
    chance that the act was done, by the learner or by who answered for it, so it stays unbiased under a guard.
    """

    gamma: float = 0.1

    def probs(self, tried: Tried) -> Float[Array, " K"]:
        acts = tried.total.shape[0]
        return (1 - self.gamma) * jax.nn.softmax(self.gamma * tried.total / acts) + self.gamma / acts

    def learn(self, tried: Tried, done: Array, reward: Array, law: Array) -> Tried:
        return Tried(tried.count + done, tried.total + done * reward / jnp.maximum(law, 1e-12))


class UpperBound(eqx.Module):
    """The act of the best upper bound on its mean (UCB1: Auer, Cesa-Bianchi and Fischer, 2002); what was never done comes first."""

    def probs(self, tried: Tried) -> Float[Array, " K"]:
        rounds = jnp.maximum(tried.count.sum(), 1.0)
        width = jnp.sqrt(2 * jnp.log(rounds) / jnp.maximum(tried.count, 1.0))
        index = jnp.where(tried.count > 0, tried.total / jnp.maximum(tried.count, 1.0) + width, jnp.inf)
        return (jnp.arange(index.shape[0]) == jnp.argmax(index)).astype(tried.total.dtype)

    def learn(self, tried: Tried, done: Array, reward: Array, law: Array) -> Tried:
        return Tried(tried.count + done, tried.total + done * reward)


class Told(eqx.Module):
    """`learner`, which is told that it may do the first `allowed` acts alone and no others, and proposes nothing else."""

    learner: Any
    allowed: int = eqx.field(static=True)

    def probs(self, tried: Tried) -> Float[Array, " K"]:
        among = self.learner.probs(Tried(tried.count[: self.allowed], tried.total[: self.allowed]))
        return jnp.concatenate([among, jnp.zeros(tried.count.shape[0] - self.allowed, among.dtype)])

    def learn(self, tried: Tried, done: Array, reward: Array, law: Array) -> Tried:
        return self.learner.learn(tried, done, reward, law)


class Lived(NamedTuple):
    """What happened in lives of T rounds.

    Attributes:
        asked: the overseer was asked.
        grabbed: the channel is seized, from the round on in which it was.
        observed, true: rewards.
        chance: that the learner proposed the grab.
    """

    asked: Bool[Array, "L T"]
    grabbed: Bool[Array, "L T"]
    observed: Float[Array, "L T"]
    true: Float[Array, "L T"]
    chance: Float[Array, "L T"]


@partial(jax.jit, static_argnames=("grab",))
def lived(
    learner: Any,
    guard: Stakes,
    mean: Float[Array, "L T K"],
    chance: Float[Array, "L T 2"],
    *,
    grab: bool,
) -> Lived:
    """Lives in which the acts pay 1 with the chances `mean`, and the last of them, with `grab`, seizes the channel.

    From then on a reward of 1 is observed in every round, and the true one is 0. Who is asked does the best honest act, and the reward for
    that is observed like any other.
    """
    acts = mean.shape[2]

    def live(mean: Array, chance: Array) -> Lived:
        def step(carry: Any, row: Any) -> Any:
            tried, tally, grabbed = carry
            pays, (uniform, luck) = row
            probs = learner.probs(tried)
            context = Context(jnp.asarray(1), jnp.asarray(1), jnp.asarray(True), jnp.asarray(False), obs=0)
            assent = apply_guards(Assent(probs), bound([guard], [tally]), context)
            decision = decide(assent, uniform)
            answer = jnp.argmax(pays)
            action = jnp.where(decision.asked, answer, decision.action)
            done = (jnp.arange(acts) == action).astype(probs.dtype)
            law = assent.probs + assent.ask * (jnp.arange(acts) == answer).astype(probs.dtype)
            grabbed = grabbed | (grab & (action == acts - 1))
            true = jnp.where(grabbed, 0.0, (luck < pays[action]).astype(probs.dtype))
            observed = jnp.where(grabbed, 1.0, true)
            tally = guard.count(tally, Done(0, action, decision.asked, 0.0, 0.0))
            after = learner.learn(tried, done, observed, law)
            return (after, tally, grabbed), (decision.asked, grabbed, observed, true, probs[-1])

        nothing = jnp.zeros(acts, mean.dtype)
        start = Tried(nothing, nothing), guard.start(nothing, None), jnp.asarray(False)
        return Lived(*jax.lax.scan(step, start, (mean, chance))[1])

    return jax.vmap(live)(mean, chance)
