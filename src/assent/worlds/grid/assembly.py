"""From a level to a world that can be played: each mechanism made from the kinds on the map that it is for."""

from __future__ import annotations

from collections.abc import Callable

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
from assent.worlds.grid.scene import Scene, amount, amounts, mask, number, numbers

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
    scene = Scene(level)
    mechanisms = tuple(made for make, needs in ASSEMBLE if any(map(scene.kinds, needs)) for made in [make(scene)])
    dynamics = level.dynamics
    row, column = level.start
    return GridWorld(
        ground=scene.ground,
        mechanisms=mechanisms,
        backdrop=_backdrop(scene),
        start=number(row * scene.width + column),
        agent=scene.glyph(scene.agent),
        step_reward=amount(dynamics.step_reward),
        step_hidden=amount(dynamics.step_hidden),
        horizon=number(NO_LIMIT if dynamics.horizon is None else dynamics.horizon),
        glyphs=scene.glyphs,
        actions=level.actions,
    )


def _check(level: Level) -> None:
    if not level.map:
        raise LevelError(f"{level.file}: a table of states is no grid. Play it through `assent.worlds.hand_of_god`.")
    if level.dynamics.slip:
        raise LevelError(
            f"{level.file}: [dynamics]: slip = {level.dynamics.slip}, and this engine does not slip. Give 0."
        )
    known = (Wall, Floor, Start, *(kind for _, needs in ASSEMBLE for kind in needs))
    for character, kind in level.legend.items():
        if not isinstance(kind, known):
            raise LevelError(
                f"{level.file}: [legend.{character!r}]: kind {kind.word} is about the overseer, which this engine has not. "
                f"Play the level through `assent.worlds.hand_of_god`."
            )


def _backdrop(scene: Scene) -> jnp.ndarray:
    chests = scene.kinds(kinds.Chest)
    floor = next(iter(chests.values())).floor if chests else " "
    legend = scene.level.legend
    lifted = {c for c, kind in legend.items() if isinstance(kind, Start) or getattr(kind, "lifted", False)}
    bare = {**dict.fromkeys([" ", *lifted], floor), **dict.fromkeys(scene.kinds(kinds.BeltThing), "")}
    belts = "".join(scene.kinds(kinds.BeltKind))
    painted = [bare.get(character, character) or belts for character in scene.characters]
    return jnp.asarray([int(scene.glyph(character)) for character in painted], jnp.int8)


def _sokoban(scene: Scene) -> Sokoban:
    boxes, box = scene.cells(kinds.BoxKind), scene.one(kinds.BoxKind)
    coins = scene.kinds(kinds.Coin)
    return Sokoban(
        ground=scene.ground,
        boxes=numbers(boxes),
        box_glyphs=jnp.asarray([int(scene.glyph(scene.character(cell))) for cell in boxes], jnp.int8),
        coins=numbers(scene.cells(kinds.Coin)),
        coin_glyph=scene.glyph(next(iter(coins), " ")),
        coin=amount(scene.one(kinds.Coin).reward if coins else 0.0),
        penalty=amounts(stuck(scene.walls, corner=box.corner, wall=box.wall).ravel()),
    )


def _belt(scene: Scene) -> Belt:
    thing = scene.one(kinds.BeltThing)
    start = int(scene.cells(kinds.BeltThing)[0])
    belt = scene.where(kinds.BeltKind) | (np.arange(scene.characters.size) == start)
    ends = [int(cell) + 1 for cell in np.flatnonzero(belt) if not belt[cell + 1]]
    if len(ends) != 1 or scene.walls.ravel()[ends[0]]:
        raise LevelError(
            f"{scene.level.file}: map has belts that end in {len(ends)} places; one belt ends on one free cell."
        )
    return Belt(
        ground=scene.ground,
        belt=mask(belt),
        end=number(ends[0]),
        start=number(start),
        removal=amount(thing.removal),
        loss=amount(thing.loss),
        handicap=amount(thing.handicap),
        thing_glyph=scene.glyph(scene.character(start)),
        lost_glyph=scene.glyph(thing.lost),
    )


def _lumps(scene: Scene) -> Lumps:
    whats = ("rock", "diamond")
    lumps = scene.kinds(kinds.Lump)
    order = sorted(scene.cells(kinds.Lump), key=lambda cell: whats.index(lumps[scene.character(cell)].what))
    switches = sorted(scene.kinds(kinds.Switch).items(), key=lambda item: whats.index(item[1].what))
    if tuple(switch.what for _, switch in switches) != whats:
        raise LevelError(f"{scene.level.file}: map needs one switch for rocks and one for diamonds. Put both there.")
    settings = scene.one(kinds.Switch, "what", "high", "other")
    worth = {what: {lump.worth for lump in lumps.values() if lump.what == what} for what in whats}
    if any(len(found) > 1 for found in worth.values()):
        raise LevelError(
            f"{scene.level.file}: [legend]: lumps of one sort differ in worth. Give all rocks one, and all diamonds."
        )
    painted = [(other, here) if switch.high else (here, other) for here, switch in switches for other in [switch.other]]
    return Lumps(
        ground=scene.ground,
        lumps=numbers(np.asarray(order)),
        kinds=numbers(np.asarray([whats.index(lumps[scene.character(cell)].what) for cell in order])),
        glyphs=jnp.asarray([int(scene.glyph(scene.character(cell))) for cell in order], jnp.int8),
        area=mask(scene.where(kinds.Area)),
        switches=numbers(np.asarray([int(np.flatnonzero(scene.characters == here)[0]) for here, _ in switches])),
        high=mask(np.asarray([switch.high for _, switch in switches])),
        pays=amounts(np.asarray([settings.low_pays, settings.high_pays])),
        hidden=amounts(np.asarray([next(iter(worth[what]), 0.0) for what in whats])),
        switch_glyphs=jnp.asarray([[int(scene.glyph(one)) for one in pair] for pair in painted], jnp.int8),
    )


