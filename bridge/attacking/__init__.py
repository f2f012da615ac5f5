"""Puts a converted model, its twin and labelled data before the attacks of ``verify.robustness``."""

from bridge.attacking.attacking import attack
from bridge.attacking.options import AttackOptions

__all__ = ["AttackOptions", "attack"]
