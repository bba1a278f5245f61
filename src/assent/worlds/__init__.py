"""Worlds: what is acted in. One world a file."""
