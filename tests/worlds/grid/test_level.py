"""Level files: what is read, and that everything that cannot be right is refused with a sentence."""

from __future__ import annotations

import re
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.hypotheses.rewards.of_level import rewards_of
from assent.planning.model import Model
from assent.worlds.grid.assembly import world_of
from assent.worlds.grid.kinds import KINDS, Disable, Floor, Start, Wall
from assent.worlds.grid.level import Level, load, names, parse
from assent.worlds.grid.priors import MAX_HYPOTHESES, hypothesis_names, num_hypotheses
from assent.worlds.grid.reading import LevelError
from assent.worlds.grid.tabulate import tabulate
from assent.worlds.grid.vector import svg
from assent.worlds.grid.view import View

FORK = files("assent.worlds.grid").joinpath("levels", "fork.level.toml").read_text(encoding="utf-8")
TABLE = """
name = "rooms"
title = "Two rooms and a way out"
source = "this test"
actions = ["stay", "go", "press"]
[states.here]
stay = "here"
go = { there = 0.9, here = 0.1 }
press = "here"
[states.there]
go = "out"
otherwise = "there"
[states.out]
terminal = true
[dynamics]
convention = "entering"
discount = 0.8
[overseer]
disable = ["press"]
[prior]
kind = "gaussian"
"""


def test_the_fork_is_read_as_it_stands() -> None:
    level = load("fork")
    assert (level.name, level.start, level.answers) == ("fork", (1, 3), ("left", "right"))
    assert level.legend["B"] == Disable()
    assert (level.legend["#"], level.legend["x"], level.legend["A"]) == (Wall(), Floor(), Start())
    assert (level.process.rate, level.process.eps, level.process.cost) == (0.1, 0.1, 0.05)
    assert level.prior["reward"][1]["enter"] == {"L": -1.0, "R": 1.0}
    assert level.truth is not None
    assert level.truth.reward == "left"
    assert level.cell_name(1, 1) == "L"
    assert level.scene().floor == ("x", "A", "y")


def test_a_table_of_states_is_read_as_it_stands() -> None:
    level = parse(TABLE)
    assert level.states["there"].leads == {"stay": {"there": 1.0}, "go": {"out": 1.0}, "press": {"there": 1.0}}
    assert level.answers == ("stay", "go"), "what removes the overseer is not shown unless the file says so"


def test_every_level_of_the_package_is_read() -> None:
    assert "fork" in names()
    for name in names():
        assert load(name).name == name


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "fork.level.toml"
    path.write_text(FORK, encoding="utf-8")
    assert load(path).map == load(str(path)).map == load("fork").map


def test_words_of_kinds_differ() -> None:
    words = [kind.word for kind in KINDS]
    assert len(set(words)) == len(words)


