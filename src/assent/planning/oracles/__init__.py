"""Exact answers to check the planners with: closed forms, lattices and history trees in NumPy and fractions, without JAX."""
