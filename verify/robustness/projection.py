"""Steps, starts and projections in the ball of a threat, each sample by itself: tensors are ``(N, ...)``."""

from __future__ import annotations

import torch
from torch import Tensor

from verify.robustness.threat import Norm, Threat

_SHORTEST = 1e-12


def lengths(perturbations: Tensor) -> Tensor:
    """The Euclidean length of each sample's perturbation, of shape ``(N, 1, ...)``, never 0 so that one can divide by it."""
    flat = perturbations.flatten(1).norm(dim=1).clamp_min(_SHORTEST)
    reshaped: Tensor = flat.view(-1, *[1] * (perturbations.dim() - 1))
    return reshaped


def project(moved: Tensor, x: Tensor, threat: Threat, mask: Tensor | None = None) -> Tensor:
    """The point of the ball around ``x``, and of the box, that ``moved`` is brought to; where ``mask`` is 0 it is ``x`` itself.

    For the Euclidean ball the perturbation is shortened first and clipped to the box afterwards, which keeps it in both.
    """
    delta = moved - x if mask is None else (moved - x) * mask
    if threat.norm is Norm.LINF:
        delta = delta.clamp(-threat.epsilon, threat.epsilon)
    else:
        delta = delta * (threat.epsilon / lengths(delta)).clamp_max(1.0)
    # A sample that lies outside the box to begin with stays where it is: clipping it would be a perturbation of its own.
    return torch.minimum(torch.maximum(x + delta, x.clamp_max(threat.low)), x.clamp_min(threat.high))


def direction(gradient: Tensor, norm: Norm) -> Tensor:
    """The step of length one along ``gradient``: its signs, or itself at unit length."""
    return gradient.sign() if norm is Norm.LINF else gradient / lengths(gradient)


def random_start(x: Tensor, threat: Threat, generator: torch.Generator, mask: Tensor | None = None) -> Tensor:
    """A point of the ball drawn by ``generator``, uniformly for the maximum norm, along a random direction for the Euclidean."""
    if threat.norm is Norm.LINF:
        drawn = torch.rand(x.shape, generator=generator, dtype=x.dtype).to(x.device)
        delta = (2 * drawn - 1) * threat.epsilon
    else:
        drawn = torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device)
        delta = drawn if mask is None else drawn * mask
        share = torch.rand(len(x), generator=generator, dtype=x.dtype).to(x.device).view(-1, *[1] * (x.dim() - 1))
        delta = delta / lengths(delta) * (share * threat.epsilon)
    return project(x + delta, x, threat, mask)
