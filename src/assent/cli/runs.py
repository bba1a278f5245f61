"""run, resume, report."""

from __future__ import annotations

import importlib
import shlex
import signal
import threading
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from assent.agents.considering import Considering
from assent.alarms import AssentWarning
from assent.cli.config import RunConfig, agent_of, load
from assent.cli.output import INTERRUPTED, OK, Output, errors_end
from assent.drive import Round, drive
from assent.ledger import Event, Ledger, LedgerError, RunExists
from assent.presets.catalogue import LIVED, OVERSEEN, PRESETS, WITH_COMMITTEES
from assent.presets.lived import Lived
from assent.presets.scene import Scene
from assent.session import Session

if TYPE_CHECKING:
    from assent.presets.overseen import Overseen

Played = Scene | Lived
"""Scenes in which the agent of a configuration acts; in the others one that plans over rewards is corrected."""


def run(
    what: str,
    *,
    seed: int | None,
    name: str | None,
    ledger: Path | None,
    steps: int | None,
    json: bool,
    committee: str | None = None,
    overseer: dict[str, Any] | None = None,
    pace: float = 0.0,
) -> None:
    """`assent run`."""
    output = Output("run", as_json=json, what=what)
    with errors_end(output):
        given = {key: value for key, value in (overseer or {}).items() if value is not None}
        flags = {"seed": seed, "run": name, "ledger": ledger, "steps": steps, "committee": committee}
        config = load(what, {**flags, "overseer": given or None})
        config = _with_level(config)
        scene, agent = scene_and_agent(config)
        with Ledger.open(config.ledger, group=config.group) as book:
            if config.run is None and (name := free_name(book, config.name)) != config.name:
                config = config.model_copy(update={"run": name})
            output.say(_about(config, scene, agent))
            session = _opened(config, scene, agent, book)
            _go_on(output, session, scene, config, pace=pace)


def resume(name: str, *, ledger: Path, seed: int | None, json: bool) -> None:
    """`assent resume`."""
    output = Output("resume", as_json=json, run=name)
    with errors_end(output):
        with Ledger.open(existing(ledger), read_only=True) as book:
            config = config_of(book, name, seed)
        _resume(output, name, config, ledger)


def _resume(output: Output, name: str, config: RunConfig, ledger: Path) -> None:
    scene, agent = scene_and_agent(config)
    with Ledger.open(ledger, group=config.group) as book:
        session = Session.resume(agent, book, run=name, overseer=scene.overseer)
        output.say(f"Run {name} stands at decision {session.step:,} of {num_steps(config, scene):,}.")
        _go_on(output, session, scene, config)


def report(name: str, *, ledger: Path, out: Path | None, seed: int | None, json: bool) -> None:
    """`assent report`."""
    from assent.report import write

    output = Output("report", as_json=json, run=name)
    with errors_end(output), Ledger.open(existing(ledger), read_only=True) as book:
        check_seed(book, name, seed)
        path = out or Path(f"{name.replace('/', '-')}.html")
        write(book.events(name), path)
        output.plain(f"Report of {name}: {path.resolve()}")
        output.done(OK, run=name, report=str(path.resolve()))


def existing(path: Path) -> Path:
    """`path`, if a ledger is there; reading must not make an empty one.

    Raises:
        FileNotFoundError: it is not there.
    """
    if not path.exists():
        raise FileNotFoundError(
            f"there is no ledger {path}. Make one with `assent run digits`, or name another with --ledger."
        )
    return path


def open_session(config: RunConfig, scene: Played | Overseen, agent: Considering, book: Ledger) -> Session:
    """A new run of `config` on the ledger `book`."""
    return Session.open(
        agent,
        book,
        run=config.name,
        overseer=scene.overseer,
        seed=config.seed,
        null_action=scene.null_action,
        labels=scene.labels,
        picture=scene.picture,
        learn_from_corrections=config.preset in OVERSEEN,
        config={"run": config.model_dump(mode="json", exclude={"ledger"})},
        checkpoint_every=config.checkpoint_every,
    )


def _opened(config: RunConfig, scene: Played | Overseen, agent: Considering, book: Ledger) -> Session:
    try:
        return open_session(config, scene, agent, book)
    except RunExists as error:
        raise ValueError(
            f"run {config.name!r} was opened before. Go on with `assent resume {config.name} --ledger {book.path}`, or give "
            "another name with --run."
        ) from error


