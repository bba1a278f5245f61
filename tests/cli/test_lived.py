"""Worlds that count their own mishaps, from the command line: run, replayed, and what is wrong in them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from assent.cli.runs import _wrong
from assent.drive import Round
from assent.presets.catalogue import LIVED
from tests.cli.support import ask_json, events


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cliff", "cart-pole"])
def test_a_run_is_made_and_replayed(name: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    book = tmp_path / "lived.db"
    done = ask_json("run", name, "--seed", "2", "--steps", "60", "--ledger", book)
    assert (done["exit"], done["decisions"], done["errors"]) == (0, 60, 0)
    assert 0 < done["asks"] < 60
    assert done["run"] == f"{name}-2"
    again = ask_json("replay", f"{name}-2", "--ledger", book)
    assert (again["exit"], again["differs"]) == (0, None)
    other = ask_json("run", name, "--seed", "3", "--steps", "60", "--ledger", book)
    assert events(book, done["run"])[1:] != events(book, other["run"])[1:]


def test_a_mishap_is_an_error_and_so_is_a_wrong_label() -> None:
    """Where neither is known nothing is: a world without events, several right actions."""
    fell, stood = SimpleNamespace(event=True), SimpleNamespace(event=False)
    assert [_wrong(Round(0, False, 1, None, state)) for state in (fell, stood, None)] == [True, False, False]
    assert [_wrong(Round(0, False, 1, truth, stood)) for truth in (1, 2)] == [False, True]


def test_where_the_lab_is_missing_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIVED, "cliff", "no_such_package.cliff:cliff")
    assert "the preset cliff wants no_such_package, which is not installed: pip" in ask_json("run", "cliff")["error"]


def test_presets_are_named_where_one_is_missing() -> None:
    error = ask_json("run", "clif")["error"]
    assert "did you mean 'cliff'?" in error
    assert all(name in error for name in LIVED)
