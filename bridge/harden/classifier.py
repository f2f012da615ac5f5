"""A converted module as what attacks and training want: an input to logits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from bridge.errors import InvalidInputsError, InvalidOptionError
from bridge.harden.samples import Array, Samples
from bridge.package.interface import Interface


class Classifier(nn.Module):
    """``module`` asked by one input for one output: ``[N, ...]`` to logits ``[N, C]``. Its other inputs are left out."""

    def __init__(self, module: nn.Module, input_name: str, output_name: str) -> None:
        super().__init__()
        self.module = module
        self.input_name = input_name
        self.output_name = output_name

    def forward(self, x: Tensor, rows: Tensor | None = None) -> Tensor:
        """The logits. ``rows`` says which samples these are, which matters to no model with one input."""
        del rows
        logits: Tensor = self.module(**{self.input_name: x})[self.output_name]
        return logits.flatten(1)


def interface_names(interface: Interface, input_name: str | None, output_name: str | None) -> tuple[str, str]:
    """The input to perturb and the output with the classes: those named, or the only ones. Raises ``InvalidOptionError``."""
    required = [tensor for tensor in interface.inputs if not tensor.optional]
    if len(required) != 1:
        raise InvalidOptionError(
            f"the model needs the inputs {', '.join(repr(tensor.name) for tensor in required)}; expected a single one"
        )
    if input_name not in (None, required[0].name):
        raise InvalidOptionError(f"no input {input_name!r}; this model has {required[0].name!r}")
    if required[0].dtype != "float32":
        raise InvalidOptionError(f"the input {required[0].name!r} holds {required[0].dtype}; one of float32 can be perturbed")
    outputs = [tensor.name for tensor in interface.outputs]
    if output_name is None and len(outputs) > 1:
        raise InvalidOptionError(f"the model has the outputs {', '.join(map(repr, outputs))}; name the one with the classes")
    if output_name not in (None, *outputs):
        raise InvalidOptionError(f"no output {output_name!r}; this model has {', '.join(map(repr, outputs))}")
    return required[0].name, output_name or outputs[0]


def tensors(samples: Samples) -> tuple[Tensor, Tensor]:
    """Samples as float32 and int64 tensors, sharing no memory with them."""
    return torch.tensor(samples.x, dtype=torch.float32), torch.tensor(samples.y)


@contextmanager
def evaluating(classifier: Classifier) -> Iterator[None]:
    """Every layer in evaluation, and as it was before in the end: some are kept in evaluation while others train."""
    training = [module for module in classifier.modules() if module.training]
    classifier.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def require_fit(classifier: Classifier, samples: Samples) -> int:
    """The number of classes. Raises ``InvalidInputsError`` for samples that the model does not take, or has no class for."""
    try:
        with evaluating(classifier), torch.no_grad():
            classes = int(classifier(torch.tensor(samples.x[:2], dtype=torch.float32)).shape[1])
    except (RuntimeError, IndexError, ValueError) as error:
        raise InvalidInputsError(f"the model does not take samples of shape {list(samples.x.shape[1:])}: {error}") from error
    if int(samples.y.max()) >= classes:
        raise InvalidInputsError(f"a sample is of class {int(samples.y.max())}; the model has {classes} classes")
    return classes


def logits_of(classifier: Classifier, x: Array, batch: int = 512) -> Array:
    """The logits of ``x`` ``[N, ...]`` in evaluation, as numpy ``[N, C]``."""
    classifier.eval()
    with torch.no_grad():
        found = [classifier(torch.tensor(x[start : start + batch], dtype=torch.float32)) for start in range(0, len(x), batch)]
    made: Array = torch.cat(found).numpy()
    return made
