"""Presets: a world, a committee and an overseer that belong together, ready to run. One preset a file."""
