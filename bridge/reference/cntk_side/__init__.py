"""What runs inside CNTK's Python 3.6: copied into a private folder for each evaluation, imported from there and nowhere else."""
