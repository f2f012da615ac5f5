"""Builds networks with the real CNTK 2.7; this package runs inside CNTK's Python 3.6 and nowhere else."""
