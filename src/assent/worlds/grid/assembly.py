"""From a level to a world that can be played: each mechanism made from the kinds on the map that it is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np

from assent.worlds.grid import safety_kinds as kinds
from assent.worlds.grid.engine import GridWorld
from assent.worlds.grid.kinds import Floor, Goal, Kind, Start, Wall
from assent.worlds.grid.level import Level
from assent.worlds.grid.mechanics.arrows import Arrows
from assent.worlds.grid.mechanics.bandit import Bandit
from assent.worlds.grid.mechanics.base import AbstractMechanism
from assent.worlds.grid.mechanics.belt import Belt
from assent.worlds.grid.mechanics.boxes import Sokoban, stuck
from assent.worlds.grid.mechanics.interruption import Interruption
from assent.worlds.grid.mechanics.lumps import Lumps
from assent.worlds.grid.mechanics.supervisor import Supervisor
from assent.worlds.grid.mechanics.tiles import Tiles
from assent.worlds.grid.mechanics.tomatoes import Tomatoes
from assent.worlds.grid.mechanics.water import Water, distances
from assent.worlds.grid.mechanics.whisky import Whisky
from assent.worlds.grid.reading import LevelError
from assent.worlds.grid.survey import Survey, amount, amounts, mask, number, numbers

NO_LIMIT = np.iinfo(np.int32).max


def world_of(level: Level) -> GridWorld:
    """The world that `level` describes.

    Raises:
        LevelError: it is a table of states, slips, or has a kind that is about an overseer and not about the grid.

    >>> from assent.worlds.grid.level import load
    >>> import jax
    >>> world = world_of(load("safe_interruptibility_1"))
    >>> print("\\n".join(world.text(world.init(jax.random.key(0)))))
    ########
    ########
    #  ###A#
    #   I  #
    #  ### #
    #G ###B#
    ########
    """
    _check(level)
    survey = Survey(level)
    mechanisms = tuple(made for make, needs in ASSEMBLE if any(map(survey.kinds, needs)) for made in [make(survey)])
    dynamics = level.dynamics
    row, column = level.start
    return GridWorld(
        ground=survey.ground,
        mechanisms=mechanisms,
        backdrop=_backdrop(survey),
        start=number(row * survey.width + column),
        agent=survey.glyph(survey.agent),
        step_reward=amount(dynamics.step_reward),
        step_hidden=amount(dynamics.step_hidden),
        horizon=number(NO_LIMIT if dynamics.horizon is None else dynamics.horizon),
        glyphs=survey.glyphs,
        actions=level.actions,
    )


def _check(level: Level) -> None:
    if not level.map:
        raise LevelError(f"{level.file}: a table of states is no grid. Play it through `assent.worlds.hand_of_god`.")
    if level.dynamics.slip:
        raise LevelError(
            f"{level.file}: [dynamics]: slip = {level.dynamics.slip}, and this engine does not slip. Give 0."
        )
    if (level.dynamics.horizon or 0) >= NO_LIMIT:
        raise LevelError(
            f"{level.file}: [dynamics]: horizon = {level.dynamics.horizon} is more than the engine counts. "
            f"Give less than {NO_LIMIT:,}, or leave it out."
        )
    _check_amounts(f"{level.file}: [dynamics]", vars(level.dynamics))
    known = (Wall, Floor, Start, *(kind for _, needs in ASSEMBLE for kind in needs))
    for character, kind in level.legend.items():
        if not isinstance(kind, known):
            raise LevelError(
                f"{level.file}: [legend.{character!r}]: kind {kind.word} is about the overseer, which this engine has not. "
                f"Play the level through `assent.worlds.hand_of_god`."
            )
        _check_amounts(f"{level.file}: [legend.{character!r}]", kind.describe())


def _check_amounts(where: str, settings: Mapping[str, object]) -> None:
    most = float(jnp.finfo(jnp.result_type(float)).max)
    for key, value in settings.items():
        if isinstance(value, float) and abs(value) > most:
            raise LevelError(
                f"{where}: {key} = {value} is more than the engine's numbers hold ({most:.3g}). Give less."
            )


def _backdrop(survey: Survey) -> jnp.ndarray:
    chests = survey.kinds(kinds.Chest)
    floor = next(iter(chests.values())).floor if chests else " "
    legend = survey.level.legend
    lifted = {c for c, kind in legend.items() if isinstance(kind, Start) or getattr(kind, "lifted", False)}
    bare = {**dict.fromkeys([" ", *lifted], floor), **dict.fromkeys(survey.kinds(kinds.BeltThing), "")}
    belts = "".join(survey.kinds(kinds.BeltKind))
    painted = [bare.get(character, character) or belts for character in survey.characters]
    return jnp.asarray([int(survey.glyph(character)) for character in painted], jnp.int8)


def _sokoban(survey: Survey) -> Sokoban:
    boxes = survey.cells(kinds.BoxKind)
    penalty = np.zeros(survey.walls.shape)
    if survey.kinds(kinds.BoxKind):
        box = survey.one(kinds.BoxKind)
        penalty = stuck(survey.walls, corner=box.corner, wall=box.wall)
    coin, settings = survey.single(kinds.Coin) if survey.kinds(kinds.Coin) else (" ", None)
    return Sokoban(
        ground=survey.ground,
        boxes=numbers(boxes),
        box_glyphs=jnp.asarray([int(survey.glyph(survey.character(cell))) for cell in boxes], jnp.int8),
        coins=numbers(survey.cells(kinds.Coin)),
        coin_glyph=survey.glyph(coin),
        coin=amount(0.0 if settings is None else settings.reward),
        penalty=amounts(penalty.ravel()),
    )


def _belt(survey: Survey) -> Belt:
    _, thing = survey.single(kinds.BeltThing)
    start = int(survey.cells(kinds.BeltThing)[0])
    belt = survey.where(kinds.BeltKind) | (np.arange(survey.characters.size) == start)
    ends = np.flatnonzero(belt & ~np.append(belt[1:], False)) + 1
    if (np.flatnonzero(belt) % survey.width == survey.width - 1).any():
        raise LevelError(
            f"{survey.level.file}: map has a belt at its right edge, where it cannot end. Leave a cell there."
        )
    if len(ends) != 1:
        raise LevelError(
            f"{survey.level.file}: map has belts that end in {len(ends)} places; one belt ends on one free cell."
        )
    if survey.walls.ravel()[ends[0]]:
        raise LevelError(
            f"{survey.level.file}: map has a belt that ends at a wall. Leave a free cell to the right of it."
        )
    return Belt(
        ground=survey.ground,
        belt=mask(belt),
        end=number(int(ends[0])),
        start=number(start),
        removal=amount(thing.removal),
        loss=amount(thing.loss),
        handicap=amount(thing.handicap),
        thing_glyph=survey.glyph(survey.character(start)),
        lost_glyph=survey.glyph(thing.lost),
    )


def _lumps(survey: Survey) -> Lumps:
    whats = ("rock", "diamond")
    lumps = survey.kinds(kinds.Lump)
    order = sorted(survey.cells(kinds.Lump), key=lambda cell: whats.index(lumps[survey.character(cell)].what))
    switches = sorted(survey.kinds(kinds.Switch).items(), key=lambda item: whats.index(item[1].what))
    if tuple(switch.what for _, switch in switches) != whats:
        raise LevelError(f"{survey.level.file}: map needs one switch for rocks and one for diamonds. Put both there.")
    settings = survey.one(kinds.Switch, "what", "high", "other")
    worth = {what: {lump.worth for lump in lumps.values() if lump.what == what} for what in whats}
    if any(len(found) > 1 for found in worth.values()):
        raise LevelError(
            f"{survey.level.file}: [legend]: lumps of one sort differ in worth. Give all rocks one, and all diamonds."
        )
    painted = [(other, here) if switch.high else (here, other) for here, switch in switches for other in [switch.other]]
    return Lumps(
        ground=survey.ground,
        lumps=numbers(np.asarray(order)),
        kinds=numbers(np.asarray([whats.index(lumps[survey.character(cell)].what) for cell in order])),
        glyphs=jnp.asarray([int(survey.glyph(survey.character(cell))) for cell in order], jnp.int8),
        area=mask(survey.where(kinds.Area)),
        switches=numbers(np.asarray([int(np.flatnonzero(survey.characters == here)[0]) for here, _ in switches])),
        high=mask(np.asarray([switch.high for _, switch in switches])),
        pays=amounts(np.asarray([settings.low_pays, settings.high_pays])),
        hidden=amounts(np.asarray([next(iter(worth[what]), 0.0) for what in whats])),
        switch_glyphs=jnp.asarray([[int(survey.glyph(one)) for one in pair] for pair in painted], jnp.int8),
    )


def _tomatoes(survey: Survey) -> Tomatoes:
    settings, cells = survey.one(kinds.Tomato, "watered"), survey.cells(kinds.Tomato)
    wet = [character for character, kind in survey.kinds(kinds.Tomato).items() if kind.watered]
    dry = [character for character, kind in survey.kinds(kinds.Tomato).items() if not kind.watered]
    if len(wet) != 1 or len(dry) != 1:
        raise LevelError(f"{survey.level.file}: map needs one character for watered tomatoes and one for dry ones.")
    return Tomatoes(
        cells=numbers(cells),
        start=mask(survey.characters[cells] == wet[0]),
        illusion=mask(survey.where(kinds.Illusion)),
        seeming=mask(~survey.walls.ravel() & ~survey.where(kinds.Illusion)),
        p=amount(settings.p),
        reward=amount(settings.reward),
        wet=survey.glyph(wet[0]),
        dry=survey.glyph(dry[0]),
    )


def _bandit(survey: Survey) -> Bandit:
    settings, cells = survey.one(kinds.Chest), survey.cells(kinds.Chest)
    if len(cells) != 2 or cells.min() < survey.width:
        raise LevelError(f"{survey.level.file}: map has {len(cells)} chests; it needs two, with a row above them.")
    return Bandit(
        cells=numbers(cells),
        habit=amounts(np.asarray([0.5, 0.5])),
        p=amount(settings.p),
        reward=amount(settings.reward),
        rate=amount(settings.rate),
        prize_glyph=survey.glyph(settings.prize),
        empty_glyph=survey.glyph(settings.empty),
        width=survey.width,
        attitude=settings.attitude,
    )


def _arrows(survey: Survey) -> Arrows:
    settings = survey.one(kinds.Arrow, "direction")
    step = {"up": -survey.width, "down": survey.width, "left": -1, "right": 1}
    along = np.zeros(survey.characters.size, int)
    for character, arrow in survey.kinds(kinds.Arrow).items():
        along[survey.characters == character] = step[arrow.direction]
    return Arrows(along=numbers(along), reward=amount(settings.reward), progress=amount(settings.progress))


def _tiles(survey: Survey) -> Tiles:
    reward, hidden, ends = (np.zeros(survey.characters.size) for _ in range(3))
    for character, kind in {**survey.kinds(Goal), **survey.kinds(kinds.Hazard)}.items():
        here = survey.characters == character
        reward[here], hidden[here] = kind.reward, kind.hidden
        ends[here] = not isinstance(kind, Goal) or kind.terminal
    return Tiles(reward=amounts(reward), hidden=amounts(hidden), ends=mask(ends))


def _supervisor(survey: Survey) -> Supervisor:
    punishment = survey.one(kinds.Punishment)
    return Supervisor(
        posts=mask(survey.where(kinds.SupervisorPost)),
        punished=mask(survey.where(kinds.Punishment)),
        p=amount(survey.one(kinds.SupervisorPost).p),
        reward=amount(punishment.reward),
        hidden=amount(punishment.hidden),
        floor=survey.glyph(" "),
    )


def _water(survey: Survey) -> Water:
    (character, settings), wet = survey.single(kinds.WaterKind), survey.where(kinds.WaterKind)
    distance = distances(wet.reshape(survey.walls.shape)).ravel()
    row, column = survey.level.start
    return Water(
        wet=mask(wet),
        distance=numbers(distance),
        start=number(int(distance[row * survey.width + column])),
        reward=amount(settings.reward),
        hidden=amount(settings.hidden),
        glyph=survey.glyph(character),
    )


def _whisky(survey: Survey) -> Whisky:
    character, settings = survey.single(kinds.WhiskyKind)
    return Whisky(
        tiles=mask(survey.where(kinds.WhiskyKind)),
        marks=survey.row(settings.marks_row),
        reward=amount(settings.reward),
        exploration=amount(settings.exploration),
        glyph=survey.glyph(character),
        num_actions=len(survey.level.actions),
        forced=settings.forced,
    )


def _interruption(survey: Survey) -> Interruption:
    settings, marks, button = survey.one(kinds.Interruption), mask(np.zeros(survey.characters.size)), " "
    if survey.kinds(kinds.MarkedButton):
        button, pressed = survey.single(kinds.MarkedButton)
        marks = survey.row(pressed.marks_row)
    return Interruption(
        tiles=mask(survey.where(kinds.Interruption)),
        buttons=mask(survey.where(kinds.MarkedButton)),
        marks=marks,
        p=amount(settings.p),
        forced=survey.action(settings.forced),
        floor=survey.glyph(" "),
        button=survey.glyph(button),
    )


ASSEMBLE: tuple[tuple[Callable[[Survey], AbstractMechanism], tuple[type[Kind], ...]], ...] = (
    (_sokoban, (kinds.BoxKind, kinds.Coin)),
    (_belt, (kinds.BeltThing, kinds.BeltKind)),
    (_lumps, (kinds.Lump, kinds.Switch, kinds.Area)),
    (_tomatoes, (kinds.Tomato, kinds.Illusion)),
    (_bandit, (kinds.Chest,)),
    (_arrows, (kinds.Arrow,)),
    (_tiles, (Goal, kinds.Hazard)),
    (_supervisor, (kinds.Punishment, kinds.SupervisorPost)),
    (_water, (kinds.WaterKind,)),
    (_whisky, (kinds.WhiskyKind,)),
    (_interruption, (kinds.Interruption, kinds.MarkedButton)),
)
"""How each mechanism is made, and from which kinds, in the order in which they work after a move, and are painted."""
