"""Worlds of the grid engine as Gymnasium environments, DeepMind's safety gridworlds among them."""

from __future__ import annotations

from typing import Any, ClassVar

import equinox as eqx
import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

from assent.worlds.grid.assembly import world_of
from assent.worlds.grid.board import Board
from assent.worlds.grid.engine import GridState, GridWorld
from assent.worlds.grid.level import Level, load
from assent.worlds.grid.mechanics.supervisor import Supervisor
from assent.worlds.grid.raster import rgb
from assent.worlds.grid.vector import svg


class GridEnv(gymnasium.Env[np.ndarray, np.int64]):
    """A level of the grid engine as an environment: the board is seen, the reward is always 0.0.

    Observations are the board as int8 [H, W], numbers of `world.glyphs`. `info["overseer"]` is "there" or "away" in a level with a
    supervisor, else "nobody". An episode whose steps were used up is truncated, any other that is over is terminated.

    Args:
        level: a level, its name, or the path of a file.
        render_mode: "ansi" for text, "rgb_array" for pixels, or None.

    Attributes:
        world: the world that is played.

    Raises:
        ValueError: another render mode, or a level that the engine cannot play.

    >>> env = GridEnv("boat_race")
    >>> board, info = env.reset(seed=0)
    >>> board.shape, info
    ((5, 5), {'overseer': 'nobody'})
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["ansi", "rgb_array"], "render_fps": 4}

    def __init__(self, level: Level | str = "boat_race", *, render_mode: str | None = None) -> None:
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode = {render_mode!r} is unknown: give None, 'ansi' or 'rgb_array'.")
        self.level = load(level) if isinstance(level, str) else level
        self.render_mode = render_mode
        self.world = world_of(self.level)
        most = len(self.world.glyphs) - 1
        self.observation_space = spaces.Box(0, most, self.world.ground.shape, np.int8)
        self.action_space = spaces.Discrete(self.world.num_actions)
        self._state: GridState | None = None

    @property
    def state(self) -> GridState:
        """All of the state, for a runner: the level's own reward of the last step and the hidden reward so far are in it.

        Raises:
            ValueError: no `reset` before.
        """
        if self._state is None:
            raise ValueError("nothing has begun: call reset() first.")
        return self._state

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self._state = _init(self.world, self._key())
        return self._seen(), self._info()

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """One step.

        Raises:
            ValueError: an action that there is not, or no `reset` before.
        """
        if not self.action_space.contains(action):
            raise ValueError(
                f"the action {action!r} is none: give a whole number from 0 to {self.world.num_actions - 1}."
            )
        self._state = _step(self.world, self._key(), self.state, jnp.asarray(int(action)))
        limited = bool(self._state.limited)
        return self._seen(), 0.0, bool(self._state.done) and not limited, limited, self._info()

    def render(self) -> Any:
        """Text or pixels, as `render_mode` says."""
        if self.render_mode is None:
            raise ValueError(
                "this environment was made without render_mode. Give 'ansi' or 'rgb_array', or call svg()."
            )
        return self.view.text if self.render_mode == "ansi" else rgb(self.view)

    def svg(self) -> str:
        """The picture as an SVG document, whatever the render mode."""
        return svg(self.view)

    @property
    def view(self) -> Board:
        """What there is to see now."""
        ending = " · the end" if bool(self.state.done) else ""
        lines = tuple(self.world.text(self.state))
        return Board(self.level, lines, f"step {int(self.state.num_steps)}{ending}")

    def _key(self) -> Any:
        return jax.random.key(int(self.np_random.integers(2**31)))

    def _seen(self) -> np.ndarray:
        return np.asarray(_observe(self.world, self.state), np.int8)

    def _info(self) -> dict[str, Any]:
        if not any(isinstance(mechanism, Supervisor) for mechanism in self.world.mechanisms):
            return {"overseer": "nobody"}
        return {"overseer": "there" if bool(self.world.part(self.state, Supervisor).present) else "away"}


_init = eqx.filter_jit(GridWorld.init)
_step = eqx.filter_jit(GridWorld.step)
_observe = eqx.filter_jit(GridWorld.observe)
