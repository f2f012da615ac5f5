"""The user's labelled samples, in the form of ``bridge attack``, split by class into training, validation and test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bridge.attacking import data
from bridge.attacking.served import Place
from bridge.errors import InvalidInputsError, InvalidOptionError
from bridge.package.interface import Interface, Tensor
from verify.robustness.attacks.token_substitution import is_one_hot
from verify.robustness.samples import Samples as Attacked

Array: TypeAlias = npt.NDArray[Any]
Labels: TypeAlias = npt.NDArray[np.int64]

PERTURBED = ("float32", "float64")
"""The element types of an input that can be perturbed."""


@dataclass(frozen=True, slots=True)
class Samples:
    """``x`` ``[N, ...]`` as the model's input takes it, ``y`` ``[N]`` the classes, from 0.

    ``others`` are further inputs by name, each with one entry for a sample, such as the lengths of padded sequences. ``mask``,
    which broadcasts against ``x``, is 0 where nothing may be moved: behind the end of a sequence.
    """

    x: Array
    y: Labels
    others: Mapping[str, Array] = field(default_factory=dict)
    mask: Array | None = None

    def __len__(self) -> int:
        return len(self.y)

    def at(self, rows: npt.NDArray[np.intp]) -> Samples:
        """Those samples alone."""
        mask = None if self.mask is None else self.mask[rows]
        return Samples(self.x[rows], self.y[rows], {name: value[rows] for name, value in self.others.items()}, mask)

    def first(self, count: int) -> Samples:
        """The first ``count``, or all."""
        return self.at(np.arange(min(count, len(self))))

    def feeds(self, input_name: str) -> dict[str, Array]:
        """What a model is fed, whose input for ``x`` has that name."""
        return {input_name: self.x, **self.others}

    def attacked(self, input_name: str) -> Attacked:
        """The same for the attacks of ``verify.robustness``."""
        return Attacked(input_name, self.x, self.y, dict(self.others), self.mask)


@dataclass(frozen=True, slots=True)
class Labelled:
    """All samples of a file of that ``sha256``, and which input and output of the model they are for.

    ``stated`` is the range that the interface gives the input, where it does.
    """

    samples: Samples
    input_name: str
    output_name: str
    sha256: str
    stated: tuple[float, float] | None = None

    def value_range(self) -> tuple[float, float]:
        """The least and the greatest value: as the interface states them, or else those of the samples."""
        return self.stated or (float(self.samples.x.min()), float(self.samples.x.max()))

    def require_inside(self, low: float, high: float) -> None:
        """Raise ``InvalidInputsError`` for samples beyond the range: one of the two is in other units, and epsilon with it."""
        least, greatest, slack = float(self.samples.x.min()), float(self.samples.x.max()), 1e-5 * (high - low)
        if least < low - slack or greatest > high + slack:
            raise InvalidInputsError(
                f"x holds values from {least:.6g} to {greatest:.6g}; the range is {low:.6g} to {high:.6g}: say --range, in the "
                "units of the input"
            )


@dataclass(frozen=True, slots=True)
class Split:
    """``validation`` chooses when training stops; ``test`` has no part in any choice, and is what is reported."""

    training: Samples
    validation: Samples
    test: Samples


def read_labelled(path: Path, interface: Interface, input_name: str | None = None, output_name: str | None = None) -> Labelled:
    """What is in the file for a model of that interface. ``docs/robustness.md`` has the form, which ``bridge attack`` takes too.

    Raises ``InvalidInputsError`` for what cannot be used, and ``InvalidOptionError`` for a model without such an input or output,
    or none that can be perturbed.
    """
    output = _output(interface, output_name)
    places = {tensor.name: _place(tensor) for tensor in interface.inputs}
    if input_name is not None and input_name not in places:
        raise InvalidOptionError(f"no input {input_name!r}; this model has {', '.join(map(repr, places))}")
    try:
        found, sha256 = data.read_samples(path, places, _place(output), input_name or "")
    except InvalidOptionError as error:
        sentence = str(error)
        raise InvalidInputsError(sentence if str(path) in sentence else f"{path}: {sentence}") from error
    _refuse_unfit(path, found, places[found.name])
    mask = None if found.mask is None else np.broadcast_to(found.mask, found.x.shape)
    samples = Samples(found.x, found.labels.astype(np.int64), dict(found.others), mask)
    low, high = places[found.name].low, places[found.name].high
    stated = None if low is None or high is None else (low, high)
    return Labelled(samples, found.name, output.name, sha256, stated)


def _output(interface: Interface, name: str | None) -> Tensor:
    """The output with the classes: that which is named, or the only one that has scores for each sample."""
    told = ", ".join(f"{tensor.name!r} {list(tensor.shape)}" for tensor in interface.outputs)
    if name is not None:
        found = [tensor for tensor in interface.outputs if tensor.name == name]
        if not found:
            raise InvalidOptionError(f"no output {name!r}; this model has {told}")
    else:
        scores = [tensor for tensor in interface.outputs if len(tensor.shape) > 1 and tensor.dtype.startswith("float")]
        found = [tensor for tensor in scores if not data.gives_steps(_place(tensor))] or scores
        if len(found) != 1:
            raise InvalidOptionError(f"the model has the outputs {told}; name the one with the classes: --output")
    if data.gives_steps(_place(found[0])):
        raise InvalidOptionError(
            f"output {found[0].name!r} {list(found[0].shape)} has scores for every step of a sequence; models are hardened that "
            "give one class for each sample: `bridge attack` measures such a model, and harden takes another of its outputs"
        )
    if found[0].shape[-1] == 1 and all(extent == 1 for extent in found[0].shape[1:]):
        raise InvalidOptionError(f"output {found[0].name!r} has one score for each sample; hardening takes two classes or more")
    return found[0]


def _place(tensor: Tensor) -> Place:
    return Place(
        tensor.name, np.dtype(tensor.dtype), tensor.shape, tensor.optional, tensor.minimum, tensor.maximum, tensor.lengths
    )


def _refuse_unfit(path: Path, found: Attacked, place: Place) -> None:
    if place.dtype.name not in PERTURBED:
        way_out = (
            "convert it with its tokens as one-hot vectors (without --index-inputs), or with its embeddings for an input"
            if place.dtype.kind in "iu"
            else "convert it from a model of float32"
        )
        raise InvalidOptionError(
            f"the input {place.name!r} holds {place.dtype.name}, which no small step changes; {' and '.join(PERTURBED)} can be "
            f"perturbed: {way_out}"
        )
    for name, value in found.others.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise InvalidInputsError(f"{path}: {name} holds values that are not finite")


def are_tokens(samples: Samples) -> bool:
    """Whether ``x`` is one-hot at every step: ``[N, T, V]``."""
    return is_one_hot(samples.x, samples.mask)


def split(samples: Samples, *, seed: int, validation: float = 0.15, test: float = 0.25) -> Split:
    """Split every class by the same shares, in an order drawn by ``seed``. Raises ``InvalidInputsError`` for too few samples."""
    generator = np.random.default_rng(seed)
    parts: tuple[list[npt.NDArray[np.intp]], ...] = ([], [], [])
    labels = np.unique(samples.y)
    if len(labels) < 2:
        raise InvalidInputsError(f"all {len(samples)} samples are of class {labels[0]}: there is nothing to tell apart")
    for label in labels:
        rows = generator.permutation(np.flatnonzero(samples.y == label))
        first = max(1, round(len(rows) * validation))
        second = first + max(1, round(len(rows) * test))
        if second >= len(rows):
            raise InvalidInputsError(
                f"{len(rows)} sample(s) of class {label}: too few to train, validate and test with; expected three or more"
            )
        for part, chosen in zip(parts, (rows[second:], rows[:first], rows[first:second]), strict=True):
            part.append(chosen)
    training, held, tested = (samples.at(np.sort(np.concatenate(part))) for part in parts)
    return Split(training, held, tested)
