"""Checks: what everything of a kind has to do, whoever wrote it. Run them over your own rule, guard, world or agent.

Each check takes an object (or a class, of which it makes one; see `examples`), returns None, and raises AssertionError with a
sentence that names what was violated. They need no test framework. The project's own tests run them over everything in
`assent.catalogue`.

>>> from assent.core import Minimum
>>> check_rule(Minimum)
"""

from assent.checks.agents import check_agent as check_agent
from assent.checks.examples import NoExample as NoExample
from assent.checks.examples import example as example
from assent.checks.guards import check_guard as check_guard
from assent.checks.hypotheses import check_hypotheses as check_hypotheses
from assent.checks.leading import check_leading_set as check_leading_set
from assent.checks.overseers import check_overseer as check_overseer
from assent.checks.rules import check_rule as check_rule
from assent.checks.tallied import check_tallied as check_tallied
from assent.checks.worlds import check_world as check_world
