"""What every world does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from assent.checks.examples import example
from assent.checks.requiring import name_of, require


def check_world(world: Any, *, num_steps: int = 5) -> None:
    """States that are values of one shape, whose course depends on state, action and key alone.

    Args:
        world: a world, or a class of them, or its import path `module:name`. One that is an Equinox module gets JAX keys.
        num_steps: how far each action is followed.

    Raises:
        AssertionError: with the sentence that says which of these fails.
    """
    world = example(world)
    name, (key, number) = name_of(world), _means(world)
    require(world.num_actions >= 1, f"{name} has {world.num_actions} actions; it needs at least one.")
    require(
        -1 <= world.null_action < world.num_actions,
        f"{name} has the null action {world.null_action}: neither -1 (nothing) nor one of its {world.num_actions} actions.",
    )
    start = world.init(key)
    require(_same(start, world.init(key)), f"{name} starts in two states with one key.")
    for action in {world.null_action, *range(world.num_actions)}:
        state = start
        for _ in range(num_steps):
            before = _copy(state)
            after = world.step(key, state, number(action))
            require(_same(before, state), f"{name} changes a state that it was given: states are values.")
            require(
                _same(after, world.step(key, state, number(action))),
                f"{name} goes two ways with one key: randomness is an argument of `step`, never a field of the state.",
            )
            require(
                _form(after) == _form(start),
                f"{name} changes the form of its state from {_form(start)} to {_form(after)}.",
            )
            for seen in (world.observe, world.reveal):
                require(_same(seen(after), seen(after)), f"{name} shows two things in one state.")
                require(_form(seen(after)) == _form(seen(start)), f"{name} changes the form of what it shows.")
            state = after


def _means(world: Any) -> tuple[Any, Callable[[int], Any]]:
    """A key and what turns a number into an action; both of JAX for a world that is an Equinox module."""
    if not any(cls.__module__.startswith("equinox") for cls in type(world).__mro__):
        return None, np.asarray
    import jax

    return jax.random.key(0), jax.numpy.asarray


def _parts(value: Any) -> list[np.ndarray]:
    if isinstance(value, dict):
        return [part for name in sorted(value) for part in _parts(value[name])]
    if isinstance(value, tuple | list):
        return [part for item in value for part in _parts(item)]
    if hasattr(value, "__dict__") and not hasattr(value, "dtype"):
        return _parts(vars(value))
    return [np.asarray(value)]


def _copy(value: Any) -> list[np.ndarray]:
    return [part.copy() for part in _parts(value)]


def _same(first: Any, second: Any) -> bool:
    pairs = zip(_parts(first), _parts(second), strict=True)
    return all(np.array_equal(one, other) for one, other in pairs)


def _form(value: Any) -> list[tuple[str, tuple[int, ...]]]:
    return [(part.dtype.kind, part.shape) for part in _parts(value)]
