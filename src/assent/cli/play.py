"""play: a level by hand. Corrections show as they come; what was gained is told at the end. Levels of the grid engine are played too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from assent.cli.keys import actions_from, standard_input
from assent.cli.output import OK, USAGE, Output, errors_end

if TYPE_CHECKING:
    from assent.worlds.grid.level import Level


ASK = "ask"
"""What is typed to ask for a correction, where it can be paid for. It takes no step."""

REQUESTS = 1 << 20
"""Where the random numbers of requests begin; those of steps are below."""


def play(name: str, *, seed: int, steps: int, json: bool) -> None:
    """`assent play`."""
    output = Output("play", as_json=json, level=name, seed=seed)
    with errors_end(output):
        import equinox as eqx
        import jax
        import jax.numpy as jnp

        from assent.cli.boards import board
        from assent.worlds.grid.level import load
        from assent.worlds.grid.view import View
        from assent.worlds.hand_of_god import HandOfGod, Life
        from assent.worlds.levels import hand_of_god

        level = load(name)
        if not level.plain:
            _play_engine(output, level, seed=seed, steps=steps)
        if level.rewards is None:
            output.fail(
                USAGE,
                f"{level.name} has no [prior], so nobody knows what is right there. Play another; see `assent world list`.",
            )
        world = hand_of_god(level, seed=seed)
        first, later = jax.random.split(jax.random.key(seed))
        step = eqx.filter_jit(HandOfGod.step)

        def show(life: Life, done: int) -> None:
            view = View(level, int(life.state), int(life.about), int(life.shown), int(life.step))
            output.say(board(view), "")
            output.record("step", **_row(view, done, level.actions))

        asks = level.process.trigger == "on_request"
        _say_actions(output, level, more=(ASK,) * asks)
        life: Any = world.init(first)
        show(life, -1)
        typed, asked_at = actions_from(standard_input(), (*level.actions, *(ASK,) * asks)), -1
        while int(life.step) < steps and not bool(life.done):
            action = next(typed, None)
            if action is None:
                break
            if action == len(level.actions):
                if asked_at < int(life.step):  # once a step
                    asked_at = int(life.step)
                    life = world.request(jax.random.fold_in(later, REQUESTS + asked_at), life)
                    show(life, -1)
                continue
            done = int(world.forced(life, jnp.asarray(action)))
            if done != action:
                output.say(f"The overseer overrides: {level.actions[done]} is done, not {level.actions[action]}.")
            life = step(world, jax.random.fold_in(later, int(life.step)), life, jnp.asarray(action))
            show(life, done)
        gained = round(float(life.hidden), 6)
        output.say(
            f"Steps: {int(life.step)}. Corrections: {int(life.corrections)}. What nobody showed: you gained {gained:g}, costs taken off."
        )
        output.done(
            OK,
            level=level.name,
            steps=int(life.step),
            ended=bool(life.done),
            corrections=int(life.corrections),
            gained=gained,
            hidden=gained,  # in these worlds all reward is
        )


def _say_actions(output: Output, level: Level, *, more: tuple[str, ...] = ()) -> None:
    output.say(level.title)
    actions = ", ".join(f"{number} {action}" for number, action in enumerate((*level.actions, *more), start=1))
    output.say(f"Actions: {actions}. Arrows or WASD move; q ends.\n")


def _play_engine(output: Output, level: Level, *, seed: int, steps: int) -> NoReturn:
    """A level of the grid engine. Its rewards are told at the end only: nobody shows them on the way."""
    from rich.text import Text

    from assent.cli.boards import style
    from assent.worlds.grid.environment import GridEnv

    env = GridEnv(level)
    _, info = env.reset(seed=seed)
    gained, ended = 0.0, False

    def show(done: int, info: dict[str, Any]) -> None:
        view = env.view
        cells = [(character, style(level, character)) for line in view.lines for character in (*line, "\n")]
        output.say(Text.assemble(*cells, view.caption), "")
        action = None if done < 0 else level.actions[done]
        row = {"step": int(env.state.num_steps), "action": action, "state": int(env.state.cell), **info}
        output.record("step", **row, correction=None, board=list(view.lines))

    _say_actions(output, level)
    show(-1, info)
    for action in actions_from(standard_input(), level.actions):
        _, _, terminated, truncated, info = env.step(action)
        done, ended = int(env.state.action), terminated or truncated
        if done != action:
            output.say(f"{level.actions[done]} is done, not {level.actions[action]}.")
        gained += float(env.state.reward)
        show(done, info)
        if ended or int(env.state.num_steps) >= steps:
            break
    taken, gained, hidden = int(env.state.num_steps), round(gained, 4), round(float(env.state.hidden), 4)
    output.say(f"Steps: {taken}. What nobody showed: your reward was {gained:g}, and the hidden one {hidden:g}.")
    output.done(OK, level=level.name, steps=taken, ended=ended, corrections=0, gained=gained, hidden=hidden)


def _row(view: Any, done: int, actions: tuple[str, ...]) -> dict[str, Any]:
    said = None if view.shown < 0 else {"state": view.about, "action": actions[view.shown]}
    return {
        "step": view.step,
        "action": None if done < 0 else actions[done],
        "state": view.state,
        "overseer": view.overseer,
        "correction": said,
        "board": view.lines,
    }
