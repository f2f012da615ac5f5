"""Recurrent layers that torch.nn does not have; the order of gates is ONNX's."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Activation = Callable[[Tensor], Tensor]


class Cells(nn.Module):
    """The parameters of a recurrent layer with several gates."""

    def __init__(
        self, gates: int, input_size: int, hidden_size: int, dtype: torch.dtype
    ) -> None:
        super().__init__()
        rows = gates * hidden_size
        self.hidden_size = hidden_size
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size, dtype=dtype))
        self.weight_hh = nn.Parameter(torch.empty(rows, hidden_size, dtype=dtype))
        self.bias_ih = nn.Parameter(torch.empty(rows, dtype=dtype))
        self.bias_hh = nn.Parameter(torch.empty(rows, dtype=dtype))

    def zeros(self, x: Tensor) -> Tensor:
        """The state before the first step: [N, H]."""
        return x.new_zeros(x.shape[0], self.hidden_size)


class RNNCells(Cells):
    """A plain recurrent layer over x [N, T, I] with an activation of its own."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        activations: tuple[Activation] = (torch.tanh,),
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(1, input_size, hidden_size, dtype)
        self.activations = activations

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        h = self.zeros(x) if state is None else state[0]
        from_input = F.linear(x, self.weight_ih, self.bias_ih)
        steps = []
        for step in from_input.unbind(1):
            h = self.activations[0](step + F.linear(h, self.weight_hh, self.bias_hh))
            steps.append(h)
        return torch.stack(steps, dim=1), h


class GRUCells(Cells):
    """A GRU over x [N, T, I] that resets the state before its product.

    nn.GRU resets what the product yields; so does this with linear_before_reset.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        activations: tuple[Activation, Activation] = (torch.sigmoid, torch.tanh),
        linear_before_reset: bool = False,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(3, input_size, hidden_size, dtype)
        self.activations = activations
        self.linear_before_reset = linear_before_reset

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        gate, squash = self.activations
        split = 2 * self.hidden_size
        gates_hh, new_hh = self.weight_hh[:split], self.weight_hh[split:]
        gates_bias, new_bias = self.bias_hh[:split], self.bias_hh[split:]
        h = self.zeros(x) if state is None else state[0]
        from_input = F.linear(x, self.weight_ih, self.bias_ih)
        steps = []
        for step in from_input.unbind(1):
            gates = gate(step[:, :split] + F.linear(h, gates_hh, gates_bias))
            update, reset = gates.chunk(2, dim=1)
            if self.linear_before_reset:
                from_state = reset * F.linear(h, new_hh, new_bias)
            else:
                from_state = F.linear(reset * h, new_hh, new_bias)
            h = (1 - update) * squash(step[:, split:] + from_state) + update * h
            steps.append(h)
        return torch.stack(steps, dim=1), h


class LSTMCells(Cells):
    """An LSTM over x [N, T, I] with other activations, or with peepholes."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        activations: tuple[Activation, Activation, Activation] = (
            torch.sigmoid,
            torch.tanh,
            torch.tanh,
        ),
        peepholes: bool = False,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(4, input_size, hidden_size, dtype)
        self.activations = activations
        self.peepholes = (
            nn.Parameter(torch.empty(3, hidden_size, dtype=dtype))
            if peepholes
            else None
        )

    def forward(
        self, x: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        gate, squash, squash_cell = self.activations
        h, c = (self.zeros(x),) * 2 if state is None else (state[0][0], state[1][0])
        peepholes = (0.0, 0.0, 0.0) if self.peepholes is None else self.peepholes
        from_input = F.linear(x, self.weight_ih, self.bias_ih)
        steps = []
        for step in from_input.unbind(1):
            parts = step + F.linear(h, self.weight_hh, self.bias_hh)
            enter, leave, forget, new = parts.chunk(4, dim=1)
            enter = gate(enter + peepholes[0] * c)
            forget = gate(forget + peepholes[2] * c)
            c = forget * c + enter * squash(new)
            h = gate(leave + peepholes[1] * c) * squash_cell(c)
            steps.append(h)
        return torch.stack(steps, dim=1), h
