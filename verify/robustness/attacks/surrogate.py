"""The attacker's own network, trained on what another one answers."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

_HIDDEN: Final = 256
_BATCH: Final = 128
_RATE, _DECAY = 2e-3, 1e-4


def train_surrogate(points: Tensor, answers: Tensor, steps: int, seed: int) -> nn.Module:
    """A network of one hidden layer that answers as the target did: ``points`` ``(N, ...)``, ``answers`` ``(N,)`` its classes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Flatten(), nn.Linear(points[0].numel(), _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, int(answers.max()) + 1)
        )
        weights = list(network.parameters())
        adam = _Adam(weights)
        for _ in range(steps):
            batch = torch.randint(len(points), (_BATCH,))
            loss = nn.functional.cross_entropy(network(points[batch]), answers[batch])
            adam.step(torch.autograd.grad(loss, weights))
    return network.eval().requires_grad_(requires_grad=False)


class _Adam:
    """Adam (Kingma and Ba 2015) with decay of weights.

    That of ``torch.optim`` loads PyTorch's compiler with its first step, which takes longer than the whole training here.
    """

    def __init__(self, weights: list[nn.Parameter]) -> None:
        self._weights = weights
        self._first = [torch.zeros_like(each) for each in weights]
        self._second = [torch.zeros_like(each) for each in weights]
        self._steps = 0

    def step(self, gradients: tuple[Tensor, ...]) -> None:
        self._steps += 1
        of_first, of_second = 1 - 0.9**self._steps, 1 - 0.999**self._steps
        with torch.no_grad():
            for weight, gradient, first, second in zip(self._weights, gradients, self._first, self._second, strict=True):
                decayed = gradient + _DECAY * weight
                first.lerp_(decayed, 0.1)
                second.mul_(0.999).addcmul_(decayed, decayed, value=0.001)
                weight.addcdiv_(first, (second / of_second).sqrt_().add_(1e-8), value=-_RATE / of_first)
