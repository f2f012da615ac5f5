"""The rules that a model has to pass, one concept per file. Each function raises ``RefusedModelError`` for the first fault."""
