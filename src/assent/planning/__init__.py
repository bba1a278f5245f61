"""Planning for an agent that does not know its reward: finite worlds, solvers, certified verdicts, and exact oracles to check them."""
