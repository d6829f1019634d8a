"""Readings from files: one source a file, each line that cannot be used named with its reason."""
