"""What runs inside the environment of imitation: its behavioural cloning and its DAgger on the tables of a finite world.

Nothing of assent is imported here: that environment has none of it. Called as a program by `assent.peers.imitation_process`.
"""
# pyright: reportMissingImports=false

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np

BATCH = 32
"""imitation's own default for a batch; fewer where a part has fewer labels."""

BATCHES = {"bc": 1000, "dagger": 100}
"""Batches that a policy is trained on: once for cloning, after each part for DAgger. imitation's default for DAgger, 4 passes through what
is there, would be some 6 batches at 50 labels."""

PARTS = 15
"""In which DAgger's share of the overseer falls to 0: imitation's default, `LinearBetaSchedule(15)`."""


class Life:
    """One life in the tables of a finite world, with its noise and its overseer's draws given beforehand.

    Attributes:
        state: now.
        number: rounds so far.
        asked, failed, reached: bool [T], of each round.
    """

    def __init__(self, given: dict[str, np.ndarray], place: int) -> None:
        self.given, self.place = given, place
        self.num_steps = given["chance"].shape[1]
        self.asked, self.failed, self.reached = (np.zeros(self.num_steps, dtype=bool) for _ in range(3))
        self.number, self.state = 0, int(given["first"][place])

    def label(self) -> int:
        """What the overseer does here, in this round."""
        row = np.cumsum(self.given["policy"][self.place, self.state])
        last = int((row < row[-1]).sum())
        return min(int((row <= self.given["chance"][self.place, self.number]).sum()), last)

    def step(self, action: int, *, asked: bool) -> None:
        """One round in which `action` is done, by the overseer if `asked`."""
        given, at = self.given, (self.state, action)
        outcome = int((given["noise"][self.place, self.number] >= given["below"][at][:-1]).sum())
        again = int((given["again"][self.place, self.number] >= given["start_below"][:-1]).sum())
        self.asked[self.number] = asked
        self.failed[self.number] = given["event"][at][outcome]
        self.reached[self.number] = given["goal"][at][outcome]
        self.state = again if given["end"][at][outcome] else int(given["successor"][at][outcome])
        self.number += 1

    def rest(self, actions: np.ndarray) -> None:
        """Every round that is left, alone: state s leads to `actions[s]`."""
        while self.number < self.num_steps:
            self.step(int(actions[self.state]), asked=False)

    def row(self, labels: int) -> dict[str, int]:
        """What a comparison counts."""
        switched = self.asked & ~np.concatenate([[False], self.asked[:-1]])
        return {
            "queries": labels,
            "failures": int(self.failed.sum()),
            "own": int((self.failed & self.asked).sum()),
            "switches": int(switched.sum()),
            "goals": int(self.reached.sum()),
        }


def cloned(life: Life, labels: int, rng: np.random.Generator) -> None:
    """`imitation.algorithms.bc.BC` on the overseer's first `labels` rounds; alone from then on."""
    from imitation.data import types

    seen, done = np.zeros(labels, dtype=np.int64), np.zeros(labels, dtype=np.int64)
    after = np.zeros(labels, dtype=np.int64)
    for number in range(labels):
        seen[number], done[number] = life.state, life.label()
        life.step(int(done[number]), asked=True)
        after[number] = life.state
    demonstrations = types.Transitions(
        obs=seen, acts=done, infos=np.asarray([{}] * labels), next_obs=after, dones=np.zeros(labels, dtype=bool)
    )
    learner = _learner(life, rng, demonstrations=demonstrations, batch_size=min(BATCH, labels))
    learner.train(n_batches=BATCHES["bc"], progress_bar=False)
    life.rest(_actions(learner.policy, life))