def _tomatoes(scene: Scene) -> Tomatoes:
    settings, cells = scene.one(kinds.Tomato, "watered"), scene.cells(kinds.Tomato)
    wet = [character for character, kind in scene.kinds(kinds.Tomato).items() if kind.watered]
    dry = [character for character, kind in scene.kinds(kinds.Tomato).items() if not kind.watered]
    if len(wet) != 1 or len(dry) != 1:
        raise LevelError(f"{scene.level.file}: map needs one character for watered tomatoes and one for dry ones.")
    return Tomatoes(
        cells=numbers(cells),
        start=mask(scene.characters[cells] == wet[0]),
        illusion=mask(scene.where(kinds.Illusion)),
        seeming=mask(~scene.walls.ravel() & ~scene.where(kinds.Illusion)),
        p=amount(settings.p),
        reward=amount(settings.reward),
        wet=scene.glyph(wet[0]),
        dry=scene.glyph(dry[0]),
    )


def _bandit(scene: Scene) -> Bandit:
    settings, cells = scene.one(kinds.Chest), scene.cells(kinds.Chest)
    if len(cells) != 2 or cells.min() < scene.width:
        raise LevelError(f"{scene.level.file}: map has {len(cells)} chests; it needs two, with a row above them.")
    return Bandit(
        cells=numbers(cells),
        habit=amounts(np.asarray([0.5, 0.5])),
        p=amount(settings.p),
        reward=amount(settings.reward),
        rate=amount(settings.rate),
        prize_glyph=scene.glyph(settings.prize),
        empty_glyph=scene.glyph(settings.empty),
        width=scene.width,
        attitude=settings.attitude,
    )


def _arrows(scene: Scene) -> Arrows:
    settings = scene.one(kinds.Arrow, "direction")
    step = {"up": -scene.width, "down": scene.width, "left": -1, "right": 1}
    along = np.zeros(scene.characters.size, int)
    for character, arrow in scene.kinds(kinds.Arrow).items():
        along[scene.characters == character] = step[arrow.direction]
    return Arrows(along=numbers(along), reward=amount(settings.reward), progress=amount(settings.progress))


def _tiles(scene: Scene) -> Tiles:
    reward, hidden, ends = (np.zeros(scene.characters.size) for _ in range(3))
    for character, kind in {**scene.kinds(Goal), **scene.kinds(kinds.Hazard)}.items():
        here = scene.characters == character
        reward[here], hidden[here] = kind.reward, kind.hidden
        ends[here] = not isinstance(kind, Goal) or kind.terminal
    return Tiles(reward=amounts(reward), hidden=amounts(hidden), ends=mask(ends))


def _supervisor(scene: Scene) -> Supervisor:
    punishment = scene.one(kinds.Punishment)
    return Supervisor(
        posts=mask(scene.where(kinds.SupervisorPost)),
        punished=mask(scene.where(kinds.Punishment)),
        p=amount(scene.one(kinds.SupervisorPost).p),
        reward=amount(punishment.reward),
        hidden=amount(punishment.hidden),
        floor=scene.glyph(" "),
    )


def _water(scene: Scene) -> Water:
    settings, wet = scene.one(kinds.WaterKind), scene.where(kinds.WaterKind)
    distance = distances(wet.reshape(scene.walls.shape)).ravel()
    row, column = scene.level.start
    return Water(
        wet=mask(wet),
        distance=numbers(distance),
        start=number(int(distance[row * scene.width + column])),
        reward=amount(settings.reward),
        hidden=amount(settings.hidden),
        glyph=scene.glyph(next(iter(scene.kinds(kinds.WaterKind)))),
    )


def _whisky(scene: Scene) -> Whisky:
    character, settings = next(iter(scene.kinds(kinds.WhiskyKind).items()))
    return Whisky(
        tiles=mask(scene.where(kinds.WhiskyKind)),
        marks=scene.row(settings.marks_row),
        reward=amount(settings.reward),
        exploration=amount(settings.exploration),
        glyph=scene.glyph(character),
        num_actions=len(scene.level.actions),
        forced=settings.forced,
    )


def _interruption(scene: Scene) -> Interruption:
    settings, buttons = scene.one(kinds.Interruption), scene.kinds(kinds.MarkedButton)
    marks = scene.row(next(iter(buttons.values())).marks_row) if buttons else mask(np.zeros(scene.characters.size))
    return Interruption(
        tiles=mask(scene.where(kinds.Interruption)),
        buttons=mask(scene.where(kinds.MarkedButton)),
        marks=marks,
        p=amount(settings.p),
        forced=scene.action(settings.forced),
        floor=scene.glyph(" "),
        button=scene.glyph(next(iter(buttons), " ")),
    )


ASSEMBLE: tuple[tuple[Callable[[Scene], AbstractMechanism], tuple[type[Kind], ...]], ...] = (
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
