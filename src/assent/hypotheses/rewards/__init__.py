"""Hypotheses about what is wanted: reward functions over places and actions, and what an overseer would show under each."""