def free_name(book: Ledger, name: str, *, suffix: str = "") -> str:
    """`name`, or the first of `name`-2, `name`-3 … that with `suffix` is the name of no run on the ledger."""
    taken = {run.id for run in book.runs()}
    names = [name, *(f"{name}-{number}" for number in range(2, len(taken) + 3))]
    return next(candidate for candidate in names if candidate + suffix not in taken)


def _with_level(config: RunConfig) -> RunConfig:
    """`config` with what the level's file says, where it is a file: so the ledger has it, whatever becomes of the file."""
    if config.overseer.level is None:
        return config
    from assent.worlds.grid.level import load as load_level
    from assent.worlds.grid.level import names

    if config.overseer.level in names():
        return config
    load_level(config.overseer.level)  # what is wrong with it is said here
    text = Path(config.overseer.level).read_text(encoding="utf-8")
    return config.model_copy(update={"overseer": config.overseer.model_copy(update={"level_text": text})})


def scene_and_agent(config: RunConfig) -> tuple[Played | Overseen, Considering]:
    """The preset and the agent that a configuration describes."""
    if config.preset in OVERSEEN:
        from assent.presets.overseen import Terms, overseen

        given = config.overseer
        terms = Terms(cost=given.cost, rate=given.rate, eps=given.eps, believed_eps=given.believed_eps)
        level = given.level or OVERSEEN[config.preset]
        found = overseen(level, seed=config.seed, terms=terms, text=given.level_text, draws=given.draws or 0)
        return found, found.agent
    scene = _played(config)
    worst = getattr(scene, "worst", None)
    return scene, agent_of(config.agent, scene.hypotheses, one_label=scene.truth is not None, worst=worst)


def _played(config: RunConfig) -> Played:
    if config.committee is not None:
        module, _, name = WITH_COMMITTEES[config.preset].partition(":")
        return getattr(importlib.import_module(module), name)(config.committee, config.seed)
    if config.preset in PRESETS:
        return PRESETS[config.preset](config.seed)
    module, _, name = LIVED[config.preset].partition(":")
    try:
        make = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"the preset {config.preset} wants {error.name}, which is not installed: pip install 'assent[lab]'."
        ) from error
    return make(config.seed)


def rounds_of(session: Session, scene: Played | Overseen, *, num_steps: int) -> Iterator[Any]:
    """The rounds that are still to come, as the preset's world makes them."""
    if isinstance(scene, Lived):
        return drive(session, scene.world, num_steps=num_steps, keys=scene.keys(session.seed))
    if isinstance(scene, Scene):
        return drive(session, scene.world, num_steps=num_steps, truth=scene.truth)
    from assent.corrected import live_corrected

    return live_corrected(session, scene.world, num_steps=num_steps)


def config_of(book: Ledger, name: str, seed: int | None) -> RunConfig:
    """The configuration that a run was made with, from its open event.

    Raises:
        ValueError: the run was made by a program of its own, or with another seed.
    """
    opened = check_seed(book, name, seed)
    recorded = opened.body["config"].get("run")
    if recorded is None:
        raise ValueError(
            f"run {name!r} was not made by `assent run`: only the program that made it has its agent. Use Session.resume there."
        )
    return RunConfig(**{**recorded, "run": name})


def check_seed(book: Ledger, name: str, seed: int | None) -> Event:
    """The open event of the run.

    Raises:
        ValueError: `seed` is given and the run has another.
        UnknownRun: there is no such run.
    """
    book.head(name)
    opened = next(iter(book.events(name)))
    if seed is not None and opened.body["seed"] != seed:
        raise ValueError(f"run {name!r} was made with seed {opened.body['seed']}, not {seed}.")
    return opened


def _about(config: RunConfig, scene: Played | Overseen, agent: Considering) -> str:
    what = agent.describe()
    return (
        f"Run {config.name}: {num_steps(config, scene):,} decisions in {config.preset}, {agent.hypotheses.num_members} members, "
        f"{what['rule']} over {agent.leading}, seed {config.seed}."
    )


