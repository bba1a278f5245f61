"""Committees: how many members are had for how much compute, and how many independent ones they are worth."""
