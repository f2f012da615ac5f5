"""Whole networks, one file each; every file has `build`, which returns the case."""