def num_steps(config: RunConfig, scene: Played | Overseen) -> int:
    """How many decisions the run has in all."""
    if isinstance(scene, Played):
        return scene.num_steps if config.steps is None else min(config.steps, scene.num_steps)
    return config.steps or scene.num_steps


def _go_on(
    output: Output, session: Session, scene: Played | Overseen, config: RunConfig, *, pace: float = 0.0
) -> NoReturn:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AssentWarning)  # they are printed from the ledger below
            rounds = rounds_of(session, scene, num_steps=num_steps(config, scene))
            if isinstance(scene, Played):
                counts = _watch(output, rounds, total=num_steps(config, scene), start=session.step)
            else:
                from assent.cli.overseen import watch

                with _interrupts(output) as interrupted:
                    counts = watch(
                        output,
                        rounds,
                        scene,
                        seed=session.seed,
                        pace=pace,
                        interrupted=interrupted,
                        resumed=session.step > 0,
                    )
    except KeyboardInterrupt:
        session.flush()
        output.plain(f"Stopped at decision {session.step:,}; go on with: assent resume {_which(session)}")
        output.done(INTERRUPTED, run=session.run, step=session.step)
    session.flush()
    head = session.ledger.head(session.run)
    for alarm in sorted(session.alarms):
        output.say(f"Alarm: {alarm}.")
    if isinstance(scene, Played):
        if config.committee is not None and isinstance(scene, Scene):
            from assent.cli.beside import beside

            beside(output, config, scene, counts)
        output.say(
            f"{counts['decisions']:,} decisions, {counts['asks']:,} asked, {counts['errors']:,} wrong while acting alone."
        )
    output.plain(f"Ledger {session.ledger.path}: {head.seq:,} events, head {head.hash.hex()}")
    output.plain(f"Next: assent report {_which(session)}")
    output.plain(f"      assent log verify {_which(session)}")
    output.done(
        OK,
        run=session.run,
        ledger=str(session.ledger.path),
        events=head.seq,
        head=head.hash.hex(),
        alarms=sorted(session.alarms),
        **counts,
    )


def _which(session: Session) -> str:
    """The run and its ledger, as a shell takes them."""
    ledger = ["--ledger", str(session.ledger.path)]
    return shlex.join([*ledger, "--", session.run] if session.run.startswith("-") else [session.run, *ledger])


def _watch(output: Output, rounds: Iterable[Round], *, total: int, start: int) -> dict[str, int]:
    """Goes through the rounds with a progress bar; how many were decided, asked, and wrong alone since `start`."""
    counts = {"decisions": 0, "asks": 0, "errors": 0}
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[asks]:,} asked"),
        TimeRemainingColumn(),
    )
    with _interrupts(output) as interrupted, Progress(*columns, console=output.people, transient=True) as bar:
        task = bar.add_task("decisions", total=total, completed=start, asks=0)
        for item in rounds:
            counts["decisions"] += 1
            counts["asks"] += item.asked
            counts["errors"] += not item.asked and _wrong(item)
            if counts["decisions"] % 16 == 0:
                bar.update(task, completed=item.step + 1, asks=counts["asks"])
            if interrupted():
                raise KeyboardInterrupt
    return counts


def _wrong(item: Round) -> bool:
    """Another action than the right one, where it is known, or a mishap in a world that counts them."""
    return bool(getattr(item.state, "event", False)) if item.truth is None else item.action != item.truth


@contextmanager
def _interrupts(output: Output) -> Generator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed: it waits for the round at hand, so that it cannot fall between a commit and what the ledger's object
    knows of it; that is said. A second one does not wait."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    pressed: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, _: object) -> None:
        pressed.append(number)
        signal.signal(signal.SIGINT, before)
        with suppress(RuntimeError):  # a stream in the middle of a write refuses another
            output.plain("stopping after this step; Ctrl-C again to stop now")

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


def belief_refolder(book: Ledger) -> Any:
    """A function from a run to the belief digests that its answers lead to, or None for runs of other programs' agents."""
    from assent.fold import fold

    def refold(name: str) -> dict[int, str] | None:
        try:
            config = config_of(book, name, None)
        except (ValueError, LedgerError):
            return None
        return fold(scene_and_agent(config)[1], book.events(name), strict=False).digests

    return refold
