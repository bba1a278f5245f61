"""Hypothesis classes: what may be believed about the overseer, one class a file."""
