"""networks: small neural networks, all members at once, that are scored on every answer before they train on it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from assent.core import Answer, Array, Grade
from assent.core.arrays import either, log_sum_exp, namespace
from assent.hypotheses.observations import vector_of
from assent.hypotheses.prior import log_prior_of

MODULUS, MULTIPLIER = 32_749, 30_011
"""What is trained on next is drawn by a congruence small enough for 32-bit integers."""

LEAST = 2.0**-30
"""Of a row that is not to count yet: enough for its logarithm to be a number."""

DECAYS = (0.9, 0.999)
"""Of Adam's two averages: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015."""


class Trained(NamedTuple):
    """What networks have become, and what they learned from.

    Attributes:
        layers: of each layer `[H, inputs + 1, outputs]`, the intercept last.
        mean, square: Adam's averages of the gradients and of their squares, of the same shapes.
        steps: integer, how many steps were taken.
        items: `[N, D]`, the last answers' observations, and `labels` `[N]` the answers.
        heard: integer, how many answers there were.
    """

    layers: tuple[Array, ...]
    mean: tuple[Array, ...]
    square: tuple[Array, ...]
    steps: Array
    items: Array
    labels: Array
    heard: Array


@dataclass(frozen=True, eq=False)
class Networks:
    """H networks with rectified units, trained at each answer by some steps of Adam on a sample of the last N answers.

    Each starts from weights of its own, adds a random function that is never trained (I. Osband, J. Aslanides and A. Cassirer,
    "Randomized prior functions for deep reinforcement learning", NeurIPS 2018), and draws its own samples; so they differ where there is
    nothing to learn from. They are members in the sense of the theory, adaptive ones, for each answer is predicted before it is trained on
    (`Imitator.learn` has that order). None of them is the overseer's model: the grade is `heuristic`, and `assent.agents.guarded` has
    what such a committee needs around it.

    Rows are semimeasures: after n answers each is the softmax, with `floor + (1 - floor) doubt / (n + doubt)` of uniform, times
    `1 - doubt / n`, and almost nothing before `doubt` answers. What is missing is asked, so a committee whose members all start alike does
    not agree in ignorance. And what networks say before they have learned hardly moves their weights, for it is mostly uniform: else luck
    at the start would leave one of them to lead.

    A network whose arithmetic leaves the finite numbers, by its weights or by what it was shown, gives a row of NaN: it abstains, and the
    round is asked. An item that is not finite teaches nothing.

    Attributes:
        layers: as drawn, each `[H, inputs + 1, outputs]`.
        fixed: layers of the functions that are never trained; empty for none.
        log_prior_weights: `[H]`, normalised.
        learning_rate: above 0.
        doubt: at least 0, in answers: so many are asked for before anything may be done alone.
        floor: in (0, 1).
        capacity: N, at most 32,749.
        batch: answers in a step.
        num_steps: steps at each answer.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("capacity", "batch", "num_steps")
    layers: tuple[Array, ...]
    fixed: tuple[Array, ...]
    log_prior_weights: Array
    learning_rate: Array | float = 3e-3
    doubt: Array | float = 3.0
    floor: Array | float = 0.02
    capacity: int = 2_000
    batch: int = 32
    num_steps: int = 10

    @classmethod
    def of(
        cls,
        num_inputs: int,
        num_actions: int,
        *,
        num_members: int = 8,
        hidden: Sequence[int] = (64,),
        prior_scale: float = 10.0,
        seed: int = 0,
        learning_rate: float = 3e-3,
        doubt: float = 3.0,
        floor: float = 0.02,
        capacity: int = 2_000,
        batch: int = 32,
        num_steps: int = 10,
    ) -> Networks:
        """H networks on observations `[D]`, which should be of the order of 1.

        Args:
            hidden: units of each hidden layer.
            prior_scale: of the functions that are never trained; 0 for none. The larger, the further apart members are far from what
                they were taught, and the more they have to be taught.
            seed: of all weights.

        Raises:
            ValueError: a number out of its range.

        >>> networks = Networks.of(2, 3, num_members=4)
        >>> memory = networks.init()
        >>> bool(np.exp(networks.log_policy(memory, np.ones(2))).sum() < 1e-8)  # cold: nothing is done alone
        True
        >>> for _ in range(100):
        ...     memory = networks.learn(memory, np.ones(2), Answer(np.asarray(1)))
        >>> bool((np.exp(networks.log_policy(memory, np.ones(2)))[:, 1] > 0.8).all())
        True
        """
        sizes = (num_inputs, *hidden, num_actions)
        if min(*sizes, num_members, batch, num_steps) < 1 or not 1 <= capacity <= MODULUS:
            raise ValueError(
                f"sizes {sizes}, {num_members} members, batch = {batch}, num_steps = {num_steps}, capacity = {capacity}: at least one of "
                f"each, and at most {MODULUS:,} answers kept."
            )
        if not (
            0 < learning_rate < math.inf and 0 <= doubt < math.inf and 0 < floor < 1 and 0 <= prior_scale < math.inf
        ):
            raise ValueError(
                f"learning_rate = {learning_rate}, doubt = {doubt}, floor = {floor}, prior_scale = {prior_scale}: the rate is above 0, "
                "floor lies in (0, 1), doubt and prior_scale are at least 0."
            )
        rng = np.random.default_rng(seed)
        return cls(
            layers=_drawn(rng, sizes, num_members),
            fixed=_drawn(rng, sizes, num_members, scale=prior_scale) if prior_scale else (),
            log_prior_weights=log_prior_of(np.ones(num_members), num_members=num_members),
            learning_rate=learning_rate,
            doubt=doubt,
            floor=floor,
            capacity=capacity,
            batch=batch,
            num_steps=num_steps,
        )

    @staticmethod
    def example() -> Networks:
        """Three members with five units on two inputs, three actions."""
        return Networks.of(2, 3, num_members=3, hidden=(5,), capacity=7, batch=2, num_steps=2)

    @property
    def num_members(self) -> int:
        return int(self.log_prior_weights.shape[0])

    @property
    def num_features(self) -> int:
        """D, how many numbers an observation has."""
        return int(self.layers[0].shape[1]) - 1

    @property
    def num_actions(self) -> int:
        return int(self.layers[-1].shape[2])

    @property
    def num_contexts(self) -> None:
        return None

    @property
    def remembers(self) -> bool:
        return False

    @property
    def grade(self) -> Grade:
        return "heuristic"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"network {number + 1}" for number in range(self.num_members))

    def log_prior(self) -> Array:
        return self.log_prior_weights

    def init(self) -> Trained:
        xp, dtype = namespace(self.log_prior_weights), self.log_prior_weights.dtype
        nothing = tuple(xp.zeros_like(layer) for layer in self.layers)
        return Trained(
            layers=self.layers,
            mean=nothing,
            square=nothing,
            steps=xp.zeros((), dtype=xp.int32),
            items=xp.zeros((self.capacity, self.num_features), dtype=dtype),
            labels=xp.zeros(self.capacity, dtype=xp.int32),
            heard=xp.zeros((), dtype=xp.int32),
        )

    def log_policy(self, memory: Trained, obs: Array) -> Array:
        """What each network predicts, and how much of it counts yet, `[H, A]`.

        Raises:
            ValueError: `obs` is not D numbers.
        """
        xp = namespace(self.log_prior_weights)
        item = vector_of(obs, self.num_features, like=self.log_prior_weights)
        item = xp.where(xp.isfinite(item), item, float("nan"))
        scores = self._scores(memory.layers, item[None, None, :])[0][:, 0, :]
        policy = xp.exp(scores - log_sum_exp(scores, axis=1)[:, None])
        heard = xp.astype(memory.heard, policy.dtype)
        trusted = 1 - self.doubt / xp.where(heard > 0, heard, 1.0)
        trusted = xp.where((heard > 0) & (trusted > LEAST), trusted, LEAST)
        trusted = xp.where(xp.asarray(self.doubt, dtype=policy.dtype) > 0, trusted, 1.0)
        since = heard + self.doubt
        even = self.floor + (1 - self.floor) * self.doubt / xp.where(since > 0, since, 1.0)
        return xp.log(((1 - even) * policy + even / self.num_actions) * trusted)

    def advance(self, memory: Trained, obs: Any, action: Array) -> Trained:
        return memory

    def learn(self, memory: Trained, obs: Array, answer: Answer) -> Trained:
        """The memory after the networks trained on a sample in which this answer has the first place; as it was after an unsound item.
        Raises as `log_policy`."""
        xp = namespace(memory.items)
        item = vector_of(obs, self.num_features, like=memory.items)
        sound = xp.all(xp.isfinite(item))
        after = self._kept(memory, xp.where(sound, item, 0.0), answer)
        for _ in range(self.num_steps):
            after = self._stepped(after)
        # an item may be finite and its gradient's square not
        for layer in (*after.layers, *after.mean, *after.square):
            sound = sound & xp.all(xp.isfinite(layer))
        return either(sound, after, memory)

    def _kept(self, memory: Trained, item: Array, answer: Answer) -> Trained:
        xp = namespace(memory.items)
        here = xp.arange(self.capacity, dtype=memory.labels.dtype) == memory.heard % self.capacity
        return memory._replace(
            items=xp.where(here[:, None], item[None, :], memory.items),
            labels=xp.where(here, xp.astype(xp.asarray(answer.action), memory.labels.dtype), memory.labels),
            heard=memory.heard + 1,
        )

    def _stepped(self, memory: Trained) -> Trained:
        xp = namespace(memory.items)
        rows = self._sample(memory)
        shape = (self.num_members, self.batch)
        items = xp.reshape(xp.take(memory.items, xp.reshape(rows, (-1,)), axis=0), (*shape, -1))
        labels = xp.reshape(xp.take(memory.labels, xp.reshape(rows, (-1,)), axis=0), shape)
        gradients = self._gradients(memory.layers, items, labels)
        count = xp.astype(memory.steps + 1, memory.items.dtype)
        moved = [
            _adam(*parts, count=count, rate=self.learning_rate)
            for parts in zip(memory.layers, memory.mean, memory.square, gradients, strict=True)
        ]
        layers, mean, square = (tuple(part) for part in zip(*moved, strict=True))
        return memory._replace(layers=layers, mean=mean, square=square, steps=memory.steps + 1)

    def _sample(self, memory: Trained) -> Array:
        """Places of answers, integers `[H, batch]`: the latest first, the others at random, other ones for each member."""
        xp = namespace(memory.items)
        members, places = xp.arange(self.num_members, dtype=xp.int32), xp.arange(self.batch, dtype=xp.int32)
        known = xp.where(memory.heard < self.capacity, memory.heard, self.capacity)
        turn = memory.steps % MODULUS * self.batch + places[None, :]
        number = (turn % MODULUS * self.num_members + members[:, None]) % MODULUS
        mixed = (number * MULTIPLIER + 12_345) % MODULUS
        square = mixed * mixed % MODULUS
        mixed = square * square % MODULUS * mixed % MODULUS  # a permutation: 5 does not divide MODULUS - 1
        drawn = mixed * known // MODULUS
        return xp.where(places[None, :] == 0, (memory.heard - 1) % self.capacity, drawn)

    def _scores(self, layers: tuple[Array, ...], items: Array) -> tuple[Array, list[Array]]:
        """Scores `[H, B, A]` of items `[H or 1, B, D]`, and what each trained layer was given."""
        scores, inputs = _forward(layers, items)
        return (scores + _forward(self.fixed, items)[0] if self.fixed else scores), inputs

    def _gradients(self, layers: tuple[Array, ...], items: Array, labels: Array) -> list[Array]:
        """Of the mean log-loss, for each layer."""
        xp = namespace(items)
        scores, inputs = self._scores(layers, items)
        target = xp.astype(
            labels[..., None] == xp.arange(self.num_actions, dtype=labels.dtype)[None, None, :], items.dtype
        )
        error = (xp.exp(scores - log_sum_exp(scores, axis=2)[..., None]) - target) / self.batch
        gradients = list[Array]()
        for layer, given in zip(reversed(layers), reversed(inputs), strict=True):
            gradients.append(xp.matmul(xp.permute_dims(given, (0, 2, 1)), error))
            error = xp.matmul(error, xp.permute_dims(layer[:, :-1, :], (0, 2, 1)))
            error = xp.where(given[..., :-1] > 0, error, 0.0)
        return gradients[::-1]


def _forward(layers: tuple[Array, ...], items: Array) -> tuple[Array, list[Array]]:
    """What comes out of the last of `layers`, and what went into each, a one beside it for the intercept."""
    xp, inputs, now = namespace(items), list[Array](), items
    for number, layer in enumerate(layers):
        # the usual `now > 0` would make a zero of NaN, and minus infinity of a broken weight would pass for a unit at rest
        now = xp.where(now <= 0, 0.0, now) if number else now
        inputs.append(xp.concat([now, xp.ones_like(now[..., :1])], axis=-1))
        now = xp.matmul(inputs[-1], layer)
        now = xp.where(xp.isfinite(now), now, float("nan"))
    return now, inputs


def _adam(
    layer: Array, mean: Array, square: Array, gradient: Array, *, count: Array, rate: Array | float
) -> tuple[Array, Array, Array]:
    """A layer and its averages after one step."""
    xp = namespace(layer)
    mean = DECAYS[0] * mean + (1 - DECAYS[0]) * gradient
    square = DECAYS[1] * square + (1 - DECAYS[1]) * gradient**2
    first, second = (1 - DECAYS[0] ** count), (1 - DECAYS[1] ** count)
    return layer - rate * (mean / first) / (xp.sqrt(square / second) + 1e-8), mean, square


def _drawn(
    rng: np.random.Generator, sizes: Sequence[int], num_members: int, *, scale: float = 1.0
) -> tuple[Array, ...]:
    """Layers with weights of variance 2 / inputs (He and others, ICCV 2015), the last `scale ** 2` / inputs; intercepts are 0."""
    layers = list[Array]()
    for number, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        last = number == len(sizes) - 2
        spread = math.sqrt((1 if last else 2) / inputs) * (scale if last else 1)
        weight = rng.normal(scale=spread, size=(num_members, inputs, outputs))
        layers.append(np.concatenate([weight, np.zeros((num_members, 1, outputs))], axis=1))
    return tuple(layers)
