"""ContextTrees: every tree of contexts as one family of overseers, for whom the last few actions decide what comes next."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from assent.core import Answer, Array, Grade
from assent.core.arrays import safe_log
from assent.hypotheses.context_tree.mixture import symbols_of
from assent.hypotheses.context_tree.posterior import ContextTreePosterior
from assent.hypotheses.context_tree.trees import TreePrior
from assent.hypotheses.context_tree.versions import Versions


@dataclass(frozen=True, eq=False)
class TreeMemory:
    """What was done lately, and what the overseer answered so far.

    Attributes:
        history: integer, the last actions done, at most `depth`, the most recent last.
        trace: bytes `[32]`, a digest of every answer and its context: two memories that learned alike have the same.
        log_evidence: `[]`, the log-probability of all answers.
        root: of this memory's version.
        versions: the rows that it shares with the memories before and after it.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    history: NDArray[np.int64]
    trace: NDArray[np.uint8]
    log_evidence: NDArray[np.float64]
    root: int
    versions: Versions


@dataclass(frozen=True, eq=False)
class ContextTrees:
    """One family: overseers whose choice depends on the last actions done, as many of them as some tree of contexts says.

    Each leaf of the tree has probabilities of its own. Observations are not looked at. `log_policy` is the Bayes mixture of all
    trees up to `depth` (context-tree weighting), by which weights move; it costs `depth * A` steps, as does an answer, whatever
    was learned. `log_lower` is the least probability over all trees that are still plausible and over what each one's leaf may
    still be: trees with likelihood at least `delta_tree` times the evidence, found by one pass over all of them, so that no list of
    trees can be cut; and in the leaf, after n answers of which c were this action, the least x with

        n kl(c/n, x) <= log(1 / risk of the leaf) + (best log-likelihood of a coin - its Krichevsky–Trofimov log-probability)

    **What is promised.** Let the overseer's answers follow a tree T of depth at most `depth`, asked whenever the past says so.

    1. T is plausible at every step with probability at least `1 - delta_tree`, whatever T is, its leaf probabilities being drawn from
       Dirichlet(1/2, …, 1/2): under that law evidence / likelihood(T) is a non-negative martingale that starts at 1 (Ville). For single
       leaf probabilities this is an average: by Markov's inequality all but a share `sqrt(delta_tree)` of them lose T with
       probability at most `sqrt(delta_tree)`. Some are lost with certainty: an overseer who deviates in one long context only,
       when everything before pointed to a small tree. Nothing that ever acts in a context it has not seen can be safe from that;
       `delta_tree = 0` drops no tree, acts in no such context, and needs no assumption on the probabilities.
    2. For each leaf and action the estimate of that coin over its probability is such a martingale too, whatever the probability. A
       leaf of length d has the risk `delta_leaf A^-d`, which over the leaves of any tree sums to `delta_leaf` (Kraft), split over its
       actions when there are more than two (two share one coin).

    Together, with probability at least `1 - risk`, `risk = delta_tree + delta_leaf`, no action ever gets more than the overseer gives it.
    Before `depth` actions were done, and in contexts never seen, everything is asked.

    Sources: Willems, Shtarkov and Tjalkens, "The context-tree weighting method: basic properties", IEEE Transactions on Information
    Theory 41 (1995); Kontoyiannis and others, "Bayesian context trees", Journal of the Royal Statistical Society B (2022); Ville, "Étude
    critique de la notion de collectif" (1939).

    Attributes:
        num_actions: from 2 to 256.
        depth: how many past actions may matter, at least 0.
        delta_tree: in [0, 1), the risk of dropping the overseer's tree.
        delta_leaf: in (0, 1), the risk of a bound above the overseer's probability; both together below 1.
        beta: prior probability that a context is not split further, in (0, 1); None is `1 - 2^(1 - A)`.
        past: actions before the first round, the most recent last.

    Raises:
        ValueError: one of them is outside its range.

    >>> family = ContextTrees(num_actions=2, depth=1)
    >>> memory = family.init()
    >>> for action in [0, 1] * 40:
    ...     memory = family.advance(family.learn(memory, None, Answer(action)), None, action)
    >>> np.exp(family.log_policy(memory, None)).round(3), np.exp(family.log_lower(memory, None)).round(3)
    (array([[0.988, 0.013]]), array([[0.84, 0.  ]]))
    """

    static_fields: ClassVar[tuple[str, ...]] = ("num_actions", "depth", "past")
    num_actions: int
    depth: int
    delta_tree: float = 0.025
    delta_leaf: float = 0.025
    beta: float | None = None
    past: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _ = self.prior
        symbols_of(self.past, num_symbols=self.num_actions)
        if not (0 <= self.delta_tree < 1 and 0 < self.delta_leaf < 1 and self.risk < 1):
            raise ValueError(
                f"delta_tree = {self.delta_tree} and delta_leaf = {self.delta_leaf} are no risks: the first lies in [0, 1), the second "
                "in (0, 1), and together they are below 1. 0.025 each is usual."
            )

    @staticmethod
    def example() -> ContextTrees:
        """Two past actions out of three decide."""
        return ContextTrees(num_actions=3, depth=2, past=(0, 2))

    @property
    def prior(self) -> TreePrior:
        """Over trees."""
        return TreePrior(self.num_actions, self.depth, self.beta)

    @property
    def num_members(self) -> int:
        return 1

    @property
    def num_contexts(self) -> None:
        return None

    @property
    def remembers(self) -> bool:
        return True

    @property
    def grade(self) -> Grade:
        return "bounded"

    @property
    def names(self) -> tuple[str, ...]:
        return (f"context trees of depth {self.depth}",)

    @property
    def assumes(self) -> tuple[str, ...]:
        """What `risk` supposes beyond membership; nothing where no tree is dropped."""
        if self.delta_tree == 0:
            return ()
        return (
            "The overseer's probabilities in the leaves of her tree are like draws from Dirichlet(1/2): delta is an average over such "
            "overseers, and some overseers lose their tree for certain (delta_tree = 0 supposes nothing).",
        )

    @property
    def risk(self) -> float:
        """The chance that an action is ever given more than the overseer gives it."""
        return self.delta_tree + self.delta_leaf

    def log_prior(self) -> Array:
        return np.zeros(1)

    def init(self) -> TreeMemory:
        history = symbols_of(self.past, num_symbols=self.num_actions)
        return TreeMemory(self._recent(history), np.zeros(32, np.uint8), np.zeros(()), 0, Versions(self.prior))

    def log_policy(self, memory: TreeMemory, obs: Any) -> Array:
        """The mixture's row `[1, A]` after what was done; uniform before `depth` actions were done."""
        if memory.history.size < self.depth:
            return np.full((1, self.num_actions), -math.log(self.num_actions))
        return np.log(memory.versions.predict(memory.root, history=memory.history))[None]

    def log_lower(self, memory: TreeMemory, obs: Any) -> Array:
        """The least row `[1, A]` of the plausible trees; minus infinity where nothing is known."""
        if memory.history.size < self.depth:
            return np.full((1, self.num_actions), -np.inf)
        row = memory.versions.least(
            memory.root,
            history=memory.history,
            lengths=self.plausible_lengths(memory),
            log_inverse_risk=self._log_inverse_risk,
        )
        return safe_log(row)[None]

    def plausible_lengths(self, memory: TreeMemory) -> NDArray[np.bool_]:
        """Which numbers of past actions, 0 … depth, a plausible tree lets decide now: `[depth + 1]`; all when too little was done."""
        if memory.history.size < self.depth:
            return np.ones(self.depth + 1, bool)
        log_delta = math.log(self.delta_tree) if self.delta_tree > 0 else -math.inf
        return memory.versions.plausible(memory.root, history=memory.history, log_delta=log_delta)

    def advance(self, memory: TreeMemory, obs: Any, action: Array) -> TreeMemory:
        """The memory after `action` was done, by whomever; -1 is nothing.

        Raises:
            ValueError: `action` is neither -1 nor an action.
        """
        if int(action) == -1:
            return memory
        done = symbols_of([int(action)], num_symbols=self.num_actions)
        return replace(memory, history=self._recent(np.concatenate([memory.history, done])))

    def learn(self, memory: TreeMemory, obs: Any, answer: Answer) -> TreeMemory:
        """The memory that has counted the overseer's `answer` to what was done before; one given too early counts nowhere.

        Raises:
            ValueError: the answer is no action.
        """
        said = symbols_of([int(answer.action)], num_symbols=self.num_actions)
        if memory.history.size < self.depth:
            return memory
        versions, root = memory.versions.learn(memory.root, history=memory.history, symbol=int(said[0]))
        heard = memory.trace.tobytes() + memory.history.tobytes() + said.tobytes()
        return TreeMemory(
            history=memory.history,
            trace=np.frombuffer(hashlib.sha256(heard).digest(), np.uint8),
            log_evidence=np.asarray(versions.logs[root, 1]),
            root=root,
            versions=versions,
        )

    def posterior(self, memory: TreeMemory) -> ContextTreePosterior:
        """The exact posterior over trees that a memory holds: the best ones, and the probability of any."""
        rows, child = memory.versions.reachable(memory.root)
        return ContextTreePosterior.of_counts(
            self.prior, child=child.astype(np.int32), counts=memory.versions.counts[rows]
        )

    @property
    def _log_inverse_risk(self) -> float:
        coins = self.num_actions if self.num_actions > 2 else 1
        return math.log(coins / self.delta_leaf)

    def _recent(self, history: NDArray[np.int64]) -> NDArray[np.int64]:
        return history[max(history.size - self.depth, 0) :]
