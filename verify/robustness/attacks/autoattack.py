"""AutoAttack itself (Croce and Hein 2020), the ensemble that published figures are measured with: an extra."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Final

import torch
from torch import Tensor

from bridge.errors import InvalidOptionError, UsageError
from verify.robustness.attacks.gradient import GradientTarget, every_row
from verify.robustness.threat import Norm, Threat

_NAME: Final = "pyautoattack"


def autoattack_version() -> str:
    """The library with its version, as reports name it."""
    try:
        return f"{_NAME} {version(_NAME)}"
    except PackageNotFoundError:
        return _NAME


def autoattack(target: GradientTarget, x: Tensor, labels: Tensor, threat: Threat, *, seed: int) -> Tensor:
    """The examples of the standard ensemble, for images ``(N, C, H, W)`` in the range [0, 1] of AutoAttack's own.

    The range of the threat is scaled to that, and back. It attacks models of one input: what it moves carries no row numbers.
    Raises ``UsageError`` where the library is not installed.
    """
    try:
        from pyautoattack import AutoAttack  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise UsageError("the gold tier takes AutoAttack: pip install 'cntk-bridge[robustness-gold]'") from error
    if threat.norm is Norm.TOKENS or x.dim() != 4:
        raise InvalidOptionError(f"AutoAttack knows images alone, moved in the norms linf and l2; this input is {tuple(x.shape)}")
    width = threat.high - threat.low
    rows = every_row(x)[:1]

    def scaled(moved: Tensor) -> Tensor:
        return target(moved * width + threat.low, rows.expand(len(moved)))

    norm = "Linf" if threat.norm is Norm.LINF else "L2"
    attack = AutoAttack(scaled, device="cpu", eps=threat.epsilon / width, norm=norm, seed=seed, version="standard")
    with torch.random.fork_rng(devices=[]):
        found = attack.run_standard_evaluation((x - threat.low) / width, labels, batch_size=len(x))
    examples: Tensor = (found[0] if isinstance(found, tuple) else found) * width + threat.low
    return examples