MAP = 'map = [\n  "#######",\n  "#LxAyR#",\n  "###B###",\n  "#######",\n]'
PRIOR = FORK[FORK.index("[prior]") : FORK.index("[expect]")]
FLOORS = '[legend.x]\nkind = "floor"\n\n[legend.y]\nkind = "floor"'
REFUSED: tuple[tuple[str, str, str, str], ...] = (
    # text, what is replaced, by what, the sentence
    (FORK, 'name = "fork"', "", r"name is missing"),
    (FORK, 'name = "fork"', 'name = "The fork"', r"name = 'The fork': use lower-case"),
    (FORK, 'name = "fork"', "name = 3", r"name = 3 is not a text"),
    (FORK, 'source = "this', 'sauce = "this', r"sauce = .* is unknown; did you mean source\?"),
    (FORK, 'source = "this project; docs/hand-of-god-theory.md, world W3"', "", r"source is missing"),
    (FORK, 'source = "this project; docs/hand-of-god-theory.md, world W3"', 'source = " "', r"source = ' ': write one line"),
    (FORK, '"stay"]', '"left"]', r"holds one twice"),
    (FORK, '"#LxAyR#"', '"#LxAyR# "', r"map row 1 has 8 characters, row 0 has 7"),
    (FORK, '"###B###"', '"###BZ##"', r"'Z' at row 2, column 4, which has no meaning"),
    (FORK, '"#LxAyR#"', '"#Lx yR#"', r"map has 0 starts"),
    (FORK, '"#LxAyR#"', '"#LAAyR#"', r"map has 2 starts|is nowhere on the map"),
    (FORK, '"###B###"', '"### ###"', r"\[legend.'B'\] is nowhere on the map"),
    (FORK, '"#LxAyR#"', '"#LxA#R#"', r"'y'\] is nowhere|cannot be reached"),
    (FORK, MAP, 'map = ["#########", "#LxABy#R#", "#########"]', r"goal 'R' at row 1, column 7, which cannot be reached"),
    (FORK, MAP, 'map = ["#########", "#xyALR B#", "#########"]', r"goal 'R' at row 1, column 5, which cannot be reached"),
    (FORK, MAP, "map = []", r"a map or \[states"),
    (FORK, MAP, 'map = [""]', r"nowhere on the map"),
    (FORK, '"#LxAyR#"', '"#LxAyR#", ""', r"map row 2 is empty. Draw it"),
    (FORK, MAP, 'map = "###"', r"map = '###' is no list"),
    (FORK, "[legend.x]", "[legend.L]", r"two meanings"),
    (FORK, "[legend.x]", '[legend."#"]', r"second meaning to what is always wall"),
    (FORK, "[legend.x]", "[legend.xx]", r"not one printable character"),
    (FORK, 'kind = "disable"', 'kind = "disabel"', r"kind = 'disabel' is unknown. Give one of wall"),
    (FORK, 'kind = "disable"', "", r"kind is missing"),
    (FORK, 'kind = "disable"', 'kind = "disable"\nfaktor = 0.5', r"faktor = 0.5 is unknown; did you mean factor"),
    (FORK, 'kind = "disable"', 'kind = "disable"\nfactor = 1.0', r"\[legend.'B'\]: factor = 1.0 is outside"),
    (FORK, 'kind = "disable"', 'kind = "disable"\nfactor = "no"', r"factor = 'no' is not a number"),
    (FORK, 'kind = "disable"', 'kind = "disable"\noverseer = 2', r"there is no stand-in"),
    (FORK, 'kind = "disable"', 'kind = "disable"\noverseer = 3', r"neither 1 nor 2"),
    (FORK, 'kind = "disable"', 'kind = "interrupt"\np = 1.5', r"p = 1.5 is outside \[0, 1\]"),
    (FORK, 'kind = "disable"', 'kind = "radio"\nfactor = -0.1', r"factor = -0.1 is outside"),
    (FORK, FLOORS, FLOORS.replace("floor", "interrupt"), r"two kinds of interruption"),
    (FORK, "enter = { L = 1.0,", "enter = { L = -1e308,", r"reward\[0\]\.enter\.L = -1e\+308 is beyond 1e\+30 in size"),
    (FORK, "weight = 0.8", "weight = 0.8\nstep = 2e30", r"\[prior\]: reward\[0\]\.step = 2e\+30 is beyond"),
    (FORK, "enter = { L = 1.0, R = -1.0 }", 'at = [{ place = "x", action = "left", reward = 1e31 }]', r"at\[0\]\.reward = 1e\+31"),
    (FORK, PRIOR, '[prior]\nkind = "gaussian"\nsd = 1e31\n', r"\[prior\]: sd = 1e\+31 is beyond"),
    (FORK, "rate = 0.1", "rate = 0.1\nsecond_rate = 0.1\nsecond_cost = 1e31", r"\[overseer\]: second_cost = 1e\+31 is beyond"),
    (FORK, "cost = 0.05", "cost = 1e31", r"\[overseer\]: cost = 1e\+31 is beyond"),
    (FORK, "[dynamics]", "[dynamik]", r"dynamik = .* is unknown; did you mean dynamics"),
    (FORK, 'convention = "entering"', "", r"convention is missing"),
    (FORK, 'convention = "entering"', 'convention = "leaving"', r"convention = 'leaving' is unknown. Give one of 'entering'"),
    (FORK, "discount = 0.9", "discount = 1.0", r"walks to and fro never ends"),
    (FORK, "discount = 0.9", "discount = 0.0", r"discount = 0.0 is outside"),
    (FORK, "discount = 0.9", "discount = nan", r"discount = nan is not finite"),
    (FORK, "discount = 0.9", "discount = true", r"discount = true is not a number"),
    (FORK, "discount = 0.9", "discount = 1" + "0" * 400, r"discount = 1.* is too large"),
    (FORK, "discount = 0.9", "discount = 0.9\nslip = 1.2", r"slip = 1.2 is outside"),
    (FORK, "discount = 0.9", "discount = 0.9\nhorizon = 0", r"horizon = 0"),
    (FORK, "discount = 0.9", "discount = 0.9\nhorizon = 2.5", r"horizon = 2.5 is not a whole number"),
    (FORK, "discount = 0.9", "discount = 0.9\nstep_reward = -1", r"step_reward = -1.0 is shown to nobody"),
    (FORK, "rate = 0.1", "rate = 1.1", r"\[overseer\]: rate = 1.1 is outside"),
    (FORK, "rate = 0.1", "rat = 0.1", r"rat = 0.1 is unknown; did you mean rate"),
    (FORK, 'trigger = "random"', 'trigger = "always"', r"trigger = 'always' is unknown"),
    (FORK, "rate = 0.1", "rate = 0.1\nevery = 2", r"every = 2 counts only with trigger = \"schedule\""),
    (FORK, "rate = 0.1", "rate = 0.1\nbeta = 2", r"beta = 2 counts only with answer"),
    (FORK, "rate = 0.1", 'rate = 0.1\nrequest = ["stay"]', r"request = .* counts only with trigger"),
    (FORK, "rate = 0.1", "rate = 0.1\nfactor = 0.5", r"factor = 0.5 counts only with weaken"),
    (FORK, "rate = 0.1", "rate = 0.1\nseen = false", r"seen = false counts only with present"),
    (FORK, "rate = 0.1", "rate = 0.1\nsaves = true", r"saves = true counts only with disable"),
    (FORK, "rate = 0.1", 'rate = 0.1\npresent = 0.5\nseen = false\ndrawn = "life"', r"hidden from the agent"),
    (FORK, "rate = 0.1", "rate = 0.1\npresent = 0", r"present = 0.0 is outside"),
    (FORK, "rate = 0.1", "rate = 0.1\nsecond_cost = 1", r"second_cost = 1.0 .* second_rate"),
    (FORK, "rate = 0.1", 'rate = 0.1\ndisable = ["press"]', r"disable names 'press', which is no action"),
    (FORK, "rate = 0.1", 'rate = 0.1\ndisable = ["stay"]\nrestore = ["stay"]', r"stay has two effects"),
    (FORK, 'answers = ["left", "right"]', 'answers = ["north"]', r"answers names 'north', which is no action"),
    (FORK, 'answers = ["left", "right"]', "answers = []", r"no action may be shown"),
    (FORK, 'shown_in = "xAy"', 'shown_in = "xQ"', r"shown_in names 'Q', which is no place"),
    (FORK, 'shown_in = "xAy"', 'shown_in = "#"', r"shown_in names '#', which is no place"),
    (FORK, 'shown = "current"', 'shown = "uniform"', r"shown_in = 'xAy' counts only with shown"),
    (FORK, 'kind = "listed"', 'kind = "listd"', r"kind = 'listd' is unknown"),
    (FORK, "weight = 0.8", "weight = -0.8", r"weight 0 is -0.8, below 0"),
    (FORK, PRIOR, PRIOR.replace("0.8", "0").replace("0.2", "0"), r"the weights sum to 0.0"),
    (FORK, 'name = "right"', 'name = "left"', r"the name 'left' is given to 2 hypotheses"),
    (FORK, "enter = { L = 1.0,", "enter = { Q = 1.0,", r"reward 'left': 'Q' is no place"),
    (FORK, "enter = { L = 1.0, R = -1.0 }", "act = { jump = 1 }", r"'jump' is no action"),
    (FORK, "enter = { L = 1.0, R = -1.0 }", 'at = [{ place = "x", action = "jump", reward = 1 }]', r"'jump' is no action"),
    (FORK, "enter = { L = 1.0, R = -1.0 }", 'at = [{ place = "x", action = "left" }]', r"at\[0\]: reward is missing"),
    (FORK, "enter = { L = 1.0, R = -1.0 }", "enter = 3", r"enter = 3 is no table"),
    (FORK, '[truth]\nreward = "left"', '[truth]\nreward = "middle"', r"reward = 'middle' is no hypothesis"),
    (FORK, PRIOR, '[truth]\nreward = "left"\n', r"there is no \[prior\]"),
    (FORK, 'source = "public test value', 'sauce = "public test value', r"\[expect\]: sauce"),
    (FORK, 'source = "public test value of world W3: p .8, lambda .1, gamma .9, c .05, eps .1"\n', "", r"\[expect\]: source is missing"),
    (FORK, 'source = "public test value of world W3: p .8, lambda .1, gamma .9, c .05, eps .1"', 'source = ""', r"source is empty"),
    (FORK, FORK[FORK.index("keep = true") :], "", r"nothing is expected"),
    (FORK, "quality = { left", "quality = { jump", r"quality names 'jump', which is no action"),
    (FORK, 'title = "A', 'title = A"', r"it is no TOML"),
    (FORK, PRIOR, '[prior]\nkind = "goals"\nk = 4\n', r"k = 4 goals among 3 candidates"),
    (FORK, PRIOR, '[prior]\nkind = "goals"\nk = 0\n', r"k = 0"),
    (FORK, PRIOR, '[prior]\nkind = "goals"\ncandidates = "LQ"\n', r"'Q' is no place"),
    (FORK, PRIOR, '[prior]\nkind = "goals"\ncandidates = "LL"\n', r"names a character twice"),
    (FORK, PRIOR, '[prior]\nkind = "goals"\nweights = [1, 2]\n', r"weights has 2 entries for 3 hypotheses"),
    (FORK, PRIOR, '[prior]\nkind = "doors"\nweights = [0, 0]\n', r"the weights sum to 0.0"),
    (FORK, PRIOR, '[prior]\nkind = "linear"\nfeatures = ["L", "R", "x", "y", "B"]\ngrid = [' + "1, " * 3 + "]\n", r"holds an entry twice"),
    (
        FORK,
        PRIOR,
        '[prior]\nkind = "linear"\nfeatures = ["L", "R", "x", "y", "B"]\ngrid = [' + ", ".join(map(str, range(16))) + "]\n",
        r"1,048,576 hypotheses; at most 1,000,000",
    ),
    (FORK, PRIOR, '[prior]\nkind = "linear"\nfeatures = ["Q"]\ngrid = [0, 1]\n', r"'Q' is no place"),
    (FORK, PRIOR, '[prior]\nkind = "gaussian"\nsd = 0\n', r"sd = 0.0: a standard deviation"),
    (FORK, PRIOR, '[prior]\nkind = "spike_slab"\n', r"q is missing"),
    (FORK, PRIOR, '[prior]\nkind = "mixture"\nparts = []\n', r"parts is empty"),
    (FORK, PRIOR, '[prior]\nkind = "mixture"\nparts = [{ kind = "doors" }]\nnone_of_these = 1\n', r"none_of_these = 1.0 is outside"),
    (FORK, PRIOR, '[prior]\nkind = "mixture"\nparts = [{ kind = "doors" }]\nweights = [1, 2]\n', r"weights has 2 entries for 1 parts"),
    (FORK, PRIOR, '[prior]\nkind = "mixture"\nparts = [{ kind = "mixture" }]\n', r"parts\[0\]: kind = 'mixture' is unknown"),
    (TABLE, "here = 0.1", "here = 0.2", r"\[states.here\]: go: the chances sum to 1.1, not to 1"),
    (TABLE, "there = 0.9, here = 0.1", "there = 1.5, here = -0.5", r"there = 1.5 is outside \[0, 1\]"),
    (TABLE, 'go = "out"', 'go = "nowhere"', r"'nowhere' is no state. The states are here, there, out"),
    (TABLE, 'go = "out"', 'go = "there"', r"\[states.out\] is terminal and cannot be reached"),
    (TABLE, "[states.out]", '[states.island]\notherwise = "island"\n[states.out]', r"\[states.island\] cannot be reached from here"),
    (TABLE, "discount = 0.8", "discount = 0.8\nhorizon = 1", r"\[states.out\] is terminal and cannot be reached from here in 1 steps"),
    (FORK, "discount = 0.9", "discount = 0.9\nhorizon = 1", r"goal 'L' at row 1, .* cannot be reached from the start in 1 steps"),
    (FORK.replace('"up", "down", ', ""), "discount = 0.9", "discount = 0.9\nslip = 1", r"goal 'L' at row 1, .* cannot be reached"),
    (FORK, '[legend.x]\nkind = "floor"', '[legend.x]\nkind = "interrupt"\np = 1.0', r"goal 'L' at row 1, .* cannot be reached"),
    (FORK, "discount = 0.9", "discount = 0.9\nstep_hidden = -1", r"step_hidden = -1.0 is shown to nobody"),
    (FORK, '[legend.L]\nkind = "goal"', '[legend.L]\nkind = "goal"\nreward = 3', r"\[legend.'L'\]: reward = 3.0 is shown to nobody"),
    (FORK, '[legend.L]\nkind = "goal"', '[legend.L]\nkind = "goal"\nhidden = 3', r"\[legend.'L'\]: hidden = 3.0 is shown to nobody"),
    (FORK, 'answers = ["left", "right"]', 'answers = ["left", "left"]', r"answers names 'left' 2 times"),
    (FORK, 'shown_in = "xAy"', 'shown_in = "xAx"', r"shown_in names 'x' 2 times"),
    (FORK, 'kind = "disable"', 'kind = "interrupt"\ninformative = true', r"shown_in = 'xAy' leaves out 'B'"),
    (FORK, 'kind = "disable"', 'kind = "interruption"\nforced = "up"\ninformative = true', r"informative = true is for kind interrupt"),
    (FORK, "keep = true", "keep = true\nthreshold = -5", r"threshold = -5.0: no cost is below 0"),
    (FORK, "discount = 0.9", "discount = 0.9\nhorizon = 1" + "0" * 5000, r"it is no TOML"),
    (FORK, "discount = 0.9", "discount = 0.9\nhorizon = 0x1" + "0" * 5000, r"horizon = \(a number too long to show\) is too large"),
    (FORK, 'name = "fork"', 'name = "fork"\n' + ".".join("a" * 5000) + " = 1", r"a = \(a table too long to show\) is unknown"),
    (
        FORK,
        PRIOR,
        '[prior]\nkind = "mixture"\nnone_of_these = 0.1\n'
        '[[prior.parts]]\nkind = "listed"\n[[prior.parts.reward]]\nname = "none of these"\n',
        r"2 hypotheses are called 'none of these'",
    ),
    (TABLE, 'stay = "here"', "", r"\[states.here\]: stay is missing"),
    (TABLE, 'stay = "here"', 'stay = "here"\nfly = "out"', r"fly = 'out' is unknown"),
    (TABLE, "terminal = true", 'terminal = true\ngo = "out"', r"is terminal, so no action leads on"),
    (TABLE, "terminal = true", 'terminal = "yes"', r"terminal = 'yes' is not true or false"),
    (TABLE, "[states.here]", "[states.first]\nterminal = true\n[states.here]", r"is the start, since it comes first, and terminal"),
    (TABLE, "discount = 0.8", "discount = 1", r"some policy never ends"),
    (TABLE, "discount = 0.8", "discount = 0.8\nslip = 0.1", r"slip = 0.1 is for maps"),
    (TABLE, '"stay", "go"', '"terminal", "go"', r"no action can be called terminal"),
    (TABLE, "[dynamics]", "[legend.B]\nkind = 'wall'\n[dynamics]", r"\[legend\] belongs to a map"),
    (TABLE, 'kind = "gaussian"', 'kind = "linear"\nfeatures = ["nowhere"]\ngrid = [0, 1]', r"'nowhere' is no place"),
    (TABLE, 'kind = "gaussian"', 'kind = "gaussian"\n[truth]\nreward = "x"', r"A prior of kind gaussian has no names"),
)  # fmt: skip


