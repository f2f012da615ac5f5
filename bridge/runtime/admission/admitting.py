"""``admit``: a model's bytes, and the files beside it, held against every check before an engine sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.package.interface import Interface
from bridge.runtime.admission.model import OnnxModel
from bridge.runtime.admission.reading import read_model
from bridge.runtime.admission.registry import CHECKS, Check
from bridge.runtime.admission.subject import Subject
from bridge.runtime.limits import ModelLimits

_MAKER = object()


class AdmittedModel:
    """A model that passed every check: ``model`` and ``external`` are the bytes that were checked. ``admit`` alone makes one."""

    def __init__(self, maker: object, model: memoryview, external: Mapping[str, memoryview], parsed: OnnxModel) -> None:
        if maker is not _MAKER:
            raise TypeError("admitted models are made by admit alone")
        self.model = model
        self.external = external
        self.parsed = parsed

    def part(self, model: bytes, limits: ModelLimits) -> AdmittedModel:
        """``model``, which was made of a part of this one's nodes and weights and of nothing else, beside the same files."""
        view = memoryview(model)
        return AdmittedModel(_MAKER, view, self.external, read_model(view, limits))


@dataclass(frozen=True, slots=True)
class Examination:
    """Which checks are applied; all of them, but where tests show what each one is for."""

    checks: Sequence[Check] = CHECKS

    def admit(
        self, model: memoryview, external: Mapping[str, memoryview], limits: ModelLimits, interface: Interface | None = None
    ) -> AdmittedModel:
        """See ``admit``."""
        parsed = read_model(model, limits)
        subject = Subject(parsed, external, limits, interface)
        for check in self.checks:
            check.function(subject)
        return AdmittedModel(_MAKER, model, external, parsed)


def admit(
    model: memoryview, external: Mapping[str, memoryview], limits: ModelLimits, interface: Interface | None = None
) -> AdmittedModel:
    """Hold an ONNX model against every check. ``external`` are the verified files beside it, by the names in their package.

    Raises ``RefusedModelError`` with the check's name, the place, what was expected and what was found. Nothing is run or
    opened, and neither time nor memory exceed a small multiple of the model's own size.
    """
    return Examination().admit(model, external, limits, interface)
