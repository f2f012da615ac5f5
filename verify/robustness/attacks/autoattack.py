"""AutoAttack itself (Croce and Hein 2020), the ensemble that published figures are measured with: an extra."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Final

import torch
from torch import Tensor

from bridge.errors import InvalidOptionError, UsageError
from verify.robustness.attacks.gradient import GradientTarget, every_row
from verify.robustness.projection import project
from verify.robustness.threat import Norm, Threat

_NAME: Final = "pyautoattack"
_MISSING: Final = "the gold tier takes AutoAttack: pip install 'cntk-bridge[robustness-gold]'"
_TARGETS: Final = 9
"""Classes that its targeted attacks aim at, or as many as there are others."""


def autoattack_version() -> str:
    """The library with its version, as reports name it."""
    try:
        return f"{_NAME} {version(_NAME)}"
    except PackageNotFoundError:
        return _NAME


def require_library() -> None:
    """Raises ``UsageError`` where the library is not installed: before hours of other attacks, not after them."""
    if find_spec(_NAME) is None:
        raise UsageError(_MISSING)


def require_images(shape: tuple[int, ...], threat: Threat, *, alone: bool) -> None:
    """Raises ``InvalidOptionError`` for samples of ``shape`` ``(N, ...)`` that AutoAttack cannot attack.

    ``alone`` says whether the model has no further inputs: what AutoAttack moves does not say which sample it comes from.
    """
    if threat.norm is Norm.TOKENS or len(shape) != 4:
        raise InvalidOptionError(
            f"AutoAttack, which the gold tier adds, knows images alone, moved in the norms linf and l2; this input is {shape} in "
            f"{threat.norm}: take the standard tier"
        )
    if not alone:
        raise InvalidOptionError("AutoAttack, which the gold tier adds, knows models of one input alone: take the standard tier")


def ensemble(classes: int) -> tuple[str, ...]:
    """The attacks of the standard version, in its order. The targeted ratio of logits is not defined below four classes."""
    if classes < 4:
        return ("apgd-ce", "fab-t", "square")
    return ("apgd-ce", "apgd-t", "fab-t", "square")


def autoattack(target: GradientTarget, x: Tensor, labels: Tensor, threat: Threat, *, seed: int) -> Tensor:
    """The examples of the ensemble, for images ``(N, C, H, W)`` in the range [0, 1] of AutoAttack's own.

    The range of the threat is scaled to that, and back. Raises ``UsageError`` where the library is not installed, and
    ``InvalidOptionError`` for anything but images.
    """
    require_images(tuple(x.shape), threat, alone=True)
    try:
        from pyautoattack import AutoAttack
    except ImportError as error:
        raise UsageError(_MISSING) from error
    width = threat.high - threat.low
    rows = every_row(x)[:1]

    def scaled(moved: Tensor) -> Tensor:
        return target(moved * width + threat.low, rows.expand(len(moved)))

    norm = "Linf" if threat.norm is Norm.LINF else "L2"
    attack = AutoAttack(scaled, device="cpu", eps=threat.epsilon / width, norm=norm, seed=seed, version="standard")
    with torch.no_grad():
        classes = scaled((x[:1] - threat.low) / width).shape[1]
    attack.attacks_to_run = list(ensemble(classes))
    attack.apgd_targeted.n_target_classes = attack.fab.n_target_classes = min(_TARGETS, classes - 1)
    with torch.random.fork_rng(devices=[]):
        found, _ = attack.run_standard_evaluation((x - threat.low) / width, labels, batch_size=len(x))
    # Scaling forth and back rounds, which may end outside the ball by the last digit.
    return project(found * width + threat.low, x, threat)
