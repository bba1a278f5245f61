"""What an agent may hear in each step, and how likely that is under each reward: corrections, and silence where it says something."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assent.planning.problem import Problem

NOTHING = 0
"""The signal in which nothing can be heard, and the outcome of every other signal in which nothing was."""


@dataclass(frozen=True, eq=False)
class Signals:
    """G signals of at most Z outcomes each. Signal 0 is silent for sure; outcome 0 of every other one is silence.

    Attributes:
        likelihood: float64 [G, Z, N], sums to 1 over the outcomes.
        about: integer [G, Z], the place that an outcome is about, -1 for silence.
        shown: integer [G, Z], the action that it shows, -1 for silence.
        before: integer [S, O], the signals that may come at the start of a step; the agent takes the best of O.
        price: float64 [O], what taking each costs, in units of reward.
        after: integer [S, A], the signal that comes after an action.
        teaching: whether the overseer picks the place that teaches most: then `likelihood` is that of the answer, given the place.
    """

    likelihood: np.ndarray
    about: np.ndarray
    shown: np.ndarray
    before: np.ndarray
    price: np.ndarray
    after: np.ndarray
    teaching: bool

    @property
    def num_signals(self) -> int:
        return self.likelihood.shape[0]


def signals_of(problem: Problem) -> Signals:
    """The signals of a problem, by its overseer's trigger and the state that it shows."""
    trigger, shown = problem.process.trigger, problem.process.shown
    if trigger == "on_error":
        return _after_errors(problem)
    if shown == "current":
        return _about_here(problem, optional=trigger == "on_request")
    return _about_anywhere(problem, optional=trigger == "on_request")


def _about_here(problem: Problem, *, optional: bool) -> Signals:
    """One signal for each place and rate."""
    model = problem.model
    keys, index = np.unique(np.stack([model.place, model.rate], axis=1), axis=0, return_inverse=True)
    rows = [_silent(problem)]
    for place, rate in keys:
        rows.append(_answers(problem, [int(place)], float(rate)))
    heard = (model.rate > 0) & model.answerable[model.place].any(axis=1) & ~model.terminal
    return _pack(problem, rows, np.where(heard, index.reshape(-1) + 1, NOTHING)[:, None], optional=optional)


def _about_anywhere(problem: Problem, *, optional: bool) -> Signals:
    """One signal for each rate about all places together; or, where the agent chooses, one for each place."""
    model, chosen = problem.model, problem.process.shown == "chosen"
    places = np.flatnonzero(model.answerable.any(axis=1) & ~model.terminal[: model.num_places])
    every = [int(place) for place in places]
    asked = [[place] for place in every] if chosen and every else [every]
    rows, at = [_silent(problem)], np.zeros((model.num_states, len(asked)), dtype=np.int64)
    for rate in np.unique(model.rate[model.rate > 0]):
        here = (model.rate == rate) & ~model.terminal
        for option, about in enumerate(asked):
            at[here, option] = len(rows)
            rows.append(_answers(problem, about, float(rate)))
    return _pack(problem, rows, at, optional=optional, teaching=problem.process.shown == "pedagogic")


def _after_errors(problem: Problem) -> Signals:
    """One signal for each state and action: a correction may come if the action was an error, so silence speaks for it."""
    model = problem.model
    rows, after = [_silent(problem)], np.zeros((model.num_states, model.num_actions), dtype=np.int64)
    for state in np.flatnonzero((model.rate > 0) & ~model.terminal):
        place = int(model.place[state])
        for action in range(model.num_actions):
            wrong = model.rate[state] * problem.suboptimal[place, action]
            likelihood, about, shown = _answers(problem, [place], 1.0)
            likelihood = np.concatenate([(1 - wrong)[None], likelihood[1:] * wrong])
            after[state, action] = len(rows)
            rows.append((likelihood, about, shown))
    silent = np.zeros((model.num_states, 1), dtype=np.int64)
    return _pack(problem, rows, silent, optional=False, after=after)


Row = tuple[np.ndarray, np.ndarray, np.ndarray]


def _silent(problem: Problem) -> Row:
    return np.ones((1, problem.num_hypotheses)), np.full(1, -1), np.full(1, -1)


def _answers(problem: Problem, places: list[int], rate: float) -> Row:
    """The outcomes of being shown one of `places`, each with equal chance, in a step in which a correction comes at `rate`."""
    pairs = [(place, int(action)) for place in places for action in np.flatnonzero(problem.model.answerable[place])]
    about = np.asarray([-1, *(place for place, _ in pairs)])
    shown = np.asarray([-1, *(action for _, action in pairs)])
    answers = problem.likelihood[about[1:], shown[1:]] * (rate / max(len(places), 1))
    silence = np.full((1, problem.num_hypotheses), 1 - rate if pairs else 1.0)
    return np.concatenate([silence, answers]), about, shown


def _pack(
    problem: Problem,
    rows: list[Row],
    before: np.ndarray,
    *,
    optional: bool,
    after: np.ndarray | None = None,
    teaching: bool = False,
) -> Signals:
    width = max(len(about) for _, about, _ in rows)
    likelihood = np.zeros((len(rows), width, problem.num_hypotheses))
    about, shown = (np.full((len(rows), width), -1) for _ in range(2))
    for number, (given, places, actions) in enumerate(rows):
        likelihood[number, : len(places)] = given
        about[number, : len(places)], shown[number, : len(places)] = places, actions
    price = np.zeros(before.shape[1])
    if optional:
        before = np.concatenate([np.zeros_like(before[:, :1]), before], axis=1)
        price = np.concatenate([[0.0], np.full(before.shape[1] - 1, problem.process.request_cost)])
    model = problem.model
    silent = np.zeros((model.num_states, model.num_actions), dtype=np.int64)
    return Signals(likelihood, about, shown, before, price, silent if after is None else after, teaching)
