"""The lowered graph as files."""