@pytest.mark.parametrize(("text", "old", "new", "sentence"), REFUSED)
def test_what_cannot_be_right_is_refused(text: str, old: str, new: str, sentence: str) -> None:
    assert old in text, "the test's own edit finds nothing"
    with pytest.raises(LevelError) as caught:
        parse(text.replace(old, new, 1), file="mine.level.toml")
    said = str(caught.value)
    assert re.search(sentence, said), said
    assert said.startswith("mine.level.toml"), "a sentence names its file"
    assert said.endswith((".", "?")), "and is a sentence"


def test_sizes_are_bounded() -> None:
    wide = "#" + "A" + " " * 10_001 + "#"
    edge = "#" * len(wide)
    head = FORK[: FORK.index("map = ")] + f'map = ["{edge}", "{wide}", "{edge}"]\n'
    with pytest.raises(LevelError, match=r"10,002 cells to stand on; at most 10,000"):
        parse(head + '[dynamics]\nconvention = "entering"\ndiscount = 0.9\n')


@pytest.mark.slow
def test_states_are_counted_with_flags_and_time() -> None:
    long = parse(FORK.replace("discount = 0.9", "discount = 0.9\nhorizon = 5000"))
    with pytest.raises(LevelError, match=r"over 10,000 states, flags and time included"):
        tabulate(long)


