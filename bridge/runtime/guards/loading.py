"""A package loaded behind guards, which a file of whoever serves it configures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bridge.light_import import import_onnx_ir
from bridge.runtime.guards.configuration import read_guards
from bridge.runtime.guards.distribution import Features
from bridge.runtime.guards.features import features_model, onnx_features
from bridge.runtime.guards.guarded import GuardedModel
from bridge.runtime.guards.reference_bank import BANK_BYTES_AT_MOST
from bridge.runtime.limits import DEFAULT_RUNTIME_LIMITS, RuntimeLimits
from bridge.runtime.loading import load_in_process
from bridge.runtime.opening import open_package
from bridge.trust.provenance.yaml_document import YAML_BYTES_AT_MOST
from bridge.trust.small_files import StrPath, read_small_file

if TYPE_CHECKING:
    from bridge.trust.policy.model import Policy


def load_guarded(
    package: StrPath,
    guards: StrPath,
    *,
    policy: Policy,
    limits: RuntimeLimits = DEFAULT_RUNTIME_LIMITS,
    allow_unsigned: bool = False,
) -> GuardedModel:
    """The model of ``package`` in this process, behind the guards of the file ``guards``; banks are files in the same folder.

    The features of a distribution guard are computed by the model's own first layers, from the bytes that were verified. Raises
    what ``bridge.load`` raises, and what ``read_guards`` does.
    """
    place = Path(guards)

    def file(name: str) -> bytes:
        return read_small_file(place.parent / name, what=f"the guards' file {name}", most=BANK_BYTES_AT_MOST)

    with open_package(package, policy, limits, allow_unsigned=allow_unsigned) as opened:
        data = bytes(opened.admitted.model)

        def features(input_name: str) -> Features:
            return onnx_features(_first_layers(data), input_name)

        text = read_small_file(place, what="the guards", most=YAML_BYTES_AT_MOST)
        pipeline = read_guards(text, opened.interface, file, features)
        return GuardedModel(load_in_process(opened, limits), pipeline)


def _first_layers(data: bytes) -> bytes:
    """The model up to its last layer, as an ONNX file. Its weights have to be inside: those beside it are not looked for."""
    import_onnx_ir()
    import onnx
    import onnx_ir as ir

    made: bytes = ir.to_proto(features_model(ir.from_proto(onnx.ModelProto.FromString(data)))).SerializeToString()
    return made
