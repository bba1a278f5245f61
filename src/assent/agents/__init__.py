"""Agents: a belief and a rule."""
