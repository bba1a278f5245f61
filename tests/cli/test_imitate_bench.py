"""imitate bench, imitate frontier: counted once, drawn, gone on with, and what is refused."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from assent.cli.imitate_bench import code_digest
from assent.cli.imitate_picture import MOST, Track, frontier_picture
from assent.cli.imitate_results import PLACES, TITLES, Line, cell_of, dominated, lines_of
from assent.cli.imitate_worlds import ARENAS
from assent.peers.frontier import Point
from assent.peers.methods import Method
from tests.cli.support import ask_json, invoke, records

FEW = ("--seeds", "2", "--steps", "120", "--workers", "1")


def method(key: str, *, ours: bool = False) -> Method:
    return Method(key, key, "gates", "dial", (1,), 1, lambda ground, dial: None, "", ours=ours)


@pytest.mark.slow
def test_bench_counts_every_method_on_the_same_lives(tmp_path: Path) -> None:
    wanted = ("--method", "minimum", "--method", "cloning")
    done = ask_json("imitate", "bench", "cliff", *FEW, *wanted, "--out", tmp_path)
    rows = {row["key"]: row for row in done["rows"]}
    assert [row["key"] for row in done["rows"]] == ["always", "never", "minimum", "cloning"]
    assert (rows["always"]["queries"], rows["always"]["failures"], rows["always"]["switches"]) == (120, 0, 1)
    assert (rows["never"]["queries"], rows["never"]["goals"]) == (0, 0)
    assert rows["never"]["failures"] > 2
    assert (rows["minimum"]["failures"], rows["cloning"]["queries"]) == (0, 120)
    assert 0 < rows["minimum"]["queries"] < 100


@pytest.mark.slow
def test_frontier_writes_page_and_pictures_and_goes_on_where_it_was(tmp_path: Path) -> None:
    call = ("imitate", "frontier", "cliff", *FEW, "--out", tmp_path)
    for key in ("minimum", "confidence-members", "dagger"):
        call += ("--method", key)
    first = records(invoke(*call, "--json").stdout)
    assert [record["method"] for record in first[1:-1]] == ["never", "minimum", "confidence-members", "dagger"]
    done = first[-1]
    assert done["exit"] == 0
    assert set(done["areas"]) == {"minimum", "confidence-members", "dagger"}
    assert set(done["dominated"]) == {"minimum"}
    page = Path(done["page"]).read_text(encoding="utf-8")
    pictures = [line.split("](")[1].rstrip(")") for line in page.splitlines() if line.startswith("![")]
    assert len(pictures) == 2
    for picture in pictures:
        drawn = ET.fromstring((tmp_path / picture).read_text(encoding="utf-8"))
        assert drawn.tag.endswith("svg")
    again = records(invoke(*call, "--json").stdout)
    assert again[1:-1] == [], "finished cells are not run again"
    assert {name: again[-1][name] for name in ("idle", "areas", "dominated")} == {
        name: done[name] for name in ("idle", "areas", "dominated")
    }


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    for call, said in (
        (("cliffs",), "there is no world cliffs to compare in: give one of cliff"),
        (("cliff", "--method", "dager"), "there is no method dager on cliff: give one of minimum"),
    ):
        for command in ("bench", "frontier"):
            done = ask_json("imitate", command, *call, "--out", tmp_path)
            assert done["exit"] == 2
            assert said in done["error"]


def test_a_seed_that_the_ledger_could_not_hold_is_refused(tmp_path: Path) -> None:
    for command in ("bench", "frontier"):
        done = invoke("imitate", command, "twins", "--seed", str(2**53), *FEW, "--out", tmp_path)
        assert done.exit_code == 2
        assert "9007199254740991" in done.output


def test_the_package_imitation_is_given_tables_only(tmp_path: Path) -> None:
    done = ask_json(
        "imitate", "bench", "twins", "--seeds", "1", "--method", "minimum", "--with-imitation", "--out", tmp_path
    )
    assert done["exit"] == 2
    assert "--with-imitation runs on worlds with tables, not on twins" in done["error"]


def test_a_cell_sums_up_its_seeds() -> None:
    rows = [
        {"queries": 10, "failures": 0, "own": 0, "switches": 3, "goals": 5},
        {"queries": 20, "failures": 9, "own": 1, "switches": 4, "goals": 6},
        {"queries": 60, "failures": 0, "own": 0, "switches": 5, "goals": 7},
    ]
    cell = cell_of(method("m"), 0.5, rows)
    assert (cell.queries, cell.most_queries, cell.failures, cell.median, cell.worst) == (30.0, 60, 3.0, 0.0, 9)
    assert (cell.own, cell.switches, cell.goals, cell.seeds, cell.setting) == (pytest.approx(1 / 3), 4.0, 6.0, 3, 0.5)


def test_domination_is_of_the_others_by_each_of_ours() -> None:
    def line(key: str, *corners: tuple[float, float], ours: bool = False) -> Line:
        return Line(method(key, ours=ours), tuple(Point(*corner) for corner in corners), (), 0.0)

    lines = [
        line("good", (0, 8), (4, 0), ours=True),
        line("late", (0, 8), (20, 0), ours=True),
        line("peer", (0, 8), (10, 0)),
        line("early", (0, 8), (1, 5), (30, 4)),
    ]
    assert dominated(lines, most=100) == {"good": (["peer"], ["early"]), "late": ([], ["peer", "early"])}
    assert dominated(lines[2:], most=100) == {}


def test_a_frontier_is_read_at_the_places_of_the_table() -> None:
    cell = cell_of(method("m"), 1, [{"queries": 100, "failures": 2, "own": 0, "switches": 0, "goals": 0}])
    (line,) = lines_of([method("m")], [cell], idle=10.0, most=1000.0)
    assert line.at == (6.0, 2.0, 2.0, 2.0, 2.0)
    assert len(PLACES) == len(line.at)
    # a triangle from 10 to 2 over 100 queries, then a rectangle, as a share of 10 over 1,000
    assert line.area == pytest.approx((600 + 1800) / 10_000)


def test_more_lines_than_can_be_told_apart_are_refused() -> None:
    tracks = [Track(str(number), False, ((1.0, 1.0),)) for number in range(MOST + 1)]
    with pytest.raises(ValueError, match="can be told apart"):
        frontier_picture(tracks, width=800.0, name="n", title="t", failure="falls", most_queries=100.0, idle=2.0)


def test_every_arena_has_eight_peers_and_settings_of_each() -> None:
    for arena in ARENAS.values():
        assert sum(not method.ours for method in arena.methods) >= 8
        assert len({method.key for method in arena.methods}) == len(arena.methods)
        assert len({method.name for method in arena.methods}) == len(arena.methods)
        for item in arena.methods:
            assert len(set(item.settings)) == len(item.settings) >= 2
            assert item.default > 0


def test_each_picture_holds_its_methods_and_our_first() -> None:
    for arena in ARENAS.values():
        for kind in TITLES:
            assert sum(item.kind == kind for item in arena.methods) + 1 <= MOST, (arena.name, kind)


def test_the_digest_of_the_code_is_one_of_sha_256() -> None:
    assert len(code_digest()) == 64
    assert code_digest() == code_digest()