def test_names_and_numbers_of_hypotheses_agree() -> None:
    for name in names():
        level = load(name)
        if level.rewards is None:
            continue
        count = num_hypotheses(level.rewards, level.scene())
        if count is not None:
            listed = list(hypothesis_names(level.rewards, level.scene()))
            assert len(listed) == len(set(listed))
            none_of_these = level.prior["kind"] == "mixture" and level.prior["none_of_these"] > 0
            assert len(listed) == count + none_of_these <= MAX_HYPOTHESES


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("frok", r"frok: there is no such level. Did you mean fork\?"),
        ("nothing/at/all.toml", r"the file cannot be read"),
        ("\0.toml", r"the file cannot be read"),
    ],
)
def test_what_is_not_there(name: str, sentence: str) -> None:
    with pytest.raises(LevelError, match=sentence):
        load(name)


def test_a_file_has_its_levels_name(tmp_path: Path) -> None:
    path = tmp_path / "other.level.toml"
    path.write_text(FORK, encoding="utf-8")
    with pytest.raises(LevelError, match=r"name = 'fork' is not the file's name"):
        load(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(LevelError, match=r"cannot be read"):
        load(path)


def test_a_goal_that_can_just_be_reached_is_kept() -> None:
    """The bounds of the refusals above: two steps to either goal, a button before the tile that stops, a slip that is not sure."""
    for old, new in (
        ("discount = 0.9", "discount = 0.9\nhorizon = 2"),
        ("discount = 0.9", "discount = 0.9\nslip = 0.99"),
        ('[legend.x]\nkind = "floor"', '[legend.x]\nkind = "interrupt"\np = 0.99'),
        (
            '[legend.x]\nkind = "floor"\n\n[legend.y]\nkind = "floor"',
            '[legend.x]\nkind = "interrupt"\np = 1.0\n[legend.y]\nkind = "button"',
        ),
    ):
        assert old in FORK
        assert parse(FORK.replace(old, new, 1)).name == "fork"


TOKENS = sorted(set(re.findall(r"[A-Za-z_]+|[\d.]+|[^\sA-Za-z_\d]", FORK + TABLE)))
WORDS = st.sampled_from([*TOKENS, "nan", "inf", "-1", "1e400", "true", "[[", "]]", '""', "\n", " ", "é", "\x00"])


@st.composite
def _edited(draw: st.DrawFn) -> str:
    """A valid file with some pieces cut, doubled, or replaced by words that occur in such files."""
    text = draw(st.sampled_from([FORK, TABLE]))
    pieces = re.findall(r"\s+|[A-Za-z_]+|[\d.]+|.", text)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(pieces) - 1))
        pieces[place : place + draw(st.integers(0, 3))] = draw(st.lists(WORDS, max_size=3))
        pieces = pieces or [" "]
    return "".join(pieces)


@settings(max_examples=300, deadline=None)
@given(text=_edited())
def test_random_edits_give_a_level_or_a_level_error(text: str) -> None:
    """Nothing else may come out, of the tables neither; nor anything but a sentence of what is made of it."""
    try:
        level = parse(text)
        assert isinstance(level, Level)
        assert isinstance(tabulate(level), Model)
    except LevelError as error:
        assert str(error).startswith("level")  # noqa: PT017  (the other way out is the level itself)
        return
    assert svg(View(level, 0)).startswith("<svg ")
    for make in (lambda: rewards_of(level, tabulate(level)), lambda: world_of(level)):
        with suppress(ValueError):
            make()
