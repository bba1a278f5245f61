"""Everything there is of each kind, one line a thing. The conformance tests, the command line and the docs read it."""

from __future__ import annotations

from typing import Any

from assent import core
from assent.agents.guarded import Completed
from assent.agents.imitator import Imitator, Proposal
from assent.agents.online import Doubling, Every, OnAlarm, Restarting
from assent.hypotheses.bootstrap_counts import BootstrapCounts
from assent.hypotheses.fourier import FourierSoftmax, Planted
from assent.hypotheses.gradient import ExponentiatedMembers, GradientMembers, Moved
from assent.hypotheses.logistic import LogisticHead
from assent.hypotheses.logistic_coins import LogisticCoins
from assent.hypotheses.masked import Masked, MaskedFamilies
from assent.hypotheses.networks import Networks
from assent.hypotheses.newton import NewtonSoftmax
from assent.hypotheses.simplexes import Simplexes
from assent.hypotheses.supports import Supports
from assent.hypotheses.tables import Tables
from assent.hypotheses.twins import Twins
from assent.hypotheses.wrap import Wrapped
from assent.overseers.absent import Absent
from assent.overseers.demonstrator import Demonstrator
from assent.overseers.noisy import Noisy
from assent.overseers.scripted import Scripted
from assent.peers.cloner import Cloner
from assent.peers.conformal import ConformalSingleton
from assent.peers.dagger import Dagger
from assent.peers.discrepancy import CountedDiscrepancy, LinearDiscrepancy
from assent.peers.lazy_dagger import LazyDagger
from assent.peers.safe_dagger import EnsembleDagger, SafeDagger
from assent.peers.thrifty_dagger import ThriftyDagger
from assent.worlds.stream import Stream

LEADING: tuple[type[Any], ...] = (core.RatioSet, core.AlphaSet, core.TopK, core.Everyone)
RULES: tuple[type[Any], ...] = (
    core.Minimum,
    core.Mixture,
    core.Rotation,
    core.Veto,
    core.Confidence,
    core.Margin,
    core.Entropy,
    core.Variance,
    core.Vote,
    core.Tolerance,
)
GUARDS: tuple[type[Any], ...] = (
    core.MinLeaders,
    core.Readable,
    core.NotHalted,
    core.SureAbove,
    core.OneAnswer,
    core.Audit,
    core.Guardrail,
)
TALLIED: tuple[type[Any], ...] = (
    core.HarmonicAudit,
    core.ContextAudit,
    core.AskFirst,
    core.Vetoed,
    core.Unexplained,
    core.Stakes,
    Every,
    Doubling,
    OnAlarm,
    core.RiskCap,
    Completed,
)
HYPOTHESES: tuple[type[Any], ...] = (
    Tables,
    Simplexes,
    Supports,
    LogisticHead,
    LogisticCoins,
    BootstrapCounts,
    Networks,
    Wrapped,
)
ENSEMBLES: tuple[type[Any], ...] = (FourierSoftmax, NewtonSoftmax, Planted, GradientMembers, ExponentiatedMembers)
OVERSEERS: tuple[type[Any], ...] = (Demonstrator, Noisy, Absent, Scripted)
WORLDS: tuple[type[Any], ...] = (Stream,)
LAB_WORLDS: tuple[str, ...] = (
    "assent.worlds.ring:Ring",
    "assent.worlds.corridor:Corridor",
    "assent.worlds.tabular:Tabular",
    "assent.worlds.cart_pole:CartPole",
    "assent.worlds.grid.engine:GridWorld",
    "assent.worlds.hand_of_god:HandOfGod",
)
"""Worlds written in JAX, by import path, so that reading the catalogue does not import JAX."""
AGENTS: tuple[type[Any], ...] = (
    Imitator,
    Restarting,
    Cloner,
    Dagger,
    SafeDagger,
    EnsembleDagger,
    LazyDagger,
    ThriftyDagger,
    ConformalSingleton,
)
LAB_HYPOTHESES: tuple[str, ...] = (
    "assent.hypotheses.rewards.members:RewardMembers",
    "assent.hypotheses.context_tree:ContextTrees",
    "assent.committees.committee:Committee",
)
LAB_AGENTS: tuple[str, ...] = ("assent.agents.hand_of_god:HandOfGod", "assent.peers.deferral:Deferral")
"""Those that plan in NumPy and SciPy, by import path: the runtime does without."""

TRACED: tuple[type[Any], ...] = (
    *LEADING,
    *RULES,
    *GUARDS,
    *TALLIED,
    *HYPOTHESES,
    *ENSEMBLES,
    *OVERSEERS,
    *WORLDS,
    *AGENTS,
    core.Assent,
    core.Answer,
    core.Belief,
    core.Context,
    core.Done,
    core.Evidence,
    Masked,  # it sees pairs: tests/hypotheses/test_masked.py has its checks
    MaskedFamilies,
    Moved,
    core.Residual,
    core.Decision,
    core.Verdict,
    Proposal,
    CountedDiscrepancy,
    LinearDiscrepancy,
    Twins,  # its observations are no vectors: tests/hypotheses/test_twins.py has its checks
)
"""Classes that importing `assent.lab` registers with JAX."""
