"""Levels as Gymnasium environments: importing this registers `assent/<level>-v0` for every level of the package."""

from __future__ import annotations

from typing import Any, ClassVar

import equinox as eqx
import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

from assent.worlds.grid.level import Level, load, names
from assent.worlds.grid.raster import rgb
from assent.worlds.grid.tabulate import tabulate
from assent.worlds.grid.vector import svg
from assent.worlds.grid.view import View
from assent.worlds.hand_of_god import HandOfGod, Life, Seen
from assent.worlds.levels import hand_of_god

MAX_STEPS = 200
"""Steps after which an environment made by name truncates: lives without an end would otherwise never be reset."""


class LevelEnv(gymnasium.Env[np.int64, np.int64]):
    """A level as an environment: the state is seen, corrections come in `info`, the reward is always 0.0.

    Where a correction came, `info["correction"]` is a dictionary with the numbers `state` (the place that it is about) and `action`, and
    their names `place` and `shown`; where none came there is no such key. `info["overseer"]` says in words what has become of the
    overseer. What was really gained is nowhere in here.

    Args:
        level: a level, its name, or the path of a file.
        render_mode: "ansi" for text, "rgb_array" for pixels, or None.

    Attributes:
        world: the world that is played, its true reward in it.

    Raises:
        ValueError: another render mode, or a level without tables or without rewards that are possible.

    >>> env = LevelEnv("fork")
    >>> seen, info = env.reset(seed=0)
    >>> int(seen), sorted(info)
    (2, ['overseer'])
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["ansi", "rgb_array"], "render_fps": 4}

    def __init__(self, level: Level | str = "fork", *, render_mode: str | None = None) -> None:
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode = {render_mode!r} is unknown: give None, 'ansi' or 'rgb_array'.")
        self.level = load(level) if isinstance(level, str) else level
        model = tabulate(self.level)
        self.render_mode = render_mode
        self.world = hand_of_god(self.level)
        self.observation_space = spaces.Discrete(model.num_states)
        self.action_space = spaces.Discrete(model.num_actions)
        self._life: Life | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.int64, dict[str, Any]]:
        super().reset(seed=seed)
        self._life = _init(self.world, self._key())
        return self._seen(), self._info()

    def step(self, action: Any) -> tuple[np.int64, float, bool, bool, dict[str, Any]]:
        """One step.

        Raises:
            ValueError: an action that there is not, or no `reset` before.
        """
        if not self.action_space.contains(action):
            raise ValueError(
                f"the action {action!r} is none: give a whole number from 0 to {self.world.num_actions - 1}."
            )
        self._life = _step(self.world, self._key(), self._now(), jnp.asarray(int(action)))
        return self._seen(), 0.0, bool(self._now().done), False, self._info()

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
    def view(self) -> View:
        """What there is to see now."""
        life = self._now()
        return View(self.level, int(life.state), int(life.about), int(life.shown), int(life.step))

    def _now(self) -> Life:
        if self._life is None:
            raise ValueError("nothing has begun: call reset() first.")
        return self._life

    def _key(self) -> Any:
        return jax.random.key(int(self.np_random.integers(2**31)))

    def _seen(self) -> np.int64:
        return np.int64(self._now().state)

    def _info(self) -> dict[str, Any]:
        seen: Seen = self.world.observe(self._now())
        view, model = self.view, tabulate(self.level)
        info: dict[str, Any] = {"overseer": view.overseer}
        if int(seen.shown) >= 0:
            about, shown = int(seen.about), int(seen.shown)
            names_of = {"place": model.state_names[about], "shown": model.action_names[shown]}
            # only where one came: vectors of environments stack the values of a key, and cannot stack None
            info["correction"] = {"state": about, "action": shown, **names_of}
        return info


_init = eqx.filter_jit(HandOfGod.init)
_step = eqx.filter_jit(HandOfGod.step)


def environment_names() -> tuple[str, ...]:
    """The environments' names, `assent/<level>-v0`, of all levels of the package."""
    return tuple(f"assent/{name}-v0" for name in names())


def register() -> None:
    """Registers every level, those that are registered already left alone: as `LevelEnv` where tables hold it, else as `GridEnv`."""
    for name in environment_names():
        if name not in gymnasium.registry:
            level = name.removeprefix("assent/").removesuffix("-v0")
            gymnasium.register(
                name,
                entry_point="assent.worlds.gym:LevelEnv"
                if load(level).plain
                else "assent.worlds.grid.environment:GridEnv",
                kwargs={"level": level},
                max_episode_steps=MAX_STEPS,
                nondeterministic=False,
            )


register()
