"""Keeping a model in service: new versions without a gap, a way back, a circuit breaker, and another model to fall back to."""
