"""Overseers: who knows. One kind a file."""