def aggregated(life: Life, labels: int, rng: np.random.Generator) -> None:
    """`imitation.algorithms.dagger.SimpleDAggerTrainer` until there are `labels` labels; alone from then on."""
    from imitation.algorithms.dagger import SimpleDAggerTrainer
    from imitation.util import logger
    from stable_baselines3.common.vec_env import DummyVecEnv

    parts = [len(part) for part in np.array_split(np.arange(labels), PARTS) if len(part)]
    venv = DummyVecEnv([lambda: _environment(life, parts)])
    # fewer labels than parts: a part may be smaller than another, and none smaller than a batch
    learner = _learner(life, rng, batch_size=min(BATCH, parts[-1]))
    robot = learner.policy.predict

    def predicted(*given: Any, **more: Any) -> Any:
        venv.envs[0].unwrapped.alone = True
        return robot(*given, **more)

    learner.policy.predict = predicted
    with tempfile.TemporaryDirectory() as folder:
        trainer = SimpleDAggerTrainer(
            venv=venv,
            scratch_dir=folder,
            expert_policy=_overseer(life),
            rng=rng,
            bc_trainer=learner,
            custom_logger=logger.configure(folder, format_strs=[]),
        )
        trainer.train(
            labels,
            rollout_round_min_episodes=1,
            rollout_round_min_timesteps=1,
            bc_train_kwargs={"n_batches": BATCHES["dagger"], "log_rollouts_venv": None, "progress_bar": False},
        )
    if life.number != labels:
        raise RuntimeError(f"DAgger took {life.number} labels, not {labels}: the peer would be miscounted.")
    del learner.policy.predict
    life.rest(_actions(learner.policy, life))


RUNS: dict[str, Callable[[Life, int, np.random.Generator], None]] = {
    "imitation-bc": cloned,
    "imitation-dagger": aggregated,
}


def _learner(life: Life, rng: np.random.Generator, *, batch_size: int, demonstrations: Any = None) -> Any:
    import torch
    from gymnasium.spaces import Discrete
    from imitation.algorithms.bc import BC
    from imitation.util import logger

    torch.manual_seed(int(rng.integers(2**31)))
    states, actions = life.given["successor"].shape[:2]
    return BC(
        observation_space=Discrete(states),
        action_space=Discrete(actions),
        rng=rng,
        demonstrations=demonstrations,
        batch_size=batch_size,
        device="cpu",
        custom_logger=logger.configure(tempfile.gettempdir(), format_strs=[]),
    )


def _actions(policy: Any, life: Life) -> np.ndarray:
    """`[S]`, the likeliest action of each state: what `predict(deterministic=True)` says, all at once."""
    actions, _ = policy.predict(np.arange(life.given["successor"].shape[0]), deterministic=True)
    return np.asarray(actions)


def _environment(life: Life, parts: list[int]) -> Any:
    """The life as a Gymnasium environment whose episodes are the parts; a reset changes nothing, for the world has none."""
    import gymnasium
    from gymnasium.spaces import Discrete

    class Lived(gymnasium.Env[Any, Any]):
        observation_space = Discrete(life.given["successor"].shape[0])
        action_space = Discrete(life.given["successor"].shape[1])
        alone = False
        ends = frozenset(np.cumsum(parts).tolist())

        def reset(
            self, *, seed: int | None = None, options: dict[str, Any] | None = None
        ) -> tuple[int, dict[str, Any]]:
            super().reset(seed=seed)
            return life.state, {}

        def step(self, action: Any) -> tuple[int, float, bool, bool, dict[str, Any]]:
            life.step(int(action), asked=not self.alone)
            self.alone = False
            return life.state, 0.0, False, life.number in self.ends, {}

    return Lived()


def _overseer(life: Life) -> Any:
    """The overseer as a policy of Stable-Baselines3: imitation takes no function (its issue 693)."""
    import torch
    from gymnasium.spaces import Discrete
    from stable_baselines3.common.policies import BasePolicy

    class Overseer(BasePolicy):
        def _predict(self, observation: Any, deterministic: bool = False) -> Any:
            return torch.as_tensor([life.label()])

    states, actions = life.given["successor"].shape[:2]
    return Overseer(Discrete(states), Discrete(actions))


def main() -> None:
    """Reads the file of arrays that the one argument names, and a line of JSON a task; writes a line of JSON a row."""
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints is no row
    import torch

    torch.set_num_threads(1)
    with np.load(sys.argv[1]) as stored:
        given = {name: stored[name] for name in stored.files}
    for line in sys.stdin:
        task = json.loads(line)
        method, labels, place, seed = task["method"], task["labels"], task["place"], task["seed"]
        life = Life(given, place)
        RUNS[method](life, labels, np.random.default_rng([seed, labels, list(RUNS).index(method)]))
        row = {"method": method, "dial": labels, "seed": seed, **life.row(labels)}
        print(json.dumps(row), file=answers, flush=True)


if __name__ == "__main__":
    main()
