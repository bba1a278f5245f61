"""Forecasts of what has never happened: semi-informative priors, and the first failure that nobody has seen. NumPy only."""

from assent.forecast.combined import Conjunctive, Disjunctive, Sequential
from assent.forecast.effort import Calendar, Effort, Levels, ResearcherYears, Trials, Weighted
from assent.forecast.hyperprior import HyperPrior
from assent.forecast.model import Forecast, Model
from assent.forecast.prior import BetaPrior, Lomax, Prior
from assent.forecast.rules import Even, Impossible, Rule

__all__ = [
    "BetaPrior",
    "Calendar",
    "Conjunctive",
    "Disjunctive",
    "Effort",
    "Even",
    "Forecast",
    "HyperPrior",
    "Impossible",
    "Levels",
    "Lomax",
    "Model",
    "Prior",
    "ResearcherYears",
    "Rule",
    "Sequential",
    "Trials",
    "Weighted",
]
