"""Single operators, one file per family; every family has `CASES`, folder name to the function that builds the case."""
