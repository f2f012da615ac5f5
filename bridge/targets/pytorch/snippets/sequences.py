"""What generated files need for padded sequences."""

import torch
from torch import Tensor, nn


def sequence_lengths(x: Tensor, lengths: Tensor | None) -> Tensor:
    """True lengths of the padded sequences x [N, T, ...]: full where none are given."""
    if lengths is None:
        return torch.full((x.shape[0],), x.shape[1], device=x.device)
    return lengths.clamp(max=x.shape[1]).expand(x.shape[0])


def real_steps(x: Tensor, lengths: Tensor) -> Tensor:
    """True on the real steps of x [N, T, ...], False on padding: [N, T]."""
    return torch.arange(x.shape[1], device=x.device) < lengths.unsqueeze(1)


def ragged_mask(x: Tensor, lengths: Tensor | None) -> Tensor | None:
    """True on the real steps of x [N, T, ...]: [N, T]; None where all of them are."""
    return None if lengths is None else real_steps(x, lengths)


def masked(x: Tensor, mask: Tensor | None, fill: float = 0.0) -> Tensor:
    """The sequences x [N, T, ...] with fill on padded steps."""
    if mask is None:
        return x
    return torch.where(mask.view(*mask.shape, *[1] * (x.dim() - 2)), x, fill)


def reversed_steps(x: Tensor, mask: Tensor | None) -> Tensor:
    """Each sequence of x [N, T, ...] backwards; its padding stays behind it."""
    if mask is None:
        return x.flip(1)
    steps = torch.arange(x.shape[1], device=x.device)
    last = mask.sum(1, keepdim=True) - 1
    return steps_at(x, torch.where(steps <= last, last - steps, steps))


def steps_at(x: Tensor, steps: Tensor) -> Tensor:
    """The steps of x [N, T, ...] that steps [N, M] names: [N, M, ...]."""
    return x[torch.arange(x.shape[0], device=x.device).unsqueeze(1), steps]


def run_layer(
    layer: nn.Module,
    x: Tensor,
    mask: Tensor | None,
    state: Tensor | tuple[Tensor, Tensor] | None = None,
    *,
    reverse: bool = False,
) -> Tensor:
    """A recurrent layer over padded sequences; results are 0 behind their ends."""
    if reverse:
        x = reversed_steps(x, mask)
    result: Tensor = layer(x, state)[0]
    if reverse:
        result = reversed_steps(result, mask)
    return masked(result, mask)
