"""The CNTK graph as data, and the passes over it. Knows the standard library and numpy alone."""
