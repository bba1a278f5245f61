"""RewardMembers: each reward hypothesis as a model of the overseer, so that corrections weigh rewards as answers weigh policies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from assent.core import Answer, Array, Grade
from assent.hypotheses.rewards.enumerated import Rewards
from assent.planning.model import Model
from assent.planning.problem import Problem
from assent.planning.process import Process

NOBODY = -1


@dataclass(frozen=True, eq=False)
class Memory:
    """What the members remember besides their weights.

    Attributes:
        log_silence: float64 [N], the log-likelihood of having heard nothing where a correction could have come.
        acted: integer [2], the state and action of the last step while silence after it is still to be counted; -1 otherwise.
        shown: integer [P, A], how often each action was shown in each place.
    """

    log_silence: np.ndarray
    acted: np.ndarray
    shown: np.ndarray


@dataclass(frozen=True, eq=False)
class RewardMembers:
    """N reward hypotheses as members of a committee: a row is what the overseer would show if that reward were meant.

    An observation is the number of a state. Places in which nothing may be shown have uniform rows, which teach nothing. Where
    corrections come only after errors, silence is evidence: it is counted once the next step begins, and stands in the memory, since
    only an overseer's word moves weights.

    Attributes:
        problem: the world, the terms of its overseer as the agent believes them, and the rewards.
        rewards: the hypotheses.
        grade: "exact" if the truth is one of them and the terms are right, else "heuristic".

    Raises:
        ValueError: the rewards are not those of the problem.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("grade",)
    problem: Problem
    rewards: Rewards
    grade: Grade = "exact"

    def __post_init__(self) -> None:
        if self.problem.reward.shape != self.rewards.reward.shape:
            raise ValueError(
                f"the problem's reward has shape {self.problem.reward.shape}, the hypotheses' {self.rewards.reward.shape}."
            )

    @classmethod
    def of(cls, model: Model, process: Process, rewards: Rewards, *, grade: Grade = "exact") -> RewardMembers:
        """The members for a world whose overseer is believed to correct on the terms of `process`."""
        return cls(Problem(model, process, rewards.reward), rewards, grade)

    @staticmethod
    def example() -> RewardMembers:
        """Three rooms, each action the way to one, one of them the goal; the overseer points to a wrong one in a fifth of all cases."""
        successor = np.broadcast_to(np.arange(3)[None, :, None], (3, 3, 1)).copy()
        model = Model(
            successor=successor,
            chance=np.ones(successor.shape),
            terminal=np.zeros(3, dtype=bool),
            discount=0.9,
            place=np.arange(3),
            mode=np.zeros(3, dtype=np.int64),
            rate=np.full(3, 0.5),
            cost=np.zeros((3, 3)),
            kept=np.ones(3, dtype=bool),
            answerable=np.ones((3, 3), dtype=bool),
        )
        rewards = Rewards.of(["first", "second", "third"], [0.5, 0.3, 0.2], np.stack([np.eye(3)] * 3))
        return RewardMembers.of(model, Process(rate=0.5, answer="eps", eps=0.2), rewards)

    @property
    def num_members(self) -> int:
        return self.rewards.num_hypotheses

    @property
    def num_actions(self) -> int:
        return self.problem.model.num_actions

    @property
    def num_contexts(self) -> int | None:
        return None if self.remembers else self.problem.model.num_states

    @property
    def remembers(self) -> bool:
        return self.problem.process.trigger == "on_error"

    @property
    def names(self) -> tuple[str, ...]:
        return self.rewards.names

    def log_prior(self) -> Array:
        return self.rewards.log_prior

    def init(self) -> Memory:
        places, actions = self.problem.model.num_places, self.num_actions
        shown = np.zeros((places, actions), dtype=np.int64)
        return Memory(np.zeros(self.num_members), np.full(2, NOBODY), shown)

    def log_policy(self, memory: Any, obs: Any) -> Array:
        """[N, A]: what would be shown in state `obs`, under each reward.

        Raises:
            IndexError: there is no such state.
        """
        return self.log_rows[self._place(obs)]

    def advance(self, memory: Memory, obs: Any, action: Array) -> Memory:
        """The memory after `action` was done in state `obs`: earlier silence is counted, and what may be said of this step is awaited.

        Nothing is said of having done nothing, -1.
        """
        if not self.remembers:
            return memory
        self._place(obs)
        acted = [int(obs), int(action)] if int(action) >= 0 else [NOBODY, NOBODY]
        return Memory(self.log_silence(memory), np.asarray(acted), memory.shown)

    def learn(self, memory: Memory, obs: Any, answer: Answer) -> Memory:
        """The memory after the overseer has spoken. Unasked, whatever it is about, that calls the last action an error; an answer to a
        question does not, and means that nothing was said of the last action."""
        place, action = self._place(obs), int(answer.action)
        shown = memory.shown.copy()
        shown[place, action] += 1
        log_silence = self.log_silence(memory)
        state, acted = memory.acted
        if self.remembers and state != NOBODY and answer.unasked:
            wrong = self.problem.suboptimal[self.problem.model.place[state], acted]
            with np.errstate(divide="ignore"):
                log_silence = memory.log_silence + np.log(wrong.astype(np.float64))
        return Memory(log_silence, np.full(2, NOBODY), shown)

    def log_silence(self, memory: Memory) -> np.ndarray:
        """[N]: the log-likelihood of all that was not said, the last step's silence among it."""
        state, action = memory.acted
        if not self.remembers or state == NOBODY:
            return memory.log_silence
        model = self.problem.model
        wrong = model.rate[state] * self.problem.suboptimal[model.place[state], action]
        with np.errstate(divide="ignore"):
            return memory.log_silence + np.log(1 - wrong)

    @cached_property
    def log_rows(self) -> np.ndarray:
        """[P, N, A], the logarithm of what is shown in each place under each reward."""
        likelihood = np.moveaxis(self.problem.likelihood, 2, 1)
        mute = likelihood.sum(axis=2) == 0
        with np.errstate(divide="ignore"):
            return np.log(np.where(mute[:, :, None], 1.0 / self.num_actions, likelihood))

    def check_state(self, obs: Any) -> None:
        """Nothing, if `obs` is the number of a state; else an IndexError."""
        number, most = np.asarray(obs), self.problem.model.num_states - 1
        if number.shape != () or number.dtype.kind not in "iu" or not 0 <= number <= most:
            raise IndexError(f"{obs!r} is no state: states are whole numbers from 0 to {most}.")

    def _place(self, obs: Any) -> int:
        self.check_state(obs)
        return int(self.problem.model.place[int(obs)])
